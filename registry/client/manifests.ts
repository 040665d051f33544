// Manifests of one registry: resolve, read, store, delete (distribution spec, "Pulling manifests", "Pushing Manifests",
// "Deleting Manifests"). Bytes are checked and kept as they are; what a HEAD says is believed only as a hint.
import { isError, WherryError } from '../../src/errors.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { algorithmOf, type Digest, digestOf, isDigest, parseDigest } from '../../src/oci/digest.ts';
import { type ManifestDocument, maxManifestSize, parseManifest } from '../../src/oci/manifest.ts';
import { isIndexType, isManifestType, mediaTypes } from '../../src/oci/media-types.ts';
import type { Need } from './auth/authenticator.ts';
import { type Host, statusOf } from './host.ts';
import { discardBody, type HttpResponse, readBody } from './wire/message.ts';
import { delayOf, pause } from './wire/retry.ts';

const accept = [mediaTypes.index, mediaTypes.manifest, mediaTypes.dockerIndex, mediaTypes.dockerManifest].join(', ');

/** What reading a repository needs. */
export function pullNeed(repository: string): Need {
  return { repository, scopes: [`repository:${repository}:pull`] };
}

/** What writing to a repository needs. */
export function pushNeed(repository: string): Need {
  return { repository, scopes: [`repository:${repository}:pull,push`] };
}

/** What deleting from a repository needs. */
function deleteNeed(repository: string): Need {
  return { repository, scopes: [`repository:${repository}:pull,delete`] };
}

/** `host/repository:tag` or `host/repository@digest`, for messages. */
export function nameOf(host: Host, repository: string, selector: string): string {
  return `${host.name}/${repository}${selector.includes(':') ? '@' : ':'}${selector}`;
}

/** Descriptor of a manifest: by HEAD, which registries do not count as a pull, else by GET. Errors as of `Registry`. */
export async function resolve(host: Host, repository: string, selector: string): Promise<Descriptor> {
  return (
    (await resolveByHead(host, repository, selector)) ?? (await getManifest(host, repository, selector)).descriptor
  );
}

/** Undefined where a HEAD does not tell (no digest, a refusal without a body): a GET will. */
async function resolveByHead(host: Host, repository: string, selector: string): Promise<Descriptor | undefined> {
  let response: HttpResponse;
  try {
    response = await host.call({
      action: `resolve "${nameOf(host, repository, selector)}"`,
      need: pullNeed(repository),
      to: { kind: 'get-manifest', repository, selector, head: true },
      headers: { accept },
      accept: [200],
      unknown: 'MANIFEST_UNKNOWN',
    });
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined || status === 401 || status === 404 || status === 429 || status >= 500) {
      if (status !== 501) throw error;
    }
    return undefined;
  }
  await discardBody(response);
  const said = response.headers.get('docker-content-digest');
  const digest = isDigest(selector) ? selector : said !== undefined && isDigest(said) ? said : undefined;
  const mediaType = response.headers.get('content-type')?.split(';')[0]?.trim() ?? '';
  const size = Number(response.headers.get('content-length') ?? Number.NaN);
  const usable = Number.isSafeInteger(size) && size > 0 && (isIndexType(mediaType) || isManifestType(mediaType));
  return digest === undefined || !usable ? undefined : { mediaType, digest, size };
}

/** A manifest's bytes, checked against the digest that was asked for. Errors as of `Registry`. */
export async function getManifest(host: Host, repository: string, selector: string): Promise<ManifestDocument> {
  const name = nameOf(host, repository, selector);
  const response = await host.call({
    action: `read manifest "${name}"`,
    need: pullNeed(repository),
    to: { kind: 'get-manifest', repository, selector, head: false },
    headers: { accept },
    accept: [200],
    unknown: 'MANIFEST_UNKNOWN',
  });
  const encoding = response.headers.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity') {
    response.body.destroy();
    throw new WherryError(
      'PROTOCOL_INVALID',
      `Cannot read manifest "${name}": it was sent with content encoding "${encoding}"`,
    );
  }
  const bytes = await readBody(response, maxManifestSize, `manifest "${name}"`);
  const type = response.headers.get('content-type') ?? '';
  if (!selector.includes(':')) return warned(host, name, parseManifest(bytes, type), response);
  const digest = parseDigest(selector);
  return parseManifest(bytes, type, { mediaType: type, digest, size: bytes.byteLength });
}

/** Many registries get Docker-Content-Digest wrong: the bytes are what counts. */
function warned(host: Host, name: string, manifest: ManifestDocument, response: HttpResponse): ManifestDocument {
  const said = response.headers.get('docker-content-digest');
  if (said === undefined || !isDigest(said) || said === digestOf(manifest.bytes, algorithmOf(said))) return manifest;
  host.transport.task.emit({
    kind: 'warning',
    message: `"${name}": the registry says its digest is "${said}", but it is "${manifest.descriptor.digest}"`,
  });
  return manifest;
}

/**
 * Stores a manifest under its digest, and under `tag` where given. Returns the digest of the subject that the registry
 * says it has noted (`OCI-Subject`). Errors as of `Registry`.
 */
export async function putManifest(
  host: Host,
  repository: string,
  { manifest, tag }: { readonly manifest: ManifestDocument; readonly tag: string | undefined },
): Promise<string | undefined> {
  const { digest } = manifest.descriptor;
  // A PUT by tag is stored under its sha256; any other digest has to be said.
  const selectors = tag === undefined ? [digest] : algorithmOf(digest) === 'sha256' ? [tag] : [digest, tag];
  let subject: string | undefined;
  for (const selector of selectors) {
    const response = await putWithPatience(host, repository, { manifest, selector });
    await discardBody(response);
    const said = response.headers.get('docker-content-digest');
    if (said !== undefined && isDigest(said) && algorithmOf(said) === algorithmOf(digest) && said !== digest)
      throw new WherryError(
        'DIGEST_MISMATCH',
        `Cannot write manifest "${nameOf(host, repository, selector)}": the registry stored "${said}" instead of "${digest}"`,
      );
    subject ??= response.headers.get('oci-subject');
  }
  return subject;
}

/** A registry that is only eventually consistent may not see a blob yet that it has just taken: tried again once. */
async function putWithPatience(
  host: Host,
  repository: string,
  { manifest, selector }: { readonly manifest: ManifestDocument; readonly selector: string },
): Promise<HttpResponse> {
  const { bytes, descriptor } = manifest;
  for (let attempt = 1; ; attempt++) {
    try {
      return await host.call({
        action: `write manifest "${nameOf(host, repository, selector)}"`,
        need: pushNeed(repository),
        to: { kind: 'put-manifest', repository, selector },
        headers: { 'content-type': descriptor.mediaType },
        body: { size: bytes.byteLength, open: () => [bytes] },
        accept: [201, 200, 202, 204],
      });
    } catch (error) {
      if (!isError(error, 'MANIFEST_BLOB_UNKNOWN', 'BLOB_UNKNOWN') || attempt >= 2) throw error;
      await pause(delayOf(host.patience, attempt), host.transport.task);
    }
  }
}

/** Removes a tag, or a manifest with its tags. Errors as of `Registry`. */
export async function deleteManifest(host: Host, repository: string, selector: string): Promise<void> {
  const name = nameOf(host, repository, selector);
  try {
    const response = await host.call({
      action: `delete "${name}"`,
      need: deleteNeed(repository),
      to: { kind: 'delete-manifest', repository, selector },
      accept: [200, 202, 204],
      unknown: 'MANIFEST_UNKNOWN',
    });
    await discardBody(response);
  } catch (error) {
    const byTag = !selector.includes(':');
    if (!byTag || !isError(error, 'UNSUPPORTED', 'DIGEST_INVALID')) throw error;
    throw new WherryError('UNSUPPORTED', `Cannot delete "${name}": this registry deletes by digest only`, {
      hint: 'Delete the digest; that takes all its tags along.',
      cause: error,
    });
  }
}

/** Removes a blob. Errors as of `Registry`. */
export async function deleteBlob(host: Host, repository: string, digest: Digest): Promise<void> {
  const response = await host.call({
    action: `delete blob "${nameOf(host, repository, digest)}"`,
    need: deleteNeed(repository),
    to: { kind: 'delete-blob', repository, digest },
    accept: [200, 202, 204],
    unknown: 'BLOB_UNKNOWN',
  });
  await discardBody(response);
}
