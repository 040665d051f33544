import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isError } from '../../src/errors.ts';
import { type Image, type ImageLayer, imageOf, scratchConfig } from '../../src/image/image.ts';
import { publishImage, publishIndex } from '../../src/image/publish.ts';
import { diffIdOf, digestOf } from '../../src/oci/digest.ts';
import { parseManifest } from '../../src/oci/manifest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';

const layer = {
  diffId: diffIdOf(digestOf('tar')),
  descriptor: { mediaType: mediaTypes.layerGzip, digest: digestOf('gz'), size: 2 },
};

function sample(architecture = 'amd64', ...more: ImageLayer[]): Image {
  const scratch = scratchConfig({ os: 'linux', architecture });
  const history = [
    { created_by: 'COPY a /', created: '2001-02-03T04:05:06Z' },
    { created_by: 'CMD ["a"]', empty_layer: true },
  ];
  return imageOf({ ...scratch, config: { ...scratch.config, Cmd: ['a'] }, history }, [layer, ...more]);
}

test('imageOf takes diffIds from the layers, and its time from the last line of history that has one', () => {
  const image = sample();
  assert.equal(image.config.rootfs.diff_ids, [layer.diffId]);
  assert.is(image.config.created, '2001-02-03T04:05:06Z');
  assert.is(imageOf(scratchConfig({ os: 'linux', architecture: 'arm64' }), []).config.created, undefined);
});

test('publishImage writes OCI types, and a manifest that parseManifest reads back', () => {
  const { manifest, config } = publishImage(sample(), { oci: true });
  const read = parseManifest(manifest.bytes, manifest.descriptor.mediaType, manifest.descriptor);
  assert.is(read.kind, 'manifest');
  if (read.kind !== 'manifest') return;
  assert.is(read.value.config.digest, config.descriptor.digest);
  assert.equal(read.value.layers, [layer.descriptor]);
  assert.equal(
    config.value.history.map((entry) => entry.empty_layer ?? false),
    [false, true],
  );
});

test('publishImage converts to Docker schema 2 and back', () => {
  const { manifest } = publishImage(sample(), { oci: false });
  assert.is(manifest.descriptor.mediaType, mediaTypes.dockerManifest);
  const text = Buffer.from(manifest.bytes).toString();
  assert.match(text, mediaTypes.dockerLayerGzip);
  assert.match(text, mediaTypes.dockerConfig);
});

test('publishImage refuses what Docker schema 2 has no type for', () => {
  const zstd = { ...layer, descriptor: { ...layer.descriptor, mediaType: mediaTypes.layerZstd } };
  assert.throws(
    () => publishImage(sample('amd64', zstd), { oci: false }),
    (error: unknown) => isError(error, 'UNSUPPORTED'),
  );
});

test('publishIndex names each platform once, in order', () => {
  const images = ['amd64', 'arm64'].map((architecture) => publishImage(sample(architecture), { oci: true }));
  const { root } = publishIndex(images, { oci: true });
  assert.is(root.kind, 'index');
  if (root.kind !== 'index') return;
  assert.equal(
    root.value.manifests.map((entry) => entry.platform?.architecture),
    ['amd64', 'arm64'],
  );
  assert.throws(() => publishIndex([...images, ...images], { oci: true }), /there twice/);
});

test.run();
