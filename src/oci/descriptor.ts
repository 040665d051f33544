// Descriptors: mediaType, digest, size of a blob somewhere (image spec, descriptor.md), and documents: JSON blobs that
// were read, with the very bytes that their digest covers.
import { WherryError } from '../errors.ts';
import { algorithmOf, type Digest, digestOf, isDigest, parseDigest } from './digest.ts';
import { type Platform, platformFrom } from './platform.ts';

/** Names a blob by digest and size. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
  readonly artifactType?: string;
  readonly urls?: readonly string[];
  /** Base64 of the blob's bytes. */
  readonly data?: string;
}

/** A JSON document that was read or made: `bytes` are kept and never re-serialised. */
export interface Document<T> {
  readonly bytes: Uint8Array;
  readonly descriptor: Descriptor;
  readonly value: T;
}

/** Bytes → the descriptor that names them. */
export function descriptorOf(bytes: Uint8Array, mediaType: string): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
}

/** Value → document of canonical bytes (`indent` spaces; 0 is compact). */
export function documentOf<T>(value: T, mediaType: string, indent = 0): Document<T> {
  const bytes = Buffer.from(JSON.stringify(value, null, indent));
  return { bytes, descriptor: descriptorOf(bytes, mediaType), value };
}

/** Checks that bytes are what a descriptor names. @throws DIGEST_MISMATCH, SIZE_INVALID */
export function verifyBytes(bytes: Uint8Array, descriptor: Descriptor): void {
  if (bytes.byteLength !== descriptor.size)
    throw new WherryError(
      'SIZE_INVALID',
      `Cannot use blob "${descriptor.digest}": it has ${bytes.byteLength} bytes, its descriptor says ${descriptor.size}`,
    );
  const actual = digestOf(bytes, algorithmOf(descriptor.digest));
  if (actual !== descriptor.digest)
    throw new WherryError(
      'DIGEST_MISMATCH',
      `Cannot use blob "${descriptor.digest}": its bytes have digest "${actual}"`,
    );
}

/** Parsed JSON → descriptor, with what is unknown left out. `what` names it in errors. @throws MANIFEST_INVALID */
export function descriptorFrom(value: unknown, what: string): Descriptor {
  const fields = objectFrom(value, what);
  const { mediaType, digest, size } = fields;
  if (typeof mediaType !== 'string') throw invalid(what, 'mediaType is missing');
  if (typeof digest !== 'string') throw invalid(what, 'digest is missing');
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw invalid(what, 'size is not a whole number of bytes');
  let parsed: Digest;
  try {
    parsed = isDigest(digest) ? digest : parseDigest(digest);
  } catch (cause) {
    throw new WherryError('MANIFEST_INVALID', `Cannot read ${what}: digest "${digest}" is not valid`, { cause });
  }
  return {
    mediaType,
    digest: parsed,
    size,
    ...(fields['annotations'] === undefined
      ? {}
      : { annotations: stringMapFrom(fields['annotations'], `${what}: annotations`) }),
    ...(fields['platform'] === undefined ? {} : { platform: platformFrom(fields['platform'], what) }),
    ...(typeof fields['artifactType'] === 'string' ? { artifactType: fields['artifactType'] } : {}),
    ...(Array.isArray(fields['urls']) ? { urls: fields['urls'].filter((url) => typeof url === 'string') } : {}),
    ...(typeof fields['data'] === 'string' ? { data: fields['data'] } : {}),
  };
}

/** Parsed JSON → object. @throws MANIFEST_INVALID */
export function objectFrom(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(what, 'it is not a JSON object');
  return value as Record<string, unknown>;
}

/** Parsed JSON → string to string. @throws MANIFEST_INVALID */
export function stringMapFrom(value: unknown, what: string): Record<string, string> {
  const fields = objectFrom(value, what);
  for (const [key, item] of Object.entries(fields))
    if (typeof item !== 'string') throw invalid(what, `"${key}" is not a string`);
  return fields as Record<string, string>;
}

function invalid(what: string, why: string): WherryError {
  return new WherryError('MANIFEST_INVALID', `Cannot read ${what}: ${why}`);
}
