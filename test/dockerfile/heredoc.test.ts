import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Heredoc, Instruction } from '../../src/dockerfile/instruction.ts';
import { chomp, parseHeredocWord } from '../../src/dockerfile/syntax/heredoc.ts';
import { only, reasonOf } from './failure.ts';

function heredoc(name: string, body: string, how: Partial<Heredoc> = {}): Heredoc {
  return { name, body, expand: true, chomp: false, descriptor: 0, ...how };
}

function runOf(text: string): Instruction & { kind: 'RUN' } {
  const instruction = only(text);
  if (instruction.kind !== 'RUN') throw new Error('expected RUN');
  return instruction;
}

test('parseHeredocWord: forms of the word', () => {
  const rows: [string, ReturnType<typeof parseHeredocWord>][] = [
    ['<<EOF', { name: 'EOF', expand: true, chomp: false, descriptor: 0 }],
    ['<<-EOF', { name: 'EOF', expand: true, chomp: true, descriptor: 0 }],
    ['<<"EOF"', { name: 'EOF', expand: false, chomp: false, descriptor: 0 }],
    ["<<'EOF'", { name: 'EOF', expand: false, chomp: false, descriptor: 0 }],
    ['<<E"O"F', { name: 'EOF', expand: false, chomp: false, descriptor: 0 }],
    ['<<\\EOF', { name: 'EOF', expand: true, chomp: false, descriptor: 0 }],
    ['<<"E F"', { name: 'E F', expand: false, chomp: false, descriptor: 0 }],
    ['<<E\\ F', { name: 'E F', expand: true, chomp: false, descriptor: 0 }],
    ['<<\\"EOF', { name: '"EOF', expand: true, chomp: false, descriptor: 0 }],
    ["<<-'EOF'", { name: 'EOF', expand: false, chomp: true, descriptor: 0 }],
    ['<< EOF', { name: 'EOF', expand: true, chomp: false, descriptor: 0 }],
    ['<<- \tEOF', { name: 'EOF', expand: true, chomp: true, descriptor: 0 }],
    ['3<<EOF', { name: 'EOF', expand: true, chomp: false, descriptor: 3 }],
    ['12<<-EOF', { name: 'EOF', expand: true, chomp: true, descriptor: 12 }],
    ['<<$A', { name: '$A', expand: true, chomp: false, descriptor: 0 }],
    ['<<${A}', { name: '${A}', expand: true, chomp: false, descriptor: 0 }],
    ['<<EOF;', { name: 'EOF;', expand: true, chomp: false, descriptor: 0 }],
    ['<<', undefined],
    ['<<-', undefined],
    ['<<""', undefined],
    ['<<<EOF', undefined],
    ['<EOF', undefined],
    ['x<<EOF', undefined],
    ['<<EOF a', undefined],
    ['<<EOF<<B', undefined],
    ['<<"EOF', undefined],
    ['"<<EOF"', undefined],
  ];
  for (const [word, expected] of rows) assert.equal(parseHeredocWord(word), expected, word);
});

test('RUN: one heredoc alone is the script', () => {
  const rows: [string, string, boolean][] = [
    ['RUN <<EOF\na\nb\nEOF', 'a\nb\n', false],
    ['RUN <<EOF\nEOF', '', false],
    ['RUN <<-EOF\n\ta\n\t\tb\n c\n\tEOF', 'a\nb\n c\n', false],
    ['RUN <<EOF\n\ta\n\tEOF\nEOF', '\ta\n\tEOF\n', false],
    ['RUN <<"EOF"\n$a\nEOF', '$a\n', false],
    ['RUN << EOF\na\nEOF', 'a\n', false],
    ['RUN <<EOF\na\r\nEOF\r', 'a\r\n', false],
    ['RUN <<EOF\n# a\n\n\\\nb \\\nEOF', '# a\n\n\\\nb \\\n', false],
    ['RUN <<EOF\nEOF \n EOF\nEOF', 'EOF \n EOF\n', false],
    ['RUN --network=none <<EOF\na\nEOF', 'a\n', false],
    ['RUN \\\n  <<EOF\na\nEOF', 'a\n', false],
    ['RUN <<EOF\n#!/bin/sh\na\nEOF', '#!/bin/sh\na\n', true],
    ['RUN <<-EOF\n\t#!/bin/sh\n\tEOF', '#!/bin/sh\n', true],
  ];
  for (const [text, body, shebang] of rows) {
    const run = runOf(text);
    assert.equal(run.script, { name: 'EOF', body, shebang }, text);
    const script = shebang ? '/dev/pipes/EOF' : body;
    assert.equal(run.command, { form: 'shell', script }, text);
    assert.is(run.heredocs.length, 1);
  }
});

test('RUN: other heredocs go back to the shell as written', () => {
  const rows: [string, string, Heredoc[]][] = [
    ['RUN cat <<A\nx\nA', 'cat <<A\nx\nA', [heredoc('A', 'x\n')]],
    ['RUN <<A cat\nx\nA', '<<A cat\nx\nA', [heredoc('A', 'x\n')]],
    ['RUN cat <<-A\n\tx\n\tA', 'cat <<-A\n\tx\nA', [heredoc('A', '\tx\n', { chomp: true })]],
    ["RUN cat <<'A B' | y\n$x\nA B", "cat <<'A B' | y\n$x\nA B", [heredoc('A B', '$x\n', { expand: false })]],
    ['RUN a <<A; b <<B\n1\nA;\n2\nB', 'a <<A; b <<B\n1\nA;\n2\nB', [heredoc('A;', '1\n'), heredoc('B', '2\n')]],
    [
      'RUN a <<A 3<<B\n1\nA\n2\nB',
      'a <<A 3<<B\n1\nA\n2\nB',
      [heredoc('A', '1\n'), heredoc('B', '2\n', { descriptor: 3 })],
    ],
    ['RUN <<A <<B\nA\nB', '<<A <<B\nA\nB', [heredoc('A', ''), heredoc('B', '')]],
    ['RUN a << A\nx\nA', 'a << A\nx\nA', [heredoc('A', 'x\n')]],
    ['RUN a \\\n <<A \\\n b\nx\nA', 'a  <<A  b\nx\nA', [heredoc('A', 'x\n')]],
  ];
  for (const [text, script, heredocs] of rows) {
    const run = runOf(text);
    assert.equal(run.command, { form: 'shell', script }, text);
    assert.equal(run.heredocs, heredocs, text);
    assert.is(run.script, undefined);
  }
});

test('RUN: what looks like a heredoc and is none', () => {
  const rows = [
    'cat <<<A',
    'cat "<<A"',
    "cat '<<A'",
    'cat a<<A',
    'cat \\<<A',
    'cat <<- A',
    'cat <<A "',
    "cat <<A it's",
    'cat <<',
    'echo $((1<<2))',
    'cat <<A ${B',
  ];
  for (const script of rows) {
    const run = runOf(`RUN ${script}`);
    assert.equal([run.command, run.heredocs], [{ form: 'shell', script }, []], script);
  }
  // With blanks around it, a shift operator is a heredoc, in BuildKit too.
  assert.is(reasonOf('RUN echo $((1 << 2))'), 'unterminated heredoc');
  assert.equal(runOf('RUN ["<<A"]').command, { form: 'exec', args: ['<<A'] });
  assert.is(only('CMD <<A').kind, 'CMD');
  assert.is(only('ENV a=<<A').kind, 'ENV');
});

test('COPY and ADD: heredocs are files beside the sources', () => {
  for (const name of ['COPY', 'ADD']) {
    const rows: [string, string[], Heredoc[], string][] = [
      ['<<A /x\n1\nA', [], [heredoc('A', '1\n')], '/x'],
      [
        'a <<A b <<"B" /x/\n1\nA\n2\nB',
        ['a', 'b'],
        [heredoc('A', '1\n'), heredoc('B', '2\n', { expand: false })],
        '/x/',
      ],
      ['<<-A /x\n\t1\n\tA', [], [heredoc('A', '\t1\n', { chomp: true })], '/x'],
      ['<<A <<A /x/\n1\nA\n2\nA', [], [heredoc('A', '2\n'), heredoc('A', '2\n')], '/x/'],
      ['--chmod=755 <<a.sh \\\n  /x\n#!/bin/sh\na.sh', [], [heredoc('a.sh', '#!/bin/sh\n')], '/x'],
      ['<<$A /x\n1\n$A', [], [heredoc('$A', '1\n')], '/x'],
      ['<< A /x\n1\nA', ['<<', 'A'], [], '/x'],
    ];
    for (const [text, sources, heredocs, destination] of rows) {
      const copy = only(`${name} ${text}`);
      if (copy.kind !== 'COPY' && copy.kind !== 'ADD') throw new Error('expected a copy');
      assert.equal([copy.sources, copy.heredocs, copy.destination], [sources, heredocs, destination], text);
    }
  }
});

test('ONBUILD: bodies and delimiters are part of the trigger', () => {
  const rows: [string, string][] = [
    ['ONBUILD RUN <<A\n1\nA', 'RUN <<A\n1\nA'],
    ['ONBUILD RUN cat <<-A <<B\n\t1\n\tA\nB', 'RUN cat <<-A <<B\n\t1\nA\nB'],
    ['ONBUILD COPY <<"A" /x\n$1\nA', 'COPY <<"A" /x\n$1\nA'],
    ['ONBUILD ADD --chmod=1 <<A \\\n /x\nA', 'ADD --chmod=1 <<A  /x\nA'],
    ['ONBUILD RUN ["<<A"]', 'RUN ["<<A"]'],
    ['ONBUILD CMD <<A', 'CMD <<A'],
  ];
  for (const [text, trigger] of rows) {
    const onbuild = only(text);
    assert.is(onbuild.kind === 'ONBUILD' ? onbuild.trigger : undefined, trigger, text);
  }
});

test('chomp cuts the tabs that begin lines, and nothing else', () => {
  assert.is(chomp('\ta\n\t\tb\n \tc\nd\te\n\t\n\t'), 'a\nb\n \tc\nd\te\n\n');
  assert.is(chomp(''), '');
});

test.run();
