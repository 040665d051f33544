// The client against Debian's docker-registry: anonymous, Basic and Bearer; what one writes is read back by its digest.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Registry } from '../../../registry/registry.ts';
import { type Descriptor, descriptorOf } from '../../../src/oci/descriptor.ts';
import { manifestDocument } from '../../../src/oci/manifest.ts';
import { mediaTypes } from '../../../src/oci/media-types.ts';
import { dockerRegistry, type PeerAuth, tokenServer } from './docker-registry.ts';
import { auth, client, collect, failureOf, list, pieces, stopAll } from './peers.ts';

const user = { username: 'rower', password: 'c4nary:secret' };
const token = await tokenServer(user);
const peers = {
  anonymous: await dockerRegistry({ kind: 'anonymous' }),
  basic: await dockerRegistry({ kind: 'basic', ...user }),
  bearer: await dockerRegistry({ kind: 'bearer', realm: `${token.origin}/token?tenant=a`, certPath: token.certPath }),
} satisfies Record<PeerAuth['kind'], unknown>;

function loggedIn(host: string): { readonly config: unknown } {
  return { config: { auths: { [host]: auth(user.username, user.password) } } };
}

async function* list1(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** Pushes an image of one layer. */
async function pushImage(registry: Registry, repository: string, layerSize: number, tag: string) {
  const layer = pieces(layerSize);
  const config = pieces(300);
  const layers = [descriptorOf(layer.bytes, mediaTypes.layer)];
  const configDescriptor = descriptorOf(config.bytes, mediaTypes.config);
  let moved = 0;
  for (const [descriptor, open] of [
    [layers[0] as Descriptor, layer.open],
    [configDescriptor, config.open],
  ] as const)
    await registry.pushBlob(repository, descriptor, open, (count) => {
      moved += count;
    });
  assert.is(moved, layerSize + 300);
  const manifest = manifestDocument({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: configDescriptor,
    layers,
  });
  await registry.putManifest(repository, manifest, tag);
  return { manifest, layer: layers[0] as Descriptor, bytes: layer.bytes };
}

for (const [kind, peer] of Object.entries(peers)) {
  test(`createRegistryClients: an image goes to docker-registry and back (${kind})`, async () => {
    const clients = client(kind === 'anonymous' ? {} : loggedIn(peer.host));
    const registry = clients.registry(peer.host);
    const { manifest, layer, bytes } = await pushImage(registry, 'a/b', 3_000_000, 'one');
    const { digest } = manifest.descriptor;
    assert.equal(await registry.resolve('a/b', 'one'), {
      mediaType: mediaTypes.manifest,
      digest,
      size: manifest.bytes.byteLength,
    });
    assert.equal(Buffer.from((await registry.getManifest('a/b', digest)).bytes), Buffer.from(manifest.bytes));
    assert.ok(bytes.equals(await collect(registry.openBlob('a/b', layer))));
    assert.ok(await registry.hasBlob('a/b', layer));
    assert.not(await registry.hasBlob('other', layer));
    assert.ok(await registry.mountBlob('other', layer, 'a/b'));
    assert.ok(await registry.hasBlob('other', layer));
    assert.equal(await list(registry.tags('a/b')), ['one']);
    assert.equal((await failureOf(registry.resolve('a/b', 'none'))).code, 'MANIFEST_UNKNOWN');
    await registry.deleteManifest('a/b', digest);
    assert.equal((await failureOf(registry.getManifest('a/b', digest))).code, 'MANIFEST_UNKNOWN');
    clients.close();
  });
}

test('createRegistryClients: anybody pulls with an anonymous token where the token server grants it', async () => {
  const writer = client(loggedIn(peers.bearer.host)).registry(peers.bearer.host);
  const { layer, bytes } = await pushImage(writer, 'open', 1000, 'one');
  token.granted.length = 0;
  const registry = client().registry(peers.bearer.host);
  assert.ok(bytes.equals(await collect(registry.openBlob('open', layer))));
  assert.equal(token.granted, ['anonymous repository:open:pull']);
  const error = await failureOf(registry.pushBlob('open', descriptorOf(Buffer.from('x'), ''), () => list1('x')));
  assert.is(error.code, 'UNAUTHORIZED');
  assert.match(error.hint ?? '', /config\.json/);
});

test('createRegistryClients: tokens are asked for once by calls that run side by side', async () => {
  const registry = client(loggedIn(peers.bearer.host)).registry(peers.bearer.host);
  const { layer } = await pushImage(registry, 'many', 1000, 'one');
  const again = client(loggedIn(peers.bearer.host)).registry(peers.bearer.host);
  token.granted.length = 0;
  await Promise.all(Array.from({ length: 8 }, () => again.hasBlob('many', layer)));
  assert.equal(token.granted, ['rower repository:many:pull']);
});

test('createRegistryClients: wrong credentials are refused, and the secret is not told', async () => {
  for (const host of [peers.basic.host, peers.bearer.host]) {
    const clients = client({ config: { auths: { [host]: auth('rower', 'wr0ng-canary') } } });
    const error = await failureOf(clients.registry(host).resolve('a/b', 'one'));
    assert.is(error.code, 'UNAUTHORIZED');
    assert.not.match(`${error.message} ${error.hint} ${JSON.stringify(error)}`, /wr0ng-canary/);
    assert.match(error.hint ?? '', /key "127\.0\.0\.1:\d+"/);
  }
});

test('createRegistryClients: repositories and tags are listed in order, a tag is deleted by its digest only', async () => {
  const registry = client().registry(peers.anonymous.host);
  const { manifest } = await pushImage(registry, 'list/b', 100, 'b');
  await registry.putManifest('list/b', manifest, 'a');
  await pushImage(registry, 'list/a', 100, 'latest');
  assert.equal(await list(registry.tags('list/b')), ['a', 'b']);
  const repositories = (await list(registry.repositories())).filter((name) => name.startsWith('list/'));
  assert.equal(repositories, ['list/a', 'list/b']);
  assert.is((await failureOf(registry.deleteManifest('list/b', 'a'))).code, 'UNSUPPORTED');
  assert.is((await failureOf(list(registry.tags('nowhere')))).code, 'NAME_UNKNOWN');
});

test('referrers: kept under a tag where the registry has no such endpoint', async () => {
  const registry = client().registry(peers.anonymous.host);
  const { manifest: subject } = await pushImage(registry, 'signed', 100, 'latest');
  const { config } = subject.value;
  const [first, second] = ['text/first', 'text/second'].map((artifactType) =>
    manifestDocument({
      ...{ schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType, config, layers: [] },
      ...{ subject: subject.descriptor, annotations: { for: artifactType } },
    }),
  );
  if (first === undefined || second === undefined) throw new Error('unreachable');
  await Promise.all([registry.putManifest('signed', first), registry.putManifest('signed', second)]);
  const { digest } = subject.descriptor;
  const digests = async (type?: string): Promise<string[]> =>
    (await registry.referrers('signed', digest, type)).map((item) => item.digest).sort();
  assert.equal(await digests(), [first.descriptor.digest, second.descriptor.digest].sort());
  assert.equal(await registry.referrers('signed', digest, 'text/second'), [
    { ...second.descriptor, artifactType: 'text/second', annotations: { for: 'text/second' } },
  ]);
  await registry.deleteManifest('signed', first.descriptor.digest);
  assert.equal(await digests(), [second.descriptor.digest]);
  assert.equal(await registry.referrers('signed', first.descriptor.digest), []);
});

test('pushBlob: a registry that is killed and restarted half-way gets the blob nevertheless', async () => {
  const peer = peers.anonymous;
  const registry = client({ patience: { attempts: 6, delay: 100 } }).registry(peer.host);
  const layer = pieces(12_000_000);
  const descriptor = descriptorOf(layer.bytes, mediaTypes.layer);
  let restarted: Promise<void> | undefined;
  let moved = 0;
  await registry.pushBlob('killed', descriptor, layer.open, (count) => {
    moved += count;
    if (moved > 6_000_000) restarted ??= peer.restart();
  });
  await restarted;
  assert.is(moved, 12_000_000);
  assert.ok(layer.bytes.equals(await collect(registry.openBlob('killed', descriptor))));
});

test('stop the peers', stopAll);
test.run();
