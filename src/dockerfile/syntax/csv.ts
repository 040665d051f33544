// One line of comma-separated values, as in `RUN --mount=type=cache,target="/a,b"`. RFC 4180 without line breaks; messages
// are those of Go's encoding/csv.
import { WherryError } from '../../errors.ts';

/** The fields of the line. DOCKERFILE_INVALID for empty text and for stray quotes; `subject` says what failed. */
export function parseCsv(text: string, subject: string): string[] {
  if (text === '') throw new WherryError('DOCKERFILE_INVALID', `failed to parse csv ${subject}: EOF`);
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    const field = text[at] === '"' ? quotedField(text, at, subject) : plainField(text, at, subject);
    fields.push(field.text);
    if (field.end >= text.length) return fields;
    at = field.end + 1;
  }
}

interface Field {
  readonly text: string;
  readonly end: number;
}

function plainField(text: string, begin: number, subject: string): Field {
  const comma = text.indexOf(',', begin);
  const end = comma < 0 ? text.length : comma;
  const field = text.slice(begin, end);
  const quote = field.indexOf('"');
  if (quote >= 0) throw fault(subject, begin + quote, 'bare " in non-quoted field');
  return { text: field, end };
}

function quotedField(text: string, begin: number, subject: string): Field {
  let value = '';
  let at = begin + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) throw fault(subject, text.length, 'extraneous or missing " in quoted-field');
    value += text.slice(at, quote);
    at = quote + 1;
    if (at === text.length || text[at] === ',') return { text: value, end: at };
    if (text[at] !== '"') throw fault(subject, quote, 'extraneous or missing " in quoted-field');
    value += '"';
    at++;
  }
}

function fault(subject: string, at: number, reason: string): WherryError {
  const reasonAndPlace = `parse error on line 1, column ${at + 1}: ${reason}`;
  return new WherryError('DOCKERFILE_INVALID', `failed to parse csv ${subject}: ${reasonAndPlace}`);
}
