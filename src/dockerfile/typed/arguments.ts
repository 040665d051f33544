// What all typed instructions share: the base fields, and the errors for a wrong number of arguments. Messages are
// BuildKit's.
import { WherryError } from '../../errors.ts';
import type { Instruction } from '../instruction.ts';
import { parseFlags } from '../syntax/flags.ts';
import type { Statement } from '../syntax/statement.ts';

/** The fields that every instruction has. */
export function baseOf(statement: Statement): Pick<Instruction, 'range' | 'text' | 'comments'> {
  return { range: statement.range, text: statement.text, comments: statement.comments };
}

/** An error of this phase; the parser adds the line. */
export function invalid(reason: string, hint?: string): WherryError {
  return new WherryError('DOCKERFILE_INVALID', reason, { hint });
}

/** Refuses all flags. */
export function refuseFlags(statement: Statement): void {
  parseFlags(statement.flags, {});
}

/** The error for an instruction that needs an argument. */
export function atLeastOne(name: string): WherryError {
  return invalid(`${name} requires at least one argument`);
}

/** The rest as one argument. */
export function exactlyOne(statement: Statement, name: string): string {
  if (statement.rest === '') throw invalid(`${name} requires exactly one argument`);
  return statement.rest;
}
