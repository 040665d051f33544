// Bytes from outside → the same bytes, checked against the digest and size of a descriptor as they pass.
import { WherryError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { algorithmOf, createDigester, type Digest } from '../oci/digest.ts';

/** The digest and size that bytes must have. */
export type Expected = Pick<Descriptor, 'digest' | 'size'>;

/** The error for a blob of another size. */
export function sizeError(expected: Expected, actual: string): WherryError {
  return new WherryError(
    'SIZE_INVALID',
    `Cannot use blob "${expected.digest}": it has ${actual} bytes, its descriptor says ${expected.size}`,
  );
}

/** The error for a blob of another digest. */
export function digestError(expected: Expected, actual: Digest, hint?: string): WherryError {
  return new WherryError('DIGEST_MISMATCH', `Cannot use blob "${expected.digest}": its bytes have digest "${actual}"`, {
    hint,
  });
}

/**
 * Passes chunks on. Stops with SIZE_INVALID before a chunk that exceeds the size; the last read throws SIZE_INVALID or
 * DIGEST_MISMATCH unless everything was right. `hint` is given with a wrong digest.
 */
export async function* verified(
  chunks: AsyncIterable<Uint8Array>,
  expected: Expected,
  hint?: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = createDigester(algorithmOf(expected.digest));
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.byteLength;
    if (size > expected.size) throw sizeError(expected, `more than ${expected.size}`);
    digester.update(chunk);
    yield chunk;
  }
  if (size !== expected.size) throw sizeError(expected, String(size));
  const actual = digester.digest();
  if (actual !== expected.digest) throw digestError(expected, actual, hint);
}

/** Largest blob that is read as a whole. */
const maxWhole = 8 * 1024 * 1024;

/** All chunks as one. Errors: TOO_LARGE where `expected` is larger than 8 MiB, and those of the chunks. */
export async function readWhole(chunks: AsyncIterable<Uint8Array>, expected: Expected): Promise<Uint8Array> {
  if (expected.size > maxWhole)
    throw new WherryError(
      'TOO_LARGE',
      `Cannot read blob "${expected.digest}" as a whole: it has ${expected.size} bytes, at most ${maxWhole} are allowed`,
    );
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}
