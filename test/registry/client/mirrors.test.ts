// Mirrors: their texts, the configuration file, and which is asked when.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Mirror, parseClientConfig, parseMirror, readClientConfig } from '../../../registry/client/mirrors.ts';
import { descriptorOf } from '../../../src/oci/descriptor.ts';
import { manifestDocument } from '../../../src/oci/manifest.ts';
import { mediaTypes } from '../../../src/oci/media-types.ts';
import {
  auth,
  client,
  collect,
  failureOf,
  pieces,
  reply,
  type StandIn,
  standIn,
  stopAll,
  temporaryDirectory,
} from './peers.ts';

const texts: readonly (readonly [string, Mirror | undefined])[] = [
  ['docker.io=mirror.example.com', { registry: 'docker.io', host: 'mirror.example.com', prefix: '' }],
  ['index.docker.io=m:5000/hub/', { registry: 'docker.io', host: 'm:5000', prefix: 'hub' }],
  ['ghcr.io=[::1]:5000/a/b', { registry: 'ghcr.io', host: '[::1]:5000', prefix: 'a/b' }],
  ['docker.io', undefined],
  ['=m', undefined],
  ['docker.io=', undefined],
  ['docker.io=https://m', undefined],
  ['docker.io=m/UP', undefined],
  ['docker.io=u:p@m', undefined],
  ['docker.io=m:99999', undefined],
];
for (const [text, want] of texts) {
  test(`parseMirror: ${text}`, () => {
    if (want === undefined)
      assert.throws(
        () => parseMirror(text),
        (error: Error & { code?: string }) => error.code === 'ARGUMENT_INVALID',
      );
    else assert.equal(parseMirror(text), want);
  });
}

test('readClientConfig: a file, and none', async () => {
  const home = temporaryDirectory();
  assert.equal(await readClientConfig({ HOME: home }), { mirrors: [], insecure: [], realms: new Map() });
  mkdirSync(join(home, 'wherry'));
  const content = {
    mirrors: { 'docker.io': ['m:5000/hub', 'n'] },
    insecure: ['m:5000'],
    realms: { r: ['auth.example'] },
  };
  writeFileSync(join(home, 'wherry/config.json'), JSON.stringify(content));
  assert.equal(await readClientConfig({ XDG_CONFIG_HOME: home }), {
    mirrors: [
      { registry: 'docker.io', host: 'm:5000', prefix: 'hub' },
      { registry: 'docker.io', host: 'n', prefix: '' },
    ],
    insecure: ['m:5000'],
    realms: new Map([['r', ['auth.example']]]),
  });
});

const bad: readonly (readonly [string, RegExp])[] = [
  ['{', /it is not valid JSON/],
  ['[]', /it is not a JSON object/],
  ['{"mirror":{}}', /unknown key "mirror" \(did you mean mirrors\?\)/],
  ['{"mirrors":[]}', /"mirrors" is not an object/],
  ['{"mirrors":{"docker.io":"m"}}', /"mirrors" is not an object of lists/],
  ['{"mirrors":{"docker.io":["http://m"]}}', /mirror "http:\/\/m" of "docker.io"/],
  ['{"insecure":"m"}', /"insecure" is not a list/],
  ['{"insecure":["http://m"]}', /"http:\/\/m" in "insecure"/],
  ['{"realms":{"a":["x/y"]}}', /"realms"/],
];
for (const [text, want] of bad) {
  test(`parseClientConfig: ${text} is refused`, () => {
    assert.throws(
      () => parseClientConfig(text, 'f'),
      (error: Error & { code?: string }) => error.code === 'CONFIG_INVALID' && want.test(error.message),
    );
  });
}

const layer = pieces(6_000_000).bytes;
const small = pieces(1000).bytes;
const config = descriptorOf(small, mediaTypes.config);
const big = descriptorOf(layer, mediaTypes.layer);
const manifest = manifestDocument({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [big] });
const { digest } = manifest.descriptor;

type What = 'right' | 'missing' | 'broken' | 'wrong' | 'cut';

/** A registry or mirror of one image below a path. */
async function place(what: What, path: string): Promise<StandIn> {
  return standIn((seen, response, request) => {
    const found = seen.url.startsWith(`/v2/${path}/`);
    if (seen.url === '/v2/') return reply(response, 200);
    if (what === 'broken') return reply(response, 500);
    if (what === 'missing' || !found) return reply(response, 404);
    const isBlob = seen.url.includes('/blobs/');
    const bytes = seen.url.endsWith(big.digest) ? layer : isBlob ? small : Buffer.from(manifest.bytes);
    const start = Number(/^bytes=(\d+)-/.exec(String(seen.headers.range ?? ''))?.[1] ?? 0);
    const wrong = Buffer.from(bytes);
    if (what === 'wrong') wrong[wrong.length - 3] = (wrong[wrong.length - 3] ?? 0) ^ 1;
    const headers = {
      ...(isBlob ? {} : { 'content-type': mediaTypes.manifest, 'docker-content-digest': digest }),
      ...(start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
    };
    if (what === 'cut' && bytes.length > 5000) {
      response.writeHead(start > 0 ? 206 : 200, { ...headers, 'content-length': String(bytes.length - start) });
      if (start === 0) response.write(bytes.subarray(0, 3_000_000));
      return setTimeout(() => request.socket.destroy(), 30);
    }
    const length = { 'content-length': String(bytes.length - start) };
    const body = seen.method === 'HEAD' ? '' : wrong.subarray(start);
    return reply(response, start > 0 ? 206 : 200, { headers: { ...headers, ...length }, body });
  });
}

async function openAll(mirrors: readonly What[]) {
  const registry = await place('right', 'library/x');
  const places = await Promise.all(mirrors.map((what) => place(what, 'hub/library/x')));
  const clients = client({ mirrors: places.map(({ host }) => parseMirror(`${registry.host}=${host}/hub`)) });
  const counts = (): number[] =>
    [...places, registry].map(({ seen }) => seen.filter(({ url }) => url !== '/v2/').length);
  return { at: clients.registry(registry.host), counts, clients, registry, places };
}

test('mirrors: the first that has it is enough', async () => {
  const { at, counts } = await openAll(['missing', 'right', 'right']);
  await at.resolve('library/x', 'latest');
  assert.equal(counts(), [1, 1, 0, 0]);
  assert.equal(Buffer.from((await at.getManifest('library/x', digest)).bytes), Buffer.from(manifest.bytes));
  assert.ok(small.equals(await collect(at.openBlob('library/x', config))));
  assert.ok(layer.equals(await collect(at.openBlob('library/x', big))));
  assert.is(counts()[3], 0);
});

test('mirrors: misses are silent, failures are told once, the registry is the last', async () => {
  const { at, counts, clients, places } = await openAll(['missing', 'broken']);
  assert.is((await at.resolve('library/x', 'latest')).digest, digest);
  assert.ok(layer.equals(await collect(at.openBlob('library/x', big))));
  assert.is(clients.warnings().length, 1);
  assert.match(clients.warnings()[0] ?? '', new RegExp(`^Mirror "${places[1]?.host}" does not help`));
  // A mirror that is down is left alone for a while.
  const before = counts()[1];
  await at.resolve('library/x', 'latest');
  assert.is(counts()[1], before);
});

test('mirrors: one that cannot be reached falls through', async () => {
  const registry = await place('right', 'library/x');
  const clients = client({ mirrors: [parseMirror(`${registry.host}=127.0.0.1:9/hub`)] });
  assert.is((await clients.registry(registry.host).resolve('library/x', 'latest')).digest, digest);
});

test('mirrors: wrong bytes of a manifest or a small blob fall through, with a warning', async () => {
  for (const what of ['manifest', 'blob']) {
    const { at, clients } = await openAll(['wrong']);
    if (what === 'blob') assert.ok(small.equals(await collect(at.openBlob('library/x', config))));
    else assert.is((await at.getManifest('library/x', digest)).descriptor.digest, digest);
    assert.is(clients.warnings().length, 1);
    assert.match(clients.warnings().join(), /bytes have digest/);
  }
});

test('mirrors: wrong bytes of a long blob are an error, and the next time the mirror is passed over', async () => {
  const { at, clients } = await openAll(['wrong']);
  assert.is((await failureOf(collect(at.openBlob('library/x', big)))).code, 'DIGEST_MISMATCH');
  assert.is(clients.warnings().length, 1);
  assert.ok(layer.equals(await collect(at.openBlob('library/x', big))));
});

test('mirrors: a long blob that one cannot finish is finished by the next', async () => {
  const { at, registry } = await openAll(['cut']);
  assert.ok(layer.equals(await collect(at.openBlob('library/x', big))));
  assert.match(String(registry.seen.at(-1)?.headers.range), /^bytes=[1-9]/);
});

test('mirrors: what is written goes to the registry alone', async () => {
  const { at, counts } = await openAll(['right']);
  assert.ok(await at.hasBlob('library/x', config));
  assert.equal(counts(), [0, 1]);
});

test('mirrors: credentials are those of the mirror, never those of the registry', async () => {
  const mirror = await standIn((seen, response) =>
    seen.headers.authorization === undefined
      ? reply(response, 401, { headers: { 'www-authenticate': 'Basic realm="m"' } })
      : reply(response, 404),
  );
  const registry = await standIn((seen, response) =>
    seen.headers.authorization === undefined
      ? reply(response, 401, { headers: { 'www-authenticate': 'Basic realm="r"' } })
      : reply(response, 404),
  );
  const clients = client({
    config: { auths: { [mirror.host]: auth('m', 'm'), [registry.host]: auth('r', 'canary') } },
    mirrors: [parseMirror(`${registry.host}=${mirror.host}`)],
  });
  await failureOf(clients.registry(registry.host).resolve('a', 'b'));
  const sent = (server: StandIn): unknown => server.seen.at(-1)?.headers.authorization;
  assert.is(sent(mirror), `Basic ${Buffer.from('m:m').toString('base64')}`);
  assert.is(sent(registry), `Basic ${Buffer.from('r:canary').toString('base64')}`);
});

test('stop the stand-ins', stopAll);
test.run();
