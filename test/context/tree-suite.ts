// What every file tree must do, run over each implementation: look-ups, lists, symlinks that are not followed.
import { createReadStream } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type FileTree, resolveInTree } from '../../src/context/tree.ts';
import { digestOf } from '../../src/oci/digest.ts';
import type { FileEntry } from '../../src/tar/entry.ts';

/** Plain files that every implementation can hold. */
export const plainFiles = {
  'a.txt': 'A\n',
  'dir/one': '1\n',
  'dir/sub/two': '2\n',
  'dir.x': 'sorts after dir/',
  'dir-x': '-',
  Z: 'z',
  'ä/ö': 'ü',
  empty: '',
} as const;

export interface SuiteOptions {
  readonly name: string;
  /** Opens a tree of `plainFiles`, and of the links below where it can hold them. */
  readonly open: () => Promise<FileTree>;
  /** It holds: `dir/run` of mode 0755, symlinks `dir/link` → one, `abs` → /dir/sub, and with `inodes` `hard` as a name of `dir/one`. */
  readonly hasLinks: boolean;
  readonly hasInodes: boolean;
}

/** Registers and runs the suite. */
export function runTreeSuite({ name, open, hasLinks, hasInodes }: SuiteOptions): void {
  const test = suite(`FileTree: ${name}`);
  let tree: FileTree;
  test.before(async () => {
    tree = await open();
  });

  test('lookup: the root is a directory of the path ""', () => {
    const root = tree.lookup('');
    assert.is(root?.path, '');
    assert.is(root?.type, 'directory');
  });

  test('lookup: files with their content, size and path', async () => {
    for (const [path, content] of Object.entries(plainFiles)) {
      const entry = tree.lookup(path);
      assert.is(entry?.path, path);
      assert.is(entry?.type, 'file', path);
      assert.is(entry?.size, Buffer.byteLength(content), path);
      assert.is(entry?.mode, 0o644);
      assert.is(entry && (await textOf(entry)), content, path);
      assert.is(entry && (await textOf(entry)), content, `${path}, opened again`);
      if (entry?.digest !== undefined) assert.is(entry.digest, digestOf(content));
    }
  });

  test('lookup: directories, and nothing where nothing is', () => {
    for (const path of ['dir', 'dir/sub', 'ä']) assert.is(tree.lookup(path)?.type, 'directory', path);
    for (const path of [
      'nope',
      'dir/nope',
      'nope/nope',
      'a.txt/x',
      'dir/',
      '/dir',
      './dir',
      'dir//one',
      '..',
      '../etc',
      'dir/..',
      'dir/../a.txt',
      '.',
      'A.TXT',
      'dir/sub/two/x/y',
    ])
      assert.is(tree.lookup(path), undefined, path);
  });

  test('list: names in the order of their bytes; [] where no directory is', () => {
    const more = hasLinks ? ['abs'] : [];
    const hard = hasInodes ? ['hard'] : [];
    assert.equal(tree.list(''), ['Z', 'a.txt', ...more, 'dir', 'dir-x', 'dir.x', 'empty', ...hard, 'ä']);
    assert.equal(tree.list('dir'), [...(hasLinks ? ['link'] : []), 'one', ...(hasLinks ? ['run'] : []), 'sub']);
    assert.equal(tree.list('dir/sub'), ['two']);
    for (const path of ['a.txt', 'nope', 'a.txt/x', '..', 'dir/sub/..', 'abs', 'dir/link'])
      assert.equal(tree.list(path), [], path);
  });

  test('list: what is listed can be looked up, all over the tree', () => {
    const walk = (path: string): void => {
      for (const child of tree.list(path)) {
        const below = path === '' ? child : `${path}/${child}`;
        assert.is(tree.lookup(below)?.path, below);
        walk(below);
      }
    };
    walk('');
  });

  if (hasLinks) {
    test('symlinks: entries that are not followed', () => {
      assert.is(tree.lookup('dir/link')?.type, 'symlink');
      assert.is(tree.lookup('dir/link')?.link, 'one');
      assert.is(tree.lookup('abs')?.link, '/dir/sub');
      assert.is(tree.lookup('abs/two'), undefined);
      assert.is(resolveInTree(tree, 'abs/two'), 'dir/sub/two');
      assert.is(resolveInTree(tree, 'dir/link'), 'dir/one');
      assert.is(tree.lookup('dir/run')?.mode, 0o755);
    });
  }
  if (hasInodes) {
    test('hard links: files that share an inode', () => {
      const [one, hard] = [tree.lookup('dir/one'), tree.lookup('hard')];
      assert.is(hard?.type, 'file');
      assert.type(one?.inode, 'string');
      assert.is(one?.inode, hard?.inode);
      assert.is(tree.lookup('a.txt')?.inode, undefined);
    });
  }
  test.run();
}

/** A file's content as text. */
export async function textOf(entry: FileEntry): Promise<string> {
  const { content, size } = entry;
  if (content === undefined) throw new Error(`${entry.path} has no content`);
  if (content.kind === 'bytes') return Buffer.from(content.bytes).toString();
  const start = content.kind === 'file' ? (content.offset ?? 0) : 0;
  if (size === 0) return '';
  const chunks: Uint8Array[] = [];
  for await (const chunk of content.kind === 'file'
    ? createReadStream(content.path, { start, end: start + size - 1 })
    : content.open())
    chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
