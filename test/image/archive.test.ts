// Archives there and back: what is written is read again, and what others write is read too.
import { execFileSync } from 'node:child_process';
import { gunzipSync, gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ArchivedImage, archiveEntries } from '../../src/image/archive.ts';
import type { Published } from '../../src/image/publish.ts';
import { readImageArchive } from '../../src/image/unarchive.ts';
import { tarStream } from '../../src/layer/unpack.ts';
import { digestOf, encodedOf } from '../../src/oci/digest.ts';
import { indexDocument, type ManifestDocument, manifestDocument } from '../../src/oci/manifest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { parseReference } from '../../src/oci/reference.ts';
import { createMemoryBlobs } from '../../src/store/memory.ts';
import { failure } from '../build/room.ts';
import { chunked, collect, rawEntry, rawTar } from '../tar/raw-tar.ts';
import { made, makeImage, publishAll } from './room.ts';

const names = [parseReference('app:1'), parseReference('reg.example/x/y')];

function archived(published: Published, more: Partial<ArchivedImage> = {}): ArchivedImage {
  const below = published.root.kind === 'index' ? published.images.map((image) => image.manifest) : [];
  return { root: published.root, below, names, ...more };
}

function pack(images: readonly ArchivedImage[], docker: boolean): Promise<Buffer> {
  const entries = archiveEntries(images, (blob) => ({ kind: 'stream', open: () => made.open(blob) }), { docker });
  return collect(tarStream(entries, 0));
}

const read = (bytes: Uint8Array) => readImageArchive(chunked(bytes), createMemoryBlobs());

test('archiveEntries: sorted, with parents, and the same bytes every time', async () => {
  const published = await publishAll([await makeImage(['a'])]);
  const entries = archiveEntries([archived(published)], () => ({ kind: 'bytes', bytes: new Uint8Array() }), {
    docker: true,
  });
  const paths = entries.map((entry) => entry.path);
  assert.equal(paths.slice(0, 2), ['blobs', 'blobs/sha256']);
  assert.equal(paths.slice(-3), ['index.json', 'manifest.json', 'oci-layout']);
  assert.is(paths.length, 8);
  assert.ok((await pack([archived(published)], true)).equals(await pack([archived(published)], true)));
});

for (const docker of [false, true])
  test(`archives: ${docker ? 'docker' : 'oci'}: images come back with their names and all blobs`, async () => {
    const one = await publishAll([await makeImage(['a', 'b'])]);
    const two = await publishAll([await makeImage(['a', 'c'])]);
    const bytes = await pack([archived(one), archived(two, { names: [] })], docker);
    const blobs = createMemoryBlobs();
    const images = await readImageArchive(chunked(bytes, 1000), blobs);
    assert.equal(
      images.map((image) => [image.root.descriptor.digest, [...image.names]]),
      [
        [one.root.descriptor.digest, ['docker.io/library/app:1', 'reg.example/x/y:latest']],
        [two.root.descriptor.digest, []],
      ],
    );
    for (const { root } of images)
      if (root.kind === 'manifest')
        for (const blob of [root.value.config, ...root.value.layers])
          assert.is(await blobs.size(blob.digest), blob.size);
  });

test('archives: an index with its images, with attestations and further indexes', async () => {
  const empty = Buffer.from('{}');
  await made.put(empty);
  const attestation = manifestDocument({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.empty, digest: digestOf(empty), size: 2 },
    layers: [],
  });
  const inner = await publishAll([await makeImage(['a']), await makeImage(['a'], 'linux/arm64')]);
  const root: ManifestDocument = indexDocument({
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [inner.root.descriptor, attestation.descriptor],
  });
  const below = [inner.root, ...inner.images.map((image) => image.manifest), attestation];
  const blobs = createMemoryBlobs();
  const [image] = await readImageArchive(chunked(await pack([{ root, below, names }], false)), blobs);
  assert.is(image?.root.descriptor.digest, root.descriptor.digest);
  for (const { descriptor } of below) assert.is(await blobs.size(descriptor.digest), descriptor.size);
  assert.is(await blobs.size(digestOf(empty)), 2);
});

test('archives: foreign layers are left out', async () => {
  const image = await makeImage(['a']);
  const [layer] = image.layers;
  if (layer === undefined) return assert.unreachable();
  const descriptor = { ...layer.descriptor, mediaType: mediaTypes.dockerForeignLayerGzip, urls: ['https://x.example'] };
  const published = await publishAll([{ ...image, layers: [{ ...layer, descriptor }] }]);
  const entries = archiveEntries([archived(published)], () => ({ kind: 'bytes', bytes: new Uint8Array() }), {
    docker: false,
  });
  assert.is(
    entries.some((entry) => entry.path.includes(encodedOf(descriptor.digest))),
    false,
  );
});

const gzipped = await makeImage(['legacy one', 'legacy two']);

/** Tars of the layers, and the config, as `docker save` writes them. */
async function parts(): Promise<{ readonly config: Buffer; readonly layers: readonly Buffer[] }> {
  const { images } = await publishAll([gzipped]);
  const layers = await Promise.all(gzipped.layers.map((layer) => collect(made.open(layer.descriptor))));
  return { config: Buffer.from(images[0]?.config.bytes ?? []), layers: layers.map((bytes) => gunzipSync(bytes)) };
}

const manifestJson = (item: object): Buffer => rawEntry({ name: 'manifest.json' }, JSON.stringify([item]));

test('readImageArchive: Docker\'s old form: folders of layer.tar, links to a layer that is there twice, "./" in front', async () => {
  const { config, layers } = await parts();
  const configName = `${encodedOf(digestOf(config))}.json`;
  for (const prefix of ['', './'])
    for (const type of ['2', '1']) {
      const tar = rawTar(
        rawEntry({ name: `${prefix}one/`, type: '5' }),
        rawEntry({ name: `${prefix}one/VERSION` }, '1.0'),
        rawEntry({ name: `${prefix}one/json` }, '{}'),
        rawEntry({ name: `${prefix}one/layer.tar` }, layers[0]),
        rawEntry({
          name: `${prefix}two/layer.tar`,
          type,
          link: type === '2' ? '../first/layer.tar' : `${prefix}first/layer.tar`,
        }),
        rawEntry({ name: `${prefix}first/layer.tar` }, layers[1]),
        rawEntry({ name: `${prefix}${configName}` }, config),
        rawEntry({ name: `${prefix}repositories` }, '{}'),
        rawEntry(
          { name: `${prefix}manifest.json` },
          JSON.stringify([
            { Config: configName, RepoTags: ['app:1', 'x/y:2'], Layers: ['one/layer.tar', 'two/layer.tar'] },
          ]),
        ),
      );
      const [image] = await read(tar);
      assert.equal([...(image?.names ?? [])], ['app:1', 'x/y:2']);
      if (image?.root.kind !== 'manifest') return assert.unreachable();
      assert.equal(
        image.root.value.layers.map(({ mediaType, digest }) => [mediaType, digest]),
        layers.map((bytes) => [mediaTypes.layer, digestOf(bytes)]),
      );
      assert.is(image.root.value.config.digest, digestOf(config));
    }
});

test('readImageArchive: layers of a Docker archive have the type of their bytes; the archive may be compressed', async () => {
  const { config, layers } = await parts();
  const second = execFileSync('zstd', ['-c', '-q'], { input: layers[1] });
  const tar = rawTar(
    rawEntry({ name: 'c.json' }, config),
    rawEntry({ name: 'a.tar' }, gzipSync(layers[0] ?? '')),
    rawEntry({ name: 'b.tar' }, second),
    manifestJson({ Config: 'c.json', RepoTags: null, Layers: ['a.tar', 'b.tar'] }),
  );
  const [image] = await read(gzipSync(tar));
  assert.equal(image?.names, []);
  if (image?.root.kind !== 'manifest') return assert.unreachable();
  assert.equal(
    image.root.value.layers.map((layer) => layer.mediaType),
    [mediaTypes.layerGzip, mediaTypes.layerZstd],
  );
});

test('readImageArchive: what is wrong with an archive', async () => {
  const { config, layers } = await parts();
  const published = await publishAll([gzipped]);
  const { mediaType, digest, size } = published.root.descriptor;
  const index = (entry: object): Buffer =>
    rawEntry({ name: 'index.json' }, JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
  const loop = [rawEntry({ name: 'a', type: '2', link: 'b' }), rawEntry({ name: 'b', type: '2', link: 'a' })];
  const table: readonly (readonly [string, Buffer, RegExp])[] = [
    ['no tar', Buffer.from('hello'), /ARCHIVE_INVALID.*not a tar/],
    ['nothing known in it', rawTar(rawEntry({ name: 'x' }, 'y')), /neither index.json nor manifest.json/],
    [
      'manifest.json is no JSON',
      rawTar(rawEntry({ name: 'manifest.json' }, '{')),
      /ARCHIVE_INVALID.*"manifest.json".*not valid JSON/,
    ],
    ['manifest.json is no list', rawTar(rawEntry({ name: 'manifest.json' }, '{}')), /is not a list/],
    ['a config that is missing', rawTar(manifestJson({ Config: 'c', Layers: [] })), /"c" is missing/],
    ['no config named', rawTar(manifestJson({ Layers: [] })), /ARCHIVE_INVALID/],
    [
      'a config that is none',
      rawTar(rawEntry({ name: 'c' }, 'x'), manifestJson({ Config: 'c', Layers: [] })),
      /CONFIG_INVALID/,
    ],
    [
      'a layer that is missing',
      rawTar(rawEntry({ name: 'c' }, config), manifestJson({ Config: 'c', Layers: ['l'] })),
      /"l" is missing/,
    ],
    [
      'links in a circle',
      rawTar(rawEntry({ name: 'c' }, config), ...loop, manifestJson({ Config: 'c', Layers: ['a'] })),
      /"a" is missing/,
    ],
    [
      'too few layers',
      rawTar(
        rawEntry({ name: 'c' }, config),
        rawEntry({ name: 'l' }, layers[0]),
        manifestJson({ Config: 'c', Layers: ['l'] }),
      ),
      /has 2 layers, "manifest.json" 1/,
    ],
    [
      'a layer of bzip2',
      rawTar(
        rawEntry({ name: 'c' }, config),
        rawEntry({ name: 'l' }, 'BZh91AY&SY'),
        manifestJson({ Config: 'c', Layers: ['l', 'l'] }),
      ),
      /bzip2 is no compression/,
    ],
    [
      'a blob with another digest',
      rawTar(rawEntry({ name: `blobs/sha256/${'0'.repeat(64)}` }, 'x'), index({ mediaType, digest, size })),
      /DIGEST_MISMATCH/,
    ],
    ['an index whose blob is missing', rawTar(index({ mediaType, digest, size })), /blob "sha256:.*" is missing/],
    ['an index without manifests', rawTar(rawEntry({ name: 'index.json' }, '{}')), /it has no manifests/],
    ['a truncated archive', (await pack([archived(published)], false)).subarray(0, 3000), /ARCHIVE_INVALID/],
  ];
  for (const [title, bytes, want] of table) assert.match(await failure(read(bytes)), want, title);
});

test.run();
