import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isError, WherryError } from '../../src/errors.ts';
import {
  type CompressionFormat,
  decompress,
  isTar,
  openArchive,
  readZstdPortably,
  sniff,
} from '../../src/tar/decompress.ts';
import { chunked, collect, rawEntry, rawHeader, rawTar } from './raw-tar.ts';

const tools: Readonly<Record<CompressionFormat, readonly string[]>> = {
  gzip: ['gzip'],
  bzip2: ['bzip2'],
  xz: ['xz', '-T1'],
  zstd: ['zstd', '-q'],
};
const formats = Object.keys(tools) as CompressionFormat[];

function pack(format: CompressionFormat, bytes: Uint8Array): Buffer {
  const [command = '', ...rest] = tools[format];
  return execFileSync(command, [...rest, '-c'], { input: bytes, maxBuffer: 2 ** 28 });
}

/** Text, runs and noise; always the same. */
function sample(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0, state = 7; i < size; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const kind = (i >> 12) % 3;
    bytes[i] = kind === 0 ? state >>> 24 : kind === 1 ? 97 + ((state >>> 20) % 5) : 0;
  }
  return bytes;
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  return undefined;
}

for (const format of formats) {
  test(`decompress reads ${format} of any size in any chunking`, async () => {
    for (const size of [0, 1, 3, 4, 5, 255, 1000, 300_000, 3_000_000]) {
      const bytes = sample(size);
      const packed = pack(format, bytes);
      for (const sizes of [[packed.length], [65_536], [1, 17, 4000]]) {
        const out = await collect(decompress(chunked(packed, ...sizes), format));
        assert.ok(out.equals(bytes), `${size} bytes in chunks of ${sizes}`);
        if (size > 300_000) break;
      }
    }
  });

  test(`decompress reads several ${format} streams in a row as one`, async () => {
    const [a, b] = [sample(70_000), sample(5)];
    const packed = Buffer.concat([pack(format, a), pack(format, b), pack(format, a)]);
    assert.ok((await collect(decompress(chunked(packed, 1000), format))).equals(Buffer.concat([a, b, a])));
  });

  test(`decompress refuses ${format} that is cut or damaged`, async () => {
    const packed = pack(format, sample(400_000));
    for (const length of [packed.length - 1, packed.length >> 1, 12])
      assert.ok(
        isError(
          await failure(collect(decompress(chunked(packed.subarray(0, length), 5000), format))),
          'ARCHIVE_INVALID',
        ),
        `${length}`,
      );
    const damaged = Buffer.from(packed);
    for (let i = damaged.length >> 1; i < (damaged.length >> 1) + 40; i++) damaged[i] = 0x55;
    const outcome = await failure(collect(decompress(chunked(damaged, 5000), format)));
    // fzstd does not look at check sums: it only notices what it cannot decode.
    if (format !== 'zstd' || outcome !== undefined) assert.ok(isError(outcome, 'ARCHIVE_INVALID'), String(outcome));
  });

  test(`decompress passes on the error of a ${format} source, and stops at a limit`, async () => {
    const packed = pack(format, sample(400_000));
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield packed.subarray(0, 1000);
      throw new WherryError('NETWORK_FAILED', 'gone');
    }
    assert.ok(isError(await failure(collect(decompress(broken(), format))), 'NETWORK_FAILED'));
    assert.ok(
      isError(await failure(collect(decompress(chunked(packed, 5000), format, { limit: 300_000 }))), 'TOO_LARGE'),
    );
  });
}

test('decompress of gzip takes zeros behind the end and refuses anything else', async () => {
  const packed = gzipSync('hello');
  assert.is(
    (await collect(decompress(chunked(Buffer.concat([packed, Buffer.alloc(700)])), 'gzip'))).toString(),
    'hello',
  );
  assert.ok(
    isError(
      await failure(collect(decompress(chunked(Buffer.concat([packed, Buffer.from('garbage')])), 'gzip'))),
      'ARCHIVE_INVALID',
    ),
  );
});

test('decompress of bzip2 keeps a file of zeros small in memory', async () => {
  const packed = pack('bzip2', Buffer.alloc(100_000_000));
  let size = 0;
  let largest = 0;
  for await (const piece of decompress(chunked(packed), 'bzip2')) {
    size += piece.length;
    largest = Math.max(largest, piece.length);
  }
  assert.is(size, 100_000_000);
  assert.ok(largest <= 2 ** 18);
});

test('readZstdPortably gives what the host gives', async () => {
  const bytes = sample(2_000_000);
  const packed = pack('zstd', bytes);
  for (const size of [packed.length, 100, 30_000])
    assert.ok((await collect(readZstdPortably(chunked(packed, size)))).equals(bytes));
});

test('decompress passes over skippable frames of zstd', async () => {
  const skippable = Buffer.concat([Buffer.from('502a4d18', 'hex'), Buffer.from([7, 0, 0, 0]), Buffer.from('ignored')]);
  const packed = Buffer.concat([pack('zstd', sample(70_000)), skippable, pack('zstd', Buffer.from('x')), skippable]);
  const expected = Buffer.concat([sample(70_000), Buffer.from('x')]);
  for (const size of [packed.length, 10, 1000])
    assert.ok((await collect(decompress(chunked(packed, size), 'zstd'))).equals(expected));
});

test('decompress refuses zstd with a window of 2 GiB', async () => {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.ok(isError(await failure(collect(decompress(chunked(head), 'zstd'))), 'ARCHIVE_INVALID'));
  assert.ok((await failure(collect(readZstdPortably(chunked(head))))) instanceof Error);
});

test('sniff and isTar go by content', () => {
  for (const format of formats) assert.is(sniff(pack(format, Buffer.from('x'))), format);
  assert.is(sniff(rawTar(rawEntry({}, 'x'))), 'tar');
  assert.is(sniff(Buffer.from('<html>'.repeat(200))), undefined);
  assert.is(sniff(Buffer.alloc(0)), undefined);
  assert.not(isTar(Buffer.alloc(10_240)));
  assert.not(isTar(rawHeader({}).subarray(0, 511)));
  assert.ok(isTar(rawHeader({ magic: '' })));
  assert.not(isTar(rawHeader({ checksum: '000001\0 ' })));
});

test('openArchive opens archives by content, and nothing else', async () => {
  const tar = rawTar(rawEntry({ name: 'a' }, sample(50_000)));
  const opened = await openArchive(chunked(tar, 100));
  assert.is(opened?.format, 'tar');
  assert.ok((await collect(opened?.tar ?? chunked(Buffer.alloc(0)))).equals(tar));
  for (const format of formats) {
    const archive = await openArchive(chunked(pack(format, tar), 100));
    assert.is(archive?.format, format);
    assert.ok((await collect(archive?.tar ?? chunked(Buffer.alloc(0)))).equals(tar));
    assert.is(await openArchive(chunked(pack(format, Buffer.from('no tar at all')))), undefined);
    assert.is(await openArchive(chunked(pack(format, tar).subarray(0, 9))), undefined);
  }
  for (const bytes of [Buffer.alloc(0), Buffer.from('text'), Buffer.alloc(4096), Buffer.from('<html>'.repeat(500))])
    assert.is(await openArchive(chunked(bytes)), undefined);
});

test('openArchive closes a source that is no archive', async () => {
  let closed = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield Buffer.alloc(600, 'x');
      yield Buffer.alloc(600, 'x');
    } finally {
      closed = true;
    }
  }
  assert.is(await openArchive(source()), undefined);
  assert.ok(closed);
});

test.run();
