import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatAge, formatBytes, formatDuration, formatTable, shortDigest } from '../../src/cli/format.ts';
import { harmless, isUnicode, pad, truncate, wantsColor, widthOf } from '../../src/cli/terminal.ts';

const texts: readonly (readonly [string, string])[] = [
  ['plain text', 'plain text'],
  ['a\tb', 'a    b'],
  ['\x1b[1;31mred\x1b[0m', 'red'],
  ['\x1b]8;;http://x\x1b\\link\x1b]8;;\x07', 'link'],
  ['\x1b]0;title', ''],
  ['\x9b2Jx', 'x'],
  ['\x1b(Bx\x1bcy', 'xy'],
  ['a\x00b\x07c\x7fd', 'a\\x00b\\x07c\\x7fd'],
  ['a\nb\rc', 'a\\x0ab\\x0dc'],
  ['a\u202eb\u2066c', 'a\\u202eb\\u2066c'],
  ['\x1b', '\\x1b'],
  ['naïve 名前 🚢', 'naïve 名前 🚢'],
];
for (const [text, want] of texts) test(`harmless ${JSON.stringify(text)}`, () => assert.is(harmless(text), want));

test('harmless leaves no control character, whatever comes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) =>
      assert.not.match(harmless(text), /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/),
    ),
  );
  fc.assert(
    fc.property(fc.array(fc.constantFrom('\x1b', '[', ']', 'm', ';', '\x07', '\\', '\x9b', 'x')), (parts) =>
      assert.not.match(harmless(parts.join('')), /[\x00-\x1f\x7f-\x9f]/),
    ),
  );
});

test('widthOf counts columns', () => {
  assert.is(widthOf('abc'), 3);
  assert.is(widthOf('名前'), 4);
  assert.is(widthOf('e\u0301'), 1);
  assert.is(widthOf('🚢'), 2);
});

test('truncate and pad keep to the columns', () => {
  assert.is(truncate('abcdef', 6), 'abcdef');
  assert.is(truncate('abcdef', 4), 'abc…');
  assert.is(truncate('abcdef', 4, true), 'abc~');
  assert.is(truncate('名前名前', 5), '名前…');
  assert.is(truncate('名前名前', 4), '名…');
  assert.is(truncate('abc', 0), '');
  assert.is(pad('名', 4), '名  ');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(30), (text, width) =>
      assert.ok(widthOf(truncate(harmless(text), width)) <= width),
    ),
  );
});

test('wantsColor: terminal, NO_COLOR, FORCE_COLOR, TERM', () => {
  const terminal = { isTTY: true };
  assert.is(wantsColor(terminal, {}), true);
  assert.is(wantsColor({}, {}), false);
  assert.is(wantsColor(terminal, { NO_COLOR: '1' }), false);
  assert.is(wantsColor(terminal, { NO_COLOR: '' }), true);
  assert.is(wantsColor(terminal, { TERM: 'dumb' }), false);
  assert.is(wantsColor({}, { FORCE_COLOR: '1', NO_COLOR: '1' }), true);
  assert.is(wantsColor(terminal, { FORCE_COLOR: '0' }), false);
});

test('isUnicode follows the locale', () => {
  assert.is(isUnicode({ LANG: 'C.UTF-8' }), true);
  if (process.platform === 'linux') assert.is(isUnicode({ LANG: 'en_US.UTF-8', LC_ALL: 'C' }), false);
});

test('formatBytes', () => {
  const rows: readonly (readonly [number, string])[] = [
    [0, '0B'],
    [812, '812B'],
    [999, '999B'],
    [1000, '1.00kB'],
    [1_050_000, '1.05MB'],
    [999_994, '999.99kB'],
    [999_996, '1.00MB'],
    [3.2e9, '3.20GB'],
  ];
  for (const [bytes, want] of rows) assert.is(formatBytes(bytes), want);
});

test('formatDuration', () => {
  const rows: readonly (readonly [number, string])[] = [
    [0, '0.0s'],
    [340, '0.3s'],
    [99_940, '99.9s'],
    [99_960, '1m40s'],
    [362_000, '6m02s'],
    [3_900_000, '1h05m'],
  ];
  for (const [milliseconds, want] of rows) assert.is(formatDuration(milliseconds), want);
});

test('formatAge', () => {
  const now = Date.parse('2026-01-10T00:00:00Z');
  const rows: readonly (readonly [string | undefined, string])[] = [
    [undefined, '-'],
    ['never', 'never'],
    ['1970-01-01T00:00:00Z', '1970-01-01'],
    ['2026-01-09T00:00:00Z', '1 day ago'],
    ['2026-01-07T00:00:00Z', '3 days ago'],
    ['2026-01-10T00:00:00Z', 'just now'],
    ['2030-01-01T00:00:00Z', 'just now'],
    ['2024-01-01T00:00:00Z', '2 years ago'],
  ];
  for (const [time, want] of rows) assert.is(formatAge(time, now), want);
});

test('shortDigest and formatTable', () => {
  assert.is(shortDigest(`sha256:${'0123456789abcdef'.repeat(4)}`), 'sha256:0123456789ab');
  assert.is(
    formatTable(
      ['A', 'B'],
      [
        ['名', 'x'],
        ['a\x1b[2J', ''],
      ],
    ),
    'A   B\n名  x\na\n',
  );
});

test.run();
