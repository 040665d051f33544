// Manifests and indexes: bytes → checked values (image spec, manifest.md and image-index.md; Docker schema 2 alike).
// What is read keeps its bytes; a manifest that could mean two things to two readers is refused (CVE-2021-41190).
import { WherryError } from '../errors.ts';
import {
  type Descriptor,
  type Document,
  descriptorFrom,
  documentOf,
  objectFrom,
  stringMapFrom,
  verifyBytes,
} from './descriptor.ts';
import { digestOf } from './digest.ts';
import { isIndexType, isManifestType, mediaTypes } from './media-types.ts';

/** An image manifest: a config and its layers, bottom first. */
export interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An image index (Docker: manifest list). */
export interface Index {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What a tag or a manifest digest may name. */
export type ManifestDocument =
  | (Document<Manifest> & { readonly kind: 'manifest' })
  | (Document<Index> & { readonly kind: 'index' });

/** Manifests and indexes above this many bytes are refused (what registries agree on). */
export const maxManifestSize: number = 4 * 1024 * 1024;

/**
 * Bytes → manifest or index. `mediaType` is what the server or descriptor said (may be empty or unspecific);
 * `expected`, where given, is checked against the bytes.
 * @throws MANIFEST_INVALID, DIGEST_MISMATCH, SIZE_INVALID, TOO_LARGE
 */
export function parseManifest(bytes: Uint8Array, mediaType: string, expected?: Descriptor): ManifestDocument {
  if (bytes.byteLength > maxManifestSize)
    throw new WherryError(
      'TOO_LARGE',
      `Cannot read manifest: it has ${bytes.byteLength} bytes, at most ${maxManifestSize} are allowed`,
    );
  if (expected !== undefined) verifyBytes(bytes, expected);
  const digest = expected?.digest ?? digestOf(bytes);
  const what = `manifest "${digest}"`;
  const fields = objectFrom(parseJson(bytes, what), what);
  for (const key of Object.keys(fields))
    if (!knownKeys.has(key) && knownKeys.has(key.toLowerCase()))
      throw invalid(what, `key "${key}" differs from "${key.toLowerCase()}" by case only`);
  if (fields['schemaVersion'] === 1)
    throw invalid(
      what,
      'it is a Docker schema 1 manifest, which is obsolete',
      'Push the image again with a current tool.',
    );
  if ('manifests' in fields && ('layers' in fields || 'config' in fields))
    throw invalid(what, 'it has both "manifests" and "layers" or "config"');
  const type = typeOf(fields, mediaType, what);
  if (fields['schemaVersion'] !== 2) throw invalid(what, 'schemaVersion is not 2');
  const common = {
    schemaVersion: 2 as const,
    mediaType: type,
    ...(typeof fields['artifactType'] === 'string' ? { artifactType: fields['artifactType'] } : {}),
    ...(fields['subject'] === undefined || fields['subject'] === null
      ? {}
      : { subject: descriptorFrom(fields['subject'], `${what}: subject`) }),
    ...(fields['annotations'] === undefined || fields['annotations'] === null
      ? {}
      : { annotations: stringMapFrom(fields['annotations'], `${what}: annotations`) }),
  };
  const descriptor: Descriptor = {
    mediaType: type,
    digest,
    size: bytes.byteLength,
    ...(common.artifactType === undefined ? {} : { artifactType: common.artifactType }),
  };
  if (isIndexType(type)) {
    const manifests = listFrom(fields['manifests'], `${what}: manifests`);
    return { kind: 'index', bytes, descriptor, value: { ...common, manifests } };
  }
  if (fields['config'] === undefined) throw invalid(what, 'config is missing');
  const layers = listFrom(fields['layers'] ?? [], `${what}: layers`);
  return {
    kind: 'manifest',
    bytes,
    descriptor,
    value: { ...common, config: descriptorFrom(fields['config'], `${what}: config`), layers },
  };
}

const knownKeys = new Set(
  ['schemaVersion', 'mediaType', 'artifactType', 'config', 'layers', 'manifests', 'subject', 'annotations'].flatMap(
    (key) => [key],
  ),
);

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new WherryError('MANIFEST_INVALID', `Cannot read ${what}: it is not valid JSON`, { cause });
  }
}

function typeOf(fields: Record<string, unknown>, said: string, what: string): string {
  const inside = fields['mediaType'];
  const outside = said.split(';')[0]?.trim() ?? '';
  const known = (type: unknown): type is string =>
    typeof type === 'string' && (isIndexType(type) || isManifestType(type));
  if (inside !== undefined && typeof inside !== 'string') throw invalid(what, 'mediaType is not a string');
  if (known(inside) && known(outside) && inside !== outside)
    throw invalid(what, `it says "${inside}" but was served as "${outside}"`);
  const type = known(inside)
    ? inside
    : known(outside)
      ? outside
      : inside === undefined || inside === ''
        ? 'manifests' in fields
          ? mediaTypes.index
          : mediaTypes.manifest
        : inside;
  if (!known(type)) throw invalid(what, `media type "${type}" is no image manifest or index`);
  if (isIndexType(type) !== 'manifests' in fields) throw invalid(what, `its content does not fit its type "${type}"`);
  return type;
}

function listFrom(value: unknown, what: string): Descriptor[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw invalid(what, 'it is not a list');
  return value.map((item, position) => descriptorFrom(item, `${what}[${position}]`));
}

function invalid(what: string, why: string, hint?: string): WherryError {
  return new WherryError('MANIFEST_INVALID', `Cannot read ${what}: ${why}`, { hint });
}

/** A new manifest's document: two-space JSON, as BuildKit writes it. */
export function manifestDocument(manifest: Manifest): Document<Manifest> & { readonly kind: 'manifest' } {
  return { kind: 'manifest', ...documentOf(manifest, manifest.mediaType, 2) };
}

/** A new index's document: two-space JSON. */
export function indexDocument(index: Index): Document<Index> & { readonly kind: 'index' } {
  return { kind: 'index', ...documentOf(index, index.mediaType, 2) };
}
