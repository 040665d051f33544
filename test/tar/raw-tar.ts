// Makes tars byte by byte, with nothing checked: for tests that need archives which no tool would write.

export interface RawHeader {
  readonly name?: string | Buffer;
  readonly mode?: string;
  readonly uid?: string | Buffer;
  readonly size?: number | string | Buffer;
  readonly mtime?: string | Buffer;
  readonly type?: string;
  readonly link?: string;
  readonly magic?: string;
  readonly prefix?: string;
  readonly checksum?: string;
}

/** One header block. A number as `size` is written in octal, anything else as it stands. */
export function rawHeader(fields: RawHeader): Buffer {
  const block = Buffer.alloc(512);
  const put = (value: string | Buffer, at: number): void => void Buffer.from(value as string, 'latin1').copy(block, at);
  put(Buffer.from(fields.name ?? 'file'), 0);
  put(fields.mode ?? '0000644\0', 100);
  put(fields.uid ?? '0000000\0', 108);
  put('0000000\0', 116);
  const size = fields.size ?? 0;
  put(typeof size === 'number' ? `${size.toString(8).padStart(11, '0')}\0` : size, 124);
  put(fields.mtime ?? '00000000000\0', 136);
  put(fields.type ?? '0', 156);
  put(Buffer.from(fields.link ?? ''), 157);
  put(fields.magic ?? 'ustar\x0000', 257);
  put(Buffer.from(fields.prefix ?? ''), 345);
  put('        ', 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(fields.checksum ?? `${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** A header with its content, padded. */
export function rawEntry(fields: RawHeader, content: string | Buffer = ''): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([
    rawHeader({ size: bytes.length, ...fields }),
    bytes,
    Buffer.alloc((512 - (bytes.length % 512)) % 512),
  ]);
}

/** A PAX header of records as they stand. */
export function rawPax(records: readonly (readonly [key: string, value: string | Buffer])[], type = 'x'): Buffer {
  const parts = records.map(([key, value]) => {
    const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
    let length = rest.length;
    while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
    return Buffer.concat([Buffer.from(String(length)), rest]);
  });
  return rawEntry({ name: 'PaxHeaders.0/x', type }, Buffer.concat(parts));
}

/** The archive of these parts, with its end. */
export function rawTar(...parts: Buffer[]): Buffer {
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

/** Bytes in chunks of a size, or of sizes taken in turn. */
export async function* chunked(bytes: Uint8Array, ...sizes: number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? bytes.length;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(Uint8Array.from(part));
  return Buffer.concat(parts);
}
