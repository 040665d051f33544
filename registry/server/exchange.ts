// One request and its answer: what handlers are given, and the few ways of answering. An answer to HEAD has the headers of
// its GET and no body; Node leaves the body out.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { WherryError } from '../../src/errors.ts';
import type { Backend } from '../backend.ts';
import { formatWireError } from '../wire-error.ts';
import type { Uploads } from './uploads.ts';

/** What a handler works with. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly backend: Backend;
  readonly uploads: Uploads;
}

type Headers = Readonly<Record<string, string | number | readonly string[]>>;

/** Answers with headers and a body of known length. */
export function answer(
  { response }: Pick<Exchange, 'response'>,
  status: number,
  headers: Headers = {},
  body: string | Uint8Array = '',
): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (status !== 204 && status !== 304 && !response.hasHeader('content-length'))
    response.setHeader('content-length', bytes.byteLength);
  response.writeHead(status);
  response.end(bytes);
}

/** Answers with JSON. */
export function answerJson(exchange: Pick<Exchange, 'response'>, value: unknown, headers: Headers = {}): void {
  answer(exchange, 200, { 'content-type': 'application/json', ...headers }, JSON.stringify(value));
}

/** Answers with an error, or cuts the connection where an answer is under way. Headers that were set before stay. */
export function answerError({ response }: Pick<Exchange, 'response'>, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, body } = formatWireError(error);
  for (const name of ['content-length', 'etag', 'docker-content-digest', 'accept-ranges']) response.removeHeader(name);
  const detail = error instanceof WherryError ? error.detail : undefined;
  const allow =
    typeof detail === 'object' && detail !== null && 'allow' in detail ? { allow: String(detail.allow) } : {};
  answer({ response }, status, { 'content-type': 'application/json', ...allow }, body);
}

/** True when `If-None-Match` names this digest. */
export function isUnchanged(request: IncomingMessage, digest: string): boolean {
  const header = request.headers['if-none-match'];
  return (
    header !== undefined &&
    (header === '*' || header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === `"${digest}"`))
  );
}

/** The whole body. @throws TOO_LARGE */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const tooLarge = (): WherryError =>
    new WherryError('TOO_LARGE', `Cannot read the request: its body has more than ${limit} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge();
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > limit) throw tooLarge();
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}
