import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { errorToJson, exitCodeOf, formatError, formatExcerpt } from '../../src/cli/error-view.ts';
import { createColors } from '../../src/cli/terminal.ts';
import { type Position, type SourceRange, WherryError } from '../../src/errors.ts';

const colors = createColors(false);
const text = ['FROM alpine', 'WORKDIR /app', 'COPY foo bar', 'RUN make', 'CMD ["x"]', ''].join('\n');

function range(start: Position, end: Position, source = text): SourceRange {
  return { file: { name: 'Dockerfile', text: source }, start, end };
}
function lines(first: number, last: number, source = text): SourceRange {
  return range(
    { line: first, character: 0 },
    { line: last, character: (source.split('\n')[last - 1] ?? '').length },
    source,
  );
}

const excerpts: readonly (readonly [string, SourceRange, string])[] = [
  [
    'one line with two around',
    lines(3, 3),
    `Dockerfile:3
--------------------
   1 |     FROM alpine
   2 |     WORKDIR /app
   3 | >>> COPY foo bar
   4 |     RUN make
   5 |     CMD ["x"]
--------------------`,
  ],
  [
    'several lines with one around',
    lines(3, 4),
    `Dockerfile:3
--------------------
   2 |     WORKDIR /app
   3 | >>> COPY foo bar
   4 | >>> RUN make
   5 |     CMD ["x"]
--------------------`,
  ],
  [
    'the first line',
    lines(1, 1),
    `Dockerfile:1
--------------------
   1 | >>> FROM alpine
   2 |     WORKDIR /app
   3 |     COPY foo bar
--------------------`,
  ],
  [
    'carets under a part of a line',
    range({ line: 3, character: 5 }, { line: 3, character: 8 }),
    `Dockerfile:3
--------------------
   1 |     FROM alpine
   2 |     WORKDIR /app
   3 | >>> COPY foo bar
     |          ^^^
   4 |     RUN make
   5 |     CMD ["x"]
--------------------`,
  ],
  [
    'tabs, wide and control characters do not move the carets',
    range({ line: 1, character: 9 }, { line: 1, character: 12 }, 'RUN\t名\x1b[1m!ls\n'),
    `Dockerfile:1
--------------------
   1 | >>> RUN    名!ls
     |              ^^^
--------------------`,
  ],
  [
    'Windows line ends',
    lines(2, 2, 'FROM a\r\nCOPY b c\r\n'),
    `Dockerfile:2
--------------------
   1 |     FROM a
   2 | >>> COPY b c
--------------------`,
  ],
];
for (const [name, where, want] of excerpts)
  test(`formatExcerpt: ${name}`, () => assert.is(formatExcerpt(where, colors).join('\n'), want));

test('formatError: message, excerpt, hint', () => {
  const error = new WherryError('COPY_FAILED', 'Cannot copy "foo": not found', {
    hint: 'See .dockerignore line 2.',
    range: lines(1, 1, 'COPY foo bar'),
  });
  assert.is(
    formatError(error, { colors, debug: false }),
    `error: Cannot copy "foo": not found

Dockerfile:1
--------------------
   1 | >>> COPY foo bar
--------------------

hint: See .dockerignore line 2.
`,
  );
});

test('formatError makes what came from outside harmless', () => {
  const error = new WherryError('DENIED', 'denied: \x1b]0;owned\x07\x1b[2Jbye\u202e', { hint: 'a\rb' });
  assert.is(formatError(error, { colors, debug: false }), 'error: denied: bye\\u202e\nhint: a\\x0db\n');
});

test('formatError: debug adds stacks, codes and causes', () => {
  const shown = formatError(new WherryError('IO_FAILED', 'Cannot read "x"', { cause: new Error('EIO: i/o error') }), {
    colors,
    debug: true,
  });
  assert.match(shown, /^error: Cannot read "x"\nWherryError: Cannot read "x"\n {4}at /);
  assert.match(shown, /\[IO_FAILED\]\ncaused by: Error: EIO: i\/o error/);
});

test('formatError: an unexpected error points at --debug', () => {
  assert.is(
    formatError(new TypeError('x is not a function'), { colors, debug: false }),
    'error: x is not a function\nhint: Run it again with --debug to see where this comes from.\n',
  );
  assert.match(formatError('text', { colors, debug: false }), /^error: text\n/);
});

test('formatError in colours', () => {
  assert.match(
    formatError(new WherryError('DENIED', 'no', { hint: 'yes' }), { colors: createColors(true), debug: false }),
    /^\x1b\[31merror:\x1b\[39m no\n\x1b\[34mhint:\x1b\[39m yes\n$/,
  );
});

test('exitCodeOf follows the table of codes', () => {
  const abort = Object.assign(new Error('The operation was aborted'), { name: 'AbortError' });
  const codes: readonly (readonly [unknown, number])[] = [
    [new WherryError('COPY_FAILED', ''), 1],
    [new WherryError('ARGUMENT_INVALID', ''), 2],
    [new WherryError('UNIMPLEMENTED', ''), 2],
    [new WherryError('MANIFEST_UNKNOWN', ''), 3],
    [new WherryError('UNAUTHORIZED', ''), 4],
    [new WherryError('ABORTED', ''), 130],
    [abort, 130],
    [new Error('x'), 1],
    [undefined, 1],
  ];
  for (const [error, code] of codes) assert.is(exitCodeOf(error), code);
});

test('errorToJson has code, message, hint and range without the text of the file', () => {
  assert.equal(errorToJson(new WherryError('COPY_FAILED', 'm', { hint: 'h', range: lines(3, 3) })), {
    error: {
      code: 'COPY_FAILED',
      message: 'm',
      hint: 'h',
      range: { file: 'Dockerfile', start: { line: 3, character: 0 }, end: { line: 3, character: 12 } },
    },
  });
  assert.equal(errorToJson(new Error('m')), { error: { code: 'INTERNAL', message: 'm' } });
});

test.run();
