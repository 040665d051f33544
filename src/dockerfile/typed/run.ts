// RUN: flags, mounts, and the command with its heredocs. Dockerfile reference, "RUN"; messages are BuildKit's.
import { didYouMean } from '../../errors.ts';
import { given } from '../given.ts';
import type { RunInstruction } from '../instruction.ts';
import { parseMount } from '../mount.ts';
import { parseBoolean } from '../number.ts';
import { goQuote } from '../quote.ts';
import { parseCsv } from '../syntax/csv.ts';
import { parseFlags } from '../syntax/flags.ts';
import { chomp, parseHeredocWord } from '../syntax/heredoc.ts';
import type { Statement } from '../syntax/statement.ts';
import { baseOf, invalid } from './arguments.ts';
import { parseCommand } from './command.ts';

/** RUN. */
export function readRun(statement: Statement): RunInstruction {
  const flags = parseFlags(statement.flags, { mount: 'list', network: 'text', security: 'text', device: 'list' });
  const { network, security } = flags;
  const mounts = flags.mount.map(parseMount);
  if (network !== undefined && !['default', 'none', 'host'].includes(network)) {
    throw invalid(`invalid network mode ${goQuote(network)}`, 'The modes are default, none and host.');
  }
  if (security !== undefined && !['sandbox', 'insecure'].includes(security)) {
    throw invalid(`security ${goQuote(security)} is not valid`, 'The modes are sandbox and insecure.');
  }
  flags.device.forEach(checkDevice);
  return {
    ...baseOf(statement),
    kind: 'RUN',
    ...commandOf(statement),
    heredocs: statement.heredocs,
    mounts,
    ...given({ network, security }),
    devices: flags.device,
  };
}

/** One heredoc alone is the script itself; any other heredoc is left to the shell, which gets all the lines back. */
function commandOf(statement: Statement): Pick<RunInstruction, 'command' | 'script'> {
  const { heredocs, rest } = statement;
  const [first] = heredocs;
  if (first === undefined) return { command: parseCommand(rest) };
  if (parseHeredocWord(rest) === undefined) {
    const script = heredocs.reduce((text, heredoc) => `${text}\n${heredoc.body}${heredoc.name}`, rest);
    return { command: { form: 'shell', script } };
  }
  const body = first.chomp ? chomp(first.body) : first.body;
  const shebang = body.startsWith('#!');
  const script = shebang ? `/dev/pipes/${first.name}` : body;
  return { command: { form: 'shell', script }, script: { name: first.name, body, shebang } };
}

/** Checks `name[,required[=true]]`, where the name may be written `name=…`. */
function checkDevice(text: string): void {
  let named = false;
  for (const field of parseCsv(text, 'devices')) {
    const equals = field.indexOf('=');
    const key = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    const value = equals < 0 ? undefined : field.slice(equals + 1);
    if (key === 'required') {
      if (value !== undefined && parseBoolean(value) === undefined) throw invalid(`invalid value for ${key}: ${value}`);
    } else if (!named) named = true;
    else if (value === undefined) throw invalid(`invalid field '${field}' must be a key=value pair`);
    else if (key === 'name') throw invalid(`device name already set in ${goQuote(text)}`);
    else throw invalid(`unexpected key '${key}' in '${field}'${didYouMean(key, ['name', 'required'])}`);
  }
}
