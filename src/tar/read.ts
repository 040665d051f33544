// Tar bytes → entries. tar-stream finds the headers (blocks, checksums, sizes); `decodeHeader` says what they mean, and
// both must agree on where content begins and ends, so that no second reading of an archive is possible. Content is
// handed out as ranges of the source's own chunks.
import { extract, type Header } from 'tar-stream';
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
  const scanner = new Scanner(options.paths ?? 'layer');
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
    const { chunk, start } = scanner;
    if (position < start)
      throw new TypeError(`the content of "${header.path}" is read after the next entry was asked for`);
    const piece = chunk.subarray(position - start, end - start);
    position += piece.length;
    if (piece.length > 0) yield piece;
    else if (!(await advance())) throw truncated(header.path);
  }
}

/** Finds the headers in chunks of an archive. */
class Scanner {
  readonly #policy: PathPolicy;
  // With this mark every write is answered by "drain" once its bytes were looked at.
  readonly #stream = extract({ highWaterMark: 1, allowUnknownFormat: true } as Parameters<typeof extract>[0]);
  #queue: Found[] = [];
  #taken = 0;
  #failure: unknown;
  #ended = false;
  /** The bytes that were fed last, and where they are in the archive. */
  chunk: Buffer = Buffer.alloc(0);
  start = 0;
  /** End of the last entry with its padding; and the bytes from there to `start`, if it lies before `start`. */
  #boundary = 0;
  #carried: Buffer[] = [];
  #lastPath = '';
  #settle = (): void => {};

  constructor(policy: PathPolicy) {
    this.#policy = policy;
    this.#stream.on('entry', (header, body, next) => {
      this.#found(header as Header & { byteOffset: number });
      if ((header.size ?? 0) > 0) body.resume();
      next();
    });
    this.#stream.on('error', (cause: Error) => this.#failed(cause));
    this.#stream.on('drain', () => this.#settle());
    this.#stream.on('close', () => this.#settle());
  }

  get #end(): number {
    return this.start + this.chunk.length;
  }

  /** Looks for headers in the next bytes. */
  async feed(bytes: Buffer): Promise<void> {
    if (this.#boundary >= this.#end) this.#carried = [];
    else if (this.#boundary >= this.start) this.#carried = [Buffer.from(this.#since(this.#end))];
    else this.#carried.push(Buffer.from(this.chunk));
    [this.start, this.chunk] = [this.#end, bytes];
    if (this.#ended) this.#boundary = this.#end;
    if (bytes.length === 0 || this.#ended || this.#failure !== undefined) return;
    const looked = new Promise<void>((resolve) => {
      this.#settle = resolve;
    });
    this.#stream.write(bytes);
    await looked;
    if (this.#failure !== undefined || this.#ended) return;
    if (this.#endsBefore(this.#end)) this.#ended = true;
    else if (this.#end - this.#boundary > maxHeaders)
      this.#failure = invalid(`the headers at byte ${this.#boundary} are longer than ${maxHeaders} bytes`);
  }

  /** The next entry whose header was found. @throws ARCHIVE_INVALID once all before a damage are taken */
  take(): Found | undefined {
    const found = this.#queue[this.#taken++];
    if (found !== undefined) return found;
    [this.#queue, this.#taken] = [[], 0];
    if (this.#failure !== undefined) throw this.#failure;
    return undefined;
  }

  /** To be called at the end of the source. @throws ARCHIVE_INVALID when it came too early */
  finish(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended || (this.#boundary <= this.#end && isZero(this.#since(this.#end)))) return;
    throw truncated(this.#lastPath);
  }

  close(): void {
    this.#stream.destroy();
  }

  #found(header: Header & { byteOffset: number }): void {
    if (this.#failure !== undefined || this.#ended) return;
    const offset = header.byteOffset;
    try {
      if (this.#endsBefore(offset)) {
        this.#ended = true;
        return;
      }
      const decoded = decodeHeader(this.#since(offset), this.#policy);
      // tar-stream passes over the content of all types but directories: where that is not what the header means, refuse.
      const skipped = header.type === 'directory' ? 0 : (header.size ?? 0);
      if (skipped !== decoded.size)
        throw invalid(
          `the type of entry "${shortened(decoded.path)}" and its size of ${skipped} contradict one another`,
        );
      this.#queue.push({ header: decoded, offset });
      this.#boundary = offset + Math.ceil(decoded.size / 512) * 512;
      this.#lastPath = decoded.path;
    } catch (error) {
      this.#failure = error;
    }
  }

  #failed(cause: Error): void {
    // Garbage behind the end of the archive is no damage.
    if (this.#endsBefore(this.#end)) this.#ended = true;
    else this.#failure ??= invalid(`the header at byte ${this.#boundary} is damaged`, cause);
  }

  /** Bytes from the boundary to `end`, a position in the current chunk or at its end; the first `most` of them. */
  #since(end: number, most = Number.POSITIVE_INFINITY): Buffer {
    const { chunk, start } = this;
    if (this.#boundary >= start)
      return chunk.subarray(this.#boundary - start, Math.max(0, Math.min(end, this.#boundary + most) - start));
    const parts: Buffer[] = [];
    let size = 0;
    for (let i = 0; i <= this.#carried.length && size < most; i++) {
      const part = this.#carried[i] ?? chunk.subarray(0, end - start);
      parts.push(part);
      size += part.length;
    }
    return Buffer.concat(parts).subarray(0, most);
  }

  /** Whether the archive ends with two zero blocks at the boundary, and those lie before `end`. */
  #endsBefore(end: number): boolean {
    const bytes = this.#since(end, 1024);
    return bytes.length === 1024 && isZero(bytes);
  }
}

function isZero(bytes: Buffer): boolean {
  return !bytes.some((byte) => byte !== 0);
}

function invalid(state: string, cause?: Error): WherryError {
  const hint = cause === undefined ? undefined : 'Is this a tar archive, and complete?';
  return new WherryError('ARCHIVE_INVALID', `Cannot read archive: ${state}`, { cause, hint });
}

function truncated(path: string): WherryError {
  const where = path === '' ? '' : `, at or after "${shortened(path)}"`;
  return new WherryError('ARCHIVE_INVALID', `Cannot read archive: it ends too early${where}`, {
    hint: 'The file may not have been copied completely.',
  });
}
