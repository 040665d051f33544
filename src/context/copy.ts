// Copies one item onto a table, as BuildKit's copier does (tonistiigi/fsutil, copy): metadata, merged directories, what may
// replace what, --exclude and --parents.
import { WherryError } from '../errors.ts';
import type { FileEntry } from '../tar/entry.ts';
import { type IgnoreMatcher, type IgnoreState, parsePatterns } from './ignore.ts';
import { hasWildcard } from './pattern.ts';
import type { CopyItem, CopyRequest } from './request.ts';
import { joinPath, type Table } from './table.ts';

interface Copier {
  readonly item: CopyItem;
  readonly request: CopyRequest;
  readonly table: Table;
  readonly include: IgnoreMatcher | undefined;
  readonly exclude: IgnoreMatcher | undefined;
  /** Tells the hard links of this copy from those of others. */
  readonly inodes: string;
  /** The open directories; those that --parents has not made yet wait for something below them. */
  readonly open: { readonly source: FileEntry; readonly target: string; isMade: boolean }[];
}

interface Place {
  readonly source: string;
  /** Relative to the item; "" for itself. */
  readonly relative: string;
  readonly target: string;
  readonly included: IgnoreState | undefined;
  readonly excluded: IgnoreState | undefined;
}

let copies = 0;

/** Copies an item to `target`, whose parents are there. @throws COPY_FAILED */
export function copyTree(
  item: CopyItem,
  to: { readonly request: CopyRequest; readonly table: Table; readonly target: string },
): void {
  const { request, table, target } = to;
  const copier: Copier = {
    item,
    request,
    table,
    include: item.include === undefined ? undefined : parsePatterns([item.include], '--parents'),
    exclude: request.exclude.length === 0 ? undefined : parsePatterns(request.exclude, '--exclude'),
    inodes: `${++copies}`,
    open: [],
  };
  copyEntry(copier, { source: item.path, relative: '', target, included: undefined, excluded: undefined });
}

function copyEntry(copier: Copier, place: Place): void {
  const isTop = place.relative === '';
  const included = isTop ? undefined : copier.include?.step(place.relative, place.included);
  const excluded = isTop ? undefined : copier.exclude?.step(place.relative, place.excluded);
  const isWanted = (included?.ignored ?? (isTop || copier.include === undefined)) && excluded?.ignored !== true;
  const mayEnter = excluded?.ignored !== true || copier.exclude?.mayReinclude(place.relative) === true;
  if (!isWanted && !mayEnter) return;
  const source = isTop ? copier.item.entry : copier.item.tree.lookup(place.source);
  if (source === undefined || (!isWanted && source.type !== 'directory')) return;
  if (source.type === 'directory') copyDirectory(copier, source, { ...place, included, excluded, isWanted, mayEnter });
  else {
    makeOpenDirectories(copier);
    copyFile(copier, source, place.target);
  }
}

function copyDirectory(
  copier: Copier,
  source: FileEntry,
  place: Place & { readonly isWanted: boolean; readonly mayEnter: boolean },
): void {
  if (!place.isWanted && !isOnTheWay(copier, place.relative)) return;
  if (place.isWanted) {
    makeOpenDirectories(copier);
    putDirectory(copier, source, place);
  }
  if (!place.mayEnter) return;
  copier.open.push({ source, target: place.target, isMade: place.isWanted });
  for (const name of copier.item.tree.list(place.source)) {
    copyEntry(copier, {
      ...place,
      source: joinPath(place.source, name),
      relative: joinPath(place.relative, name),
      target: joinPath(place.target, name),
    });
  }
  copier.open.pop();
}

/** False for directories that cannot hold anything that the --parents pattern names: its literal head leads elsewhere. */
function isOnTheWay(copier: Copier, relative: string): boolean {
  const pattern = copier.item.include;
  if (pattern === undefined || pattern.startsWith('!') || relative === '') return true;
  const parts = pattern.split('/');
  const names = relative.split('/');
  for (const [index, name] of names.entries()) {
    const part = parts[index];
    if (part === undefined || hasWildcard(part) || part.includes('\\')) return true;
    if (part !== name) return false;
  }
  return true;
}

function putDirectory(copier: Copier, source: FileEntry, place: Place): void {
  const { table } = copier;
  const existing = existingDirectory(copier, place.target);
  if (place.relative !== '' || existing === undefined) {
    const xattrs = { ...existing?.xattrs, ...source.xattrs };
    table.set({
      ...withMetadata(copier, source, place.target),
      ...(Object.keys(xattrs).length > 0 ? { xattrs } : {}),
    });
  } else if (place.target !== '') table.set({ ...existing, mtime: source.mtime });
}

function existingDirectory(copier: Copier, target: string): FileEntry | undefined {
  const existing = copier.table.tree.lookup(target);
  if (existing === undefined || existing.type === 'directory') return existing;
  throw new WherryError('COPY_FAILED', `cannot copy to non-directory: /${target}`, {
    hint:
      existing.link === undefined
        ? `There is a ${existing.type} at "/${target}": remove it first, or choose another destination.`
        : `There is a symlink there to "${existing.link}": copy to where it leads.`,
  });
}

/** Makes the directories that --parents waited with. One that exists takes the source's mode only: so does BuildKit. */
function makeOpenDirectories(copier: Copier): void {
  for (const directory of copier.open) {
    if (directory.isMade) continue;
    directory.isMade = true;
    const existing = existingDirectory(copier, directory.target);
    if (existing === undefined) copier.table.set(withMetadata(copier, directory.source, directory.target));
    else copier.table.set({ ...existing, mode: directory.source.mode });
  }
}

function copyFile(copier: Copier, source: FileEntry, target: string): void {
  const existing = copier.table.tree.lookup(target);
  if (existing?.type === 'directory')
    throw new WherryError('COPY_FAILED', `cannot replace to directory /${target} with file`, {
      hint: `There is a directory at "/${target}": remove it first, or choose another name.`,
    });
  copier.table.set(withMetadata(copier, source, target));
}

/** A source's entry at `path`, with --chown and --chmod. One object for each of perhaps many files. */
function withMetadata(copier: Copier, source: FileEntry, path: string): FileEntry {
  const { owner, mode: chmod } = copier.request;
  const mode =
    chmod === undefined || source.type === 'symlink' ? source.mode : chmod(source.mode, source.type === 'directory');
  if (owner === undefined && source.inode === undefined) return { ...source, path, mode };
  return {
    ...source,
    path,
    mode,
    ...(owner === undefined ? {} : { uid: owner.uid, gid: owner.gid }),
    ...(source.inode === undefined ? {} : { inode: `${copier.inodes}/${source.inode}` }),
  };
}
