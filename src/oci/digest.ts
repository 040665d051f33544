// Digests: text and bytes → branded strings. The OCI image spec, "Digests" (descriptor.md). Streams are digested by
// node:crypto; what crypto lacks (blake3, or sha2 on a host whose OpenSSL refuses it) comes from @noble/hashes.
import { createHash, getHashes } from 'node:crypto';
import { blake3 } from '@noble/hashes/blake3.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { WherryError } from '../errors.ts';

declare const digestBrand: unique symbol;
declare const diffIdBrand: unique symbol;
declare const chainIdBrand: unique symbol;

/** `algorithm:encoded` of a blob's bytes, validated by `parseDigest` or made by a `Digester`. */
export type Digest = string & { readonly [digestBrand]: true };
/** Digest of a layer's uncompressed tar (image spec, config.md, "Layer DiffID"). */
export type DiffId = string & { readonly [diffIdBrand]: true };
/** Digest of a stack of layers (image spec, config.md, "Layer ChainID"). */
export type ChainId = string & { readonly [chainIdBrand]: true };

/** The algorithms that are computed here: those registered by the image spec. */
export type Algorithm = 'sha256' | 'sha512' | 'blake3';

const encodedLength: Readonly<Record<Algorithm, number>> = { sha256: 64, sha512: 128, blake3: 64 };
const grammar = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[A-Za-z0-9=_-]+$/;

/** A running digest. */
export interface Digester {
  update(bytes: Uint8Array): void;
  /** Ends the run; call once. */
  digest(): Digest;
}

function isAlgorithm(name: string): name is Algorithm {
  return Object.hasOwn(encodedLength, name);
}

/** Validates a digest of a known algorithm. @throws DIGEST_INVALID */
export function parseDigest(text: string): Digest {
  const colon = text.indexOf(':');
  const algorithm = text.slice(0, colon);
  if (!grammar.test(text))
    throw new WherryError('DIGEST_INVALID', `Cannot read digest "${text}": it is not of the form algorithm:hex`);
  if (!isAlgorithm(algorithm))
    throw new WherryError('DIGEST_INVALID', `Cannot read digest "${text}": unsupported algorithm "${algorithm}"`);
  const encoded = text.slice(colon + 1);
  if (encoded.length !== encodedLength[algorithm] || !/^[0-9a-f]+$/.test(encoded))
    throw new WherryError(
      'DIGEST_INVALID',
      `Cannot read digest "${text}": want ${encodedLength[algorithm]} lower-case hex digits`,
    );
  return text as Digest;
}

/** True for text that `parseDigest` accepts. */
export function isDigest(text: string): text is Digest {
  const colon = text.indexOf(':');
  const algorithm = text.slice(0, colon);
  return (
    isAlgorithm(algorithm) &&
    text.length - colon - 1 === encodedLength[algorithm] &&
    /^[0-9a-f]+$/.test(text.slice(colon + 1))
  );
}

/** The part before the colon. */
export function algorithmOf(digest: Digest): Algorithm {
  return digest.slice(0, digest.indexOf(':')) as Algorithm;
}

/** The part after the colon. */
export function encodedOf(digest: Digest | DiffId): string {
  return digest.slice(digest.indexOf(':') + 1);
}

const native = new Set(getHashes());

/** Starts a digest. node:crypto where it has the algorithm, else @noble/hashes: the same bytes either way. */
export function createDigester(algorithm: Algorithm = 'sha256'): Digester {
  if (native.has(algorithm)) {
    const running = createHash(algorithm);
    return {
      update: (bytes) => void running.update(bytes),
      // `join` makes one flat text; a template leaves a tree of pieces, which counts where there are 100,000 of them.
      digest: () => [algorithm, running.digest('hex')].join(':') as Digest,
    };
  }
  return createPortableDigester(algorithm);
}

/** As `createDigester`, by @noble/hashes alone: for hosts without OpenSSL's algorithm, and as the tests' second opinion. */
export function createPortableDigester(algorithm: Algorithm): Digester {
  const running = { sha256, sha512, blake3 }[algorithm].create();
  return {
    update: (bytes) => void running.update(bytes),
    digest: () => `${algorithm}:${Buffer.from(running.digest()).toString('hex')}` as Digest,
  };
}

/** Digest of bytes (a string counts as its UTF-8). */
export function digestOf(bytes: Uint8Array | string, algorithm: Algorithm = 'sha256'): Digest {
  const digester = createDigester(algorithm);
  digester.update(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  return digester.digest();
}

/** The DiffId that a digest of an uncompressed tar is. */
export function diffIdOf(digestOfTar: Digest): DiffId {
  return digestOfTar as string as DiffId;
}

/** Validates a diffId, e.g. of a config's `rootfs.diff_ids`. @throws DIGEST_INVALID */
export function parseDiffId(text: string): DiffId {
  return diffIdOf(parseDigest(text));
}

/** ChainID of a stack of layers, bottom first; undefined for none. */
export function chainIdOf(diffIds: readonly DiffId[]): ChainId | undefined {
  let chain: string | undefined;
  for (const diffId of diffIds) chain = chain === undefined ? diffId : digestOf(`${chain} ${diffId}`);
  return chain as ChainId | undefined;
}
