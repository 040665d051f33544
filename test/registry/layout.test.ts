import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLayoutRegistry, type LayoutOptions } from '../../registry/layout.ts';
import { descriptorOf } from '../../src/oci/descriptor.ts';
import { indexDocument, manifestDocument } from '../../src/oci/manifest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { collect, openBytes, registrySuite, rejects } from './suite.ts';

async function open(options: LayoutOptions) {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-layout-'));
  const store = await openStore(folder);
  const close = async (): Promise<void> => {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { registry: createLayoutRegistry(store, options), store, close };
}

registrySuite('layout', () => open({}), { shared: true });
registrySuite('isolated layout', () => open({ isolated: true }));

async function putImage(
  registry: ReturnType<typeof createLayoutRegistry>,
  repository: string,
  label: string,
  tag?: string,
) {
  const bytes = Buffer.from(label);
  const config = descriptorOf(bytes, mediaTypes.config);
  await registry.pushBlob(repository, config, openBytes(bytes));
  const manifest = manifestDocument({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [] });
  await registry.putManifest(repository, manifest, tag);
  return manifest;
}

async function entries(store: Store): Promise<unknown[]> {
  return JSON.parse(await readFile(join(store.root, 'index.json'), 'utf8')).manifests.map(
    (entry: { annotations?: object }) => entry.annotations,
  );
}

const refName = 'org.opencontainers.image.ref.name';
const untagged = 'dev.wherry.repository';

test('createLayoutRegistry takes repositories with a host in front', async () => {
  for (const options of [{}, { isolated: true }]) {
    const { registry, store, close } = await open(options);
    for (const repository of ['docker.io/library/busybox', 'localhost:5000/x', 'Example.COM/a/b', '[::1]:5000/y']) {
      const manifest = await putImage(registry, repository, repository, '1.36');
      assert.is((await registry.resolve(repository, '1.36')).digest, manifest.descriptor.digest);
      assert.is((await store.find(`${repository}:1.36`))?.digest, manifest.descriptor.digest);
    }
    const all: string[] = [];
    for await (const repository of registry.repositories()) all.push(repository);
    assert.equal(all, ['Example.COM/a/b', '[::1]:5000/y', 'docker.io/library/busybox', 'localhost:5000/x']);
    await close();
  }
});

test('createLayoutRegistry refuses names that are no repositories', async () => {
  for (const options of [{}, { isolated: true }]) {
    const { registry, close } = await open(options);
    for (const repository of ['../x', 'a/../b', '/x', 'a//b', 'UPPER', 'x/_blobs', 'a b', 'a%2fb/c']) {
      await rejects(() => registry.resolve(repository, 'x'), 'NAME_INVALID');
      await rejects(() => registry.hasBlob(repository, descriptorOf(Buffer.from('x'), 'x/y')), 'NAME_INVALID');
      await rejects(
        () => registry.pushBlob(repository, descriptorOf(Buffer.from('x'), 'x/y'), openBytes(Buffer.from('x'))),
        'NAME_INVALID',
      );
    }
    await close();
  }
});

test('the repository "" is the view of any layout', async () => {
  const { registry, store, close } = await open({});
  const a = await putImage(registry, '', 'a', 'plain');
  const b = await putImage(registry, 'docker.io/library/b', 'b', 'v1');
  const c = await putImage(registry, '', 'c');
  assert.is((await registry.resolve('', 'plain')).digest, a.descriptor.digest);
  assert.is((await registry.resolve('', 'docker.io/library/b:v1')).digest, b.descriptor.digest);
  assert.is((await registry.resolve('', c.descriptor.digest)).digest, c.descriptor.digest);
  assert.equal(await entries(store), [{ [refName]: 'plain' }, { [refName]: 'docker.io/library/b:v1' }, undefined]);
  const tags: string[] = [];
  for await (const tag of registry.tags('')) tags.push(tag);
  assert.equal(tags, ['docker.io/library/b:v1', 'plain']);
  await registry.deleteManifest('', 'plain');
  await rejects(() => registry.resolve('', 'plain'), 'MANIFEST_UNKNOWN');
  await close();
});

test('a shared layout lists a manifest without a tag until an index leads to it', async () => {
  const { registry, store, close } = await open({});
  const child = await putImage(registry, 'r', 'a');
  assert.equal(await entries(store), [{ [untagged]: 'r' }]);
  const index = indexDocument({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [child.descriptor] });
  await registry.putManifest('r', index, 'v1');
  assert.equal(await entries(store), [{ [refName]: 'r:v1' }]);
  assert.is((await registry.resolve('r', child.descriptor.digest)).digest, child.descriptor.digest);
  await rejects(() => registry.deleteManifest('r', child.descriptor.digest), 'MANIFEST_UNKNOWN');
  await registry.deleteManifest('r', 'v1');
  await rejects(() => registry.resolve('r', child.descriptor.digest), 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN');
  assert.equal(await entries(store), []);
  await close();
});

test('an isolated layout keeps what lost its tag', async () => {
  const { registry, store, close } = await open({ isolated: true });
  const [a, b] = [await putImage(registry, 'r', 'a', 'latest'), await putImage(registry, 'r', 'b', 'latest')];
  assert.is((await registry.resolve('r', a.descriptor.digest)).digest, a.descriptor.digest);
  await registry.deleteManifest('r', 'latest');
  assert.equal(await entries(store), [{ [untagged]: 'r' }, { [untagged]: 'r' }]);
  await putImage(registry, 'r', 'b', 'again');
  assert.equal(await entries(store), [{ [untagged]: 'r' }, { [refName]: 'r:again' }]);
  await registry.deleteManifest('r', b.descriptor.digest);
  const tags: string[] = [];
  for await (const tag of registry.tags('r')) tags.push(tag);
  assert.equal(tags, []);
  await close();
});

test('putting the same again adds no entry', async () => {
  for (const options of [{}, { isolated: true }]) {
    const { registry, store, close } = await open(options);
    for (let i = 0; i < 3; i++) {
      await putImage(registry, 'r', 'a', 'x');
      await putImage(registry, 'r', 'a');
    }
    assert.equal(await entries(store), [{ [refName]: 'r:x' }]);
    await close();
  }
});

test('an index without a name covers its children too', async () => {
  const { registry, store, close } = await open({});
  const child = await putImage(registry, '', 'a');
  const index = indexDocument({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [child.descriptor] });
  await registry.putManifest('', index);
  assert.equal(
    (await store.index()).map((entry) => entry.digest),
    [index.descriptor.digest],
  );
  await close();
});

test('a sparse layout takes a manifest before its layers', async () => {
  const { registry, close } = await open({ sparse: true });
  const missing = descriptorOf(Buffer.from('missing'), mediaTypes.layer);
  const manifest = manifestDocument({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: missing,
    layers: [missing],
  });
  await registry.putManifest('r', manifest, 'x');
  assert.is((await registry.getManifest('r', 'x')).descriptor.digest, manifest.descriptor.digest);
  assert.is(await registry.hasBlob('r', missing), false);
  await close();
});

test('a layout is read again after it was closed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-layout-'));
  for (const round of [1, 2]) {
    const store = await openStore(folder);
    const registry = createLayoutRegistry(store, { isolated: true });
    if (round === 1) await putImage(registry, 'r', 'a', 'x');
    const manifest = await registry.getManifest('r', 'x');
    assert.is(manifest.kind, 'manifest');
    if (manifest.kind === 'manifest')
      assert.equal((await collect(registry.openBlob('r', manifest.value.config))).toString(), 'a');
    await store.close();
  }
  await rm(folder, { recursive: true, force: true });
});

test.run();
