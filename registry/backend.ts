// What the embedded server needs beyond the interface Registry (blobs whose digest is only known at their end, blobs that
// are asked for by digest alone or from an offset), and what such a registry rests on: a shelf, in memory or a layout.
import type { Descriptor } from '../src/oci/descriptor.ts';
import type { Algorithm, Digest } from '../src/oci/digest.ts';
import type { BlobStore, BlobWriter } from '../src/store/blob-store.ts';
import type { Registry } from './registry.ts';

/** A registry that can be served. */
export interface Backend extends Registry {
  /** Starts a blob; `commit` makes it one of the repository's. Errors: IO_FAILED */
  createBlob(repository: string, algorithm?: Algorithm): Promise<BlobWriter>;
  /** Size of a blob of the repository, or undefined where it has none of that digest. */
  blobSize(repository: string, digest: Digest): Promise<number | undefined>;
  /** As `openBlob`, from an offset; only from 0 the bytes are checked. Errors: BLOB_UNKNOWN */
  openBlobFrom(
    repository: string,
    blob: Pick<Descriptor, 'digest' | 'size'>,
    offset: number,
  ): AsyncIterable<Uint8Array>;
  /** Whether anything was ever stored in the repository and it was not emptied since. */
  hasRepository(repository: string): Promise<boolean>;
}

/** Which repository holds which blob. */
export interface Holdings {
  has(repository: string, digest: Digest): Promise<boolean>;
  add(repository: string, digest: Digest): Promise<void>;
  /** False where it held none. */
  remove(repository: string, digest: Digest): Promise<boolean>;
  /** Whether the repository has ever held a blob. */
  knows(repository: string): Promise<boolean>;
  repositories(): Promise<readonly string[]>;
}

/** Where a registry's content is. */
export interface Shelf {
  readonly blobs: BlobStore;
  index(): Promise<readonly Descriptor[]>;
  /** Changes the entries, one change after the other. */
  updateIndex(change: (entries: readonly Descriptor[]) => readonly Descriptor[]): Promise<void>;
  /** Where it is given, repositories are kept apart; without it every repository sees every blob. */
  readonly holdings?: Holdings;
  /** Manifests may be put before their blobs. */
  readonly sparse?: boolean;
}
