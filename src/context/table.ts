// A table of changes on top of a tree: what COPY and ADD have made so far, seen as one tree with what is below, and in the
// end the sorted entries of the layer, each changed path with its parents (image spec, layer.md, "Creating").
import { WherryError } from '../errors.ts';
import { compareNames, comparePaths, type FileEntry } from '../tar/entry.ts';
import type { FileTree } from './tree.ts';

/** Changes on top of a tree. Not shared between selections. */
export interface Table {
  /** The tree below with the changes on it. */
  readonly tree: FileTree;
  /** Makes or replaces one path. Its parents must be there. */
  set(entry: FileEntry): void;
  /** Removes a path and what is below it, so that something of another kind can take its place. */
  remove(path: string): void;
  /** Whether a path was made or replaced here. */
  has(path: string): boolean;
  /** What was made or replaced, as it is in a tree: without its parents, names of one inode marked as such. */
  changes(): Iterable<FileEntry>;
  /** The layer: sorted, parents included (as the tree below has them), the root left out, later names of one inode as hard links. */
  entries(): FileEntry[];
}

/** An empty table over `below`. */
export function createTable(below: FileTree): Table {
  const changes = new Map<string, FileEntry>();
  const removed = new Set<string>();
  const isHidden = (path: string): boolean =>
    removed.size > 0 && ancestorsOf(path, true).some((ancestor) => removed.has(ancestor));
  const lookup = (path: string): FileEntry | undefined =>
    changes.get(path) ?? (isHidden(path) ? undefined : below.lookup(path));
  return {
    tree: {
      lookup,
      list: (path) => {
        const names = new Set(
          isHidden(path) ? [] : below.list(path).filter((name) => !removed.has(joinPath(path, name))),
        );
        for (const key of changes.keys())
          if (key !== '' && parentOf(key) === path) names.add(key.slice(key.lastIndexOf('/') + 1));
        return [...names].sort(compareNames);
      },
    },
    set: (entry) => {
      if (/(?:^|\/)\.wh\.[^/]*$/.test(entry.path)) throw whiteoutName(entry.path);
      changes.set(entry.path, entry);
    },
    has: (path) => changes.has(path),
    changes: () => changes.values(),
    remove: (path) => {
      for (const key of [...changes.keys()]) if (key === path || key.startsWith(`${path}/`)) changes.delete(key);
      removed.add(path);
    },
    entries: () => {
      const all = new Map(changes);
      for (const path of changes.keys()) {
        for (const ancestor of ancestorsOf(path, false)) {
          if (all.has(ancestor)) continue;
          const entry = below.lookup(ancestor);
          if (entry?.type !== 'directory') throw new TypeError(`"${ancestor}" is changed below, but is no directory`);
          all.set(ancestor, entry);
        }
      }
      for (const path of removed) {
        // The directory of a lower layer went away and one of the same name took its place: its old content stays away.
        if (changes.get(path)?.type === 'directory' && below.lookup(path)?.type === 'directory')
          all.set(`${path}/.wh..wh..opq`, opaqueMark(`${path}/.wh..wh..opq`));
      }
      all.delete('');
      return linkInodes([...all.values()].sort((a, b) => comparePaths(a.path, b.path)));
    },
  };
}

function whiteoutName(path: string): WherryError {
  return new WherryError(
    'COPY_FAILED',
    `Cannot copy to "/${path}": a name that begins with ".wh." deletes files when a layer is unpacked`,
    { hint: 'Exclude it or rename it.' },
  );
}

function opaqueMark(path: string): FileEntry {
  return {
    path,
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: 0,
    mtime: 0,
    content: { kind: 'bytes', bytes: new Uint8Array() },
  };
}

/** The first name of an inode in the final order is the file; the others are hard links to it. */
function linkInodes(entries: readonly FileEntry[]): FileEntry[] {
  const first = new Map<string, string>();
  return entries.map((entry) => {
    if (entry.inode === undefined) return entry;
    const { inode, ...rest } = entry;
    const target = first.get(inode);
    if (target === undefined) {
      first.set(inode, entry.path);
      return rest;
    }
    const { digest: _digest, content: _content, xattrs: _xattrs, ...header } = rest;
    return { ...header, type: 'hardlink', size: 0, link: target };
  });
}

/** The directory of a path; "" for a top-level name. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** `dir/name`, where dir may be the root "". */
export function joinPath(dir: string, name: string): string {
  return dir === '' ? name : `${dir}/${name}`;
}

/** The directories above a path, the root left out, top first; with `self` the path itself is the last. */
function ancestorsOf(path: string, self: boolean): string[] {
  const found: string[] = [];
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) found.push(path.slice(0, at));
  if (self && path !== '') found.push(path);
  return found;
}

/** How directories that a COPY needs and nobody described are made. */
export interface NewDirectory {
  readonly mode: number;
  /** The mode is set as it is: setgid is not inherited. */
  readonly exactMode?: boolean;
  readonly uid: number;
  /** Without one: 0, or its parent's where that is setgid. */
  readonly gid?: number | undefined;
  readonly mtime: number;
}

/** A new directory in `parent`, as mkdir makes it: below a setgid directory it is setgid as well. */
export function newDirectory(path: string, parent: FileEntry | undefined, made: NewDirectory): FileEntry {
  const inherits = ((parent?.mode ?? 0) & 0o2000) !== 0;
  const gid = made.gid ?? (inherits ? (parent?.gid ?? 0) : 0);
  const mode = made.mode | (inherits && made.exactMode !== true ? 0o2000 : 0);
  return { path, type: 'directory', mode, uid: made.uid, gid, size: 0, mtime: made.mtime };
}

/** Makes a directory and its parents where they are missing. `path` has no symlinks (see resolveInTree). @throws COPY_FAILED */
export function makeDirectories(table: Table, path: string, made: NewDirectory): void {
  for (const ancestor of ancestorsOf(path, true)) {
    const entry = table.tree.lookup(ancestor);
    if (entry === undefined) table.set(newDirectory(ancestor, table.tree.lookup(parentOf(ancestor)), made));
    else if (entry.type !== 'directory')
      throw new WherryError('COPY_FAILED', `cannot copy to non-directory: /${ancestor}`, {
        hint: `There is a ${entry.type} at "/${ancestor}": remove it first, or choose another destination.`,
      });
  }
}
