// Runs a parsed pattern over a path as a set of states: time is at most pattern × path, whatever the pattern.

/** A part of a pattern. */
export type Piece =
  | { readonly kind: 'literal'; readonly char: string }
  /** One character but `/`. */
  | { readonly kind: 'one' }
  /** Any run without `/`. */
  | { readonly kind: 'star' }
  | { readonly kind: 'class'; readonly matches: (char: string) => boolean }
  /** Nothing, or anything that ends in `/`. */
  | { readonly kind: 'segments' }
  /** Anything to the end. */
  | { readonly kind: 'rest' };

/** True when the pieces match the whole path. */
export function createAutomaton(pieces: readonly Piece[]): (path: string) => boolean {
  const count = pieces.length;
  return (path) => {
    // outside[i]: piece i is next. inside[i]: within the run of the `segments` piece i, which ends after a slash.
    let outside = new Uint8Array(count + 1);
    let inside = new Uint8Array(count + 1);
    outside[0] = 1;
    skipEmpty(pieces, outside);
    for (const char of path) {
      const nextOutside = new Uint8Array(count + 1);
      const nextInside = new Uint8Array(count + 1);
      for (let i = 0; i < count; i++) {
        const piece = pieces[i];
        if (piece?.kind === 'segments') {
          if (!outside[i] && !inside[i]) continue;
          nextInside[i] = 1;
          if (char === '/') nextOutside[i + 1] = 1;
        } else if (outside[i] && piece !== undefined) step(piece, char, { next: nextOutside, at: i });
      }
      skipEmpty(pieces, nextOutside);
      [outside, inside] = [nextOutside, nextInside];
    }
    return outside[count] === 1;
  };
}

function step(
  piece: Exclude<Piece, { kind: 'segments' }>,
  char: string,
  state: { readonly next: Uint8Array; readonly at: number },
): void {
  const { next, at } = state;
  if (piece.kind === 'rest' || (piece.kind === 'star' && char !== '/')) next[at] = 1;
  else if (piece.kind === 'one' && char !== '/') next[at + 1] = 1;
  else if (piece.kind === 'literal' && char === piece.char) next[at + 1] = 1;
  else if (piece.kind === 'class' && piece.matches(char)) next[at + 1] = 1;
}

/** Pieces that may match nothing are passed over. */
function skipEmpty(pieces: readonly Piece[], states: Uint8Array): void {
  pieces.forEach((piece, i) => {
    if (states[i] && (piece.kind === 'star' || piece.kind === 'segments' || piece.kind === 'rest')) states[i + 1] = 1;
  });
}
