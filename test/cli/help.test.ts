import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { helpOf } from '../../src/cli/help.ts';
import { commands, flagsOf } from '../../src/cli/table.ts';
import { WherryError } from '../../src/errors.ts';
import { matchesGolden } from './golden.ts';

test('helpOf: the overview', () => matchesGolden('help.txt', helpOf([])));
for (const command of commands) {
  test(`helpOf: ${command.name}`, () =>
    matchesGolden(`help-${command.name.replace(' ', '-')}.txt`, helpOf(command.name.split(' '))));
}
test('helpOf: a group', () => matchesGolden('help-registry.txt', helpOf(['registry'])));

test('helpOf fits the columns', () => {
  for (const columns of [60, 80, 110]) {
    for (const command of commands) {
      const long = helpOf([command.name], columns)
        .split('\n')
        .filter((line) => line.length > columns);
      // Words that cannot be broken, and examples that must be pasted whole.
      assert.equal(
        long.filter((line) => /^ {0,4}[a-z]/.test(line) && !line.includes('wherry')),
        [],
        `${command.name} at ${columns}`,
      );
    }
  }
});

test('helpOf names every flag that is not hidden, and none that is', () => {
  for (const command of commands) {
    const text = helpOf([command.name]);
    for (const flag of flagsOf(command))
      assert.is(
        new RegExp(`--${flag.name}(?![a-z-])`).test(text),
        flag.hidden !== true,
        `${command.name} --${flag.name}`,
      );
  }
});

test('helpOf refuses unknown words', () => {
  try {
    helpOf(['imagse']);
    assert.unreachable();
  } catch (error) {
    assert.ok(error instanceof WherryError);
    assert.match(error.message, /^unknown command: imagse \(did you mean images\?\)$/);
  }
});

test.run();
