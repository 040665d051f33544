// Shell patterns of `${name#pattern}`, `${name%pattern}` and `${name/pattern/text}`: compiled to a list of tokens and
// matched by advancing all their states together, so that time is at most pattern length times value length. A pattern has
// `*`, `?` (neither matches a newline), `\*`, `\?`, `\\`, `\}`, `\/` and literal characters; brackets are literal.
import { WherryError } from '../../errors.ts';

type Token =
  | { readonly kind: 'literal'; readonly character: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'any' };

/** A compiled pattern. */
export type Pattern = readonly Token[];

/** No honest pattern needs more steps; both lengths can be chosen so that the product is billions. */
const maxSteps = 20_000_000;

interface Budget {
  steps: number;
}

interface Match {
  readonly start: number;
  readonly end: number;
}

/** Compiles a pattern. DOCKERFILE_INVALID for a backslash before any other character. */
export function compilePattern(text: string): Pattern {
  const tokens: Token[] = [];
  const characters = Array.from(text);
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? '';
    if (character === '*') tokens.push({ kind: 'any' });
    else if (character === '?') tokens.push({ kind: 'one' });
    else if (character === '\\') tokens.push({ kind: 'literal', character: escaped(text, characters[++at] ?? '') });
    else tokens.push({ kind: 'literal', character });
  }
  return tokens;
}

function escaped(pattern: string, character: string): string {
  if (/^[*?\\}/]$/.test(character)) return character;
  throw new WherryError(
    'DOCKERFILE_INVALID',
    `invalid pattern (${pattern}) in substitution: invalid escape '\\${character}'`,
    { hint: 'In a pattern a backslash may only stand before * ? \\ } and /.' },
  );
}

/** The value without the shortest or longest beginning that matches. */
export function trimPrefix(value: string, pattern: Pattern, longest: boolean): string {
  const characters = Array.from(value);
  const end = anchoredEnd(pattern, characters, longest);
  return end === undefined ? value : characters.slice(end).join('');
}

/** The value without the shortest or longest ending that matches. */
export function trimSuffix(value: string, pattern: Pattern, longest: boolean): string {
  const characters = Array.from(value).reverse();
  const end = anchoredEnd(pattern.toReversed(), characters, longest);
  return end === undefined ? value : characters.slice(end).reverse().join('');
}

/** The value with the first match, or every match, replaced. A match is the leftmost and then the longest. */
export function replaceMatches(
  value: string,
  pattern: Pattern,
  options: { readonly by: string; readonly all: boolean },
): string {
  const characters = Array.from(value);
  const budget: Budget = { steps: 0 };
  let result = '';
  let copied = 0;
  let from = 0;
  while (from <= characters.length) {
    const match = find(pattern, characters, { from, budget });
    if (match === undefined) break;
    result += characters.slice(copied, match.start).join('');
    // An empty match directly after another match is none, or `*` would replace twice.
    if (match.end > copied || match.start === 0) result += options.by;
    copied = match.end;
    if (!options.all) break;
    from = Math.max(match.end, from + 1);
  }
  return result + characters.slice(copied).join('');
}

/** Each state's number with the least start of the ways that lead to it; states ascend. */
type States = Map<number, number>;

function reach(states: States, pattern: Pattern, begin: { readonly state: number; readonly start: number }): void {
  for (let state = begin.state; ; state++) {
    const known = states.get(state);
    if (known !== undefined && known <= begin.start) return;
    states.set(state, begin.start);
    if (pattern[state]?.kind !== 'any') return;
  }
}

function advance(
  states: States,
  pattern: Pattern,
  { character, budget }: { character: string; budget: Budget },
): States {
  const next: States = new Map();
  budget.steps += states.size;
  if (budget.steps > maxSteps) {
    throw new WherryError('DOCKERFILE_INVALID', 'pattern and value are too long to be matched');
  }
  for (const [state, start] of states) {
    const token = pattern[state];
    if (token === undefined) continue;
    if (token.kind === 'literal' ? token.character === character : character !== '\n') {
      reach(next, pattern, { state: token.kind === 'any' ? state : state + 1, start });
    }
  }
  return next;
}

function anchoredEnd(pattern: Pattern, characters: readonly string[], longest: boolean): number | undefined {
  const budget: Budget = { steps: 0 };
  let states: States = new Map();
  reach(states, pattern, { state: 0, start: 0 });
  let end: number | undefined;
  for (let at = 0; states.size > 0; at++) {
    if (states.has(pattern.length)) {
      end = at;
      if (!longest) return end;
    }
    const character = characters[at];
    if (character === undefined) break;
    states = advance(states, pattern, { character, budget });
  }
  return end;
}

function find(
  pattern: Pattern,
  characters: readonly string[],
  { from, budget }: { readonly from: number; readonly budget: Budget },
): Match | undefined {
  let states: States = new Map();
  let best: Match | undefined;
  for (let at = from; ; at++) {
    if (best === undefined) reach(states, pattern, { state: 0, start: at });
    const start = states.get(pattern.length);
    if (start !== undefined && (best === undefined || start <= best.start)) {
      best = { start, end: at };
      for (const [state, other] of states) if (other > start) states.delete(state);
    }
    const character = characters[at];
    if (character === undefined || (best !== undefined && states.size === 0)) return best;
    states = advance(states, pattern, { character, budget });
  }
}
