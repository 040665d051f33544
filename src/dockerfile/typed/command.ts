// CMD, ENTRYPOINT, SHELL and HEALTHCHECK: a JSON array, or else a string for the shell. Dockerfile reference, "Shell and
// exec form".

import { formatDuration, parseDuration } from '../duration.ts';
import { given } from '../given.ts';
import type {
  CmdInstruction,
  Command,
  EntrypointInstruction,
  HealthcheckInstruction,
  ShellInstruction,
} from '../instruction.ts';
import { parseSigned } from '../number.ts';
import { goQuote } from '../quote.ts';
import { parseFlags } from '../syntax/flags.ts';
import { parseJsonForm } from '../syntax/split.ts';
import type { Statement } from '../syntax/statement.ts';
import { isSpace, trimStart } from '../words/space.ts';
import { atLeastOne, baseOf, invalid, refuseFlags } from './arguments.ts';

/** The command that a text is. */
export function parseCommand(text: string): Command {
  const args = parseJsonForm(text);
  return args === undefined ? { form: 'shell', script: text } : { form: 'exec', args };
}

/** CMD. */
export function readCmd(statement: Statement): CmdInstruction {
  refuseFlags(statement);
  return { ...baseOf(statement), kind: 'CMD', command: parseCommand(statement.rest) };
}

/** ENTRYPOINT. */
export function readEntrypoint(statement: Statement): EntrypointInstruction {
  refuseFlags(statement);
  return { ...baseOf(statement), kind: 'ENTRYPOINT', command: parseCommand(statement.rest) };
}

/** SHELL. */
export function readShell(statement: Statement): ShellInstruction {
  refuseFlags(statement);
  const command = parseCommand(statement.rest);
  if (statement.rest === '' || (command.form === 'exec' && command.args.length === 0)) throw atLeastOne('SHELL');
  if (command.form === 'shell') {
    throw invalid(
      'SHELL requires the arguments to be in JSON form',
      'Write SHELL ["/bin/bash", "-c"] with double quotes.',
    );
  }
  return { ...baseOf(statement), kind: 'SHELL', args: command.args };
}

/** HEALTHCHECK. */
export function readHealthcheck(statement: Statement): HealthcheckInstruction {
  const { type, command } = splitHealthcheck(statement.rest);
  if (type === '') throw atLeastOne('HEALTHCHECK');
  if (type === 'NONE') {
    const parsed = parseCommand(command);
    const empty = parsed.form === 'exec' ? parsed.args.length === 0 : command === '';
    if (!empty) throw invalid('HEALTHCHECK NONE takes no arguments');
    return { ...baseOf(statement), kind: 'HEALTHCHECK', test: ['NONE'] };
  }
  const flags = parseFlags(statement.flags, {
    interval: 'text',
    timeout: 'text',
    'start-period': 'text',
    'start-interval': 'text',
    retries: 'text',
  });
  const test = healthTest(type, command);
  const settings = given({
    interval: interval('interval', flags.interval),
    timeout: interval('timeout', flags.timeout),
    startPeriod: interval('start-period', flags['start-period']),
    startInterval: interval('start-interval', flags['start-interval']),
    retries: retriesOf(flags.retries),
  });
  return { ...baseOf(statement), kind: 'HEALTHCHECK', test, ...settings };
}

function splitHealthcheck(text: string): { readonly type: string; readonly command: string } {
  let end = 0;
  while (end < text.length && !isSpace(text[end] ?? '')) end++;
  return { type: text.slice(0, end).toUpperCase(), command: trimStart(text.slice(end)) };
}

function healthTest(type: string, text: string): readonly string[] {
  if (type !== 'CMD') throw invalid(`Unknown type ${goQuote(type)} in HEALTHCHECK (try CMD)`);
  const command = parseCommand(text);
  if (text === '' || (command.form === 'exec' && command.args.length === 0)) {
    throw invalid('Missing command after HEALTHCHECK CMD');
  }
  return command.form === 'exec' ? ['CMD', ...command.args] : ['CMD-SHELL', command.script];
}

const leastInterval = 1_000_000;

function interval(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const duration = parseDuration(text);
  if (duration === 0 || duration >= leastInterval) return duration;
  throw invalid(`Interval ${goQuote(name)} cannot be less than ${formatDuration(leastInterval)}`);
}

function retriesOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const retries = parseSigned(text, 32);
  if (typeof retries === 'string') throw invalid(`strconv.ParseInt: parsing ${goQuote(text)}: ${retries}`);
  if (retries < 0) throw invalid(`--retries cannot be negative (${retries})`);
  return retries;
}
