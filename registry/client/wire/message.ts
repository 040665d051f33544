// HTTP messages as values: requests, responses, and what is done with a response's body. URLs that are shown pass
// `redactUrl`; no user, password or query of a URL ever reaches a message.
import type { Readable } from 'node:stream';
import { WherryError } from '../../../src/errors.ts';

/** A request body that can be opened again for a retry. */
export interface Body {
  /** Bytes, all of which `open` gives. */
  readonly size: number;
  readonly open: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** One request. Header names are lower case. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Body | undefined;
  /** The server's certificate is not verified. */
  readonly insecure?: boolean | undefined;
  /** Host name of the server that pointed us here: the address must not be nearer than that server is. */
  readonly pointedBy?: string | undefined;
}

/** One response. Whoever gets it reads `body` to its end or destroys it. */
export interface HttpResponse {
  readonly status: number;
  /** By lower-case name; values of repeated headers are joined by ", ". */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Readable;
  /** Where it came from, after redirects. */
  readonly url: URL;
}

/** Sends one request, without redirects and retries. */
export type Send = (request: HttpRequest) => Promise<HttpResponse>;

const maxErrorBody = 64 * 1024;

/** A body of bytes. */
export function bodyOf(bytes: Uint8Array): Body {
  return { size: bytes.byteLength, open: () => (bytes.byteLength === 0 ? [] : [bytes]) };
}

/** Reads a body of at most `limit` bytes. @throws TOO_LARGE (the rest is dropped), NETWORK_FAILED, ABORTED */
export async function readBody(response: HttpResponse, limit: number, what: string): Promise<Buffer> {
  const tooLarge = (): WherryError =>
    new WherryError('TOO_LARGE', `Cannot read ${what}: it is larger than ${limit} bytes`);
  if (Number(response.headers.get('content-length') ?? 0) > limit) {
    response.body.destroy();
    throw tooLarge();
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The first 64 KiB of a body as text; never throws. A short body's connection can be used again. */
export async function readErrorBody(response: HttpResponse): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size > maxErrorBody) break;
    }
  } catch {
    // What came is all that can be shown.
  }
  return Buffer.concat(chunks).subarray(0, maxErrorBody).toString('utf8');
}

/** Done with a response whose body does not matter. */
export async function discardBody(response: HttpResponse): Promise<void> {
  await readErrorBody(response);
}

/** Text → URL; undefined where it is none. */
export function parseUrl(text: string, base?: URL): URL | undefined {
  return URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
}

/** A URL that may be shown: without user, password and query (signed redirects carry secrets there). */
export function redactUrl(url: URL | string): string {
  const parsed = typeof url === 'string' ? parseUrl(url) : url;
  if (parsed === undefined) return '(not a URL)';
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}${parsed.search === '' ? '' : '?…'}`;
}

/** Text from outside → one printable line: control and direction characters become escapes. */
export function printable(text: string, limit = 300): string {
  const line = text.replace(/[ \t\r\n]+/g, ' ').trim();
  const cut = line.length > limit ? `${line.slice(0, limit)}…` : line;
  return cut.replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
