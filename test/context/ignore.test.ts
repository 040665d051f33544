// Ignore files: reading, order, negation, ancestors, errors.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseIgnoreFile, parsePatterns } from '../../src/context/ignore.ts';
import { isError } from '../../src/errors.ts';

const rows: readonly (readonly [text: string, ignored: readonly string[], kept: readonly string[]])[] = [
  ['foo', ['foo', 'foo/x', 'foo/x/y'], ['a/foo', 'foox']],
  ['foo/', ['foo', 'foo/x'], []],
  ['/foo', ['foo', 'foo/x'], ['a/foo']],
  ['./foo', ['foo'], []],
  ['a/../foo//x/', ['foo/x', 'foo/x/y'], ['foo', 'a']],
  ['../foo', [], ['foo']],
  ['.', [], ['foo']],
  ['\ufefffoo', ['foo'], []],
  ['foo\r\nbar\r\n', ['foo', 'bar'], ['foo\r']],
  ['  foo  ', ['foo'], []],
  ['# foo\n#bar', [], ['foo', '# foo', '#bar']],
  ['  # foo', ['# foo'], []],
  ['\\#foo', ['#foo'], []],
  ['\n\n  \n', [], ['a']],
  ['*', ['a', '.a', 'a/b'], ['']],
  ['*\n!a', ['b', 'b/c'], ['a', 'a/b']],
  ['*\n! a', ['b'], ['a']],
  ['*\n!/a', ['b'], ['a']],
  ['docs/*.md\n!docs/README.md', ['docs/a.md'], ['docs/README.md', 'docs/a.txt']],
  ['!docs/README.md\ndocs/*.md', ['docs/README.md'], []],
  ['*.md\n!README*.md\nREADME-secret.md', ['a.md', 'README-secret.md'], ['README.md', 'README-x.md']],
  ['a\n!a/b\na/b/c', ['a', 'a/x', 'a/b/c', 'a/b/c/d'], ['a/b', 'a/b/x']],
  [
    '**/node_modules\n!x/node_modules/keep',
    ['node_modules', 'x/node_modules', 'x/node_modules/y'],
    ['x/node_modules/keep', 'x/node_modules/keep/z'],
  ],
  ['**', ['a', 'a/b'], []],
  // A rule that could not change its directory's state does not count for what lies below it.
  ['a\n!a/b\na', ['a', 'a/c'], ['a/b']],
];

test('parseIgnoreFile: what is ignored and what is kept', () => {
  for (const [text, ignored, kept] of rows) {
    const matcher = parseIgnoreFile(text, '.dockerignore');
    for (const path of ignored) assert.ok(matcher.decide(path).ignored, `${JSON.stringify(text)}: ${path}`);
    for (const path of kept) assert.not(matcher.decide(path).ignored, `${JSON.stringify(text)}: ${path}`);
  }
});

test('parseIgnoreFile: names the deciding rule and its line', () => {
  const matcher = parseIgnoreFile('# first\n\n*.md\n!README.md\n  tmp/ \n', '.dockerignore');
  assert.is(matcher.decide('a.md').rule?.line, 3);
  assert.is(matcher.decide('README.md').rule?.line, 4);
  assert.is(matcher.decide('tmp/x').rule?.line, 5);
  assert.is(matcher.decide('tmp/x').rule?.text, 'tmp/');
  assert.is(matcher.decide('src').rule, undefined);
});

test('parseIgnoreFile: a bad pattern is an error that points at its line', () => {
  for (const [text, message] of [
    ['a\n!\n', 'illegal exclusion pattern: "!"'],
    ['a\n[b\n', 'syntax error in pattern: "[b"'],
    ['a\nb\\\n', 'syntax error in pattern'],
    ['a\n!  \n', 'illegal exclusion pattern'],
    ['a\n!/.\n', 'illegal exclusion pattern'],
  ] as const) {
    try {
      parseIgnoreFile(text, '.dockerignore');
      assert.unreachable(text);
    } catch (error) {
      assert.ok(isError(error, 'IGNORE_FILE_INVALID'), String(error));
      assert.match(error.message, message);
      assert.match(error.message, '.dockerignore line 2');
      assert.is(error.range?.start.line, 2);
    }
  }
});

test('parsePatterns: flag values keep a leading slash', () => {
  assert.not(parsePatterns(['/a'], '--exclude').decide('a').ignored);
  assert.ok(parsePatterns(['a/', '!a/b'], '--exclude').decide('a/c').ignored);
  assert.not(parsePatterns(['a/', '!a/b'], '--exclude').decide('a/b').ignored);
  assert.throws(() => parsePatterns(['['], '--exclude'), /--exclude pattern "\[": syntax error in pattern/);
});

test('mayReinclude: what a rule with "!" can reach below a directory', () => {
  for (const [rule, reached, not] of [
    ['!README.md', [''], ['a', 'a/b']],
    ['!a/b/c', ['', 'a', 'a/b'], ['a/b/c', 'b', 'a/c']],
    ['!a/*/c', ['', 'a', 'a/x'], ['a/x/y', 'b']],
    ['!a/**/c', ['', 'a', 'a/x', 'a/x/y/z'], ['b']],
    ['!a**c', ['', 'a', 'x'], []],
    ['!a/[^b]', ['', 'a', 'a/b/c'], ['b']],
    ['!**', ['', 'x/y'], []],
    ['a', [], ['', 'a']],
  ] as const) {
    const matcher = parseIgnoreFile(rule, '.dockerignore');
    for (const path of reached) assert.ok(matcher.mayReinclude(path), `${rule}: ${path}`);
    for (const path of not) assert.not(matcher.mayReinclude(path), `${rule}: ${path}`);
  }
});

test.run();
