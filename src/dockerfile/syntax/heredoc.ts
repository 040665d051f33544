// Heredocs: words such as `<<EOF`, `<<-"EOF"` or `3<<EOF` in, the delimiter and what it means out. The words are found
// with the word lexer, always with `\` as escape character. Dockerfile reference, "Here-Documents".
import { isError } from '../../errors.ts';
import type { Heredoc } from '../instruction.ts';
import type { Rules } from '../words/cursor.ts';
import { lex } from '../words/lexer.ts';

/** A heredoc whose body has not been read. */
export type HeredocHead = Omit<Heredoc, 'body'>;

const rules: Rules = { escape: '\\', variables: new Map(), keepUndefined: true };

/** The heredocs of a logical line, in order. A line that does not lex (unbalanced quotes) has none. */
export function findHeredocs(line: string): HeredocHead[] {
  if (!line.includes('<<')) return [];
  const words = wordsOf(line, { ...rules, keepQuotes: true, keepEscapes: true }) ?? [];
  return words.flatMap((word) => parseHeredocWord(word) ?? []);
}

/** The heredoc that a whole word (or a whole command) is. */
export function parseHeredocWord(text: string): HeredocHead | undefined {
  const match = /^([0-9]*)<<(-?)([^<]*)$/.exec(text);
  const delimiter = (match?.[3] ?? '').replace(/^[\t\n\f\r ]+/, '');
  if (match === null || delimiter === '') return undefined;
  const [name, ...others] = wordsOf(delimiter, rules) ?? [];
  const [quoted] = wordsOf(delimiter, { ...rules, keepQuotes: true }) ?? [];
  if (name === undefined || quoted === undefined || others.length > 0) return undefined;
  return { name, expand: quotes(name) === quotes(quoted), chomp: match[2] === '-', descriptor: Number(match[1]) };
}

/** The body without the tabs that begin its lines. */
export function chomp(body: string): string {
  return body.replace(/(^|\n)\t+/g, '$1');
}

function quotes(text: string): number {
  return text.split(/['"]/).length;
}

function wordsOf(text: string, how: Rules): readonly string[] | undefined {
  try {
    return lex(text, how).words;
  } catch (error) {
    if (isError(error, 'DOCKERFILE_INVALID')) return undefined;
    throw error;
  }
}
