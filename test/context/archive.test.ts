// Archives: what ADD extracts and what it copies, where the entries go, and what is refused.
import { execFileSync } from 'node:child_process';
import { createReadStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readArchiveTree } from '../../src/context/archive.ts';
import { memoryTree } from '../../src/context/memory.ts';
import { type CopyRequest, selectCopy } from '../../src/context/select.ts';
import { emptyTree } from '../../src/context/tree.ts';
import { isError } from '../../src/errors.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { encodeHeader, endOfArchive, padding } from '../../src/tar/encode.ts';
import type { FileEntry } from '../../src/tar/entry.ts';
import { textOf } from './tree-suite.ts';
import { linesOf, treeOf } from './trees.ts';

const scratch = mkdtempSync(join(tmpdir(), 'wherry-archive-'));
test.after(() => rmSync(scratch, { recursive: true, force: true }));
let count = 0;
const spool = async (): Promise<string> => join(scratch, `${++count}`);

type Item = Partial<FileEntry> & { readonly path: string; readonly text?: string };

/** A tar of these entries, in this order. */
function tarOf(items: readonly Item[]): Uint8Array {
  const blocks = items.flatMap(({ text = '', ...item }) => {
    const bytes = Buffer.from(text);
    const header = encodeHeader({ type: 'file', mode: 0o644, uid: 5, gid: 6, mtime: 50, ...item, size: bytes.length });
    return [header, bytes, Buffer.alloc(padding(bytes.length))];
  });
  return Buffer.concat([...blocks, endOfArchive]);
}

/** The entries that `ADD x.tar DEST` makes; contents as text. */
async function add(bytes: Uint8Array, dest: string, rest: Partial<CopyRequest> = {}): Promise<string[]> {
  const entries = await selectCopy({
    instruction: 'ADD',
    sources: [{ kind: 'path', tree: memoryTree({ 'x.tar': bytes }), path: 'x.tar' }],
    destination: dest,
    workdir: '/',
    target: emptyTree,
    parents: false,
    exclude: [],
    archives: 'extract',
    spool,
    ...rest,
  });
  const withText = await Promise.all(
    entries.map(
      async (entry): Promise<FileEntry> =>
        entry.type === 'file'
          ? { ...entry, content: { kind: 'bytes', bytes: Buffer.from(await textOf(entry)) } }
          : entry,
    ),
  );
  return linesOf(withText);
}

const dir = { path: 'd', type: 'directory', mode: 0o2750 } as const;
const one = { path: 'd/one', text: '1', mode: 0o4711 } as const;
const plain = [dir, one, { path: 'd/l', type: 'symlink', mode: 0o777, link: 'one' }] as const;
const made = (path: string): string => `${path}/ 755 0:0 @0`;

const rows: readonly (readonly [
  title: string,
  items: readonly Item[],
  dest: string,
  on: readonly string[],
  entries: readonly string[],
])[] = [
  [
    'into a new directory, metadata from the archive',
    plain,
    '/o',
    [],
    [made('o'), 'o/d/ 2750 5:6 @50', 'o/d/l 777 5:6 @50 -> one', 'o/d/one 4711 5:6 @50 =1'],
  ],
  [
    '"." says nothing of the destination',
    [{ path: '', type: 'directory', mode: 0o700 }, ...plain],
    '/o/',
    ['o/ 711 1:1'],
    ['o/ 711 1:1 @100', 'o/d/ 2750 5:6 @50', 'o/d/l 777 5:6 @50 -> one', 'o/d/one 4711 5:6 @50 =1'],
  ],
  ["a directory that is there takes the archive's metadata", [dir], '/', ['d/ 700 1:1', 'd/x'], ['d/ 2750 5:6 @50']],
  [
    'implied parents are 0755 of 0:0',
    [{ path: 'p/q/f', text: 'x' }],
    '/o',
    [],
    [made('o'), made('o/p'), made('o/p/q'), 'o/p/q/f 644 5:6 @50 =x'],
  ],
  [
    'a parent that is an absolute symlink leads inside the destination',
    [{ path: 'd/f', text: 'x' }],
    '/o',
    ['o/d -> /run', 'o/run/', 'run/'],
    ['o/ 755 0:0 @0', 'o/run/ 755 0:0 @100', 'o/run/f 644 5:6 @50 =x'],
  ],
  [
    'at the root it leads inside the root',
    [{ path: 'var/run/f', text: 'x' }],
    '/',
    ['run/ 711', 'var/run -> /run'],
    ['run/ 711 0:0 @100', 'run/f 644 5:6 @50 =x'],
  ],
  [
    'a symlink of the archive does not lead out',
    [
      { path: 'l', type: 'symlink', mode: 0o777, link: '/etc' },
      { path: 'l/passwd', text: 'x' },
    ],
    '/o',
    ['etc/passwd =root'],
    [made('o'), made('o/etc'), 'o/etc/passwd 644 5:6 @50 =x', 'o/l 777 5:6 @50 -> /etc'],
  ],
  [
    'a directory entry replaces a symlink to a directory',
    [dir, one],
    '/',
    ['run/', 'd -> run'],
    ['d/ 2750 5:6 @50', 'd/one 4711 5:6 @50 =1'],
  ],
  ['a file replaces a directory', [{ path: 'd', text: 'x' }], '/', ['d/x'], ['d 644 5:6 @50 =x']],
  ['a directory replaces a file', [dir], '/', ['d'], ['d/ 2750 5:6 @50']],
  [
    'a directory that came after a file in its place is opaque',
    [{ path: 'd', text: 'x' }, dir, one],
    '/',
    ['d/x'],
    ['d/ 2750 5:6 @50', 'd/.wh..wh..opq 644 0:0 @0 =', 'd/one 4711 5:6 @50 =1'],
  ],
  [
    'the last of two entries of one path wins',
    [
      { path: 'f', text: '1' },
      { path: 'f', text: '22' },
    ],
    '/o',
    [],
    [made('o'), 'o/f 644 5:6 @50 =22'],
  ],
  [
    'hard links',
    [one, { path: 'a', type: 'hardlink', link: 'd/one', mode: 0o4711 }],
    '/o',
    [],
    [made('o'), 'o/a 4711 5:6 @50 =1', made('o/d'), 'o/d/one 4711 5:6 @50 => o/a'],
  ],
  [
    'a hard link to a file of the target',
    [{ path: 'a', type: 'hardlink', link: 'b', mode: 0o600 }],
    '/o',
    ['o/', 'o/b =base'],
    ['o/ 755 0:0 @100', 'o/a 600 5:6 @50 =base', 'o/b 600 5:6 @50 => o/a'],
  ],
  [
    'a hard link through a symlink',
    [
      { path: 'v/a', text: '1' },
      { path: 'v/b', type: 'hardlink', link: 'v/a' },
    ],
    '/',
    ['run/', 'v -> /run'],
    ['run/ 755 0:0 @100', 'run/a 644 5:6 @50 =1', 'run/b 644 5:6 @50 => run/a'],
  ],
  [
    'absolute names are below the destination',
    [{ path: 'd/one', text: '1' }],
    '/o/',
    [],
    [made('o'), made('o/d'), 'o/d/one 644 5:6 @50 =1'],
  ],
  [
    'fifos and devices',
    [
      { path: 'p', type: 'fifo' },
      { path: 'n', type: 'character', deviceMajor: 1, deviceMinor: 3 },
    ],
    '/o',
    [],
    [made('o'), 'o/n 644 5:6 @50 character', 'o/p 644 5:6 @50 fifo'],
  ],
];

for (const [title, items, dest, on, entries] of rows) {
  test(`ADD of an archive: ${title}`, async () => {
    assert.equal(await add(tarOf(items), dest, on.length === 0 ? {} : { target: treeOf(on) }), entries);
  });
}

test('ADD of an archive: --chown reaches its entries and the destination, not implied parents; --chmod reaches nothing', async () => {
  assert.equal(
    await add(tarOf([{ path: 'p/f', text: 'x' }, dir]), '/o', {
      owner: { uid: 9, gid: 8 },
      mode: () => 0o700,
      parentMode: 0o700,
    }),
    ['o/ 755 9:8 @0', 'o/d/ 2750 9:8 @50', made('o/p'), 'o/p/f 644 9:8 @50 =x'],
  );
});

test('ADD: what is no archive, or an empty one, is copied', async () => {
  const truncatedName = Buffer.from('not a tar at all');
  for (const bytes of [
    truncatedName,
    new Uint8Array(),
    new Uint8Array(10240),
    gzipSync('hello'),
    new Uint8Array(100),
  ]) {
    const lines = await add(bytes, '/o');
    assert.is(lines.length, 1);
    assert.match(lines[0] ?? '', /^o 644 0:0/);
  }
});

test('ADD: a compressed archive is known by its content, COPY and "keep" never extract', async () => {
  const bytes = gzipSync(tarOf(plain));
  assert.is((await add(bytes, '/o')).length, 4);
  assert.is((await add(bytes, '/o', { archives: 'keep' })).length, 1);
  const entry: FileEntry = {
    path: 'x.tgz',
    type: 'file',
    mode: 0o600,
    uid: 0,
    gid: 0,
    size: bytes.length,
    mtime: 1,
    content: { kind: 'bytes', bytes },
  };
  assert.is((await add(bytes, '/o', { sources: [{ kind: 'file', name: 'x.tgz', entry }] })).length, 1);
  assert.is((await add(bytes, '/o', { sources: [{ kind: 'file', name: 'x.tgz', entry, unpack: true }] })).length, 4);
});

test('ADD: entries carry digests, and their contents are in one uncompressed file', async () => {
  const entries = await selectCopy({
    instruction: 'ADD',
    sources: [{ kind: 'path', tree: memoryTree({ x: gzipSync(tarOf(plain)) }), path: 'x' }],
    destination: '/',
    workdir: '/',
    target: emptyTree,
    parents: false,
    exclude: [],
    archives: 'extract',
    spool,
  });
  const file = entries.find((entry) => entry.path === 'd/one');
  assert.is(file?.digest, digestOf('1'));
  assert.ok(file?.content?.kind === 'file');
  assert.equal(new Uint8Array(readFileSync(file.content.path)), new Uint8Array(tarOf(plain)));
});

test('ADD of an archive: what is refused', async () => {
  const bytes = tarOf(plain);
  const escaping = Buffer.from(tarOf([{ path: 'xx/evil', text: 'x' }]));
  escaping.write('../evil', 0);
  escaping.write('        ', 148);
  const sum = escaping.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  escaping.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  for (const [archive, code, on] of [
    [bytes.subarray(0, 1000), 'ARCHIVE_INVALID', []],
    [gzipSync(bytes).subarray(0, -20), 'ARCHIVE_INVALID', []],
    [escaping, 'ARCHIVE_INVALID', []],
    [tarOf([{ path: 'a', type: 'hardlink', link: 'nope' }]), 'ARCHIVE_INVALID', []],
    [tarOf([dir, { path: 'a', type: 'hardlink', link: 'd' }]), 'ARCHIVE_INVALID', []],
    [bytes, 'COPY_FAILED', ['o']],
    [tarOf([{ path: 'f/x', text: '1' }]), 'COPY_FAILED', ['o/f']],
    [tarOf([{ path: '.wh.x' }]), 'COPY_FAILED', []],
    [
      tarOf([{ path: 'l', type: 'symlink', mode: 0o777, link: '../../../etc' }, { path: 'l/passwd' }]),
      'COPY_FAILED',
      [],
    ],
    [tarOf([{ path: 'l', type: 'symlink', mode: 0o777, link: 'l' }, { path: 'l/x' }]), 'COPY_FAILED', []],
  ] as const) {
    try {
      assert.unreachable((await add(archive, '/o', on.length === 0 ? {} : { target: treeOf(on) })).join('\n'));
    } catch (error) {
      assert.ok(isError(error, code), String(error));
    }
  }
});

test('readArchiveTree: a tar of GNU tar, with owners, times and missing parents', async () => {
  const root = join(scratch, 'gnu');
  mkdirSync(join(root, 'p/q'), { recursive: true });
  writeFileSync(join(root, 'p/q/f'), 'content');
  execFileSync('tar', [
    '-C',
    root,
    '--no-recursion',
    '--owner=7',
    '--group=8',
    '--mtime=@12345',
    '-czf',
    `${root}.tgz`,
    './p/q/f',
  ]);
  const tree = await readArchiveTree(createReadStream(`${root}.tgz`), `${root}.spool`);
  assert.equal(tree.list('p'), ['q']);
  assert.is(tree.lookup('p')?.mode, 0o755);
  const entry = tree.lookup('p/q/f');
  assert.equal([entry?.uid, entry?.gid, entry?.mtime], [7, 8, 12345]);
  assert.is(entry && (await textOf(entry)), 'content');
  assert.is(tree.spool, `${root}.spool`);
});

test('readArchiveTree: what is no archive is ARCHIVE_INVALID', async () => {
  const path = join(scratch, 'text');
  writeFileSync(path, 'FROM scratch\n');
  try {
    await readArchiveTree(createReadStream(path), `${path}.spool`);
    assert.unreachable();
  } catch (error) {
    assert.ok(isError(error, 'ARCHIVE_INVALID'), String(error));
  }
});

test.run();
