// The blocks in front of an entry's content → TarHeader: ustar, GNU and V7 headers with PAX records (POSIX.1-2001) and
// GNU long names before them. tar-stream has found where the blocks are; it reads PAX as text and lets some numbers
// pass, so their meaning is decided here, from the bytes.
import { WherryError } from '../errors.ts';
import type { EntryType, TarHeader } from './entry.ts';
import { cleanPath, nameFromBytes, type PathPolicy, shortened } from './name.ts';

/** What the special headers in front of a header say. */
interface Extensions {
  readonly records: Map<string, Buffer>;
  longName?: string;
  longLink?: string;
}

/** Most bytes of a PAX header or a GNU long name (as Go's archive/tar). */
const maxSpecial = 1024 * 1024;
/** Linux: XATTR_SIZE_MAX and XATTR_NAME_MAX. */
const maxXattrValue = 65536;
const maxXattrName = 255;

const types: Readonly<Record<string, EntryType>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

/**
 * Blocks → header, its names judged by `policy`. `blocks` ends with the entry's own header block and has nothing else
 * but the special headers that belong to it. @throws ARCHIVE_INVALID
 */
export function decodeHeader(blocks: Buffer, policy: PathPolicy): TarHeader {
  const extensions: Extensions = { records: new Map() };
  let at = 0;
  while (at < blocks.length - 512) at = readSpecial(blocks, at, extensions);
  if (at !== blocks.length - 512) throw invalid('a header is cut short');
  return decodeMain(blocks.subarray(at), extensions, policy);
}

/** Reads the special header at `at`; returns where the next header is. */
function readSpecial(blocks: Buffer, at: number, extensions: Extensions): number {
  const flag = String.fromCharCode(blocks[at + 156] ?? 0);
  const size = number(blocks.subarray(at + 124, at + 136), 'size');
  if (!'xgLK'.includes(flag)) throw invalid('there is something between its headers');
  if (size > maxSpecial) throw invalid(`a special header has ${size} bytes`);
  const body = blocks.subarray(at + 512, at + 512 + size);
  if (body.length !== size) throw invalid('a special header is cut short');
  if (flag === 'x') readPax(body, extensions.records);
  else if (flag === 'L') extensions.longName = nameFromBytes(untilNul(body));
  else if (flag === 'K') extensions.longLink = nameFromBytes(untilNul(body));
  // A global header (`git archive` writes one with a comment) says nothing of a single entry.
  return at + 512 + Math.ceil(size / 512) * 512;
}

function readPax(body: Buffer, records: Map<string, Buffer>): void {
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const digits = space < 0 || space - at > 9 ? '' : body.toString('latin1', at, space);
    const length = /^[0-9]+$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = body.indexOf(0x3d, space);
    if (
      length === 0 ||
      end > body.length ||
      body[end - 1] !== 0x0a ||
      equals < 0 ||
      equals >= end ||
      equals === space + 1
    )
      throw invalid('a PAX record is malformed');
    const key = nameFromBytes(body.subarray(space + 1, equals));
    if (key.includes('\0')) throw invalid('a PAX key has a NUL byte');
    if (key.startsWith('GNU.sparse.')) throw invalid('sparse files are not supported');
    // An empty value takes back an earlier record.
    if (equals + 1 === end - 1) records.delete(key);
    else records.set(key, body.subarray(equals + 1, end - 1));
    at = end;
  }
}

function decodeMain(block: Buffer, { records, longName, longLink }: Extensions, policy: PathPolicy): TarHeader {
  const rawName = longName ?? paxText(records, 'path') ?? ustarName(block);
  const flag = String.fromCharCode(block[156] ?? 0);
  const known = types[flag];
  if (known === undefined) {
    const state = flag === 'S' ? 'sparse files are not supported' : `its type "${shortened(flag)}" is not known`;
    throw invalid(state, rawName);
  }
  // Before POSIX a directory was a file whose name ends with a slash.
  const type = known === 'file' && rawName.endsWith('/') ? 'directory' : known;
  if (rawName.endsWith('/') && type !== 'directory') throw invalid('its name ends with a slash', rawName);
  const path = cleanPath(rawName, policy);
  if (path === '' && type !== 'directory') throw invalid('it would replace the root directory', rawName);
  const size = paxNumber(records, 'size') ?? number(block.subarray(124, 136), 'size', rawName);
  const link = type === 'symlink' || type === 'hardlink' ? linkOf(block, type, records, longLink, policy) : undefined;
  const device = type === 'character' || type === 'block';
  const xattrs = xattrsOf(records);
  return {
    path,
    type,
    mode: number(block.subarray(100, 108), 'mode', rawName) & 0o7777,
    uid: owner(paxNumber(records, 'uid') ?? number(block.subarray(108, 116), 'uid', rawName), rawName),
    gid: owner(paxNumber(records, 'gid') ?? number(block.subarray(116, 124), 'gid', rawName), rawName),
    size: type === 'file' ? size : 0,
    mtime: paxTime(records) ?? signed(block.subarray(136, 148), 'mtime', rawName),
    ...(link === undefined ? {} : { link }),
    ...(device ? { deviceMajor: number(block.subarray(329, 337), 'device', rawName) } : {}),
    ...(device ? { deviceMinor: number(block.subarray(337, 345), 'device', rawName) } : {}),
    ...(xattrs === undefined ? {} : { xattrs }),
  };
}

function ustarName(block: Buffer): string {
  const name = nameFromBytes(untilNul(block.subarray(0, 100)));
  // GNU's magic is "ustar " and V7 has none: what POSIX uses as the prefix means something else there.
  if (block.toString('latin1', 257, 263) !== 'ustar\0' || block[345] === 0) return name;
  return nameFromBytes(
    Buffer.concat([untilNul(block.subarray(345, 500)), Buffer.from('/'), untilNul(block.subarray(0, 100))]),
  );
}

function linkOf(
  block: Buffer,
  type: 'symlink' | 'hardlink',
  records: Map<string, Buffer>,
  longLink: string | undefined,
  policy: PathPolicy,
): string {
  const link = longLink ?? paxText(records, 'linkpath') ?? nameFromBytes(untilNul(block.subarray(157, 257)));
  if (type === 'hardlink') {
    const path = cleanPath(link, policy);
    if (path === '') throw invalid('it is a hard link to the root directory');
    return path;
  }
  if (link === '' || link.length > 4095) throw invalid(`it is a symbolic link to "${shortened(link)}"`);
  return link;
}

function xattrsOf(records: Map<string, Buffer>): Record<string, string> | undefined {
  let xattrs: Record<string, string> | undefined;
  for (const [key, value] of records) {
    if (!key.startsWith('SCHILY.xattr.')) continue;
    const name = key.slice('SCHILY.xattr.'.length);
    // overlayfs keeps whiteouts and redirects in these: taken from an archive they would forge them.
    if (name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.')) continue;
    if (name === '' || name.length > maxXattrName || value.length > maxXattrValue)
      throw invalid(`its extended attribute "${shortened(name)}" is too long or has no name`);
    // A plain assignment would lose an attribute called __proto__.
    xattrs ??= Object.create(null) as Record<string, string>;
    xattrs[name] = value.toString('base64');
  }
  return xattrs === undefined
    ? undefined
    : Object.fromEntries(Object.entries(xattrs).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function paxText(records: Map<string, Buffer>, key: string): string | undefined {
  const value = records.get(key);
  if (value === undefined) return undefined;
  const text = nameFromBytes(value);
  if (text.includes('\0')) throw invalid(`its PAX ${key} has a NUL byte`);
  return text;
}

function paxNumber(records: Map<string, Buffer>, key: string): number | undefined {
  const text = records.get(key)?.toString('latin1');
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,20}$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw invalid(`its PAX ${key} is "${shortened(text)}"`);
  return Number(text);
}

function paxTime(records: Map<string, Buffer>): number | undefined {
  const text = records.get('mtime')?.toString('latin1');
  if (text === undefined) return undefined;
  if (!/^-?[0-9]{1,15}(?:\.[0-9]*)?$/.test(text)) throw invalid(`its PAX mtime is "${shortened(text)}"`);
  return Number(text);
}

function owner(id: number, name: string): number {
  if (id > 0xfffffffe) throw invalid(`its owner is ${id}`, name);
  return id;
}

function number(field: Buffer, what: string, name?: string): number {
  const value = signed(field, what, name);
  if (value < 0) throw invalid(`its ${what} is ${value}`, name);
  return value;
}

/** An octal number, or base 256 in two's complement where the first bit is set (GNU, star). */
function signed(field: Buffer, what: string, name?: string): number {
  const first = field[0] ?? 0;
  if (first >= 0x80) {
    const bits = BigInt(field.length * 8 - 1);
    const value = Number(BigInt.asIntN(Number(bits), BigInt(`0x${field.toString('hex')}`)));
    if (!Number.isSafeInteger(value)) throw invalid(`its ${what} is too large`, name);
    return value;
  }
  const text = field.toString('latin1').replace(/^[ \0]+|[ \0]+$/g, '');
  if (!/^[0-7]*$/.test(text)) throw invalid(`its ${what} is "${shortened(text)}"`, name);
  return text === '' ? 0 : Number.parseInt(text, 8);
}

function untilNul(bytes: Buffer): Buffer {
  const nul = bytes.indexOf(0);
  return nul < 0 ? bytes : bytes.subarray(0, nul);
}

function invalid(state: string, name?: string): WherryError {
  const what = name === undefined ? 'archive entry' : `archive entry "${shortened(name)}"`;
  return new WherryError('ARCHIVE_INVALID', `Cannot read ${what}: ${state}`);
}
