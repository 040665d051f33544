// What the store has, and what an image is made of: tag, images, history, inspect, remove.
import { WherryError } from '../errors.ts';
import type { Place } from '../image/image.ts';
import { readConfig, selectExactly, selectManifest } from '../image/resolve.ts';
import { annotations } from '../oci/annotations.ts';
import { isDigest } from '../oci/digest.ts';
import type { ManifestDocument } from '../oci/manifest.ts';
import { isConfigType } from '../oci/media-types.ts';
import { formatPlatform, hostPlatform, parsePlatform } from '../oci/platform.ts';
import { formatReference, parseReference, selectorOf } from '../oci/reference.ts';
import { formatLocation, inStore, openForReading, parseLocation, parseStoredName, storePlace } from './place.ts';
import { type CommonOptions, inSession, type Session } from './session.ts';

/** Gives an image of the store another name. @throws MANIFEST_UNKNOWN */
export async function tag(source: string, target: string, options: CommonOptions = {}): Promise<void> {
  const [from, to] = [parseStoredName(source), parseReference(target)];
  if (to.digest !== undefined)
    throw new WherryError('REFERENCE_INVALID', `Cannot tag "${target}": a new name has no digest`);
  await inSession(options, async (session) => {
    const { root } = await inStore(from, session);
    await session.local.registry.putManifest(storePlace(to, session).repository, root, to.tag ?? 'latest');
  });
}

/** A named image of the store. */
export interface StoredImage {
  readonly name: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly platforms: readonly string[];
  readonly created?: string;
  /** Bytes of all its blobs, as stored. */
  readonly size: number;
}

/** The store's images, by name. */
export async function images(options: CommonOptions = {}): Promise<readonly StoredImage[]> {
  return inSession(options, async (session) => {
    const found: StoredImage[] = [];
    for (const entry of await session.store.index()) {
      const name = entry.annotations?.[annotations.refName];
      if (name === undefined) continue;
      const root = await session.local.registry.getManifest('', entry.digest);
      found.push({ name, digest: entry.digest, mediaType: entry.mediaType, ...(await summary(root, session)) });
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

async function summary(
  root: ManifestDocument,
  session: Session,
): Promise<{ platforms: string[]; size: number; created?: string }> {
  if (root.kind === 'manifest') {
    const size =
      root.descriptor.size + root.value.config.size + root.value.layers.reduce((sum, layer) => sum + layer.size, 0);
    if (!isConfigType(root.value.config.mediaType)) return { platforms: [], size };
    const config = await readConfig(session.local, root);
    return {
      platforms: config.value.os === 'unknown' ? [] : [formatPlatform(config.value)],
      size,
      ...(config.value.created === undefined ? {} : { created: config.value.created }),
    };
  }
  const children = await Promise.all(
    root.value.manifests.map(async (child) =>
      (await session.store.blobs.size(child.digest)) === undefined
        ? undefined
        : summary(await session.local.registry.getManifest('', child.digest), session),
    ),
  );
  const there = children.filter((child) => child !== undefined);
  const [first] = there;
  return {
    platforms: there.flatMap((child) => child.platforms),
    size: there.reduce((sum, child) => sum + child.size, root.descriptor.size),
    ...(first?.created === undefined ? {} : { created: first.created }),
  };
}

/** One line of an image's history, with the layer that it made. */
export interface HistoryLine {
  readonly created?: string;
  readonly createdBy: string;
  /** Bytes of the layer's blob; 0 for an empty one. */
  readonly size: number;
  readonly digest?: string;
  readonly comment?: string;
  readonly empty: boolean;
}

/** History of an image (any place; a bare name is looked for in the store first), newest last. */
export async function history(
  name: string,
  options: CommonOptions & { readonly platform?: string } = {},
): Promise<readonly HistoryLine[]> {
  return inSession(options, async (session) => {
    const { place, root } = await find(name, session);
    const manifest =
      options.platform === undefined
        ? await selectManifest(place, root, hostPlatform())
        : await selectExactly(place, root, parsePlatform(options.platform));
    const config = await readConfig(place, manifest);
    const layers = [...manifest.value.layers];
    const lines = config.value.history.map((entry): HistoryLine => {
      const layer = entry.empty_layer ? undefined : layers.shift();
      return {
        ...(entry.created === undefined ? {} : { created: entry.created }),
        createdBy: entry.created_by ?? '',
        size: layer?.size ?? 0,
        ...(layer === undefined ? {} : { digest: layer.digest }),
        ...(entry.comment === undefined ? {} : { comment: entry.comment }),
        empty: entry.empty_layer ?? false,
      };
    });
    return [
      ...lines,
      ...layers.map((layer): HistoryLine => ({ createdBy: '', size: layer.size, digest: layer.digest, empty: false })),
    ];
  });
}

/** A bare name is the store's if it is there, else the registry's. */
async function find(
  name: string,
  session: Session,
): Promise<{ place: Place; root: ManifestDocument; reference: string }> {
  const location = parseLocation(name);
  if (location.kind === 'registry' && !name.startsWith('docker://')) {
    const place = storePlace(location.reference, session);
    const root = await place.registry
      .getManifest(place.repository, selectorOf(location.reference))
      .catch(() => undefined);
    if (root !== undefined) return { place, root, reference: formatReference(location.reference) };
  }
  const { place, selector } = await openForReading(location, session);
  return {
    place,
    root: await place.registry.getManifest(place.repository, selector),
    reference: formatLocation(location),
  };
}

/** An image as plain JSON. */
export interface Inspection {
  readonly reference: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
  /** Of an index: all that it has. */
  readonly platforms?: readonly string[];
  /** The manifest or index as it is. */
  readonly manifest: unknown;
  /** The config as it is, of the image for the platform. */
  readonly config?: unknown;
  /** The document's own text: with `raw` of the manifest, with `config` of the config. */
  readonly text?: string;
}

/** Looks at an image in any place; a bare name is looked for in the store first. */
export async function inspect(
  name: string,
  options: CommonOptions & { readonly platform?: string; readonly raw?: boolean; readonly config?: boolean } = {},
): Promise<Inspection> {
  return inSession(options, async (session) => {
    const { place, root, reference } = await find(name, session);
    const wanted = options.platform === undefined ? undefined : parsePlatform(options.platform);
    const document = wanted === undefined ? root : await selectExactly(place, root, wanted);
    const { digest, mediaType, size } = document.descriptor;
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
    const parse = (bytes: Uint8Array): unknown => JSON.parse(text(bytes));
    const platforms =
      document.kind === 'index'
        ? {
            platforms: document.value.manifests.flatMap((entry) =>
              entry.platform === undefined || entry.platform.os === 'unknown' ? [] : [formatPlatform(entry.platform)],
            ),
          }
        : {};
    const facts = { reference, digest, mediaType, size, ...platforms, manifest: parse(document.bytes) };
    if (options.raw === true && options.config !== true) return { ...facts, text: text(document.bytes) };
    const manifest =
      document.kind === 'manifest'
        ? document
        : await selectManifest(place, document, hostPlatform()).catch(() => undefined);
    if (manifest === undefined || (!isConfigType(manifest.value.config.mediaType) && options.config !== true))
      return facts;
    const config = await readConfig(place, manifest);
    return { ...facts, config: parse(config.bytes), ...(options.config === true ? { text: text(config.bytes) } : {}) };
  });
}

/** Removes names from the store, and the blobs that nothing needs any more. @throws MANIFEST_UNKNOWN */
export async function remove(
  names: readonly string[],
  options: CommonOptions = {},
): Promise<readonly { readonly name: string; readonly deletedBlobs: number }[]> {
  return inSession(options, async (session) => {
    // All are looked up before the first goes: either all names are removed or none.
    for (const name of names) {
      if (isDigest(name)) continue;
      const reference = parseReference(name);
      await inStore({ reference }, session);
    }
    for (const name of names) {
      if (isDigest(name)) await session.local.registry.deleteManifest('', name);
      else {
        const reference = parseReference(name);
        await session.local.registry.deleteManifest(storePlace(reference, session).repository, selectorOf(reference));
      }
    }
    const deleted = (await session.store.gc()).length;
    return names.map((name, position) => ({
      name: isDigest(name) ? name : formatReference(parseReference(name)),
      deletedBlobs: position === names.length - 1 ? deleted : 0,
    }));
  });
}
