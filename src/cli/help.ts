// The table → help texts: the overview, a group such as `registry`, and one command with its flags by group, examples and
// exit codes.
import { didYouMean, WherryError } from '../errors.ts';
import { type Command, type Flag, formatFlag, usageOf } from './command.ts';
import { globalFlags } from './shared-flags.ts';
import { commands, findCommand, flagsOf, groupOf } from './table.ts';

const exitCodes = 'Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 denied, 130 interrupted.';

/** Help for a command or group named by words, or for all when there are none; lines fit the columns. @throws ARGUMENT_INVALID */
export function helpOf(words: readonly string[], columns = 80): string {
  const width = Math.min(Math.max(columns, 60), 110);
  const name = words.join(' ');
  if (name === '') return overview(width);
  const command = findCommand(name);
  if (command !== undefined) return commandHelp(command, width);
  const group = groupOf(name);
  if (group.length > 0)
    return `wherry ${name}: a group of commands\n\n${commandList(group, width)}\nSee "wherry ${name} COMMAND --help".\n`;
  const guess = didYouMean(
    name,
    commands.map((each) => each.name),
  );
  throw new WherryError('ARGUMENT_INVALID', `unknown command: ${name}${guess}`, { hint: 'See "wherry help".' });
}

function overview(width: number): string {
  return [
    'wherry: OCI images from Dockerfiles without a daemon\n',
    'Usage: wherry COMMAND [flags] [arguments]\n',
    `Commands\n${commandList(commands, width)}`,
    `Everywhere\n${flagList(globalFlags, width)}`,
    'See "wherry help COMMAND". Data goes to standard output, all else to standard error.',
    `${exitCodes}\n`,
  ].join('\n');
}

function commandList(list: readonly Command[], width: number): string {
  return twoColumns(
    list.map((command) => [command.name, command.summary] as const),
    width,
  );
}

function commandHelp(command: Command, width: number): string {
  const parts = [`Usage: ${usageOf(command)}\n`, `${capital(command.summary)}.\n`];
  for (const paragraph of command.description) parts.push(`${wrap(paragraph, width).join('\n')}\n`);
  const flags = flagsOf(command).filter((flag) => !flag.hidden);
  for (const group of new Set(flags.map((flag) => flag.group))) {
    parts.push(
      `${group}\n${flagList(
        flags.filter((flag) => flag.group === group),
        width,
      )}`,
    );
  }
  if (command.examples.length > 0) {
    const lines = command.examples.map((example) => `  ${example.command}\n      ${example.what}\n`);
    parts.push(`Examples\n${lines.join('')}`);
  }
  return `${parts.join('\n')}\n${exitCodes}\n`;
}

function flagList(flags: readonly Flag[], width: number): string {
  return twoColumns(
    flags.map(
      (flag) =>
        [`${flag.short === undefined ? '    ' : `-${flag.short}, `}${formatFlag(flag)}`, summaryOf(flag)] as const,
    ),
    width,
  );
}

function summaryOf(flag: Flag): string {
  const extras = [
    ...(flag.choices === undefined ? [] : [flag.choices.join('|')]),
    ...(flag.default === undefined ? [] : [`default: ${flag.default}`]),
    ...(flag.otherwise === undefined ? [] : [`default: ${flag.otherwise}`]),
    ...(flag.env === undefined || flag.env.length === 0 ? [] : [`environment: ${flag.env.join(', ')}`]),
    ...(flag.repeatable ? ['repeatable'] : []),
  ];
  return extras.length === 0 ? flag.summary : `${flag.summary} (${extras.join('; ')})`;
}

function twoColumns(rows: readonly (readonly [string, string])[], width: number): string {
  const longest = Math.max(...rows.map(([left]) => left.length));
  const column = Math.min(longest, 28) + 4;
  const lines: string[] = [];
  for (const [left, right] of rows) {
    const wrapped = wrap(right, Math.max(width - column, 24));
    if (left.length > column - 4) lines.push(`  ${left}`, ...wrapped.map((line) => ' '.repeat(column) + line));
    else {
      const [head = '', ...tail] = wrapped;
      lines.push(`  ${left}`.padEnd(column) + head, ...tail.map((line) => ' '.repeat(column) + line));
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Breaks a text at spaces into lines of at most `width` characters; a longer word stays whole. */
function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
