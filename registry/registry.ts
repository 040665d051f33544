// The one interface of the design: a registry over HTTP, a layout directory and memory are all a Registry, so push,
// pull, copy, save and load are one function. A test suite runs over all implementations.
import type { Descriptor } from '../src/oci/descriptor.ts';
import type { Digest } from '../src/oci/digest.ts';
import type { ManifestDocument } from '../src/oci/manifest.ts';

/** Opens a blob's bytes from `offset`; may be called again for a retry. The giver does not verify: the taker does. */
export type OpenBytes = (offset: number) => AsyncIterable<Uint8Array>;

/** Called with the number of bytes just moved. */
export type OnBytes = (count: number) => void;

/** Repositories of manifests, blobs and tags. A `selector` is a tag or a digest. */
export interface Registry {
  /** Descriptor of a manifest, without its bytes where the place can tell. Errors: MANIFEST_UNKNOWN, NAME_UNKNOWN. */
  resolve(repository: string, selector: string): Promise<Descriptor>;
  /** A manifest's exact bytes, checked. Errors: as `resolve`, MANIFEST_INVALID, DIGEST_MISMATCH, TOO_LARGE. */
  getManifest(repository: string, selector: string): Promise<ManifestDocument>;
  /**
   * Stores a manifest's exact bytes under its digest and, where given, under `tag`; atomic. Its blobs and children must
   * be there. Errors: MANIFEST_BLOB_UNKNOWN, DENIED.
   */
  putManifest(repository: string, manifest: ManifestDocument, tag?: string): Promise<void>;
  /** Whether the repository has the blob. */
  hasBlob(repository: string, descriptor: Descriptor): Promise<boolean>;
  /**
   * A blob's bytes. Digest and size are checked as they pass: the last read throws DIGEST_MISMATCH or SIZE_INVALID
   * unless all of them (from 0) were right. A dropped connection is resumed. Errors: BLOB_UNKNOWN.
   */
  openBlob(repository: string, descriptor: Descriptor, onBytes?: OnBytes): AsyncIterable<Uint8Array>;
  /** Stores a blob; nothing is stored unless digest and size fit. Nothing is read when the blob is there already. */
  pushBlob(repository: string, descriptor: Descriptor, open: OpenBytes, onBytes?: OnBytes): Promise<void>;
  /** Makes a blob of `from` (a repository of this registry) one of `repository`; false where that can't be done. */
  mountBlob(repository: string, descriptor: Descriptor, from: string): Promise<boolean>;
  /** By tag: removes the tag. By digest: removes the manifest and its tags. Errors: MANIFEST_UNKNOWN, UNSUPPORTED. */
  deleteManifest(repository: string, selector: string): Promise<void>;
  /** Errors: BLOB_UNKNOWN, UNSUPPORTED. */
  deleteBlob(repository: string, digest: Digest): Promise<void>;
  /** Tags, ordered by bytes. Errors: NAME_UNKNOWN. */
  tags(repository: string): AsyncIterable<string>;
  /** Repositories, ordered by bytes. Errors: UNSUPPORTED. */
  repositories(): AsyncIterable<string>;
  /** Manifests whose `subject` is `digest`, of one artifact type where it is given. Empty where there are none. */
  referrers(repository: string, digest: Digest, artifactType?: string): Promise<readonly Descriptor[]>;
}
