import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Code, isError } from '../../src/errors.ts';
import type { Image, Place } from '../../src/image/image.ts';
import { resolveImage } from '../../src/image/resolve.ts';
import { diffIdOf, digestOf } from '../../src/oci/digest.ts';
import { indexDocument, type ManifestDocument } from '../../src/oci/manifest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { parsePlatform } from '../../src/oci/platform.ts';
import { recording } from '../build/room.ts';
import { makeImage, newPlace, publishAll, put } from './room.ts';

async function placeWith(images: readonly Image[]): Promise<Place> {
  const place = newPlace();
  await put(await publishAll(images), place);
  return place;
}

async function failsWith(code: Code, message: RegExp, work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    assert.ok(isError(error, code), String(error));
    assert.match(error.message, message);
    return error.hint ?? '';
  }
  throw new Error(`no ${code}`);
}

const amd64 = parsePlatform('linux/amd64');

test('resolveImage: a lone manifest is taken whatever its platform', async () => {
  const place = await placeWith([await makeImage(['a', 'b'], 'linux/s390x')]);
  const resolved = await resolveImage(place, 'latest', amd64);
  assert.is(resolved.config.value.architecture, 's390x');
  assert.equal(
    resolved.image.layers.map((layer) => layer.diffId),
    resolved.config.value.rootfs.diff_ids,
  );
  assert.is(resolved.image.layers[0]?.origin, place);
  assert.is(resolved.root, resolved.manifest);
});

const choices: readonly (readonly [there: readonly string[], wanted: string, want: string])[] = [
  [['linux/amd64', 'linux/arm64'], 'linux/arm64', 'arm64'],
  [['linux/amd64', 'linux/arm64'], 'linux/arm64/v8', 'arm64'],
  [['linux/arm/v6', 'linux/arm/v7'], 'linux/arm', 'armv7'],
  [['linux/arm/v5', 'linux/arm/v6'], 'linux/arm/v7', 'armv6'],
  [['linux/amd64', 'linux/amd64/v3'], 'linux/amd64/v3', 'amd64v3'],
  [['linux/amd64', 'linux/amd64/v3'], 'linux/amd64/v2', 'amd64'],
];
for (const [there, wanted, want] of choices)
  test(`resolveImage: of ${there.join(' and ')} for ${wanted}: ${want}`, async () => {
    const place = await placeWith(await Promise.all(there.map((platform) => makeImage(['a'], platform))));
    const { config } = (await resolveImage(place, 'latest', parsePlatform(wanted))).image;
    assert.is(`${config.architecture}${config.variant ?? ''}`, want);
  });

test('resolveImage: a platform that is not there names those that are, without attestations', async () => {
  const place = await placeWith([await makeImage(['a'], 'linux/s390x'), await makeImage(['a'], 'linux/ppc64le')]);
  const hint = await failsWith(
    'PLATFORM_UNKNOWN',
    /no match for platform in manifest.*"linux\/amd64"/,
    resolveImage(place, 'latest', amd64),
  );
  assert.match(hint, /linux\/s390x, linux\/ppc64le/);
});

test('resolveImage: by digest, by tag, and an unknown one', async () => {
  const place = await placeWith([await makeImage(['a'])]);
  const { root } = await resolveImage(place, 'latest', amd64);
  assert.is((await resolveImage(place, root.descriptor.digest, amd64)).root.descriptor.digest, root.descriptor.digest);
  await failsWith('MANIFEST_UNKNOWN', /none/, resolveImage(place, 'none', amd64));
});

test('resolveImage: indexes nest, but not for ever', async () => {
  const place = newPlace();
  const published = await publishAll([await makeImage(['a'])]);
  await put(published, place);
  let document: ManifestDocument = published.root;
  for (let depth = 1; depth <= 9; depth++) {
    const { mediaType, digest, size } = document.descriptor;
    document = indexDocument({
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: [{ mediaType, digest, size, platform: amd64 }],
    });
    await place.registry.putManifest('app', document, `d${depth}`);
  }
  assert.is((await resolveImage(place, 'd8', amd64)).manifest.descriptor.digest, published.root.descriptor.digest);
  await failsWith('MANIFEST_INVALID', /nest/, resolveImage(place, 'd9', amd64));
});

test('resolveImage: a single entry without a platform is taken', async () => {
  const place = newPlace();
  const published = await publishAll([await makeImage(['a'])]);
  await put(published, place);
  const manifests = [published.root.descriptor];
  await place.registry.putManifest(
    'app',
    indexDocument({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }),
    'bare',
  );
  assert.is((await resolveImage(place, 'bare', amd64)).manifest.descriptor.digest, published.root.descriptor.digest);
});

test('resolveImage: a config with other layers than the manifest, and layers that are none', async () => {
  const image = await makeImage(['a']);
  const more = {
    ...image.config,
    rootfs: { type: 'layers' as const, diff_ids: [...image.config.rootfs.diff_ids, diffIdOf(digestOf('x'))] },
  };
  await failsWith(
    'MANIFEST_INVALID',
    /1 layers, its config 2/,
    resolveImage(await placeWith([{ ...image, config: more }]), 'latest', amd64),
  );
  const [layer] = image.layers;
  if (layer === undefined) return assert.unreachable();
  const odd = { ...image, layers: [{ ...layer, descriptor: { ...layer.descriptor, mediaType: 'text/plain' } }] };
  await failsWith(
    'UNSUPPORTED',
    /layer type "text\/plain" is not known/,
    resolveImage(await placeWith([odd]), 'latest', amd64),
  );
});

test('resolveImage: layers are not read', async () => {
  const calls: string[] = [];
  const place = await placeWith([await makeImage(['a', 'b'])]);
  await resolveImage({ ...place, registry: recording(place.registry, calls) }, 'latest', amd64);
  assert.equal(
    calls.map((call) => call.split(' ')[0]),
    ['getManifest', 'openBlob'],
  );
});

test.run();
