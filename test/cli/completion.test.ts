import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { completionOf } from '../../src/cli/completion.ts';
import { messageOf } from '../../src/errors.ts';
import { matchesGolden } from './golden.ts';

for (const shell of ['bash', 'zsh', 'fish'])
  test(`completionOf ${shell}`, () => matchesGolden(`completion.${shell}`, completionOf(shell)));

test('completionOf refuses other shells', () => {
  try {
    completionOf('bsh');
    assert.unreachable();
  } catch (error) {
    assert.is(messageOf(error), 'unknown shell: bsh (did you mean bash?)');
  }
});

const folder = mkdtempSync(join(tmpdir(), 'wherry-completion-'));
writeFileSync(join(folder, 'script'), completionOf('bash'));
mkdirSync(join(folder, 'here/context dir'), { recursive: true });
writeFileSync(join(folder, 'here/a file'), '');
test.after(() => rmSync(folder, { recursive: true }));

/** What bash offers for words of which the last is being typed. */
function complete(...words: readonly string[]): readonly string[] {
  const quoted = words.map((word) => `'${word}'`).join(' ');
  const program = `source ../script; COMP_WORDS=(wherry ${quoted}); COMP_CWORD=${words.length}; _wherry; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const text = execFileSync('bash', ['--norc', '-c', program], { cwd: join(folder, 'here'), encoding: 'utf8' });
  return text.split('\n').filter((line) => line !== '');
}

const offers: readonly (readonly [readonly string[], readonly string[]])[] = [
  [['bui'], ['build']],
  [['in'], ['inspect']],
  [['registry', ''], ['serve']],
  [['registry', 'serve', '--re'], ['--read-only']],
  [
    ['build', '--build-'],
    ['--build-arg', '--build-context'],
  ],
  [['build', '--cache-t'], []],
  [['build', '--progress', 'p'], ['plain']],
  [['build', '--progress', '=', 'q'], ['quiet']],
  [
    ['build', '--progress', '='],
    ['auto', 'plain', 'tty', 'json', 'quiet'],
  ],
  [
    ['build', '-f', ''],
    ['a file', 'context dir'],
  ],
  [['build', 'c'], ['context dir']],
  [['build', '-t', ''], []],
  [
    ['save', '--format', ''],
    ['docker', 'oci'],
  ],
  [['help', 'imag'], ['images']],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['push', ''], []],
];
for (const [words, want] of offers) {
  test(`the bash completion of "${words.join(' ')}"`, () =>
    assert.equal([...complete(...words)].sort(), [...want].sort()));
}

test.run();
