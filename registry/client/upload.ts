// A blob's bytes → a registry: start a session, put all bytes in one request of known length; chunks only where a registry
// refuses that (distribution spec, "Pushing blobs"). A failed put is resumed or replayed in a new session.
import { isError, WherryError } from '../../src/errors.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { algorithmOf, createDigester } from '../../src/oci/digest.ts';
import { uploadChunks, uploadStatus } from './chunks.ts';
import { hasBlob } from './download.ts';
import type { Call, Host } from './host.ts';
import { nameOf, pushNeed } from './manifests.ts';
import { locationOf, type Upload } from './session.ts';
import { bodyOf, discardBody, type HttpResponse } from './wire/message.ts';
import { delayOf, isTransient, isTransientStatus, pause, retryAfterOf } from './wire/retry.ts';

/** How a put went. */
type Outcome =
  | { readonly kind: 'done' }
  /** Again in a new session, after `wait` milliseconds. */
  | {
      readonly kind: 'again';
      readonly why: 'token' | 'session' | 'transient';
      readonly error: unknown;
      readonly wait?: number;
    }
  | { readonly kind: 'chunks' };

/** Statuses of registries, or of proxies before them, that take no (or no such long) body in one piece. */
const refusesWhole: ReadonlySet<number> = new Set([405, 411, 413, 415, 501]);
/** Blobs below are sent again rather than resumed. */
const worthResuming = 8 * 1024 * 1024;

/** Stores a blob unless it is there; `session` is one that a mount has opened. Errors as of `Registry.pushBlob`. */
export async function uploadBlob(upload: Upload, session?: URL): Promise<void> {
  const { host, repository, descriptor } = upload;
  if (await isThere(upload)) return;
  const counted = countOnce(upload);
  const tries = { token: 0, session: 0, transient: 0 };
  const limits = { token: 1, session: 1, transient: host.patience.attempts - 1 };
  let opened = session;
  for (;;) {
    opened ??= await startUpload(host, repository, descriptor);
    if (opened === undefined) return;
    const outcome = await putWhole(counted, opened);
    if (outcome.kind === 'done') return;
    if (outcome.kind === 'chunks') {
      const fresh = await startUpload(host, repository, descriptor);
      return fresh === undefined ? undefined : uploadChunks(counted, fresh);
    }
    if (++tries[outcome.why] > limits[outcome.why]) throw outcome.error;
    if (outcome.why === 'transient') {
      await pause(Math.max(outcome.wait ?? 0, delayOf(host.patience, tries.transient)), host.transport.task);
      if (await isThere(upload)) return;
      if (await resume(counted, opened)) return;
    }
    opened = undefined;
  }
}

/** A registry that will not say whether it has a blob is taken to have it not. */
async function isThere({ host, repository, descriptor }: Upload): Promise<boolean> {
  try {
    return await hasBlob(host, repository, descriptor);
  } catch (error) {
    if (isError(error, 'UNAUTHORIZED', 'DENIED', 'UNSUPPORTED', 'PROTOCOL_INVALID')) return false;
    throw error;
  }
}

/** Opens a session; undefined where the registry says that it has the blob already. */
async function startUpload(host: Host, repository: string, descriptor: Descriptor): Promise<URL | undefined> {
  const algorithm = algorithmOf(descriptor.digest);
  const response = await host.call({
    action: `write blob "${nameOf(host, repository, descriptor.digest)}"`,
    need: pushNeed(repository),
    to: { kind: 'start-upload', repository, ...(algorithm === 'sha256' ? {} : { algorithm }) },
    body: bodyOf(new Uint8Array(0)),
    accept: [201, 202],
  });
  await discardBody(response);
  return response.status === 201 ? undefined : locationOf(response);
}

function putCall(upload: Upload, session: URL, start: number): Call {
  const { host, repository, descriptor } = upload;
  const url = new URL(session);
  url.searchParams.append('digest', descriptor.digest);
  const range = start === 0 ? {} : { 'content-range': `${start}-${descriptor.size - 1}` };
  return {
    action: `write blob "${nameOf(host, repository, descriptor.digest)}"`,
    need: pushNeed(repository),
    to: { kind: 'url', method: 'PUT', url },
    headers: { 'content-type': 'application/octet-stream', ...range },
    body: { size: descriptor.size - start, open: () => (start === 0 ? checkedBytes(upload) : upload.open(start)) },
    accept: 'any',
    unknown: 'BLOB_UPLOAD_UNKNOWN',
    repeat: 'never',
  };
}

async function putWhole(upload: Upload, session: URL): Promise<Outcome> {
  const call = putCall(upload, session, 0);
  let response: HttpResponse;
  try {
    response = await upload.host.call(call);
  } catch (error) {
    if (isTransient(error)) return { kind: 'again', why: 'transient', error };
    throw error;
  }
  if ([200, 201, 202, 204].includes(response.status)) {
    await discardBody(response);
    return { kind: 'done' };
  }
  if (response.status === 401) {
    // The token ran out while the bytes went: a session belongs to its token on some registries, so both are new.
    await upload.host.renew(call, response);
    return {
      kind: 'again',
      why: 'token',
      error: new WherryError('UNAUTHORIZED', `Cannot ${call.action}: access was refused again`),
    };
  }
  if (refusesWhole.has(response.status)) {
    await discardBody(response);
    return { kind: 'chunks' };
  }
  const wait = retryAfterOf(response.headers);
  const error = await upload.host.errorOf(call, response);
  if (isTransientStatus(response.status))
    return { kind: 'again', why: 'transient', error, ...(wait === undefined ? {} : { wait }) };
  const lost =
    response.status === 404 || response.status === 416 || isError(error, 'BLOB_UPLOAD_INVALID', 'BLOB_UPLOAD_UNKNOWN');
  if (lost) return { kind: 'again', why: 'session', error };
  throw error;
}

/** Sends what is missing of a long blob to its old session; false where that does not work out. */
async function resume(upload: Upload, session: URL): Promise<boolean> {
  const { host, descriptor } = upload;
  if (descriptor.size < worthResuming) return false;
  try {
    const status = await uploadStatus(upload, session);
    if (status === undefined || status.offset <= 1 || status.offset >= descriptor.size) return false;
    const response = await host.call(putCall(upload, status.session, status.offset));
    await discardBody(response);
    return [200, 201, 204].includes(response.status);
  } catch (error) {
    if (isTransient(error) || isError(error, 'PROTOCOL_INVALID')) return false;
    throw error;
  }
}

/** All bytes of a blob; the last of them only once size and digest are known to be right. */
async function* checkedBytes({ descriptor, open }: Upload): AsyncGenerator<Uint8Array> {
  const digester = createDigester(algorithmOf(descriptor.digest));
  let size = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of open(0)) {
    if (held !== undefined) yield held;
    size += chunk.byteLength;
    if (size > descriptor.size) break;
    digester.update(chunk);
    held = chunk;
  }
  const name = `Cannot write blob "${descriptor.digest}"`;
  if (size !== descriptor.size)
    throw new WherryError('SIZE_INVALID', `${name}: it has ${size} bytes, its descriptor says ${descriptor.size}`);
  const actual = digester.digest();
  if (actual !== descriptor.digest)
    throw new WherryError('DIGEST_MISMATCH', `${name}: its bytes have digest "${actual}"`);
  if (held !== undefined) yield held;
}

/** The same upload, but bytes that are sent again are not counted again. */
function countOnce(upload: Upload): Upload {
  let highest = 0;
  const open = async function* (offset: number): AsyncGenerator<Uint8Array> {
    let position = offset;
    for await (const chunk of upload.open(offset)) {
      yield chunk;
      position += chunk.byteLength;
      if (position > highest) upload.onBytes(position - highest);
      highest = Math.max(highest, position);
    }
  };
  return { ...upload, open };
}

/**
 * Makes a blob of another repository one of `repository`. Where the registry opens a session instead, that is returned to
 * be used by the upload; false where it refuses.
 */
export async function mountBlob(
  host: Host,
  repository: string,
  { descriptor, from }: { readonly descriptor: Descriptor; readonly from: string },
): Promise<boolean | URL> {
  const { digest } = descriptor;
  try {
    const response = await host.call({
      action: `mount blob "${nameOf(host, repository, digest)}"`,
      need: { repository, scopes: [...pushNeed(repository).scopes, `repository:${from}:pull`] },
      to: { kind: 'start-upload', repository, mount: digest, from },
      body: bodyOf(new Uint8Array(0)),
      accept: [201, 202],
    });
    await discardBody(response);
    return response.status === 201 ? true : locationOf(response);
  } catch (error) {
    // Registries refuse mounts with almost any status (400, 401, 403, 404, 405, 5xx): an upload will tell.
    if (isError(error, 'ABORTED', 'CREDENTIALS_FAILED')) throw error;
    return false;
  }
}
