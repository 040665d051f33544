import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isError } from '../../src/errors.ts';
import { sortTags, tagsInRange } from '../../src/image/tags.ts';

const tags = [
  'latest',
  '20',
  '20.11',
  '20.11.1',
  '20.9.0',
  '21.0.0',
  '20.11.1-alpine',
  '20.12.0-rc.1',
  'v19.1.0',
  '2024.01.05',
  'bookworm',
];

const ranges: readonly { range: string; suffix?: string; want: readonly string[] }[] = [
  { range: '^20', want: ['20', '20.9.0', '20.11', '20.11.1'] },
  { range: '^20', suffix: '-alpine', want: ['20.11.1-alpine'] },
  { range: '>=20.10 <21', want: ['20.11', '20.11.1'] },
  { range: '19.x', want: ['v19.1.0'] },
  { range: '2024.x', want: ['2024.01.05'] },
  { range: '^3', want: [] },
];
for (const { range, suffix, want } of ranges)
  test(`tagsInRange: ${range}${suffix ?? ''}`, () => {
    assert.equal(tagsInRange(tags, range, suffix), [...want]);
  });

test('tagsInRange refuses a range that is none', () => {
  assert.throws(
    () => tagsInRange(tags, 'newest please'),
    (error: unknown) => isError(error, 'ARGUMENT_INVALID'),
  );
});

test('sortTags puts versions first, by number', () => {
  assert.equal(sortTags(['b', '10', '9', '9.1-x', 'a']), ['9', '10', '9.1-x', 'a', 'b']);
});

test.run();
