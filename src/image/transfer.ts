// One function for push, pull, copy, save and load: a manifest or index with everything below it goes from one place to
// another. Blobs first, then children, then the root, then the tag, so that no reader meets half an image. Bytes are
// passed through; a blob that is there, or can be mounted, is not moved (distribution spec, "Push").
import { isError, WherryError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { ManifestDocument } from '../oci/manifest.ts';
import { isIndexType, isManifestType } from '../oci/media-types.ts';
import { checkAborted, inEvent, type Task } from '../task.ts';
import type { Place } from './image.ts';

/** How blobs find their way. */
export interface TransferOptions {
  /** Repositories of `to`'s registry that may have a blob already: it is mounted from there. */
  readonly mountableFrom?: (descriptor: Descriptor) => Promise<readonly string[]>;
  /** Places tried, in order, when a blob has to be read; default: the source. */
  readonly sourcesOf?: (descriptor: Descriptor) => readonly Place[];
  /** Manifests below the root that are at hand; others are asked for at the source. */
  readonly manifests?: ReadonlyMap<string, ManifestDocument>;
}

/** Moves everything below `root`, then `root` itself under its digest and the tags. Returns what was named. */
export async function transfer(
  from: Place,
  root: ManifestDocument,
  to: Place & { readonly tags?: readonly string[] },
  task: Task,
  options: TransferOptions = {},
): Promise<Descriptor> {
  await transferBelow(from, root, to, task, options);
  checkAborted(task);
  const tags = to.tags ?? [];
  if (tags.length === 0) await to.registry.putManifest(to.repository, root);
  for (const tag of tags) await to.registry.putManifest(to.repository, root, tag);
  return root.descriptor;
}

async function transferBelow(
  from: Place,
  document: ManifestDocument,
  to: Place,
  task: Task,
  options: TransferOptions,
): Promise<void> {
  if (document.kind === 'manifest') {
    const blobs = uniqueBlobs([document.value.config, ...document.value.layers]);
    await allOrFirstError(
      blobs.map((blob) =>
        task.limits.network(() => transferBlob(blob, options.sourcesOf?.(blob) ?? [from], to, task, options)),
      ),
    );
    return;
  }
  for (const child of document.value.manifests) {
    checkAborted(task);
    if (!isIndexType(child.mediaType) && !isManifestType(child.mediaType))
      throw new WherryError(
        'MANIFEST_INVALID',
        `Cannot copy index "${document.descriptor.digest}": entry "${child.digest}" is of type "${child.mediaType}"`,
      );
    const manifest =
      options.manifests?.get(child.digest) ?? (await from.registry.getManifest(from.repository, child.digest));
    await transferBelow(from, manifest, to, task, options);
    await to.registry.putManifest(to.repository, manifest);
  }
}

/** Waits for all to end, then throws the first error: nothing is left running behind a failure. */
async function allOrFirstError(work: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Each blob once; foreign layers are left where they are. */
function uniqueBlobs(descriptors: readonly Descriptor[]): Descriptor[] {
  const unique = new Map<string, Descriptor>();
  for (const descriptor of descriptors) if (!isForeign(descriptor)) unique.set(descriptor.digest, descriptor);
  return [...unique.values()];
}

/** True for a layer that no registry need have: its urls tell where it is (image spec, "Non-Distributable Layers"). */
export function isForeign(descriptor: Descriptor): boolean {
  return (descriptor.urls?.length ?? 0) > 0 && /foreign|nondistributable/.test(descriptor.mediaType);
}

/** Makes sure that `to` has the blob: there already, mounted, or streamed from the first source that has it. */
export async function transferBlob(
  blob: Descriptor,
  sources: readonly Place[],
  to: Place,
  task: Task,
  options: TransferOptions = {},
): Promise<void> {
  checkAborted(task);
  const name = `${blob.digest.slice(0, 19)} → ${to.host === '' ? 'store' : to.host}`;
  if (await to.registry.hasBlob(to.repository, blob)) return;
  await inEvent(task, { name, total: blob.size }, async (id, finish) => {
    const mounts = new Set(
      sources
        .filter((source) => source.host === to.host && source.host !== '' && source.repository !== to.repository)
        .map((source) => source.repository),
    );
    for (const repository of (await options.mountableFrom?.(blob)) ?? [])
      if (repository !== to.repository) mounts.add(repository);
    for (const repository of mounts)
      if (await to.registry.mountBlob(to.repository, blob, repository))
        return finish('skipped', `mounted from ${repository}`);
    let current = 0;
    const onBytes = (count: number): void => {
      current += count;
      task.emit({ kind: 'progress', id, current: Math.min(current, blob.size), total: blob.size });
    };
    await pushFromFirst(blob, sources, to, onBytes);
  });
}

/**
 * A place that is no network place is passed over where it lacks the blob and there is another, so that no upload is begun
 * in vain. Others are asked twice: behind one that gave wrong bytes may be a mirror, which the client leaves alone then.
 */
async function pushFromFirst(
  blob: Descriptor,
  sources: readonly Place[],
  to: Place,
  onBytes: (count: number) => void,
): Promise<void> {
  let failure: unknown;
  for (const source of sources.flatMap((place) => (place.host === '' ? [place] : [place, place]))) {
    const isPassed = source.host === '' && source !== sources.at(-1);
    if (isPassed && !(await source.registry.hasBlob(source.repository, blob))) continue;
    try {
      const open = (offset: number): AsyncIterable<Uint8Array> =>
        skip(source.registry.openBlob(source.repository, blob), offset);
      return await to.registry.pushBlob(to.repository, blob, open, onBytes);
    } catch (error) {
      if (!isError(error, 'BLOB_UNKNOWN', 'DIGEST_MISMATCH', 'SIZE_INVALID')) throw error;
      failure = error;
    }
  }
  throw failure ?? new WherryError('BLOB_UNKNOWN', `Cannot copy blob "${blob.digest}": no place has it`);
}

/** Drops the first `offset` bytes; what is left was still checked from the first byte on. */
async function* skip(source: AsyncIterable<Uint8Array>, offset: number): AsyncIterable<Uint8Array> {
  let left = offset;
  for await (const chunk of source) {
    if (left >= chunk.byteLength) left -= chunk.byteLength;
    else {
      yield left === 0 ? chunk : chunk.subarray(left);
      left = 0;
    }
  }
}
