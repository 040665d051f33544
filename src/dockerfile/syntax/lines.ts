// Physical lines in, logical lines out: continuations are joined, comments dropped or collected, directives obeyed; the
// bodies of heredocs are read from the same place. Dockerfile reference, "Format", "Escape", "Here-Documents".
import { WherryError } from '../../errors.ts';
import { isBlank, trim, trimStart } from '../words/space.ts';
import { type DirectiveState, directivesBegin, parseEscape, readDirective } from './directives.ts';
import type { LogicalLine } from './statement.ts';

/** A place in a text: `next` is the index of the line that is read next, so it is also the number of the last one read. */
export interface LineReader {
  readonly lines: readonly string[];
  next: number;
  /** The number of the first line of the logical line that was read last. */
  first: number;
  escape: '\\' | '`';
  readonly directives: DirectiveState;
}

const maxLineBytes = 65535;

/** A reader at the start of a text without byte order mark. */
export function openLines(text: string): LineReader {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  return { lines, next: 0, first: 1, escape: '\\', directives: directivesBegin() };
}

/** The next logical line, or undefined at the end. DOCKERFILE_INVALID for bad directives and lines that are too long. */
export function readLogicalLine(reader: LineReader): LogicalLine | undefined {
  let comments: string[] = [];
  for (;;) {
    reader.first = reader.next + 1;
    const physical = take(reader);
    if (physical === undefined) return undefined;
    const line = trimStart(physical);
    const directive = readDirective(reader.directives, line);
    if (directive?.key === 'escape') reader.escape = parseEscape(directive.value);
    if (line.startsWith('#')) {
      const comment = trim(line.slice(1));
      if (comment === '') comments = [];
      else if (directive === undefined) comments.push(comment);
      continue;
    }
    const begun = cutContinuation(line, reader.escape);
    if (!begun.continued && begun.text === '') continue;
    const joined = begun.continued ? join(reader, begun.text) : { text: begun.text, emptyContinuation: false };
    return { ...joined, comments };
  }
}

/** The lines up to the terminator, line endings kept. `tabs`: tabs before the terminator do not count. */
export function readBody(reader: LineReader, terminator: string, tabs: boolean): string {
  let body = '';
  for (;;) {
    const physical = reader.lines[reader.next];
    const line = take(reader);
    if (physical === undefined || line === undefined) {
      throw new WherryError('DOCKERFILE_INVALID', 'unterminated heredoc', {
        hint: `The text of <<${terminator} must end with a line that is exactly "${terminator}".`,
      });
    }
    if ((tabs ? line.replace(/^\t+/, '') : line) === terminator) return body;
    body += physical;
  }
}

function join(reader: LineReader, begun: string): { readonly text: string; readonly emptyContinuation: boolean } {
  let text = begun;
  let emptyContinuation = false;
  for (;;) {
    const line = take(reader);
    if (line === undefined) return { text, emptyContinuation };
    if (trimStart(line).startsWith('#')) continue;
    if (isBlank(line)) {
      emptyContinuation = true;
      continue;
    }
    const cut = cutContinuation(line, reader.escape);
    text += cut.text;
    if (!cut.continued) return { text, emptyContinuation };
  }
}

/** The next physical line without its line ending. */
function take(reader: LineReader): string | undefined {
  const line = reader.lines[reader.next];
  if (line === undefined) return undefined;
  reader.next++;
  const content = line.endsWith('\n') ? line.slice(0, -1) : line;
  if (content.length > maxLineBytes / 3 && Buffer.byteLength(content) > maxLineBytes) {
    throw new WherryError('DOCKERFILE_INVALID', `dockerfile line greater than max allowed size of ${maxLineBytes}`);
  }
  return trimLineEnd(content);
}

/** The line without CR and LF at its end. */
export function trimLineEnd(line: string): string {
  let end = line.length;
  while (line[end - 1] === '\n' || line[end - 1] === '\r') end--;
  return line.slice(0, end);
}

/** A line goes on when its last character but blanks is one escape character (two of them are an escaped one). */
function cutContinuation(line: string, escape: string): { readonly text: string; readonly continued: boolean } {
  let end = line.length;
  while (line[end - 1] === ' ' || line[end - 1] === '\t') end--;
  if (line[end - 1] !== escape || line[end - 2] === escape) return { text: line, continued: false };
  return { text: line.slice(0, end - 1), continued: true };
}
