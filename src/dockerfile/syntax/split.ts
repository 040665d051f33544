// The text of one instruction in, its parts out: name, flags and rest; words by quotes or by blanks; the JSON form.
// Each function is one of BuildKit's ways to cut a line; which instruction uses which is in `../typed`.
import { WherryError } from '../../errors.ts';
import { isSpace, trim, trimStart } from '../words/space.ts';
import type { Parts } from './statement.ts';

const blanks = /[\t\v\f\r ]+/;

/** Cuts the line at the first blanks, and takes the words that begin with `--` as flags. */
export function splitInstruction(line: string, escape: string): Parts {
  const trimmed = trim(line);
  const gap = blanks.exec(trimmed);
  if (gap === null) return { name: trimmed, flags: [], rest: '' };
  const { flags, rest } = splitFlags(trimmed.slice(gap.index + gap[0].length), escape);
  return { name: trimmed.slice(0, gap.index), flags, rest: trim(rest) };
}

function splitFlags(text: string, escape: string): { readonly flags: readonly string[]; readonly rest: string } {
  const flags: string[] = [];
  let at = 0;
  for (;;) {
    while (isSpace(text[at] ?? '')) at++;
    if (!text.startsWith('--', at)) return { flags, rest: text.slice(at) };
    const word = readFlagWord(text, at, escape);
    at = word.end;
    if (word.text === '--') return { flags, rest: text.slice(at) };
    flags.push(word.text);
  }
}

/** A word whose quotes are removed; the escape character makes the next one literal, also between quotes. */
function readFlagWord(text: string, begin: number, escape: string): { readonly text: string; readonly end: number } {
  let word = '';
  let quote = '';
  let at = begin;
  for (; at < text.length; at++) {
    const character = text[at] ?? '';
    if (quote === '' && isSpace(character)) break;
    if (character === quote) quote = '';
    else if (quote === '' && (character === '"' || character === "'")) quote = character;
    else word += character === escape ? (text[++at] ?? '') : character;
  }
  return { text: word, end: at };
}

/** Splits at blanks; quotes have no meaning. */
export function splitBlanks(text: string): string[] {
  return text === '' ? [] : text.split(blanks);
}

/** Splits at the first blanks: what is behind them is undefined when there are none. */
export function splitOnce(text: string): readonly [string, string | undefined] {
  const gap = blanks.exec(text);
  return gap === null ? [text, undefined] : [text.slice(0, gap.index), text.slice(gap.index + gap[0].length)];
}

/** Splits at white space that is neither quoted nor escaped. Quotes and escapes stay in the words. */
export function splitQuoted(text: string, escape: string): string[] {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (isSpace(text[at] ?? '')) at++;
    if (at >= text.length) return words;
    const end = endOfQuotedWord(text, at, escape);
    // An escape character that ends the text is dropped.
    const word = end.dropsEscape ? text.slice(at, end.at - 1) : text.slice(at, end.at);
    if (word !== '') words.push(word);
    at = end.at;
  }
}

function endOfQuotedWord(
  text: string,
  begin: number,
  escape: string,
): { readonly at: number; readonly dropsEscape: boolean } {
  let quote = '';
  for (let at = begin; at < text.length; at++) {
    const character = text[at] ?? '';
    if (quote === '' && isSpace(character)) return { at, dropsEscape: false };
    if (character === escape && quote !== "'") {
      if (at + 1 === text.length) return { at: text.length, dropsEscape: true };
      at++;
    } else if (character === quote) quote = '';
    else if (quote === '' && (character === '"' || character === "'")) quote = character;
  }
  return { at: text.length, dropsEscape: false };
}

/**
 * The strings of the JSON form, or undefined for text that is no JSON array, which then means something else.
 * DOCKERFILE_INVALID for an array with other things than strings.
 */
export function parseJsonForm(text: string): readonly string[] | undefined {
  const trimmed = trimStart(text);
  const value = trimmed.startsWith('[') ? parseJson(trimmed) : undefined;
  if (!Array.isArray(value)) return undefined;
  return value.map((item: unknown) => {
    if (typeof item === 'string') return item.replace(/\p{Surrogate}/gu, '\ufffd');
    throw new WherryError(
      'DOCKERFILE_INVALID',
      'when using JSON array syntax, arrays must be comprised of strings only',
    );
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
