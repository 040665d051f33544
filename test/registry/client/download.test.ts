// Blobs from registries that misbehave: drops, wrong ranges, wrong bytes, redirects.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { descriptorOf } from '../../../src/oci/descriptor.ts';
import { auth, client, collect, failureOf, pieces, reply, type Seen, standIn, stopAll } from './peers.ts';

const size = 1_000_000;
const blob = pieces(size).bytes;
const descriptor = descriptorOf(blob, 'application/octet-stream');

/** Answers blob request number `count` (from 1) of a registry that is open to all. */
type BlobAnswer = (at: {
  readonly seen: Seen;
  readonly response: ServerResponse;
  readonly count: number;
  readonly start: number;
  readonly request: IncomingMessage;
}) => unknown;

async function blobServer(answer: BlobAnswer) {
  let count = 0;
  return standIn((seen, response, request) => {
    if (seen.url === '/v2/') return reply(response, 200);
    const start = Number(/^bytes=(\d+)-/.exec(String(seen.headers.range ?? ''))?.[1] ?? 0);
    return answer({ seen, response, count: ++count, start, request });
  });
}

function whole(response: ServerResponse, start = 0): void {
  const range = start === 0 ? {} : { 'content-range': `bytes ${start}-${size - 1}/${size}` };
  reply(response, start === 0 ? 200 : 206, { headers: range, body: blob.subarray(start) });
}

/** Sends the head of an answer and `count` bytes, then breaks off. */
function breakOff(
  response: ServerResponse,
  start: number,
  count: number,
  how: 'reset' | 'end' | 'chunked' = 'reset',
): void {
  const length = how === 'chunked' ? {} : { 'content-length': String(size - start) };
  const range = start === 0 ? {} : { 'content-range': `bytes ${start}-${size - 1}/${size}` };
  response.writeHead(start === 0 ? 200 : 206, { ...length, ...range });
  response.flushHeaders();
  response.write(blob.subarray(start, start + count), () =>
    setTimeout(() => (how === 'reset' ? response.socket?.resetAndDestroy() : response.socket?.end()), 10),
  );
}

const faults: readonly { readonly name: string; readonly answer: BlobAnswer; readonly requests: readonly string[] }[] =
  [
    { name: 'all at once', answer: ({ response }) => whole(response), requests: [''] },
    ...([0, 1, 500_000, size - 1] as const).map((at) => ({
      name: `a reset after ${at} bytes is resumed`,
      answer: (({ response, count, start }) =>
        count === 1 ? breakOff(response, 0, at) : whole(response, start)) satisfies BlobAnswer,
      requests: at === 0 ? ['', ''] : ['', '*'],
    })),
    {
      name: 'an early end of a known length is resumed',
      answer: ({ response, count, start }) =>
        count === 1 ? breakOff(response, 0, 1000, 'end') : whole(response, start),
      requests: ['', '*'],
    },
    {
      name: 'chunks without their end are resumed',
      answer: ({ response, count, start }) =>
        count === 1 ? breakOff(response, 0, 1000, 'chunked') : whole(response, start),
      requests: ['', '*'],
    },
    {
      name: 'many drops are no reason to give up while bytes come',
      answer: ({ response, start }) =>
        size - start <= 300_000 ? whole(response, start) : breakOff(response, start, 300_000),
      requests: ['', '*', '*', '*'],
    },
    {
      name: 'a registry without ranges sends all again',
      answer: ({ response, count }) => (count === 1 ? breakOff(response, 0, 400_000) : whole(response)),
      requests: ['', '*'],
    },
    {
      name: 'a 416 is a reason to start again',
      answer: ({ response, count }) =>
        count === 1 ? breakOff(response, 0, 400_000) : count === 2 ? reply(response, 416) : whole(response),
      requests: ['', '*', ''],
    },
    {
      name: 'another range than asked for is not used',
      answer: ({ response, count }) =>
        count === 1
          ? breakOff(response, 0, 400_000)
          : count === 2
            ? reply(response, 206, { headers: { 'content-range': `bytes 0-${size - 1}/${size}` }, body: blob })
            : whole(response),
      requests: ['', '*', ''],
    },
    {
      name: '500 and 429 are tried again',
      answer: ({ response, count }) =>
        count === 1
          ? reply(response, 500)
          : count === 2
            ? reply(response, 429, { headers: { 'retry-after': '0' } })
            : whole(response),
      requests: ['', '', ''],
    },
  ];
for (const { name, answer, requests } of faults) {
  test(`openBlob: ${name}`, async () => {
    const server = await blobServer(answer);
    let moved = 0;
    const bytes = await collect(
      client()
        .registry(server.host)
        .openBlob('a', descriptor, (count) => {
          moved += count;
        }),
    );
    assert.ok(bytes.equals(blob));
    assert.is(moved, size);
    const ranges = server.seen.slice(1).map(({ headers }) => (headers.range === undefined ? '' : '*'));
    assert.equal(ranges, requests);
    assert.ok(server.seen.every(({ headers }) => headers['accept-encoding'] === 'identity'));
  });
}

const changed = Buffer.from(blob);
changed[size - 10] = (changed[size - 10] ?? 0) ^ 1;
const failures: readonly { readonly name: string; readonly answer: BlobAnswer; readonly code: string }[] = [
  { name: 'wrong bytes', answer: ({ response }) => reply(response, 200, { body: changed }), code: 'DIGEST_MISMATCH' },
  {
    name: 'a byte less',
    answer: ({ response }) => reply(response, 200, { body: blob.subarray(1) }),
    code: 'SIZE_INVALID',
  },
  {
    name: 'more bytes, of unknown length',
    answer: ({ response }) => {
      response.writeHead(200);
      response.end(Buffer.concat([blob, blob]));
    },
    code: 'SIZE_INVALID',
  },
  { name: '404', answer: ({ response }) => reply(response, 404), code: 'BLOB_UNKNOWN' },
  { name: '403', answer: ({ response }) => reply(response, 403), code: 'DENIED' },
  { name: '500 for ever', answer: ({ response }) => reply(response, 500), code: 'NETWORK_FAILED' },
  { name: 'drops without a byte for ever', answer: ({ response }) => breakOff(response, 0, 0), code: 'NETWORK_FAILED' },
  {
    name: 'a redirect to itself',
    answer: ({ response, seen }) => reply(response, 307, { headers: { location: seen.url } }),
    code: 'PROTOCOL_INVALID',
  },
  {
    name: 'a redirect to a file',
    answer: ({ response }) => reply(response, 307, { headers: { location: 'file:///etc/passwd' } }),
    code: 'PROTOCOL_INVALID',
  },
  {
    name: 'a redirect to the cloud’s metadata',
    answer: ({ response }) => reply(response, 307, { headers: { location: 'http://169.254.169.254/latest' } }),
    code: 'PROTOCOL_INVALID',
  },
];
for (const { name, answer, code } of failures) {
  test(`openBlob: ${name} is ${code}`, async () => {
    const server = await blobServer(answer);
    const error = await failureOf(collect(client().registry(server.host).openBlob('a', descriptor)));
    assert.is(error.code, code, error.message);
    assert.ok(server.seen.length < 25);
  });
}

test('openBlob: a silent server is given up after the idle time, one that is slow is not', async () => {
  const silent = await blobServer(() => {});
  const clients = client({ idleTimeout: 80, patience: { attempts: 2, delay: 1 } });
  const error = await failureOf(collect(clients.registry(silent.host).openBlob('a', descriptor)));
  assert.is(error.code, 'NETWORK_FAILED');
  assert.match(error.message, /silent/);
  const slow = await blobServer(({ response }) => {
    response.writeHead(200, { 'content-length': String(size) });
    let at = 0;
    const timer = setInterval(() => {
      response.write(blob.subarray(at, at + 100_000));
      at += 100_000;
      if (at >= size) clearInterval(timer);
    }, 25);
  });
  let reads = 0;
  for await (const _ of clients.registry(slow.host).openBlob('a', descriptor)) {
    // A reader that takes its time is not the server's silence.
    if (reads++ === 2) await new Promise((resolve) => setTimeout(resolve, 150));
  }
  assert.is(slow.seen.length, 2);
});

test('openBlob: an abort ends it at once', async () => {
  const controller = new AbortController();
  const server = await blobServer(({ response }) => {
    response.writeHead(200, { 'content-length': String(size) });
    response.write(blob.subarray(0, 1000));
    setTimeout(() => controller.abort(), 30);
  });
  const error = await failureOf(
    collect(client({ signal: controller.signal }).registry(server.host).openBlob('a', descriptor)),
  );
  assert.is(error.code, 'ABORTED');
  assert.is(
    (await failureOf(client({ signal: controller.signal }).registry(server.host).resolve('a', 'b'))).code,
    'ABORTED',
  );
});

test('openBlob: a reader that stops early leaves nothing behind', async () => {
  const server = await blobServer(({ response }) => whole(response));
  for await (const _ of client().registry(server.host).openBlob('a', descriptor)) break;
  const connections = await new Promise((resolve) =>
    setTimeout(() => server.server.getConnections((_, count) => resolve(count)), 50),
  );
  assert.ok(Number(connections) <= 1);
});

test('openBlob: empty blobs and {} and right data need no download, wrong data does', async () => {
  const server = await blobServer(({ response }) => whole(response));
  const registry = client().registry(server.host);
  const known = (text: string) => descriptorOf(Buffer.from(text), 'x');
  assert.is((await collect(registry.openBlob('a', known('')))).length, 0);
  assert.is(String(await collect(registry.openBlob('a', known('{}')))), '{}');
  assert.is(String(await collect(registry.openBlob('a', { ...known('hi'), data: 'aGk=' }))), 'hi');
  assert.is((await failureOf(collect(registry.openBlob('a', { ...known('{}'), size: 3 })))).code, 'SIZE_INVALID');
  assert.is(server.seen.length, 0);
  assert.ok(blob.equals(await collect(registry.openBlob('a', { ...descriptor, data: 'aGk=' }))));
});

test('openBlob: a redirect to another origin carries no credentials, also not on the second hop', async () => {
  const store = await standIn((seen, response) =>
    seen.url.startsWith('/first')
      ? reply(response, 302, { headers: { location: `${hop.origin}/second?sig=canary` } })
      : whole(response),
  );
  const hop = await standIn((_, response) => reply(response, 302, { headers: { location: `${store.origin}/third` } }));
  const registry = await standIn((seen, response) => {
    if (seen.headers.authorization === undefined)
      return reply(response, 401, { headers: { 'www-authenticate': 'Basic realm="x"' } });
    return seen.url === '/v2/'
      ? reply(response, 200)
      : reply(response, 307, { headers: { location: `http://u:p@${store.host}/first` } });
  });
  const clients = client({ config: { auths: { [registry.host]: auth('u', 'canary') } } });
  assert.ok(blob.equals(await collect(clients.registry(registry.host).openBlob('a', descriptor))));
  assert.match(registry.seen[1]?.headers.authorization ?? '', /^Basic /);
  assert.equal(
    [...store.seen, ...hop.seen].map(({ url }) => url),
    ['/first', '/third', '/second?sig=canary'],
  );
  for (const { headers } of [...store.seen, ...hop.seen]) {
    assert.is(headers.authorization, undefined);
    assert.is(headers.cookie, undefined);
  }
});

test('openBlob: what a redirected-to store refuses is told without the query of its URL', async () => {
  const store = await standIn((_, response) =>
    reply(response, 403, { body: '<Error><Code>AccessDenied</Code></Error>' }),
  );
  const registry = await blobServer(({ response }) =>
    reply(response, 307, { headers: { location: `${store.origin}/x?sig=canary` } }),
  );
  const error = await failureOf(collect(client().registry(registry.host).openBlob('a', descriptor)));
  assert.is(error.code, 'DENIED');
  assert.not.match(`${error.message} ${error.hint}`, /canary/);
});

test('stop the stand-ins', stopAll);
test.run();
