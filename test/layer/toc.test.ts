import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isError } from '../../src/errors.ts';
import { encodeToc, parseToc, type Toc, type TocEntry, tocOf } from '../../src/layer/toc.ts';
import { type DiffId, type Digest, digestOf } from '../../src/oci/digest.ts';
import { chunked, rawEntry, rawTar } from '../tar/raw-tar.ts';

const digest = fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => digestOf(bytes));
const shared = {
  path: fc.string({ unit: 'binary', maxLength: 30 }),
  mode: fc.nat(0o7777),
  uid: fc.nat(),
  gid: fc.nat(),
  mtime: fc.oneof(fc.integer(), fc.constant(-1.5)),
};
const none = { size: fc.constant(0), offset: fc.constant(0) };
const entry: fc.Arbitrary<TocEntry> = fc.oneof(
  fc.record({ ...shared, type: fc.constant('file' as const), size: fc.maxSafeNat(), offset: fc.maxSafeNat(), digest }),
  fc.record({
    ...shared,
    ...none,
    type: fc.constant('file' as const),
    whiteout: fc.constantFrom('opaque' as const, 'removed' as const),
  }),
  fc.record({ ...shared, ...none, type: fc.constant('file' as const), digest, text: fc.base64String() }),
  fc.record({
    ...shared,
    ...none,
    type: fc.constant('directory' as const),
    xattrs: fc.dictionary(fc.stringMatching(/^user\.\w+$/), fc.base64String(), { noNullPrototype: true, minKeys: 1 }),
  }),
  fc.record({ ...shared, ...none, type: fc.constantFrom('symlink' as const, 'hardlink' as const), link: fc.string() }),
  fc.record({
    ...shared,
    ...none,
    type: fc.constantFrom('character' as const, 'block' as const),
    deviceMajor: fc.nat(),
    deviceMinor: fc.nat(),
  }),
  fc.record({ ...shared, ...none, type: fc.constant('fifo' as const) }),
);
const toc: fc.Arbitrary<Toc> = fc.record({
  diffId: digest.map((d) => d as string as DiffId),
  size: fc.maxSafeNat(),
  entries: fc.array(entry, { maxLength: 10 }),
});
/** Without the null prototypes that fast-check likes. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('parseToc is the inverse of encodeToc', () => {
  fc.assert(fc.property(toc, (value) => assert.equal(plain(parseToc(encodeToc(value))), plain(value))));
});

test('encodeToc keeps digests of other algorithms and names that are not UTF-8', () => {
  const other = `sha512:${'a'.repeat(128)}` as Digest;
  const value: Toc = {
    diffId: digestOf('x') as string as DiffId,
    size: 1024,
    entries: [
      { path: 'a\udcff', type: 'file', mode: 0, uid: 0, gid: 0, size: 1, mtime: 0, offset: 512, digest: other },
    ],
  };
  assert.equal(parseToc(encodeToc(value)), value);
});

test('parseToc refuses anything that was changed', () => {
  const bytes = Buffer.from(
    encodeToc({
      diffId: digestOf('x') as string as DiffId,
      size: 1024,
      entries: [{ path: 'a', type: 'file', mode: 0, uid: 0, gid: 0, size: 1, mtime: 0, offset: 512 }],
    }),
  );
  const broken: Buffer[] = [
    Buffer.alloc(0),
    Buffer.from('x'),
    Buffer.from('{}\n'),
    Buffer.from(bytes.toString().replace('"toc":1', '"toc":2')),
    bytes.subarray(0, -2),
    Buffer.concat([bytes, Buffer.from('[]\n')]),
  ];
  const changed = Buffer.from(bytes);
  changed.write('b', changed.indexOf('["a"') + 2);
  for (const one of [...broken, changed])
    assert.throws(
      () => parseToc(one),
      (error: unknown) => isError(error, 'STORE_INVALID'),
      one.toString(),
    );
});

test('tocOf checks the diffId, also of bytes behind the end', async () => {
  const tar = Buffer.concat([
    rawTar(
      rawEntry({ name: './dir/', type: '5' }),
      rawEntry({ name: './dir/a' }, 'hello'),
      rawEntry({ name: '.wh..wh.plnk/1.2' }),
    ),
    Buffer.from('garbage'),
  ]);
  const diffId = digestOf(tar) as string as DiffId;
  const contents = await tocOf(chunked(tar, 700), diffId);
  assert.equal(contents, {
    diffId,
    size: tar.length,
    entries: [
      { path: 'dir', type: 'directory', mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0, offset: 0 },
      {
        path: 'dir/a',
        type: 'file',
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: 5,
        mtime: 0,
        offset: 1024,
        digest: digestOf('hello'),
      },
    ],
  });
  try {
    await tocOf(chunked(tar.subarray(0, -1), 700), diffId);
    assert.unreachable();
  } catch (error) {
    assert.ok(isError(error, 'DIGEST_MISMATCH'));
  }
});

test('tocOf refuses whiteouts of nothing', async () => {
  for (const name of ['.wh.', 'etc/.wh..', '.wh.a/b']) {
    try {
      await tocOf(chunked(rawTar(rawEntry({ name }))));
      assert.unreachable();
    } catch (error) {
      assert.ok(isError(error, 'ARCHIVE_INVALID'), name);
    }
  }
});

test('encodeToc and parseToc take 75,000 entries in their stride', () => {
  const entries = Array.from(
    { length: 75_000 },
    (_, i): TocEntry => ({
      path: `usr/lib/dir${i % 700}/file${i}`,
      type: 'file',
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: i,
      mtime: 0,
      offset: i * 512,
      digest: digestOf(String(i)),
    }),
  );
  const began = performance.now();
  const bytes = encodeToc({ diffId: digestOf('x') as string as DiffId, size: 1, entries });
  assert.is(parseToc(bytes).entries.length, 75_000);
  assert.ok(performance.now() - began < 5000);
});

test.run();
