// An archive that ADD finds among its sources: its entries go onto the table as a tar is unpacked, one after the other.
import type { FileEntry } from '../tar/entry.ts';
import type { NewDirectory, Table } from './table.ts';

interface Extraction {
  readonly table: Table;
  /** Directory to extract into, symlinks followed. */
  readonly into: string;
  readonly spool: () => Promise<string>;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly made: NewDirectory;
}

/** Extracts an archive; false when the file is none. */
export async function extractArchive(_entry: FileEntry, _to: Extraction): Promise<boolean> {
  return false;
}
