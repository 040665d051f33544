import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { resolveInTree } from '../../src/context/tree.ts';
import { isError } from '../../src/errors.ts';
import { tocOf } from '../../src/layer/toc.ts';
import { applyEntries, type LayerTree, stackTree, textOf } from '../../src/layer/tree.ts';
import type { EntryType, FileEntry } from '../../src/tar/entry.ts';
import { chunked, rawEntry, rawTar } from '../tar/raw-tar.ts';

/**
 * An entry in short: "dir/" a directory, "link->target", "hard=>target", "path:text" a file of this text, "path" an
 * empty file (or a whiteout).
 */
function entryOf(text: string): FileEntry {
  const base = { mode: 0o700, uid: 7, gid: 7, size: 0, mtime: 7 };
  const make = (type: EntryType, path: string, link?: string): FileEntry => ({
    ...base,
    path,
    type,
    ...(link === undefined ? {} : { link }),
  });
  if (text.includes('->')) return make('symlink', text.split('->')[0] ?? '', text.split('->')[1]);
  if (text.includes('=>')) return make('hardlink', text.split('=>')[0] ?? '', text.split('=>')[1]);
  if (text.endsWith('/')) return make('directory', text.slice(0, -1));
  const [path = '', content] = text.split(':');
  if (content === undefined) return make('file', path);
  return { ...make('file', path), size: content.length, content: { kind: 'bytes', bytes: Buffer.from(content) } };
}

/** Applies layers, both as planned entries and by way of a tar; both ways must agree. */
async function stack(layers: readonly (readonly string[])[]): Promise<LayerTree> {
  let planned: LayerTree | undefined;
  let read: LayerTree | undefined;
  for (const layer of layers) {
    const entries = layer.map(entryOf);
    planned = applyEntries(planned, entries);
    const flags = { file: '0', hardlink: '1', symlink: '2', directory: '5' } as const;
    const parts = entries.map((entry) =>
      rawEntry(
        {
          name: entry.path === '' ? './' : entry.path,
          type: flags[entry.type as 'file'],
          mode: '0000700\0',
          uid: '0000007\0',
          mtime: '00000000007\0',
          link: entry.link ?? '',
        },
        entry.content?.kind === 'bytes' ? Buffer.from(entry.content.bytes) : '',
      ),
    );
    const tar = rawTar(...parts);
    const toc = await tocOf(chunked(tar));
    read = stackTree(read, toc, ({ offset, size }) => ({ kind: 'bytes', bytes: tar.subarray(offset, offset + size) }));
  }
  assert.ok(planned !== undefined && read !== undefined);
  assert.equal(listing(read), listing(planned));
  return read;
}

/** All paths in the words of `entryOf`; implied directories end with "//". */
function listing(tree: LayerTree, path = ''): string[] {
  return tree.list(path).flatMap((name) => {
    const child = path === '' ? name : `${path}/${name}`;
    const entry = tree.lookup(child);
    assert.is(entry?.path, child);
    const text =
      entry?.content?.kind === 'bytes' && entry.size > 0 ? `:${Buffer.from(entry.content.bytes).toString()}` : '';
    switch (entry?.type) {
      case 'directory':
        return [`${child}${entry.uid === 0 ? '//' : '/'}`, ...listing(tree, child)];
      case 'symlink':
        return [`${child}->${entry.link}`];
      default:
        return [`${child}${text}${entry?.inode === undefined ? '' : '*'}`];
    }
  });
}

const tables: readonly (readonly [title: string, layers: string[][], expected: string[]])[] = [
  ['layers add up', [['a/', 'a/x:1'], ['b'], ['a/', 'a/y']], ['a/', 'a/x:1', 'a/y', 'b']],
  ['a later file wins', [['a:1'], ['a:2']], ['a:2']],
  ['the last of a path in one layer wins', [['a:1', 'a:2', 'a:3']], ['a:3']],
  ['missing parents are implied', [['a/b/c']], ['a//', 'a/b//', 'a/b/c']],
  ['a parent that comes later keeps its children', [['a/b', 'a/']], ['a/', 'a/b']],
  [
    'a directory over a directory merges (T13)',
    [
      ['d/', 'd/x'],
      ['d/', 'd/y'],
    ],
    ['d/', 'd/x', 'd/y'],
  ],
  ['a file over a directory removes all of it (T13)', [['d/', 'd/x/', 'd/x/y'], ['d:f']], ['d:f']],
  ['a directory over a file (T13)', [['d:f'], ['d/', 'd/x']], ['d/', 'd/x']],
  [
    'a directory over a symlink to a directory replaces it (T13)',
    [
      ['t/', 't/x', 'd->t'],
      ['d/', 'd/y'],
    ],
    ['d/', 'd/y', 't/', 't/x'],
  ],
  [
    'a symlink over a directory (T8)',
    [
      ['foo/', 'foo/x', 'tmp/'],
      ['foo->/', 'foo/tmp/y'],
    ],
    ['foo->/', 'tmp/', 'tmp/y'],
  ],
  [
    'a whiteout removes a file',
    [
      ['d/', 'd/x', 'd/y'],
      ['d/', 'd/.wh.x'],
    ],
    ['d/', 'd/y'],
  ],
  ['a whiteout removes a directory', [['d/', 'd/x/', 'd/x/y'], ['.wh.d']], []],
  ['a whiteout of nothing does nothing', [['a'], ['.wh.b', 'c/.wh.d']], ['a']],
  [
    'a whiteout spares its own layer, before and after',
    [
      ['d/', 'd/x:1'],
      ['d/', '.wh.e', 'e:1', 'f:1', '.wh.f'],
    ],
    ['d/', 'd/x:1', 'e:1', 'f:1'],
  ],
  [
    'a whiteout and a new directory of the same name',
    [
      ['d/', 'd/x'],
      ['.wh.d', 'd/', 'd/y'],
    ],
    ['d/', 'd/y'],
  ],
  [
    'the same in the other order',
    [
      ['d/', 'd/x'],
      ['d/', 'd/y', '.wh.d'],
    ],
    ['d/', 'd/y'],
  ],
  [
    'an opaque directory hides what is below',
    [
      ['d/', 'd/x', 'd/s/', 'd/s/z'],
      ['d/', 'd/.wh..wh..opq', 'd/y'],
    ],
    ['d/', 'd/y'],
  ],
  [
    'an opaque mark behind the entries (T14)',
    [
      ['d/', 'd/x', 'd/s/', 'd/s/z'],
      ['d/', 'd/s/', 'd/s/new', 'd/y', 'd/.wh..wh..opq'],
    ],
    ['d/', 'd/s/', 'd/s/new', 'd/y'],
  ],
  [
    'an opaque root',
    [
      ['a', 'b/', 'b/c'],
      ['.wh..wh..opq', 'x'],
    ],
    ['x'],
  ],
  ['a removed path can come back', [['a:1'], ['.wh.a'], ['a:2']], ['a:2']],
  ['a whiteout of a symlink removes the link (T12)', [['t/', 't/x', 'l->t'], ['.wh.l']], ['t/', 't/x']],
  [
    'a whiteout through a symlink stays inside the root (T12)',
    [['etc/', 'etc/hostname', 'd->/etc'], ['d/.wh.hostname']],
    ['d->/etc', 'etc/'],
  ],
  [
    'a file through a symlink of the same layer (T3)',
    [['a->/tmp/out', 'a/x']],
    ['a->/tmp/out', 'tmp//', 'tmp/out//', 'tmp/out/x'],
  ],
  [
    'through links that climb, and chains (T4)',
    [['b->../../../tmp', 'a->b', 'a/x']],
    ['a->b', 'b->../../../tmp', 'tmp//', 'tmp/x'],
  ],
  ['a hard link is its file', [['a:1', 'b=>a']], ['a:1*', 'b:1*']],
  ['a hard link to a lower layer', [['a:1'], ['d/', 'd/b=>a']], ['a:1*', 'd/', 'd/b:1*']],
  ['a hard link to a symlink is the symlink (T7)', [['l->/etc/shadow', 'h=>l']], ['h->/etc/shadow', 'l->/etc/shadow']],
  ['a hard link outlives its target', [['a:1', 'b=>a'], ['.wh.a']], ['b:1*']],
  [
    'a hard link through a symlink resolves inside the root (T6)',
    [['etc/', 'etc/passwd:in', 'p->/etc', 'h=>p/passwd']],
    ['etc/', 'etc/passwd:in*', 'h:in*', 'p->/etc'],
  ],
  ['the root itself', [['/'], ['a']], ['a']],
  [
    'names are ordered by bytes',
    [['b', 'B', 'ä', 'a', '\u{1f600}', '\ufb01']],
    ['B', 'a', 'b', 'ä', '\ufb01', '\u{1f600}'],
  ],
];

for (const [title, layers, expected] of tables)
  test(`stackTree: ${title}`, async () => {
    assert.equal(listing(await stack(layers)), expected);
  });

test('stackTree refuses a file as a parent, links to nothing and loops', () => {
  for (const layer of [['a', 'a/b'], ['h=>/etc/passwd'], ['h=>d', 'd/'], ['d/', 'h=>d'], ['a->b', 'b->a', 'a/x']])
    assert.throws(
      () => applyEntries(undefined, layer.map(entryOf)),
      (error: unknown) => isError(error, 'ARCHIVE_INVALID'),
      layer.join(),
    );
});

test('stackTree never changes the tree below', async () => {
  const below = await stack([['d/', 'd/x:1', 'd/s/', 'd/s/y', 'e/', 'e/z', 'f:1']]);
  const before = JSON.stringify(listing(below));
  const inodeBefore = below.lookup('f')?.inode;
  for (const layer of [
    ['.wh.d'],
    ['d/.wh..wh..opq'],
    ['d:f'],
    ['d/s/new', 'e/z:2'],
    ['g=>f'],
    ['/'],
    ['d/x:2', '.wh.e'],
  ]) {
    applyEntries(below, layer.map(entryOf));
    assert.is(JSON.stringify(listing(below)), before, layer.join());
  }
  assert.is(below.lookup('f')?.inode, inodeBefore);
  assert.is(below.lookup('')?.mode, 0o755);
});

test('planned layers do not share the inodes of one another', () => {
  const one = applyEntries(undefined, ['a:1', 'b=>a'].map(entryOf));
  const two = applyEntries(one, ['a:2', 'c=>a'].map(entryOf));
  assert.is(two.lookup('a')?.inode, two.lookup('c')?.inode);
  assert.is.not(two.lookup('a')?.inode, two.lookup('b')?.inode);
});

test('a tree is what resolveInTree expects', async () => {
  const tree = await stack([['usr/', 'usr/bin/', 'usr/bin/sh:#!', 'bin->usr/bin']]);
  assert.is(resolveInTree(tree, '/bin/sh'), 'usr/bin/sh');
  assert.is(tree.lookup('bin/sh'), undefined);
  assert.is(tree.lookup('usr/bin/sh/x'), undefined);
  assert.is(tree.lookup('')?.type, 'directory');
  assert.equal(tree.list('bin'), []);
  assert.equal(tree.list('nothing'), []);
});

test('textOf reads passwd from the table of contents, from planned entries and through links', async () => {
  const tar = rawTar(
    rawEntry({ name: 'etc/passwd' }, 'root:x:0:0\n'),
    rawEntry({ name: 'etc/group', type: '2', link: '/usr/group' }),
    rawEntry({ name: 'usr/group' }, 'users:x:100:\n'),
  );
  const toc = await tocOf(chunked(tar));
  const tree = stackTree(undefined, toc, ({ path, offset, size }) => ({
    kind: 'stream',
    open: () => {
      assert.is(path, 'usr/group');
      return chunked(tar.subarray(offset, offset + size));
    },
  }));
  assert.is(await textOf(tree, 'etc/passwd'), 'root:x:0:0\n');
  assert.is(await textOf(tree, '/etc/group'), 'users:x:100:\n');
  assert.is(await textOf(tree, 'etc/shadow'), undefined);
  assert.is(await textOf(tree, 'etc'), undefined);
  assert.is(await textOf(applyEntries(tree, [entryOf('etc/passwd:new')]), 'etc/passwd'), 'new');
});

test('many opaque marks, and many small layers on a large one, take linear time (T14)', () => {
  const many = Array.from({ length: 50_000 }, (_, i) => entryOf(`d/${i}`));
  const began = performance.now();
  const marks = Array.from({ length: 50_000 }, () => entryOf('d/.wh..wh..opq'));
  const tree = applyEntries(applyEntries(undefined, many), [...marks, ...many, ...marks]);
  assert.is(tree.list('d').length, 50_000);
  let top = tree;
  for (let i = 0; i < 200; i++) top = applyEntries(top, [entryOf(`e/${i}`)]);
  assert.is(top.list('e').length, 200);
  assert.is(top.lookup('d/49999')?.type, 'file');
  assert.ok(performance.now() - began < 5000);
});

test.run();
