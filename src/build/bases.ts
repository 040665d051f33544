// Base images: a reference or a layout → the image for one platform. The local store is asked first (unless `pull`),
// then the registry; where a layer was seen is noted, so that a later push can mount it.
import { createCachedRegistry } from '../../registry/cached.ts';
import type { RegistryClients } from '../../registry/client/client.ts';
import { createLayoutRegistry } from '../../registry/layout.ts';
import { isError, messageOf, WherryError } from '../errors.ts';
import type { Place } from '../image/image.ts';
import { noteOrigins } from '../image/origins.ts';
import { type ResolvedImage, resolveImage } from '../image/resolve.ts';
import type { Platform } from '../oci/platform.ts';
import { formatFamiliar, formatReference, type Reference, selectorOf } from '../oci/reference.ts';
import type { Store } from '../store/store.ts';
import { inEvent, type Task } from '../task.ts';
import type { BaseImage } from './step.ts';

/** What finding bases needs. */
export interface BaseRoom {
  readonly store: Store;
  readonly clients: RegistryClients;
  readonly task: Task;
  readonly pull: boolean;
}

/** Finds a base by reference. @throws MANIFEST_UNKNOWN, PLATFORM_UNKNOWN, UNAUTHORIZED, NETWORK_FAILED … */
export async function resolveReference(reference: Reference, platform: Platform, room: BaseRoom): Promise<BaseImage> {
  const name = formatFamiliar(reference);
  return inEvent(room.task, { name: `[internal] load metadata for ${formatReference(reference)}` }, async () => {
    const local = room.pull ? undefined : await resolveLocally(reference, platform, room);
    if (local !== undefined) return { name, ...local };
    const registry = createCachedRegistry(room.clients.registry(reference.registry), room.store.blobs);
    const place: Place = { registry, host: reference.registry, repository: reference.repository };
    try {
      const resolved = await resolveImage(place, selectorOf(reference), platform);
      await noteOrigins(room.store, resolved.manifest.value.layers, place);
      return { name, place, resolved };
    } catch (error) {
      throw explained(error, name, reference);
    }
  });
}

async function resolveLocally(
  reference: Reference,
  platform: Platform,
  room: BaseRoom,
): Promise<{ place: Place; resolved: ResolvedImage } | undefined> {
  const place: Place = {
    registry: createLayoutRegistry(room.store),
    host: '',
    repository: `${reference.registry}/${reference.repository}`,
  };
  try {
    return { place, resolved: await resolveImage(place, selectorOf(reference), platform) };
  } catch (error) {
    if (isError(error, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN', 'BLOB_UNKNOWN', 'PLATFORM_UNKNOWN')) return undefined;
    throw error;
  }
}

function explained(error: unknown, name: string, reference: Reference): unknown {
  if (!(error instanceof WherryError) || error.code === 'ABORTED') return error;
  const { hint: own } = error;
  const isMissing = isError(error, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN');
  const spelling = `Is "${name}" spelled right? A stage of that name must come earlier in the Dockerfile.`;
  const hint = isMissing ? spelling : own;
  const reason = isMissing ? `${formatReference(reference)}: not found` : messageOf(error);
  return new WherryError(
    error.code,
    `${name}: failed to resolve source metadata for ${formatReference(reference)}: ${reason}`,
    { hint, detail: error.detail, cause: error },
  );
}

/** Finds a base in an OCI layout; `selector` is a name of its index or a digest. */
export async function resolveLayout(layout: Store, selector: string, platform: Platform): Promise<BaseImage> {
  const place: Place = { registry: createLayoutRegistry(layout), host: '', repository: '' };
  return {
    name: `oci-layout://${layout.root}:${selector}`,
    place,
    resolved: await resolveImage(place, selector, platform),
  };
}
