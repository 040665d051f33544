import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isError } from '../../src/errors.ts';
import { encodeHeader, endOfArchive, padding } from '../../src/tar/encode.ts';
import type { TarHeader } from '../../src/tar/entry.ts';
import { type ReadOptions, readTar } from '../../src/tar/read.ts';
import { chunked, collect, rawEntry, rawHeader, rawPax, rawTar } from './raw-tar.ts';

interface Seen {
  readonly header: TarHeader;
  readonly offset: number;
  readonly content: string;
}

async function all(bytes: Uint8Array, options: ReadOptions & { readonly sizes?: number[] } = {}): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const { header, offset, body } of readTar(chunked(bytes, ...(options.sizes ?? [bytes.length])), options))
    seen.push({ header, offset, content: (await collect(body)).toString('latin1') });
  return seen;
}

/** Reads in several chunkings, which must agree. */
async function read(bytes: Uint8Array, options: ReadOptions = {}): Promise<Seen[] | string> {
  const outcomes: (Seen[] | string)[] = [];
  for (const sizes of [[bytes.length], [512], [700, 33], [64 * 1024]]) {
    try {
      outcomes.push(await all(bytes, { ...options, sizes }));
    } catch (error) {
      if (!isError(error, 'ARCHIVE_INVALID')) throw error;
      outcomes.push('ARCHIVE_INVALID');
    }
  }
  for (const outcome of outcomes) assert.equal(outcome, outcomes[0]);
  return outcomes[0] ?? '';
}

const paths = async (bytes: Uint8Array, options: ReadOptions = {}): Promise<string[] | string> => {
  const seen = await read(bytes, options);
  return typeof seen === 'string' ? seen : seen.map(({ header }) => header.path);
};

test('readTar gives headers, offsets and contents', async () => {
  const seen = await read(
    rawTar(
      rawEntry({ name: 'dir/', type: '5' }),
      rawEntry({ name: 'dir/a' }, 'hello'),
      rawEntry({ name: 'b', type: '2', link: 'dir/a' }),
    ),
  );
  assert.ok(typeof seen !== 'string');
  assert.equal(
    seen.map(({ header, offset, content }) => [header.path, header.type, header.link, offset, content]),
    [
      ['dir', 'directory', undefined, 512, ''],
      ['dir/a', 'file', undefined, 1024, 'hello'],
      ['b', 'symlink', 'dir/a', 2048, ''],
    ],
  );
});

test('readTar passes over bodies that nobody reads, and refuses one that is read too late', async () => {
  const tar = rawTar(rawEntry({ name: 'a' }, Buffer.alloc(100_000, 'a')), rawEntry({ name: 'b' }, 'b'));
  const late: AsyncIterable<Uint8Array>[] = [];
  const names: string[] = [];
  for await (const { header, body } of readTar(chunked(tar, 4096))) {
    names.push(header.path);
    late.push(body);
  }
  assert.equal(names, ['a', 'b']);
  try {
    for await (const _ of late[0] ?? []) assert.unreachable();
    assert.unreachable();
  } catch (error) {
    assert.instance(error, TypeError);
  }
});

test('readTar reads the source to its end, and closes it when the reader stops', async () => {
  let passed = 0;
  let closed = false;
  const tar = Buffer.concat([rawTar(rawEntry({ name: 'a' }, 'a')), Buffer.alloc(9000)]);
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of chunked(tar, 1000)) {
        passed += chunk.length;
        yield chunk;
      }
    } finally {
      closed = true;
    }
  }
  for await (const _ of readTar(source()));
  assert.is(passed, tar.length);
  closed = false;
  for await (const _ of readTar(source())) break;
  assert.ok(closed);
});

const hostile: [title: string, tar: Buffer, layer: string[] | string, strict?: string[] | string][] = [
  ['T1 ../../x', rawTar(rawEntry({ name: '../../x' })), 'ARCHIVE_INVALID', 'ARCHIVE_INVALID'],
  ['T1 /../x', rawTar(rawEntry({ name: '/../x' })), 'ARCHIVE_INVALID', 'ARCHIVE_INVALID'],
  ['T1 a/../../x', rawTar(rawEntry({ name: 'a/../../x' })), 'ARCHIVE_INVALID', 'ARCHIVE_INVALID'],
  ['T1 a/../b', rawTar(rawEntry({ name: 'a/../b' })), ['b'], 'ARCHIVE_INVALID'],
  ['T1 ..', rawTar(rawEntry({ name: '..' })), 'ARCHIVE_INVALID', 'ARCHIVE_INVALID'],
  ['T1 PAX path', rawTar(rawPax([['path', '../x']]), rawEntry({ name: 'ok' })), 'ARCHIVE_INVALID', 'ARCHIVE_INVALID'],
  ['T2 /abs/x', rawTar(rawEntry({ name: '/abs/x' })), ['abs/x'], 'ARCHIVE_INVALID'],
  ['./a//b/./c', rawTar(rawEntry({ name: './a//b/./c' })), ['a/b/c'], ['a/b/c']],
  [
    'T5 hardlink out of the root',
    rawTar(rawEntry({ name: 'h', type: '1', link: '../../etc/passwd' })),
    'ARCHIVE_INVALID',
    'ARCHIVE_INVALID',
  ],
  ['T5 absolute hardlink', rawTar(rawEntry({ name: 'h', type: '1', link: '/etc/passwd' })), ['h'], 'ARCHIVE_INVALID'],
  ['T9 . as a directory', rawTar(rawEntry({ name: './', type: '5' })), [''], ['']],
  ['T9 . as a symlink', rawTar(rawEntry({ name: '.', type: '2', link: '/' })), 'ARCHIVE_INVALID', 'ARCHIVE_INVALID'],
  ['T9 / as a file', rawTar(rawEntry({ name: '/', type: '2', link: 'x' })), 'ARCHIVE_INVALID', 'ARCHIVE_INVALID'],
  ['T10 empty name', rawTar(rawEntry({ name: '' })), 'ARCHIVE_INVALID', 'ARCHIVE_INVALID'],
  ['T10 symlink with a slash behind', rawTar(rawEntry({ name: 'a/', type: '2', link: 'x' })), 'ARCHIVE_INVALID'],
  ['T10 symlink to nothing', rawTar(rawEntry({ name: 'a', type: '2', link: '' })), 'ARCHIVE_INVALID'],
  ['T16 attribute without a name', rawTar(rawPax([['SCHILY.xattr.', 'x']]), rawEntry({})), 'ARCHIVE_INVALID'],
  [
    'T16 attribute of 70,000 bytes',
    rawTar(rawPax([['SCHILY.xattr.user.a', Buffer.alloc(70_000)]]), rawEntry({})),
    'ARCHIVE_INVALID',
  ],
  ["T16 NUL in an attribute's name", rawTar(rawPax([['SCHILY.xattr.a\0b', 'x']]), rawEntry({})), 'ARCHIVE_INVALID'],
  ['T17 NUL in a PAX path', rawTar(rawPax([['path', 'ok\0../../x']]), rawEntry({})), 'ARCHIVE_INVALID'],
  ['T17 NUL in a PAX linkpath', rawTar(rawPax([['linkpath', 'ok\0x']]), rawEntry({ type: '2' })), 'ARCHIVE_INVALID'],
  ['T17 path of 5,000 bytes', rawTar(rawPax([['path', `${'ab/'.repeat(1700)}x`]]), rawEntry({})), 'ARCHIVE_INVALID'],
  ['T17 component of 256 bytes', rawTar(rawPax([['path', 'é'.repeat(128)]]), rawEntry({})), 'ARCHIVE_INVALID'],
  ['T17 component of 254 bytes', rawTar(rawPax([['path', 'é'.repeat(127)]]), rawEntry({})), ['é'.repeat(127)]],
  ['T17 name that is not UTF-8', rawTar(rawPax([['path', Buffer.from([0x61, 0xff])]]), rawEntry({})), ['a\udcff']],
  ['T17 malformed PAX', rawTar(rawEntry({ type: 'x' }, '9 path=a'), rawEntry({})), 'ARCHIVE_INVALID'],
  [
    'T17 PAX record that is longer than its header',
    rawTar(rawEntry({ type: 'x' }, '99 path=a\n'), rawEntry({})),
    'ARCHIVE_INVALID',
  ],
  ['T18 long name of 2 GiB', rawTar(rawHeader({ type: 'L', size: 2 ** 31 })), 'ARCHIVE_INVALID'],
  [
    'T18 long name of 2 MiB',
    rawTar(rawEntry({ type: 'L' }, Buffer.alloc(2 ** 21, 'a')), rawEntry({})),
    'ARCHIVE_INVALID',
  ],
  ['T18 PAX header of 1 GiB', rawTar(rawHeader({ type: 'x', size: 2 ** 30 })), 'ARCHIVE_INVALID'],
  [
    'T18 global headers without end',
    rawTar(...Array.from({ length: 30 }, () => rawEntry({ type: 'g' }, Buffer.alloc(500_000, 'a')))),
    'ARCHIVE_INVALID',
  ],
  ['T19 negative size', rawTar(rawHeader({ size: Buffer.from('fffffffffffffffffffffe00', 'hex') })), 'ARCHIVE_INVALID'],
  [
    'T19 size of 2^63-1',
    rawTar(rawHeader({ size: Buffer.from('800000007fffffffffffffff', 'hex') })),
    'ARCHIVE_INVALID',
  ],
  ['T19 PAX size of 2^63-1', rawTar(rawPax([['size', '9223372036854775807']]), rawHeader({})), 'ARCHIVE_INVALID'],
  ['T19 PAX size that is no number', rawTar(rawPax([['size', '5x']]), rawEntry({}, 'hello')), 'ARCHIVE_INVALID'],
  ['T19 size that is no octal', rawTar(rawHeader({ size: '0000000008x\0' })), 'ARCHIVE_INVALID'],
  ['T19 symlink with a size', rawTar(rawEntry({ type: '2', link: 'x' }, 'data')), 'ARCHIVE_INVALID'],
  ['T19 hardlink with a size', rawTar(rawEntry({ type: '1', link: 'x' }, 'data')), 'ARCHIVE_INVALID'],
  [
    'T19 directory with a size',
    rawTar(rawHeader({ name: 'd', type: '5', size: 512 }), rawEntry({ name: 'x' }, 'x')),
    ['d', 'x'],
  ],
  ['T20 wrong checksum', rawTar(rawHeader({ checksum: '000001\0 ' })), 'ARCHIVE_INVALID'],
  ['T20 truncated header', rawHeader({}).subarray(0, 300), 'ARCHIVE_INVALID'],
  ['T20 truncated content', rawEntry({}, Buffer.alloc(2000, 'a')).subarray(0, 1500), 'ARCHIVE_INVALID'],
  ['T20 PAX header at the end', rawPax([['path', 'x']]), 'ARCHIVE_INVALID'],
  ['T20 no end blocks', rawEntry({ name: 'a' }, 'a'), ['a']],
  ['T20 one end block', Buffer.concat([rawEntry({ name: 'a' }, 'a'), Buffer.alloc(512)]), ['a']],
  [
    'T20 one zero block between entries',
    rawTar(rawEntry({ name: 'a' }), Buffer.alloc(512), rawEntry({ name: 'b' })),
    'ARCHIVE_INVALID',
  ],
  ['T20 garbage behind the end', Buffer.concat([rawTar(rawEntry({ name: 'a' })), Buffer.alloc(3333, 'z')]), ['a']],
  [
    'T20 entries behind the end',
    Buffer.concat([rawTar(rawEntry({ name: 'a' })), rawTar(rawEntry({ name: 'b' }, 'bb'))]),
    ['a'],
  ],
  ['T20 zeros behind the end', Buffer.concat([rawTar(rawEntry({ name: 'a' })), Buffer.alloc(100_001)]), ['a']],
  ['T21 GNU sparse', rawTar(rawEntry({ type: 'S' })), 'ARCHIVE_INVALID'],
  ['T21 PAX sparse', rawTar(rawPax([['GNU.sparse.major', '1']]), rawEntry({})), 'ARCHIVE_INVALID'],
  ['T22 uid of 2^32-1', rawTar(rawPax([['uid', '4294967295']]), rawEntry({})), 'ARCHIVE_INVALID'],
  ['T22 uid of -1', rawTar(rawEntry({ uid: Buffer.from('ffffffffffffffff', 'hex') })), 'ARCHIVE_INVALID'],
  [
    'T23 names that differ in case or form',
    rawTar(
      rawEntry({ name: 'ß' }),
      rawEntry({ name: 'SS' }),
      rawEntry({ name: 'e\u0301' }),
      rawEntry({ name: '\u00e9' }),
    ),
    ['ß', 'SS', 'e\u0301', '\u00e9'],
  ],
  ['unknown type', rawTar(rawEntry({ type: 'Z' })), 'ARCHIVE_INVALID'],
  ['multi-volume', rawTar(rawEntry({ type: 'M' })), 'ARCHIVE_INVALID'],
  ['an empty file', Buffer.alloc(0), []],
  ['only an end', Buffer.alloc(10_240), []],
  ['text', Buffer.from('<html>'.repeat(300)), 'ARCHIVE_INVALID'],
  [
    'global header',
    rawTar(
      rawPax(
        [
          ['comment', 'x'],
          ['path', 'evil'],
        ],
        'g',
      ),
      rawEntry({ name: 'a' }),
    ),
    ['a'],
  ],
];

for (const [title, tar, layer, strict = layer] of hostile)
  test(`readTar: ${title}`, async () => {
    assert.equal(await paths(tar), layer);
    assert.equal(await paths(tar, { paths: 'strict' }), strict);
  });

test('readTar applies PAX numbers, times and binary attributes', async () => {
  const value = Buffer.from('0100000200ff80', 'hex');
  const [entry] = await all(
    rawTar(
      rawPax([
        ['uid', '3000000000'],
        ['gid', '70000'],
        ['mtime', '-1.25'],
        ['SCHILY.xattr.security.capability', value],
        ['SCHILY.xattr.trusted.overlay.opaque', 'y'],
        ['SCHILY.xattr.user.empty', ''],
      ]),
      rawEntry({ name: 'a', uid: '0000005\0' }),
    ),
  );
  assert.equal(entry?.header, {
    path: 'a',
    type: 'file',
    mode: 0o644,
    uid: 3000000000,
    gid: 70000,
    size: 0,
    mtime: -1.25,
    xattrs: { 'security.capability': value.toString('base64') },
  });
});

test('readTar reads base-256 numbers, GNU long names, V7 headers and prefixes', async () => {
  const seen = await all(
    rawTar(
      rawEntry({
        name: 'big',
        uid: Buffer.from('80000000b2d05e00', 'hex'),
        mtime: Buffer.from('ffffffffffffffffffffffff', 'hex'),
      }),
      rawEntry({ name: '././@LongLink', type: 'L', magic: 'ustar  \0' }, `${'n'.repeat(120)}\0`),
      rawEntry({ name: '././@LongLink', type: 'K', magic: 'ustar  \0' }, `${'t'.repeat(120)}\0`),
      rawEntry({ name: 'short', type: '2', link: 'short', magic: 'ustar  \0' }),
      rawEntry({ name: 'v7', magic: '', type: '\0' }, 'v7'),
      rawEntry({ name: 'v7dir/', magic: '', type: '\0' }),
      rawEntry({ name: 'name', prefix: 'pre/fix' }),
    ),
  );
  assert.equal(
    seen.map(({ header }) => [header.path, header.type, header.uid, header.mtime, header.link]),
    [
      ['big', 'file', 3_000_000_000, -1, undefined],
      ['n'.repeat(120), 'symlink', 0, 0, 't'.repeat(120)],
      ['v7', 'file', 0, 0, undefined],
      ['v7dir', 'directory', 0, 0, undefined],
      ['pre/fix/name', 'file', 0, 0, undefined],
    ],
  );
});

test('readTar reads what GNU tar writes in each of its formats', async () => {
  for (const format of ['v7', 'oldgnu', 'gnu', 'ustar', 'posix']) {
    const tar = execFileSync('tar', [
      '-c',
      `--format=${format}`,
      '-C',
      process.cwd(),
      'package.json',
      'src/tar/entry.ts',
    ]);
    const seen = await read(tar);
    assert.ok(typeof seen !== 'string', format);
    assert.equal(
      seen.map(({ header }) => header.path),
      ['package.json', 'src/tar/entry.ts'],
    );
    assert.ok(seen[0]?.content.includes('"wherry"'));
  }
});

const component = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 60 })
  .filter((s) => !/[/\0]/.test(s) && s !== '.' && s !== '..' && Buffer.byteLength(s) <= 255);
const path = fc.array(component, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));
const id = fc.oneof(fc.nat(70_000), fc.integer({ min: 2_000_000, max: 0xfffffffe }));
const xattrs = fc.dictionary(
  fc.stringMatching(/^user\.[a-z]{1,9}$/),
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map((b) => Buffer.from(b).toString('base64')),
  { minKeys: 1, maxKeys: 3, noNullPrototype: true },
);
const shared = {
  path,
  mode: fc.nat(0o7777),
  uid: id,
  gid: id,
  mtime: fc.oneof(fc.integer({ min: -(2 ** 35), max: 2 ** 35 }), fc.constant(12.5)),
};
const header: fc.Arbitrary<TarHeader> = fc.oneof(
  fc.record(
    { ...shared, type: fc.constant('file' as const), size: fc.nat(3000), xattrs },
    { requiredKeys: ['path', 'type', 'mode', 'uid', 'gid', 'size', 'mtime'] },
  ),
  fc.record({ ...shared, type: fc.constant('directory' as const), size: fc.constant(0) }),
  fc.record({ ...shared, type: fc.constant('symlink' as const), size: fc.constant(0), link: path }),
  fc.record({ ...shared, type: fc.constant('hardlink' as const), size: fc.constant(0), link: path }),
  fc.record({
    ...shared,
    type: fc.constantFrom('character' as const, 'block' as const),
    size: fc.constant(0),
    deviceMajor: fc.nat(4095),
    deviceMinor: fc.nat(2 ** 20),
  }),
);

test('readTar gives back what encodeHeader was given, in any chunking', async () => {
  const property = fc.asyncProperty(
    fc.array(header, { maxLength: 8 }),
    fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 5 }),
    async (headers, sizes) => {
      const parts = headers.flatMap((h, i) => [
        encodeHeader(h),
        Buffer.alloc(h.size, 97 + i),
        Buffer.alloc(padding(h.size)),
      ]);
      const seen = await all(Buffer.concat([...parts, endOfArchive]), { sizes });
      assert.equal(
        seen.map(({ content }) => content),
        headers.map((h, i) => String.fromCharCode(97 + i).repeat(h.size)),
      );
      assert.equal(
        seen.map((s) => ({ ...s.header })),
        headers.map((h) =>
          h.xattrs === undefined ? { ...h } : { ...h, xattrs: Object.fromEntries(Object.entries(h.xattrs).sort()) },
        ),
      );
    },
  );
  await fc.assert(property, { numRuns: 150 });
});

test('readTar never hangs or crashes on damaged bytes', async () => {
  const good = rawTar(
    rawPax([
      ['path', 'a'],
      ['size', '700'],
    ]),
    rawEntry({}, Buffer.alloc(700, 'a')),
    rawEntry({ name: 'b', type: '2', link: 'a' }),
    rawEntry({ name: 'c' }, 'c'),
  );
  const property = fc.asyncProperty(
    fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
    fc.nat(good.length),
    async (changes, length) => {
      const bytes = Buffer.from(good);
      for (const [at, value] of changes) bytes[at] = value;
      await read(bytes.subarray(0, Math.max(length, 1)));
    },
  );
  await fc.assert(property, { numRuns: 150 });
});

test.run();
