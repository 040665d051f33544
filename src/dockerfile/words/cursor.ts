// What the word lexer works with: its rules, a place in the text, the pieces of a result, names and values of variables.
import { WherryError } from '../../errors.ts';
import { isSpace } from './space.ts';

/** How a text is lexed. */
export interface Rules {
  readonly escape: '\\' | '`';
  readonly variables: ReadonlyMap<string, string>;
  /** Quotes stay in the result. */
  readonly keepQuotes?: boolean;
  /** Escape characters stay in the result. */
  readonly keepEscapes?: boolean;
  /** Quotes are ordinary characters. */
  readonly plainQuotes?: boolean;
  /** Variables without a value stay as written. */
  readonly keepUndefined?: boolean;
  /** Told of each variable that has no value. */
  readonly onUndefined?: ((name: string) => void) | undefined;
}

/** A place in a text that is being lexed. */
export interface Cursor {
  readonly source: string;
  readonly rules: Rules;
  at: number;
  /** How many substitutions are open. */
  depth: number;
  /** Characters that may still be written. */
  room: number;
}

/** A result in the making: as one text, and split at unquoted white space. */
export interface Pieces {
  text: string;
  readonly words: string[];
  word: string;
}

/** An error of the word language: only the reason, `expandWord` adds the word. */
export function invalid(reason: string): WherryError {
  return new WherryError('DOCKERFILE_INVALID', reason);
}

/** No pieces yet. */
export function noPieces(): Pieces {
  return { text: '', words: [], word: '' };
}

/** Adds text whose white space does not end the word. */
export function add(cursor: Cursor, pieces: Pieces, text: string): void {
  spend(cursor, text);
  pieces.text += text;
  pieces.word += text;
}

/** Adds text whose white space ends the word. */
export function addSplitting(cursor: Cursor, pieces: Pieces, text: string): void {
  spend(cursor, text);
  pieces.text += text;
  let begin = 0;
  for (let at = 0; at < text.length; at++) {
    if (!isSpace(text[at] ?? '')) continue;
    pieces.word += text.slice(begin, at);
    endWord(pieces);
    begin = at + 1;
  }
  pieces.word += text.slice(begin);
}

/** Ends the word that is open, if any: a word without characters (`""`) is none. */
export function endWord(pieces: Pieces): void {
  if (pieces.word !== '') pieces.words.push(pieces.word);
  pieces.word = '';
}

/** A result may be larger than its source many times over: nobody needs one of more than 16 million characters. */
export const room = 1 << 24;

function spend(cursor: Cursor, text: string): void {
  cursor.room -= text.length;
  if (cursor.room < 0) throw invalid('result is too long');
}

/** The variable's name at the cursor, or '': digits, one special parameter, or letters, digits and `_`. */
export function readName(cursor: Cursor): string {
  const name = /\p{Nd}+|[@*#?$!-]|[\p{L}\p{Nd}_]+/uy;
  name.lastIndex = cursor.at;
  const text = name.exec(cursor.source)?.[0] ?? '';
  cursor.at += text.length;
  return text;
}

/** The character at the cursor ('' at the end), which is consumed. */
export function next(cursor: Cursor): string {
  const point = cursor.source.codePointAt(cursor.at);
  if (point === undefined) return '';
  const character = String.fromCodePoint(point);
  cursor.at += character.length;
  return character;
}

/** True when nothing is left. */
export function atEnd(cursor: Cursor): boolean {
  return cursor.at >= cursor.source.length;
}

/** The variable's value; an undefined one is reported. */
export function valueOf(cursor: Cursor, name: string): string | undefined {
  const value = cursor.rules.variables.get(name);
  if (value === undefined) cursor.rules.onUndefined?.(name);
  return value;
}
