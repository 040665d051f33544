import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isError } from '../../src/errors.ts';
import { formatWhiteout, whiteoutOf } from '../../src/tar/whiteout.ts';

test('whiteoutOf knows removed names, opaque directories and nothing else', () => {
  const cases: [string, unknown][] = [
    ['a', undefined],
    ['a.wh.b', undefined],
    ['dir/a.wh.', undefined],
    ['.whx', undefined],
    ['.wh.a', { kind: 'removed', path: 'a' }],
    ['dir/.wh.a', { kind: 'removed', path: 'dir/a' }],
    ['dir/.wh....', { kind: 'removed', path: 'dir/...' }],
    ['dir/.wh..hidden', { kind: 'removed', path: 'dir/.hidden' }],
    ['.wh..wh..opq', { kind: 'opaque', path: '' }],
    ['a/b/.wh..wh..opq', { kind: 'opaque', path: 'a/b' }],
  ];
  for (const [path, expected] of cases) {
    const whiteout = whiteoutOf(path);
    assert.equal(whiteout, expected, path);
    if (whiteout !== undefined) assert.is(formatWhiteout(whiteout), path);
  }
});

test('whiteoutOf tells the metadata of aufs apart', () => {
  for (const path of ['.wh..wh.plnk', '.wh..wh.plnk/12.34', '.wh..wh.orph', '.wh..wh.aufs'])
    assert.equal(whiteoutOf(path), { kind: 'metadata', path });
});

test('whiteoutOf refuses whiteouts of nothing (T11)', () => {
  for (const path of ['.wh.', '.wh..', '.wh...', 'etc/.wh.', 'etc/.wh..', 'etc/.wh...', '.wh.a/b', 'x/.wh..wh..opq/b'])
    assert.throws(
      () => whiteoutOf(path),
      (error: unknown) => isError(error, 'ARCHIVE_INVALID'),
      path,
    );
});

test.run();
