// What white space is in a Dockerfile: BuildKit uses Go's unicode.IsSpace for trimming and for words, and a shorter ASCII
// list between an instruction and its arguments. JavaScript's `\s` is neither (it has U+FEFF and lacks U+0085).

const spaces = '\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const space = new RegExp(`^[${spaces}]$`);
const nonSpace = new RegExp(`[^${spaces}]`);

/** True for one UTF-16 unit that is Unicode white space. */
export function isSpace(unit: string): boolean {
  // Almost every character is decided by these two comparisons.
  return (unit <= ' ' || unit >= '\u0085') && space.test(unit);
}

/** The text without leading white space. */
export function trimStart(text: string): string {
  const first = text.search(nonSpace);
  return first < 0 ? '' : text.slice(first);
}

/** The text without white space at either end. */
export function trim(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text[end - 1] ?? '')) end--;
  return trimStart(text.slice(0, end));
}

/** True for text of white space only (or none). */
export function isBlank(text: string): boolean {
  return !nonSpace.test(text);
}
