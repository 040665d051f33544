// One CSV record (RFC 4180, as Go's encoding/csv reads it) → its fields, and `key=value` fields for --output and --secret.
import { WherryError } from '../../errors.ts';

/** Text → fields. A field may be quoted whole; `""` inside is a quote. @throws ARGUMENT_INVALID */
export function parseCsv(text: string, flag: string): readonly string[] {
  const fields: string[] = [];
  const fail = (why: string): WherryError =>
    new WherryError('ARGUMENT_INVALID', `invalid value for ${flag}: "${text}": ${why}`);
  let index = 0;
  for (;;) {
    if (text[index] === '"') {
      const match = /"((?:[^"]|"")*)"/y;
      match.lastIndex = index;
      const found = match.exec(text);
      if (found === null) throw fail('a quote is not closed');
      fields.push((found[1] ?? '').replaceAll('""', '"'));
      index = match.lastIndex;
      if (index < text.length && text[index] !== ',') throw fail(`unexpected "${text[index]}" after a closing quote`);
    } else {
      const comma = text.indexOf(',', index);
      const field = text.slice(index, comma < 0 ? text.length : comma);
      if (field.includes('"')) throw fail('a quote in the middle of a field (quote the whole field: \'"key=a,b"\')');
      fields.push(field);
      index += field.length;
    }
    if (index >= text.length) return fields;
    index++;
  }
}

/** `key=value,…` → pairs in order; keys are lower-cased. A key given twice is refused. @throws ARGUMENT_INVALID */
export function parsePairs(text: string, flag: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (const field of parseCsv(text, flag)) {
    const equals = field.indexOf('=');
    const key = field.slice(0, Math.max(equals, 0)).trim();
    if (key === '')
      throw new WherryError(
        'ARGUMENT_INVALID',
        `invalid value for ${flag}: "${text}": field "${field}" is not key=value`,
      );
    // Keys of annotations keep their case, all others have none.
    const name = key.startsWith('annotation') ? key : key.toLowerCase();
    if (pairs.has(name))
      throw new WherryError('ARGUMENT_INVALID', `invalid value for ${flag}: "${text}": key "${name}" is given twice`);
    pairs.set(name, field.slice(equals + 1));
  }
  return pairs;
}
