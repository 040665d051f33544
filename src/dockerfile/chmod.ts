// The value of `--chmod` in, a change of modes out: octal (`0755`) or symbolic (`u=rwX,go-w`, as in chmod(1) with umask 0).
// Dockerfile reference, "COPY --chmod"; where chmod programs differ, BuildKit's parser wins.
import { unreachable, WherryError } from '../errors.ts';

/** A change of permission bits. */
export type Chmod =
  | { readonly kind: 'octal'; readonly mode: number }
  | { readonly kind: 'symbolic'; readonly changes: readonly Change[] };

/** One operation of a symbolic mode, on the bits in `who`. */
export type Change =
  | { readonly kind: 'bits'; readonly operator: Operator; readonly who: number; readonly bits: number }
  /** `X`: execution for directories, and for files that somebody could execute before. */
  | { readonly kind: 'search'; readonly who: number }
  /** `g=u`: the permissions of one class for those in `who`. */
  | { readonly kind: 'copy'; readonly operator: Operator; readonly who: number; readonly from: 'u' | 'g' | 'o' };

type Operator = '+' | '-' | '=';

const everyone = 0o6777;
const classes: Readonly<Record<string, number>> = { a: everyone, u: 0o4700, g: 0o2070, o: 0o0007 };
const shifts = { u: 6, g: 3, o: 0 };
const sticky = 0o1000;

/** Parses `--chmod`. DOCKERFILE_INVALID with BuildKit's message when it is neither form. */
export function parseChmod(text: string): Chmod {
  if (/^[0-7]+$/.test(text) && Number.parseInt(text, 8) <= 0o7777)
    return { kind: 'octal', mode: Number.parseInt(text, 8) };
  const changes: Change[] = [];
  for (const clause of text.split(',')) {
    const match = /^([ugoa]*)((?:[-+=][rwxXstugo]*)+)$/.exec(clause);
    if (match === null) {
      const reason = `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`;
      throw new WherryError('DOCKERFILE_INVALID', reason, { hint: 'Write modes such as 755, u=rwX,go=rX or +x.' });
    }
    changes.push(...clauseChanges(match[1] ?? '', match[2] ?? ''));
  }
  return { kind: 'symbolic', changes };
}

/** The permission bits (up to 07777) of a file that had `mode`. */
export function applyChmod(chmod: Chmod, mode: number, isDirectory: boolean): number {
  if (chmod.kind === 'octal') return chmod.mode;
  const before = mode & 0o7777;
  const searchable = isDirectory || (before & 0o111) !== 0;
  return chmod.changes.reduce((bits, change) => applyChange(change, bits, searchable), before);
}

function applyChange(change: Change, mode: number, searchable: boolean): number {
  switch (change.kind) {
    case 'bits':
      if (change.operator === '-') return mode & ~change.bits;
      return (change.operator === '=' ? mode & ~change.who : mode) | change.bits;
    case 'search':
      return searchable ? mode | (change.who & 0o111) : mode;
    case 'copy': {
      const from = (mode >> shifts[change.from]) & 7;
      const bits = ((from << 6) | (from << 3) | from) & change.who;
      if (change.operator === '-') return mode & ~bits;
      return (change.operator === '=' ? mode & ~(change.who & 0o777) : mode) | bits;
    }
    default:
      return unreachable(change);
  }
}

function clauseChanges(classLetters: string, actions: string): Change[] {
  let named = 0;
  for (const letter of classLetters) named |= classes[letter] ?? 0;
  const changes: Change[] = [];
  for (const action of actions.match(/[-+=][^-+=]*/g) ?? []) {
    changes.push(...actionChanges(action.charAt(0) as Operator, action.slice(1), named));
  }
  return changes;
}

/** `named` is 0 when no class is named, which means all of them; then `t` changes nothing but itself. */
function actionChanges(operator: Operator, letters: string, named: number): Change[] {
  const changes: Change[] = [];
  const stickable = named === 0 || (named & ~0o007) !== 0;
  let who = named;
  let bits = 0;
  let search = false;
  let cleared = operator !== '=';
  const flush = (): void => {
    const affected = who === 0 ? everyone : who;
    if (bits !== 0 || !cleared) changes.push({ kind: 'bits', operator, who: affected, bits: bits & affected });
    if (search) changes.push({ kind: 'search', who: affected });
    [bits, search, cleared] = [0, false, true];
  };
  for (const letter of letters) {
    if (letter === 'u' || letter === 'g' || letter === 'o') {
      cleared = true;
      flush();
      changes.push({ kind: 'copy', operator, who: who === 0 ? everyone : who, from: letter });
    } else if (letter === 'X' && operator !== '-') search = true;
    else if (letter === 't' && stickable) {
      who |= sticky;
      bits |= sticky;
    } else bits |= bitsOf(letter);
  }
  flush();
  return changes;
}

function bitsOf(letter: string): number {
  if (letter === 'r') return 0o444;
  if (letter === 'w') return 0o222;
  if (letter === 'x' || letter === 'X') return 0o111;
  return letter === 's' ? 0o6000 : 0;
}
