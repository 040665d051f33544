// One block of a layer → its raw deflate stream (RFC 1951), on zlib's thread pool. A host whose zlib compresses other
// than the one that the layer format was frozen with is found by a sample, and pako serves instead: the same bytes, slower.
import { constants, deflateRaw, deflateRawSync } from 'node:zlib';
import { Deflate, Z_FINISH, Z_SYNC_FLUSH } from 'pako';
import { WherryError } from '../errors.ts';
import { digestOf } from '../oci/digest.ts';

/** A block: its bytes, those before it (at most 32 KiB of them count), and whether it is the last of its stream. */
export interface Block {
  readonly bytes: Uint8Array;
  readonly dictionary: Uint8Array;
  readonly last: boolean;
}

/** Level of layers unless something else is asked for: about as small as BuildKit's. */
export const defaultLevel = 5;

/** Digest of the deflated sample at each level, by the zlib that froze the layer format. */
const fingerprints: Readonly<Record<number, string>> = {
  1: 'sha256:40d55bc98456110120d0e0f97648e34c7ae4b44f8256406295b23a5cfc74e6f7',
  2: 'sha256:113d7e7b6193c69f97d50851214179cd47f07284fd1b74054037442ce530392e',
  3: 'sha256:d062214237fc04b421a4bdf22416d4de9c246590edcd7d9fbbd99e2a49d8f320',
  4: 'sha256:afe842be97f861348b5d83dfc02b0e34ff8f814b5dc295efe26d1b0cf07f1a12',
  5: 'sha256:a04d170f72b69a9cad208f4dd4a8c50dbfe3481b07fa6fe718ed4c298b0d918f',
  6: 'sha256:958aa1f1759c1c81c0663b7f155ded4ad058f17845f15e0dc219fd4fcb966920',
  7: 'sha256:54346b1dac6d8b62ffee27b5b9490f5f09cede8ffd99ada568d50f9208c1778f',
  8: 'sha256:e428c025a6841092ed522a826c899139f0d632d5486fee156bda666333dbbd5f',
  9: 'sha256:e428c025a6841092ed522a826c899139f0d632d5486fee156bda666333dbbd5f',
};

const verdicts = new Map<number, boolean>();

/** Output pieces are this large, so that a block needs few turns between the pool and the main thread. */
const chunkSize = 256 * 1024;

/** @throws ARGUMENT_INVALID unless `level` is 1 to 9 */
export function checkLevel(level: number): void {
  if (!Number.isInteger(level) || level < 1 || level > 9)
    throw new WherryError('ARGUMENT_INVALID', `Cannot compress at level "${level}": it is not one of 1 to 9`);
}

/** Deflates a block. All blocks of a stream, one after the other, are one valid deflate stream. */
export function deflateBlock(block: Block, level: number): Promise<Uint8Array> {
  if (!isNativeFaithful(level)) return Promise.resolve(deflatePortably(block, level));
  return new Promise((resolve, reject) => {
    deflateRaw(block.bytes, nativeOptions(block, level), (error, result) =>
      error === null ? resolve(result) : reject(error),
    );
  });
}

/** As `deflateBlock`, by pako. */
export function deflatePortably(block: Block, level: number): Uint8Array {
  const dictionary = block.dictionary.length === 0 ? {} : { dictionary: Uint8Array.from(block.dictionary) };
  const deflater = new Deflate({ raw: true, level: level as 5, chunkSize, ...dictionary });
  const parts: Uint8Array[] = [];
  deflater.onData = (part) => void parts.push(part as Uint8Array);
  deflater.push(block.bytes, block.last ? Z_FINISH : Z_SYNC_FLUSH);
  return Buffer.concat(parts);
}

/** True when this host's zlib gives the bytes of the layer format. The answer is kept for the process. */
export function isNativeFaithful(level: number): boolean {
  const known = verdicts.get(level);
  if (known !== undefined) return known;
  const verdict =
    sampleDigest((block) => deflateRawSync(block.bytes, nativeOptions(block, level))) === fingerprints[level];
  verdicts.set(level, verdict);
  return verdict;
}

function nativeOptions(block: Block, level: number): Parameters<typeof deflateRaw>[1] & object {
  return {
    level,
    chunkSize,
    finishFlush: block.last ? constants.Z_FINISH : constants.Z_SYNC_FLUSH,
    ...(block.dictionary.length === 0 ? {} : { dictionary: block.dictionary }),
  };
}

/** Digest of a fixed sample after `deflate`: text-like, random and repeated bytes, in two blocks. */
function sampleDigest(deflate: (block: Block) => Uint8Array): string {
  const sample = new Uint8Array(96 * 1024);
  let state = 1;
  for (let i = 0; i < sample.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const random = state >>> 16;
    const kind = (i >> 13) % 4;
    if (kind === 0) sample[i] = random & 0xff;
    else if (kind === 1) sample[i] = 97 + (random % 7);
    else if (kind === 2) sample[i] = i & 0x3f;
    else sample[i] = random % 5 === 0 ? random & 0x7f : (sample[i - 1000 - (random & 0x1)] ?? 0);
  }
  const half = 60_000;
  const first = deflate({ bytes: sample.subarray(0, half), dictionary: new Uint8Array(0), last: false });
  const second = deflate({ bytes: sample.subarray(half), dictionary: sample.subarray(half - 32768, half), last: true });
  return digestOf(Buffer.concat([first, second]));
}
