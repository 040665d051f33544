// argv → the command, its flags and its arguments, by the table. The rules are those of Docker's command line (pflag):
// flags and arguments in any order, `-t x`, `-tx`, `-t=x`, `--tag x`, `--tag=x`, clustered switches, `--` ends the flags,
// `-` is an argument, the last value of a flag that is not repeatable wins.
import { didYouMean, WherryError } from '../errors.ts';
import { type Command, type Flag, formatArgument, formatFlag, usageOf } from './command.ts';
import { globalFlags } from './shared-flags.ts';
import { commands, findCommand, flagsOf, groupOf } from './table.ts';

/** Values of the flags by name. Asking for a flag that the command does not have is a TypeError. */
export interface Flags {
  /** A switch. */
  on(name: string): boolean;
  /** Value, default or environment's value of a flag; undefined when there is none. */
  text(name: string): string | undefined;
  /** All values of a repeatable flag, in order. */
  list(name: string): readonly string[];
  /** Whether argv itself gave the flag. */
  given(name: string): boolean;
}

/** What argv asks for. */
export type Request =
  | { readonly kind: 'command'; readonly command: Command; readonly flags: Flags; readonly operands: readonly string[] }
  /** Help for a command, for a group such as `registry`, or (no words) for all. */
  | { readonly kind: 'help'; readonly words: readonly string[] }
  | { readonly kind: 'version' };

type Values = Map<string, string[]>;

/** argv without node and script → Request. @throws ARGUMENT_INVALID, UNIMPLEMENTED */
export function parseArguments(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Request {
  const early: string[] = [];
  let index = 0;
  for (; index < argv.length && argv[index]?.startsWith('-') && argv[index] !== '-'; index++) {
    const word = argv[index] ?? '';
    if (word === '--version' || word === '-v') return { kind: 'version' };
    if (word === '--help' || word === '-h') return { kind: 'help', words: [] };
    if (!globalFlags.some((flag) => isNamed(word, flag))) throw unknownFlag(word, globalFlags, undefined);
    early.push(word);
  }
  const first = argv[index];
  if (first === undefined) return { kind: 'help', words: [] };
  const { command, words } = commandOf(first, argv[index + 1]);
  if (command === undefined) return { kind: 'help', words: [first] };
  return parseCommand(command, [...early, ...argv.slice(index + words)], env);
}

function isNamed(word: string, flag: Flag): boolean {
  return word === `--${flag.name}` || word === `-${flag.short}`;
}

/** The command, and how many words name it; no command for a group alone. */
function commandOf(first: string, second: string | undefined): { readonly command?: Command; readonly words: number } {
  const single = findCommand(first);
  if (single !== undefined) return { command: single, words: 1 };
  const group = groupOf(first);
  if (group.length > 0) {
    if (second === undefined || second === '--help' || second === '-h') return { words: 1 };
    const command = findCommand(`${first} ${second}`);
    if (command !== undefined) return { command, words: 2 };
    const guess = didYouMean(
      second,
      group.map((each) => each.name.slice(first.length + 1)),
    );
    throw new WherryError('ARGUMENT_INVALID', `unknown command: wherry ${first} ${second}${guess}`, {
      hint: `See "wherry help ${first}".`,
    });
  }
  const names = [...new Set(commands.map((each) => each.name.split(' ')[0] ?? ''))];
  throw new WherryError('ARGUMENT_INVALID', `unknown command: ${first}${didYouMean(first, names)}`, {
    hint: 'See "wherry help".',
  });
}

function parseCommand(command: Command, argv: readonly string[], env: NodeJS.ProcessEnv): Request {
  const flags = flagsOf(command);
  const values: Values = new Map();
  const operands: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (word === '--') {
      operands.push(...argv.slice(index + 1));
      break;
    }
    if (word === '-' || !word.startsWith('-')) operands.push(word);
    else if (word.startsWith('--')) index += takeLong(word, argv[index + 1], { command, flags, values });
    else index += takeShort(word, argv[index + 1], { command, flags, values });
    if (values.has('help')) return { kind: 'help', words: [command.name] };
  }
  checkOperands(command, operands);
  return { kind: 'command', command, flags: createFlags(command, values, env), operands };
}

interface Taking {
  readonly command: Command;
  readonly flags: readonly Flag[];
  readonly values: Values;
}

/** Takes `--name`, `--name=value` or `--name value`; returns how many further words it used. */
function takeLong(word: string, next: string | undefined, taking: Taking): 0 | 1 {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
  const flag = taking.flags.find((each) => each.name === name);
  if (flag === undefined) throw unknownFlag(`--${name}`, taking.flags, taking.command);
  if (equals >= 0) add(flag, word.slice(equals + 1), taking);
  else if (flag.value === undefined) add(flag, 'true', taking);
  else {
    add(flag, next, taking);
    return 1;
  }
  return 0;
}

/** Takes a cluster such as `-q`, `-qt name`, `-tname` or `-t=name`; returns how many further words it used. */
function takeShort(word: string, next: string | undefined, taking: Taking): 0 | 1 {
  for (let index = 1; index < word.length; index++) {
    const letter = word[index] ?? '';
    const flag = taking.flags.find((each) => each.short === letter);
    if (flag === undefined) throw unknownFlag(`-${letter}`, taking.flags, taking.command);
    const rest = word.slice(index + 1);
    if (flag.value === undefined && !rest.startsWith('=')) {
      add(flag, 'true', taking);
      continue;
    }
    if (rest !== '') {
      add(flag, rest.startsWith('=') ? rest.slice(1) : rest, taking);
      return 0;
    }
    add(flag, next, taking);
    return 1;
  }
  return 0;
}

function add(flag: Flag, value: string | undefined, taking: Taking): void {
  const see = `See "wherry ${taking.command.name} --help".`;
  if (value === undefined && flag.refused === undefined)
    throw new WherryError('ARGUMENT_INVALID', `flag needs a value: ${formatFlag(flag)}`, { hint: see });
  const text = flag.value === undefined && value !== undefined ? switchValue(flag, value) : (value ?? '');
  if (flag.refused !== undefined && !flag.refused.except.includes(text))
    throw new WherryError('UNIMPLEMENTED', `--${flag.name} is not implemented in this version`, {
      hint: `Leave it out, or see "wherry ${taking.command.name} --help" for what there is.`,
    });
  if (flag.choices !== undefined && !flag.choices.includes(text)) throw badChoice(flag, text);
  const list = taking.values.get(flag.name) ?? [];
  list.push(
    ...(flag.commas
      ? text
          .split(',')
          .map((each) => each.trim())
          .filter((each) => each !== '')
      : [text]),
  );
  taking.values.set(flag.name, flag.repeatable ? list : list.slice(-1));
}

function badChoice(flag: Flag, text: string): WherryError {
  const choices = flag.choices ?? [];
  return new WherryError(
    'ARGUMENT_INVALID',
    `invalid value for --${flag.name}: "${text}"${didYouMean(text, choices)}`,
    { hint: `Want ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}.` },
  );
}

/** The values that Go's ParseBool knows. */
function switchValue(flag: Flag, value: string): 'true' | 'false' {
  if (/^(1|t|true|T|TRUE|True)$/.test(value)) return 'true';
  if (/^(0|f|false|F|FALSE|False)$/.test(value)) return 'false';
  throw new WherryError('ARGUMENT_INVALID', `invalid value for --${flag.name}: "${value}": want true or false`);
}

function unknownFlag(word: string, flags: readonly Flag[], command: Command | undefined): WherryError {
  const visible = flags.filter((flag) => !flag.hidden).map((flag) => `--${flag.name}`);
  const guess = word.startsWith('--') ? didYouMean(word, visible) : '';
  return new WherryError('ARGUMENT_INVALID', `unknown flag: ${word}${guess}`, {
    hint: `See "wherry ${command === undefined ? 'help' : `${command.name} --help`}".`,
  });
}

function checkOperands(command: Command, operands: readonly string[]): void {
  const required = command.arguments.filter((argument) => !argument.optional);
  const missing = required[operands.length];
  const see = `Usage: ${usageOf(command)}`;
  if (missing !== undefined)
    throw new WherryError(
      'ARGUMENT_INVALID',
      `"wherry ${command.name}" needs ${required.map(formatArgument).join(' and ')}, but ${operands.length === 0 ? 'there are no arguments' : `${missing.name} is missing`}`,
      { hint: command.missing ?? see },
    );
  const most = command.arguments.some((argument) => argument.repeatable)
    ? Number.POSITIVE_INFINITY
    : command.arguments.length;
  if (operands.length > most)
    throw new WherryError(
      'ARGUMENT_INVALID',
      `"wherry ${command.name}" takes ${most === 0 ? 'no arguments' : most === 1 ? 'one argument' : `at most ${most} arguments`}: unexpected "${operands[most]}"`,
      { hint: see },
    );
  const empty = operands.indexOf('');
  if (empty >= 0)
    throw new WherryError('ARGUMENT_INVALID', `"wherry ${command.name}": argument ${empty + 1} is empty`, {
      hint: see,
    });
}

function createFlags(command: Command, values: Values, env: NodeJS.ProcessEnv): Flags {
  const find = (name: string, fits: (flag: Flag) => boolean): Flag => {
    const flag = flagsOf(command).find((each) => each.name === name);
    if (flag === undefined || !fits(flag)) throw new TypeError(`"wherry ${command.name}" has no such flag: ${name}`);
    return flag;
  };
  const fallback = (flag: Flag): string | undefined => {
    const name = flag.env?.find((each) => (env[each] ?? '') !== '');
    const value = name === undefined ? undefined : env[name];
    if (value !== undefined && flag.choices !== undefined && !flag.choices.includes(value))
      throw new WherryError('ARGUMENT_INVALID', `invalid value of $${name}: "${value}"`, {
        hint: `Want ${flag.choices.join(', ')}.`,
      });
    return value ?? flag.default;
  };
  return {
    on: (name) => values.get(find(name, (flag) => flag.value === undefined).name)?.at(-1) === 'true',
    text: (name) => {
      const flag = find(name, (each) => each.value !== undefined && !each.repeatable);
      return values.get(name)?.at(-1) ?? fallback(flag);
    },
    list: (name) => {
      const flag = find(name, (each) => each.repeatable === true);
      const value = values.get(name);
      if (value !== undefined) return value;
      const other = fallback(flag);
      if (other === undefined) return [];
      return flag.commas
        ? other
            .split(',')
            .map((each) => each.trim())
            .filter((each) => each !== '')
        : [other];
    },
    given: (name) => values.has(find(name, () => true).name),
  };
}
