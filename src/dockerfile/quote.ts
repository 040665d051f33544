// Text in Go's quoted form, as BuildKit prints it: in error messages (`failed to process "x"`) and in the history lines of
// CMD and ENTRYPOINT. Go's strconv.Quote: printable characters stay, all others become escapes.

const named: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
};

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** The text in double quotes with Go's escapes, like `%q` of a string. */
export function goQuote(text: string): string {
  let quoted = '"';
  for (const character of text) quoted += escapeOf(character);
  return `${quoted}"`;
}

function escapeOf(character: string): string {
  const short = named[character];
  if (short !== undefined) return short;
  if (printable.test(character)) return character;
  const point = character.codePointAt(0) ?? 0;
  // A lone surrogate has no UTF-8 form; Go would have seen the replacement character.
  if (point >= 0xd800 && point <= 0xdfff) return '\ufffd';
  if (point < 0x80) return `\\x${point.toString(16).padStart(2, '0')}`;
  return point < 0x10000 ? `\\u${point.toString(16).padStart(4, '0')}` : `\\U${point.toString(16).padStart(8, '0')}`;
}
