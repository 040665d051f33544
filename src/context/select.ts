// Room 4: COPY and ADD on file tables. Sources and rules → the sorted entries of the layer that the instruction makes. The
// real destination is never touched. Dockerfile reference, "COPY" and "ADD"; BuildKit's file operations where it is silent.
import { unreachable, WherryError } from '../errors.ts';
import type { FileEntry } from '../tar/entry.ts';
import { extractArchive } from './archive.ts';
import { copyTree } from './copy.ts';
import { cleanPath } from './pattern.ts';
import type { CopyItem, CopyRequest, CopySource } from './request.ts';
import { expandSource } from './sources.ts';
import { createTable, joinPath, makeDirectories, type NewDirectory, parentOf, type Table } from './table.ts';
import { type FileTree, resolveInTree } from './tree.ts';

export type { CopyRequest, CopySource } from './request.ts';

/**
 * The layer of a COPY or ADD: each changed path once, its parents before it, sorted by `comparePaths`, without the root.
 * Existing parents have the target's metadata. Empty when a pattern matches nothing.
 * @throws SOURCE_NOT_FOUND, COPY_FAILED; what the trees throw
 */
export async function selectCopy(request: CopyRequest): Promise<FileEntry[]> {
  const table = createTable(request.target);
  const items = request.sources.flatMap((source) => itemsOf(source, request));
  const destination = absoluteDestination(request);
  for (const item of items) await copyItem(item, { request, table, destination, isOnly: items.length === 1 });
  return table.entries();
}

function itemsOf(source: CopySource, request: CopyRequest): CopyItem[] {
  switch (source.kind) {
    case 'path':
      return expandSource(source, { parents: request.parents, isArchive: request.archives === 'extract' });
    case 'file': {
      const entry = { ...source.entry, path: source.name };
      const tree: FileTree = { lookup: (path) => (path === source.name ? entry : undefined), list: () => [] };
      return [
        { tree, path: source.name, name: source.name, entry, isContents: true, isArchive: source.unpack === true },
      ];
    }
    case 'tree': {
      const entry = source.tree.lookup('');
      if (entry === undefined) throw new TypeError('a tree has a root');
      return [{ tree: source.tree, path: '', name: '', entry, isContents: false, isArchive: false }];
    }
    default:
      return unreachable(source);
  }
}

/** Absolute and cleaned; what marks a directory is kept as one trailing slash. */
function absoluteDestination(request: CopyRequest): { readonly path: string; readonly isDirectory: boolean } {
  const written = request.destination;
  const path = cleanPath(written.startsWith('/') ? written : `/${request.workdir}/${written}`);
  return { path: path.slice(1), isDirectory: written === '' || written === '.' || /\/\.?$/.test(written) };
}

interface Copying {
  readonly request: CopyRequest;
  readonly table: Table;
  readonly destination: { readonly path: string; readonly isDirectory: boolean };
  readonly isOnly: boolean;
}

async function copyItem(item: CopyItem, copying: Copying): Promise<void> {
  const { request, table, destination } = copying;
  const made = madeDirectory(request);
  if (item.isArchive && item.entry.type === 'file') {
    const spool = (): Promise<string> => request.spool(item.name);
    const into = resolveInTree(table.tree, destination.path);
    if (await extractArchive(item.entry, { table, into, spool, owner: request.owner, made: { ...made, mode: 0o755 } }))
      return;
  }
  makeDirectories(
    table,
    resolveInTree(table.tree, destination.isDirectory ? destination.path : parentOf(destination.path)),
    made,
  );
  const target = resolveInTree(table.tree, destination.path);
  copyTree(item, { request, table, target: prepareTarget(item, { copying, target, made }) });
}

/** Directories on the way: 0755 or the octal --chmod, 0:0 or --chown. */
function madeDirectory(request: CopyRequest): NewDirectory {
  return {
    mode: (request.parentMode ?? 0o755) & 0o777,
    uid: request.owner?.uid ?? 0,
    gid: request.owner?.gid,
    mtime: request.madeTime ?? 0,
  };
}

/** Where the item goes, its parents made: a file into an existing directory takes its own name there. */
function prepareTarget(
  item: CopyItem,
  context: { readonly copying: Copying; readonly target: string; readonly made: NewDirectory },
): string {
  const { copying, target, made } = context;
  const { table } = copying;
  const existing = table.tree.lookup(target);
  if (item.entry.type === 'directory') {
    makeDirectories(table, existing === undefined && item.isContents ? target : parentOf(target), made);
    return target;
  }
  if (existing?.type === 'directory') return joinPath(target, item.name);
  if (!copying.isOnly && !copying.destination.isDirectory) {
    throw new WherryError(
      'COPY_FAILED',
      `When using ${copying.request.instruction} with more than one source file, the destination must be a directory and end with a /`,
      {
        hint: `Write "${copying.request.destination}/".`,
      },
    );
  }
  makeDirectories(table, parentOf(target), made);
  return target;
}
