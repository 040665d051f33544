// Blocks of a tar → the layer's blob, in order, compressed on the thread pool: gzip (RFC 1952) with a header and trailer
// of our own, so that the bytes depend on the blocks and the level alone, never on the host, its threads or the time.
import { crc32 } from 'node:zlib';
import { checkLevel, defaultLevel, deflateBlock } from './deflate.ts';

/** How new layers are stored. */
export type WrittenCompression = 'gzip' | 'none';

export interface CompressorOptions {
  readonly compression: WrittenCompression;
  /** 1 to 9, default 5; of no meaning for `none`. */
  readonly level?: number | undefined;
  /** Takes the blob's bytes in order; the next come when it resolves. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Told of each block whose memory is no longer needed. */
  readonly release?: (bytes: Uint8Array) => void;
}

/** Compresses blocks. After an error, or when the caller gives up, `settled` resolves once no block is in use any more. */
export interface Compressor {
  /** Takes a block of the stream; resolves when there is room for another. The one with `last` ends the stream. */
  push(bytes: Uint8Array, last: boolean): Promise<void>;
  /** Resolves when all is written. Throws what `write` threw. */
  finish(): Promise<void>;
  settled(): Promise<void>;
}

/** Blocks that are compressed or wait for their turn at once. The output does not depend on it. */
const maxInFlight = 6;
const dictionarySize = 32 * 1024;

/** Starts a blob. @throws ARGUMENT_INVALID for a level that is none */
export function createCompressor(options: CompressorOptions): Compressor {
  const level = options.level ?? defaultLevel;
  if (options.compression === 'gzip') checkLevel(level);
  return options.compression === 'gzip' ? createGzip(options, level) : createCopier(options);
}

function createCopier({ write, release }: CompressorOptions): Compressor {
  return {
    async push(bytes) {
      await write(bytes);
      release?.(bytes);
    },
    finish: () => Promise.resolve(),
    settled: () => Promise.resolve(),
  };
}

function createGzip({ write, release }: CompressorOptions, level: number): Compressor {
  let dictionary: Uint8Array = new Uint8Array(0);
  let crc = 0;
  let size = 0;
  let failure: { readonly error: unknown } | undefined;
  const inFlight: Promise<void>[] = [];
  // Magic, deflate, no flags, no time, no extra flags, unknown system.
  let written = write(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]));
  const check = (): void => {
    if (failure !== undefined) throw failure.error;
  };
  const guard = (work: Promise<void>): Promise<void> =>
    work.catch((error: unknown) => {
      failure ??= { error };
    });

  const compress = async (bytes: Uint8Array, last: boolean): Promise<void> => {
    const before = written;
    const deflated = deflateBlock({ bytes, dictionary, last }, level);
    // Whatever happens to the blocks before, this one is waited for: its memory is in use until then.
    const [result] = await Promise.all([deflated, before.catch(() => undefined)]);
    release?.(bytes);
    await before;
    await write(result);
  };

  return {
    async push(bytes, last) {
      check();
      crc = crc32(bytes, crc);
      size += bytes.length;
      written = compress(bytes, last);
      inFlight.push(guard(written));
      dictionary = tailOf(dictionary, bytes);
      if (inFlight.length >= maxInFlight) await inFlight.shift();
      check();
    },
    async finish() {
      await Promise.all(inFlight);
      check();
      const trailer = Buffer.alloc(8);
      trailer.writeUInt32LE(crc >>> 0, 0);
      trailer.writeUInt32LE(size % 2 ** 32, 4);
      await write(trailer);
    },
    async settled() {
      await guard(written);
      await Promise.all(inFlight);
    },
  };
}

/** A copy of the last 32 KiB of `before` and `bytes`. */
function tailOf(before: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (bytes.length >= dictionarySize) return Uint8Array.from(bytes.subarray(bytes.length - dictionarySize));
  return Uint8Array.from(Buffer.concat([before, bytes]).subarray(-dictionarySize));
}
