// Entries in their final order → the tar, in blocks of about 1 MiB. Where a block ends is decided by the entries
// themselves, so that a change in one file moves no cut that is far from it, and no cut depends on how content arrives.
import { crc32 } from 'node:zlib';
import { WherryError } from '../errors.ts';
import { createDigester, type Digest, digestOf } from '../oci/digest.ts';
import { encodeHeader, endOfArchive, padding } from '../tar/encode.ts';
import type { Content, FileEntry, TarHeader } from '../tar/entry.ts';
import { formatWhiteout, whiteoutOf } from '../tar/whiteout.ts';
import { type BlockBuilder, createBlockBuilder } from './block-builder.ts';
import { changed, contentOf, createFileOpener, type FileOpener, hasChanged, streamContent } from './content.ts';

/** What the archive has of an entry: told once its content is written. */
export interface Written {
  /** As it stands in the archive. */
  readonly header: TarHeader;
  /** Of the content, in the archive. */
  readonly offset: number;
  /** Of a file's content. */
  readonly digest?: Digest;
  /** The content itself, where `keep` asked for it. */
  readonly bytes?: Uint8Array;
}

export interface ArchiveOptions {
  /** Latest time of an entry, in seconds since 1970. */
  readonly epoch: number;
  readonly onEntry?: (written: Written) => void;
  /** True for entries whose content is wanted in `Written.bytes`; they have at most 1 MiB. */
  readonly keep?: (header: TarHeader) => boolean;
  /** Memory of blocks that may be used again. */
  readonly free?: Buffer[];
}

/** A block of the archive. Its memory is the consumer's. */
export interface ArchiveBlock {
  readonly bytes: Buffer;
  readonly last: boolean;
}

const mebibyte = 1024 * 1024;
/** Memory of a block: there is room for the end of the archive, so that it needs no copy. */
export const blockCapacity = 2 * mebibyte + 4096;
const minBlock = 256 * 1024;
const maxBlock = 2 * mebibyte;
/** A block of `minBlock` bytes ends before an entry of n bytes with a probability of n in this many. */
const spread = 768 * 1024;

/**
 * Entries → blocks. Files of up to 1 MiB are read at once, larger ones in pieces of at most 1 MiB; nothing is kept.
 * @throws COPY_FAILED for a file that cannot be read, differs from its planned size or digest, or is called `.wh.…`
 */
export async function* archiveBlocks(
  entries: Iterable<FileEntry>,
  options: ArchiveOptions,
): AsyncGenerator<ArchiveBlock, void, undefined> {
  const block = createBlockBuilder(blockCapacity, options.free ?? []);
  const files = createFileOpener();
  try {
    for (const entry of entries) {
      const header = headerOf(entry, options.epoch);
      const encoded = encodeHeader(header);
      if (endsBefore(header, block.length, encoded.length)) yield { bytes: block.take(), last: false };
      block.append(encoded);
      const offset = block.position;
      const keep = options.keep?.(header) ?? false;
      let body: Body = {};
      if (header.type === 'file' && !isWhiteout(entry)) {
        if (header.size > mebibyte || entry.content?.kind === 'stream')
          body = yield* readInPieces(entry, { block, files, keep });
        else body = readAtOnce(entry, block, files);
        if (entry.digest !== undefined && entry.digest !== body.digest) throw changed(entry);
        block.reserve(padding(header.size)).fill(0);
      }
      options.onEntry?.({
        header,
        offset,
        ...(body.digest === undefined ? {} : { digest: body.digest }),
        ...(keep && body.bytes !== undefined ? { bytes: body.bytes } : {}),
      });
    }
    block.append(endOfArchive);
    yield { bytes: block.take(), last: true };
  } finally {
    files.close();
  }
}

interface Body {
  readonly digest?: Digest;
  readonly bytes?: Uint8Array;
}

/** Entry → header as a layer has it: times are whole seconds and at most `epoch`. */
function headerOf(entry: FileEntry, epoch: number): TarHeader {
  const { digest: _digest, content: _content, inode: _inode, ...header } = entry;
  return { ...header, size: entry.type === 'file' ? entry.size : 0, mtime: Math.floor(Math.min(entry.mtime, epoch)) };
}

/** True for a planned whiteout, which has no content. A real file of such a name cannot be in a layer. */
function isWhiteout(entry: FileEntry): boolean {
  const whiteout = entry.path.includes('.wh.') ? whiteoutOf(entry.path) : undefined;
  if (whiteout === undefined) return false;
  if (entry.content === undefined && entry.size === 0 && whiteout.kind !== 'metadata') return true;
  throw new WherryError(
    'COPY_FAILED',
    `Cannot copy "/${formatWhiteout(whiteout)}": in a layer this name means that a file was removed`,
    {
      hint: 'Names that begin with ".wh." cannot be in an image; leave the file out or rename it.',
    },
  );
}

/** Whether the block under way, of `length` bytes, ends before this entry. */
function endsBefore(header: TarHeader, length: number, encodedLength: number): boolean {
  const size = encodedLength + header.size + padding(header.size);
  if (length + Math.min(size, encodedLength + mebibyte) > maxBlock) return true;
  return length >= minBlock && crc32(header.path) / 2 ** 32 < size / spread;
}

function readAtOnce(entry: FileEntry, block: BlockBuilder, files: FileOpener): Body {
  const content = contentOf(entry);
  if (content.kind === 'stream') throw new TypeError('a stream is not read at once');
  if (content.kind === 'bytes') {
    if (content.bytes.length !== entry.size) throw changed(entry);
    block.append(content.bytes);
    return { digest: digestOf(content.bytes), bytes: content.bytes };
  }
  const file = files.open(entry, content);
  try {
    // One byte more than there should be, to see that there is none. An archive goes on behind the file.
    const more = content.offset === undefined ? 1 : 0;
    const target = block.reserve(entry.size + more);
    if (file.read(target, 0) !== entry.size) throw changed(entry);
    block.unreserve(more);
    const bytes = target.subarray(0, entry.size);
    return { digest: digestOf(bytes), bytes };
  } finally {
    file.close();
  }
}

interface PieceReader {
  readonly block: BlockBuilder;
  readonly files: FileOpener;
  readonly keep: boolean;
}

/** Reads content of any size; a block ends at every MiB of it. */
async function* readInPieces(
  entry: FileEntry,
  { block, files, keep }: PieceReader,
): AsyncGenerator<ArchiveBlock, Body, undefined> {
  const content = contentOf(entry);
  if (content.kind === 'file') return { digest: yield* readFile(entry, content, { block, files }) };
  const digester = createDigester();
  const kept: Buffer[] = [];
  let position = 0;
  for await (const piece of streamContent(entry)) {
    digester.update(piece);
    if (keep) kept.push(Buffer.from(piece));
    for (let at = 0; at < piece.length; ) {
      if (position > 0 && position % mebibyte === 0) yield { bytes: block.take(), last: false };
      const part = piece.subarray(at, at + mebibyte - (position % mebibyte));
      block.append(part);
      at += part.length;
      position += part.length;
    }
  }
  return { digest: digester.digest(), ...(keep ? { bytes: Buffer.concat(kept) } : {}) };
}

async function* readFile(
  entry: FileEntry,
  content: Content & { readonly kind: 'file' },
  { block, files }: Omit<PieceReader, 'keep'>,
): AsyncGenerator<ArchiveBlock, Digest, undefined> {
  const digester = createDigester();
  const file = files.open(entry, content);
  try {
    const modified = file.modified();
    for (let position = 0; position < entry.size; position += mebibyte) {
      if (position > 0) yield { bytes: block.take(), last: false };
      const target = block.reserve(Math.min(mebibyte, entry.size - position));
      if (file.read(target, position) !== target.length) throw changed(entry);
      digester.update(target);
    }
    if (content.offset === undefined && hasChanged(entry, file, modified)) throw changed(entry);
  } finally {
    file.close();
  }
  return digester.digest();
}
