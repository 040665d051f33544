// Where a blob was seen: repositories that a registry may mount it from, kept as side data of the store by digest.
import type { Descriptor } from '../oci/descriptor.ts';
import type { Store } from '../store/store.ts';
import type { Place } from './image.ts';

/** More places than this are not kept for one blob. */
const maxPlaces = 8;

/** Notes that a repository of a network registry has these blobs. */
export async function noteOrigins(store: Store, blobs: readonly Descriptor[], place: Place): Promise<void> {
  if (place.host === '') return;
  const records = store.records('origin');
  const name = `${place.host}/${place.repository}`;
  for (const { digest } of blobs) {
    const known = await originsOf(store, digest);
    if (!known.includes(name))
      await records.put(digest, Buffer.from(JSON.stringify([name, ...known].slice(0, maxPlaces))));
  }
}

/** Repositories of `host` that are known to have the blob. */
export async function mountableFrom(store: Store, blob: Descriptor, host: string): Promise<readonly string[]> {
  const prefix = `${host}/`;
  return (await originsOf(store, blob.digest))
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length));
}

async function originsOf(store: Store, digest: Descriptor['digest']): Promise<readonly string[]> {
  const bytes = await store.records('origin').get(digest);
  if (bytes === undefined) return [];
  try {
    const names: unknown = JSON.parse(Buffer.from(bytes).toString());
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
  } catch {
    return [];
  }
}
