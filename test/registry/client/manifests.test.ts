// Manifests, lists and referrers of registries with quirks.
import type { ServerResponse } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { descriptorOf } from '../../../src/oci/descriptor.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { manifestDocument, maxManifestSize } from '../../../src/oci/manifest.ts';
import { mediaTypes } from '../../../src/oci/media-types.ts';
import { client, failureOf, reply, type Seen, type StandIn, standIn, stopAll } from './peers.ts';

const config = descriptorOf(Buffer.from('{}'), mediaTypes.config);
const manifest = manifestDocument({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [] });
const { digest, size } = manifest.descriptor;
const head = {
  'content-type': `${mediaTypes.manifest}; charset=utf-8`,
  'docker-content-digest': digest,
  'content-length': String(size),
};

type Answer = (seen: Seen, response: ServerResponse) => unknown;

async function open(answer: Answer): Promise<StandIn> {
  return standIn((seen, response) => (seen.url === '/v2/' ? reply(response, 200) : answer(seen, response)));
}

function methods({ seen }: StandIn): string {
  return seen
    .slice(1)
    .map(({ method }) => method)
    .join(' ');
}

const get: Answer = (_, response) =>
  reply(response, 200, { headers: { ...head, 'content-length': String(size) }, body: manifest.bytes });

const resolves: readonly {
  readonly name: string;
  readonly selector?: string;
  readonly onHead: Answer;
  readonly want: string;
}[] = [
  { name: 'a HEAD tells all', onHead: (_, response) => reply(response, 200, { headers: head }), want: 'HEAD' },
  {
    name: 'a HEAD without a digest is not enough for a tag',
    onHead: (_, response) => reply(response, 200, { headers: { ...head, 'docker-content-digest': '' } }),
    want: 'HEAD GET',
  },
  {
    name: 'a HEAD without a digest is enough for a digest',
    selector: digest,
    onHead: (_, response) => reply(response, 200, { headers: { ...head, 'docker-content-digest': '' } }),
    want: 'HEAD',
  },
  {
    name: 'a HEAD without a useful type is not enough',
    onHead: (_, response) => reply(response, 200, { headers: { ...head, 'content-type': 'application/json' } }),
    want: 'HEAD GET',
  },
  { name: 'a HEAD that is not allowed', onHead: (_, response) => reply(response, 405), want: 'HEAD GET' },
  { name: 'a HEAD that is forbidden', onHead: (_, response) => reply(response, 403), want: 'HEAD GET' },
  { name: 'a HEAD that is a bad request', onHead: (_, response) => reply(response, 400), want: 'HEAD GET' },
];
for (const { name, selector = 'x', onHead, want } of resolves) {
  test(`resolve: ${name}`, async () => {
    const server = await open((seen, response) =>
      seen.method === 'HEAD' ? onHead(seen, response) : get(seen, response),
    );
    const found = await client().registry(server.host).resolve('a', selector);
    assert.equal(
      { mediaType: found.mediaType, digest: found.digest, size: found.size },
      { mediaType: mediaTypes.manifest, digest, size },
    );
    assert.is(methods(server), want);
    assert.match(String(server.seen[1]?.headers.accept), /image\.index.*image\.manifest.*manifest\.list.*manifest\.v2/);
  });
}

const other = digestOf('other');
const reads: readonly {
  readonly name: string;
  readonly selector?: string;
  readonly answer: Answer;
  readonly want: string;
}[] = [
  { name: 'right', selector: digest, answer: get, want: 'ok' },
  { name: 'other bytes than the digest says', selector: other, answer: get, want: 'DIGEST_MISMATCH' },
  {
    name: 'a type that is not the one inside',
    answer: (_, response) =>
      reply(response, 200, { headers: { 'content-type': mediaTypes.index }, body: manifest.bytes }),
    want: 'MANIFEST_INVALID',
  },
  { name: 'no type', answer: (_, response) => reply(response, 200, { body: manifest.bytes }), want: 'ok' },
  {
    name: 'a login page',
    answer: (_, response) => reply(response, 200, { headers: { 'content-type': 'text/html' }, body: '<html>' }),
    want: 'MANIFEST_INVALID',
  },
  {
    name: 'too many bytes',
    answer: (_, response) => reply(response, 200, { body: Buffer.alloc(maxManifestSize + 1) }),
    want: 'TOO_LARGE',
  },
  {
    name: 'bytes without end',
    answer: (_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    },
    want: 'TOO_LARGE',
  },
  {
    name: 'an encoding',
    answer: (_, response) => reply(response, 200, { headers: { 'content-encoding': 'gzip' }, body: manifest.bytes }),
    want: 'PROTOCOL_INVALID',
  },
  { name: '404 with nothing', answer: (_, response) => reply(response, 404), want: 'MANIFEST_UNKNOWN' },
  {
    name: '404 in HTML',
    answer: (_, response) => reply(response, 404, { body: '<h1>Not \u001b[2J found</h1>' }),
    want: 'MANIFEST_UNKNOWN',
  },
  {
    name: '429 for ever',
    answer: (_, response) => reply(response, 429, { body: '{"errors":[{"code":"TOOMANYREQUESTS"}]}' }),
    want: 'TOOMANYREQUESTS',
  },
  { name: '418', answer: (_, response) => reply(response, 418), want: 'PROTOCOL_INVALID' },
];
for (const { name, selector = 'x', answer, want } of reads) {
  test(`getManifest: ${name}: ${want}`, async () => {
    const server = await open(answer);
    const reading = client().registry(server.host).getManifest('a', selector);
    if (want === 'ok') assert.equal(Buffer.from((await reading).bytes), Buffer.from(manifest.bytes));
    else {
      const error = await failureOf(reading);
      assert.is(error.code, want, error.message);
      assert.not.match(error.message, /\u001b/);
    }
  });
}

test('getManifest: a wrong Docker-Content-Digest of a tag is told, the bytes count', async () => {
  const server = await open((_, response) =>
    reply(response, 200, { headers: { ...head, 'docker-content-digest': other }, body: manifest.bytes }),
  );
  const clients = client();
  assert.is((await clients.registry(server.host).getManifest('a', 'x')).descriptor.digest, digest);
  assert.match(clients.warnings().join(), new RegExp(`says its digest is "${other}"`));
});

test('getManifest: 5xx and 429 are tried again, and Retry-After is waited for', async () => {
  let count = 0;
  const server = await open((seen, response) =>
    ++count === 1
      ? reply(response, 502)
      : count === 2
        ? reply(response, 429, { headers: { 'retry-after': '1' } })
        : get(seen, response),
  );
  const began = performance.now();
  await client().registry(server.host).getManifest('a', 'x');
  const took = performance.now() - began;
  assert.ok(took >= 990 && took < 3000, String(took));
  assert.is(count, 3);
});

test('Warning headers are told once each, made printable; other forms are not told', async () => {
  const texts = [
    '299 - "old \\"thing\\" \u00a1"',
    '299 - "old \\"thing\\" \u00a1", 299 - "second"',
    '199 - "not this"',
    '299 host "nor this"',
  ];
  let count = 0;
  const server = await open((_, response) =>
    reply(response, 200, { headers: { ...head, warning: texts[count++ % 4] ?? '' } }),
  );
  const clients = client();
  for (let i = 0; i < 8; i++) await clients.registry(server.host).resolve('a', 'x');
  const host = server.host;
  assert.equal(clients.warnings(), [`"${host}" says: old "thing" \u00a1`, `"${host}" says: second`]);
});

test('putManifest: exact type, bytes and length; by digest and by tag', async () => {
  const server = await open((_, response) => reply(response, 201, { headers: { 'docker-content-digest': digest } }));
  const registry = client().registry(server.host);
  await registry.putManifest('a', manifest);
  await registry.putManifest('a', manifest, 'v1');
  assert.equal(
    server.seen.slice(1).map(({ url }) => url),
    [`/v2/a/manifests/${digest}`, '/v2/a/manifests/v1'],
  );
  for (const { headers, body } of server.seen.slice(1)) {
    assert.is(headers['content-type'], mediaTypes.manifest);
    assert.ok(body.equals(Buffer.from(manifest.bytes)));
  }
});

test('putManifest: a registry that stored something else is found out; one that is not consistent yet is asked again', async () => {
  const liar = await open((_, response) => reply(response, 201, { headers: { 'docker-content-digest': other } }));
  assert.is((await failureOf(client().registry(liar.host).putManifest('a', manifest, 'x'))).code, 'DIGEST_MISMATCH');
  let count = 0;
  const slow = await open((_, response) =>
    reply(response, ++count === 1 ? 404 : 201, { body: '{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}' }),
  );
  await client().registry(slow.host).putManifest('a', manifest, 'x');
  assert.is(count, 2);
});

test('deleteManifest and deleteBlob: codes', async () => {
  for (const [status, code] of [
    [405, 'UNSUPPORTED'],
    [404, 'MANIFEST_UNKNOWN'],
  ] as const) {
    const server = await open((_, response) => reply(response, status));
    assert.is((await failureOf(client().registry(server.host).deleteManifest('a', 'x'))).code, code);
    const blobCode = (await failureOf(client().registry(server.host).deleteBlob('a', digest))).code;
    assert.is(blobCode, code === 'UNSUPPORTED' ? code : 'BLOB_UNKNOWN');
  }
});

test('stop the stand-ins', stopAll);
test.run();
