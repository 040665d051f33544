// Tags, repositories and referrers of registries with quirks.
import type { ServerResponse } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { referrersTagOf } from '../../../registry/client/referrers.ts';
import { descriptorOf } from '../../../src/oci/descriptor.ts';
import { digestOf, parseDigest } from '../../../src/oci/digest.ts';
import { indexDocument, manifestDocument } from '../../../src/oci/manifest.ts';
import { mediaTypes } from '../../../src/oci/media-types.ts';
import { client, failureOf, list, reply, type Seen, type StandIn, standIn, stopAll } from './peers.ts';

const config = descriptorOf(Buffer.from('{}'), mediaTypes.config);
const manifest = manifestDocument({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [] });

async function open(answer: (seen: Seen, response: ServerResponse) => unknown): Promise<StandIn> {
  return standIn((seen, response) => (seen.url === '/v2/' ? reply(response, 200) : answer(seen, response)));
}

test('tags: pages are followed, ordered by bytes, and null is none', async () => {
  const pages: Record<string, { readonly body: unknown; readonly link?: string }> = {
    '/v2/a/tags/list?n=1000': { body: { tags: ['b', 'a'] }, link: '</v2/a/tags/list?n=1000&last=b>; rel="next"' },
    '/v2/a/tags/list?n=1000&last=b': { body: { tags: ['Z', 'a'] }, link: '<?last=Z>; rel=next' },
    '/v2/a/tags/list?last=Z': { body: { tags: null } },
  };
  const server = await open((seen, response) => {
    const page = pages[seen.url];
    const headers: Record<string, string> = page?.link === undefined ? {} : { link: page.link };
    return reply(response, page === undefined ? 404 : 200, { headers, body: JSON.stringify(page?.body) });
  });
  assert.equal(await list(client().registry(server.host).tags('a')), ['Z', 'a', 'b']);
});

const badPages: readonly { readonly name: string; readonly link?: string; readonly body?: string }[] = [
  { name: 'a link to itself', link: '</v2/a/tags/list?n=1000>; rel="next"' },
  { name: 'a link to another origin', link: '<http://localhost:1/v2/a/tags/list>; rel="next"' },
  { name: 'a tag that is none', body: '{"tags":["ok","\\u001b[2J"]}' },
  { name: 'no list', body: '{"tags":"all"}' },
  { name: 'no JSON', body: 'hello' },
];
for (const { name, link, body = '{"tags":["a"]}' } of badPages) {
  test(`tags: ${name} is refused`, async () => {
    const server = await open((_, response) =>
      reply(response, 200, { headers: link === undefined ? {} : { link }, body }),
    );
    const error = await failureOf(list(client().registry(server.host).tags('a')));
    assert.is(error.code, 'PROTOCOL_INVALID');
    assert.not.match(error.message, /\u001b/);
    assert.ok(server.seen.length <= 4);
  });
}

test('repositories: a registry without catalog is UNSUPPORTED', async () => {
  for (const status of [404, 405]) {
    const server = await open((_, response) => reply(response, status));
    assert.is((await failureOf(list(client().registry(server.host).repositories()))).code, 'UNSUPPORTED');
  }
});

const subject = parseDigest(`sha256:${'ab'.repeat(32)}`);
const signature = { ...descriptorOf(Buffer.from('s'), mediaTypes.manifest), artifactType: 'text/sig' };
const index = indexDocument({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [signature] });

test('referrers: the type is filtered here where the registry did not', async () => {
  const server = await open((_, response) =>
    reply(response, 200, { headers: { 'content-type': mediaTypes.index }, body: index.bytes }),
  );
  const registry = client().registry(server.host);
  assert.equal(await registry.referrers('a', subject, 'text/sig'), [signature]);
  assert.equal(await registry.referrers('a', subject, 'text/other'), []);
  assert.is(server.seen[1]?.url, `/v2/a/referrers/${subject}?artifactType=text%2Fsig`);
});

for (const status of [303, 400, 404, 405]) {
  test(`referrers: after a ${status} the tag is read, types are those of the manifests`, async () => {
    const artifact = manifestDocument({ ...manifest.value, artifactType: 'text/sig', annotations: { a: 'b' } });
    const wrong = { ...artifact.descriptor, artifactType: mediaTypes.empty };
    const kept = indexDocument({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [wrong] });
    const server = await open((seen, response) => {
      if (seen.url.includes('/referrers/'))
        return reply(response, status, { headers: { location: 'http://localhost:1/' } });
      const body = seen.url.endsWith(referrersTagOf(subject)) ? kept.bytes : artifact.bytes;
      return reply(response, 200, { body });
    });
    const found = await client().registry(server.host).referrers('a', subject, 'text/sig');
    assert.equal(found, [{ ...artifact.descriptor, artifactType: 'text/sig', annotations: { a: 'b' } }]);
  });
}

test('putManifest: a subject that the registry noted needs no tag', async () => {
  const server = await open((_, response) => reply(response, 201, { headers: { 'oci-subject': subject } }));
  const referrer = manifestDocument({ ...manifest.value, subject: { ...signature, digest: subject } });
  await client().registry(server.host).putManifest('a', referrer);
  assert.equal(
    server.seen.map(({ method }) => method),
    ['GET', 'PUT'],
  );
});

test('referrersTagOf: algorithm and encoded part, cut', () => {
  assert.is(referrersTagOf(subject), `sha256-${'ab'.repeat(32)}`);
  assert.is(referrersTagOf(digestOf('x', 'sha512')).length, 'sha512-'.length + 64);
});

test('stop the stand-ins', stopAll);
test.run();
