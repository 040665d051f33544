// Handlers for manifests (distribution spec, end-3, end-7, end-9). Bytes are kept and sent as they came.
import { WherryError } from '../../src/errors.ts';
import { type Digest, isDigest } from '../../src/oci/digest.ts';
import { type ManifestDocument, maxManifestSize, parseManifest } from '../../src/oci/manifest.ts';
import { formatEndpoint } from '../endpoint.ts';
import type { Of } from './blobs.ts';
import { answer, type Exchange, isUnchanged, readBody } from './exchange.ts';

export async function getManifest(
  exchange: Exchange,
  { repository, selector, head }: Of<'get-manifest'>,
): Promise<void> {
  const { mediaType, digest, size } = await exchange.backend.resolve(repository, selector);
  const etag = { etag: `"${digest}"`, 'docker-content-digest': digest };
  if (isUnchanged(exchange.request, digest)) return answer(exchange, 304, etag);
  const headers = { ...etag, 'content-type': mediaType, 'content-length': size };
  if (head) return answer(exchange, 200, headers);
  // By its digest: the tag may have moved meanwhile.
  const { bytes } = await exchange.backend.getManifest(repository, digest);
  answer(exchange, 200, headers, bytes);
}

export async function putManifest(
  exchange: Exchange,
  { repository, selector, tags = [] }: Of<'put-manifest'>,
): Promise<void> {
  const bytes = await readBody(exchange.request, maxManifestSize);
  const manifest = manifestFrom(
    bytes,
    exchange.request.headers['content-type'] ?? '',
    isDigest(selector) ? selector : undefined,
  );
  const { digest } = manifest.descriptor;
  await exchange.backend.putManifest(repository, manifest, isDigest(selector) ? undefined : selector);
  for (const tag of tags) await exchange.backend.putManifest(repository, manifest, tag);
  const { path } = formatEndpoint({ kind: 'get-manifest', repository, selector: digest, head: false });
  answer(exchange, 201, {
    location: path,
    'docker-content-digest': digest,
    ...(manifest.value.subject === undefined ? {} : { 'oci-subject': manifest.value.subject.digest }),
    ...(tags.length === 0 ? {} : { 'oci-tag': tags }),
  });
}

function manifestFrom(bytes: Buffer, contentType: string, digest: Digest | undefined): ManifestDocument {
  const type = contentType.split(';')[0]?.trim() ?? '';
  const manifest =
    digest === undefined
      ? parseManifest(bytes, type)
      : parseManifest(bytes, type, { mediaType: type, digest, size: bytes.byteLength });
  const { mediaType } = manifest.descriptor;
  if (type === '' || type === mediaType) return manifest;
  throw new WherryError(
    'MANIFEST_INVALID',
    `Cannot store manifest: it was sent as "${type.slice(0, 200)}", but is "${mediaType}"`,
    { hint: 'Send it with its own media type as Content-Type.' },
  );
}

export async function deleteManifest(
  exchange: Exchange,
  { repository, selector }: Of<'delete-manifest'>,
): Promise<void> {
  await exchange.backend.deleteManifest(repository, selector);
  answer(exchange, 202);
}
