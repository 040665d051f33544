// The shell-like word language of a Dockerfile: quotes, escapes and `$variables` in, plain text and words out. Expansion,
// word splitting and the search for heredocs are the same lexer with other rules.
// Dockerfile reference, "Environment replacement"; messages are BuildKit's.
import {
  add,
  addSplitting,
  atEnd,
  type Cursor,
  endWord,
  invalid,
  next,
  noPieces,
  type Pieces,
  type Rules,
  readName,
  room,
  valueOf,
} from './cursor.ts';
import { modify, replace } from './substitution.ts';

/** What a text becomes: as one text, and split at unquoted white space. */
export interface Lexed {
  readonly text: string;
  readonly words: readonly string[];
}

const maxDepth = 200;

/** Lexes a whole text. DOCKERFILE_INVALID with only the reason as message. */
export function lex(source: string, rules: Rules): Lexed {
  const pieces = lexUntil({ source, rules, at: 0, depth: 0, room }, '', rules.keepEscapes ?? false);
  return { text: pieces.text, words: pieces.words };
}

/** Lexes up to `stop`, which is consumed, or to the end when it is ''. `raw` keeps escape characters. */
function lexUntil(cursor: Cursor, stop: '' | '}' | '/', raw: boolean): Pieces {
  if (++cursor.depth > maxDepth) throw invalid('substitutions are nested too deep');
  const pieces = noPieces();
  while (!atEnd(cursor) && cursor.source[cursor.at] !== stop) lexPiece(cursor, pieces, raw);
  if (stop !== '' && atEnd(cursor)) {
    throw invalid(`unexpected end of statement while looking for matching ${stop}`);
  }
  cursor.at += stop.length;
  cursor.depth--;
  endWord(pieces);
  return pieces;
}

function lexPiece(cursor: Cursor, pieces: Pieces, raw: boolean): void {
  const character = cursor.source[cursor.at] ?? '';
  const quotes = cursor.rules.plainQuotes !== true;
  if (character === '$') addSplitting(cursor, pieces, lexDollar(cursor, raw));
  else if (character === '<') add(cursor, pieces, lexLess(cursor));
  else if (quotes && character === "'") add(cursor, pieces, lexSingleQuoted(cursor));
  else if (quotes && character === '"') add(cursor, pieces, lexDoubleQuoted(cursor, raw));
  else if (character === cursor.rules.escape) {
    cursor.at++;
    const escaped = next(cursor);
    add(cursor, pieces, raw ? character + escaped : escaped);
  } else addSplitting(cursor, pieces, takePlain(cursor));
}

/** At least one character, and all that follow it and mean nothing in any rules. */
function takePlain(cursor: Cursor): string {
  const plain = /[\s\S][^$<'"\\`}/]*/y;
  plain.lastIndex = cursor.at;
  const text = plain.exec(cursor.source)?.[0] ?? '';
  cursor.at += text.length;
  return text;
}

/** `<<` keeps the white space behind it, so that `<< EOF` is one word. */
function lexLess(cursor: Cursor): string {
  const less = /<(?:<[\t\r ]*)?/y;
  less.lastIndex = cursor.at;
  const text = less.exec(cursor.source)?.[0] ?? '';
  cursor.at += text.length;
  return text;
}

function lexSingleQuoted(cursor: Cursor): string {
  const begin = cursor.at;
  const close = cursor.source.indexOf("'", begin + 1);
  cursor.at = close < 0 ? cursor.source.length : close + 1;
  if (close < 0) throw invalid('unexpected end of statement while looking for matching single-quote');
  return cursor.rules.keepQuotes === true
    ? cursor.source.slice(begin, close + 1)
    : cursor.source.slice(begin + 1, close);
}

function lexDoubleQuoted(cursor: Cursor, raw: boolean): string {
  const quote = cursor.rules.keepQuotes === true ? '"' : '';
  const pieces = noPieces();
  cursor.at++;
  while (!atEnd(cursor)) {
    const character = cursor.source[cursor.at] ?? '';
    if (character === '"') {
      cursor.at++;
      return quote + pieces.text + quote;
    }
    if (character === '$') add(cursor, pieces, lexDollar(cursor, raw));
    else if (character === cursor.rules.escape) add(cursor, pieces, lexQuotedEscape(cursor, raw));
    else add(cursor, pieces, takePlain(cursor));
  }
  throw invalid('unexpected end of statement while looking for matching double-quote');
}

/** Between double quotes only `"`, `$` and the escape character can be escaped; others keep the escape character. */
function lexQuotedEscape(cursor: Cursor, raw: boolean): string {
  const escape = next(cursor);
  const following = cursor.source[cursor.at] ?? '';
  if (following !== '"' && following !== '$' && following !== escape) return raw ? escape + escape : escape;
  cursor.at++;
  return raw ? escape + following : following;
}

function lexDollar(cursor: Cursor, raw: boolean): string {
  cursor.at++;
  if (cursor.source[cursor.at] === '{') return lexBraces(cursor, raw);
  const name = readName(cursor);
  if (name === '') return '$';
  return valueOf(cursor, name) ?? (cursor.rules.keepUndefined === true ? `$${name}` : '');
}

function lexBraces(cursor: Cursor, raw: boolean): string {
  cursor.at++;
  const first = cursor.source[cursor.at];
  if (first === undefined) throw invalid("syntax error: missing '}'");
  if (first === '{' || first === '}' || first === ':') throw invalid('syntax error: bad substitution');
  const name = readName(cursor);
  if (atEnd(cursor)) throw invalid("syntax error: missing '}'");
  const modifier = next(cursor);
  if (modifier === '}') {
    return valueOf(cursor, name) ?? (cursor.rules.keepUndefined === true ? `\${${name}}` : '');
  }
  if (modifier === '/') return lexReplacement(cursor, name);
  const full = modifier === ':' ? modifier + next(cursor) : modifier;
  return lexModifier(cursor, { name, modifier: full, raw });
}

function lexModifier(cursor: Cursor, found: { name: string; modifier: string; raw: boolean }): string {
  const { name, modifier } = found;
  if (!/^(?::.?|[-+?#%])$/su.test(modifier) || /^:[#%]$/.test(modifier)) {
    throw invalid(`unsupported modifier (${modifier}) in substitution`);
  }
  const word = closed(cursor, '}', /[#%]/.test(modifier));
  const value = valueOf(cursor, name);
  if (value === undefined && cursor.rules.keepUndefined === true) return `\${${name}${modifier}${word}}`;
  return modify(modifier, { name, value, word });
}

function lexReplacement(cursor: Cursor, name: string): string {
  const all = cursor.source[cursor.at] === '/';
  if (all) cursor.at++;
  const pattern = closed(cursor, '/', true);
  const by = closed(cursor, '}', true);
  const value = valueOf(cursor, name);
  if (value === undefined && cursor.rules.keepUndefined === true) return `\${${name}/${pattern}/${by}}`;
  return replace(value ?? '', { pattern, by, all });
}

/** The text up to `stop`. Whatever fails with nothing left fails because `stop` is missing. */
function closed(cursor: Cursor, stop: '}' | '/', raw: boolean): string {
  try {
    return lexUntil(cursor, stop, raw).text;
  } catch (error) {
    if (!atEnd(cursor)) throw error;
    throw invalid(stop === '}' ? "syntax error: missing '}'" : "syntax error: missing '/' in ${}");
  }
}
