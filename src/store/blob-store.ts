// Content-addressed bytes: the interface that a layout directory and memory implement, tested by one suite.
import type { Descriptor } from '../oci/descriptor.ts';
import type { Algorithm, Digest } from '../oci/digest.ts';

/** Digest and size of a stored blob. */
export interface StoredBlob {
  readonly digest: Digest;
  readonly size: number;
}

/** Blobs by digest. Safe for many readers and writers, in one process or several. */
export interface BlobStore {
  /** Size in bytes, or undefined when the blob is not here. */
  size(digest: Digest): Promise<number | undefined>;
  /**
   * Bytes from `offset` (default 0) in chunks. From 0 the bytes are checked as they pass: the last read throws
   * DIGEST_MISMATCH or SIZE_INVALID unless they are what the descriptor names. Errors: BLOB_UNKNOWN.
   */
  open(descriptor: Pick<Descriptor, 'digest' | 'size'>, offset?: number): AsyncIterable<Uint8Array>;
  /** A small blob (at most 8 MiB, else TOO_LARGE) whole and checked. */
  read(descriptor: Pick<Descriptor, 'digest' | 'size'>): Promise<Uint8Array>;
  /** Stores small bytes; nothing happens when they are there. */
  put(bytes: Uint8Array): Promise<StoredBlob>;
  /** Starts a blob whose digest is not known yet. The caller ends it with `commit` or `abort`. */
  create(algorithm?: Algorithm): Promise<BlobWriter>;
  /** Removes a blob; false when there was none. */
  delete(digest: Digest): Promise<boolean>;
  /** All blobs, in no order. */
  list(): AsyncIterable<StoredBlob>;
}

/** A blob under way. Writes are in order; `write` resolves when the bytes may be reused. */
export interface BlobWriter {
  /** Bytes written so far. */
  readonly size: number;
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Ends the blob and makes it visible under its digest: atomic and durable (fsync, then rename). Where `expected` is
   * given, a blob that differs is dropped. Errors: DIGEST_MISMATCH, SIZE_INVALID, IO_FAILED (e.g. disk full).
   */
  commit(expected?: Pick<Descriptor, 'digest' | 'size'>): Promise<StoredBlob>;
  /** Drops what was written; does nothing after `commit`. */
  abort(): Promise<void>;
}
