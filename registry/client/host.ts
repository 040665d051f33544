// One registry host: calls of the protocol → answers, with its scheme, authentication, redirects, retries, warnings and
// errors. All that manifests, blobs and lists have in common.
import { isError, WherryError } from '../../src/errors.ts';
import { type Endpoint, formatEndpoint } from '../endpoint.ts';
import { errorFromResponse } from '../wire-error.ts';
import { createAuthenticator, type Need } from './auth/authenticator.ts';
import type { Credentials } from './auth/credentials.ts';
import type { RealmPolicy } from './auth/realm.ts';
import type { Transport } from './http.ts';
import { type Body, discardBody, type HttpRequest, type HttpResponse, readErrorBody } from './wire/message.ts';
import { follow, pointedTo } from './wire/redirect.ts';
import { type Pace, type Patience, withRetries } from './wire/retry.ts';
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
  /** Finds the registry's root. `authorization`, where given, is tried on it: for login. */
  connect(): Promise<Root>;
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

/** A registry by its name; nothing is sent yet. @throws REFERENCE_INVALID */
export function createHost(options: HostOptions): Host {
  const { name, transport, policy, patience } = options;
  const { task } = transport;
  const roots = possibleRoots(name, policy);
  const pace: Pace = { until: 0 };
  const warn = createWarnings(name, task);
  const retrying = { task, patience, pace };
  const sent = new WeakMap<HttpResponse, string>();
  let root: Promise<Root> | undefined;
  let found: Root | undefined;

  const send = (request: HttpRequest): Promise<HttpResponse> => transport.send(request);
  const authenticator = createAuthenticator({
    host: name,
    root: () => (found ?? (roots[0] as Root)).url,
    credentials: options.credentials,
    policy,
    task,
    strict: options.strict ?? false,
    ask: (request) =>
      withRetries({ task, patience }, () =>
        follow(
          send,
          { ...request, insecure: policy.isInsecure(request.url.host) || isOwn(request.url) },
          { ...policy, limit: 5 },
        ),
      ),
  });
  const isOwn = (url: URL): boolean => found?.insecure === true && url.hostname === found.url.hostname;

  const connect = (): Promise<Root> => {
    root ??= findRoot(roots, (request) => follow(send, request, policy), retrying).then(
      (answer) => {
        found = answer;
        authenticator.learn(answer.challenge);
        return answer;
      },
      (error) => {
        root = undefined;
        throw error;
      },
    );
    return root;
  };

  const attempt = async (
    call: Call,
    request: HttpRequest,
    authorization: string | undefined,
  ): Promise<HttpResponse> => {
    const base = await connect();
    const own = request.url.origin === base.url.origin;
    const headers = { ...request.headers, ...(authorization === undefined || !own ? {} : { authorization }) };
    const made: HttpRequest = own
      ? { ...request, headers, insecure: base.insecure }
      : await pointedTo({ ...request, url: base.url }, { target: request.url, from: base.url, policy });
    const response = call.stay === true ? await send(made) : await follow(send, made, policy);
    if (response.url.origin === base.url.origin) warn(response.headers.get('warning'));
    if (authorization !== undefined) sent.set(response, authorization);
    return response;
  };

  const answer = async (call: Call, response: HttpResponse): Promise<string> => {
    await discardBody(response);
    const challenge = response.headers.get('www-authenticate');
    return authenticator.answer({ need: call.need, sent: sent.get(response), challenge });
  };

  const tryCall = async (call: Call): Promise<HttpResponse> => {
    const base = await connect();
    const request = requestOf(call, base);
    const response = await attempt(call, request, await authenticator.header(call.need));
    // A 401 of another origin (a store that was redirected to) is not the registry's.
    if (response.status !== 401 || call.repeat === 'never' || response.url.origin !== base.url.origin) return response;
    return attempt(call, request, await answer(call, response));
  };

  const failure = async (call: Call, response: HttpResponse): Promise<WherryError> => {
    const hint = response.status === 401 ? await authenticator.hint(call.need.repository) : undefined;
    return errorOf(call, response, hint);
  };

  return {
    name,
    transport,
    patience,
    connect,
    errorOf: failure,
    renew: async (call, response) => void (await answer(call, response)),
    call: async (call) => {
      const repeat = call.repeat ?? 'always';
      const response = repeat === 'always' ? await withRetries(retrying, () => tryCall(call)) : await tryCall(call);
      if (call.accept === 'any' || call.accept.includes(response.status)) return response;
      throw await failure(call, response);
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

function requestOf(call: Call, root: Root): HttpRequest {
  const { headers, body, to } = call;
  if (to.kind === 'url') return { method: to.method, url: to.url, headers, body };
  const { method, path } = formatEndpoint(to);
  return { method: method as HttpRequest['method'], url: new URL(path, root.url), headers, body };
}

const requestIds = ['x-request-id', 'x-github-request-id', 'x-ms-correlation-request-id', 'x-amzn-requestid'];

async function errorOf(call: Call, response: HttpResponse, hint: string | undefined): Promise<WherryError> {
  const body = await readErrorBody(response);
  if (response.status === 407)
    return new WherryError('NETWORK_FAILED', `Cannot ${call.action}: the proxy wants a login`, {
      hint: 'Put user and password into the proxy URL (HTTPS_PROXY=http://user:password@host:port).',
      detail: { status: 407 },
    });
  const requestId = requestIds.map((name) => response.headers.get(name)).find((id) => id !== undefined);
  const { action, unknown } = call;
  const error = errorFromResponse({
    action,
    status: response.status,
    body,
    requestId,
    ...(unknown ? { unknown } : {}),
  });
  return hint === undefined ? error : new WherryError(error.code, error.message, { hint, detail: error.detail });
}

/** The status of an answer that became an error; undefined for any other error. */
export function statusOf(error: unknown): number | undefined {
  if (!isError(error)) return undefined;
  const status = (error.detail as { readonly status?: unknown } | undefined)?.status;
  return typeof status === 'number' ? status : undefined;
}
