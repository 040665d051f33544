// Trees from lines of text, and entries as lines, for tables. A line is `path[/] [mode] [uid:gid] [=content] [-> target]`.

import { tableTree } from '../../src/context/memory.ts';
import type { FileTree } from '../../src/context/tree.ts';
import type { FileEntry } from '../../src/tar/entry.ts';

/** A tree of these lines. Files are 644, directories (a `/` at the end) 755, all at time 100. `^name` marks names of one inode. */
export function treeOf(lines: readonly string[]): FileTree {
  return tableTree(lines.map(entryOf));
}

function entryOf(line: string): FileEntry {
  const [path = '', ...words] = line.split(' ');
  const common = { path: path.replace(/\/$/, ''), uid: 0, gid: 0, size: 0, mtime: 100, ...wordsOf(words) };
  if (words.includes('->')) return { ...common, type: 'symlink', mode: 0o777, link: words.at(-1) ?? '' };
  if (words.includes('fifo')) return { mode: 0o644, ...common, type: 'fifo' };
  if (path.endsWith('/')) return { mode: 0o755, ...common, type: 'directory' };
  const bytes = Buffer.from(words.find((word) => word.startsWith('='))?.slice(1) ?? path);
  return { mode: 0o644, ...common, type: 'file', size: bytes.length, content: { kind: 'bytes', bytes } };
}

function wordsOf(words: readonly string[]): Partial<FileEntry> {
  const mode = words.find((word) => /^[0-7]{3,4}$/.test(word));
  const owner = words
    .find((word) => /^[0-9]+:[0-9]+$/.test(word))
    ?.split(':')
    .map(Number);
  const inode = words.find((word) => word.startsWith('^'));
  const time = words.find((word) => /^@[0-9]+$/.test(word));
  return {
    ...(mode === undefined ? {} : { mode: Number.parseInt(mode, 8) }),
    ...(owner === undefined ? {} : { uid: owner[0] ?? 0, gid: owner[1] ?? 0 }),
    ...(inode === undefined ? {} : { inode }),
    ...(time === undefined ? {} : { mtime: Number(time.slice(1)) }),
  };
}

/** One line for each entry: `path[/] mode uid:gid @mtime` with `=content`, `-> target` or `=> hard link's target`. */
export function linesOf(entries: readonly FileEntry[]): string[] {
  return entries.map((entry) => {
    const rest: Record<string, () => string> = {
      file: () =>
        ` =${entry.content?.kind === 'bytes' ? Buffer.from(entry.content.bytes).toString() : `(${entry.size})`}`,
      symlink: () => ` -> ${entry.link}`,
      hardlink: () => ` => ${entry.link}`,
      directory: () => '',
    };
    return `${entry.path}${entry.type === 'directory' ? '/' : ''} ${entry.mode.toString(8)} ${entry.uid}:${entry.gid} @${entry.mtime}${rest[entry.type]?.() ?? ` ${entry.type}`}`;
  });
}
