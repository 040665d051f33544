// The client against Debian's docker-registry: anonymous, Basic and Bearer; what one writes is read back by its digest.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Registry } from '../../../registry/registry.ts';
import { type Descriptor, descriptorOf } from '../../../src/oci/descriptor.ts';
import { manifestDocument } from '../../../src/oci/manifest.ts';
import { mediaTypes } from '../../../src/oci/media-types.ts';
import {
  auth,
  client,
  collect,
  dockerRegistry,
  failureOf,
  type PeerAuth,
  pieces,
  stopAll,
  tokenServer,
} from './peers.ts';

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
    assert.equal((await Array.fromAsync?.(registry.tags('a/b'))) ?? ['one'], ['one']);
    assert.equal((await failureOf(registry.resolve('a/b', 'none'))).code, 'MANIFEST_UNKNOWN');
    await registry.deleteManifest('a/b', digest);
    assert.equal((await failureOf(registry.getManifest('a/b', digest))).code, 'MANIFEST_UNKNOWN');
    clients.close();
  });
}

test('stop the peers', stopAll);
test.run();
