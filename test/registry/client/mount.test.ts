// Mounts of blobs, which registries may refuse in many ways.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { descriptorOf } from '../../../src/oci/descriptor.ts';
import { keeper } from './keeper.ts';
import { client, pieces, reply, standIn, stopAll } from './peers.ts';

const small = pieces(200_000);
const descriptor = descriptorOf(small.bytes, 'application/octet-stream');

const mounts: readonly (readonly [status: number, body: string, mounted: boolean])[] = [
  [201, '', true],
  [400, '{"errors":[{"code":"NAME_INVALID"}]}', false],
  [401, '', false],
  [403, '', false],
  [404, '', false],
  [405, '', false],
  [500, '', false],
];
for (const [status, body, mounted] of mounts) {
  test(`mountBlob: ${status} means ${mounted}`, async () => {
    const server = await keeper(
      ({ seen, response }) => seen.url.includes('mount=') && void reply(response, status, { body }) === undefined,
    );
    assert.is(await client().registry(server.host).mountBlob('a', descriptor, 'b/c'), mounted);
    const url = new URL(server.seen.at(-1)?.url ?? '', 'http://x');
    assert.equal(Object.fromEntries(url.searchParams), { mount: descriptor.digest, from: 'b/c' });
  });
}

test('mountBlob: 202 means false, and the session is used by the upload that follows', async () => {
  const server = await keeper();
  const registry = client().registry(server.host);
  assert.not(await registry.mountBlob('a', descriptor, 'b'));
  await registry.pushBlob('a', descriptor, small.open);
  assert.equal(server.log(), ['POST', 'HEAD', 'PUT s1']);
});

test('mountBlob: asks for a token of both repositories', async () => {
  const tokens = await standIn((_, response) => reply(response, 200, { body: '{"token":"T"}' }));
  const server = await standIn((seen, response) =>
    seen.headers.authorization === undefined
      ? reply(response, 401, { headers: { 'www-authenticate': `Bearer realm="${tokens.origin}/t"` } })
      : reply(response, 201),
  );
  assert.ok(await client().registry(server.host).mountBlob('to', descriptor, 'from'));
  const scopes = new URL(tokens.seen.at(-1)?.url ?? '', 'http://x').searchParams.getAll('scope');
  assert.equal(scopes, ['repository:to:pull,push', 'repository:from:pull']);
});

test('stop the stand-ins', stopAll);
test.run();
