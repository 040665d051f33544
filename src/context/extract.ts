// A file among the sources of ADD that may be an archive: when its content is one, its entries go onto the table.
import { createReadStream } from 'node:fs';
import { openArchive } from '../tar/decompress.ts';
import type { FileEntry } from '../tar/entry.ts';
import { applyArchive, spoolArchive } from './archive.ts';
import { makeDirectories, type NewDirectory, type Table } from './table.ts';

interface Extraction {
  readonly table: Table;
  /** Directory to extract into, symlinks followed; it is made. */
  readonly into: string;
  /** A path for the uncompressed archive. */
  readonly spool: () => Promise<string>;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly made: NewDirectory;
}

/** Extracts a file that is an archive with at least one entry; false when it is none. @throws ARCHIVE_INVALID, COPY_FAILED */
export async function extractArchive(entry: FileEntry, to: Extraction): Promise<boolean> {
  if (entry.size === 0) return false;
  const archive = await openArchive(contentOf(entry));
  if (archive === undefined) return false;
  const entries = await spoolArchive(archive.tar, await to.spool());
  if (entries.length === 0) return false;
  makeDirectories(to.table, to.into, to.made);
  applyArchive(entries, to);
  return true;
}

/** A file's bytes, in chunks. */
export function contentOf(entry: FileEntry): AsyncIterable<Uint8Array> {
  const { content } = entry;
  if (content === undefined) throw new TypeError(`"${entry.path}" has no content`);
  switch (content.kind) {
    case 'bytes':
      return onceOf(content.bytes);
    case 'file': {
      const start = content.offset ?? 0;
      return entry.size === 0
        ? onceOf(new Uint8Array())
        : createReadStream(content.path, { start, end: start + entry.size - 1, highWaterMark: 256 * 1024 });
    }
    case 'stream':
      return content.open();
  }
}

async function* onceOf(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
