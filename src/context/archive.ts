// A tar, however compressed, → its entries over one uncompressed temporary file, and the tree that unpacking it would make.
// Names may not leave the root; whiteouts are no deletions here, but refused (see table.ts).
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { WherryError } from '../errors.ts';
import { createDigester } from '../oci/digest.ts';
import { openArchive } from '../tar/decompress.ts';
import type { FileEntry } from '../tar/entry.ts';
import { readTar } from '../tar/read.ts';
import { tableTree } from './memory.ts';
import { createTable, joinPath, makeDirectories, type NewDirectory, parentOf, type Table } from './table.ts';
import { emptyTree, type FileTree, resolveInTree } from './tree.ts';

/** The tree of an archive; its contents are in the spool file. */
export interface ArchiveTree extends FileTree {
  /** The spool file, which must be there as long as contents are read. */
  readonly spool: string;
}

/**
 * Reads an archive to its end into a new file at `spoolPath`, which the caller removes, and gives its tree.
 * @throws ARCHIVE_INVALID when it is no archive, or is damaged
 */
export async function readArchiveTree(source: AsyncIterable<Uint8Array>, spoolPath: string): Promise<ArchiveTree> {
  const archive = await openArchive(source);
  if (archive === undefined)
    throw new WherryError('ARCHIVE_INVALID', 'Cannot read archive: it is not a tar', {
      hint: 'Want a tar, plain or compressed by gzip, bzip2, xz or zstd.',
    });
  const table = createTable(emptyTree);
  applyArchive(await spoolArchive(archive.tar, spoolPath), { table, into: '', owner: undefined });
  return { ...tableTree(table.changes()), spool: spoolPath };
}

/** Writes a tar to `spoolPath` as it passes; its entries in the archive's order, files with content and digest. @throws ARCHIVE_INVALID */
async function spoolArchive(tar: AsyncIterable<Uint8Array>, spoolPath: string): Promise<FileEntry[]> {
  const file = await open(spoolPath, 'wx', 0o600);
  const kept = async function* (): AsyncIterable<Uint8Array> {
    for await (const chunk of tar) {
      for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
      yield chunk;
    }
  };
  try {
    const entries: FileEntry[] = [];
    for await (const { header, offset, body } of readTar(kept())) {
      if (header.type !== 'file') {
        entries.push(header);
        continue;
      }
      const digester = createDigester();
      for await (const chunk of body) digester.update(chunk);
      entries.push({ ...header, content: { kind: 'file', path: spoolPath, offset }, digest: digester.digest() });
    }
    return entries;
  } finally {
    await file.close();
  }
}

/** Where an archive is unpacked. */
interface Unpacking {
  readonly table: Table;
  /** The directory to unpack into, without symlinks; it is there. For the archive it is the root: no link leads out of it. */
  readonly into: string;
  /** Replaces the archive's owners. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

const implied: NewDirectory = { mode: 0o755, exactMode: true, uid: 0, mtime: 0 };

/**
 * Unpacks entries onto a table, one after the other, as BuildKit does: parents that are symlinks are followed, missing ones
 * made; a directory joins one that is there, anything else replaces what is there. @throws ARCHIVE_INVALID, COPY_FAILED
 */
function applyArchive(entries: readonly FileEntry[], to: Unpacking): void {
  const { table, into } = to;
  const inside: FileTree = { lookup: (path) => table.tree.lookup(joinBelow(into, path)), list: () => [] };
  let links = 0;
  for (const entry of entries) {
    const relative = resolveInTree(inside, entry.path, { followLast: false, refuseEscape: true });
    if (relative === '') continue;
    const path = joinPath(into, relative);
    makeDirectories(table, parentOf(path), implied);
    const owned: FileEntry = to.owner === undefined ? entry : { ...entry, ...to.owner };
    const existing = table.tree.lookup(path);
    if (entry.type === 'hardlink') {
      const link = resolveInTree(inside, entry.link ?? '', { followLast: false });
      const target = linkTarget(entry, { table, path: joinBelow(into, link) });
      if (target.path === path) continue;
      if (existing?.type === 'directory') table.remove(path);
      putLink(table, { target, path, header: owned, inode: `archive/${++links}/${path}` });
    } else if (entry.type === 'directory' && existing?.type === 'directory') {
      table.set({
        ...existing,
        ...owned,
        path,
        ...(existing.xattrs === undefined ? {} : { xattrs: { ...existing.xattrs, ...owned.xattrs } }),
      });
    } else {
      if (existing?.type === 'directory') table.remove(path);
      table.set({ ...owned, path });
    }
  }
}

/** Another name for a file. It shares the link's metadata, as it does when the archive is unpacked on a disk. */
function putLink(
  table: Table,
  link: { readonly target: FileEntry; readonly path: string; readonly header: FileEntry; readonly inode: string },
): void {
  const { target, header } = link;
  const inode = table.has(target.path) && target.inode !== undefined ? target.inode : link.inode;
  const mode = target.type === 'symlink' ? target.mode : header.mode;
  const shared: FileEntry = { ...target, inode, mode, uid: header.uid, gid: header.gid, mtime: header.mtime };
  const isChange =
    shared.mode !== target.mode ||
    shared.uid !== target.uid ||
    shared.gid !== target.gid ||
    shared.mtime !== target.mtime;
  if (isChange)
    for (const other of [...table.changes()]) if (other.inode === inode) table.set({ ...shared, path: other.path });
  table.set(shared);
  table.set({ ...shared, path: link.path });
}

function linkTarget(entry: FileEntry, at: { readonly table: Table; readonly path: string }): FileEntry {
  const target = at.table.tree.lookup(at.path);
  if (target !== undefined && target.type !== 'directory') return target;
  throw new WherryError(
    'ARCHIVE_INVALID',
    `Cannot unpack hard link "${entry.path}": its target "${entry.link}" is ${target === undefined ? 'not there' : 'a directory'}`,
  );
}

function joinBelow(into: string, path: string): string {
  return path === '' ? into : joinPath(into, path);
}

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
function contentOf(entry: FileEntry): AsyncIterable<Uint8Array> {
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
