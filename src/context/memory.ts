// Plain files in memory as a file tree: path → content, mode 0644, directories 0755, all 0:0 at time 0.
import { WherryError } from '../errors.ts';
import { compareNames, type FileEntry } from '../tar/entry.ts';
import { type IgnoredBy, type IgnoreMatcher, ignoredBy } from './ignore.ts';
import { cleanPath } from './pattern.ts';
import { parentOf } from './table.ts';
import type { FileTree } from './tree.ts';

/** A tree in memory. */
export interface MemoryTree extends FileTree {
  /** The rule that hides a path, and the name of its file; undefined when none does. */
  ignoredBy(path: string): IgnoredBy | undefined;
}

/**
 * A tree of these files, without those that `ignore` hides; a string is its UTF-8.
 * @throws ARGUMENT_INVALID for a path that leaves the root or is both file and directory
 */
export function memoryTree(
  files: Readonly<Record<string, string | Uint8Array>>,
  options: { readonly ignore?: IgnoreMatcher } = {},
): MemoryTree {
  const entries: FileEntry[] = Object.entries(files).map(([written, content]) => {
    const path = cleanPath(written);
    if (path === '.' || path.startsWith('/') || path === '..' || path.startsWith('../'))
      throw new WherryError('ARGUMENT_INVALID', `Cannot use file "${written}": its path is not below the root`);
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    return {
      path,
      type: 'file',
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: bytes.length,
      mtime: 0,
      content: { kind: 'bytes', bytes },
    };
  });
  const { ignore } = options;
  const visible = ignore === undefined ? entries : entries.filter((entry) => !ignore.decide(entry.path).ignored);
  return { ...tableTree(visible), ignoredBy: (path) => ignoredBy(ignore, path) };
}

/**
 * A tree of entries in any order, later ones in the place of earlier; missing parents are directories 0755 of 0:0.
 * @throws ARGUMENT_INVALID where something lies below what is no directory
 */
export function tableTree(entries: Iterable<FileEntry>): FileTree {
  const byPath = new Map<string, FileEntry>([['', directory('')]]);
  for (const entry of entries) byPath.set(entry.path, entry);
  for (const path of [...byPath.keys()]) {
    for (let above = parentOf(path); above !== ''; above = parentOf(above)) {
      const found = byPath.get(above);
      if (found === undefined) byPath.set(above, directory(above));
      else if (found.type !== 'directory')
        throw new WherryError('ARGUMENT_INVALID', `Cannot use file "${path}": "${above}" is a ${found.type}`);
    }
  }
  const names = new Map<string, string[]>();
  for (const path of byPath.keys()) if (path !== '') appendName(names, path);
  for (const list of names.values()) list.sort(compareNames);
  return { lookup: (path) => byPath.get(path), list: (path) => names.get(path) ?? [] };
}

function appendName(names: Map<string, string[]>, path: string): void {
  const parent = parentOf(path);
  const name = parent === '' ? path : path.slice(parent.length + 1);
  const list = names.get(parent);
  if (list === undefined) names.set(parent, [name]);
  else list.push(name);
}

function directory(path: string): FileEntry {
  return { path, type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0 };
}
