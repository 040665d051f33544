// Collects bytes into blocks, in memory that is used again.

/** A block under way. */
export interface BlockBuilder {
  /** Bytes in the block under way. */
  readonly length: number;
  /** Bytes in all blocks so far. */
  readonly position: number;
  append(bytes: Uint8Array): void;
  /** The next `size` bytes of the block, to be filled before anything else is called. */
  reserve(size: number): Buffer;
  /** Gives back the last `size` bytes that were reserved. */
  unreserve(size: number): void;
  /** Ends the block and starts another. */
  take(): Buffer;
}

/** `capacity` bytes are usual for a block: more are possible, and cost a copy. Memory comes from `free` where there is some. */
export function createBlockBuilder(capacity: number, free: Buffer[]): BlockBuilder {
  let memory: Buffer = Buffer.alloc(0);
  let length = 0;
  let before = 0;
  const reserve = (size: number): Buffer => {
    if (length + size > memory.length) {
      const wanted = Math.max(capacity, length + size);
      const larger =
        length === 0 && wanted === capacity
          ? (free.pop() ?? Buffer.allocUnsafeSlow(wanted))
          : Buffer.allocUnsafeSlow(wanted);
      memory.copy(larger, 0, 0, length);
      memory = larger;
    }
    length += size;
    return memory.subarray(length - size, length);
  };
  return {
    get length() {
      return length;
    },
    get position() {
      return before + length;
    },
    append: (bytes) => reserve(bytes.length).set(bytes),
    reserve,
    unreserve(size) {
      length -= size;
    },
    take() {
      const block = memory.subarray(0, length);
      before += length;
      [memory, length] = [Buffer.alloc(0), 0];
      return block;
    },
  };
}

/** Gives the memory of a block that nothing uses any more to `free`, if it is of the usual capacity. */
export function recycle(block: Uint8Array, capacity: number, free: Buffer[]): void {
  if (block.byteOffset === 0 && block.buffer.byteLength === capacity && block.buffer instanceof ArrayBuffer)
    free.push(Buffer.from(block.buffer));
}
