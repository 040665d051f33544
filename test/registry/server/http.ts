// A raw HTTP client for the server's tests: what is sent and received is exactly what stands here.
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import * as assert from 'uvu/assert';
import type { Backend } from '../../../registry/backend.ts';
import { createMemoryRegistry } from '../../../registry/memory.ts';
import { type ServedRegistry, type ServerOptions, serveRegistry } from '../../../registry/server/server.ts';
import { type Digest, digestOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-types.ts';

/** An answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Sends one request on a connection of its own. */
export function send(
  base: string,
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Answer> {
  const url = new URL(base);
  return new Promise((resolve, reject) => {
    const headers = {
      ...(options.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(options.body)) }),
      ...options.headers,
    };
    const sent = request({ host: url.hostname, port: url.port, method, path, headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      );
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(options.body);
  });
}

/** Sends bytes and returns all that comes back. */
export function sendRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (part) => (answer += part.toString('latin1')));
    socket.on('end', () => resolve(answer));
    socket.on('error', reject);
    socket.setTimeout(5000, () => socket.destroy(new Error('no end')));
  });
}

/** Runs `work` against a served registry, in memory unless another is given. */
export async function withServer(
  work: (server: ServedRegistry) => Promise<void>,
  options: Partial<ServerOptions> & { backend?: Backend } = {},
): Promise<void> {
  const { backend = createMemoryRegistry(), ...rest } = options;
  const server = await serveRegistry(backend, { host: '127.0.0.1', port: 0, ...rest });
  try {
    await work(server);
  } finally {
    await server.close();
  }
}

/** The code of an error's body. */
export function codeOf(answer: Answer): string {
  assert.is(answer.headers['content-type'], 'application/json');
  assert.is(answer.headers['content-length'], String(answer.body.byteLength));
  return JSON.parse(answer.body.toString()).errors[0].code;
}

/** Pushes a blob with one POST. */
export async function pushBlob(base: string, repository: string, content: string | Buffer): Promise<Digest> {
  const digest = digestOf(content);
  const answer = await send(base, 'POST', `/v2/${repository}/blobs/uploads/?digest=${digest}`, { body: content });
  assert.is(answer.status, 201, answer.body.toString());
  return digest;
}

/** Text of a manifest with one config and one layer, which are pushed. */
export async function pushParts(
  base: string,
  repository: string,
  label: string,
  more: Record<string, unknown> = {},
): Promise<string> {
  const [config, layer] = [
    Buffer.from(`{"os":"linux","architecture":"amd64","author":"${label}"}`),
    Buffer.from(`layer ${label}`),
  ];
  const descriptors = [
    { mediaType: mediaTypes.config, digest: await pushBlob(base, repository, config), size: config.length },
    { mediaType: mediaTypes.layer, digest: await pushBlob(base, repository, layer), size: layer.length },
  ];
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: descriptors[0],
    layers: [descriptors[1]],
    ...more,
  });
}

/** Puts a manifest's text. */
export function putManifest(
  base: string,
  path: string,
  text: string,
  type: string = mediaTypes.manifest,
): Promise<Answer> {
  return send(base, 'PUT', path, { body: text, headers: { 'content-type': type } });
}
