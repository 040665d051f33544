// The bytes of a file entry: read synchronously into memory of the caller, or as a stream. The size that was planned
// is a promise that the tar header has already made: content that is longer or shorter is an error that names the file.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { messageOf, WherryError } from '../errors.ts';
import { createDigester, type Digest, digestOf } from '../oci/digest.ts';
import type { Content, FileEntry } from '../tar/entry.ts';

/** A file opened for reading pieces of it. */
export interface OpenFile {
  /** Fills `target` from `position` of the content; returns how many bytes there were. */
  read(target: Buffer, position: number): number;
  /** When the file was last written to, in nanoseconds. */
  modified(): bigint;
  close(): void;
}

/** Opens local files one at a time; keeps the last one open, since the files of a layer lie in one archive. */
export interface FileOpener {
  open(entry: FileEntry, content: Content & { readonly kind: 'file' }): OpenFile;
  close(): void;
}

// A file that was replaced by a fifo since it was planned must not block the process.
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

export function createFileOpener(): FileOpener {
  let kept: { readonly path: string; readonly descriptor: number } | undefined;
  const closeKept = (): void => {
    if (kept !== undefined) closeSync(kept.descriptor);
    kept = undefined;
  };
  return {
    open(entry, content) {
      try {
        const shared = content.offset !== undefined;
        if (shared && kept?.path !== content.path) {
          closeKept();
          kept = { path: content.path, descriptor: openSync(content.path, flags) };
        }
        const descriptor = shared && kept !== undefined ? kept.descriptor : openSync(content.path, flags);
        return readerOf(entry, descriptor, { start: content.offset ?? 0, close: !shared });
      } catch (cause) {
        throw unreadable(entry, cause);
      }
    },
    close: closeKept,
  };
}

function readerOf(entry: FileEntry, descriptor: number, { start, close }: { start: number; close: boolean }): OpenFile {
  return {
    read(target, position) {
      try {
        let count = 0;
        while (count < target.length) {
          const got = readSync(descriptor, target, count, target.length - count, start + position + count);
          if (got === 0) break;
          count += got;
        }
        return count;
      } catch (cause) {
        throw unreadable(entry, cause);
      }
    },
    modified: () => fstatSync(descriptor, { bigint: true }).mtimeNs,
    close: () => {
      if (close) closeSync(descriptor);
    },
  };
}

/** All bytes of an entry as a stream of pieces of at most 1 MiB. @throws COPY_FAILED when there are not `size` of them */
export async function* streamContent(entry: FileEntry): AsyncGenerator<Uint8Array, void, undefined> {
  const content = contentOf(entry);
  let count = 0;
  for await (const piece of piecesOf(entry, content)) {
    count += piece.length;
    if (count > entry.size) throw changed(entry);
    yield piece;
  }
  if (count !== entry.size) throw changed(entry);
}

/** Digest of an entry's content, read once. @throws COPY_FAILED as `streamContent` */
export async function digestOfContent(entry: FileEntry): Promise<Digest> {
  if (entry.size === 0) return digestOf('');
  const digester = createDigester();
  for await (const piece of streamContent(entry)) digester.update(piece);
  return digester.digest();
}

const pieceSize = 1024 * 1024;

async function* piecesOf(entry: FileEntry, content: Content): AsyncGenerator<Uint8Array, void, undefined> {
  if (content.kind === 'bytes') yield content.bytes;
  else if (content.kind === 'stream') yield* content.open();
  else {
    const opener = createFileOpener();
    try {
      const file = opener.open(entry, content);
      try {
        const modified = file.modified();
        for (let position = 0; position < entry.size; ) {
          const target = Buffer.allocUnsafe(Math.min(pieceSize, entry.size - position));
          const count = file.read(target, position);
          yield target.subarray(0, count);
          if (count < target.length) return;
          position += count;
        }
        if (content.offset === undefined && hasChanged(entry, file, modified)) throw changed(entry);
      } finally {
        file.close();
      }
    } finally {
      opener.close();
    }
  }
}

/** Whether a file that was read to its planned end goes on behind it, or was written to since `modified`. */
export function hasChanged(entry: FileEntry, file: OpenFile, modified: bigint): boolean {
  return file.read(Buffer.alloc(1), entry.size) > 0 || file.modified() !== modified;
}

/** The content that a file must have; an empty file may come without. */
export function contentOf(entry: FileEntry): Content {
  if (entry.content !== undefined) return entry.content;
  if (entry.size === 0) return { kind: 'bytes', bytes: new Uint8Array(0) };
  throw new TypeError(`the file entry "${entry.path}" has no content`);
}

export function changed(entry: FileEntry): WherryError {
  return new WherryError('COPY_FAILED', `Cannot copy "${nameOf(entry)}": it changed while it was read`, {
    hint: 'Build again when nothing writes to it, or leave it out with .dockerignore.',
  });
}

function unreadable(entry: FileEntry, cause: unknown): WherryError {
  return new WherryError('COPY_FAILED', `Cannot copy "${nameOf(entry)}": ${messageOf(cause)}`, { cause });
}

function nameOf(entry: FileEntry): string {
  return entry.content?.kind === 'file' && entry.content.offset === undefined ? entry.content.path : `/${entry.path}`;
}
