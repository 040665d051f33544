// push, pull, copy, save and load: all are one transfer between two places.
import { createLayoutRegistry } from '../../registry/layout.ts';
import { WherryError } from '../errors.ts';
import { type ArchivedImage, archiveEntries } from '../image/archive.ts';
import type { Place } from '../image/image.ts';
import { mountableFrom, noteOrigins } from '../image/origins.ts';
import { readImage, selectExactly, selectManifest } from '../image/resolve.ts';
import { transfer } from '../image/transfer.ts';
import { readImageArchive } from '../image/unarchive.ts';
import { writeWhole } from '../image/write-file.ts';
import { tarStream } from '../layer/unpack.ts';
import type { ManifestDocument } from '../oci/manifest.ts';
import { isConfigType } from '../oci/media-types.ts';
import { hostPlatform, parsePlatform } from '../oci/platform.ts';
import { formatReference, isTag, parseReference, type Reference, selectorOf } from '../oci/reference.ts';
import { openStore } from '../store/store.ts';
import { inEvent } from '../task.ts';
import {
  formatLocation,
  inStore,
  type Location,
  openFile,
  openForReading,
  parseLocation,
  parseStoredName,
  requireFile,
  storePlace,
} from './place.ts';
import { type CommonOptions, inSession, type Session } from './session.ts';

/** What was moved. */
export interface Transferred {
  /** The destination's name with the digest. */
  readonly reference: string;
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
}

/** Pushes an image of the store to its registry, or to `to`. @throws MANIFEST_UNKNOWN, UNAUTHORIZED, DENIED … */
export async function push(name: string, options: CommonOptions & { readonly to?: string } = {}): Promise<Transferred> {
  const source = parseStoredName(name);
  const target =
    options.to !== undefined ? parseReference(options.to) : 'reference' in source ? source.reference : undefined;
  if (target === undefined)
    throw new WherryError('ARGUMENT_INVALID', `Cannot push "${name}": a digest does not say where to`, {
      hint: `Name the destination: wherry push ${name} REGISTRY/REPOSITORY:TAG`,
    });
  return inSession(options, async (session) => {
    const { place: from, root } = await inStore(source, session);
    return inEvent(session.task, { name: `pushing ${formatReference(target)}` }, () =>
      moveTo({ kind: 'registry', reference: target }, from, root, session),
    );
  });
}

/** Pulls an image into the store: the host's platform, or `platform`, or all of them. */
export async function pull(
  name: string,
  options: CommonOptions & { readonly platform?: string; readonly allPlatforms?: boolean } = {},
): Promise<Transferred> {
  const reference = parseReference(name);
  return inSession(options, async (session) =>
    inEvent(session.task, { name: `pulling ${formatReference(reference)}` }, async () => {
      const from: Place = {
        registry: session.clients.registry(reference.registry),
        host: reference.registry,
        repository: reference.repository,
      };
      const found = await from.registry.getManifest(from.repository, selectorOf(reference));
      const root = options.allPlatforms
        ? found
        : options.platform === undefined
          ? await selectManifest(from, found, hostPlatform())
          : await selectExactly(from, found, parsePlatform(options.platform));
      // An image that could not be used is not let in; other artifacts are taken as they are.
      if (root.kind === 'manifest' && isConfigType(root.value.config.mediaType)) await readImage(from, root);
      const moved = await moveTo({ kind: 'store', reference }, from, root, session);
      if (root.kind === 'manifest') await noteOrigins(session.store, root.value.layers, from);
      return moved;
    }),
  );
}

/** Copies an image between any two places; an index with all that is below it, unless `platform` picks one image. */
export async function copy(
  source: string,
  destination: string,
  options: CommonOptions & { readonly platform?: string } = {},
): Promise<Transferred> {
  const [from, to] = [parseLocation(source), parseLocation(destination)];
  return inSession(options, async (session) =>
    inEvent(session.task, { name: `copying ${formatLocation(from)} → ${formatLocation(to)}` }, async () => {
      const { place, selector } = await openForReading(from, session);
      const found = await place.registry.getManifest(place.repository, selector);
      const root =
        options.platform === undefined ? found : await selectExactly(place, found, parsePlatform(options.platform));
      return moveTo(to, place, root, session);
    }),
  );
}

async function moveTo(to: Location, from: Place, root: ManifestDocument, session: Session): Promise<Transferred> {
  const { digest, size, mediaType } = root.descriptor;
  const done = { reference: formatLocation(to), digest, size, mediaType };
  switch (to.kind) {
    case 'digest':
      throw new WherryError('ARGUMENT_INVALID', `Cannot write to "${to.digest}": a destination is a name`);
    case 'registry':
    case 'store': {
      const { registry, repository, tag, digest: wanted } = to.reference;
      if (wanted !== undefined && wanted !== digest)
        throw new WherryError(
          'DIGEST_MISMATCH',
          `Cannot write "${formatReference(to.reference)}": the image has digest "${digest}"`,
          { hint: 'A platform of an index has its own digest: name that, or move all platforms.' },
        );
      const place: Place =
        to.kind === 'store'
          ? storePlace(to.reference, session)
          : { registry: session.clients.registry(registry), host: registry, repository };
      await transfer(from, root, { ...place, tags: tag === undefined ? [] : [tag] }, session.task, {
        mountableFrom: (blob) => mountableFrom(session.store, blob, place.host),
      });
      return { ...done, reference: formatReference({ ...to.reference, digest }) };
    }
    case 'layout': {
      const layout = await openStore(to.path, { shared: true });
      try {
        const place: Place = { registry: createLayoutRegistry(layout), host: '', repository: '' };
        await transfer(from, root, { ...place, tags: to.tag === undefined ? [] : [to.tag] }, session.task);
      } finally {
        await layout.close();
      }
      return { ...done, reference: `${done.reference}@${digest}` };
    }
    case 'archive':
      await writeImages([{ root, ...namedAs(to) }], from, { output: to.path, format: to.format }, session);
      return { ...done, reference: `${done.reference}@${digest}` };
  }
}

/** As skopeo has it, what follows the file is a tag in an OCI archive, and an image's name in a Docker archive. */
function namedAs(to: Location & { kind: 'archive' }): Pick<ArchivedImage, 'names' | 'tag'> {
  if (to.tag === undefined) return { names: [] };
  return to.format === 'oci' && isTag(to.tag) ? { names: [], tag: to.tag } : { names: [parseReference(to.tag)] };
}

/** Images → one archive. Their blobs must all be at `from`. */
async function writeImages(
  items: readonly Omit<ArchivedImage, 'below'>[],
  from: Place,
  options: { readonly output: string; readonly format: 'docker' | 'oci' },
  session: Session,
): Promise<void> {
  const images: ArchivedImage[] = [];
  for (const item of items) images.push({ ...item, below: await documentsBelow(item.root, from) });
  if (options.format === 'docker' && images.some(({ below }) => below.length > 1))
    throw new WherryError('UNSUPPORTED', 'Cannot write several platforms into a Docker archive', {
      hint: 'Choose one with --platform, or write an OCI archive.',
    });
  const entries = archiveEntries(
    images,
    (blob) => ({ kind: 'stream', open: () => from.registry.openBlob(from.repository, blob) }),
    { docker: options.format === 'docker' },
  );
  await writeWhole(options.output, tarStream(entries, 0), session.task.signal);
}

/** All manifests and indexes below a root, attestations included. */
async function documentsBelow(root: ManifestDocument, from: Place): Promise<ManifestDocument[]> {
  if (root.kind === 'manifest') return [];
  const documents: ManifestDocument[] = [];
  for (const child of root.value.manifests) {
    const document = await from.registry.getManifest(from.repository, child.digest);
    documents.push(document, ...(await documentsBelow(document, from)));
  }
  return documents;
}

/** Saves images of the store to an archive file, or to standard output ("-"). */
export async function save(
  names: readonly string[],
  options: CommonOptions & { readonly output: string; readonly format: 'docker' | 'oci'; readonly platform?: string },
): Promise<void> {
  const wanted = names.map(parseStoredName);
  await inSession(options, async (session) => {
    const items = new Map<string, { root: ManifestDocument; names: Reference[] }>();
    for (const name of wanted) {
      const { place, root: found } = await inStore(name, session);
      const root = await savedRoot(place, found, options);
      const item = items.get(root.descriptor.digest) ?? { root, names: [] };
      if ('reference' in name && name.reference.tag !== undefined) item.names.push(name.reference);
      items.set(root.descriptor.digest, item);
    }
    await inEvent(session.task, { name: `saving to ${options.output}` }, () =>
      writeImages([...items.values()], session.local, options, session),
    );
  });
}

/** What `save` writes of an image: the platform asked for; else a Docker archive takes the host's, an OCI archive all. */
async function savedRoot(
  place: Place,
  found: ManifestDocument,
  options: { readonly format: 'docker' | 'oci'; readonly platform?: string },
): Promise<ManifestDocument> {
  if (options.platform !== undefined) return selectExactly(place, found, parsePlatform(options.platform));
  return options.format === 'docker' ? selectManifest(place, found, hostPlatform()) : found;
}

/** Loads an archive (`-` is standard input) into the store; returns the names, or digests where there are none. */
export async function load(options: CommonOptions & { readonly input: string }): Promise<readonly string[]> {
  await requireFile(options.input);
  return inSession(options, async (session) =>
    inEvent(session.task, { name: `loading ${options.input}` }, async () => {
      const loaded: string[] = [];
      for (const image of await readImageArchive(openFile(options.input), session.store.blobs)) {
        // A layout that another tool made may name its image by a tag alone, which is no image's name.
        const names = image.names.filter((name) => /[/:]/.test(name)).map(parseReference);
        const options = { manifests: image.below };
        if (names.length === 0) await transfer(session.local, image.root, session.local, session.task, options);
        for (const name of names)
          await transfer(
            session.local,
            image.root,
            { ...storePlace(name, session), tags: [name.tag ?? 'latest'] },
            session.task,
            options,
          );
        loaded.push(
          ...(names.length === 0
            ? [image.root.descriptor.digest]
            : names.map((name) => formatReference({ ...name, digest: image.root.descriptor.digest }))),
        );
      }
      return loaded;
    }),
  );
}
