import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Instruction } from '../../src/dockerfile/instruction.ts';
import { parseDockerfile, parseTrigger } from '../../src/dockerfile/parse.ts';
import type { SourceRange } from '../../src/errors.ts';
import { failure, fieldsOf, only, reasonOf } from './failure.ts';

function script(instruction: Instruction): string {
  if (instruction.kind !== 'RUN' || instruction.command.form !== 'shell') throw new Error('expected a shell script');
  return instruction.command.script;
}

function lines(range: SourceRange | undefined): [number, number] {
  return [range?.start.line ?? 0, range?.end.line ?? 0];
}

test('continuations join lines as they are; comments and blank lines between them drop out', () => {
  const rows: [string, string][] = [
    ['RUN a \\\n  b', 'a   b'],
    ['RUN a\\\nb', 'ab'],
    ['RUN a \\  \t\n b', 'a  b'],
    ['RUN a\\\r\n b\r', 'a b'],
    ['RUN \\\n\\\n a', 'a'],
    ['RUN a \\\n# c\n b', 'a  b'],
    ['RUN a \\\n \t# c \\\n b', 'a  b'],
    ['RUN a \\\n\n  \n b', 'a  b'],
    ['RUN a # b \\\n c', 'a # b  c'],
    ['RUN a \\\nb # c', 'a b # c'],
    ['RUN a\\\\', 'a\\\\'],
    ['RUN a \\\\ ', 'a \\\\'],
    ['RUN a\\\\\\', 'a\\\\\\'],
    ['RUN a`', 'a`'],
    ['RUN a\\ b', 'a\\ b'],
    ['RUN a \\\n', 'a'],
    ['RUN a \\', 'a'],
    ['\\\nRUN a', 'a'],
    ['  RUN a', 'a'],
    ['\u00a0\u2003RUN a', 'a'],
    ['RUN\t\v\f a', 'a'],
    ['R\\\nUN a', 'a'],
    ['RUN a\\\n\\\n\\\nb', 'ab'],
    ['RUN a\rb', 'a\rb'],
  ];
  for (const [text, expected] of rows) assert.is(script(only(text)), expected, JSON.stringify(text));
});

test('escape=` makes the backtick continue lines and escape words', () => {
  const escape = '# escape=`\n';
  assert.is(script(only('RUN a `\n  b', escape)), 'a   b');
  assert.is(script(only('RUN a``', escape)), 'a``');
  assert.is(script(only('RUN dir c:\\', escape)), 'dir c:\\');
  assert.equal(fieldsOf(only('ENV a=b` c d="e`" f"', escape)), {
    kind: 'ENV',
    pairs: [
      { key: 'a', value: 'b` c' },
      { key: 'd', value: '"e`" f"' },
    ],
    legacy: false,
  });
  assert.equal(fieldsOf(only('COPY --chown=a` b c d', escape))['chown'], 'a b');
  // Heredocs always have the backslash.
  assert.is(script(only('RUN cat <<`E\nx\n`E', escape)), 'cat <<`E\nx\n`E');
  const windows = parseDockerfile(`${escape}FROM a\nWORKDIR c:\\\nCOPY a c:\\b\\\n`, 'D');
  assert.equal(
    windows.stages[0]?.instructions.map(({ kind }) => kind),
    ['WORKDIR', 'COPY'],
  );
});

test('directives: where they count, their values, their mistakes', () => {
  const rows: [string, Record<string, unknown>][] = [
    ['', { escape: '\\' }],
    ['# escape=`', { escape: '`' }],
    ['#ESCAPE = ` ', { escape: '`' }],
    ['  \t# escape=`', { escape: '`' }],
    ['# escape=\\', { escape: '\\' }],
    [
      '# syntax=docker/dockerfile:1\n# escape=`\n# check=skip=all;error=true',
      { escape: '`', syntax: 'docker/dockerfile:1', check: 'skip=all;error=true' },
    ],
    ['# comment\n# escape=`', { escape: '\\' }],
    ['\n# escape=`', { escape: '\\' }],
    ['# foo=bar\n# escape=`', { escape: '\\' }],
    ['# escape=\n# escape=`', { escape: '\\' }],
    ['# escape', { escape: '\\' }],
    ['#! /bin/x\n# escape=`', { escape: '\\' }],
    ['#! /bin/x\n# syntax=docker/dockerfile', { escape: '\\', syntax: 'docker/dockerfile' }],
    [' # syntax=foo/bar', { escape: '\\' }],
    ['# check=skip=A,B', { escape: '\\', check: 'skip=A,B' }],
    ['# escape=`\r', { escape: '`' }],
    ['ARG x\n# escape=`', { escape: '\\' }],
  ];
  for (const [head, expected] of rows) {
    assert.equal(parseDockerfile(`${head}\nFROM scratch`, 'D').directives, { ...expected }, head);
    assert.equal(
      parseDockerfile(`\ufeff${head}\nFROM scratch`, 'D').directives,
      { ...expected },
      `with a mark: ${head}`,
    );
  }
  const wrong: [string, string, number][] = [
    ['# escape=x', "invalid escape token 'x' does not match ` or \\", 1],
    ['# escape=``', "invalid escape token '``' does not match ` or \\", 1],
    ['# escape=`\n# escape=`', 'only one escape parser directive can be used', 2],
    ['# syntax=docker/dockerfile\n# SYNTAX=docker/dockerfile', 'only one syntax parser directive can be used', 2],
    ['# check=a\n# check=b', 'only one check parser directive can be used', 2],
  ];
  for (const [head, reason, line] of wrong) {
    const error = failure(() => parseDockerfile(`${head}\nFROM scratch`, 'D'));
    assert.is(error.message, `dockerfile parse error on line ${line}: ${reason}`);
    assert.equal(lines(error.range), [line, line]);
  }
});

test('syntax: the built-in language under all its names; other frontends are refused', () => {
  const good = [
    'docker/dockerfile',
    'docker/dockerfile:1',
    'docker/dockerfile:1.7-labs',
    'docker.io/docker/dockerfile:1-labs',
    'index.docker.io/docker/dockerfile',
    'docker/dockerfile@sha256:0000',
    'docker/dockerfile:1@sha256:0000',
    'docker/dockerfile-upstream:master',
    'mirror.example:5000/hub/docker/dockerfile:1',
    'dockerfile.v0',
    'docker/dockerfile:1 with arguments',
  ];
  for (const name of good) assert.is(parseDockerfile(`# syntax=${name}\nFROM a`, 'D').directives.syntax, name);
  const bad = [
    'foo/bar',
    'docker/dockerfiles',
    'xdocker/dockerfile',
    'docker/dockerfile/x',
    'dockerfile',
    'docker/buildx:1',
  ];
  for (const name of bad) {
    const error = failure(() => parseDockerfile(`#!shebang\n# syntax=${name}\nFROM a`, 'D'));
    assert.match(error.message, `dockerfile parse error on line 2: Cannot build with frontend "${name}"`);
    assert.ok(error.hint);
    assert.equal(lines(error.range), [2, 2]);
  }
  assert.match(failure(() => parseDockerfile('// syntax=foo/bar\n', 'D')).message, 'frontend "foo/bar"');
  assert.match(failure(() => parseDockerfile('\n {"a": 1, "syntax": "foo/bar"}', 'D')).message, 'frontend "foo/bar"');
  assert.match(failure(() => parseDockerfile('{"syntax": 1}', 'D')).message, 'unknown instruction');
});

test('comments directly before an instruction are kept; an empty one starts anew, blank lines do not', () => {
  const text = '# escape=\\\n# a\n#\n# b\n\n  #  c \nFROM x\n# d\nRUN \\\n# e\n y\nRUN z\n';
  const [stage] = parseDockerfile(text, 'D').stages;
  assert.equal(stage?.from.comments, ['b', 'c']);
  assert.equal(
    stage?.instructions.map(({ comments }) => comments),
    [['d'], []],
  );
});

test('ranges cover the physical lines, heredoc bodies included', () => {
  const text = [
    '# c',
    'FROM a',
    '',
    'RUN b \\',
    '  # c',
    '',
    '  d',
    'RUN <<A <<B e',
    '1',
    'A',
    '2',
    'B',
    '  # c',
    'COPY <<A \\',
    '  /x',
    'A',
    'CMD y \\',
  ].join('\r\n');
  const [stage] = parseDockerfile(text, 'D').stages;
  const ranges = [stage?.from.range, ...(stage?.instructions.map(({ range }) => range) ?? [])];
  assert.equal(ranges.map(lines), [
    [2, 2],
    [4, 7],
    [8, 12],
    [14, 16],
    [17, 17],
  ]);
  assert.equal(
    ranges.map((range) => range?.end.character),
    [6, 3, 1, 1, 7],
  );
});

test('text is the joined line, trimmed, without heredoc bodies', () => {
  assert.is(only('  run  a \\\n   b  ').text, 'run  a    b');
  assert.is(only('COPY <<A /x\nb\nA').text, 'COPY <<A /x');
});

test('a blank continuation line is a finding, one for each instruction', () => {
  const text = 'FROM a\nRUN b \\\n\n\n c\nRUN d \\\n  \t\n  e <<X\n\nX\nRUN f \\\n# g\n h\n';
  const { warnings } = parseDockerfile(text, 'D');
  assert.equal(
    warnings.map(({ rule, message, range }) => [rule, message, ...lines(range)]),
    [
      ['NoEmptyContinuation', 'Empty continuation line found in: RUN b  c', 5, 5],
      ['NoEmptyContinuation', 'Empty continuation line found in: RUN d   e <<X', 8, 8],
    ],
  );
});

test('lines may have 65535 bytes, in instructions and in heredocs', () => {
  const reason = 'dockerfile line greater than max allowed size of 65535';
  const label = 'LABEL a=';
  for (const end of ['', '\n']) {
    assert.is(only(`${label}${'b'.repeat(65535 - label.length)}${end}`).kind, 'LABEL');
    assert.is(reasonOf(`${label}${'b'.repeat(65536 - label.length)}${end}`), reason);
    assert.is(reasonOf(`${label}${'é'.repeat(32764)}${end}`), reason);
  }
  assert.is(reasonOf(`${label}${'b'.repeat(65535 - label.length)}\r\n`), reason);
  const error = failure(() => parseDockerfile(`FROM a\nRUN <<E\n${'x'.repeat(70_000)}\nE`, 'D'));
  assert.is(error.message, `dockerfile parse error on line 2: ${reason}`);
  assert.equal(lines(error.range), [2, 3]);
  assert.is(script(only(`RUN a \\\n${`${'b'.repeat(60_000)}\\\n`.repeat(3)}`)).length, 180_002);
});

test('bytes are UTF-8 with or without a mark; other bytes are refused where they mean something', () => {
  const text = '# 한국어\nFROM a\nENV b=한국어\n';
  const bytes = new TextEncoder().encode(`\ufeff${text}`);
  assert.equal(parseDockerfile(bytes, 'D'), parseDockerfile(text, 'D'));
  const latin = (line: string): Uint8Array => Buffer.from(line, 'latin1');
  assert.is(parseDockerfile(latin('# caf\u00e9\nFROM a\n'), 'D').stages.length, 1);
  for (const line of ['ENV a=caf\u00e9', 'COPY <<E /a\ncaf\u00e9\nE']) {
    const error = failure(() => parseDockerfile(latin(`FROM a\n${line}\n`), 'D'));
    assert.is(error.message, 'dockerfile parse error on line 2: the instruction is not valid UTF-8');
  }
  assert.is(parseDockerfile('FROM a\nENV a=\ufffd', 'D').stages.length, 1);
});

test('parseTrigger types a trigger at the place of the FROM that brings it', () => {
  const { stages } = parseDockerfile('ARG a\nFROM b\n', 'D');
  const range = stages[0]?.from.range;
  assert.ok(range);
  const trigger = parseTrigger('RUN a \\\n b', range);
  assert.is(script(trigger), 'a  b');
  assert.equal(trigger.range, range);
  assert.is(script(parseTrigger('RUN <<E cat\nx\nE', range)), '<<E cat\nx\nE');
  assert.equal(fieldsOf(parseTrigger('copy a b', range))['destination'], 'b');
  const rows: [string, string][] = [
    ['', 'onbuild trigger should be a single expression'],
    ['# a', 'onbuild trigger should be a single expression'],
    ['RUN a\nRUN b', 'onbuild trigger should be a single expression'],
    ['FROM a', "FROM isn't allowed as an ONBUILD trigger"],
    ['MAINTAINER a', "MAINTAINER isn't allowed as an ONBUILD trigger"],
    ['ONBUILD RUN a', "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
    ['RUNN a', 'unknown instruction: RUNN (did you mean RUN?)'],
    ['ENV a', 'ENV must have two arguments'],
    ['RUN <<E', 'unterminated heredoc'],
  ];
  for (const [text, reason] of rows) {
    const error = failure(() => parseTrigger(text, range));
    assert.is(error.message, `dockerfile parse error on line 2: ${reason}`);
    assert.equal(error.range, range);
  }
});

test.run();
