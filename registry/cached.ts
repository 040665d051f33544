// A registry whose manifests and small blobs are kept in a blob store: what was read once by digest is not asked for
// again, and a tag costs one HEAD, which registries do not count as a pull.

import type { Descriptor } from '../src/oci/descriptor.ts';
import { isDigest } from '../src/oci/digest.ts';
import { type ManifestDocument, parseManifest } from '../src/oci/manifest.ts';
import type { BlobStore } from '../src/store/blob-store.ts';
import type { OnBytes, Registry } from './registry.ts';

/** Blobs up to this size (configs) are kept when they are read. */
const smallBlob = 1024 * 1024;

/** `remote`, with what `blobs` has taken from there. */
export function createCachedRegistry(remote: Registry, blobs: BlobStore): Registry {
  async function getManifest(repository: string, selector: string): Promise<ManifestDocument> {
    const known = isDigest(selector) ? { digest: selector, mediaType: '' } : await remote.resolve(repository, selector);
    const size = await blobs.size(known.digest);
    if (size !== undefined) return parseManifest(await blobs.read({ digest: known.digest, size }), known.mediaType);
    const document = await remote.getManifest(repository, known.digest);
    await blobs.put(document.bytes);
    return document;
  }

  async function* openBlob(repository: string, descriptor: Descriptor, onBytes?: OnBytes): AsyncIterable<Uint8Array> {
    if ((await blobs.size(descriptor.digest)) === descriptor.size) {
      yield* blobs.open(descriptor);
      return;
    }
    if (descriptor.size > smallBlob) {
      yield* remote.openBlob(repository, descriptor, onBytes);
      return;
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of remote.openBlob(repository, descriptor, onBytes)) chunks.push(Uint8Array.from(chunk));
    const bytes = Buffer.concat(chunks);
    await blobs.put(bytes);
    yield bytes;
  }

  return {
    getManifest,
    openBlob,
    resolve: (repository, selector) => remote.resolve(repository, selector),
    putManifest: (repository, manifest, tag) => remote.putManifest(repository, manifest, tag),
    hasBlob: (repository, descriptor) => remote.hasBlob(repository, descriptor),
    pushBlob: (repository, descriptor, open, onBytes) => remote.pushBlob(repository, descriptor, open, onBytes),
    mountBlob: (repository, descriptor, from) => remote.mountBlob(repository, descriptor, from),
    deleteManifest: (repository, selector) => remote.deleteManifest(repository, selector),
    deleteBlob: (repository, digest) => remote.deleteBlob(repository, digest),
    tags: (repository) => remote.tags(repository),
    repositories: () => remote.repositories(),
    referrers: (repository, digest, artifactType) => remote.referrers(repository, digest, artifactType),
  };
}
