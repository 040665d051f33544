// Places as skopeo writes them → something that images can be read from or written to: `docker://name`, `oci:DIR[:tag]`,
// `oci-archive:FILE[:tag]`, `docker-archive:FILE[:tag]`, `store:NAME`; a bare name is `docker://`, a bare digest an image of the store.
import { constants, createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { createLayoutRegistry } from '../../registry/layout.ts';
import { isError, reasonOf, WherryError } from '../errors.ts';
import type { Place } from '../image/image.ts';
import { readImageArchive, type UnarchivedImage } from '../image/unarchive.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import type { ManifestDocument } from '../oci/manifest.ts';
import { formatReference, parseReference, type Reference, selectorOf } from '../oci/reference.ts';
import type { Session } from './session.ts';

/** A parsed place. */
export type Location =
  /** An image of the store that may have no name. */
  | { readonly kind: 'digest'; readonly digest: Digest }
  | { readonly kind: 'registry'; readonly reference: Reference }
  | { readonly kind: 'store'; readonly reference: Reference }
  | { readonly kind: 'layout'; readonly path: string; readonly tag?: string }
  | { readonly kind: 'archive'; readonly format: 'oci' | 'docker'; readonly path: string; readonly tag?: string };

/** Text → Location. @throws REFERENCE_INVALID, ARGUMENT_INVALID */
export function parseLocation(text: string): Location {
  if (isDigest(text)) return { kind: 'digest', digest: text };
  const [, scheme = '', rest = ''] = /^(docker:\/\/|store:|oci:|oci-archive:|docker-archive:)?(.*)$/s.exec(text) ?? [];
  const unknown =
    scheme === '' ? /^(?:[a-z-]+:\/\/|dir:|docker-daemon:|containers-storage:)/.exec(rest)?.[0] : undefined;
  if (unknown !== undefined)
    throw new WherryError('ARGUMENT_INVALID', `Cannot use "${text}": there are no places of the kind "${unknown}"`, {
      hint: 'Want docker://NAME, oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME] or store:NAME.',
    });
  switch (scheme) {
    case '':
    case 'docker://':
      return { kind: 'registry', reference: parseReference(rest) };
    case 'store:':
      return { kind: 'store', reference: parseReference(rest) };
    case 'oci:':
      return { kind: 'layout', ...splitPath(rest, text) };
    default:
      return { kind: 'archive', format: scheme === 'oci-archive:' ? 'oci' : 'docker', ...splitPath(rest, text) };
  }
}

/** `DIR[:tag]`: the path ends at the first colon, as skopeo has it. */
function splitPath(rest: string, text: string): { path: string; tag?: string } {
  const colon = rest.indexOf(':');
  const path = colon < 0 ? rest : rest.slice(0, colon);
  if (path === '') throw new WherryError('ARGUMENT_INVALID', `Cannot use "${text}": the path is missing`);
  return colon < 0 ? { path } : { path, tag: rest.slice(colon + 1) };
}

/** Location → as it is printed. */
export function formatLocation(location: Location): string {
  switch (location.kind) {
    case 'digest':
      return location.digest;
    case 'registry':
    case 'store':
      return formatReference(location.reference);
    case 'layout':
      return `oci:${location.path}${location.tag === undefined ? '' : `:${location.tag}`}`;
    default:
      return `${location.format}-archive:${location.path}${location.tag === undefined ? '' : `:${location.tag}`}`;
  }
}

/** A place to read from, and what to ask for there. */
export interface ReadablePlace {
  readonly place: Place;
  readonly selector: string;
}

/** The store's own place for a reference. */
export function storePlace(reference: Reference, session: Session): Place {
  return { registry: session.local.registry, host: '', repository: `${reference.registry}/${reference.repository}` };
}

/** How an image of the store is named: by a reference, or by the digest that a build without a tag prints. */
export type StoredName = { readonly reference: Reference } | { readonly digest: Digest };

/** Text → StoredName. @throws REFERENCE_INVALID */
export function parseStoredName(text: string): StoredName {
  return isDigest(text) ? { digest: text } : { reference: parseReference(text) };
}

/** An image of the store, and its place there. @throws MANIFEST_UNKNOWN */
export async function inStore(name: StoredName, session: Session): Promise<{ place: Place; root: ManifestDocument }> {
  const place = 'digest' in name ? session.local : storePlace(name.reference, session);
  const selector = 'digest' in name ? name.digest : selectorOf(name.reference);
  try {
    return { place, root: await place.registry.getManifest(place.repository, selector) };
  } catch (error) {
    if (!isError(error, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN', 'BLOB_UNKNOWN')) throw error;
    const text = 'digest' in name ? name.digest : formatReference(name.reference);
    throw new WherryError('MANIFEST_UNKNOWN', `Cannot find "${text}" in the store`, {
      hint: '`wherry images` lists what is there; `wherry build -t` and `wherry pull` put images there.',
      cause: error,
    });
  }
}

/** Opens a location for reading. Archives are unpacked into a temporary layout of the store. */
export async function openForReading(location: Location, session: Session): Promise<ReadablePlace> {
  switch (location.kind) {
    case 'digest':
      return { place: session.local, selector: location.digest };
    case 'registry':
      return {
        place: {
          registry: session.clients.registry(location.reference.registry),
          host: location.reference.registry,
          repository: location.reference.repository,
        },
        selector: selectorOf(location.reference),
      };
    case 'store':
      return { place: storePlace(location.reference, session), selector: selectorOf(location.reference) };
    case 'layout':
      return openLayout(location.path, location.tag, session);
    case 'archive':
      return openArchivePlace(location, session);
  }
}

async function openLayout(path: string, tag: string | undefined, session: Session): Promise<ReadablePlace> {
  const layout = await session.openLayout(path);
  const place: Place = { registry: createLayoutRegistry(layout), host: '', repository: '' };
  if (tag !== undefined) return { place, selector: tag };
  const entries = await layout.index();
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) return { place, selector: only.digest };
  throw new WherryError('ARGUMENT_INVALID', `Cannot choose an image of "oci:${path}": it has ${entries.length}`, {
    hint: `Name one: oci:${path}:TAG`,
  });
}

async function openArchivePlace(location: Location & { kind: 'archive' }, session: Session): Promise<ReadablePlace> {
  const layout = await session.openLayout(join(await session.store.temporary(), 'archive'), { shared: true });
  await requireFile(location.path);
  const images = await readImageArchive(openFile(location.path), layout.blobs);
  const chosen = chooseImage(images, location.tag, formatLocation(location));
  const place: Place = { registry: createLayoutRegistry(layout), host: '', repository: '' };
  await place.registry.putManifest('', chosen);
  return { place, selector: chosen.descriptor.digest };
}

/** @throws SOURCE_NOT_FOUND where there is no such file, or it may not be read */
export async function requireFile(path: string): Promise<void> {
  if (path === '-') return;
  await access(path, constants.R_OK).catch((cause) => {
    throw new WherryError('SOURCE_NOT_FOUND', `Cannot read "${path}": ${reasonOf(cause)}`, {
      hint: 'It has to be a file that `docker save`, `wherry save` or `wherry copy` wrote.',
      cause,
    });
  });
}

/** A file's bytes, or standard input's for "-". */
export function openFile(path: string): AsyncIterable<Uint8Array> {
  return path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1024 * 1024 });
}

function wholeName(text: string): string | undefined {
  try {
    return formatReference(parseReference(text));
  } catch {
    return undefined;
  }
}

function chooseImage(images: readonly UnarchivedImage[], tag: string | undefined, name: string): ManifestDocument {
  const found =
    tag === undefined
      ? images.length === 1
        ? images[0]
        : undefined
      : images.find((image) =>
          image.names.some((other) => other === tag || other.endsWith(`:${tag}`) || other === wholeName(tag)),
        );
  if (found !== undefined) return found.root;
  const names = images.flatMap((image) => image.names);
  throw new WherryError(
    'MANIFEST_UNKNOWN',
    `Cannot find an image in "${name}": ${tag === undefined ? `it has ${images.length}` : `none is named "${tag}"`}`,
    { hint: `It has: ${names.join(', ') || 'no names'}.` },
  );
}
