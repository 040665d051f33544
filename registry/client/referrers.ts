// Manifests that refer to another one (distribution spec, "Listing Referrers"), with the spec's tag scheme for registries
// that have no such endpoint: an index under a tag made of the subject's digest, which clients keep themselves.
import { isError } from '../../src/errors.ts';
import { type Descriptor, descriptorFrom, objectFrom } from '../../src/oci/descriptor.ts';
import { algorithmOf, type Digest, encodedOf } from '../../src/oci/digest.ts';
import { indexDocument, type ManifestDocument } from '../../src/oci/manifest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { type Host, statusOf } from './host.ts';
import { pagesOf } from './lists.ts';
import { getManifest, pullNeed, putManifest } from './manifests.ts';

/** Manifests whose types are looked up one by one, where an index does not tell them. */
const maxLookups = 100;

/** Manifests whose subject is `digest`, of one artifact type where that is given. */
export async function listReferrers(
  host: Host,
  repository: string,
  { digest, artifactType }: { readonly digest: Digest; readonly artifactType?: string | undefined },
): Promise<readonly Descriptor[]> {
  const listed = await askForReferrers(host, repository, { digest, artifactType });
  const found = listed ?? (await referrersOfTag(host, repository, digest));
  if (artifactType === undefined) return found;
  const typed = listed === undefined ? await withTypes(host, repository, { found, artifactType }) : found;
  return typed.filter((descriptor) => descriptor.artifactType === artifactType);
}

/** Undefined where the registry has no such endpoint. */
async function askForReferrers(
  host: Host,
  repository: string,
  { digest, artifactType }: { readonly digest: Digest; readonly artifactType?: string | undefined },
): Promise<readonly Descriptor[] | undefined> {
  const what = `referrers of "${host.name}/${repository}@${digest}"`;
  const found: Descriptor[] = [];
  try {
    const pages = pagesOf(host, {
      action: `list ${what}`,
      need: pullNeed(repository),
      to: { kind: 'list-referrers', repository, digest, ...(artifactType === undefined ? {} : { artifactType }) },
      headers: { accept: mediaTypes.index },
      accept: [200],
      // GHCR redirects to a web page.
      stay: true,
    });
    for await (const page of pages) {
      const { manifests = [], mediaType } = objectFrom(page, what);
      if (mediaType !== mediaTypes.index || !Array.isArray(manifests)) return undefined;
      found.push(...manifests.map((item) => descriptorFrom(item, what)));
    }
    return found;
  } catch (error) {
    const status = statusOf(error);
    if (status !== undefined && [301, 302, 303, 307, 308, 400, 404, 405, 406, 501].includes(status)) return undefined;
    if (isError(error, 'PROTOCOL_INVALID') && status === undefined) return undefined;
    throw error;
  }
}

/** The tag under which clients keep the index of referrers. */
export function referrersTagOf(digest: Digest): string {
  const tag = `${algorithmOf(digest).slice(0, 32)}-${encodedOf(digest).slice(0, 64)}`;
  return tag.replace(/[^A-Za-z0-9_.-]/g, '-');
}

async function referrersOfTag(host: Host, repository: string, digest: Digest): Promise<readonly Descriptor[]> {
  try {
    const manifest = await getManifest(host, repository, referrersTagOf(digest));
    return manifest.kind === 'index' ? manifest.value.manifests : [];
  } catch (error) {
    if (isError(error, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN')) return [];
    throw error;
  }
}

/** Some clients write wrong types into such an index: what does not fit is looked up in the manifest itself. */
async function withTypes(
  host: Host,
  repository: string,
  { found, artifactType }: { readonly found: readonly Descriptor[]; readonly artifactType: string },
): Promise<readonly Descriptor[]> {
  const typed: Descriptor[] = [];
  let lookups = 0;
  for (const descriptor of found) {
    if (descriptor.artifactType === artifactType || lookups++ >= maxLookups) typed.push(descriptor);
    else {
      const manifest = await getManifest(host, repository, descriptor.digest).catch(() => undefined);
      typed.push(manifest === undefined ? descriptor : referrerOf(manifest));
    }
  }
  return typed;
}

/** What an index of referrers says of a manifest. */
function referrerOf({ kind, value, descriptor }: ManifestDocument): Descriptor {
  const { mediaType, digest, size } = descriptor;
  const artifactType = value.artifactType ?? (kind === 'manifest' ? value.config.mediaType : undefined);
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(value.annotations === undefined ? {} : { annotations: value.annotations }),
  };
}

/** Changes of one tag's index, one after the other: reading and writing it is not atomic. */
const turns = new Map<string, Promise<void>>();

/** Adds a manifest to its subject's index. For registries that did not note the subject when it was put. */
export function addReferrer(host: Host, repository: string, manifest: ManifestDocument): Promise<void> {
  const added = referrerOf(manifest);
  return changeReferrers(host, repository, {
    subject: manifest.value.subject?.digest,
    change: (entries) => (entries.some((item) => item.digest === added.digest) ? entries : [...entries, added]),
  });
}

/** Takes a manifest out of its subject's index. */
export function removeReferrer(host: Host, repository: string, manifest: ManifestDocument): Promise<void> {
  return changeReferrers(host, repository, {
    subject: manifest.value.subject?.digest,
    change: (entries) =>
      entries.some((item) => item.digest === manifest.descriptor.digest)
        ? entries.filter((item) => item.digest !== manifest.descriptor.digest)
        : entries,
  });
}

async function changeReferrers(
  host: Host,
  repository: string,
  {
    subject,
    change,
  }: {
    readonly subject: Digest | undefined;
    readonly change: (entries: readonly Descriptor[]) => readonly Descriptor[];
  },
): Promise<void> {
  if (subject === undefined) return;
  const tag = referrersTagOf(subject);
  const key = `${host.name}/${repository}:${tag}`;
  const turn = (turns.get(key) ?? Promise.resolve()).then(async () => {
    const entries = await referrersOfTag(host, repository, subject);
    const changed = change(entries);
    if (changed === entries) return;
    const manifest = indexDocument({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: changed });
    await putManifest(host, repository, { manifest, tag });
  });
  turns.set(
    key,
    turn.catch(() => {}),
  );
  await turn;
}
