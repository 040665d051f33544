// Follows redirects by hand, since a redirect is a stranger's word: credentials and other headers go only to the origin
// (scheme, host and port) that they were made for, https never becomes http, and nobody sends us into our own network.
import { WherryError } from '../../../src/errors.ts';
import { checkPointer } from './addresses.ts';
import { discardBody, type HttpRequest, type HttpResponse, parseUrl, redactUrl, type Send } from './message.ts';

/** How redirects are followed. */
export interface RedirectPolicy {
  /** Default 10. */
  readonly limit?: number;
  /** Hosts (`host[:port]`) whose certificates are not verified and that may be spoken to in plain HTTP. */
  readonly isInsecure?: (host: string) => boolean;
}

/** Headers that say nothing about the user: all that another origin gets. */
const plainHeaders: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'content-range',
  'content-type',
  'range',
  'user-agent',
]);

/**
 * Sends a request and follows where it is sent: GET and HEAD on 301, 302, 303, 307, 308, others on 307 and 308.
 * @throws PROTOCOL_INVALID (a redirect that is refused, or too many), and what `send` throws
 */
export async function follow(send: Send, request: HttpRequest, policy: RedirectPolicy = {}): Promise<HttpResponse> {
  let current = request;
  for (let hops = 0; ; hops++) {
    const response = await send(current);
    if (!isRedirect(response.status, request.method)) return response;
    const location = response.headers.get('location');
    if (location === undefined) return response;
    await discardBody(response);
    if (hops >= (policy.limit ?? 10))
      throw new WherryError('PROTOCOL_INVALID', `Cannot get "${redactUrl(request.url)}": too many redirects`);
    const target = parseUrl(location, current.url);
    if (target === undefined)
      throw new WherryError('PROTOCOL_INVALID', `Cannot get "${redactUrl(request.url)}": its redirect is no URL`);
    current = await pointedTo(request, { target, from: current.url, policy });
  }
}

function isRedirect(status: number, method: string): boolean {
  if (status === 307 || status === 308) return true;
  return (status === 301 || status === 302 || status === 303) && (method === 'GET' || method === 'HEAD');
}

/** Where a server's answer points. */
export interface Pointer {
  readonly target: URL;
  /** The URL whose answer pointed there. */
  readonly from: URL;
  readonly policy: RedirectPolicy;
}

/**
 * The request `made`, sent to another URL that a server named (a redirect, an upload's location): without the headers
 * that are not for that origin. @throws PROTOCOL_INVALID
 */
export async function pointedTo(made: HttpRequest, pointer: Pointer): Promise<HttpRequest> {
  const { from, policy } = pointer;
  const target = new URL(pointer.target);
  target.username = '';
  target.password = '';
  const isInsecure = policy.isInsecure?.(target.host) ?? false;
  if (target.protocol !== 'https:' && target.protocol !== 'http:')
    throw refused(from, target, `"${target.protocol}" is not HTTP`);
  if (from.protocol === 'https:' && target.protocol === 'http:' && !isInsecure)
    throw refused(from, target, 'it is not encrypted');
  if (target.origin === made.url.origin) return { ...made, url: target };
  await checkPointer(made.url.hostname, target.hostname);
  return {
    ...made,
    url: target,
    headers: Object.fromEntries(Object.entries(made.headers ?? {}).filter(([name]) => plainHeaders.has(name))),
    insecure: isInsecure,
    pointedBy: made.url.hostname,
  };
}

function refused(from: URL, target: URL, why: string): WherryError {
  return new WherryError('PROTOCOL_INVALID', `Cannot follow "${from.host}" to "${redactUrl(target)}": ${why}`, {
    hint: 'If you trust the network, name the host as insecure.',
  });
}
