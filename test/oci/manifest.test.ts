import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Code, isError } from '../../src/errors.ts';
import { descriptorOf } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { parseManifest } from '../../src/oci/manifest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';

const blob = { mediaType: mediaTypes.layerGzip, digest: digestOf('x'), size: 1 };
const config = { mediaType: mediaTypes.config, digest: digestOf('{}'), size: 2 };
const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [blob] };
const bytesOf = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

test('parseManifest keeps the very bytes', () => {
  const bytes = bytesOf(`${JSON.stringify({ ...manifest, unknown: 1 }, null, 3)}\n`);
  const read = parseManifest(bytes, mediaTypes.manifest);
  assert.is(read.bytes, bytes);
  assert.is(read.descriptor.digest, digestOf(bytes));
});

const kinds: readonly [string, unknown, string, string][] = [
  ['by its own media type', manifest, '', mediaTypes.manifest],
  [
    'by the server’s media type',
    { ...manifest, mediaType: undefined },
    `${mediaTypes.manifest}; charset=utf-8`,
    mediaTypes.manifest,
  ],
  ['by structure', { schemaVersion: 2, manifests: [] }, 'application/json', mediaTypes.index],
  [
    'a Docker list',
    { schemaVersion: 2, mediaType: mediaTypes.dockerIndex, manifests: [] },
    mediaTypes.dockerIndex,
    mediaTypes.dockerIndex,
  ],
];
for (const [name, value, said, want] of kinds)
  test(`parseManifest knows it ${name}`, () => {
    assert.is(parseManifest(bytesOf(value), said).descriptor.mediaType, want);
  });

const bad: readonly [string, unknown, Code][] = [
  ['no JSON', '{', 'MANIFEST_INVALID'],
  ['a list', [], 'MANIFEST_INVALID'],
  ['both kinds at once', { ...manifest, manifests: [] }, 'MANIFEST_INVALID'],
  ['keys that differ by case only', { ...manifest, Config: config }, 'MANIFEST_INVALID'],
  ['Docker schema 1', { schemaVersion: 1, fsLayers: [] }, 'MANIFEST_INVALID'],
  ['no config', { ...manifest, config: undefined }, 'MANIFEST_INVALID'],
  ['a negative size', { ...manifest, layers: [{ ...blob, size: -1 }] }, 'MANIFEST_INVALID'],
  ['a bad digest', { ...manifest, layers: [{ ...blob, digest: 'sha256:../../x' }] }, 'MANIFEST_INVALID'],
  ['another type', { ...manifest, mediaType: 'text/html' }, 'MANIFEST_INVALID'],
  ['layers that are no list', { ...manifest, layers: {} }, 'MANIFEST_INVALID'],
  ['too many bytes', `"${'x'.repeat(5 * 1024 * 1024)}"`, 'TOO_LARGE'],
];
for (const [name, value, code] of bad)
  test(`parseManifest refuses ${name}`, () => {
    assert.throws(
      () => parseManifest(bytesOf(value), ''),
      (error: unknown) => isError(error, code),
    );
  });

test('parseManifest refuses a type that the server calls differently, and bytes that are not those asked for', () => {
  assert.throws(() => parseManifest(bytesOf(manifest), mediaTypes.dockerManifest), /was served as/);
  assert.throws(() => parseManifest(bytesOf(manifest), '', descriptorOf(bytesOf('{}'), mediaTypes.manifest)), /bytes/);
});

test.run();
