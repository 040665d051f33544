import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Registry } from '../../registry/registry.ts';
import { isError, WherryError } from '../../src/errors.ts';
import type { Place } from '../../src/image/image.ts';
import { transfer, transferBlob } from '../../src/image/transfer.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { indexDocument, manifestDocument } from '../../src/oci/manifest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { createTask, type Event } from '../../src/task.ts';
import { recording } from '../build/room.ts';
import { makeImage, newPlace, publishAll, put, putBlob } from './room.ts';

const both = async () => publishAll([await makeImage(['a', 'b']), await makeImage(['a', 'c'], 'linux/arm64')]);

function watched(place: Place): { readonly place: Place; readonly calls: string[] } {
  const calls: string[] = [];
  return { place: { ...place, registry: recording(place.registry, calls) }, calls };
}

/** A place whose blobs are wrong the first `times` times. */
function lying(
  place: Place,
  times: number,
  code: 'DIGEST_MISMATCH' | 'SIZE_INVALID' | 'BLOB_UNKNOWN' = 'DIGEST_MISMATCH',
): Place {
  let left = times;
  const registry: Registry = {
    ...place.registry,
    openBlob: (repository, descriptor, onBytes) =>
      left-- > 0
        ? (async function* () {
            yield new Uint8Array(3);
            throw new WherryError(code, 'wrong bytes');
          })()
        : place.registry.openBlob(repository, descriptor, onBytes),
  };
  return { ...place, registry };
}

test('transfer: blobs, then children, then the root, then tags; each blob once', async () => {
  const from = newPlace();
  const published = await both();
  await put(published, from);
  const { place, calls } = watched(newPlace('copy', 'other.example'));
  await transfer(from, published.root, { ...place, tags: ['one', 'two'] }, createTask());
  const writes = calls.filter((call) => /^(pushBlob|putManifest)/.test(call));
  const [first, second] = published.images.map((image) => image.manifest.descriptor.digest);
  const root = published.root.descriptor.digest;
  const at = (call: string): number => writes.indexOf(call);
  assert.equal(writes.slice(at(`putManifest copy ${second}`) + 1), [
    `putManifest copy ${root} one`,
    `putManifest copy ${root} two`,
  ]);
  const blobs = (image: number): string[] => {
    const made = published.images[image];
    return made === undefined
      ? []
      : [made.config.descriptor.digest, ...made.layers.map((layer) => layer.descriptor.digest)];
  };
  for (const blob of blobs(0)) assert.ok(at(`pushBlob copy ${blob}`) < at(`putManifest copy ${first}`));
  for (const blob of blobs(1)) assert.ok(at(`pushBlob copy ${blob}`) < at(`putManifest copy ${second}`));
  assert.is(new Set(writes).size, writes.length);
  for (const tag of ['one', 'two']) assert.is((await place.registry.resolve('copy', tag)).digest, root);
});

test('transfer: what is there is not sent again, and reads nothing', async () => {
  const published = await both();
  const [from, to] = [watched(newPlace()), watched(newPlace('copy'))];
  await put(published, from.place);
  await transfer(from.place, published.root, to.place, createTask());
  from.calls.length = 0;
  to.calls.length = 0;
  await transfer(from.place, published.root, { ...to.place, tags: ['again'] }, createTask());
  assert.equal(
    from.calls.filter((call) => call.startsWith('openBlob')),
    [],
  );
  assert.equal(
    to.calls.filter((call) => call.startsWith('pushBlob')),
    [],
  );
});

test('transfer: a tag is not written when a blob is missing', async () => {
  const published = await publishAll([await makeImage(['a', 'b'])]);
  const from = newPlace();
  await put(published, from);
  await from.registry.deleteBlob('app', published.images[0]?.layers[1]?.descriptor.digest as never);
  const to = newPlace('copy');
  try {
    await transfer(from, published.root, { ...to, tags: ['t'] }, createTask());
    assert.unreachable();
  } catch (error) {
    assert.ok(isError(error, 'BLOB_UNKNOWN'), String(error));
  }
  try {
    await to.registry.resolve('copy', 't');
    assert.unreachable();
  } catch (error) {
    assert.ok(isError(error, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN'));
  }
});

test('transfer: manifests at hand are not asked for', async () => {
  const published = await both();
  const from = watched(newPlace());
  await put(published, from.place);
  from.calls.length = 0;
  const manifests = new Map(published.images.map((image) => [image.manifest.descriptor.digest, image.manifest]));
  await transfer(from.place, published.root, newPlace('copy'), createTask(), { manifests });
  assert.equal(
    from.calls.filter((call) => call.startsWith('getManifest')),
    [],
  );
});

test('transfer: indexes in indexes, and manifests that are no images, go along', async () => {
  const empty = Buffer.from('{}');
  const config = { mediaType: mediaTypes.empty, digest: digestOf(empty), size: 2 };
  const artifact = manifestDocument({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: 'a/b',
    config,
    layers: [],
  });
  const inner = await both();
  const from = newPlace();
  await put(inner, from);
  await from.registry.pushBlob('app', config, async function* () {
    yield empty;
  });
  await from.registry.putManifest('app', artifact);
  const root = indexDocument({
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [inner.root.descriptor, artifact.descriptor],
  });
  await from.registry.putManifest('app', root);
  const to = newPlace('copy');
  await transfer(from, root, to, createTask());
  for (const document of [root, artifact, inner.root])
    assert.ok(
      Buffer.from((await to.registry.getManifest('copy', document.descriptor.digest)).bytes).equals(document.bytes),
    );
});

test('transfer: an index entry of another type is refused', async () => {
  const entry = { mediaType: 'text/plain', digest: digestOf('x'), size: 1 };
  const root = indexDocument({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [entry] });
  try {
    await transfer(newPlace(), root, newPlace(), createTask());
    assert.unreachable();
  } catch (error) {
    assert.ok(isError(error, 'MANIFEST_INVALID'));
  }
});

test('transfer: foreign layers stay where their urls say, others with urls go along', async () => {
  const image = await makeImage(['a', 'b']);
  const [first, second] = image.layers;
  if (first === undefined || second === undefined) return assert.unreachable();
  const foreign = { ...first.descriptor, mediaType: mediaTypes.dockerForeignLayerGzip, urls: ['https://x.example/l'] };
  const published = await publishAll([
    {
      ...image,
      layers: [
        { ...first, descriptor: foreign },
        { ...second, descriptor: { ...second.descriptor, urls: ['https://x.example/m'] } },
      ],
    },
  ]);
  const from = newPlace();
  for (const blob of [published.images[0]?.config.descriptor, second.descriptor])
    if (blob !== undefined) await putBlob(blob, from);
  const to = watched(newPlace('copy'));
  await transfer(from, published.root, to.place, createTask()).catch((error) => {
    // A registry may insist on all blobs.
    assert.ok(isError(error, 'MANIFEST_BLOB_UNKNOWN'), String(error));
  });
  assert.is(
    to.calls.some((call) => call.includes(foreign.digest) && !call.startsWith('putManifest')),
    false,
  );
  assert.is(to.calls.includes(`pushBlob copy ${second.descriptor.digest}`), true);
});

test("transferBlob: mounts before it uploads, from the source's repository and from known ones", async () => {
  const published = await publishAll([await makeImage(['mount'])]);
  const blob = published.images[0]?.layers[0]?.descriptor;
  if (blob === undefined) return assert.unreachable();
  const registry = newPlace('base');
  await put(published, registry);
  const to = watched({ ...registry, repository: 'mine' });
  await transferBlob(blob, [registry], to.place, createTask());
  assert.equal(
    to.calls.map((call) => call.split(' ')[0]),
    ['hasBlob', 'mountBlob'],
  );

  const second = watched({ ...registry, repository: 'other' });
  const local = newPlace('', '');
  await transferBlob(blob, [local], second.place, createTask(), { mountableFrom: async () => ['none', 'base'] });
  assert.equal(
    second.calls.map((call) => call.split(' ')[0]),
    ['hasBlob', 'mountBlob', 'mountBlob'],
  );
});

test('transferBlob: a mount that does not work out is an upload', async () => {
  const published = await publishAll([await makeImage(['no mount'])]);
  const blob = published.images[0]?.layers[0]?.descriptor;
  if (blob === undefined) return assert.unreachable();
  const from = newPlace('base', 'a.example');
  await put(published, from);
  const to = watched(newPlace('mine', 'b.example'));
  await transferBlob(blob, [from], to.place, createTask(), { mountableFrom: async () => ['none'] });
  assert.equal(
    to.calls.map((call) => call.split(' ')[0]),
    ['hasBlob', 'mountBlob', 'pushBlob'],
  );
});

test('transferBlob: wrong bytes are asked for again, then the next source is', async () => {
  const published = await publishAll([await makeImage(['retry'])]);
  const blob = published.images[0]?.layers[0]?.descriptor;
  if (blob === undefined) return assert.unreachable();
  const good = newPlace();
  await put(published, good);
  for (const sources of [
    [lying(good, 1)],
    [lying(good, 1, 'SIZE_INVALID')],
    [lying(good, 9), good],
    [lying(good, 9, 'BLOB_UNKNOWN'), good],
  ]) {
    const to = newPlace('copy');
    await transferBlob(blob, sources, to, createTask());
    assert.is(await to.registry.hasBlob('copy', blob), true);
  }
  const to = newPlace('copy');
  try {
    await transferBlob(blob, [lying(good, 9)], to, createTask());
    assert.unreachable();
  } catch (error) {
    assert.ok(isError(error, 'DIGEST_MISMATCH'));
  }
  assert.is(await to.registry.hasBlob('copy', blob), false);
});

test('transferBlob: no source has it', async () => {
  const blob = { mediaType: mediaTypes.layer, digest: digestOf('gone'), size: 4 };
  for (const sources of [[], [newPlace()]])
    try {
      await transferBlob(blob, sources, newPlace('copy'), createTask());
      assert.unreachable();
    } catch (error) {
      assert.ok(isError(error, 'BLOB_UNKNOWN', 'NAME_UNKNOWN'));
    }
});

test('transfer: an aborted task moves nothing', async () => {
  const published = await both();
  const from = newPlace();
  await put(published, from);
  const to = watched(newPlace('copy'));
  try {
    await transfer(from, published.root, to.place, createTask({ signal: AbortSignal.abort() }));
    assert.unreachable();
  } catch (error) {
    assert.ok(isError(error, 'ABORTED'));
  }
  assert.equal(to.calls, []);
});

test('transfer: progress never exceeds the blob, and tells how a blob was had', async () => {
  const published = await publishAll([await makeImage(['x'.repeat(3_000_000)])]);
  const from = newPlace();
  await put(published, from);
  const events: Event[] = [];
  await transfer(from, published.root, newPlace('copy'), createTask({ onEvent: (event) => events.push(event) }));
  for (const event of events) if (event.kind === 'progress') assert.ok(event.current <= (event.total ?? 0));
  const details = events.flatMap((event) => (event.kind === 'end' ? [event.outcome] : []));
  assert.equal(details, ['done', 'done']);
});

test.run();
