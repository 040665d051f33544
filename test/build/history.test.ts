import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { copyText, healthcheckText, historyEntry, plainList, quotedList } from '../../src/build/history.ts';

const durations: readonly (readonly [nanoseconds: number, text: string])[] = [
  [0, '0s'],
  [1, '1ns'],
  [1500, '1.5µs'],
  [2_500_000, '2.5ms'],
  [1e9, '1s'],
  [1.5e9, '1.5s'],
  [60e9, '1m0s'],
  [90e9, '1m30s'],
  [3600e9, '1h0m0s'],
  [90061e9, '25h1m1s'],
];
for (const [nanoseconds, text] of durations)
  test(`healthcheckText: ${nanoseconds} ns is ${text}`, () => {
    assert.is(
      healthcheckText({ Test: ['NONE'], Interval: nanoseconds }),
      `{Test:[NONE] Interval:${text} Timeout:0s StartPeriod:0s StartInterval:0s Retries:0}`,
    );
  });

test('quotedList and plainList: as Go prints lists', () => {
  assert.is(quotedList(['a', 'b "c"', '\n']), '["a" "b \\"c\\"" "\\n"]');
  assert.is(quotedList([]), '[]');
  assert.is(plainList(['a', 'b c']), '[a b c]');
});

test('copyText: only the flags that BuildKit shows', () => {
  const line = { instruction: 'COPY', parents: false, sources: ['a', 'b'], heredocs: [], destination: '/' } as const;
  assert.is(copyText(line), 'COPY a b / # buildkit');
  assert.is(copyText({ ...line, chown: '', chmod: '' }), 'COPY a b / # buildkit');
  assert.is(
    copyText({ ...line, parents: true, chown: '1', chmod: '600', heredocs: ['EOF'] }),
    'COPY --parents --chown=1 --chmod=600 a b <<EOF / # buildkit',
  );
});

test('historyEntry: times are whole seconds, empty_layer is there only when true', () => {
  assert.equal(historyEntry('x', 1, false), {
    created: '1970-01-01T00:00:01Z',
    created_by: 'x',
    comment: 'buildkit.dockerfile.v0',
  });
  assert.is(historyEntry('x', 0, true).empty_layer, true);
});

test.run();
