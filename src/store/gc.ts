// Garbage collection: marks what index.json and the given roots reach, and removes other blobs. Whatever was written or
// looked up since the oldest running session began is kept, so that a build in another process loses nothing.
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { WherryError } from '../errors.ts';
import { type Descriptor, descriptorFrom } from '../oci/descriptor.ts';
import { algorithmOf, type Digest, encodedOf } from '../oci/digest.ts';
import { maxManifestSize } from '../oci/manifest.ts';
import { isIndexType, isManifestType } from '../oci/media-types.ts';
import type { BlobStore, StoredBlob } from './blob-store.ts';
import { moveIfThere, type Session } from './session.ts';

/** What `gc` may be told. */
export interface GcOptions {
  /** More that is to be kept, with all it reaches: e.g. the blobs that cache records name. */
  readonly roots?: readonly Descriptor[];
  /** Blobs used in the last `grace` milliseconds are kept as well. Default 0. */
  readonly grace?: number;
}

/** What `collectGarbage` works on. */
export interface GcPlace {
  readonly blobs: BlobStore;
  /** The folder `blobs`. */
  readonly path: string;
  readonly session: Session;
  /** The entries of index.json, read when called. */
  entries(): Promise<readonly Descriptor[]>;
}

/** File times and this process's clock may differ by this much. */
const marginMs = 2000;

/** Removes what nothing reaches; returns what was removed. Errors: STORE_INVALID (nothing is removed), IO_FAILED */
export async function collectGarbage(place: GcPlace, options: GcOptions): Promise<readonly StoredBlob[]> {
  // In this order: a session that ends meanwhile has either been counted or has its names in the index by now.
  const oldest = await place.session.oldest();
  const reached = new Set<Digest>();
  for (const entry of [...(await place.entries()), ...(options.roots ?? [])]) await mark(place.blobs, entry, reached);
  const keptSince = Math.min(oldest - marginMs, Date.now() - (options.grace ?? 0));
  const removed: StoredBlob[] = [];
  for await (const blob of place.blobs.list()) {
    if (!reached.has(blob.digest) && (await removeUnused(place, blob.digest, keptSince))) removed.push(blob);
  }
  return removed;
}

async function mark(blobs: BlobStore, entry: Descriptor, reached: Set<Digest>): Promise<void> {
  const open: Descriptor[] = [entry];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (reached.has(next.digest)) continue;
    reached.add(next.digest);
    if (!mayNameOthers(next) || (await blobs.size(next.digest)) === undefined) continue;
    open.push(...descriptorsIn(await documentAt(blobs, next)));
  }
}

/** Also of types that are not known here: an artifact's manifest may be any JSON. */
function mayNameOthers(descriptor: Descriptor): boolean {
  return (
    isIndexType(descriptor.mediaType) ||
    isManifestType(descriptor.mediaType) ||
    (/(manifest|index)/.test(descriptor.mediaType) && descriptor.size <= maxManifestSize)
  );
}

async function documentAt(blobs: BlobStore, descriptor: Descriptor): Promise<unknown> {
  try {
    return JSON.parse(Buffer.from(await blobs.read(descriptor)).toString('utf8'));
  } catch (cause) {
    throw new WherryError(
      'STORE_INVALID',
      `Cannot tell what manifest "${descriptor.digest}" needs: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
        hint: 'Remove the image that has this manifest, or fetch it again.',
      },
    );
  }
}

function descriptorsIn(document: unknown): readonly Descriptor[] {
  const found: Descriptor[] = [];
  const open: unknown[] = [document];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    for (const item of Object.values(value)) open.push(item);
    if ('digest' in value && 'mediaType' in value) {
      try {
        found.push(descriptorFrom(value, 'descriptor'));
      } catch {
        // Not one that could name a blob here.
      }
    }
  }
  return found;
}

async function removeUnused({ path, session }: GcPlace, digest: Digest, keptSince: number): Promise<boolean> {
  const file = join(path, algorithmOf(digest), encodedOf(digest));
  const isYoung = async (at: string): Promise<boolean> =>
    ((await stat(at).catch(() => undefined))?.mtimeMs ?? Number.POSITIVE_INFINITY) >= keptSince;
  if (await isYoung(file)) return false;
  const trash = await session.path();
  if (!(await moveIfThere(file, trash))) return false;
  // Somebody may have looked it up between the two: then it goes back.
  if ((await isYoung(trash)) && (await moveIfThere(trash, file))) return false;
  await rm(trash, { force: true });
  return true;
}
