// One registry host: calls of the protocol → answers, with its scheme, authentication, redirects, retries, warnings and
// errors. All that manifests, blobs and lists have in common.
import { isError, WherryError } from '../../src/errors.ts';
import { type Endpoint, formatEndpoint } from '../endpoint.ts';
import { errorFromResponse } from '../wire-error.ts';
import { type Authenticator, createAuthenticator, type Need } from './auth/authenticator.ts';
import type { Credentials } from './auth/credentials.ts';
import type { RealmPolicy } from './auth/realm.ts';
import type { Transport } from './http.ts';
import { type Body, discardBody, type HttpRequest, type HttpResponse, readErrorBody } from './wire/message.ts';
import { follow, pointedTo } from './wire/redirect.ts';
import { type Patience, type Retrying, withRetries } from './wire/retry.ts';
import { findRoot, type Root, rootsOf } from './wire/scheme.ts';
import { createWarnings } from './wire/warnings.ts';

/** One call of the protocol. */
export interface Call {
  /** Completes "Cannot …", e.g. `read manifest "alpine:3"`. */
  readonly action: string;
  readonly need: Need;
  /** What is called: an endpoint, or a URL that the registry gave (an upload's session, a next page). */
  readonly to: Endpoint | { readonly kind: 'url'; readonly method: HttpRequest['method']; readonly url: URL };
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body;
  /** Statuses that are returned; any other is thrown as an error. */
  readonly accept: readonly number[] | 'any';
  /** The code of a 404 that says nothing. */
  readonly unknown?: 'MANIFEST_UNKNOWN' | 'BLOB_UNKNOWN' | 'BLOB_UPLOAD_UNKNOWN' | 'NAME_UNKNOWN';
  /**
   * When it may be sent again: after transient failures and a first 401 (default), after a 401 only, or never (then a 401
   * is an answer like others).
   */
  readonly repeat?: 'always' | 'after-login' | 'never';
  /** Redirects are answers like others. */
  readonly stay?: boolean;
}

/** One registry. */
export interface Host {
  /** As in references. */
  readonly name: string;
  readonly transport: Transport;
  readonly patience: Patience;
  /** Makes a call. The answer's body is read or destroyed by the caller. @throws a WherryError for any other status */
  call(call: Call): Promise<HttpResponse>;
  /** What a refused answer means. Its body is read. */
  errorOf(call: Call, response: HttpResponse): Promise<WherryError>;
  /** After a 401 to a call that is never repeated: gets a new token. @throws UNAUTHORIZED */
  renew(call: Call, response: HttpResponse): Promise<void>;
}

/** What a host works with. */
export interface HostOptions {
  readonly name: string;
  readonly transport: Transport;
  readonly credentials: Credentials;
  readonly policy: RealmPolicy;
  readonly patience: Patience;
  /** For a login: see `AuthenticatorOptions.strict`. */
  readonly strict?: boolean;
}

/** What a host knows of its registry. */
interface State extends HostOptions {
  readonly roots: readonly Root[];
  readonly retrying: Retrying;
  readonly authenticator: Authenticator;
  readonly warn: (header: string | undefined) => void;
  /** The `Authorization` that each answer's request carried. */
  readonly sent: WeakMap<HttpResponse, string>;
  root: Promise<Root> | undefined;
}

/** A registry by its name; nothing is sent yet. @throws REFERENCE_INVALID */
export function createHost(options: HostOptions): Host {
  const { name, transport, policy, patience } = options;
  const { task } = transport;
  const roots = possibleRoots(name, policy);
  const found = { root: roots[0] as Root };
  const state: State = {
    ...options,
    roots,
    retrying: { task, patience, pace: { until: 0 } },
    authenticator: createAuthenticator({
      host: name,
      root: () => found.root.url,
      credentials: options.credentials,
      policy,
      task,
      strict: options.strict ?? false,
      ask: (request) => askForToken(state, found.root, request),
    }),
    warn: createWarnings(name, task),
    sent: new WeakMap(),
    root: undefined,
  };
  const connected = async (): Promise<Root> => {
    found.root = await connect(state);
    return found.root;
  };
  return {
    name,
    transport,
    patience,
    errorOf: (call, response) => failureOf(state, call, response),
    renew: async (call, response) => void (await answer(state, call, response)),
    call: async (call) => {
      const attempt = async (): Promise<HttpResponse> => callOnce(state, call, await connected());
      const response = await ((call.repeat ?? 'always') === 'always'
        ? withRetries(state.retrying, attempt)
        : attempt());
      if (call.accept === 'any' || call.accept.includes(response.status)) return response;
      throw await failureOf(state, call, response);
    },
  };
}

function possibleRoots(name: string, policy: RealmPolicy): readonly Root[] {
  try {
    return rootsOf(name, policy.isInsecure);
  } catch (cause) {
    throw new WherryError('REFERENCE_INVALID', `Cannot use registry "${name}": it is not a valid host`, { cause });
  }
}

/** Finds the root once; a failure is forgotten, so that the next call tries again. */
function connect(state: State): Promise<Root> {
  const { transport, policy, authenticator } = state;
  state.root ??= findRoot(
    state.roots,
    (request) => follow((step) => transport.send(step), request, policy),
    state.retrying,
  ).then(
    (root) => {
      authenticator.learn(root.challenge);
      return root;
    },
    (error) => {
      state.root = undefined;
      throw error;
    },
  );
  return state.root;
}

function askForToken({ transport, policy, patience }: State, root: Root, request: HttpRequest): Promise<HttpResponse> {
  const own = root.insecure && request.url.hostname === root.url.hostname;
  const insecure = own || policy.isInsecure(request.url.host);
  return withRetries({ task: transport.task, patience }, () =>
    follow((step) => transport.send(step), { ...request, insecure }, { ...policy, limit: 5 }),
  );
}

/** A call, and once more after a 401 with what its challenge asks for. */
async function callOnce(state: State, call: Call, root: Root): Promise<HttpResponse> {
  const request = requestOf(call, root);
  const authorization = await state.authenticator.header(call.need);
  const response = await send(state, { call, root, request, authorization });
  // A 401 of another origin (a store that was redirected to) is not the registry's.
  if (response.status !== 401 || call.repeat === 'never' || response.url.origin !== root.url.origin) return response;
  return send(state, { call, root, request, authorization: await answer(state, call, response) });
}

function requestOf({ headers, body, to }: Call, root: Root): HttpRequest {
  if (to.kind === 'url') return { method: to.method, url: to.url, headers, body };
  const { method, path } = formatEndpoint(to);
  return { method: method as HttpRequest['method'], url: new URL(path, root.url), headers, body };
}

interface Sending {
  readonly call: Call;
  readonly root: Root;
  readonly request: HttpRequest;
  readonly authorization: string | undefined;
}

async function send({ transport, policy, warn, sent }: State, sending: Sending): Promise<HttpResponse> {
  const { call, root, request, authorization } = sending;
  const headers = { ...request.headers, ...(authorization === undefined ? {} : { authorization }) };
  const made: HttpRequest =
    request.url.origin === root.url.origin
      ? { ...request, headers, insecure: root.insecure }
      : await pointedTo({ ...request, url: root.url }, { target: request.url, from: root.url, policy });
  const response =
    call.stay === true ? await transport.send(made) : await follow((step) => transport.send(step), made, policy);
  if (response.url.origin === root.url.origin) warn(response.headers.get('warning'));
  if (authorization !== undefined) sent.set(response, authorization);
  return response;
}

async function answer({ authenticator, sent }: State, { need }: Call, response: HttpResponse): Promise<string> {
  await discardBody(response);
  const challenge = response.headers.get('www-authenticate');
  return authenticator.answer({ need, sent: sent.get(response), challenge });
}

const requestIds = ['x-request-id', 'x-github-request-id', 'x-ms-correlation-request-id', 'x-amzn-requestid'];

async function failureOf({ authenticator }: State, call: Call, response: HttpResponse): Promise<WherryError> {
  const { action, unknown, need } = call;
  const { status } = response;
  const body = await readErrorBody(response);
  if (status === 407)
    return new WherryError('NETWORK_FAILED', `Cannot ${action}: the proxy wants a login`, {
      hint: 'Put user and password into the proxy URL (HTTPS_PROXY=http://user:password@host:port).',
      detail: { status },
    });
  const requestId = requestIds.map((name) => response.headers.get(name)).find((id) => id !== undefined);
  const error = errorFromResponse({ action, status, body, requestId, ...(unknown ? { unknown } : {}) });
  if (status !== 401) return error;
  const hint = await authenticator.hint(need.repository);
  return new WherryError(error.code, error.message, { hint, detail: error.detail });
}

/** The status of an answer that became an error; undefined for any other error. */
export function statusOf(error: unknown): number | undefined {
  if (!isError(error)) return undefined;
  const status = (error.detail as { readonly status?: unknown } | undefined)?.status;
  return typeof status === 'number' ? status : undefined;
}
