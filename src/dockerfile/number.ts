// Numbers and booleans in text, read as Go's strconv reads them: what it accepts is accepted, and its words for what is
// wrong are kept, since they end up in BuildKit's messages.

/** A number, or what is wrong with the text. */
export type NumberOrFault = number | 'invalid syntax' | 'value out of range';

/** Like strconv.ParseInt with base 10: an optional sign and digits, within `bits` bits (at most 53 are kept exact). */
export function parseSigned(text: string, bits: number): NumberOrFault {
  if (!/^[+-]?[0-9]+$/.test(text)) return 'invalid syntax';
  const value = Number(text);
  const limit = 2 ** (bits - 1);
  return value < -limit || value >= limit ? 'value out of range' : value;
}

/** Like strconv.ParseUint: digits only, without a sign. */
export function parseUnsigned(text: string, base: 8 | 10, bits: number): NumberOrFault {
  if (!(base === 8 ? /^[0-7]+$/ : /^[0-9]+$/).test(text)) return 'invalid syntax';
  const value = Number.parseInt(text, base);
  return value >= 2 ** bits ? 'value out of range' : value;
}

/** Like strconv.ParseBool; undefined for any other text. */
export function parseBoolean(text: string): boolean | undefined {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(?:0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
}
