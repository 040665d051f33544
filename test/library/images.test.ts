// The library's calls over one store and layouts: what goes in comes out, in every place.
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLayoutRegistry } from '../../registry/layout.ts';
import {
  build,
  copy,
  history,
  images,
  inspect,
  load,
  parsePlatform,
  parseReference,
  remove,
  save,
  serve,
  tag,
  tags,
} from '../../src/index.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { indexDocument, manifestDocument } from '../../src/oci/manifest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { openStore } from '../../src/store/store.ts';
import { failure } from '../build/room.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherry-library-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const env = { HOME: folder, DOCKER_CONFIG: folder, PATH: process.env['PATH'] };
let stores = 0;
const newStore = () => ({ store: join(folder, `store${++stores}`), env });
const at = (name: string): string => join(folder, name);

/** An image `app:1` of a layer, or an index of two, in a new store. */
async function withApp(platforms: readonly string[] = []) {
  const options = newStore();
  const result = await build({
    context: { kind: 'files', files: { Dockerfile: 'FROM scratch\nCOPY a /\nENV x=1', a: 'a' } },
    tags: [parseReference('app:1')],
    platforms: platforms.map(parsePlatform),
    ...options,
  });
  return { options, digest: result.digest };
}

/** An index of an image and its attestation, named `attested`, in a store. */
async function withAttestation() {
  const { options, digest } = await withApp();
  const store = await openStore(options.store);
  const registry = createLayoutRegistry(store);
  const image = await registry.getManifest('', digest);
  const config = await store.blobs.put(Buffer.from('{}'));
  const attestation = manifestDocument({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.empty, ...config },
    layers: [],
  });
  await registry.putManifest('docker.io/library/attested', attestation);
  const root = indexDocument({
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [
      { ...image.descriptor, platform: { os: 'linux', architecture: 'amd64' } },
      { ...attestation.descriptor, platform: { os: 'unknown', architecture: 'unknown' } },
    ],
  });
  await registry.putManifest('docker.io/library/attested', root, 'latest');
  await store.close();
  return { options, digest: root.descriptor.digest, attestation: attestation.descriptor.digest };
}

test('images: names in order, platforms, sizes', async () => {
  const { options, digest } = await withApp(['linux/amd64', 'linux/arm64']);
  await tag('app:1', 'a.example/b', options);
  const [first, second, ...rest] = await images(options);
  assert.equal(rest, []);
  assert.equal([first?.name, second?.name], ['a.example/b:latest', 'docker.io/library/app:1']);
  assert.is(first?.digest, digest);
  assert.equal(first?.platforms, ['linux/amd64', 'linux/arm64']);
  assert.ok((first?.size ?? 0) > 500);
});

test('images, inspect, save, copy: an index with an attestation', async () => {
  const { options, digest, attestation } = await withAttestation();
  const listed = (await images(options)).find((image) => image.digest === digest);
  assert.equal(listed?.platforms, ['linux/amd64']);
  assert.equal((await inspect('attested', options)).platforms, ['linux/amd64']);
  await save(['attested'], { ...options, output: at('attested.tar'), format: 'oci' });
  const other = newStore();
  assert.equal(await load({ ...other, input: at('attested.tar') }), [`docker.io/library/attested:latest@${digest}`]);
  assert.is((await inspect(`attested@${attestation}`, other)).digest, attestation);
  await copy('store:attested', `oci:${at('attested-layout')}:v1`, options);
  assert.is((await inspect(`oci:${at('attested-layout')}:v1`, options)).digest, digest);
});

test('history: lines with the layers that they made', async () => {
  const { options } = await withApp();
  const lines = await history('app:1', options);
  assert.equal(
    lines.map((line) => [line.createdBy, line.empty, line.size > 0]),
    [
      ['COPY a / # buildkit', false, true],
      ['ENV x=1', true, false],
    ],
  );
});

test('inspect: as it is, raw, and its config', async () => {
  const { options, digest } = await withApp();
  const found = await inspect('app:1', options);
  assert.is(found.digest, digest);
  assert.is((found.config as { os: string }).os, 'linux');
  assert.is(digestOf((await inspect('app:1', { ...options, raw: true })).text ?? ''), digest);
  assert.match((await inspect('app:1', { ...options, config: true })).text ?? '', /"diff_ids"/);
});

test('save and load: all platforms', async () => {
  const { options, digest } = await withApp(['linux/amd64', 'linux/arm64']);
  await save(['app:1'], { ...options, output: at('platforms.tar'), format: 'oci' });
  const other = newStore();
  assert.equal(await load({ ...other, input: at('platforms.tar') }), [`docker.io/library/app:1@${digest}`]);
  assert.equal((await images(other))[0]?.platforms, ['linux/amd64', 'linux/arm64']);
  assert.is((await copy(`oci-archive:${at('platforms.tar')}`, 'store:copied', other)).digest, digest);
});

for (const format of ['docker', 'oci'] as const)
  test(`save and load: ${format}`, async () => {
    const { options, digest } = await withApp();
    await tag('app:1', 'app:2', options);
    await save(['app:1', 'app:2'], { ...options, output: at(`${format}.tar`), format });
    const other = newStore();
    const names = [1, 2].map((number) => `docker.io/library/app:${number}@${digest}`);
    assert.equal(await load({ ...other, input: at(`${format}.tar`) }), names);
    assert.equal(
      (await images(other)).map((image) => image.digest),
      [digest, digest],
    );
  });

test('save: what is not there, and nothing half-written', async () => {
  const { options } = await withApp(['linux/amd64', 'linux/arm64']);
  assert.match(
    await failure(save(['none'], { ...options, output: at('none.tar'), format: 'oci' })),
    /^MANIFEST_UNKNOWN: .*"docker.io\/library\/none:latest"/,
  );
  assert.is(existsSync(at('none.tar')), false);
});

test('load: what is no archive', async () => {
  const { options } = await withApp();
  writeFileSync(at('text'), 'hello');
  assert.match(await failure(load({ ...options, input: at('text') })), /^ARCHIVE_INVALID/);
  assert.match(await failure(load({ ...options, input: at('nothing') })), /^SOURCE_NOT_FOUND/);
  assert.is((await images(options)).length, 1);
});

test('copy: through every kind of place, with the same digest', async () => {
  const { options, digest } = await withApp();
  const registry = await serve({ address: '127.0.0.1:0', root: at('served'), env });
  try {
    const name = `${registry.address}/x/app`;
    const way = [
      'store:app:1',
      `${name}:1`,
      `oci:${at('way')}:t`,
      `oci-archive:${at('way.tar')}:y:1`,
      `docker-archive:${at('way2.tar')}:y:1`,
      `${name}:2`,
      'store:back:1',
    ];
    for (const [position, to] of way.slice(1).entries())
      assert.is((await copy(way[position] ?? '', to, options)).digest, digest, to);
    assert.is((await inspect('back:1', options)).digest, digest);
    assert.equal((await tags(name, options)).tags, ['1', '2']);
  } finally {
    await registry.close();
  }
});

test("copy: a digest in the destination must be the image's", async () => {
  const { options } = await withApp();
  const other = digestOf('other');
  assert.match(await failure(copy('store:app:1', `store:b@${other}`, options)), /^DIGEST_MISMATCH/);
});

test('copy: which image of a layout or an archive', async () => {
  const { options } = await withApp();
  for (const name of ['a', 'b']) await copy('store:app:1', `oci:${at('two')}:${name}`, options);
  assert.match(
    await failure(copy(`oci:${at('two')}`, 'store:x', options)),
    /^ARGUMENT_INVALID: Cannot choose an image/,
  );
  assert.match(await failure(copy(`oci:${at('two')}:c`, 'store:x', options)), /^MANIFEST_UNKNOWN/);
  assert.match(await failure(copy(`oci:${at('nowhere')}:c`, 'store:x', options)), /^SOURCE_NOT_FOUND/);
  await copy('store:app:1', `oci-archive:${at('one.tar')}:y:1`, options);
  assert.match(
    await failure(copy(`oci-archive:${at('one.tar')}:z`, 'store:x', options)),
    /^MANIFEST_UNKNOWN: .*none is named "z"/,
  );
});

test('remove: a name, then the blobs that nothing needs', async () => {
  const { options } = await withApp();
  await tag('app:1', 'app:2', options);
  await remove(['app:1'], options);
  assert.equal(
    (await images(options)).map((image) => image.name),
    ['docker.io/library/app:2'],
  );
  // What was used in the last two seconds is kept for later.
  await new Promise((done) => setTimeout(done, 2200));
  await remove(['app:2'], options);
  assert.equal(await images(options), []);
  assert.equal(readdirSync(join(options.store, 'blobs/sha256')), []);
  assert.match(await failure(remove(['app:2'], options)), /^(MANIFEST|NAME)_UNKNOWN/);
});

test('tag: a name that is not there, and one with a digest', async () => {
  const { options, digest } = await withApp();
  assert.match(await failure(tag('none', 'x', options)), /_UNKNOWN/);
  assert.match(await failure(tag('app:1', `x@${digest}`, options)), /^REFERENCE_INVALID/);
});

test('every call: an aborted signal is ABORTED before anything is opened', async () => {
  const options = { ...newStore(), signal: AbortSignal.abort() };
  for (const call of [images(options), inspect('x', options), copy('store:a', 'store:b', options), tags('x', options)])
    assert.match(await failure(call), /^ABORTED/);
  assert.is(existsSync(options.store), false);
});

test('serve: an address that is none', async () => {
  for (const address of ['x', '127.0.0.1', '127.0.0.1:70000', ':x'])
    assert.match(await failure(serve({ address, root: at('bad'), env })), /^ARGUMENT_INVALID/);
});

test.run();
