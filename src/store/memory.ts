// Blobs in memory: what a test, or an image that is only passed through, needs. Same contract as the directory of blobs.
import { WherryError } from '../errors.ts';
import { type Algorithm, algorithmOf, createDigester, type Digest, digestOf } from '../oci/digest.ts';
import type { BlobStore, BlobWriter, StoredBlob } from './blob-store.ts';
import { digestError, type Expected, readWhole, sizeError, verified } from './verify.ts';

/** An empty store. Its bytes are copies and are not changed. */
export function createMemoryBlobs(): BlobStore {
  const contents = new Map<Digest, Uint8Array>();
  const blobs: BlobStore = {
    size: async (digest) => contents.get(digest)?.byteLength,
    open: (descriptor, offset = 0) => chunksOf(contents, descriptor, offset),
    read: (descriptor) => readWhole(blobs.open(descriptor), descriptor),
    put: async (bytes) => {
      const digest = digestOf(bytes);
      if (!contents.has(digest)) contents.set(digest, Uint8Array.from(bytes));
      return { digest, size: bytes.byteLength };
    },
    create: async (algorithm = 'sha256') => new MemoryWriter(contents, algorithm),
    delete: async (digest) => contents.delete(digest),
    list: async function* () {
      for (const [digest, bytes] of contents) yield { digest, size: bytes.byteLength };
    },
  };
  return blobs;
}

const chunkSize = 256 * 1024;

async function* chunksOf(
  contents: ReadonlyMap<Digest, Uint8Array>,
  expected: Expected,
  offset: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const bytes = contents.get(expected.digest);
  if (bytes === undefined)
    throw new WherryError('BLOB_UNKNOWN', `Cannot open blob "${expected.digest}": it is not in the store`);
  if (bytes.byteLength !== expected.size) throw sizeError(expected, String(bytes.byteLength));
  const chunks = slicesOf(bytes, offset);
  yield* offset === 0 ? verified(chunks, expected) : chunks;
}

async function* slicesOf(bytes: Uint8Array, offset: number): AsyncGenerator<Uint8Array, void, undefined> {
  // Copies: a taker may change what it was given.
  for (let position = offset; position < bytes.byteLength; position += chunkSize)
    yield bytes.slice(position, position + chunkSize);
}

class MemoryWriter implements BlobWriter {
  size = 0;
  readonly #contents: Map<Digest, Uint8Array>;
  readonly #algorithm: Algorithm;
  #parts: Uint8Array[] = [];
  #isEnded = false;

  constructor(contents: Map<Digest, Uint8Array>, algorithm: Algorithm) {
    this.#contents = contents;
    this.#algorithm = algorithm;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#isEnded) throw new WherryError('IO_FAILED', 'Cannot write blob: it has ended');
    this.#parts.push(Uint8Array.from(bytes));
    this.size += bytes.byteLength;
  }

  async commit(expected?: Expected): Promise<StoredBlob> {
    if (this.#isEnded) throw new WherryError('IO_FAILED', 'Cannot store blob: it has ended');
    const parts = this.#parts;
    await this.abort();
    if (expected !== undefined && expected.size !== this.size) throw sizeError(expected, String(this.size));
    const digester = createDigester(expected === undefined ? this.#algorithm : algorithmOf(expected.digest));
    for (const part of parts) digester.update(part);
    const digest = digester.digest();
    if (expected !== undefined && expected.digest !== digest) throw digestError(expected, digest);
    if (!this.#contents.has(digest))
      this.#contents.set(digest, parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts));
    return { digest, size: this.size };
  }

  async abort(): Promise<void> {
    this.#isEnded = true;
    this.#parts = [];
  }
}
