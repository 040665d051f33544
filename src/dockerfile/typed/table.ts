// The table of instructions: name → the function that types it.
import { didYouMean } from '../../errors.ts';
import type { FromInstruction, Instruction } from '../instruction.ts';
import type { Statement } from '../syntax/statement.ts';
import { invalid } from './arguments.ts';
import { readCmd, readEntrypoint, readHealthcheck, readShell } from './command.ts';
import { readAdd, readCopy } from './copying.ts';
import { readOnbuild } from './onbuild.ts';
import { readArg, readEnv, readLabel } from './pairs.ts';
import { readExpose, readFrom, readMaintainer, readStopsignal, readUser, readVolume, readWorkdir } from './plain.ts';
import { readRun } from './run.ts';

const readers: ReadonlyMap<string, (statement: Statement) => Instruction | FromInstruction> = new Map<
  Instruction['kind'] | 'FROM',
  (statement: Statement) => Instruction | FromInstruction
>([
  ['ADD', readAdd],
  ['ARG', readArg],
  ['CMD', readCmd],
  ['COPY', readCopy],
  ['ENTRYPOINT', readEntrypoint],
  ['ENV', readEnv],
  ['EXPOSE', readExpose],
  ['FROM', readFrom],
  ['HEALTHCHECK', readHealthcheck],
  ['LABEL', readLabel],
  ['MAINTAINER', readMaintainer],
  ['ONBUILD', readOnbuild],
  ['RUN', readRun],
  ['SHELL', readShell],
  ['STOPSIGNAL', readStopsignal],
  ['USER', readUser],
  ['VOLUME', readVolume],
  ['WORKDIR', readWorkdir],
]);

/** The typed instruction. DOCKERFILE_INVALID with BuildKit's reason; the caller adds line and range. */
export function readInstruction(statement: Statement): Instruction | FromInstruction {
  const { name } = statement;
  const read = readers.get(name.toUpperCase());
  if (read !== undefined) return read(statement);
  const lower = name === name.toLowerCase();
  const names = [...readers.keys()].map((known) => (lower ? known.toLowerCase() : known));
  // A word that no instruction could be is rather the rest of a command whose line was not continued.
  const hint = /^[&|;<>-]/.test(name)
    ? `End the line before it with ${statement.escape} if it goes on here.`
    : undefined;
  throw invalid(`unknown instruction: ${name}${didYouMean(name, names)}`, hint);
}
