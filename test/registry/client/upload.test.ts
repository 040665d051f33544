// Blobs to registries that misbehave: lost sessions, expired tokens, refused mounts, odd locations, no monolithic uploads.
import { createServer } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { descriptorOf } from '../../../src/oci/descriptor.ts';
import { type Before, keeper } from './keeper.ts';
import { auth, client, failureOf, listen, pieces, reply, standIn, stopAll } from './peers.ts';

const small = pieces(200_000);
const descriptor = descriptorOf(small.bytes, 'application/octet-stream');

const cases: readonly {
  readonly name: string;
  readonly before?: Before;
  readonly location?: (path: string, host: string) => string;
  readonly want: readonly string[];
}[] = [
  { name: 'asks, starts, puts', want: ['HEAD', 'POST', 'PUT s1'] },
  { name: 'an absolute location', location: (path, host) => `http://${host}${path}`, want: ['HEAD', 'POST', 'PUT s1'] },
  { name: 'a location without a scheme', location: (path, host) => `${host}${path}`, want: ['HEAD', 'POST', 'PUT s1'] },
  {
    name: 'a location with another scheme',
    location: (path, host) => `https://${host}${path}`,
    want: ['HEAD', 'POST', 'PUT s1'],
  },
  {
    name: 'a location that lost its port',
    location: (path) => `http://127.0.0.1${path}`,
    want: ['HEAD', 'POST', 'PUT s1'],
  },
  {
    name: 'a location relative to the path',
    location: (path) => path.replace('/v2/a/blobs/uploads/', ''),
    want: ['HEAD', 'POST', 'PUT s1'],
  },
  {
    name: 'a HEAD that is refused is no answer',
    before: ({ seen, response }) => seen.method === 'HEAD' && void reply(response, 403) === undefined,
    want: ['HEAD', 'POST', 'PUT s1'],
  },
  {
    name: '500 on the put: again in a new session',
    before: ({ seen, response, count }) =>
      seen.method === 'PUT' && count === 1 && void reply(response, 500) === undefined,
    want: ['HEAD', 'POST', 'PUT s1', 'HEAD', 'POST', 'PUT s2'],
  },
  {
    name: '503 on the start: tried again',
    before: ({ seen, response, count }) =>
      seen.method === 'POST' && count === 1 && void reply(response, 503) === undefined,
    want: ['HEAD', 'POST', 'POST', 'PUT s1'],
  },
  {
    name: 'a session that is lost at once: a new one',
    before: ({ seen, response, count }) =>
      seen.method === 'PUT' && count === 1 && void reply(response, 404) === undefined,
    want: ['HEAD', 'POST', 'PUT s1', 'POST', 'PUT s2'],
  },
  {
    name: 'a connection that drops before the answer: again in a new session',
    before: ({ seen, request, count }) =>
      seen.method === 'PUT' && count === 1 && void request.socket.resetAndDestroy() === undefined,
    want: ['HEAD', 'POST', 'PUT s1', 'HEAD', 'POST', 'PUT s2'],
  },
  {
    name: 'a registry that wants chunks gets chunks',
    before: ({ seen, response }) =>
      seen.method === 'PUT' && seen.body.length > 0 && void reply(response, 413) === undefined,
    want: ['HEAD', 'POST', 'PUT s1', 'POST', 'PATCH s2', 'PUT s2'],
  },
  {
    name: 'a chunk that fails is sent again from where the registry is',
    before: ({ seen, response, count }) =>
      (seen.method === 'PUT' && seen.body.length > 0 && void reply(response, 405) === undefined) ||
      (seen.method === 'PATCH' && count === 1 && void reply(response, 502) === undefined),
    want: ['HEAD', 'POST', 'PUT s1', 'POST', 'PATCH s2', 'GET s2', 'PATCH s2', 'PUT s2'],
  },
];
for (const { name, before, location, want } of cases) {
  test(`pushBlob: ${name}`, async () => {
    const server = await keeper(before, location);
    let moved = 0;
    await client()
      .registry(server.host)
      .pushBlob('a', descriptor, small.open, (count) => {
        moved += count;
      });
    assert.equal(server.log(), want);
    assert.ok(server.blobs.get(descriptor.digest)?.equals(small.bytes));
    assert.is(moved, descriptor.size);
    const put = server.seen.find(({ method }) => method === 'PUT');
    assert.is(put?.headers['content-length'], String(descriptor.size));
    assert.is(put?.headers['transfer-encoding'], undefined);
  });
}

test('pushBlob: a put that was taken though its answer was lost is not repeated', async () => {
  const server = await keeper(({ seen, request, count }) => {
    if (seen.method !== 'PUT' || count > 1) return false;
    server.blobs.set(descriptor.digest, seen.body);
    request.socket.resetAndDestroy();
    return true;
  });
  await client().registry(server.host).pushBlob('a', descriptor, small.open);
  assert.equal(server.log(), ['HEAD', 'POST', 'PUT s1', 'HEAD']);
});

test('pushBlob: nothing is read of a blob that is there', async () => {
  const server = await keeper();
  server.blobs.set(descriptor.digest, small.bytes);
  await client()
    .registry(server.host)
    .pushBlob('a', descriptor, () => {
      throw new Error('it was opened');
    });
  assert.equal(server.log(), ['HEAD']);
});

test('pushBlob: a long blob is resumed where the registry has it', async () => {
  const long = pieces(20_000_000);
  const named = descriptorOf(long.bytes, 'x');
  const server = await keeper(({ seen, response, count }) => {
    if (seen.method !== 'PUT' || count > 1) return false;
    // What came before the failure stays in the session.
    const url = new URL(seen.url, 'http://x');
    void fetch(`http://${server.host}${url.pathname}${url.search}`, {
      method: 'PATCH',
      body: seen.body.subarray(0, 15_000_000),
    }).then(() => reply(response, 504));
    return true;
  });
  let moved = 0;
  await client()
    .registry(server.host)
    .pushBlob('a', named, long.open, (count) => {
      moved += count;
    });
  assert.equal(server.log(), ['HEAD', 'POST', 'PUT s1', 'PATCH s1', 'HEAD', 'GET s1', 'PUT s1']);
  assert.is(server.seen.at(-1)?.headers['content-range'], `15000000-${named.size - 1}`);
  assert.ok(server.blobs.get(named.digest)?.equals(long.bytes));
  assert.is(moved, named.size);
});

test('pushBlob: bytes that are not what the descriptor says are never sent whole', async () => {
  const server = await keeper();
  const registry = client().registry(server.host);
  const other = pieces(200_000);
  assert.is((await failureOf(registry.pushBlob('a', descriptor, other.open))).code, 'DIGEST_MISMATCH');
  assert.is(
    (await failureOf(registry.pushBlob('a', { ...descriptor, size: 200_001 }, small.open))).code,
    'SIZE_INVALID',
  );
  assert.is(
    (await failureOf(registry.pushBlob('a', { ...descriptor, size: 199_999 }, small.open))).code,
    'SIZE_INVALID',
  );
  assert.is(server.blobs.size, 0);
});

test('pushBlob: an error of the source is thrown as it is', async () => {
  const server = await keeper();
  const error = await failureOf(
    client()
      .registry(server.host)
      .pushBlob('a', descriptor, async function* () {
        yield small.bytes.subarray(0, 100);
        throw new RangeError('the disk is bad');
      }),
  );
  assert.instance(error, RangeError);
  assert.equal(server.log().filter((line) => line === 'POST').length, 1);
});

test('pushBlob: failures for ever end, with the last of them', async () => {
  const server = await keeper(({ seen, response }) => seen.method === 'PUT' && void reply(response, 500) === undefined);
  const error = await failureOf(client().registry(server.host).pushBlob('a', descriptor, small.open));
  assert.is(error.code, 'NETWORK_FAILED');
  assert.is(server.log().filter((line) => line.startsWith('PUT')).length, 4);
});

test('pushBlob: a refusal in the midst of a long body ends the upload', async () => {
  const long = pieces(30_000_000);
  const server = createServer((request, response) => {
    // Answers a PUT by its head alone, and reads no more of it.
    if (request.method === 'PUT')
      return reply(response, 403, { body: '{"errors":[{"code":"DENIED","message":"quota"}]}' });
    request.resume();
    const status = request.method === 'HEAD' ? 404 : request.method === 'POST' ? 202 : 200;
    return reply(response, status, { headers: { location: '/v2/a/blobs/uploads/x' } });
  });
  const port = await listen(server);
  let given = 0;
  const error = await failureOf(
    client()
      .registry(`127.0.0.1:${port}`)
      .pushBlob('a', descriptorOf(long.bytes, 'x'), async function* () {
        for await (const chunk of long.open(0)) {
          given += chunk.byteLength;
          yield chunk;
        }
      }),
  );
  assert.is(error.code, 'DENIED');
  assert.match(error.message, /quota/);
  assert.ok(given < 30_000_000);
  server.closeAllConnections();
  server.close();
});

test('pushBlob: a token that expires during the put is renewed, and the bytes go to a new session', async () => {
  let expired = 0;
  let given = 0;
  const tokens = await standIn((_, response) =>
    reply(response, 200, { body: JSON.stringify({ token: `T${++given}`, expires_in: 900 }) }),
  );
  const challenge = { 'www-authenticate': `Bearer realm="${tokens.origin}/t",service="s"` };
  const server = await keeper(({ seen, response, count }) => {
    if (seen.method === 'PUT' && count === 1) expired = given;
    const known = Number(/^Bearer T(\d+)$/.exec(seen.headers.authorization ?? '')?.[1] ?? 0) > expired;
    return known ? false : void reply(response, 401, { headers: challenge }) === undefined;
  });
  const clients = client({ config: { auths: { [server.host]: auth('u', 'p') } } });
  await clients.registry(server.host).pushBlob('a', descriptor, small.open);
  // The HEAD is refused once: the ping of this registry asks for nothing, so its challenge is not known before.
  assert.equal(server.log(), ['HEAD', 'HEAD', 'POST', 'PUT s1', 'POST', 'PUT s2']);
  assert.ok(server.blobs.has(descriptor.digest));
});

test('pushBlob: an upload that goes to another origin carries no credentials', async () => {
  const store = await standIn((_, response) => reply(response, 201));
  const server = await standIn((seen, response) => {
    if (seen.headers.authorization === undefined)
      return reply(response, 401, { headers: { 'www-authenticate': 'Basic realm="x"' } });
    if (seen.method === 'HEAD') return reply(response, 404);
    return reply(response, seen.method === 'POST' ? 202 : 200, { headers: { location: `${store.origin}/put?sig=1` } });
  });
  const clients = client({ config: { auths: { [server.host]: auth('u', 'canary') } } });
  await clients.registry(server.host).pushBlob('a', descriptor, small.open);
  assert.is(store.seen.length, 1);
  assert.is(store.seen[0]?.headers.authorization, undefined);
  assert.is(store.seen[0]?.url, `/put?sig=1&digest=${encodeURIComponent(descriptor.digest)}`);
  assert.ok(store.seen[0]?.body.equals(small.bytes));
});

test('stop the stand-ins', stopAll);
test.run();
