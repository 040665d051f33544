// A blob in chunks, for registries that refuse it in one piece: PATCH by PATCH, each at the offset that the registry has,
// closed by an empty PUT (distribution spec, "Pushing a blob in chunks").
import { type Call, statusOf } from './host.ts';
import { nameOf, pushNeed } from './manifests.ts';
import { locationOf, type Upload } from './session.ts';
import { bodyOf, discardBody, type HttpResponse } from './wire/message.ts';
import { delayOf, isTransient, pause } from './wire/retry.ts';

/** Where an upload stands. */
export interface UploadStatus {
  readonly session: URL;
  /** Bytes that the registry has. */
  readonly offset: number;
}

const chunkSize = 16 * 1024 * 1024;
const largestChunk = 1024 * 1024 * 1024;

/** Sends all bytes to a fresh session. Errors as of `Registry.pushBlob`. */
export async function uploadChunks(upload: Upload, opened: URL): Promise<void> {
  const { host, descriptor } = upload;
  let status: UploadStatus = { session: opened, offset: 0 };
  let size = chunkSize;
  for (let idle = 1; status.offset < descriptor.size; ) {
    try {
      const response = await host.call(patchCall(upload, status, size));
      await discardBody(response);
      size = Math.max(size, Math.min(Number(response.headers.get('oci-chunk-min-length') ?? 0) || 0, largestChunk));
      const { offset } = status;
      status = statusFrom(response, Math.min(offset + size, descriptor.size));
      idle = status.offset > offset ? 1 : idle + 1;
      if (idle > host.patience.attempts)
        throw await host.errorOf(callOf(upload, { kind: 'url', method: 'PATCH', url: opened }), response);
    } catch (error) {
      if ((!isTransient(error) && statusOf(error) !== 416) || idle >= host.patience.attempts) throw error;
      await pause(delayOf(host.patience, idle++), host.transport.task);
      status = (await uploadStatus(upload, status.session)) ?? status;
    }
  }
  const url = new URL(status.session);
  url.searchParams.append('digest', descriptor.digest);
  const call = callOf(upload, { kind: 'url', method: 'PUT', url });
  await discardBody(await host.call({ ...call, body: bodyOf(new Uint8Array(0)), accept: [200, 201, 204] }));
}

function callOf({ host, repository, descriptor }: Upload, to: Extract<Call['to'], { kind: 'url' }>): Call {
  const action = `write blob "${nameOf(host, repository, descriptor.digest)}"`;
  return { action, need: pushNeed(repository), to, accept: [], unknown: 'BLOB_UPLOAD_UNKNOWN' };
}

function patchCall(upload: Upload, { session, offset }: UploadStatus, size: number): Call {
  const end = Math.min(offset + size, upload.descriptor.size);
  return {
    ...callOf(upload, { kind: 'url', method: 'PATCH', url: session }),
    headers: { 'content-type': 'application/octet-stream', 'content-range': `${offset}-${end - 1}` },
    body: { size: end - offset, open: () => firstBytes(upload.open(offset), end - offset) },
    // ECR answers 201.
    accept: [201, 202, 204],
    repeat: 'after-login',
  };
}

async function* firstBytes(bytes: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const chunk of bytes) {
    yield chunk.subarray(0, left);
    left -= Math.min(left, chunk.byteLength);
    if (left === 0) return;
  }
}

/** Asks where an upload stands; undefined where the registry does not know. */
export async function uploadStatus(upload: Upload, session: URL): Promise<UploadStatus | undefined> {
  const call = callOf(upload, { kind: 'url', method: 'GET', url: session });
  const response = await upload.host.call({ ...call, accept: 'any' });
  await discardBody(response);
  if (response.status !== 204 && response.status !== 202) return undefined;
  return statusFrom(response, 0, session);
}

/** `Range: 0-<last>` and `Location` of an answer. `0-0` may mean none or one byte: it counts as none. */
function statusFrom(response: HttpResponse, expected: number, session?: URL): UploadStatus {
  const last = /^(?:bytes=)?0-(\d+)$/.exec(response.headers.get('range')?.trim() ?? '')?.[1];
  const offset = last === undefined ? expected : last === '0' && expected !== 1 ? 0 : Number(last) + 1;
  const known = response.headers.has('location') ? locationOf(response) : session;
  return { session: known ?? locationOf(response), offset };
}
