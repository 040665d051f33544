// Patterns against hand-made tables, against a plain re-statement of Docker's rules as a regular expression, and in time.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cleanPath, dockerMatch, goMatch, hasWildcard } from '../../src/context/pattern.ts';

const go: readonly (readonly [pattern: string, path: string, matches: boolean])[] = [
  ['abc', 'abc', true],
  ['*', 'abc', true],
  ['*', '.abc', true],
  ['*c', 'abc', true],
  ['a*', 'ab/c', false],
  ['a*/b', 'abc/b', true],
  ['a*/b', 'a/c/b', false],
  ['**', 'a', true],
  ['**', 'a/b', false],
  ['a/**/b', 'a/x/b', true],
  ['a/**/b', 'a/b', false],
  ['a/**/b', 'a/x/y/b', false],
  ['a*b*c*d*e*/f', 'axbxcxdxe/f', true],
  ['a*b?c*x', 'abxbbxdbxebxczzx', true],
  ['a*b?c*x', 'abxbbxdbxebxczzy', false],
  ['ab[c]', 'abc', true],
  ['ab[b-d]', 'abc', true],
  ['ab[e-g]', 'abc', false],
  ['ab[^c]', 'abc', false],
  ['ab[^e-g]', 'abc', true],
  ['a\\*b', 'a*b', true],
  ['a\\*b', 'axb', false],
  ['a?b', 'a☺b', true],
  ['a?b', 'a😀b', true],
  ['?', '😀', true],
  ['a[^a]b', 'a☺b', true],
  ['a[^a][^a][^a]b', 'a☺b', false],
  ['[a-ζ]*', 'α', true],
  ['*[a-ζ]', 'A', false],
  ['a?b', 'a/b', false],
  ['a*b', 'a/b', false],
  ['[\\]a]', ']', true],
  ['[\\-]', '-', true],
  ['[x\\-]', 'z', false],
  ['[\\-x]', 'a', false],
  ['[!a]', '!', true],
  ['[!a]', 'b', false],
  ['[[]x', '[x', true],
  ['*x', 'xxx', true],
  ['{a,b}', '{a,b}', true],
  ['{a,b}', 'a', false],
  ['+(a)', 'a', false],
  ['#a', '#a', true],
  ['!a', '!a', true],
  ['', '', true],
  ['', 'a', false],
  ['*', '', true],
];

test('goMatch: a table of patterns and names', () => {
  for (const [pattern, path, matches] of go) assert.is(goMatch(pattern)(path), matches, `${pattern} ~ ${path}`);
});

const docker: readonly (readonly [pattern: string, matches: readonly string[], not: readonly string[]])[] = [
  ['**', ['file', 'dir/file', '.x'], []],
  ['**/', ['file', 'dir/file'], []],
  ['***', ['file', 'a/b'], []],
  ['**/**', ['file', 'dir/file', 'dir/a/b'], []],
  ['dir/**', ['dir/file', 'dir/a/b'], ['dir', 'dirx', 'x/dir/a']],
  ['**/dir', ['dir', 'a/dir', 'a/b/dir'], ['dirx', 'xdir']],
  ['**dir', ['dir', 'a/dir', 'xdir', 'a/xdir'], ['dirx']],
  ['dir**', ['dir', 'dirx', 'dirx/y', 'dir/y'], ['xdir']],
  ['a**b', ['ab', 'aX/b', 'a/b', 'a/x/b'], ['aXb']],
  ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['ab', 'a/b/c', 'x/a/b']],
  ['a/**/*.txt', ['a/x.txt', 'a/b/x.txt'], ['x.txt', 'a/x.txtx']],
  ['a**/*.txt', ['a/x.txt', 'ab/x.txt', 'a/b/c/x.txt', 'ax.txt'], ['x.txt']],
  ['**/*.go', ['x.go', 'a/b/x.go', '.go'], ['x.gox']],
  ['**.go', ['x.go', 'a/x.go', '.go'], ['x.g']],
  ['*/temp*', ['a/temp1', 'a/temp'], ['temp1', 'a/b/temp']],
  ['*', ['a', '.a'], ['a/b']],
  ['temp?', ['tempa', 'temp😀'], ['temp', 'tempab', 'temp/']],
  ['a.b', ['a.b'], ['axb']],
  ['a+(b)|{c}$', ['a+(b)|{c}$'], ['ab']],
  ['a^b', ['a^b'], []],
  ['[a-c]x', ['ax', 'cx'], ['dx', '-x']],
  ['[^a]x', ['bx', '/x'], ['ax']],
  ['[!a]x', ['!x', 'ax'], ['bx']],
  ['[[:digit:]]', ['5'], ['a', ':']],
  ['[[:^digit:]]', ['a'], ['5']],
  ['\\*', ['*'], ['a']],
  ['a\\b', ['ab'], ['a\\b']],
  ['\\d', ['d'], ['5']],
  ['/a', ['/a'], ['a']],
  ['..', ['..'], ['a']],
  ['a*b*c*d', ['abcd', 'axbxcxd'], ['abc', 'ab/cd']],
];

test('dockerMatch: a table of patterns and paths', () => {
  for (const [pattern, matches, not] of docker) {
    for (const path of matches) assert.ok(dockerMatch(pattern)(path), `${pattern} ~ ${path}`);
    for (const path of not) assert.not(dockerMatch(pattern)(path), `${pattern} !~ ${path}`);
  }
});

test('goMatch and dockerMatch: malformed patterns are errors', () => {
  for (const pattern of ['[', '[a', '[]a]', '[-a]', '[a-]', '[a-', '[^', '[^bc', 'a\\', 'a[', 'a/[', '[\\']) {
    for (const compile of [goMatch, dockerMatch]) {
      assert.throws(() => compile(pattern), /^SyntaxError: syntax error in pattern|syntax error in pattern/, pattern);
    }
  }
  assert.throws(() => dockerMatch('[z-a]'));
  assert.not(goMatch('[z-a]')('m'));
});

/** Docker's own translation into a regular expression, for patterns without classes. */
function dockerRegExp(pattern: string): RegExp {
  let text = '';
  for (let at = 0; at < pattern.length; at++) {
    const rest = pattern.slice(at);
    if (rest.startsWith('**')) {
      at += rest.startsWith('**/') ? 2 : 1;
      text += at === pattern.length - 1 ? '.*' : '(?:.*/)?';
    } else if (rest.startsWith('*')) text += '[^/]*';
    else if (rest.startsWith('?')) text += '[^/]';
    else text += rest[0]?.replace(/[.+()|{}$^]/, '\\$&');
  }
  // The fast path of a leading "**" before plain text is a test of the end.
  const plain = /^\*\*([^*?]+)$/.exec(pattern)?.[1];
  if (plain !== undefined && !plain.startsWith('/')) text = `.*${plain.replace(/[.+()|{}$^]/g, '\\$&')}`;
  return new RegExp(`^${text}$`, 'su');
}

test('dockerMatch: agrees with a plain re-statement of the rules on random pairs', () => {
  const word = (parts: readonly string[], max: number): fc.Arbitrary<string> =>
    fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: max }).map((all) => all.join(''));
  const pattern = word(['a', 'b', '.', '/', '*', '**', '?', '**/', '/**/', '{', '#'], 8)
    .map(cleanPath)
    .filter((text) => !text.startsWith('/') && text !== '.');
  const path = word(['a', 'b', '.c', '/', 'ab', '{'], 7)
    .map((text) => cleanPath(text).replace(/^\//, ''))
    .filter((text) => text !== '' && text !== '.');
  fc.assert(
    fc.property(pattern, path, (one, other) => {
      assert.is(dockerMatch(one)(other), dockerRegExp(one).test(other), `${one} ~ ${other}`);
    }),
    { numRuns: 4000 },
  );
});

test('goMatch and dockerMatch: hostile patterns take no exponential time', () => {
  const began = performance.now();
  const text = 'a'.repeat(4000);
  for (const pattern of [
    `${'a*'.repeat(30)}b`,
    `${'*a'.repeat(30)}b`,
    `${'**/a'.repeat(30)}b`,
    `${'a**'.repeat(30)}b`,
    `${'?*'.repeat(30)}b`,
    '*a*b',
    '[a]*[a]*b',
  ]) {
    assert.not(dockerMatch(pattern)(text), pattern);
    assert.not(dockerMatch(pattern)(text.replaceAll('aaaa', 'aaa/')), pattern);
    assert.not(goMatch(pattern)(text), pattern);
  }
  assert.ok(performance.now() - began < 10_000);
});

test('cleanPath: as filepath.Clean', () => {
  for (const [from, to] of [
    ['', '.'],
    ['abc/', 'abc'],
    ['a//b', 'a/b'],
    ['./a', 'a'],
    ['a/../b', 'b'],
    ['../a', '../a'],
    ['/../a', '/a'],
    ['a/..', '.'],
    ['/', '/'],
    ['//a', '/a'],
    ['a/../../b', '../b'],
    ['**/', '**'],
  ] as const) {
    assert.is(cleanPath(from), to, from);
  }
});

test('hasWildcard: only what is not escaped counts', () => {
  for (const [text, is] of [
    ['a*', true],
    ['a?', true],
    ['[a]', true],
    ['a\\*', false],
    ['a\\\\*', true],
    ['abc', false],
    ['a]', false],
    ['', false],
  ] as const)
    assert.is(hasWildcard(text), is, text);
});

test.run();
