// The table of contents of a layer: what its tar says of each path, where content lies, and the digests. It is made while
// a layer is written or read, stored by diffId, and stands for the layer when COPY asks what an image holds.
import { isError, WherryError } from '../errors.ts';
import { createDigester, type DiffId, diffIdOf, digestOf } from '../oci/digest.ts';
import type { EntryType, FileEntry, TarHeader } from '../tar/entry.ts';
import { readTar } from '../tar/read.ts';
import { whiteoutOf } from '../tar/whiteout.ts';
import type { Written } from './archive.ts';

/** A path of a layer. Unlike in a file tree a hard link is one, and comes after its target. */
export interface TocEntry extends Omit<FileEntry, 'content' | 'inode'> {
  /** Where a file's content begins in the uncompressed tar; 0 for all that has none. */
  readonly offset: number;
  /** For a whiteout: `path` is what is removed, or the directory whose lower content is hidden. */
  readonly whiteout?: 'opaque' | 'removed';
  /** Base64 of the content of `etc/passwd` and `etc/group` up to 1 MiB, for user names. */
  readonly text?: string;
}

export interface Toc {
  readonly diffId: DiffId;
  /** Bytes of the uncompressed tar. */
  readonly size: number;
  /** In the tar's order. */
  readonly entries: readonly TocEntry[];
}

/** True for a file whose content a table of contents holds. */
export function keepsText(header: TarHeader): boolean {
  return (
    header.type === 'file' &&
    header.size <= 1024 * 1024 &&
    (header.path === 'etc/passwd' || header.path === 'etc/group')
  );
}

/** What an archive has of a path → its entry; undefined for the metadata of aufs, which says nothing. @throws ARCHIVE_INVALID */
export function tocEntryOf({ header, offset, digest, bytes }: Written): TocEntry | undefined {
  const { path, type, mode, uid, gid, mtime, link, deviceMajor, deviceMinor, xattrs } = header;
  const whiteout = path.includes('.wh.') ? whiteoutOf(path) : undefined;
  if (whiteout?.kind === 'metadata') return undefined;
  if (whiteout !== undefined)
    return { path: whiteout.path, type: 'file', mode, uid, gid, size: 0, mtime, offset: 0, whiteout: whiteout.kind };
  const isFile = type === 'file';
  const attributes = sortedXattrs(xattrs);
  return {
    path,
    type,
    mode,
    uid,
    gid,
    size: isFile ? header.size : 0,
    mtime,
    offset: isFile && header.size > 0 ? offset : 0,
    ...(link === undefined ? {} : { link }),
    ...(deviceMajor === undefined ? {} : { deviceMajor }),
    ...(deviceMinor === undefined ? {} : { deviceMinor }),
    ...(attributes === undefined ? {} : { xattrs: attributes }),
    ...(digest === undefined ? {} : { digest }),
    ...(bytes === undefined ? {} : { text: Buffer.from(bytes).toString('base64') }),
  };
}

/** Attributes as an archive has them: ordered, and none without a value. */
function sortedXattrs(xattrs: TarHeader['xattrs']): TarHeader['xattrs'] {
  const pairs = Object.entries(xattrs ?? {}).filter(([, value]) => value !== '');
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Reads a layer's uncompressed tar to its end and makes its table of contents in one pass.
 * @throws ARCHIVE_INVALID; DIGEST_MISMATCH when the bytes are not those of `expected`
 */
export async function tocOf(tar: AsyncIterable<Uint8Array>, expected?: DiffId): Promise<Toc> {
  const digester = createDigester();
  let size = 0;
  async function* digested(): AsyncGenerator<Uint8Array> {
    for await (const chunk of tar) {
      digester.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  }
  const entries: TocEntry[] = [];
  for await (const { header, offset, body } of readTar(digested())) {
    const content = header.type === 'file' ? await digestBody(body, keepsText(header)) : {};
    const entry = tocEntryOf({ header, offset, ...content });
    if (entry !== undefined) entries.push(entry);
  }
  const diffId = diffIdOf(digester.digest());
  if (expected !== undefined && diffId !== expected)
    throw new WherryError('DIGEST_MISMATCH', `Cannot use layer "${expected}": its bytes have digest "${diffId}"`);
  return { diffId, size, entries };
}

async function digestBody(body: AsyncIterable<Uint8Array>, keep: boolean): Promise<Pick<Written, 'digest' | 'bytes'>> {
  const digester = createDigester();
  const kept: Uint8Array[] = [];
  for await (const piece of body) {
    digester.update(piece);
    if (keep) kept.push(Uint8Array.from(piece));
  }
  return { digest: digester.digest(), ...(keep ? { bytes: Buffer.concat(kept) } : {}) };
}

const version = 1;
const letters: Readonly<Record<EntryType, string>> = {
  file: 'f',
  directory: 'd',
  symlink: 's',
  hardlink: 'h',
  character: 'c',
  block: 'b',
  fifo: 'p',
};
const typeOfLetter = new Map(Object.entries(letters).map(([type, letter]) => [letter, type as EntryType]));

/** Rare fields of a line, under one letter each. */
interface Rest {
  l?: string;
  M?: number;
  m?: number;
  x?: Readonly<Record<string, string>>;
  w?: 'opaque' | 'removed';
  t?: string;
}

type Line = [
  path: string,
  letter: string,
  mode: number,
  uid: number,
  gid: number,
  mtime: number,
  size: number,
  offset: number,
  digest: string,
  rest?: Rest,
];

/** Tables are written and read in pieces, so that no text of all of a large one is in memory. */
const linesAtOnce = 1000;
const bytesAtOnce = 128 * 1024;

/** Table → JSON lines: one with the version, the diffId, sizes and the digest of all that follows, then one for each entry. */
export function encodeToc(toc: Toc): Uint8Array {
  const digester = createDigester();
  const pieces: Buffer[] = [];
  for (let at = 0; at < toc.entries.length; at += linesAtOnce) {
    const lines = toc.entries.slice(at, at + linesAtOnce).map((entry) => `${JSON.stringify(lineOf(entry))}\n`);
    const piece = Buffer.from(lines.join(''));
    digester.update(piece);
    pieces.push(piece);
  }
  const { diffId, size, entries } = toc;
  const head = { toc: version, diffId, size, entries: entries.length, digest: digester.digest() };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...pieces]);
}

function lineOf(entry: TocEntry): Line {
  const rest: Rest = {
    ...(entry.link === undefined ? {} : { l: entry.link }),
    ...(entry.deviceMajor === undefined ? {} : { M: entry.deviceMajor }),
    ...(entry.deviceMinor === undefined ? {} : { m: entry.deviceMinor }),
    ...(entry.xattrs === undefined ? {} : { x: entry.xattrs }),
    ...(entry.whiteout === undefined ? {} : { w: entry.whiteout }),
    ...(entry.text === undefined ? {} : { t: entry.text }),
  };
  const line: Line = [
    entry.path,
    letters[entry.type],
    entry.mode,
    entry.uid,
    entry.gid,
    entry.mtime,
    entry.size,
    entry.offset,
    entry.digest?.replace(/^sha256:/, '') ?? '',
  ];
  for (const _ in rest) {
    line.push(rest);
    break;
  }
  return line;
}

/** Inverse of `encodeToc`. @throws STORE_INVALID for anything else, e.g. of another version: the caller makes it anew */
export function parseToc(bytes: Uint8Array): Toc {
  const damaged = (state: string, cause?: unknown): WherryError =>
    new WherryError('STORE_INVALID', `Cannot read a layer's table of contents: ${state}`, { cause });
  try {
    const end = bytes.indexOf(0x0a) + 1;
    const head = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString()) as Record<string, unknown>;
    if (head['toc'] !== version) throw damaged(`it has version ${String(head['toc'])}`);
    const body = Buffer.from(bytes.buffer, bytes.byteOffset + end, bytes.byteLength - end);
    if (digestOf(body) !== head['digest']) throw damaged('its bytes were changed');
    const entries: TocEntry[] = [];
    for (let at = 0; at < body.length; ) {
      const stop = body.indexOf(0x0a, Math.min(at + bytesAtOnce, body.length - 1)) + 1;
      const piece = body.toString('utf8', at, stop - 1);
      for (const line of JSON.parse(`[${piece.replaceAll('\n', ',')}]`) as Line[]) entries.push(entryOfLine(line));
      at = stop;
    }
    if (entries.length !== head['entries']) throw damaged('entries are missing');
    return { diffId: head['diffId'] as DiffId, size: head['size'] as number, entries };
  } catch (error) {
    throw isError(error, 'STORE_INVALID') ? error : damaged('it is not a table of contents', error);
  }
}

function entryOfLine([path, letter, mode, uid, gid, mtime, size, offset, digest, rest]: Line): TocEntry {
  const type = typeOfLetter.get(letter);
  if (type === undefined) throw new TypeError(`unknown type ${letter}`);
  const entry = { path, type, mode, uid, gid, size, mtime, offset };
  const known =
    digest === '' ? undefined : ((digest.includes(':') ? digest : `sha256:${digest}`) as FileEntry['digest'] & string);
  if (rest === undefined) return known === undefined ? entry : { ...entry, digest: known };
  return {
    ...entry,
    ...(rest.l === undefined ? {} : { link: rest.l }),
    ...(rest.M === undefined ? {} : { deviceMajor: rest.M }),
    ...(rest.m === undefined ? {} : { deviceMinor: rest.m }),
    ...(rest.x === undefined ? {} : { xattrs: rest.x }),
    ...(known === undefined ? {} : { digest: known }),
    ...(rest.w === undefined ? {} : { whiteout: rest.w }),
    ...(rest.t === undefined ? {} : { text: rest.t }),
  };
}
