// What the tests of this folder share: running something that must fail, and short ways into the parser.
import * as assert from 'uvu/assert';
import type { FromInstruction, Instruction } from '../../src/dockerfile/instruction.ts';
import { parseDockerfile } from '../../src/dockerfile/parse.ts';
import { WherryError } from '../../src/errors.ts';

/** The error that `work` throws; any other outcome fails the test. */
export function failure(work: () => unknown): WherryError {
  try {
    work();
  } catch (error) {
    if (error instanceof WherryError) {
      assert.is(error.code, 'DOCKERFILE_INVALID');
      return error;
    }
    throw error;
  }
  throw new Error('expected an error');
}

/** The instruction that `text` is, after a FROM in line 1. */
export function only(text: string, escape = ''): Instruction {
  const { stages } = parseDockerfile(`${escape}FROM scratch\n${text}\n`, 'Dockerfile');
  const [first, ...others] = stages[0]?.instructions ?? [];
  if (first === undefined || others.length > 0) throw new Error('expected one instruction');
  return first;
}

/** Its fields without place, text and comments. */
export function fieldsOf(instruction: Instruction | FromInstruction): Record<string, unknown> {
  const { range: _range, text: _text, comments: _comments, ...fields } = instruction;
  return fields;
}

/** The reason why `text` is refused after a FROM, without "dockerfile parse error on line N: ". */
export function reasonOf(text: string): string {
  return failure(() => parseDockerfile(`FROM scratch\n${text}`, 'Dockerfile')).message.replace(
    /^dockerfile parse error on line 2: /,
    '',
  );
}
