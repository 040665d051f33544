import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatProgress, parseContentRange, parseRange } from '../../../registry/server/range.ts';
import { isError } from '../../../src/errors.ts';

const ranges: readonly (readonly [string | undefined, number, readonly [number, number] | undefined | 'refused'])[] = [
  [undefined, 2048, undefined],
  ['bytes=500-1499', 2048, [500, 1499]],
  ['bytes=500-', 2048, [500, 2047]],
  ['bytes=-500', 2048, [1548, 2047]],
  ['bytes=-5000', 2048, [0, 2047]],
  ['bytes=2000-5000', 2048, [2000, 2047]],
  ['bytes=0-0', 2048, [0, 0]],
  ['bytes=500-0', 2048, 'refused'],
  ['bytes=5000-10000', 2048, 'refused'],
  ['bytes=2048-', 2048, 'refused'],
  ['bytes=-0', 2048, 'refused'],
  ['bytes=0-', 0, 'refused'],
  ['bytes=0-1,5-6', 2048, undefined],
  ['bytes=-', 2048, undefined],
  ['lines=1-2', 2048, undefined],
  ['bytes=a-b', 2048, undefined],
];
for (const [header, size, expected] of ranges) {
  test(`parseRange: ${header} of ${size}`, () => {
    if (expected === 'refused')
      assert.throws(
        () => parseRange(header, size),
        (error: unknown) => isError(error, 'RANGE_INVALID'),
      );
    else
      assert.equal(
        parseRange(header, size),
        expected === undefined ? undefined : { start: expected[0], end: expected[1] },
      );
  });
}

test('parseContentRange reads both ways of writing it', () => {
  assert.is(parseContentRange(undefined), undefined);
  for (const header of ['0-9', 'bytes 0-9/*', 'bytes 0-9/100', 'bytes=0-9', ' 0-9 '])
    assert.equal(parseContentRange(header), { start: 0, end: 9 });
  for (const header of ['', '9-0', '-5', '5-', 'x', '0-9,10-11'])
    assert.throws(
      () => parseContentRange(header),
      (error: unknown) => isError(error, 'BLOB_UPLOAD_INVALID'),
    );
});

test('formatProgress names the last byte', () => {
  assert.equal([0, 1, 2, 10].map(formatProgress), ['0-0', '0-0', '0-1', '0-9']);
});

test.run();
