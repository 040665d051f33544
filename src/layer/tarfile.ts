// Layers as uncompressed tars on disk, for content that is wanted from the middle of a layer. A tar is made once, from
// the layer's blob, and only a tar whose digest is the diffId ever gets its name.
import { randomBytes } from 'node:crypto';
import { access, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isError, messageOf, WherryError } from '../errors.ts';
import { createDigester, diffIdOf, encodedOf } from '../oci/digest.ts';
import type { BlobStore } from '../store/blob-store.ts';
import { decompressByContent } from '../tar/decompress.ts';
import type { Content } from '../tar/entry.ts';
import { streamContent } from './content.ts';
import type { Layer } from './layer.ts';
import type { TocEntry } from './toc.ts';

export interface LayerTarOptions {
  /** Folder of the uncompressed tars; it is made when needed. Files in it may be deleted when nothing reads them. */
  readonly directory: string;
  readonly blobs: BlobStore;
  readonly layer: Layer;
  /** Most bytes of the tar; more are TOO_LARGE. Default 64 GiB. */
  readonly limit?: number;
}

const underWay = new Map<string, Promise<string>>();

/**
 * Path of the layer's uncompressed tar, made from its blob unless it is there. Atomic: other processes see all of it or
 * nothing. @throws DIGEST_MISMATCH when the blob is not a layer of that diffId; BLOB_UNKNOWN, ARCHIVE_INVALID, IO_FAILED
 */
export function openLayerTar(options: LayerTarOptions): Promise<string> {
  const path = join(options.directory, `${encodedOf(options.layer.diffId)}.tar`);
  const running = underWay.get(path);
  if (running !== undefined) return running;
  const made = makeTar(path, options).finally(() => underWay.delete(path));
  underWay.set(path, made);
  return made;
}

async function makeTar(path: string, options: LayerTarOptions): Promise<string> {
  if (await exists(path)) return path;
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await mkdir(options.directory, { recursive: true });
    const file = await open(temporary, 'wx', 0o600);
    try {
      await writeTar(file, options);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    return path;
  } catch (error) {
    await rm(temporary, { force: true });
    if (error instanceof WherryError || !(error instanceof Error && 'syscall' in error)) throw error;
    throw new WherryError('IO_FAILED', `Cannot unpack layer "${options.layer.diffId}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function writeTar(
  file: Awaited<ReturnType<typeof open>>,
  { blobs, layer, limit }: LayerTarOptions,
): Promise<void> {
  const digester = createDigester();
  let position = 0;
  const blob = blobs.open(layer.descriptor);
  for await (const chunk of decompressByContent(blob, limit === undefined ? {} : { limit })) {
    digester.update(chunk);
    for (let at = 0; at < chunk.length; ) {
      const { bytesWritten } = await file.write(chunk, at, chunk.length - at, position);
      at += bytesWritten;
      position += bytesWritten;
    }
  }
  const diffId = diffIdOf(digester.digest());
  if (diffId !== layer.diffId)
    throw new WherryError('DIGEST_MISMATCH', `Cannot use layer "${layer.diffId}": its bytes have digest "${diffId}"`);
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

/** For `stackTree`: contents in an uncompressed tar that is there. */
export function contentInTar(path: string): (entry: TocEntry) => Content {
  return (entry) => ({ kind: 'file', path, offset: entry.offset });
}

/** For `stackTree`: contents in a tar that `open` makes when the first of them is read. */
export function contentInLayer(open: () => Promise<string>): (entry: TocEntry) => Content {
  return (entry) => ({
    kind: 'stream',
    open: async function* () {
      if (entry.size === 0) return;
      let begun = false;
      const read = async function* (): AsyncGenerator<Uint8Array> {
        for await (const piece of streamContent({
          ...entry,
          content: { kind: 'file', path: await open(), offset: entry.offset },
        })) {
          begun = true;
          yield piece;
        }
      };
      try {
        yield* read();
      } catch (error) {
        // The tar may have been deleted since it was made, by another process: make it again, once.
        if (!isError(error, 'COPY_FAILED') || begun) throw error;
        yield* read();
      }
    },
  });
}
