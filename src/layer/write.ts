// FileEntry[] → Layer, in one pass: content → tar → diffId → compression → digest → store. Room 5 of the river; the
// bytes are those of the image spec's layer.md, and the same entries give the same bytes on every host.

import { createDigester, diffIdOf } from '../oci/digest.ts';
import { mediaTypes } from '../oci/media-types.ts';
import type { BlobStore, BlobWriter } from '../store/blob-store.ts';
import type { FileEntry } from '../tar/entry.ts';
import type { Task } from '../task.ts';
import { checkAborted } from '../task.ts';
import { archiveBlocks, blockCapacity, type Written } from './archive.ts';
import { recycle } from './block-builder.ts';
import { createCompressor, type WrittenCompression } from './compress.ts';
import type { Layer } from './layer.ts';
import { keepsText, type Toc, type TocEntry, tocEntryOf } from './toc.ts';

export interface WriteOptions {
  readonly blobs: BlobStore;
  readonly compression: WrittenCompression;
  /** 1 to 9, default 5. */
  readonly level?: number | undefined;
  /** Latest time of an entry, in seconds since 1970; later ones become this. */
  readonly epoch: number;
  /** Told how many bytes of the uncompressed tar are done. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

/**
 * Writes a layer from entries in their final order: parents before children, targets before hard links; whiteouts are
 * files named by `formatWhiteout` without content. Holds a slot of `task.limits.cpu` (the caller must not). Nothing is
 * left behind unless it succeeds.
 * @throws COPY_FAILED for a file that cannot be read or changes meanwhile; ABORTED; what the store throws
 */
export function writeLayer(
  entries: Iterable<FileEntry>,
  options: WriteOptions,
  task: Task,
): Promise<{ layer: Layer; toc: Toc }> {
  return task.limits.cpu(async () => {
    checkAborted(task);
    const blob = await options.blobs.create();
    try {
      return await writeBlob(entries, { ...options, blob }, task);
    } catch (error) {
      await blob.abort();
      throw error;
    }
  });
}

async function writeBlob(
  entries: Iterable<FileEntry>,
  options: WriteOptions & { blob: BlobWriter },
  task: Task,
): Promise<{ layer: Layer; toc: Toc }> {
  const { blob, compression, level, epoch, onBytes } = options;
  const contents: TocEntry[] = [];
  const onEntry = (written: Written): void => {
    const entry = tocEntryOf(written);
    if (entry !== undefined) contents.push(entry);
  };
  const free: Buffer[] = [];
  const release = (bytes: Uint8Array): void => recycle(bytes, blockCapacity, free);
  const compressor = createCompressor({ compression, level, write: (bytes) => blob.write(bytes), release });
  const digester = createDigester();
  let size = 0;
  try {
    for await (const { bytes, last } of archiveBlocks(entries, { epoch, onEntry, keep: keepsText, free })) {
      checkAborted(task);
      digester.update(bytes);
      size += bytes.length;
      onBytes?.(size);
      await compressor.push(bytes, last);
    }
    await compressor.finish();
    checkAborted(task);
  } finally {
    await compressor.settled();
  }
  const diffId = diffIdOf(digester.digest());
  const stored = await blob.commit();
  const mediaType = compression === 'gzip' ? mediaTypes.layerGzip : mediaTypes.layer;
  return { layer: { diffId, descriptor: { mediaType, ...stored } }, toc: { diffId, size, entries: contents } };
}
