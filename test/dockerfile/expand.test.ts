import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { expandHeredoc, expandWord, expandWords } from '../../src/dockerfile/expand.ts';
import { goQuote } from '../../src/dockerfile/quote.ts';
import { failure } from './failure.ts';

const env = new Map([
  ['A', 'abcab'],
  ['E', ''],
  ['P', '/a/b/c.b.d'],
  ['S', 'a b  c'],
  ['U', '한국어'],
  ['한글', '값'],
  ['DOTS', '.a.b.'],
  ['STAR', '*a?b\\c}d/e'],
]);

function outcome(word: string, escape: '\\' | '`'): string {
  try {
    return expandWord(word, env, { escape });
  } catch {
    const { message } = failure(() => expandWord(word, env, { escape }));
    const prefix = `failed to process ${goQuote(word)}: `;
    assert.ok(message.startsWith(prefix), message);
    return `!${message.slice(prefix.length)}`;
  }
}

const table = readFileSync('testdata/dockerfile/expand.tsv', 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('# '))
  .map((line) => line.split('\t'));

test('expandWord gives what the table of words says', () => {
  assert.ok(table.length > 350);
  for (const [word = '', expected = ''] of table) assert.is(outcome(word, '\\'), expected, word);
});

test('expandWord with the backtick as escape character does the same with it', () => {
  for (const [word = '', expected = ''] of table) {
    // Patterns keep the backslash as their escape character, and replacements keep the escape that was written.
    if (/[#%/]/.test(word) || word.includes('`')) continue;
    assert.is(outcome(word.replaceAll('\\', '`'), '`'), expected.replaceAll('\\', '`'), word);
  }
  assert.is(outcome('C:\\dir\\`$A', '`'), 'C:\\dir\\$A');
  assert.is(outcome('"a`b`"c"', '`'), 'a`b"c');
});

const states = [
  { name: 'A', state: 'set' },
  { name: 'E', state: 'empty' },
  { name: 'N', state: 'unset' },
] as const;

/** The part of the value or the word that each modifier gives: V value, W word, '' nothing, ! an error. */
const modifiers = {
  ':-': { set: 'V', empty: 'W', unset: 'W' },
  '-': { set: 'V', empty: 'V', unset: 'W' },
  ':+': { set: 'W', empty: '', unset: '' },
  '+': { set: 'W', empty: 'W', unset: '' },
  ':?': { set: 'V', empty: '!', unset: '!' },
  '?': { set: 'V', empty: 'V', unset: '!' },
} as const;

const words = [
  { written: '', expanded: '' },
  { written: 'word', expanded: 'word' },
  { written: 'two words', expanded: 'two words' },
  { written: '"two  words"', expanded: 'two  words' },
  { written: "'$A'", expanded: '$A' },
  { written: '$A$E$N', expanded: 'abcab' },
  { written: '${N:-${E:-${A#abc}}}', expanded: 'ab' },
  { written: '\\$A\\}', expanded: '$A}' },
] as const;

/** What stands around a substitution, as written and expanded. */
const surroundings = [
  { written: ['', ''], expanded: ['', ''] },
  { written: ['x', 'y'], expanded: ['x', 'y'] },
  { written: ['"', '"'], expanded: ['', ''] },
  { written: ['$A', '/z'], expanded: ['abcab', '/z'] },
] as const;

test('expandWord: every default, alternative and requirement in every state of the variable', () => {
  let count = 0;
  for (const [modifier, results] of Object.entries(modifiers)) {
    for (const { name, state } of states) {
      for (const { written, expanded } of words) {
        for (const around of surroundings) {
          const word = `${around.written[0]}\${${name}${modifier}${written}}${around.written[1]}`;
          const result = results[state];
          const part = result === 'V' ? env.get(name) : result === 'W' ? expanded : '';
          const missing = `is not allowed to be ${state === 'empty' ? 'empty' : 'unset'}`;
          const wanted =
            result === '!' ? `!${name}: ${expanded || missing}` : `${around.expanded[0]}${part}${around.expanded[1]}`;
          assert.is(outcome(word, '\\'), wanted, word);
          count++;
        }
      }
    }
  }
  assert.is(count, 576);
});

/** The oracle for trimming: tries every cut, with the pattern as an anchored regular expression. */
function trimByTrial(value: string, operator: string, pattern: string): string {
  const body = Array.from(pattern, (character) =>
    character === '*' ? '[^\n]*' : character === '?' ? '[^\n]' : character.replace(/[.[\]()]/, '\\$&'),
  );
  const whole = new RegExp(`^${body.join('')}$`, 'u');
  const lengths = Array.from({ length: value.length + 1 }, (_, index) => index);
  if (operator.length === 2) lengths.reverse();
  for (const length of lengths) {
    const cut = operator[0] === '#' ? value.slice(0, length) : value.slice(value.length - length);
    if (whole.test(cut)) return operator[0] === '#' ? value.slice(length) : value.slice(0, value.length - length);
  }
  return value;
}

test('expandWord: trimming takes the shortest or longest match that trial of every cut finds', () => {
  const values = ['', 'a', 'ab', 'abcabc', 'a.b.c', 'aaa', 'a\nb\na', '/usr/local/bin', 'b\n', '\n'];
  const patterns = [
    '',
    '*',
    '?',
    'a',
    'a*',
    '*a',
    '*a*',
    '?*',
    '*?',
    'a?c',
    '*.',
    '.*',
    '*b*',
    '??',
    '*c*a',
    '/*/',
    '**',
    '*\n*',
    'b\n',
  ];
  for (const value of values) {
    for (const pattern of patterns) {
      for (const operator of ['#', '##', '%', '%%']) {
        const word = `\${V${operator}${pattern}}`;
        const expected = trimByTrial(value, operator, pattern);
        assert.is(
          expandWord(word, new Map([['V', value]]), { escape: '\\' }),
          expected,
          `${word} of ${JSON.stringify(value)}`,
        );
      }
    }
  }
});

test('expandWord: replacing takes the leftmost match, and of those the longest', () => {
  const rows: [string, string, string, string][] = [
    ['aXbXc', 'X', 'aYbXc', 'aYbYc'],
    ['aXbXc', '*X', 'Yc', 'Yc'],
    ['aXbXc', 'X*', 'aY', 'aY'],
    ['line\nline', 'l*e', 'Y\nline', 'Y\nY'],
    ['line\nline', '*', 'Y\nline', 'Y\nY'],
    ['abab', 'ab?', 'Yb', 'Yb'],
    ['', 'a', '', ''],
    ['', '*', 'Y', 'Y'],
    ['\n', '?', '\n', '\n'],
    ['aaaa', 'aa', 'Yaa', 'YY'],
    ['😀a😀', '?a', 'Y😀', 'Y😀'],
    ['x1y22z', '2', 'x1yY2z', 'x1yYYz'],
  ];
  for (const [value, pattern, first, all] of rows) {
    const values = new Map([['V', value]]);
    assert.is(expandWord(`\${V/${pattern}/Y}`, values, { escape: '\\' }), first, `${value} / ${pattern}`);
    assert.is(expandWord(`\${V//${pattern}/Y}`, values, { escape: '\\' }), all, `${value} // ${pattern}`);
  }
  assert.is(expandWord('${V//x/$1}', new Map([['V', 'axb']]), { escape: '\\' }), 'ab');
  assert.is(expandWord("${V//x/'$1'}", new Map([['V', 'axb']]), { escape: '\\' }), 'a$1b');
});

test('expandWord tells of each variable that has no value', () => {
  const missing: string[] = [];
  const onUndefined = (name: string): void => void missing.push(name);
  expandWord("$A $N ${M} '$Q' \\$R ${L:-$K} ${E:+$J} ${A#$I} $1", env, { escape: '\\', onUndefined });
  assert.equal(missing, ['N', 'M', 'K', 'L', 'J', 'I', '1']);
});

test('expandWords splits at white space that is neither quoted nor escaped', () => {
  const rows: [string, string[]][] = [
    ['', []],
    ['  ', []],
    ['a', ['a']],
    ['a b', ['a', 'b']],
    ['  a   b  ', ['a', 'b']],
    ['a\\ b', ['a b']],
    ['"a b" c', ['a b', 'c']],
    ["'a b'c d", ['a bc', 'd']],
    ['""', []],
    ['a "" b', ['a', 'b']],
    ['$S', ['a', 'b', 'c']],
    ['"$S"', ['a b  c']],
    ['x$S', ['xa', 'b', 'c']],
    ['${S}y', ['a', 'b', 'cy']],
    ['$E', []],
    ['$N x', ['x']],
    ['${N:-80 81}', ['80', '81']],
    ['1$A 2', ['1abcab', '2']],
    ['a\u00a0b\tc\u2003d', ['a', 'b', 'c', 'd']],
    ["'$S'", ['$S']],
  ];
  for (const [word, expected] of rows) assert.equal(expandWords(word, env, { escape: '\\' }), expected, word);
  assert.match(
    failure(() => expandWords('a "b', env, { escape: '\\' })).message,
    /^failed to process "a \\"b": unexpected end/,
  );
});

test('expandHeredoc leaves quotes alone and always escapes with a backslash', () => {
  const rows: [string, string][] = [
    ['$A\n', 'abcab\n'],
    ['"$A" \'$A\'\n', '"abcab" \'abcab\'\n'],
    ['\\$A \\\\ \\x\n', '$A \\ x\n'],
    ['a\\\nb\n', 'a\nb\n'],
    ["it's ${N:-it's}\n", "it's it's\n"],
    ['${A:+"x"}\n', '"x"\n'],
    ['`$A`\n', '`abcab`\n'],
    ['$(date) $$ $\n', '$(date)  $\n'],
    ['a << b <\n', 'a << b <\n'],
    ['\ttab\r\n', '\ttab\r\n'],
  ];
  for (const [body, expected] of rows) assert.is(expandHeredoc(body, env), expected, body);
  assert.match(failure(() => expandHeredoc('${N:?gone}\n', env)).message, /: N: gone$/);
});

test('expandWord stays fast and small on hostile words', () => {
  const long = 'a'.repeat(50_000);
  const values = new Map([['V', long]]);
  assert.is(expandWord(`\${V##${'*a'.repeat(50)}*b}`, values, { escape: '\\' }), long);
  assert.is(expandWord('${V//a*b/}', values, { escape: '\\' }), long);
  const pattern = `${'a'.repeat(30_000)}b`;
  assert.match(
    failure(() => expandWord(`\${V//${pattern}/}`, values, { escape: '\\' })).message,
    /too long to be matched$/,
  );
  assert.match(
    failure(() => expandWord('${N:-'.repeat(5000), env, { escape: '\\' })).message,
    /missing '}'|nested too deep/,
  );
  assert.match(failure(() => expandWord('$V'.repeat(400), values, { escape: '\\' })).message, /result is too long$/);
});

test.run();
