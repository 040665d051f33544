// The shapes of the table of commands: what a command, an argument and a flag are. Parsing, help, completion and the
// tests read the table (table.ts); nothing about a flag is written down anywhere else.

/** What a shell may complete a value with. */
export type Completion = 'file' | 'directory' | 'image' | 'command' | 'none';

/** One flag. Without `value` it is a switch: `--flag`, `--flag=true`, `--flag=false`. */
export interface Flag {
  /** Long name, without dashes. */
  readonly name: string;
  readonly short?: string;
  /** How its value is called in the help, e.g. `KEY=VALUE`; absent for a switch. */
  readonly value?: string;
  readonly summary: string;
  /** Heading of the help that it stands under. */
  readonly group: string;
  readonly repeatable?: boolean;
  /** Each value is itself a comma-separated list. */
  readonly commas?: boolean;
  readonly default?: string;
  /** What the help calls the default where it is no fixed value, e.g. `this machine's`. */
  readonly otherwise?: string;
  /** Environment variables that give the value when the flag is absent; the first that is set and not empty wins. */
  readonly env?: readonly string[];
  readonly choices?: readonly string[];
  readonly complete?: Completion;
  /** Works, but neither help nor completion shows it. */
  readonly hidden?: boolean;
  /** A flag of `docker buildx build` that is not there yet: refused by name, unless its value asks for what happens anyway. */
  readonly refused?: { readonly except: readonly string[] };
}

/** A positional argument. */
export interface Argument {
  readonly name: string;
  readonly optional?: boolean;
  readonly repeatable?: boolean;
  readonly complete?: Completion;
}

/** One command. `name` may have two words: `registry serve`. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Paragraphs of the help, one line each. */
  readonly description: readonly string[];
  readonly arguments: readonly Argument[];
  readonly flags: readonly Flag[];
  readonly examples: readonly { readonly command: string; readonly what: string }[];
  /** What happens when a required argument is missing: the next step. */
  readonly missing?: string;
}

/** `-t, --tag NAME` as help and errors write it. */
export function formatFlag(flag: Flag): string {
  return `--${flag.name}${flag.value === undefined ? '' : ` ${flag.value}`}`;
}

/** `CONTEXT`, `[NAME]`, `NAME...`, `[COMMAND...]`. */
export function formatArgument(argument: Argument): string {
  const name = argument.repeatable ? `${argument.name}...` : argument.name;
  return argument.optional ? `[${name}]` : name;
}

/** `wherry build [flags] CONTEXT`. */
export function usageOf(command: Command): string {
  return ['wherry', command.name, '[flags]', ...command.arguments.map(formatArgument)].join(' ');
}
