// Images in memory registries, for tests that move them.
import { createMemoryRegistry } from '../../registry/memory.ts';
import { type Image, type ImageLayer, imageOf, type Place, scratchConfig } from '../../src/image/image.ts';
import { type Published, publishImage, publishIndex } from '../../src/image/publish.ts';
import { writeLayer } from '../../src/layer/write.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { parsePlatform } from '../../src/oci/platform.ts';
import { createMemoryBlobs } from '../../src/store/memory.ts';
import { createTask } from '../../src/task.ts';

/** Blobs of images that were made here. */
export const made = createMemoryBlobs();

/** An empty place. */
export function newPlace(repository = 'app', host = 'reg.example'): Place {
  return { registry: createMemoryRegistry(), host, repository };
}

/** An image of one layer for each text; its blobs are in `made`. */
export async function makeImage(texts: readonly string[], platform = 'linux/amd64'): Promise<Image> {
  const layers: ImageLayer[] = [];
  for (const [position, text] of texts.entries()) {
    const bytes = Buffer.from(text);
    const { layer } = await writeLayer(
      [
        {
          path: `f${position}`,
          type: 'file',
          mode: 0o644,
          uid: 0,
          gid: 0,
          mtime: 0,
          size: bytes.length,
          content: { kind: 'bytes', bytes },
        },
      ],
      { blobs: made, compression: 'gzip', epoch: 0 },
      createTask(),
    );
    layers.push(layer);
  }
  const history = texts.map((text) => ({ created_by: text }));
  return imageOf({ ...scratchConfig(parsePlatform(platform)), history }, layers);
}

/** Images as documents: one, or an index of several. */
export async function publishAll(images: readonly Image[], oci = true): Promise<Published> {
  const published = images.map((image) => publishImage(image, { oci }));
  for (const { config, manifest } of published) {
    await made.put(config.bytes);
    await made.put(manifest.bytes);
  }
  const [only] = published;
  if (only !== undefined && published.length === 1) return { root: only.manifest, images: published };
  return publishIndex(published, { oci });
}

/** Puts what was published at a place, under a tag. */
export async function put(published: Published, place: Place, tag = 'latest'): Promise<void> {
  for (const { manifest, config, layers } of published.images) {
    for (const blob of [config.descriptor, ...layers.map((layer) => layer.descriptor)]) await putBlob(blob, place);
    await place.registry.putManifest(place.repository, manifest);
  }
  await place.registry.putManifest(place.repository, published.root, tag);
}

/** Puts one blob of `made` at a place. */
export async function putBlob(blob: Descriptor, place: Place): Promise<void> {
  await place.registry.pushBlob(place.repository, blob, () => made.open(blob));
}
