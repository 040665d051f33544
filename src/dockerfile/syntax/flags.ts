// The flags of an instruction, checked against the table of those it has. Messages are BuildKit's.
import { didYouMean, WherryError } from '../../errors.ts';

/** `list` flags may come several times. */
export type FlagKind = 'boolean' | 'text' | 'list';

type Value<K extends FlagKind> = K extends 'boolean' ? boolean : K extends 'text' ? string : readonly string[];

/** The flags that were given. A list that was not given is empty. */
export type Flags<T extends Readonly<Record<string, FlagKind>>> = {
  readonly [N in keyof T]: T[N] extends 'list' ? readonly string[] : Value<T[N]> | undefined;
};

/** Reads flag words (`--name=value`). DOCKERFILE_INVALID for unknown flags, flags that come twice, and bad values. */
export function parseFlags<const T extends Readonly<Record<string, FlagKind>>>(
  words: readonly string[],
  table: T,
): Flags<T> {
  const values = new Map<string, string | boolean | string[]>();
  for (const [name, kind] of Object.entries(table)) if (kind === 'list') values.set(name, []);
  for (const word of words) {
    const equals = word.indexOf('=');
    const flag = equals < 0 ? word : word.slice(0, equals);
    const name = flag.slice(2);
    const kind = Object.hasOwn(table, name) ? table[name] : undefined;
    if (kind === undefined) throw invalid(`unknown flag: ${flag}${didYouMean(name, Object.keys(table))}`);
    const known = values.get(name);
    if (known !== undefined && kind !== 'list') throw invalid(`duplicate flag specified: ${flag}`);
    const value = equals < 0 ? undefined : word.slice(equals + 1);
    if (kind === 'boolean') values.set(name, booleanValue(flag, value));
    else if (value === undefined) throw invalid(`missing a value on flag: ${flag}`);
    else if (Array.isArray(known)) known.push(value);
    else values.set(name, value);
  }
  return Object.fromEntries(values) as Flags<T>;
}

function booleanValue(flag: string, value: string | undefined): boolean {
  if (value === '') throw invalid(`missing a value on flag: ${flag}`);
  const lower = value?.toLowerCase() ?? 'true';
  if (lower === 'true' || lower === 'false') return lower === 'true';
  throw invalid(`expecting boolean value for flag ${flag}, not: ${value}`);
}

function invalid(reason: string): WherryError {
  return new WherryError('DOCKERFILE_INVALID', reason);
}
