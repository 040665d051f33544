// A registry in memory: for tests, for images that only pass through, and for a server that keeps nothing.
import type { Descriptor } from '../src/oci/descriptor.ts';
import type { Digest } from '../src/oci/digest.ts';
import { createMemoryBlobs } from '../src/store/memory.ts';
import type { Backend, Holdings, Shelf } from './backend.ts';
import { createShelfRegistry } from './shelf.ts';

/** An empty registry. Its repositories are kept apart. */
export function createMemoryRegistry(): Backend {
  const blobs = createMemoryBlobs();
  let entries: readonly Descriptor[] = [];
  const isNeeded = (digest: Digest): boolean => entries.some((entry) => entry.digest === digest);
  const drop = async (digest: Digest): Promise<void> => {
    if (!isNeeded(digest) && !holdings.isHeld(digest)) await blobs.delete(digest);
  };
  const holdings = createMemoryHoldings(drop);
  const shelf: Shelf = {
    blobs,
    holdings,
    index: async () => entries,
    updateIndex: async (change) => {
      const before = entries;
      entries = change(before);
      const after = new Set(entries);
      for (const entry of before) if (!after.has(entry)) await drop(entry.digest);
    },
  };
  return createShelfRegistry(shelf);
}

/** `onRemove` is called with a blob that a repository held. */
function createMemoryHoldings(
  onRemove: (digest: Digest) => Promise<void>,
): Holdings & { isHeld(digest: Digest): boolean } {
  const held = new Map<string, Set<Digest>>();
  return {
    isHeld: (digest) => [...held.values()].some((digests) => digests.has(digest)),
    has: async (repository, digest) => held.get(repository)?.has(digest) === true,
    add: async (repository, digest) => {
      const digests = held.get(repository) ?? new Set();
      held.set(repository, digests.add(digest));
    },
    remove: async (repository, digest) => {
      if (held.get(repository)?.delete(digest) !== true) return false;
      await onRemove(digest);
      return true;
    },
    knows: async (repository) => held.has(repository),
    repositories: async () => [...held.keys()].filter((repository) => repository !== ''),
  };
}
