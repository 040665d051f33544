// TarHeader → the bytes in front of its content: a ustar header (POSIX.1-1988), and before it a PAX extended header
// (POSIX.1-2001) where ustar cannot say it. The bytes are a versioned format of layers: golden digests freeze them.
import type { EntryType, TarHeader } from './entry.ts';
import { bytesOfName } from './name.ts';

const typeFlags: Readonly<Record<EntryType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

/** Largest number in an octal field of 8 and of 12 bytes. */
const maxOctal8 = 0o7777777;
const maxOctal12 = 0o77777777777;

/** Fields of a ustar block; texts are Latin-1, at most as long as their field. */
interface Block {
  readonly name: string;
  readonly prefix?: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly typeFlag: string;
  readonly link?: string;
  readonly deviceMajor?: number;
  readonly deviceMinor?: number;
}

/** The two zero blocks that end an archive. */
export const endOfArchive: Uint8Array = new Uint8Array(1024);

/** Zero bytes that fill content of `size` bytes up to a block. */
export function padding(size: number): number {
  return (512 - (size % 512)) % 512;
}

/**
 * Header → one or more blocks. User and group names stay empty and neither access nor change time is written; the same
 * header gives the same bytes everywhere. A fraction in `mtime` becomes a PAX record.
 * @throws RangeError for numbers that no tar can hold
 */
export function encodeHeader(header: TarHeader): Uint8Array {
  checkNumbers(header);
  const fullName = header.path === '' ? './' : header.type === 'directory' ? `${header.path}/` : header.path;
  const records: (readonly [key: string, value: Uint8Array])[] = [];
  const text = (key: string, value: string): void => void records.push([key, bytesOfName(value)]);

  const split = splitName(fullName);
  if (split === undefined) text('path', fullName);
  const link = header.link ?? '';
  const linkFits = isAscii(link) && link.length <= 100;
  if (!linkFits) text('linkpath', link);
  if (header.uid > maxOctal8) text('uid', String(header.uid));
  if (header.gid > maxOctal8) text('gid', String(header.gid));
  if (header.size > maxOctal12) text('size', String(header.size));
  const seconds = Math.floor(header.mtime);
  const timeFits = seconds >= 0 && seconds <= maxOctal12;
  if (!timeFits || seconds !== header.mtime) text('mtime', decimal(header.mtime));
  for (const [name, value] of Object.entries(header.xattrs ?? {}))
    if (value !== '') records.push([`SCHILY.xattr.${name}`, Buffer.from(value, 'base64')]);

  const block = encodeBlock({
    name: split?.name ?? asciiOf(fullName).slice(0, 100),
    prefix: split?.prefix ?? '',
    mode: header.mode,
    uid: header.uid > maxOctal8 ? 0 : header.uid,
    gid: header.gid > maxOctal8 ? 0 : header.gid,
    size: header.size > maxOctal12 ? 0 : header.size,
    mtime: timeFits ? seconds : 0,
    typeFlag: typeFlags[header.type],
    link: linkFits ? link : asciiOf(link).slice(0, 100),
    deviceMajor: header.deviceMajor ?? 0,
    deviceMinor: header.deviceMinor ?? 0,
  });
  return records.length === 0 ? block : Buffer.concat([...paxBlocks(fullName, records), block]);
}

function checkNumbers({ path, mode, uid, gid, size, mtime, deviceMajor = 0, deviceMinor = 0 }: TarHeader): void {
  const whole = (value: number, most: number): boolean => Number.isSafeInteger(value) && value >= 0 && value <= most;
  if (!whole(mode, 0o7777)) throw new RangeError(`mode of "${path}" is ${mode}`);
  if (!whole(uid, 0xfffffffe) || !whole(gid, 0xfffffffe)) throw new RangeError(`owner of "${path}" is ${uid}:${gid}`);
  if (!whole(size, Number.MAX_SAFE_INTEGER)) throw new RangeError(`size of "${path}" is ${size}`);
  if (!Number.isFinite(mtime)) throw new RangeError(`mtime of "${path}" is ${mtime}`);
  if (!whole(deviceMajor, maxOctal8) || !whole(deviceMinor, maxOctal8))
    throw new RangeError(`device of "${path}" is ${deviceMajor}:${deviceMinor}`);
}

/** Name and prefix fields for a name that ustar can hold, else undefined. */
function splitName(name: string): { readonly name: string; readonly prefix: string } | undefined {
  if (name.length > 256 || !isAscii(name)) return undefined;
  if (name.length <= 100) return { name, prefix: '' };
  // The prefix is as long as it can be: the last slash that leaves it at most 155 bytes and the name not empty.
  const slash = name.lastIndexOf('/', Math.min(155, name.length - 2));
  if (slash <= 0 || name.length - slash - 1 > 100) return undefined;
  return { name: name.slice(slash + 1), prefix: name.slice(0, slash) };
}

function paxBlocks(fullName: string, records: (readonly [string, Uint8Array])[]): Uint8Array[] {
  // Keys are ordered by their bytes, so that the order of xattrs in memory does not matter.
  const keyed = records.map(([key, value]) => [bytesOfName(key), value] as const);
  keyed.sort(([a], [b]) => Buffer.compare(a, b));
  const body = Buffer.concat(keyed.map(([key, value]) => paxRecord(key, value)));
  const slash = fullName.lastIndexOf('/') + 1;
  const name = asciiOf(`${fullName.slice(0, slash)}PaxHeaders.0/${fullName.slice(slash)}`).slice(0, 100);
  const header = encodeBlock({
    name: name.endsWith('/') ? name.slice(0, -1) : name,
    mode: 0,
    uid: 0,
    gid: 0,
    size: body.length,
    mtime: 0,
    typeFlag: 'x',
  });
  return [header, body, new Uint8Array(padding(body.length))];
}

/** `length key=value\n`, where the length counts itself. */
function paxRecord(key: Uint8Array, value: Uint8Array): Buffer {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} `), key, Buffer.from('='), value, Buffer.from('\n')]);
}

function encodeBlock(block: Block): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.write(block.name, 0, 100, 'latin1');
  bytes.write(octal(block.mode, 7), 100, 'latin1');
  bytes.write(octal(block.uid, 7), 108, 'latin1');
  bytes.write(octal(block.gid, 7), 116, 'latin1');
  bytes.write(octal(block.size, 11), 124, 'latin1');
  bytes.write(octal(block.mtime, 11), 136, 'latin1');
  bytes.write('        ', 148, 'latin1');
  bytes.write(block.typeFlag, 156, 'latin1');
  if (block.link) bytes.write(block.link, 157, 100, 'latin1');
  bytes.write('ustar\x0000', 257, 'latin1');
  bytes.write(octal(block.deviceMajor ?? 0, 7), 329, 'latin1');
  bytes.write(octal(block.deviceMinor ?? 0, 7), 337, 'latin1');
  if (block.prefix) bytes.write(block.prefix, 345, 155, 'latin1');
  let sum = 0;
  for (const byte of bytes) sum += byte;
  bytes.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  return bytes;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

function isAscii(text: string): boolean {
  return !/[^\x01-\x7f]/.test(text);
}

function asciiOf(text: string): string {
  return text.replace(/[^\x01-\x7f]/g, '');
}

/** A time as PAX writes it: no exponent, at most nine digits of a fraction. */
function decimal(seconds: number): string {
  return seconds.toFixed(9).replace(/\.?0+$/, '');
}
