// One HTTP request in, one response out: the only place that knows node-fetch, agents and proxies. No redirects, no
// retries, no credentials: those are redirect.ts, retry.ts and auth/. Bytes pass as they are on the wire.
import { setMaxListeners } from 'node:events';
import type { Agent, ClientRequest } from 'node:http';
import type { LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import type fetchFunction from 'node-fetch';
import { WherryError } from '../../src/errors.ts';
import type { Task } from '../../src/task.ts';
import { guardedLookup, isLoopback } from './wire/addresses.ts';
import { networkFailure, proxyRefusal } from './wire/failure.ts';
import { type Body, type HttpRequest, type HttpResponse, parseUrl, redactUrl } from './wire/message.ts';
import { follow } from './wire/redirect.ts';
import { defaultPatience, withRetries } from './wire/retry.ts';

/** Milliseconds without a byte until a server counts as gone. */
const patience = { idle: 60_000, afterBody: 300_000 } as const;
const maxSockets = 32;

/** Keeps connections, one pool for each origin, until `close`. The task's signal aborts all requests. */
export class Transport {
  readonly task: Task;
  readonly #agents = new Map<string, Agent>();
  readonly #running = new Set<AbortController>();
  readonly #idle: number;
  readonly #abortAll = (): void => {
    for (const controller of this.#running) controller.abort();
  };

  constructor(task: Task, options: { readonly idleTimeout?: number } = {}) {
    this.task = task;
    this.#idle = options.idleTimeout ?? patience.idle;
    // Each download at the same time listens; that is no leak.
    setMaxListeners(0, task.signal);
    task.signal.addEventListener('abort', this.#abortAll);
  }

  /** Sends a request. @throws NETWORK_FAILED, ABORTED */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const exchange = new Exchange(request, this.task.signal, this.#idle);
    this.#running.add(exchange.controller);
    const done = (): void => void this.#running.delete(exchange.controller);
    try {
      const fetch = await importFetch();
      const agent = await this.#agentFor(request);
      const response = await exchange.run(fetch, agent);
      response.body.once('close', done);
      return response;
    } catch (error) {
      done();
      throw error;
    }
  }

  /** Ends all connections; requests under way fail. */
  close(): void {
    this.task.signal.removeEventListener('abort', this.#abortAll);
    this.#abortAll();
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  async #agentFor(request: HttpRequest): Promise<Agent> {
    const { url, insecure = false, pointedBy } = request;
    const key = `${url.origin} ${insecure} ${pointedBy ?? ''}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const made = await createAgent(url, {
      keepAlive: true,
      maxSockets,
      rejectUnauthorized: !insecure,
      ...(pointedBy === undefined ? {} : { lookup: guardedLookup(pointedBy) }),
    });
    const again = this.#agents.get(key) ?? made;
    if (again !== made) made.destroy();
    this.#agents.set(key, again);
    return again;
  }
}

let fetchOnce: Promise<typeof fetchFunction> | undefined;

/** Importing node-fetch takes 29 ms: only who speaks HTTP pays. */
function importFetch(): Promise<typeof fetchFunction> {
  fetchOnce ??= import('node-fetch').then((module) => module.default);
  return fetchOnce;
}

interface AgentOptions {
  readonly keepAlive: boolean;
  readonly maxSockets: number;
  readonly rejectUnauthorized: boolean;
  readonly lookup?: LookupFunction;
}

async function createAgent(url: URL, options: AgentOptions): Promise<Agent> {
  const proxy = isLoopback(url.hostname) ? '' : (await import('proxy-from-env')).getProxyForUrl(url.href);
  const secure = url.protocol === 'https:';
  if (proxy === '')
    return secure ? new (await import('node:https')).Agent(options) : new (await import('node:http')).Agent(options);
  // The proxy resolves the name, and its own address is the user's choice.
  const { keepAlive, maxSockets: sockets, rejectUnauthorized } = options;
  try {
    const module = secure ? await import('https-proxy-agent') : await import('http-proxy-agent');
    const agentOptions = { keepAlive, maxSockets: sockets };
    const agent =
      'HttpsProxyAgent' in module
        ? new module.HttpsProxyAgent(proxy, agentOptions)
        : new module.HttpProxyAgent(proxy, agentOptions);
    if (secure) agent.on('proxyConnect', refuse);
    // Options of the constructor count for the proxy's certificate, these for the server's.
    agent.options = { ...agent.options, rejectUnauthorized };
    return agent;
  } catch (cause) {
    throw new WherryError('NETWORK_FAILED', `Cannot use proxy "${redactUrl(proxy)}": it is not a valid URL`, {
      hint: 'Check HTTP_PROXY, HTTPS_PROXY and NO_PROXY.',
      cause,
    });
  }
}

/** Without this the proxy's refusal would pass for the server's answer. A 407 is an answer: who called tells of logins. */
function refuse({ statusCode }: { readonly statusCode: number }, request: ClientRequest): void {
  if (statusCode !== 200 && statusCode !== 407) request.destroy(proxyRefusal(statusCode));
}

/** A request under way: its watch for silence and its abort. Time that we ourselves take (a slow source or sink) does not count. */
class Exchange {
  readonly controller = new AbortController();
  readonly #request: HttpRequest;
  readonly #signal: AbortSignal;
  readonly #idle: number;
  #timer: NodeJS.Timeout | undefined;
  #timedOut = false;
  #sent: boolean;
  /** Why the request's own body failed: node-fetch would wrap it into a failure of the network. */
  #bodyError: unknown;

  constructor(request: HttpRequest, signal: AbortSignal, idle: number) {
    this.#request = request;
    this.#signal = signal;
    this.#idle = idle;
    this.#sent = request.body === undefined;
  }

  async run(fetch: typeof fetchFunction, agent: Agent): Promise<HttpResponse> {
    const { method, url, headers = {}, body } = this.#request;
    if (this.#signal.aborted) throw this.#failure(this.#signal.reason);
    this.#watch();
    try {
      const response = await fetch(url, {
        method,
        headers: {
          'user-agent': 'wherry',
          'accept-encoding': 'identity',
          ...(body === undefined ? {} : { 'content-length': String(body.size) }),
          ...headers,
        },
        body: body === undefined ? null : Readable.from(this.#outgoing(body), { objectMode: false }),
        redirect: 'manual',
        compress: false,
        agent,
        signal: this.controller.signal,
      });
      this.#unwatch();
      const inner = response.body as Readable | null;
      const outer = Readable.from(this.#incoming(inner ?? []), { objectMode: false, highWaterMark: 1 << 17 });
      outer.once('close', () => this.#closed(inner));
      return { status: response.status, headers: new Map(response.headers), body: outer, url };
    } catch (error) {
      this.#unwatch();
      this.controller.abort();
      throw this.#failure(error);
    }
  }

  async *#outgoing(body: Body): AsyncGenerator<Uint8Array> {
    this.#unwatch();
    try {
      for await (const chunk of body.open()) {
        this.#watch();
        yield chunk;
        this.#unwatch();
      }
    } catch (error) {
      this.#bodyError = error;
      throw error;
    }
    this.#sent = true;
    this.#watch(Math.max(this.#idle, patience.afterBody));
  }

  async *#incoming(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      this.#watch();
      for await (const chunk of body) {
        this.#unwatch();
        yield chunk;
        this.#watch();
      }
    } catch (error) {
      throw this.#failure(error);
    } finally {
      this.#unwatch();
    }
  }

  #closed(body: Readable | null): void {
    this.#unwatch();
    body?.destroy();
    // An answer that came before the whole request body was taken ends the upload.
    if (!this.#sent) this.controller.abort();
  }

  #watch(milliseconds = this.#idle): void {
    this.#unwatch();
    this.#timer = setTimeout(() => {
      this.#timedOut = true;
      this.controller.abort();
    }, milliseconds);
  }

  #unwatch(): void {
    clearTimeout(this.#timer);
  }

  #failure(error: unknown): unknown {
    if (this.#bodyError !== undefined) return this.#bodyError;
    if (error instanceof WherryError) return error;
    if (this.#signal.aborted) return new WherryError('ABORTED', 'Interrupted', { cause: this.#signal.reason });
    return networkFailure(error, { ...this.#request, timedOut: this.#timedOut });
  }
}

/** What `download` may be told. */
export interface DownloadOptions {
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  readonly task: Task;
  /** Hosts (`host[:port]`) whose certificates are not verified. */
  readonly insecureHosts?: readonly string[];
}

/**
 * Gets any http(s) URL, following redirects; transient failures are tried again. Headers go to the URL's own origin only,
 * credentials of registries are never used. The answer may have any status; who gets it reads or destroys the body.
 * @throws ARGUMENT_INVALID, NETWORK_FAILED, PROTOCOL_INVALID, ABORTED
 */
export async function download(text: string, options: DownloadOptions): Promise<HttpResponse> {
  const url = parseUrl(text);
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new WherryError('ARGUMENT_INVALID', `Cannot download "${redactUrl(text)}": it is not an http or https URL`);
  const transport = new Transport(options.task);
  const isInsecure = (host: string): boolean => options.insecureHosts?.includes(host) ?? false;
  const request: HttpRequest = {
    method: options.method ?? 'GET',
    url: withoutUser(url),
    headers: { ...userHeader(url), ...lowerCased(options.headers ?? {}) },
    insecure: isInsecure(url.host),
  };
  try {
    const response = await withRetries({ task: options.task, patience: defaultPatience }, () =>
      follow((step) => transport.send(step), request, { isInsecure }),
    );
    response.body.once('close', () => transport.close());
    return response;
  } catch (error) {
    transport.close();
    throw error;
  }
}

function withoutUser(url: URL): URL {
  const copy = new URL(url);
  copy.username = '';
  copy.password = '';
  return copy;
}

function userHeader(url: URL): Record<string, string> {
  if (url.username === '' && url.password === '') return {};
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
