// The embedded registry: any Backend behind HTTP (OCI distribution spec 1.1). Each request becomes an Endpoint, and each
// kind of endpoint has one handler; errors become the spec's JSON.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { messageOf, WherryError } from '../../src/errors.ts';
import type { Backend } from '../backend.ts';
import { type Endpoint, parseEndpoint } from '../endpoint.ts';
import { cancelUpload, deleteBlob, finishUpload, getBlob, getUpload, patchUpload, startUpload } from './blobs.ts';
import { answerError, answerJson, type Exchange } from './exchange.ts';
import { type Gatekeeper, openHtpasswd } from './htpasswd.ts';
import { listReferrers, listRepositories, listTags } from './lists.ts';
import { deleteManifest, getManifest, putManifest } from './manifests.ts';
import { checkOrigin } from './origin.ts';
import { Uploads } from './uploads.ts';

/** One request that was answered. `error` is what lies behind a status of 500 or above. */
export interface RequestRecord {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly status: number;
  /** Milliseconds it took. */
  readonly duration: number;
  readonly error?: unknown;
}

/** How a registry is served. */
export interface ServerOptions {
  /** Address or name to listen on. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Refuses all that would change something. */
  readonly readOnly?: boolean;
  /** Path of a password file (`htpasswd -B`); without it everybody may do everything. */
  readonly htpasswd?: string;
  /** Ends the server, as `close` does. */
  readonly signal?: AbortSignal;
  readonly onRequest?: (record: RequestRecord) => void;
  /** Upload sessions open at once (default 1000) and milliseconds until an idle one ends (default one hour). */
  readonly uploads?: { readonly count?: number; readonly idle?: number };
}

/** A registry that is being served. */
export interface ServedRegistry {
  /** `http://host:port` */
  readonly url: string;
  readonly port: number;
  /** Takes no more connections, lets requests under way finish for a few seconds, and drops unfinished uploads. */
  close(): Promise<void>;
}

/** Serves `backend` until it is closed or the signal is aborted. Errors: ARGUMENT_INVALID (password file), IO_FAILED (address) */
export async function serveRegistry(backend: Backend, options: ServerOptions): Promise<ServedRegistry> {
  const gatekeeper = options.htpasswd === undefined ? undefined : await openHtpasswd(options.htpasswd);
  const uploads = new Uploads(backend, {
    count: options.uploads?.count ?? 1000,
    idle: options.uploads?.idle ?? 3_600_000,
  });
  const room: Room = { backend, uploads, gatekeeper, options };
  // A slow upload is fine, a slow header or a silent peer is not.
  const server = createServer(
    { headersTimeout: 15_000, requestTimeout: 0, keepAliveTimeout: 15_000, connectionsCheckingInterval: 5_000 },
    (request, response) => {
      void respond(room, request, response);
    },
  );
  server.timeout = 120_000;
  server.maxConnections = 2000;
  const port = await listen(server, options);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= shutDown(server, uploads);
    return closing;
  };
  if (options.signal?.aborted) await close();
  options.signal?.addEventListener('abort', () => void close().catch(() => undefined), { once: true });
  return { url: `http://${isIP(options.host) === 6 ? `[${options.host}]` : options.host}:${port}`, port, close };
}

interface Room {
  readonly backend: Backend;
  readonly uploads: Uploads;
  readonly gatekeeper: Gatekeeper | undefined;
  readonly options: ServerOptions;
}

async function listen(server: Server, { host, port }: ServerOptions): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new WherryError('IO_FAILED', `Cannot listen on "${host}:${port}": ${messageOf(cause)}`, {
          cause,
          hint: 'Use another address or port.',
        }),
      );
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

async function shutDown(server: Server, uploads: Uploads): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), 3_000);
  await closed;
  clearTimeout(timer);
  await uploads.close();
}

async function respond(room: Room, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const began = performance.now();
  const { method = '' } = request;
  const url = urlOf(request);
  let failure: unknown;
  response.once('close', () => {
    const status = response.statusCode;
    const error = failure === undefined || status < 500 ? {} : { error: failure };
    room.options.onRequest?.({
      method,
      path: url?.pathname ?? '',
      status,
      duration: Math.round(performance.now() - began),
      ...error,
    });
  });
  response.setHeader('docker-distribution-api-version', 'registry/2.0');
  response.setHeader('x-content-type-options', 'nosniff');
  try {
    checkOrigin(request.headers, room.options.host);
    await admit(room, request, response);
    const endpoint = url === undefined ? undefined : parseEndpoint(method, url);
    if (url === undefined || endpoint === undefined)
      throw new WherryError('NAME_UNKNOWN', 'Cannot answer: there is nothing at this path');
    if (room.options.readOnly === true) refuseWriting(endpoint);
    await handle({ request, response, url, backend: room.backend, uploads: room.uploads }, endpoint);
  } catch (error) {
    failure = error;
    answerError({ response }, error);
  }
}

/** The path is never taken for a host (`//host/path`) or a whole URL. */
function urlOf(request: IncomingMessage): URL | undefined {
  const path = request.url ?? '';
  try {
    return path.startsWith('/') ? new URL(`http://localhost${path}`) : undefined;
  } catch {
    return undefined;
  }
}

async function admit({ gatekeeper }: Room, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (gatekeeper === undefined || (await gatekeeper.admits(request.headers.authorization))) return;
  response.setHeader('www-authenticate', 'Basic realm="wherry"');
  throw new WherryError('UNAUTHORIZED', 'Cannot answer without a valid user name and password');
}

function refuseWriting(endpoint: Endpoint): void {
  switch (endpoint.kind) {
    case 'start-upload':
    case 'patch-upload':
    case 'finish-upload':
    case 'put-manifest':
      throw new WherryError('DENIED', `Cannot push to repository "${endpoint.repository}": this registry is read-only`);
    case 'cancel-upload':
    case 'delete-manifest':
    case 'delete-blob':
      throw new WherryError(
        'UNSUPPORTED',
        `Cannot delete in repository "${endpoint.repository}": this registry is read-only`,
        { detail: { allow: 'GET, HEAD' } },
      );
    default:
  }
}

function handle(exchange: Exchange, endpoint: Endpoint): void | Promise<void> {
  switch (endpoint.kind) {
    case 'ping':
      return answerJson(exchange, {});
    case 'get-blob':
      return getBlob(exchange, endpoint);
    case 'delete-blob':
      return deleteBlob(exchange, endpoint);
    case 'start-upload':
      return startUpload(exchange, endpoint);
    case 'patch-upload':
      return patchUpload(exchange, endpoint);
    case 'finish-upload':
      return finishUpload(exchange, endpoint);
    case 'get-upload':
      return getUpload(exchange, endpoint);
    case 'cancel-upload':
      return cancelUpload(exchange, endpoint);
    case 'get-manifest':
      return getManifest(exchange, endpoint);
    case 'put-manifest':
      return putManifest(exchange, endpoint);
    case 'delete-manifest':
      return deleteManifest(exchange, endpoint);
    case 'list-tags':
      return listTags(exchange, endpoint);
    case 'list-repositories':
      return listRepositories(exchange, endpoint);
    case 'list-referrers':
      return listReferrers(exchange, endpoint);
  }
}
