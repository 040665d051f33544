// A stand-in registry that takes blobs, and may fail at any step.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { digestOf } from '../../../src/oci/digest.ts';
import { reply, type Seen, type StandIn, standIn } from './peers.ts';

/** A registry that keeps blobs in memory, and the log of what it was asked. */
export interface Keeper extends StandIn {
  readonly blobs: Map<string, Buffer>;
  readonly log: () => string[];
}
export type Before = (at: {
  readonly seen: Seen;
  readonly response: ServerResponse;
  readonly request: IncomingMessage;
  readonly count: number;
}) => boolean | undefined;

export async function keeper(
  before: Before = () => false,
  location = (path: string, _host: string): string => path,
): Promise<Keeper> {
  const blobs = new Map<string, Buffer>();
  const sessions = new Map<string, Buffer>();
  const counts = new Map<string, number>();
  let made = 0;
  const server: StandIn = await standIn((seen, response, request) => {
    if (seen.url === '/v2/') return reply(response, 200);
    const count = (counts.get(seen.method) ?? 0) + 1;
    counts.set(seen.method, count);
    if (before({ seen, response, request, count }) === true) return undefined;
    const url = new URL(seen.url, 'http://x');
    const id = /\/uploads\/(\w+)$/.exec(url.pathname)?.[1] ?? '';
    const at = (path: string, more = {}) => ({ headers: { location: location(path, server.host), ...more } });
    if (seen.method === 'POST') {
      sessions.set(`s${++made}`, Buffer.alloc(0));
      return reply(response, 202, at(`/v2/a/blobs/uploads/s${made}?_state=keep%2Fme`));
    }
    if (seen.method === 'HEAD') return reply(response, blobs.has(url.pathname.split('/').pop() ?? '') ? 200 : 404);
    const bytes = sessions.get(id);
    if (bytes === undefined || url.searchParams.get('_state') !== 'keep/me') return reply(response, 404);
    const range = { range: `0-${Math.max(bytes.length - 1, 0)}` };
    if (seen.method === 'GET') return reply(response, 204, at(seen.url, range));
    const start = /^(\d+)-/.exec(String(seen.headers['content-range'] ?? ''))?.[1];
    if (start !== undefined && Number(start) !== bytes.length) return reply(response, 416);
    sessions.set(id, Buffer.concat([bytes, seen.body]));
    const all = sessions.get(id) ?? Buffer.alloc(0);
    if (seen.method === 'PATCH') return reply(response, 202, at(seen.url, { range: `0-${all.length - 1}` }));
    if (digestOf(all) !== url.searchParams.get('digest'))
      return reply(response, 400, { body: '{"errors":[{"code":"DIGEST_INVALID"}]}' });
    sessions.delete(id);
    blobs.set(digestOf(all), all);
    return reply(response, 201, at(`/v2/a/blobs/${digestOf(all)}`));
  });
  const log = (): string[] =>
    server.seen
      .filter(({ url }) => url !== '/v2/')
      .map(({ method, url }) => `${method} ${/uploads\/(\w*)/.exec(url)?.[1] ?? ''}`.trim());
  return { ...server, blobs, log };
}
