// Text for a terminal: what came from outside made harmless, widths in columns, truncation, colours. Colours follow
// FORCE_COLOR, NO_COLOR (no-color.org) and TERM=dumb.

// Escape sequences: CSI, OSC (and DCS, SOS, PM, APC) up to their end, and two-character ones.
const sequence = /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]/g;
const control = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** One line: escape sequences dropped, other control and direction characters shown as escapes, tabs as spaces. */
export function harmless(text: string): string {
  return text
    .replace(sequence, '')
    .replace(control, (char) => (char.charCodeAt(0) < 0x100 ? `\\x${hex(char, 2)}` : `\\u${hex(char, 4)}`))
    .replaceAll('\t', '    ');
}

/** As `harmless`, but newlines stay. */
export function harmlessLines(text: string): string {
  return text.split('\n').map(harmless).join('\n');
}

function hex(char: string, digits: number): string {
  return char.charCodeAt(0).toString(16).padStart(digits, '0');
}

const marks = /^(?:\p{Mn}|\p{Me}|[\u200b-\u200d])$/u;

/** Columns that a character takes: 0 for marks, 2 for East Asian wide ones and emoji, else 1. */
function columnsOf(char: string): 0 | 1 | 2 {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (marks.test(char)) return 0;
  const wide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0x303e) ||
    (code >= 0x3041 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd);
  return wide ? 2 : 1;
}

/** Columns of a text without escape sequences. */
export function widthOf(text: string): number {
  let width = 0;
  for (const char of text) width += columnsOf(char);
  return width;
}

/** At most `width` columns of a text without escape sequences; what is cut off becomes "…" (or "~" where `ascii`). */
export function truncate(text: string, width: number, ascii = false): string {
  if (widthOf(text) <= width) return text;
  if (width <= 0) return '';
  let taken = '';
  let used = 0;
  for (const char of text) {
    if (used + columnsOf(char) > width - 1) break;
    taken += char;
    used += columnsOf(char);
  }
  return taken + (ascii ? '~' : '…');
}

/** Pads a text without escape sequences to `width` columns. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** Colours a text, or leaves it. */
export interface Colors {
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly blue: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}

function style(open: number, close: number, enabled: boolean): (text: string) => string {
  return (text) => (enabled && text !== '' ? `\x1b[${open}m${text}\x1b[${close}m` : text);
}

/** Colours that are on or off. */
export function createColors(enabled: boolean): Colors {
  return {
    red: style(31, 39, enabled),
    yellow: style(33, 39, enabled),
    blue: style(34, 39, enabled),
    dim: style(2, 22, enabled),
    bold: style(1, 22, enabled),
  };
}

/** Whether a stream gets colours. */
export function wantsColor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/** Whether the locale can show more than ASCII. */
export function isUnicode(env: NodeJS.ProcessEnv): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return /utf-?8/i.test(locale) || process.platform === 'win32' || process.platform === 'darwin';
}
