// Path patterns: text → (path) → boolean, in the two dialects of a Dockerfile: Go's `filepath.Match` (COPY wildcards) and
// moby/patternmatcher (.dockerignore, --exclude, --parents). minimatch matches what it reads as Docker does; the rest
// (`**` inside a segment, `[!x]`, `[^x]`, many stars) runs on the automaton of automaton.ts, in linear time.
import { Minimatch } from 'minimatch';
import { createAutomaton, type Piece } from './automaton.ts';

/** Answers whether a whole path, slash-separated and relative, matches. */
export type PathPattern = (path: string) => boolean;

/** A pattern's text is not well-formed; its message is Go's. */
export class PatternSyntaxError extends SyntaxError {
  constructor() {
    super('syntax error in pattern');
  }
}

type Dialect = 'go' | 'docker';

/** Go's `filepath.Match`: `*` and `?` stay inside a segment and `**` is `*`. @throws PatternSyntaxError */
export function goMatch(pattern: string): PathPattern {
  return compile(pattern, 'go');
}

/** One pattern of moby/patternmatcher, already cleaned and without `!`. Ancestors are the caller's. @throws PatternSyntaxError */
export function dockerMatch(pattern: string): PathPattern {
  // moby's fast path is a rule of its own: `**text` is any path that ends so, where `**text*` wants whole segments before.
  const ending = /^\*\*([^/*?[\]\\][^*?[\]\\]*)$/.exec(pattern)?.[1];
  if (ending !== undefined) return (path) => path.endsWith(ending);
  return compile(pattern, 'docker');
}

/** True when a COPY source is a pattern: it has an unescaped `*`, `?` or `[`. */
export function hasWildcard(text: string): boolean {
  return /^(?:[^\\*?[]|\\.)*[*?[]/s.test(text);
}

/** Go's `filepath.Clean` for slash-separated paths. */
export function cleanPath(path: string): string {
  const isAbsolute = path.startsWith('/');
  const done: string[] = [];
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') done.push(name);
    else if (done.length > 0 && done.at(-1) !== '..') done.pop();
    else if (!isAbsolute) done.push('..');
  }
  const text = done.join('/');
  return isAbsolute ? `/${text}` : text === '' ? '.' : text;
}

const minimatchOptions = {
  dot: true,
  nobrace: true,
  noext: true,
  nocomment: true,
  nonegate: true,
  optimizationLevel: 0,
  platform: 'linux',
  windowsPathsNoEscape: false,
} as const;

function compile(pattern: string, dialect: Dialect): PathPattern {
  const pieces = parsePieces(pattern, dialect);
  if (pieces.every((piece) => piece.kind === 'literal')) {
    const text = pieces.map((piece) => (piece.kind === 'literal' ? piece.char : '')).join('');
    return (path) => path === text;
  }
  const run = createAutomaton(pieces);
  if (!suitsMinimatch(pattern, dialect)) return run;
  const glob = new Minimatch(pattern, { ...minimatchOptions, noglobstar: dialect === 'go' });
  // minimatch counts UTF-16 units where Go counts characters, and reads "" and "//" in its own way.
  return (path) => (isPlain(path) ? glob.match(path) : run(path));
}

function isPlain(path: string): boolean {
  return path !== '' && !/[\ud800-\udfff\n]|^\/|\/$|\/\/|(?:^|\/)\.{1,2}(?:\/|$)/.test(path);
}

/**
 * minimatch reads a segment as Docker does when it is `**` alone, or text with at most two `*` (more can backtrack
 * badly), `?`, and classes of plain letters and ranges. Escapes and other classes are not left to it.
 */
function suitsMinimatch(pattern: string, dialect: Dialect): boolean {
  const segments = pattern.split('/');
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) return false;
  if (segments.filter((segment) => segment === '**').length > 2) return false;
  return segments.every((segment, index) => {
    // "a/**" wants something below a, in both; a lone "**" first or between segments may be empty, in both.
    if (segment === '**') return dialect === 'docker' && (segments.length > 1 || index === 0);
    const stars = segment.match(/\*/g)?.length ?? 0;
    return (
      !segment.includes('**') &&
      stars <= 2 &&
      /^(?:[^\\[\]\ud800-\udfff]|\[[A-Za-z0-9_]+(?:-[A-Za-z0-9_])?\])*$/.test(segment) &&
      !hasBadRange(segment)
    );
  });
}

function hasBadRange(segment: string): boolean {
  return [...segment.matchAll(/(.)-(.)\]/g)].some(([, low = '', high = '']) => low > high);
}

function parsePieces(pattern: string, dialect: Dialect): Piece[] {
  const pieces: Piece[] = [];
  const chars = [...pattern];
  for (let at = 0; at < chars.length; ) {
    const char = chars[at] ?? '';
    if (char === '*') at = readStars(chars, at, { dialect, pieces });
    else if (char === '?') {
      pieces.push({ kind: 'one' });
      at++;
    } else if (char === '[') {
      const read = readClass(chars, at + 1, dialect);
      pieces.push(read.piece);
      at = read.next;
    } else if (char === '\\') {
      const escaped = chars[at + 1];
      if (escaped === undefined) throw new PatternSyntaxError();
      pieces.push({ kind: 'literal', char: escaped });
      at += 2;
    } else {
      pieces.push({ kind: 'literal', char });
      at++;
    }
  }
  return pieces;
}

function readStars(
  chars: readonly string[],
  start: number,
  into: { readonly dialect: Dialect; readonly pieces: Piece[] },
): number {
  let at = start;
  if (into.dialect === 'go') {
    while (chars[at] === '*') at++;
    into.pieces.push({ kind: 'star' });
    return at;
  }
  if (chars[at + 1] !== '*') {
    into.pieces.push({ kind: 'star' });
    return at + 1;
  }
  at += 2;
  if (chars[at] === '/') at++;
  into.pieces.push({ kind: at === chars.length ? 'rest' : 'segments' });
  return at;
}

const posixClasses: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  ascii: /[\0-\x7f]/,
  blank: /[\t ]/,
  cntrl: /[\0-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t\n\v\f\r ]/,
  upper: /[A-Z]/,
  word: /[0-9A-Za-z_]/,
  xdigit: /[0-9A-Fa-f]/,
};

/** Reads a class after its `[` as Go does: `^` negates, `!` does not; a first `]`, a bare `-` and an open end are errors. */
function readClass(
  chars: readonly string[],
  start: number,
  dialect: Dialect,
): { readonly piece: Piece; readonly next: number } {
  let at = start;
  const negated = chars[at] === '^';
  if (negated) at++;
  const tests: ((char: string) => boolean)[] = [];
  const single = (): string => {
    const char = chars[at];
    if (char === undefined || char === '-' || (char === ']' && tests.length === 0)) throw new PatternSyntaxError();
    if (char !== '\\') return chars[at++] ?? '';
    const escaped = chars[at + 1];
    if (escaped === undefined) throw new PatternSyntaxError();
    at += 2;
    return escaped;
  };
  while (tests.length === 0 || chars[at] !== ']') {
    const posix =
      dialect === 'docker' && chars[at] === '[' ? /^\[:(\^?)([a-z]+):\]/.exec(chars.slice(at, at + 12).join('')) : null;
    const named = posix ? posixClasses[posix[2] ?? ''] : undefined;
    if (posix && named) {
      at += posix[0].length;
      tests.push((char) => named.test(char) !== (posix[1] === '^'));
      continue;
    }
    const low = single();
    if (chars[at] !== '-') {
      tests.push((char) => char === low);
      continue;
    }
    at++;
    const [from, to] = [codeOf(low), codeOf(single())];
    if (from > to && dialect === 'docker') throw new PatternSyntaxError();
    tests.push((char) => codeOf(char) >= from && codeOf(char) <= to);
  }
  return { piece: { kind: 'class', matches: (char) => tests.some((test) => test(char)) !== negated }, next: at + 1 };
}

function codeOf(char: string): number {
  return char.codePointAt(0) ?? -1;
}
