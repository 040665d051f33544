// A blob's bytes, from the first source that has them (mirrors, then the registry): checked as they pass, resumed by Range
// after a drop, at another source where one fails (distribution spec, "Pulling blobs"; RFC 9110, section 14).
import { isError, WherryError } from '../../src/errors.ts';
import { type Descriptor, verifyBytes } from '../../src/oci/descriptor.ts';
import { algorithmOf, createDigester } from '../../src/oci/digest.ts';
import type { OnBytes } from '../registry.ts';
import { type Host, statusOf } from './host.ts';
import { nameOf, pullNeed } from './manifests.ts';
import { discardBody, type HttpResponse } from './wire/message.ts';
import { delayOf, isTransient, pause } from './wire/retry.ts';

/** A place that may have a blob. `report` hears why it was given up. */
export interface Source {
  readonly host: Host;
  readonly repository: string;
  readonly report: (error: unknown) => void;
}

/** Blobs that every registry would send alike. */
const wellKnown: ReadonlyMap<string, Uint8Array> = new Map([
  ['sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', new Uint8Array(0)],
  ['sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', Buffer.from('{}')],
]);
/** Smaller blobs are read whole before any byte is given on, so that a mirror's wrong bytes do no harm. */
const heldBack = 4 * 1024 * 1024;
/** Bytes after which a connection counts as having brought something. */
const progressSize = 256 * 1024;

/** The bytes of a blob from the first of `sources` that delivers; errors as of `Registry.openBlob`. */
export async function* downloadBlob(
  sources: readonly Source[],
  descriptor: Descriptor,
  onBytes: OnBytes = () => {},
): AsyncGenerator<Uint8Array> {
  const known = knownBytes(descriptor);
  if (known !== undefined) {
    onBytes(known.byteLength);
    if (known.byteLength > 0) yield known;
    return;
  }
  const [last] = sources.slice(-1);
  if (last === undefined) throw new TypeError('a download needs a source');
  if (descriptor.size > heldBack || sources.length === 1) return yield* downloadFrom(sources, descriptor, onBytes);
  for (const source of sources) {
    try {
      const chunks: Uint8Array[] = [];
      for await (const chunk of downloadFrom([source], descriptor, () => {})) chunks.push(chunk);
      onBytes(descriptor.size);
      return yield* chunks;
    } catch (error) {
      if (source === last || isError(error, 'ABORTED')) throw error;
      source.report(error);
    }
  }
}

/** Bytes that need no download: a well-known blob, or the descriptor's own `data` if it is right. */
function knownBytes(descriptor: Descriptor): Uint8Array | undefined {
  const known =
    wellKnown.get(descriptor.digest) ??
    (descriptor.data === undefined ? undefined : Buffer.from(descriptor.data, 'base64'));
  if (known === undefined) return undefined;
  try {
    verifyBytes(known, descriptor);
    return known;
  } catch (error) {
    if (wellKnown.has(descriptor.digest)) throw error;
    return undefined;
  }
}

async function* downloadFrom(
  sources: readonly Source[],
  descriptor: Descriptor,
  onBytes: OnBytes,
): AsyncGenerator<Uint8Array> {
  const digester = createDigester(algorithmOf(descriptor.digest));
  let have = 0;
  for (const [index, source] of sources.entries()) {
    try {
      for await (const chunk of resumed(source, descriptor, have)) {
        have += chunk.byteLength;
        digester.update(chunk);
        onBytes(chunk.byteLength);
        // The last bytes are given only once all are known to be right.
        if (have === descriptor.size) checkDigest(source, descriptor, digester.digest());
        yield chunk;
      }
      return;
    } catch (error) {
      const useless = have === descriptor.size || isError(error, 'ABORTED');
      source.report(error);
      if (index === sources.length - 1 || useless) throw error;
    }
  }
}

function checkDigest({ host, repository }: Source, { digest }: Descriptor, actual: string): void {
  if (actual === digest) return;
  throw new WherryError(
    'DIGEST_MISMATCH',
    `Cannot read blob "${nameOf(host, repository, digest)}": its bytes have digest "${actual}"`,
    { hint: 'The registry, or something between, changed the bytes.' },
  );
}

/** The bytes from `start` on, of one source; resumed as long as connections bring something. */
async function* resumed(source: Source, descriptor: Descriptor, start: number): AsyncGenerator<Uint8Array> {
  const { host } = source;
  let have = start;
  let ranges = true;
  for (let idle = 1; have < descriptor.size; ) {
    const before = have;
    try {
      const response = await request(source, descriptor, ranges ? have : 0);
      let skip = ranges ? skipOf(source, response, have, descriptor) : have;
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        const fresh = chunk.subarray(Math.min(skip, chunk.byteLength));
        skip -= chunk.byteLength - fresh.byteLength;
        if (fresh.byteLength === 0) continue;
        have += fresh.byteLength;
        if (have > descriptor.size) throw wrongSize(source, descriptor, `more than ${descriptor.size}`);
        yield fresh;
      }
      if (have < descriptor.size) throw cutShort(source, descriptor, have);
    } catch (error) {
      if ((isError(error, 'RANGE_INVALID') || statusOf(error) === 416) && ranges && have > 0) ranges = false;
      else if (!isTransient(error)) throw error;
      if (have - before >= progressSize) idle = 1;
      if (idle >= host.patience.attempts) throw error;
      await pause(delayOf(host.patience, idle++), host.transport.task);
    }
  }
}

/** Asks the registry itself each time: where it redirected to before is not ours to keep. */
async function request({ host, repository }: Source, descriptor: Descriptor, have: number): Promise<HttpResponse> {
  const { digest, size } = descriptor;
  return host.call({
    action: `read blob "${nameOf(host, repository, digest)}"`,
    need: pullNeed(repository),
    to: { kind: 'get-blob', repository, digest, head: false },
    headers: have > 0 ? { range: `bytes=${have}-${size - 1}` } : {},
    accept: have > 0 ? [200, 206] : [200],
    unknown: 'BLOB_UNKNOWN',
  });
}

/** How many bytes of the answer are already there. @throws SIZE_INVALID, RANGE_INVALID (the body is dropped) */
function skipOf(source: Source, response: HttpResponse, have: number, descriptor: Descriptor): number {
  const { size } = descriptor;
  if (response.status === 206) {
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
    const right = range !== null && Number(range[1]) === have && Number(range[2]) === size - 1;
    if (right && (range[3] === '*' || Number(range[3]) === size)) return 0;
    response.body.destroy();
    throw new WherryError(
      'RANGE_INVALID',
      `Cannot resume blob "${descriptor.digest}": "${source.host.name}" sent another range`,
    );
  }
  const length = response.headers.get('content-length');
  if (length !== undefined && Number(length) !== size) {
    response.body.destroy();
    throw wrongSize(source, descriptor, length);
  }
  return have;
}

function wrongSize({ host, repository }: Source, { digest, size }: Descriptor, sent: string): WherryError {
  const name = nameOf(host, repository, digest);
  return new WherryError(
    'SIZE_INVALID',
    `Cannot read blob "${name}": it has ${sent} bytes, its descriptor says ${size}`,
  );
}

function cutShort({ host, repository }: Source, { digest, size }: Descriptor, have: number): WherryError {
  const name = nameOf(host, repository, digest);
  return new WherryError('NETWORK_FAILED', `Cannot read blob "${name}": it ended after ${have} of ${size} bytes`, {
    detail: { reason: 'ECONNRESET' },
  });
}

/** Whether a repository has a blob. @throws as `Host.call` but BLOB_UNKNOWN */
export async function hasBlob(host: Host, repository: string, descriptor: Descriptor): Promise<boolean> {
  const { digest } = descriptor;
  const response = await host.call({
    action: `find blob "${nameOf(host, repository, digest)}"`,
    need: pullNeed(repository),
    to: { kind: 'get-blob', repository, digest, head: true },
    accept: [200, 404],
  });
  await discardBody(response);
  return response.status === 200;
}
