// A registry over a shelf: content-addressed blobs, a list of entries as in a layout's index.json, and perhaps a record of
// which repository holds which blob. A layout and memory differ in the shelf only.
import { WherryError } from '../src/errors.ts';
import { type Descriptor, verifyBytes } from '../src/oci/descriptor.ts';
import { type Algorithm, algorithmOf, type Digest, isDigest } from '../src/oci/digest.ts';
import { type ManifestDocument, parseManifest } from '../src/oci/manifest.ts';
import type { BlobStore, BlobWriter } from '../src/store/blob-store.ts';
import type { Backend, Shelf } from './backend.ts';
import { type Catalog, createCatalog } from './catalog.ts';
import {
  checkRepository,
  entriesOf,
  repositoriesIn,
  sortedByBytes,
  tagOf,
  withManifest,
  withoutManifest,
  withoutTag,
} from './entries.ts';

/** The registry of a shelf. */
export function createShelfRegistry(shelf: Shelf): Backend {
  const catalog = createCatalog(shelf);
  return { ...blobsOf(shelf), ...manifestsOf(shelf, catalog), ...listsOf(shelf, catalog) };
}

type BlobPart = Pick<
  Backend,
  'hasBlob' | 'openBlob' | 'pushBlob' | 'mountBlob' | 'deleteBlob' | 'createBlob' | 'blobSize' | 'openBlobFrom'
>;
type ManifestPart = Pick<Backend, 'resolve' | 'getManifest' | 'putManifest' | 'deleteManifest'>;
type ListPart = Pick<Backend, 'tags' | 'repositories' | 'referrers' | 'hasRepository'>;

function blobsOf(shelf: Shelf): BlobPart {
  const { blobs, holdings } = shelf;
  const blobSize = async (repository: string, digest: Digest): Promise<number | undefined> => {
    checkRepository(repository);
    return holdings === undefined || (await holdings.has(repository, digest)) ? blobs.size(digest) : undefined;
  };
  async function* openFrom(
    repository: string,
    blob: Pick<Descriptor, 'digest' | 'size'>,
    offset: number,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    if ((await blobSize(repository, blob.digest)) === undefined) throw unknownBlob(repository, blob.digest);
    yield* blobs.open(blob, offset);
  }
  const createBlob = async (repository: string, algorithm?: Algorithm): Promise<BlobWriter> => {
    checkRepository(repository);
    const writer = await blobs.create(algorithm);
    return holdings === undefined ? writer : heldBy(writer, (digest) => holdings.add(repository, digest));
  };
  return {
    blobSize,
    createBlob,
    openBlobFrom: openFrom,
    hasBlob: async (repository, descriptor) => (await blobSize(repository, descriptor.digest)) === descriptor.size,
    openBlob: (repository, descriptor, onBytes) => counted(openFrom(repository, descriptor, 0), onBytes),
    pushBlob: async (repository, descriptor, open, onBytes) => {
      if ((await blobSize(repository, descriptor.digest)) === descriptor.size) return;
      await fill(await createBlob(repository, algorithmOf(descriptor.digest)), counted(open(0), onBytes), descriptor);
    },
    mountBlob: async (repository, descriptor, from) => {
      checkRepository(repository);
      if ((await blobSize(from, descriptor.digest)) === undefined) return false;
      await holdings?.add(repository, descriptor.digest);
      return true;
    },
    deleteBlob: async (repository, digest) => {
      checkRepository(repository);
      if (holdings === undefined)
        throw new WherryError('UNSUPPORTED', `Cannot delete blob "${digest}": images share it`, {
          hint: 'Remove the images that use it instead.',
        });
      if (!(await holdings.remove(repository, digest))) throw unknownBlob(repository, digest);
    },
  };
}

async function fill(writer: BlobWriter, chunks: AsyncIterable<Uint8Array>, descriptor: Descriptor): Promise<void> {
  try {
    for await (const chunk of chunks) {
      await writer.write(chunk);
      // An endless source must not fill the disk.
      if (writer.size > descriptor.size) break;
    }
    await writer.commit(descriptor);
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

function heldBy(writer: BlobWriter, add: (digest: Digest) => Promise<void>): BlobWriter {
  return {
    get size() {
      return writer.size;
    },
    write: (bytes) => writer.write(bytes),
    abort: () => writer.abort(),
    commit: async (expected) => {
      const blob = await writer.commit(expected);
      await add(blob.digest);
      return blob;
    },
  };
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onBytes: ((count: number) => void) | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    onBytes?.(chunk.byteLength);
    yield chunk;
  }
}

function manifestsOf(shelf: Shelf, catalog: Catalog): ManifestPart {
  const keepUntagged = shelf.holdings !== undefined;
  const find = async (repository: string, selector: string): Promise<Descriptor> => {
    checkRepository(repository);
    const own = entriesOf(await shelf.index(), repository);
    const entry = isDigest(selector)
      ? (own.find((candidate) => candidate.digest === selector) ??
        (keepUntagged ? undefined : await catalog.descendant(selector)))
      : own.find((candidate) => tagOf(candidate, repository) === selector);
    if (entry !== undefined) return { mediaType: entry.mediaType, digest: entry.digest, size: entry.size };
    if (!(await catalog.hasRepository(repository))) throw unknownRepository(repository);
    throw unknownManifest(repository, selector);
  };
  return {
    resolve: find,
    getManifest: async (repository, selector) => {
      const descriptor = await find(repository, selector);
      return parseManifest(await shelf.blobs.read(descriptor), descriptor.mediaType, descriptor);
    },
    putManifest: async (repository, manifest, tag) => {
      checkRepository(repository);
      verifyBytes(manifest.bytes, manifest.descriptor);
      if (shelf.sparse !== true) await catalog.requireParts(repository, manifest);
      await storeBytes(shelf.blobs, manifest);
      const change = { repository, descriptor: entryOf(manifest), tag, keepUntagged };
      // Where repositories are not kept apart an index keeps its children, which need no entry of their own.
      const covered = keepUntagged ? {} : { covered: childrenOf(manifest) };
      await shelf.updateIndex((entries) => withManifest(entries, { ...change, ...covered }));
    },
    deleteManifest: async (repository, selector) => {
      const { digest } = await find(repository, selector);
      await shelf.updateIndex((entries) => {
        // Not so where only an index leads to it, or where somebody was faster.
        const isThere = entriesOf(entries, repository).some((entry) =>
          isDigest(selector) ? entry.digest === digest : tagOf(entry, repository) === selector,
        );
        if (!isThere) throw unknownManifest(repository, selector);
        return isDigest(selector)
          ? withoutManifest(entries, repository, digest)
          : withoutTag(entries, { repository, tag: selector, keepUntagged });
      });
    },
  };
}

function entryOf({ descriptor: { mediaType, digest, size }, value: { artifactType } }: ManifestDocument): Descriptor {
  return { mediaType, digest, size, ...(artifactType === undefined ? {} : { artifactType }) };
}

function childrenOf(manifest: ManifestDocument): ReadonlySet<Digest> {
  return new Set(manifest.kind === 'index' ? manifest.value.manifests.map((child) => child.digest) : []);
}

async function storeBytes(blobs: BlobStore, manifest: ManifestDocument): Promise<void> {
  if ((await blobs.size(manifest.descriptor.digest)) === manifest.bytes.byteLength) return;
  const once = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    yield manifest.bytes;
  };
  await fill(await blobs.create(algorithmOf(manifest.descriptor.digest)), once(), manifest.descriptor);
}

function listsOf(shelf: Shelf, catalog: Catalog): ListPart {
  return {
    hasRepository: catalog.hasRepository,
    tags: async function* (repository) {
      checkRepository(repository);
      const tags = entriesOf(await shelf.index(), repository).map((entry) => tagOf(entry, repository));
      if (tags.length === 0 && !(await catalog.hasRepository(repository))) throw unknownRepository(repository);
      yield* sortedByBytes(new Set(tags.filter((tag) => tag !== undefined)));
    },
    repositories: async function* () {
      const held = (await shelf.holdings?.repositories()) ?? [];
      yield* sortedByBytes(new Set([...held, ...repositoriesIn(await shelf.index())]));
    },
    referrers: async (repository, digest, artifactType) => {
      checkRepository(repository);
      const found: Descriptor[] = [];
      for (const facts of await catalog.manifests(repository)) {
        if (facts.subject === digest && (artifactType === undefined || facts.descriptor.artifactType === artifactType))
          found.push(facts.descriptor);
      }
      return found;
    },
  };
}

function unknownBlob(repository: string, digest: Digest): WherryError {
  return new WherryError('BLOB_UNKNOWN', `Cannot open blob "${digest}": repository "${repository}" does not have it`, {
    detail: { digest },
  });
}

function unknownManifest(repository: string, selector: string): WherryError {
  return new WherryError(
    'MANIFEST_UNKNOWN',
    `Cannot find manifest "${selector}": repository "${repository}" does not have it`,
    { detail: { reference: selector } },
  );
}

function unknownRepository(repository: string): WherryError {
  return new WherryError('NAME_UNKNOWN', `Cannot find repository "${repository}": it is not here`, {
    detail: { name: repository },
  });
}
