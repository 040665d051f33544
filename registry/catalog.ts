// What a shelf's manifests say about each other: children, subjects, and the blobs they need. Manifests never change, so
// what was read of one is kept.
import { WherryError } from '../src/errors.ts';
import type { Descriptor } from '../src/oci/descriptor.ts';
import type { Digest } from '../src/oci/digest.ts';
import { type ManifestDocument, parseManifest } from '../src/oci/manifest.ts';
import { isIndexType, isManifestType, mediaTypes } from '../src/oci/media-types.ts';
import type { Shelf } from './backend.ts';
import { entriesOf } from './entries.ts';

/** What is kept of a manifest. */
export interface Facts {
  /** As the list of referrers has it: with artifact type and annotations. */
  readonly descriptor: Descriptor;
  readonly subject?: Digest;
  readonly children: readonly Descriptor[];
}

/** Questions about the manifests of a shelf. */
export interface Catalog {
  hasRepository(repository: string): Promise<boolean>;
  /** The manifests of a repository; where repositories are not kept apart, with all that indexes lead to. */
  manifests(repository: string): Promise<readonly Facts[]>;
  /** A manifest that any entry leads to. */
  descendant(digest: Digest): Promise<Descriptor | undefined>;
  /** @throws MANIFEST_BLOB_UNKNOWN unless the repository has all blobs and children of a manifest */
  requireParts(repository: string, manifest: ManifestDocument): Promise<void>;
}

const maxKept = 20_000;
const maxDepth = 8;

/** The catalog of a shelf. */
export function createCatalog(shelf: Shelf): Catalog {
  const kept = new Map<Digest, Facts>();
  const factsAt = async (descriptor: Descriptor): Promise<Facts | undefined> => {
    const known = kept.get(descriptor.digest);
    if (known !== undefined) return known;
    if (!isManifestType(descriptor.mediaType) && !isIndexType(descriptor.mediaType)) return undefined;
    if ((await shelf.blobs.size(descriptor.digest)) === undefined) return undefined;
    const facts = factsOf(parseManifest(await shelf.blobs.read(descriptor), descriptor.mediaType, descriptor));
    if (kept.size >= maxKept) kept.clear();
    kept.set(descriptor.digest, facts);
    return facts;
  };
  const walk = async (from: readonly Descriptor[], isDeep: boolean): Promise<ReadonlyMap<Digest, Facts>> => {
    const found = new Map<Digest, Facts>();
    let level = from;
    for (let depth = 0; level.length > 0 && depth < (isDeep ? maxDepth : 1); depth++) {
      const next: Descriptor[] = [];
      for (const descriptor of level) {
        if (found.has(descriptor.digest)) continue;
        const facts = await factsAt(descriptor);
        if (facts === undefined) continue;
        found.set(descriptor.digest, facts);
        next.push(...facts.children);
      }
      level = next;
    }
    return found;
  };
  const isApart = shelf.holdings !== undefined;
  return {
    hasRepository: async (repository) =>
      repository === '' ||
      entriesOf(await shelf.index(), repository).length > 0 ||
      (await shelf.holdings?.knows(repository)) === true,
    manifests: async (repository) => [...(await walk(entriesOf(await shelf.index(), repository), !isApart)).values()],
    descendant: async (digest) => (await walk(await shelf.index(), true)).get(digest)?.descriptor,
    requireParts: (repository, manifest) => requireParts(shelf, repository, manifest),
  };
}

function factsOf({ descriptor, kind, value }: ManifestDocument): Facts {
  const { mediaType, digest, size } = descriptor;
  const artifactType = value.artifactType ?? (kind === 'manifest' ? value.config.mediaType : undefined);
  return {
    descriptor: {
      mediaType,
      digest,
      size,
      ...(artifactType ? { artifactType } : {}),
      ...(value.annotations === undefined ? {} : { annotations: value.annotations }),
    },
    ...(value.subject === undefined ? {} : { subject: value.subject.digest }),
    children: kind === 'index' ? value.manifests : [],
  };
}

async function requireParts(shelf: Shelf, repository: string, manifest: ManifestDocument): Promise<void> {
  const own = new Set(
    (shelf.holdings === undefined ? [] : entriesOf(await shelf.index(), repository)).map((entry) => entry.digest),
  );
  const parts =
    manifest.kind === 'index'
      ? manifest.value.manifests
      : [manifest.value.config, ...manifest.value.layers.filter((layer) => !isForeign(layer))];
  for (const part of parts) {
    const isHeld =
      shelf.holdings === undefined || own.has(part.digest) || (await shelf.holdings.has(repository, part.digest));
    if (isHeld && (await shelf.blobs.size(part.digest)) !== undefined) continue;
    throw new WherryError(
      'MANIFEST_BLOB_UNKNOWN',
      `Cannot store manifest "${manifest.descriptor.digest}": repository "${repository}" does not have its ${manifest.kind === 'index' ? 'manifest' : 'blob'} "${part.digest}"`,
      {
        detail: { digest: part.digest },
        hint: 'Push it first.',
      },
    );
  }
}

/** Types whose layers registries do not hold. */
function isForeign(layer: Descriptor): boolean {
  return (
    (layer.urls?.length ?? 0) > 0 ||
    layer.mediaType === mediaTypes.dockerForeignLayerGzip ||
    layer.mediaType.includes('.nondistributable.')
  );
}
