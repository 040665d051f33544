// Tar bytes → entries. tar-stream finds the headers (blocks, checksums, sizes); `decodeHeader` says what they mean, and
// both must agree on where content begins and ends, so that no second reading of an archive is possible. Content is
// handed out as ranges of the source's own chunks.
import { extract } from 'tar-stream';
import { WherryError } from '../errors.ts';
import type { TarHeader } from './entry.ts';
import { decodeHeader } from './header.ts';
import { type PathPolicy, shortened } from './name.ts';

/** An entry under way. `body` gives the content once, and only until the next entry is asked for. */
export interface ReadEntry {
  readonly header: TarHeader;
  /** Where the content begins in the archive, in bytes. */
  readonly offset: number;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface ReadOptions {
  /**
   * `layer` (the default) cleans names as containerd does: `/` and `./` in front are dropped, `..` may not leave the root.
   * `strict`, for archives of a user, refuses `..` and absolute names.
   */
  readonly paths?: PathPolicy;
}

interface Found {
  readonly header: TarHeader;
  readonly offset: number;
}

/** Most bytes of special headers in front of one entry. */
const maxHeaders = 8 * 1024 * 1024;

/**
 * Reads an archive to the end of `source`, whatever part of the bodies is read. What follows the two zero blocks is
 * passed over. Whiteouts come as the files they are. @throws ARCHIVE_INVALID for all that is damaged, cut short or unknown
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  options: ReadOptions = {},
): AsyncGenerator<ReadEntry, void, undefined> {
  const scanner = createScanner(options.paths ?? 'layer');
  const chunks = source[Symbol.asyncIterator]();
  const advance = async (): Promise<boolean> => {
    const next = await chunks.next();
    if (next.done === true) return false;
    await scanner.feed(Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength));
    return true;
  };
  try {
    for (;;) {
      const found = scanner.take();
      if (found !== undefined)
        yield { ...found, body: { [Symbol.asyncIterator]: () => bodyOf(found, scanner, advance) } };
      else if (!(await advance())) break;
    }
    scanner.finish();
  } finally {
    scanner.close();
    await chunks.return?.();
  }
}

async function* bodyOf(
  { header, offset }: Found,
  scanner: Scanner,
  advance: () => Promise<boolean>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const end = offset + header.size;
  for (let position = offset; position < end; ) {
    const { chunk, start } = scanner.current();
    if (position < start)
      throw new TypeError(`the content of "${header.path}" is read after the next entry was asked for`);
    const piece = chunk.subarray(position - start, end - start);
    position += piece.length;
    if (piece.length > 0) yield piece;
    else if (!(await advance())) throw truncated(header.path);
  }
}

interface Scanner {
  /** Looks for headers in the next bytes; afterwards `current` is this chunk. */
  feed(chunk: Buffer): Promise<void>;
  /** The next entry whose header was found. @throws ARCHIVE_INVALID once all before a damage are taken */
  take(): Found | undefined;
  current(): { readonly chunk: Buffer; readonly start: number };
  /** To be called at the end of the source. @throws ARCHIVE_INVALID when it came too early */
  finish(): void;
  close(): void;
}

function createScanner(policy: PathPolicy): Scanner {
  // With this mark every write is answered by "drain" once its bytes were looked at.
  const stream = extract({ highWaterMark: 1, allowUnknownFormat: true } as Parameters<typeof extract>[0]);
  let queue: Found[] = [];
  let taken = 0;
  let failure: unknown;
  let ended = false;
  let chunk: Buffer = Buffer.alloc(0);
  let start = 0;
  /** End of the last entry with its padding; and the bytes from there to `start`, if it lies before `start`. */
  let boundary = 0;
  let carried: Buffer[] = [];
  let lastPath = '';
  let settle = (): void => {};

  /** Bytes from `boundary` to `end`, a position in the current chunk or at its end; the first `most` of them. */
  const since = (end: number, most = Number.POSITIVE_INFINITY): Buffer => {
    if (boundary >= start) return chunk.subarray(boundary - start, Math.max(0, Math.min(end, boundary + most) - start));
    const parts: Buffer[] = [];
    let size = 0;
    for (let i = 0; i <= carried.length && size < most; i++) {
      const part = carried[i] ?? chunk.subarray(0, end - start);
      parts.push(part);
      size += part.length;
    }
    return Buffer.concat(parts).subarray(0, most);
  };
  const isEnd = (end: number): boolean => {
    const bytes = since(end, 1024);
    return bytes.length === 1024 && isZero(bytes);
  };

  stream.on('entry', (header, body, next) => {
    if (failure === undefined && !ended) {
      const offset = (header as unknown as { byteOffset: number }).byteOffset;
      try {
        if (isEnd(offset)) ended = true;
        else {
          const decoded = decodeHeader(since(offset), policy);
          // tar-stream passes over the content of all types but directories: where that is not what the header means, refuse.
          const skipped = header.type === 'directory' ? 0 : (header.size ?? 0);
          if (skipped !== decoded.size)
            throw new WherryError(
              'ARCHIVE_INVALID',
              `Cannot read archive entry "${shortened(decoded.path)}": its type and its size of ${skipped} contradict one another`,
            );
          queue.push({ header: decoded, offset });
          boundary = offset + Math.ceil(decoded.size / 512) * 512;
          lastPath = decoded.path;
        }
      } catch (error) {
        failure = error;
      }
    }
    if ((header.size ?? 0) > 0) body.resume();
    next();
  });
  stream.on('error', (cause: Error) => {
    // Garbage behind the end of the archive is no damage.
    if (isEnd(start + chunk.length)) ended = true;
    else
      failure ??= new WherryError('ARCHIVE_INVALID', `Cannot read archive: the header at byte ${boundary} is damaged`, {
        cause,
        hint: 'Is this a tar archive, and complete?',
      });
  });
  stream.on('drain', () => settle());
  stream.on('close', () => settle());

  return {
    async feed(bytes) {
      const before = start + chunk.length;
      if (boundary >= before) carried = [];
      else if (boundary >= start) carried = [Buffer.from(since(before))];
      else carried.push(Buffer.from(chunk));
      [chunk, start] = [bytes, before];
      if (bytes.length === 0 || ended || failure !== undefined) {
        if (ended) boundary = start + chunk.length;
        return;
      }
      const looked = new Promise<void>((resolve) => (settle = resolve));
      stream.write(bytes);
      await looked;
      if (failure !== undefined || ended) return;
      const end = start + chunk.length;
      if (isEnd(end)) ended = true;
      else if (end - boundary > maxHeaders)
        failure = new WherryError(
          'ARCHIVE_INVALID',
          `Cannot read archive: the headers at byte ${boundary} are longer than ${maxHeaders} bytes`,
        );
    },
    take() {
      const found = queue[taken++];
      if (found !== undefined) return found;
      [queue, taken] = [[], 0];
      if (failure !== undefined) throw failure;
      return undefined;
    },
    current: () => ({ chunk, start }),
    finish() {
      if (failure !== undefined) throw failure;
      const end = start + chunk.length;
      if (ended || (boundary <= end && isZero(since(end)))) return;
      throw truncated(lastPath);
    },
    close: () => stream.destroy(),
  };
}

function isZero(bytes: Buffer): boolean {
  return !bytes.some((byte) => byte !== 0);
}

function truncated(path: string): WherryError {
  const where = path === '' ? '' : `, at or after "${shortened(path)}"`;
  return new WherryError('ARCHIVE_INVALID', `Cannot read archive: it ends too early${where}`, {
    hint: 'The file may not have been copied completely.',
  });
}
