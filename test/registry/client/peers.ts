// What the client's tests share: stand-ins for registries that record what they are asked, certificates, clients over empty
// homes, and bytes. All servers listen on loopback.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createRegistryClients,
  type RegistryClients,
  type RegistryClientsConfig,
} from '../../../registry/client/client.ts';
import { createTask, type Event, type Task } from '../../../src/task.ts';

/** Something to stop when a test file ends. */
const stops: (() => unknown)[] = [];

/** Has something stopped when the test file ends. */
export function atEnd(stop: () => unknown): void {
  stops.push(stop);
}

/** Stops all that was started; call it in the last test. */
export async function stopAll(): Promise<void> {
  for (const stop of stops.splice(0).reverse()) await stop();
}

process.setMaxListeners(0);

/** A directory that goes when the process ends. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'wherry-client-'));
  process.once('exit', () => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A request as a stand-in saw it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** A stand-in registry. `host` is `127.0.0.1:port`. */
export interface StandIn {
  readonly host: string;
  readonly origin: string;
  readonly seen: Seen[];
  readonly server: Server;
}

/** Answers a request after its body has come. */
export type Answer = (seen: Seen, response: ServerResponse, request: IncomingMessage) => unknown;

/** A server whose answers a test writes. With `tls`, over TLS by that key and certificate. */
export async function standIn(answer: Answer, tls?: { readonly key: string; readonly cert: string }): Promise<StandIn> {
  const seen: Seen[] = [];
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const item = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks),
      };
      seen.push(item);
      answer(item, response, request);
    });
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  const port = await listen(server);
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host: `127.0.0.1:${port}`, origin: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`, seen, server };
}

/** Listens on a free port of loopback. */
export function listen(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
}

/** Sends an answer. */
export function reply(
  response: ServerResponse,
  status: number,
  rest: { readonly headers?: Record<string, string>; readonly body?: string | Uint8Array } = {},
): void {
  const body = rest.body ?? '';
  response.writeHead(status, { 'content-length': String(Buffer.byteLength(body)), ...rest.headers });
  response.end(body);
}

/** A client over an empty home directory, and the events of its task. */
export interface Client extends RegistryClients {
  readonly task: Task;
  readonly events: Event[];
  readonly warnings: () => string[];
  readonly home: string;
}

/** Clients with quick retries; `auths` are written to their config.json. */
export function client(
  options: RegistryClientsConfig & { readonly config?: unknown; readonly signal?: AbortSignal } = {},
): Client {
  const home = temporaryDirectory();
  if (options.config !== undefined) writeFileSync(join(home, 'config.json'), JSON.stringify(options.config));
  const events: Event[] = [];
  const task = createTask({ signal: options.signal, onEvent: (event) => events.push(event) });
  const { config: _, signal: __, ...rest } = options;
  const clients = createRegistryClients(
    {
      env: { HOME: home, DOCKER_CONFIG: home, PATH: process.env['PATH'] },
      patience: { attempts: 4, delay: 5 },
      ...rest,
    },
    task,
  );
  stops.push(() => clients.close());
  const warnings = (): string[] => events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []));
  return { ...clients, task, events, warnings, home };
}

/** An entry of `auths`. */
export function auth(username: string, secret: string): { readonly auth: string } {
  return { auth: Buffer.from(`${username}:${secret}`).toString('base64') };
}

/** A key and a certificate for 127.0.0.1, localhost and registry.test. */
export function makeCertificate(): { readonly key: string; readonly cert: string; readonly certPath: string } {
  const directory = temporaryDirectory();
  const [keyPath, certPath] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
      ...[
        '-addext',
        'subjectAltName=DNS:localhost,DNS:registry.test,IP:127.0.0.1',
        '-keyout',
        keyPath,
        '-out',
        certPath,
      ],
    ],
    { stdio: 'ignore' },
  );
  return { key: readFileSync(keyPath, 'utf8'), cert: readFileSync(certPath, 'utf8'), certPath };
}

/** Random bytes, given in pieces of 64 KiB. */
export function pieces(size: number): {
  readonly bytes: Buffer;
  readonly open: (offset: number) => AsyncIterable<Uint8Array>;
} {
  const bytes = randomBytes(size);
  return {
    bytes,
    open: async function* (offset) {
      for (let at = offset; at < size; at += 65_536) yield bytes.subarray(at, Math.min(at + 65_536, size));
    },
  };
}

/** All bytes of a stream. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What a promise fails with. */
export async function failureOf(
  promise: Promise<unknown>,
): Promise<Error & { readonly code?: string; readonly hint?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error & { readonly code?: string };
  }
  throw new Error('it did not fail');
}

/** All items of a stream. */
export async function list<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}
