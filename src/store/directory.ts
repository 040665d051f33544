// Blobs in a folder: `blobs/<algorithm>/<encoded>` of an OCI image layout (image spec, image-layout.md). A blob is written
// to a temporary file of the same file system while it is digested, then fsynced, made read-only and renamed.
import { constants } from 'node:fs';
import { chmod, type FileHandle, open, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { WherryError } from '../errors.ts';
import {
  type Algorithm,
  algorithmOf,
  createDigester,
  type Digest,
  type Digester,
  digestOf,
  encodedOf,
  isDigest,
} from '../oci/digest.ts';
import type { BlobStore, BlobWriter, StoredBlob } from './blob-store.ts';
import { ioError, isSystemError, makeFolder, namesIn, syncFolder, writeFully } from './files.ts';
import { touch } from './session.ts';
import { digestError, type Expected, readWhole, sizeError, verified } from './verify.ts';

const chunkSize = 256 * 1024;

/** What a directory of blobs needs: where it is, and where its temporary files go (same file system). */
export interface DirectoryOptions {
  /** The folder `blobs` of a layout. */
  readonly path: string;
  /** A path of no file yet. */
  temporary(): Promise<string>;
  /** Blobs last used before this time (ms) are marked as used when they are looked up. */
  readonly usedSince: number;
}

/** The blobs below `options.path`, which need not exist yet. */
export function createDirectoryBlobs(options: DirectoryOptions): BlobStore {
  const pathOf = (digest: Digest): string => join(options.path, algorithmOf(digest), encodedOf(digest));
  const blobs: BlobStore = {
    size: (digest) => sizeAt(pathOf(digest), options.usedSince),
    open: (descriptor, offset = 0) => openAt(pathOf(descriptor.digest), descriptor, offset),
    read: (descriptor) => readWhole(blobs.open(descriptor), descriptor),
    put: async (bytes) => {
      const digest = digestOf(bytes);
      if ((await blobs.size(digest)) === bytes.byteLength) return { digest, size: bytes.byteLength };
      const writer = await blobs.create();
      try {
        await writer.write(bytes);
        return await writer.commit();
      } catch (error) {
        await writer.abort();
        throw error;
      }
    },
    create: async (algorithm = 'sha256') => createWriter({ temporary: await options.temporary(), algorithm, pathOf }),
    delete: async (digest) => {
      const path = pathOf(digest);
      try {
        await unlink(path);
        return true;
      } catch (cause) {
        if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) return false;
        throw ioError(cause, 'remove', path);
      }
    },
    list: () => listBelow(options.path),
  };
  return blobs;
}

async function sizeAt(path: string, usedSince: number): Promise<number | undefined> {
  try {
    const found = await stat(path);
    if (!found.isFile()) return undefined;
    if (found.mtimeMs < usedSince) await touch(path);
    return found.size;
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) return undefined;
    throw ioError(cause, 'read', path);
  }
}

async function* openAt(path: string, expected: Expected, offset: number): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = await openFile(path, expected.digest);
  try {
    const { size } = await handle.stat();
    if (size !== expected.size) throw sizeError(expected, String(size));
    const chunks = chunksOf(handle, path, offset);
    yield* offset === 0
      ? verified(chunks, expected, `Remove "${path}", which is damaged, and fetch or build it again.`)
      : chunks;
  } finally {
    await handle.close();
  }
}

async function openFile(path: string, digest: Digest): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    // A foreign layout may hold links to any file, or pipes that would block.
    handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT', 'ENOTDIR'))
      throw new WherryError('BLOB_UNKNOWN', `Cannot open blob "${digest}": it is not in the store`, { cause });
    if (isSystemError(cause, 'ELOOP', 'EMLINK'))
      throw new WherryError('STORE_INVALID', `Cannot open blob "${digest}": "${path}" is a symbolic link`, { cause });
    throw ioError(cause, 'read', path);
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new WherryError('STORE_INVALID', `Cannot open blob "${digest}": "${path}" is no regular file`);
}

async function* chunksOf(
  handle: FileHandle,
  path: string,
  offset: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let position = offset; ; ) {
    const chunk = Buffer.allocUnsafeSlow(chunkSize);
    const { bytesRead } = await handle.read(chunk, 0, chunkSize, position).catch((cause) => {
      throw ioError(cause, 'read', path);
    });
    if (bytesRead === 0) return;
    position += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

async function* listBelow(path: string): AsyncGenerator<StoredBlob, void, undefined> {
  for (const algorithm of await namesIn(path)) {
    for (const encoded of await namesIn(join(path, algorithm))) {
      const digest = `${algorithm}:${encoded}`;
      if (!isDigest(digest)) continue;
      const found = await stat(join(path, algorithm, encoded)).catch(() => undefined);
      if (found?.isFile()) yield { digest, size: found.size };
    }
  }
}

interface WriterOptions {
  readonly temporary: string;
  readonly algorithm: Algorithm;
  pathOf(digest: Digest): string;
}

async function createWriter(options: WriterOptions): Promise<BlobWriter> {
  const { temporary } = options;
  const handle = await open(temporary, 'wx+', 0o600).catch((cause) => {
    throw ioError(cause, 'write', temporary);
  });
  return new DirectoryWriter(options, handle);
}

class DirectoryWriter implements BlobWriter {
  size = 0;
  readonly #options: WriterOptions;
  readonly #handle: FileHandle;
  readonly #digester: Digester;
  #isEnded = false;
  #isFailed = false;

  constructor(options: WriterOptions, handle: FileHandle) {
    this.#options = options;
    this.#handle = handle;
    this.#digester = createDigester(options.algorithm);
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#isEnded || this.#isFailed)
      throw new WherryError('IO_FAILED', `Cannot write "${this.#options.temporary}": the blob has ended`);
    const position = this.size;
    this.size += bytes.byteLength;
    try {
      const written = writeFully(this.#handle, bytes, position);
      this.#digester.update(bytes);
      await written;
    } catch (cause) {
      this.#isFailed = true;
      throw ioError(cause, 'write', this.#options.temporary);
    }
  }

  async commit(expected?: Expected): Promise<StoredBlob> {
    if (this.#isEnded || this.#isFailed)
      throw new WherryError('IO_FAILED', `Cannot store "${this.#options.temporary}": the blob has ended or failed`);
    try {
      const digest = await this.#digest(expected);
      await this.#place(this.#options.pathOf(digest));
      return { digest, size: this.size };
    } catch (cause) {
      await this.abort();
      throw ioError(cause, 'write', this.#options.temporary);
    }
  }

  async abort(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    await this.#handle.close().catch(() => undefined);
    await rm(this.#options.temporary, { force: true }).catch(() => undefined);
  }

  async #digest(expected: Expected | undefined): Promise<Digest> {
    if (expected !== undefined && expected.size !== this.size) throw sizeError(expected, String(this.size));
    const { size } = await this.#handle.stat();
    if (size !== this.size)
      throw new WherryError(
        'IO_FAILED',
        `Cannot write "${this.#options.temporary}": ${size} of ${this.size} bytes are there`,
      );
    const digest = this.#digester.digest();
    if (expected === undefined || expected.digest === digest) return digest;
    if (algorithmOf(expected.digest) === this.#options.algorithm) throw digestError(expected, digest);
    for await (const _ of verified(chunksOf(this.#handle, this.#options.temporary, 0), expected));
    return expected.digest;
  }

  async #place(path: string): Promise<void> {
    const { temporary } = this.#options;
    // Whoever has the blob already keeps it; ours is dropped. It is made young first, lest gc remove it meanwhile.
    if ((await sizeAt(path, Number.POSITIVE_INFINITY).catch(() => undefined)) === this.size) return this.abort();
    await this.#handle.sync();
    await this.#handle.close();
    await chmod(temporary, 0o444);
    await makeFolder(dirname(path));
    await rename(temporary, path);
    this.#isEnded = true;
    await syncFolder(dirname(path));
  }
}
