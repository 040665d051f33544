// Compressed bytes → what was compressed, and the formats of archives by their first bytes (never by their names). The
// gate of the decompressors: node:zlib, fzstd where Node's zstd cannot be used, xz-decompress, and bzip2 of our own.
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import xz from 'xz-decompress';
import { isError, messageOf, WherryError } from '../errors.ts';
import { readBzip2 } from './bzip2.ts';

/** Formats that `decompress` reads. */
export type CompressionFormat = 'gzip' | 'bzip2' | 'xz' | 'zstd';

export interface DecompressOptions {
  /** Most bytes that may come out; more are TOO_LARGE. Default 64 GiB. */
  readonly limit?: number;
}

const magics: readonly (readonly [CompressionFormat, Uint8Array])[] = [
  ['gzip', Uint8Array.of(0x1f, 0x8b, 0x08)],
  ['bzip2', Uint8Array.of(0x42, 0x5a, 0x68)],
  ['xz', Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)],
  ['zstd', Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd)],
];
const chunkSize = 256 * 1024;
const defaultLimit = 64 * 1024 ** 3;
/** Largest window of zstd, as a power of two: what `zstd -d` takes without being told otherwise. */
const maxZstdWindow = 27;

/** What bytes are by how they begin: 512 of them tell all there is to tell. */
export function sniff(first: Uint8Array): CompressionFormat | 'tar' | undefined {
  const found = magics.find(([, magic]) => magic.every((byte, index) => first[index] === byte));
  return found?.[0] ?? (isTar(first) ? 'tar' : undefined);
}

/** True when bytes begin with a tar header whose check sum is right. An archive of nothing is none. */
export function isTar(first: Uint8Array): boolean {
  if (first.length < 512) return false;
  const block = Buffer.from(first.buffer, first.byteOffset, 512);
  const said = Number.parseInt(block.toString('latin1', 148, 156).replace(/\0.*$/s, '').trim(), 8);
  let sum = 8 * 32;
  let signedSum = 8 * 32;
  for (let i = 0; i < 512; i++) {
    if (i >= 148 && i < 156) continue;
    sum += block.readUInt8(i);
    signedSum += block.readInt8(i);
  }
  return (said === sum || said === signedSum) && sum !== 8 * 32;
}

/**
 * The bytes that were compressed. Several members, frames or streams in a row count as one.
 * @throws ARCHIVE_INVALID for damaged or cut input, TOO_LARGE; errors of `source` as they are
 */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  compression: CompressionFormat | 'none',
  options: DecompressOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const limit = options.limit ?? defaultLimit;
  const watched = watch(source);
  let size = 0;
  try {
    for await (const chunk of reader(watched.source, compression)) {
      size += chunk.length;
      if (size > limit)
        throw new WherryError(
          'TOO_LARGE',
          `Cannot decompress ${compression} data: more than ${limit} bytes come out of it`,
        );
      if (chunk.length > 0) yield chunk;
    }
  } catch (error) {
    if (watched.failed) throw watched.error;
    if (isError(error)) throw error;
    throw new WherryError('ARCHIVE_INVALID', `Cannot decompress ${compression} data: ${messageOf(error)}`, {
      cause: error,
      hint: 'The file may be damaged, or may not have been copied completely.',
    });
  }
}

function reader(source: AsyncIterable<Uint8Array>, compression: CompressionFormat | 'none'): AsyncIterable<Uint8Array> {
  switch (compression) {
    case 'none':
      return source;
    case 'gzip':
      return through(source, zlib.createGunzip({ chunkSize }));
    case 'zstd':
      return readZstd(source);
    case 'bzip2':
      return readBzip2(source);
    case 'xz':
      return readXz(source);
  }
}

/** A source that remembers its own error, which no decompressor then takes for damage. */
function watch(source: AsyncIterable<Uint8Array>): {
  readonly source: AsyncIterable<Uint8Array>;
  failed: boolean;
  error: unknown;
} {
  const watched = { source: pass(), failed: false, error: undefined as unknown };
  async function* pass(): AsyncGenerator<Uint8Array> {
    const chunks = source[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await chunks.next().catch((error: unknown) => {
          watched.failed = true;
          watched.error = error;
          throw error;
        });
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await chunks.return?.();
    }
  }
  return watched;
}

async function* through(source: AsyncIterable<Uint8Array>, transform: Transform): AsyncGenerator<Uint8Array> {
  const done = pipeline(Readable.from(source), transform);
  done.catch(() => undefined);
  try {
    yield* transform as AsyncIterable<Uint8Array>;
    await done;
  } finally {
    transform.destroy();
    await done.catch(() => undefined);
  }
}

async function* readXz(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const stream = new xz.XzReadableStream(Readable.toWeb(Readable.from(source)) as ReadableStream<Uint8Array> as never);
  try {
    yield* stream as unknown as AsyncIterable<Uint8Array>;
  } catch (error) {
    const code = / error code (\d+)$/.exec(messageOf(error))?.[1];
    // xz-embedded's words: 4 is its memory limit, 6 a filter or check that it lacks; all other codes mean damage.
    const state =
      code === '4'
        ? 'its dictionary is too large'
        : code === '6'
          ? 'it uses a filter or a check that is not supported'
          : 'it is damaged or ends too early';
    throw new Error(state, { cause: error });
  }
}

/** What Node has of zstd in some versions, and our types in none. */
interface NativeZstd {
  createZstdDecompress(options: { chunkSize: number; params: Record<number, number> }): Transform;
  zstdDecompressSync(bytes: Uint8Array): Uint8Array;
}

/** Two frames of five bytes each. */
const twoFrames = Buffer.from('28b52ffd200529000068656c6c6f'.repeat(2), 'hex');
let native: NativeZstd | false | undefined;

/** Node's zstd where it can be relied on: 22 and 24 stop after the first frame, and 22 takes a cut one for whole. */
function nativeZstd(): NativeZstd | false {
  if (native !== undefined) return native;
  const candidate = zlib as unknown as Partial<NativeZstd>;
  try {
    native = candidate.zstdDecompressSync?.(twoFrames).length === 10 ? (candidate as NativeZstd) : false;
  } catch {
    native = false;
  }
  return native;
}

function readZstd(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const zstd = nativeZstd();
  if (zstd === false) return readZstdPortably(source);
  const windowLogMax = (zlib.constants as unknown as Record<string, number>)['ZSTD_d_windowLogMax'] ?? 100;
  return through(source, zstd.createZstdDecompress({ chunkSize, params: { [windowLogMax]: maxZstdWindow } }));
}

/** As Node's own zstd, by fzstd, which does not look at check sums: for Node versions where the other cannot be used. */
export async function* readZstdPortably(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let out: Uint8Array[] = [];
  const stream = new Decompress((piece) => void out.push(piece));
  let head: Uint8Array | undefined = new Uint8Array(0);
  // fzstd allocates the window at once, and reads what is pushed at once: look at the header first, and push little.
  const push = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length; at += chunkSize / 4)
      stream.push(Uint8Array.from(bytes.subarray(at, at + chunkSize / 4)));
  };
  for await (const chunk of source) {
    head = head === undefined ? undefined : Buffer.concat([head, chunk]);
    if (head !== undefined && head.length < 18) continue;
    if (head !== undefined) checkZstdWindow(head);
    push(head ?? chunk);
    head = undefined;
    yield* out;
    out = [];
  }
  stream.push(head ?? new Uint8Array(0), true);
  yield* out;
}

/** RFC 8878, 3.1.1.1: the window of the first frame. */
function checkZstdWindow(head: Uint8Array): void {
  const isSingleSegment = ((head[4] ?? 0) & 0x20) !== 0;
  if (!isSingleSegment && 10 + ((head[5] ?? 0) >> 3) > maxZstdWindow)
    throw new Error(`its window is larger than ${2 ** (maxZstdWindow - 20)} MiB`);
}

/** An archive that was recognised. */
export interface OpenedArchive {
  readonly format: CompressionFormat | 'tar';
  /** The uncompressed tar, to be read once. */
  readonly tar: AsyncIterable<Uint8Array>;
}

/**
 * Looks at the content: a tar, compressed or not, or else undefined, and then `source` is closed. Compressed bytes that
 * do not begin with a tar are none, as are an empty file and a tar without entries.
 * @throws what `source` throws; `tar` throws as `decompress` does
 */
export async function openArchive(
  source: AsyncIterable<Uint8Array>,
  options: DecompressOptions = {},
): Promise<OpenedArchive | undefined> {
  const outer = await peek(source);
  const format = sniff(outer.first);
  if (format === 'tar') return { format, tar: outer.all };
  if (format === undefined) {
    await outer.close();
    return undefined;
  }
  try {
    const inner = await peek(decompress(outer.all, format, options));
    if (isTar(inner.first)) return { format, tar: inner.all };
    await inner.close();
  } catch (error) {
    if (!isError(error, 'ARCHIVE_INVALID')) throw error;
  }
  return undefined;
}

/** As `decompress`, with the compression told by the first bytes: what is not compressed passes as it is. */
export async function* decompressByContent(
  source: AsyncIterable<Uint8Array>,
  options: DecompressOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { first, all } = await peek(source);
  const format = sniff(first);
  yield* decompress(all, format === undefined || format === 'tar' ? 'none' : format, options);
}

interface Peeked {
  readonly first: Uint8Array;
  readonly all: AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** The first 512 bytes, or fewer where there are no more, and an iterable that begins with them. */
async function peek(source: AsyncIterable<Uint8Array>): Promise<Peeked> {
  const chunks = source[Symbol.asyncIterator]();
  const seen: Uint8Array[] = [];
  let size = 0;
  while (size < 512) {
    const next = await chunks.next();
    if (next.done === true) break;
    seen.push(next.value);
    size += next.value.length;
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      yield* seen;
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
    } finally {
      await chunks.return?.();
    }
  }
  return {
    first: Buffer.concat(seen).subarray(0, 512),
    all: all(),
    close: async () => void (await chunks.return?.()),
  };
}
