// bzip2 bytes → what was compressed, block by block and with flat memory, all check sums verified. The format has no
// specification but its reference implementation; several streams in a row count as one, as `bzip2 -d` does it.
// (The packages that exist read 5 MB/s, or need the whole file, or keep a gigabyte for a file of zeros.)

/** Most compressed bytes of one block: 900,000 symbols of at most 20 bits, and the tables before them. */
const maxCompressedBlock = 2_300_000;
const maxCodeLength = 20;
const groupSize = 50;
const maxSelectors = 18_002;
const pieceSize = 256 * 1024;

interface Bits {
  bytes: Buffer;
  at: number;
  hold: number;
  count: number;
}

const crcTable = Int32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value;
});

/** Decompresses. Throws a plain Error for damaged or cut input. */
export async function* readBzip2(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const bits: Bits = { bytes: Buffer.alloc(0), at: 0, hold: 0, count: 0 };
  const blocks = streamBlocks(bits);
  let waiting: Uint8Array[] = [];
  let size = 0;
  const join = (): void => {
    bits.bytes = Buffer.concat([bits.bytes.subarray(bits.at), ...waiting]);
    [bits.at, waiting, size] = [0, [], 0];
  };
  for await (const chunk of source) {
    waiting.push(chunk);
    size += chunk.length;
    if (size < maxCompressedBlock) continue;
    join();
    while (bits.bytes.length - bits.at > maxCompressedBlock) {
      const next = blocks.next();
      if (next.done === true) break;
      yield* next.value;
    }
  }
  join();
  for (const block of blocks) yield* block;
}

/** The blocks of all streams; each must be read before the next is asked for. */
function* streamBlocks(bits: Bits): Generator<Iterable<Uint8Array>, void, undefined> {
  for (let first = true; first || bits.at < bits.bytes.length; first = false) {
    if (read(bits, 24) !== 0x425a68) throw new Error('it is not bzip2');
    const level = read(bits, 8) - 0x30;
    if (level < 1 || level > 9) throw new Error('its block size is not one of 1 to 9');
    const table = new Uint32Array(level * 100_000);
    let combined = 0;
    for (;;) {
      const magic = [read(bits, 24), read(bits, 24)];
      const crc = (read(bits, 16) << 16) | read(bits, 16);
      if (magic[0] === 0x177245 && magic[1] === 0x385090) {
        if (crc !== combined) throw new Error('its check sum does not match');
        break;
      }
      if (magic[0] !== 0x314159 || magic[1] !== 0x265359) throw new Error('a block is damaged');
      combined = ((combined << 1) | (combined >>> 31)) ^ crc;
      yield expand(table, decodeBlock(bits, table), crc);
    }
    // The next stream starts at a byte.
    bits.at -= bits.count >> 3;
    bits.hold = bits.count = 0;
  }
}

function read(bits: Bits, width: number): number {
  while (bits.count < width) {
    const byte = bits.bytes[bits.at++];
    if (byte === undefined) throw new Error('it ends too early');
    bits.hold = (bits.hold << 8) | byte;
    bits.count += 8;
  }
  bits.count -= width;
  return (bits.hold >>> bits.count) & ((1 << width) - 1);
}

interface Tree {
  readonly shortest: number;
  /** By length: the largest code, and what turns a code into an index of `symbols`. */
  readonly limit: Int32Array;
  readonly base: Int32Array;
  readonly symbols: Uint16Array;
}

/** A block in its table: how many words it has, and which is the first. */
interface Linked {
  readonly length: number;
  readonly start: number;
}

/** Huffman codes, move-to-front and inner run lengths → the sorted block in `table`, linked for `expand`. */
function decodeBlock(bits: Bits, table: Uint32Array): Linked {
  if (read(bits, 1) !== 0) throw new Error('it is of an obsolete version');
  const origin = read(bits, 24);
  const used = readUsed(bits);
  const trees: Tree[] = [];
  const groups = read(bits, 3);
  if (groups < 2 || groups > 6) throw new Error('a block is damaged');
  const selectors = readSelectors(bits, groups);
  for (let i = 0; i < groups; i++) trees.push(readTree(bits, used.length + 2));

  const length = readSymbols(bits, { table, used, selectors, trees });
  if (origin >= length) throw new Error('a block is damaged');
  link(table, length);
  return { length, start: (table[origin] ?? 0) >>> 8 };
}

function readUsed(bits: Bits): Uint8Array {
  const ranges = read(bits, 16);
  const used: number[] = [];
  for (let i = 0; i < 16; i++) {
    if ((ranges & (0x8000 >> i)) === 0) continue;
    const range = read(bits, 16);
    for (let j = 0; j < 16; j++) if ((range & (0x8000 >> j)) !== 0) used.push(i * 16 + j);
  }
  if (used.length === 0) throw new Error('a block is damaged');
  return Uint8Array.from(used);
}

function readSelectors(bits: Bits, groups: number): Uint8Array {
  const count = read(bits, 15);
  const selectors = new Uint8Array(Math.min(count, maxSelectors));
  const order = [0, 1, 2, 3, 4, 5];
  for (let i = 0; i < count; i++) {
    let index = 0;
    while (read(bits, 1) === 1) if (++index >= groups) throw new Error('a block is damaged');
    const [selected = 0] = order.splice(index, 1);
    order.unshift(selected);
    if (i < maxSelectors) selectors[i] = selected;
  }
  return selectors;
}

function readTree(bits: Bits, size: number): Tree {
  const lengths = new Uint8Array(size);
  let length = read(bits, 5);
  for (let i = 0; i < size; i++) {
    for (;;) {
      if (length < 1 || length > maxCodeLength) throw new Error('a block is damaged');
      if (read(bits, 1) === 0) break;
      length += read(bits, 1) === 0 ? 1 : -1;
    }
    lengths[i] = length;
  }
  const limit = new Int32Array(maxCodeLength + 2).fill(-1);
  const base = new Int32Array(maxCodeLength + 2);
  const symbols = new Uint16Array(size);
  let code = 0;
  let index = 0;
  for (let width = 1; width <= maxCodeLength; width++) {
    base[width] = code - index;
    for (let symbol = 0; symbol < size; symbol++) if (lengths[symbol] === width) symbols[index++] = symbol;
    code = index + (base[width] ?? 0);
    limit[width] = code - 1;
    code <<= 1;
  }
  return { shortest: Math.min(...lengths), limit, base, symbols };
}

interface BlockParts {
  readonly table: Uint32Array;
  readonly used: Uint8Array;
  readonly selectors: Uint8Array;
  readonly trees: readonly Tree[];
}

function readSymbols(bits: Bits, { table, used, selectors, trees }: BlockParts): number {
  const front = Uint8Array.from(used);
  const end = used.length + 1;
  let length = 0;
  let run = 0;
  let weight = 1;
  for (let group = 0; ; group++) {
    const tree = trees[selectors[group] ?? -1];
    if (tree === undefined) throw new Error('a block is damaged');
    for (let i = 0; i < groupSize; i++) {
      const symbol = readSymbol(bits, tree);
      if (symbol <= 1) {
        run += weight << symbol;
        weight <<= 1;
        if (run > table.length) throw new Error('a block is damaged');
        continue;
      }
      if (run > 0) {
        if (length + run > table.length) throw new Error('a block is damaged');
        table.fill(front[0] ?? 0, length, length + run);
        length += run;
        [run, weight] = [0, 1];
      }
      if (symbol === end) return length;
      const byte = front[symbol - 1] ?? 0;
      front.copyWithin(1, 0, symbol - 1);
      front[0] = byte;
      if (length >= table.length) throw new Error('a block is damaged');
      table[length++] = byte;
    }
  }
}

function readSymbol(bits: Bits, { shortest, limit, base, symbols }: Tree): number {
  let width = shortest;
  let code = read(bits, width);
  while (code > (limit[width] ?? 0)) {
    if (++width > maxCodeLength) throw new Error('a block is damaged');
    code = (code << 1) | read(bits, 1);
  }
  const symbol = symbols[code - (base[width] ?? 0)];
  if (symbol === undefined) throw new Error('a block is damaged');
  return symbol;
}

/** Undoes the Burrows-Wheeler sort: each word gets, above its byte, where the next one is. */
function link(table: Uint32Array, length: number): void {
  const next = new Uint32Array(257);
  for (let i = 0; i < length; i++) next[((table[i] ?? 0) & 0xff) + 1] = (next[((table[i] ?? 0) & 0xff) + 1] ?? 0) + 1;
  for (let byte = 1; byte < 257; byte++) next[byte] = (next[byte] ?? 0) + (next[byte - 1] ?? 0);
  for (let i = 0; i < length; i++) {
    const byte = (table[i] ?? 0) & 0xff;
    const at = next[byte] ?? 0;
    next[byte] = at + 1;
    table[at] = (table[at] ?? 0) | (i << 8);
  }
}

/** Walks a linked block and undoes the outer run lengths: four equal bytes are followed by how many more there are. */
function* expand(
  table: Uint32Array,
  { length, start }: Linked,
  expected: number,
): Generator<Uint8Array, void, undefined> {
  let piece = Buffer.allocUnsafe(pieceSize);
  let filled = 0;
  let crc = -1;
  let previous = -1;
  let equal = 0;
  let position = start;
  for (let i = 0; i < length; i++) {
    const word = table[position] ?? 0;
    position = word >>> 8;
    let byte = word & 0xff;
    let copies = 1;
    if (equal === 4) {
      copies = byte;
      byte = previous;
      equal = 0;
      previous = -1;
    } else {
      equal = byte === previous ? equal + 1 : 1;
      previous = byte;
    }
    for (; copies > 0; copies--) {
      crc = (crc << 8) ^ (crcTable[((crc >>> 24) ^ byte) & 0xff] ?? 0);
      piece[filled++] = byte;
      if (filled === pieceSize) {
        yield piece;
        piece = Buffer.allocUnsafe(pieceSize);
        filled = 0;
      }
    }
  }
  if (~crc !== expected) throw new Error('its check sum does not match');
  if (filled > 0) yield piece.subarray(0, filled);
}
