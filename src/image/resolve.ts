// A place and a selector → the image for one platform: its manifest, config and layers, all checked; nothing of the
// layers is read. Image spec, image-index.md: how a platform is picked.
import { WherryError } from '../errors.ts';
import { type ImageConfig, parseConfig } from '../oci/config.ts';
import type { Document } from '../oci/descriptor.ts';
import { type Index, type ManifestDocument, maxManifestSize } from '../oci/manifest.ts';
import { compressionOf } from '../oci/media-types.ts';
import { formatPlatform, type Platform, selectPlatform } from '../oci/platform.ts';
import { type Image, type Place, platformOf } from './image.ts';

/** An image as it was found. */
export interface ResolvedImage {
  /** What the selector named: the manifest itself or an index. */
  readonly root: ManifestDocument;
  readonly manifest: ManifestDocument & { readonly kind: 'manifest' };
  readonly config: Document<ImageConfig>;
  readonly image: Image;
}

/** How deep indexes may nest. */
const maxDepth = 8;

/**
 * Finds the image for `platform`. A lone manifest is taken whatever its platform is; from an index the best entry.
 * @throws MANIFEST_UNKNOWN, PLATFORM_UNKNOWN (naming those there are), MANIFEST_INVALID, CONFIG_INVALID
 */
export async function resolveImage(place: Place, selector: string, platform: Platform): Promise<ResolvedImage> {
  const root = await place.registry.getManifest(place.repository, selector);
  const manifest = await selectManifest(place, root, platform);
  return { root, manifest, ...(await readImage(place, manifest)) };
}

/** The config and the layers of a manifest, which must fit one another. @throws MANIFEST_INVALID, CONFIG_INVALID, UNSUPPORTED */
export async function readImage(
  place: Place,
  manifest: ManifestDocument & { readonly kind: 'manifest' },
): Promise<Pick<ResolvedImage, 'config' | 'image'>> {
  const config = await readConfig(place, manifest);
  const diffIds = config.value.rootfs.diff_ids;
  const layers = manifest.value.layers;
  if (diffIds.length !== layers.length)
    throw new WherryError(
      'MANIFEST_INVALID',
      `Cannot use image "${place.repository}": its manifest has ${layers.length} layers, its config ${diffIds.length}`,
    );
  for (const layer of layers)
    if (compressionOf(layer.mediaType) === undefined)
      throw new WherryError(
        'UNSUPPORTED',
        `Cannot use image "${place.repository}": layer type "${layer.mediaType}" is not known`,
        { hint: 'Is this an image, and not another kind of artifact?' },
      );
  const imageLayers = layers.map((descriptor, position) => ({
    descriptor,
    diffId: diffIds[position] as (typeof diffIds)[number],
    origin: place,
  }));
  return { config, image: { config: config.value, layers: imageLayers } };
}

/** Follows indexes down to the manifest for `platform`. */
export async function selectManifest(
  place: Place,
  root: ManifestDocument,
  platform: Platform,
): Promise<ManifestDocument & { readonly kind: 'manifest' }> {
  let document = root;
  for (let depth = 0; document.kind === 'index'; depth++) {
    if (depth >= maxDepth)
      throw new WherryError(
        'MANIFEST_INVALID',
        `Cannot use index "${root.descriptor.digest}": indexes nest more than ${maxDepth} deep`,
      );
    document = await place.registry.getManifest(place.repository, selectEntry(document.value, place, platform));
  }
  return document;
}

/** As `selectManifest`, but a lone manifest must be for `platform` as well. @throws PLATFORM_UNKNOWN */
export async function selectExactly(
  place: Place,
  root: ManifestDocument,
  platform: Platform,
): Promise<ManifestDocument & { readonly kind: 'manifest' }> {
  const manifest = await selectManifest(place, root, platform);
  if (root.kind === 'index') return manifest;
  const found = platformOf((await readConfig(place, manifest)).value);
  if (selectPlatform([found], (each) => each, platform) !== undefined) return manifest;
  throw new WherryError(
    'PLATFORM_UNKNOWN',
    `no match for platform in manifest: "${place.repository}" is an image for "${formatPlatform(found)}" alone, not for "${formatPlatform(platform)}"`,
    { hint: 'Leave out --platform to take it as it is.' },
  );
}

function selectEntry(index: Index, place: Place, platform: Platform): string {
  const found =
    selectPlatform(index.manifests, (entry) => entry.platform, platform) ??
    (index.manifests.length === 1 && index.manifests[0]?.platform === undefined ? index.manifests[0] : undefined);
  if (found !== undefined) return found.digest;
  const there = index.manifests.flatMap((entry) =>
    entry.platform === undefined || entry.platform.os === 'unknown' ? [] : [formatPlatform(entry.platform)],
  );
  throw new WherryError(
    'PLATFORM_UNKNOWN',
    `no match for platform in manifest: "${place.repository}" has no image for "${formatPlatform(platform)}"`,
    {
      hint: there.length === 0 ? 'Its index names no platforms.' : `It has: ${there.join(', ')}.`,
    },
  );
}

/** The config of a manifest, checked. */
export async function readConfig(
  place: Place,
  manifest: ManifestDocument & { readonly kind: 'manifest' },
): Promise<Document<ImageConfig>> {
  const descriptor = manifest.value.config;
  if (descriptor.size > maxManifestSize)
    throw new WherryError(
      'TOO_LARGE',
      `Cannot read image config "${descriptor.digest}": it has ${descriptor.size} bytes, at most ${maxManifestSize} are allowed`,
    );
  const chunks: Uint8Array[] = [];
  for await (const chunk of place.registry.openBlob(place.repository, descriptor)) chunks.push(chunk);
  return parseConfig(Buffer.concat(chunks), descriptor);
}
