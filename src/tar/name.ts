// Names in archives: bytes ⇄ text, and text → `TarHeader.path`. Linux names are bytes; those that are not UTF-8 become
// text with lone surrogates (U+DC80 to U+DCFF stand for the bytes 80 to FF), so that every name survives a round trip.
import { WherryError } from '../errors.ts';

/** How the names of an archive are judged: see `readTar`. */
export type PathPolicy = 'layer' | 'strict';

/** Longest path that Linux takes, without its NUL, and longest component. */
const maxPath = 4095;
const maxComponent = 255;

/** Bytes of a name → text, without loss. */
export function nameFromBytes(bytes: Buffer): string {
  const latin1 = bytes.toString('latin1');
  if (!/[\x80-\xff]/.test(latin1)) return latin1;
  const text = bytes.toString();
  return !text.includes('\ufffd') || Buffer.from(text).equals(bytes) ? text : escapeInvalid(bytes);
}

/** Text → the bytes that `nameFromBytes` read it from. */
export function bytesOfName(name: string): Buffer {
  if (!/[\ud800-\udfff]/u.test(name)) return Buffer.from(name);
  const parts: Buffer[] = [];
  for (const character of name) {
    const code = character.codePointAt(0) ?? 0;
    parts.push(code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(character));
  }
  return Buffer.concat(parts);
}

function escapeInvalid(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0;
    const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    const piece = bytes.subarray(at, at + length);
    const decoded = piece.toString();
    if (piece.length === length && Buffer.from(decoded).equals(piece)) {
      text += decoded;
      at += length;
    } else {
      text += String.fromCharCode(0xdc00 + first);
      at += 1;
    }
  }
  return text;
}

/**
 * A name as an archive has it → a path: `/` at the ends, empty components and `.` are dropped. `layer` takes `..` as far
 * as it stays inside the root; `strict` refuses `..` and absolute names. @throws ARCHIVE_INVALID
 */
export function cleanPath(name: string, policy: PathPolicy): string {
  if (name === '') throw invalidName(name, 'it is empty');
  if (name.includes('\0')) throw invalidName(name, 'it has a NUL byte');
  if (policy === 'strict' && name.startsWith('/')) throw invalidName(name, 'it is absolute');
  const trimmed = name.endsWith('/') ? name.slice(0, -1) : name;
  const path = /(?:^|\/)\.{0,2}(?:\/|$)/.test(trimmed) ? resolveDots(name, policy) : trimmed;
  if (path.length > maxComponent / 3) checkLength(name, path);
  return path;
}

function resolveDots(name: string, policy: PathPolicy): string {
  const done: string[] = [];
  for (const component of name.split('/')) {
    if (component === '' || component === '.') continue;
    if (component !== '..') done.push(component);
    else if (policy === 'strict') throw invalidName(name, 'it has a ".." component');
    else if (done.pop() === undefined) throw invalidName(name, 'it leads out of the root');
  }
  return done.join('/');
}

function checkLength(name: string, path: string): void {
  const bytes = bytesOfName(path);
  if (bytes.length > maxPath) throw invalidName(name, `it is longer than ${maxPath} bytes`);
  for (let start = 0; start <= bytes.length; ) {
    const slash = bytes.indexOf(0x2f, start);
    const end = slash < 0 ? bytes.length : slash;
    if (end - start > maxComponent) throw invalidName(name, `a component is longer than ${maxComponent} bytes`);
    start = end + 1;
  }
}

function invalidName(name: string, state: string): WherryError {
  return new WherryError(
    'ARCHIVE_INVALID',
    `Cannot read archive entry "${shortened(name)}": its name is not usable: ${state}`,
  );
}

/** A name for a message: printable and not endless. */
export function shortened(name: string): string {
  const printable = name.replace(/[\x00-\x1f\x7f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return printable.length > 200 ? `${printable.slice(0, 200)}…` : printable;
}
