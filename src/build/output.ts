// Images → where `--output` says: the store, registries, an OCI or Docker archive, a layout directory, the files of the
// root file system (buildx, "--output"). Each output appears whole or not at all.
import type { RegistryClients } from '../../registry/client/client.ts';
import { createLayoutRegistry } from '../../registry/layout.ts';
import { unreachable, WherryError } from '../errors.ts';
import { archiveEntries } from '../image/archive.ts';
import type { Place } from '../image/image.ts';
import { mountableFrom } from '../image/origins.ts';
import { type Published, type PublishedImage, publishImage, publishIndex } from '../image/publish.ts';
import { type TransferOptions, transfer } from '../image/transfer.ts';
import { writeWhole } from '../image/write-file.ts';
import { tarStream } from '../layer/unpack.ts';
import type { ManifestDocument } from '../oci/manifest.ts';
import { isSamePlatform, type Platform } from '../oci/platform.ts';
import { formatReference, type Reference } from '../oci/reference.ts';
import { openStore, type Store } from '../store/store.ts';
import { inEvent, type Task } from '../task.ts';
import type { LayerShelf } from './layers.ts';
import type { AnnotationOption, ImageOutputOptions, Output } from './options.ts';
import { writeLocal, writeTar } from './output-files.ts';
import type { SolvedStage } from './solve.ts';

/** What outputs need. */
export interface OutputRoom {
  readonly store: Store;
  readonly local: Place;
  readonly clients: RegistryClients;
  readonly shelf: LayerShelf;
  readonly task: Task;
  readonly epoch: number;
}

/** A build's images, one for each platform in the order asked for. */
export interface BuiltImages {
  readonly solved: readonly { readonly platform: Platform; readonly stage: SolvedStage }[];
  readonly annotations: readonly AnnotationOption[];
  readonly tags: readonly Reference[];
  /** Write an index even for a single platform. */
  readonly index: boolean;
}

/** Images → documents, with the annotations where they belong. */
export function publish(built: BuiltImages, options: ImageOutputOptions): Published {
  const oci = options.ociMediaTypes;
  const pick = (on: AnnotationOption['on'], platform?: Platform): Record<string, string> =>
    Object.fromEntries(
      built.annotations
        .filter(
          (item) =>
            item.on === on &&
            (item.platform === undefined || platform === undefined || isSamePlatform(item.platform, platform)),
        )
        .map((item) => [item.key, item.value]),
    );
  const images: PublishedImage[] = built.solved.map(({ platform, stage }) =>
    publishImage(stage.image, { oci, annotations: { manifest: pick('manifest', platform) } }),
  );
  const [first] = images;
  if (first !== undefined && images.length === 1 && !built.index) {
    if (built.annotations.some((item) => item.on === 'index' || item.on === 'index-descriptor'))
      throw new WherryError('ARGUMENT_INVALID', 'index annotations not supported for single platform export', {
        hint: 'Build several platforms, or annotate the manifest.',
      });
    return { root: first.manifest, images };
  }
  return publishIndex(images, {
    oci,
    annotations: pick('index'),
    descriptorAnnotations: built.solved.map(({ platform }) => pick('manifest-descriptor', platform)),
  });
}

/** Writes one output; returns the names that it stored or pushed. */
export async function writeOutput(
  output: Output,
  built: BuiltImages,
  published: Published,
  room: OutputRoom,
): Promise<readonly string[]> {
  const names = 'names' in output && output.names !== undefined && output.names.length > 0 ? output.names : built.tags;
  switch (output.kind) {
    case 'cacheonly':
      return [];
    case 'image':
      return output.push
        ? pushAll(published, names, output.pushByDigest === true, room)
        : storeAll(published, names, room);
    case 'oci':
      await inEvent(room.task, { name: `exporting to OCI ${output.tar ? 'archive' : 'layout'} ${output.dest}` }, () =>
        output.tar
          ? writeArchive(published, names, output.dest, room)
          : writeLayout(published, names, output.dest, room),
      );
      return [];
    case 'docker':
      if (published.images.length > 1)
        throw new WherryError('UNSUPPORTED', 'docker exporter does not currently support exporting manifest lists', {
          hint: 'Build one platform, or use type=oci.',
        });
      await inEvent(room.task, { name: `exporting to Docker archive ${output.dest}` }, () =>
        writeArchive(published, names, output.dest, room, true),
      );
      return [];
    case 'local':
      await inEvent(room.task, { name: `exporting to ${output.dest}` }, () =>
        writeLocal(built.solved, { dest: output.dest, split: splitOf(output, built) }, room.task),
      );
      return [];
    case 'tar':
      await inEvent(room.task, { name: `exporting to tar ${output.dest}` }, () =>
        writeTar(built.solved, { dest: output.dest, split: splitOf(output, built), epoch: room.epoch }, room.task),
      );
      return [];
    default:
      return unreachable(output);
  }
}

function splitOf(output: { readonly platformSplit?: boolean }, built: BuiltImages): boolean {
  return output.platformSplit ?? built.solved.length > 1;
}

/** Puts the made configs into the store's blobs, from where every transfer reads them. */
export async function stageConfigs(published: Published, store: Store): Promise<void> {
  for (const image of published.images) await store.blobs.put(image.config.bytes);
}

/** How a build's own images are moved: their manifests are at hand, layers are in the store or where the base is. */
function transferOptions(published: Published, local: Place): TransferOptions {
  const origins = new Map(
    published.images.flatMap((image) => image.layers.map((layer) => [layer.descriptor.digest, layer.origin] as const)),
  );
  return {
    manifests: new Map(published.images.map((image) => [image.manifest.descriptor.digest, image.manifest])),
    sourcesOf: (blob) => {
      const origin = origins.get(blob.digest);
      return origin === undefined ? [local] : [local, origin];
    },
  };
}

async function storeAll(
  published: Published,
  names: readonly Reference[],
  room: OutputRoom,
): Promise<readonly string[]> {
  return inEvent(room.task, { name: 'exporting to the store' }, async () => {
    const options = transferOptions(published, room.local);
    if (names.length === 0) await transfer(room.local, published.root, room.local, room.task, options);
    for (const name of names)
      await transfer(
        room.local,
        published.root,
        { ...room.local, repository: `${name.registry}/${name.repository}`, tags: [name.tag ?? 'latest'] },
        room.task,
        options,
      );
    return names.map((name) => named(name, published));
  });
}

function named(name: Reference, published: Published): string {
  return formatReference({ ...name, tag: name.tag ?? 'latest', digest: published.root.descriptor.digest });
}

async function pushAll(
  published: Published,
  names: readonly Reference[],
  byDigest: boolean,
  room: OutputRoom,
): Promise<readonly string[]> {
  if (names.length === 0)
    throw new WherryError('ARGUMENT_INVALID', 'Cannot push: tag is needed when pushing to registry', {
      hint: 'Name the image with -t registry/repository:tag.',
    });
  const pushed: string[] = [];
  for (const name of names) {
    await inEvent(room.task, { name: `pushing ${formatReference(name)}` }, async () => {
      const to: Place = {
        registry: room.clients.registry(name.registry),
        host: name.registry,
        repository: name.repository,
      };
      const tags = byDigest ? [] : [name.tag ?? 'latest'];
      await transfer(room.local, published.root, { ...to, tags }, room.task, {
        ...transferOptions(published, room.local),
        mountableFrom: (blob) => mountableFrom(room.store, blob, name.registry),
      });
    });
    const { tag: _, ...untagged } = name;
    pushed.push(
      byDigest ? formatReference({ ...untagged, digest: published.root.descriptor.digest }) : named(name, published),
    );
  }
  return pushed;
}

/** Brings every layer into the store: archives must know each blob before they write it. */
async function fetchAll(published: Published, room: OutputRoom): Promise<void> {
  await Promise.all(published.images.flatMap((image) => image.layers.map((layer) => room.shelf.fetch(layer))));
}

async function writeArchive(
  published: Published,
  names: readonly Reference[],
  dest: string,
  room: OutputRoom,
  docker = false,
): Promise<void> {
  await fetchAll(published, room);
  const entries = archiveEntries(
    [{ root: published.root, below: belowRoot(published), names }],
    (blob) => ({ kind: 'stream', open: () => room.store.blobs.open(blob) }),
    { docker },
  );
  await writeWhole(dest, tarStream(entries, 0), room.task.signal);
}

/** The manifests of an index. */
function belowRoot({ root, images }: Published): readonly ManifestDocument[] {
  return root.kind === 'index' ? images.map((image) => image.manifest) : [];
}

async function writeLayout(
  published: Published,
  names: readonly Reference[],
  dest: string,
  room: OutputRoom,
): Promise<void> {
  await fetchAll(published, room);
  const layout = await openStore(dest, { shared: true });
  try {
    const to: Place = { registry: createLayoutRegistry(layout), host: '', repository: '' };
    const tags = names.map((name) => name.tag ?? 'latest');
    await transfer(room.local, published.root, { ...to, tags }, room.task, transferOptions(published, room.local));
  } finally {
    await layout.close();
  }
}
