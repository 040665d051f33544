// An error → what the user sees on standard error: the message, the lines of the Dockerfile it is about, the hint; or all
// of it as one JSON object. The excerpt is laid out as BuildKit lays it out, so that editors and eyes find the line.
import { factsOf, messageOf, type SourceRange, WherryError } from '../errors.ts';
import { type Colors, harmless, harmlessLines, widthOf } from './terminal.ts';

const dashes = '-'.repeat(20);

/** Exit status for anything that was thrown. What is wrong in a Dockerfile is no wrong usage of the command. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof WherryError) {
    const { exit } = factsOf(error.code);
    return exit === 2 && error.range !== undefined ? 1 : exit;
  }
  return isAbort(error) ? factsOf('ABORTED').exit : 1;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** The error as lines, each ended. With `debug` stacks and causes follow. */
export function formatError(error: unknown, options: { readonly colors: Colors; readonly debug: boolean }): string {
  const { colors, debug } = options;
  const lines = [`${colors.red('error:')} ${harmlessLines(isAbort(error) ? 'Interrupted' : messageOf(error))}`];
  if (error instanceof WherryError) {
    if (error.range !== undefined) lines.push('', ...formatExcerpt(error.range, colors), '');
    if (error.hint !== undefined) lines.push(`${colors.blue('hint:')} ${harmlessLines(error.hint)}`);
  } else if (!isAbort(error) && !debug)
    lines.push(`${colors.blue('hint:')} Run it again with --debug to see where this comes from.`);
  if (debug) for (const text of stacksOf(error)) lines.push(...harmlessLines(text).split('\n').map(colors.dim));
  return `${lines.join('\n')}\n`;
}

function stacksOf(error: unknown): readonly string[] {
  const stacks: string[] = [];
  for (let each = error; each instanceof Error && stacks.length < 8; each = each.cause) {
    const code = each instanceof WherryError ? ` [${each.code}]` : '';
    stacks.push(`${stacks.length === 0 ? '' : 'caused by: '}${each.stack ?? each.message}${code}`);
  }
  return stacks;
}

/**
 * The lines of a range with two lines around them (one where the range has several), `>>>` before its own, and a line of
 * carets where the range is a part of one line.
 */
export function formatExcerpt(range: SourceRange, colors: Colors): readonly string[] {
  const source = range.file.text.split(/\r?\n/);
  const around = range.end.line > range.start.line ? 1 : 2;
  const first = Math.max(1, range.start.line - around);
  const last = Math.min(source.at(-1) === '' ? source.length - 1 : source.length, range.end.line + around);
  const lines = [`${harmless(range.file.name)}:${range.start.line}`, dashes];
  for (let number = first; number <= last; number++) {
    const text = source[number - 1] ?? '';
    const inside = number >= range.start.line && number <= range.end.line;
    const line = ` ${String(number).padStart(3)} | ${inside ? '>>>' : '   '} ${harmless(text)}`.trimEnd();
    lines.push(inside ? colors.red(line) : line);
    const carets = inside ? caretsOf(range, text) : '';
    if (carets !== '') lines.push(colors.red(`     |     ${carets}`));
  }
  return [...lines, dashes];
}

/** `   ^^^` under the columns of a one-line range; nothing where it is the whole line anyway. */
function caretsOf(range: SourceRange, text: string): string {
  const [start, end] = [range.start.character, Math.min(range.end.character, text.length)];
  if (range.start.line !== range.end.line || end <= start) return '';
  const indent = text.length - text.trimStart().length;
  if (start <= indent && end >= text.trimEnd().length) return '';
  const before = widthOf(harmless(text.slice(0, start)));
  return ' '.repeat(before) + '^'.repeat(Math.max(1, widthOf(harmless(text.slice(start, end)))));
}

/** The error as plain data: `{ "error": { code, message, hint, range } }`. */
export function errorToJson(error: unknown): { readonly error: Readonly<Record<string, unknown>> } {
  if (!(error instanceof WherryError))
    return { error: { code: isAbort(error) ? 'ABORTED' : 'INTERNAL', message: messageOf(error) } };
  const { code, message, hint, detail, range } = error;
  return {
    error: {
      code,
      message,
      ...(hint === undefined ? {} : { hint }),
      ...(detail === undefined ? {} : { detail }),
      ...(range === undefined ? {} : { range: rangeToJson(range) }),
    },
  };
}

/** A range without its file's text. */
export function rangeToJson(range: SourceRange): {
  readonly file: string;
  readonly start: object;
  readonly end: object;
} {
  return { file: range.file.name, start: range.start, end: range.end };
}
