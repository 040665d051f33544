// Handlers for blobs (distribution spec, end-2, end-10) and their uploads (end-4 to end-6, end-11, end-13, end-14).
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { WherryError } from '../../src/errors.ts';
import type { Digest } from '../../src/oci/digest.ts';
import type { StoredBlob } from '../../src/store/blob-store.ts';
import { type Endpoint, formatEndpoint } from '../endpoint.ts';
import { answer, type Exchange, isUnchanged } from './exchange.ts';
import { type ByteRange, formatProgress, parseContentRange, parseRange } from './range.ts';
import type { Upload } from './uploads.ts';

/** The endpoint of one kind. */
export type Of<Kind extends Endpoint['kind']> = Extract<Endpoint, { readonly kind: Kind }>;

/** Sends a blob or a range of it. Should its bytes turn out damaged, the connection is cut before the last of them. */
export async function getBlob(exchange: Exchange, { repository, digest, head }: Of<'get-blob'>): Promise<void> {
  const { request, response, backend } = exchange;
  const size = await backend.blobSize(repository, digest);
  if (size === undefined)
    throw new WherryError('BLOB_UNKNOWN', `Cannot find blob "${digest}": repository "${repository}" does not have it`, {
      detail: { digest },
    });
  const etag = { etag: `"${digest}"`, 'docker-content-digest': digest };
  if (isUnchanged(request, digest)) return answer(exchange, 304, etag);
  const range = head ? undefined : rangeOf(exchange, size, digest);
  const { start, end } = range ?? { start: 0, end: size - 1 };
  const headers = {
    ...etag,
    'content-type': 'application/octet-stream',
    'content-length': end - start + 1,
    'accept-ranges': 'bytes',
    'content-security-policy': "default-src 'none'; sandbox",
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
  };
  const status = range === undefined ? 200 : 206;
  if (head || end < start) return answer(exchange, status, headers);
  response.writeHead(status, headers);
  await pipeline(
    Readable.from(slice(backend.openBlobFrom(repository, { digest, size }, start), end - start + 1)),
    response,
  );
}

function rangeOf({ request, response }: Exchange, size: number, digest: Digest): ByteRange | undefined {
  const condition = request.headers['if-range'];
  if (condition !== undefined && condition !== `"${digest}"`) return undefined;
  try {
    return parseRange(request.headers.range, size);
  } catch (error) {
    response.setHeader('content-range', `bytes */${size}`);
    throw error;
  }
}

/** The first `size` bytes. The last chunk is only given when the source has ended without an error, or has enough. */
async function* slice(chunks: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = size;
  let held: Uint8Array | undefined;
  for await (const chunk of chunks) {
    if (held !== undefined) {
      yield held;
      left -= held.byteLength;
    }
    held = chunk.subarray(0, Math.min(chunk.byteLength, left));
    if (held.byteLength < chunk.byteLength) break;
  }
  if (held !== undefined && held.byteLength > 0) yield held;
}

export async function deleteBlob(exchange: Exchange, { repository, digest }: Of<'delete-blob'>): Promise<void> {
  await exchange.backend.deleteBlob(repository, digest);
  answer(exchange, 202);
}

/** Mounts a blob, takes a whole one, or opens a session: whichever the request asks for and is possible. */
export async function startUpload(exchange: Exchange, endpoint: Of<'start-upload'>): Promise<void> {
  const { repository, mount, from, digest, algorithm } = endpoint;
  if (mount !== undefined && from !== undefined && (await isMounted(exchange, repository, mount, from)))
    return answerCreated(exchange, repository, mount);
  const upload = await exchange.uploads.start(repository, algorithm);
  if (digest === undefined) return answerProgress(exchange, upload, 202);
  try {
    await append(exchange, upload);
    await upload.writer.commit({ digest, size: upload.writer.size });
  } finally {
    await exchange.uploads.end(upload);
  }
  answerCreated(exchange, repository, digest);
}

async function isMounted({ backend }: Exchange, repository: string, digest: Digest, from: string): Promise<boolean> {
  const size = await backend.blobSize(from, digest);
  return (
    size !== undefined && backend.mountBlob(repository, { mediaType: 'application/octet-stream', digest, size }, from)
  );
}

export async function patchUpload(exchange: Exchange, { repository, session }: Of<'patch-upload'>): Promise<void> {
  await exchange.uploads.use(repository, session, async (upload) => {
    await append(exchange, upload);
    answerProgress(exchange, upload, 202);
  });
}

export async function finishUpload(
  exchange: Exchange,
  { repository, session, digest }: Of<'finish-upload'>,
): Promise<void> {
  await exchange.uploads.use(repository, session, async (upload) => {
    await append(exchange, upload);
    await commit(exchange, upload, digest);
    answerCreated(exchange, repository, digest);
  });
}

async function commit(exchange: Exchange, upload: Upload, digest: Digest): Promise<StoredBlob> {
  try {
    return await upload.writer.commit({ digest, size: upload.writer.size });
  } finally {
    await exchange.uploads.end(upload);
  }
}

/** Adds the request's body to the upload. A chunk that does not continue it is refused before it is read. */
async function append(exchange: Exchange, upload: Upload): Promise<void> {
  const { request, response, uploads } = exchange;
  const range = parseContentRange(request.headers['content-range']);
  const length = request.headers['content-length'];
  if (range !== undefined && range.start !== upload.writer.size) {
    response.setHeader('location', locationOf(upload));
    response.setHeader('range', formatProgress(upload.writer.size));
    throw new WherryError(
      'RANGE_INVALID',
      `Cannot continue upload at byte ${range.start}: ${upload.writer.size} bytes are here`,
    );
  }
  const announced = range === undefined ? undefined : range.end - range.start + 1;
  if (announced !== undefined && length !== undefined && Number(length) !== announced)
    throw new WherryError(
      'SIZE_INVALID',
      `Cannot continue upload: Content-Range says ${announced} bytes, Content-Length ${length}`,
    );
  const limit = announced === undefined ? Number.POSITIVE_INFINITY : upload.writer.size + announced;
  for await (const chunk of request) {
    if (upload.writer.size + chunk.length > limit) {
      await uploads.end(upload);
      throw new WherryError(
        'SIZE_INVALID',
        `Cannot continue upload: the chunk has more bytes than its Content-Range says`,
      );
    }
    try {
      await upload.writer.write(chunk);
    } catch (error) {
      await uploads.end(upload);
      throw error;
    }
  }
}

export async function getUpload(exchange: Exchange, { repository, session }: Of<'get-upload'>): Promise<void> {
  answerProgress(exchange, exchange.uploads.find(repository, session), 204);
}

export async function cancelUpload(exchange: Exchange, { repository, session }: Of<'cancel-upload'>): Promise<void> {
  await exchange.uploads.use(repository, session, (upload) => exchange.uploads.end(upload));
  answer(exchange, 204);
}

function answerProgress(exchange: Exchange, upload: Upload, status: 202 | 204): void {
  answer(exchange, status, {
    location: locationOf(upload),
    range: formatProgress(upload.writer.size),
    'docker-upload-uuid': upload.id,
  });
}

function answerCreated(exchange: Exchange, repository: string, digest: Digest): void {
  const { path } = formatEndpoint({ kind: 'get-blob', repository, digest, head: false });
  answer(exchange, 201, { location: path, 'docker-content-digest': digest });
}

/** Always the same for a session: the offset is not part of it, so that an older answer's location still works. */
function locationOf({ repository, id }: Upload): string {
  return formatEndpoint({ kind: 'get-upload', repository, session: id }).path;
}
