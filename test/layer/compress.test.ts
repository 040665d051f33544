import { execFileSync } from 'node:child_process';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isError } from '../../src/errors.ts';
import { createCompressor } from '../../src/layer/compress.ts';
import { deflateBlock, deflatePortably } from '../../src/layer/deflate.ts';

async function gzip(blocks: readonly Uint8Array[], level?: number, pause?: () => Promise<void>): Promise<Buffer> {
  const out: Uint8Array[] = [];
  const write = async (bytes: Uint8Array): Promise<void> => {
    out.push(Uint8Array.from(bytes));
    await pause?.();
  };
  const compressor = createCompressor({ compression: 'gzip', level, write });
  for (const [index, block] of blocks.entries()) await compressor.push(block, index === blocks.length - 1);
  await compressor.finish();
  return Buffer.concat(out);
}

const textual = fc
  .array(fc.constantFrom('layer ', 'blob\n', 'return;', '\0\0\0\0', 'x'.repeat(500)), { maxLength: 200 })
  .map((words) => Buffer.from(words.join('')));
const binary = fc.uint8Array({ maxLength: 5000 }).map((bytes) => Buffer.from(bytes));

test('gunzip gives back what any blocks were made of', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.oneof(textual, binary), { minLength: 1, maxLength: 12 }),
    fc.constantFrom(1, 4, 5, 6, 9),
    async (blocks, level) => {
      const packed = await gzip(blocks, level);
      assert.ok(gunzipSync(packed).equals(Buffer.concat(blocks)));
    },
  );
  await fc.assert(property, { numRuns: 100 });
});

test('zlib and pako deflate a block to the same bytes', async () => {
  const property = fc.asyncProperty(
    fc.oneof(textual, binary),
    fc.oneof(textual, binary),
    fc.integer({ min: 1, max: 9 }),
    fc.boolean(),
    async (bytes, before, level, last) => {
      const dictionary = before.subarray(-32768);
      const native = await deflateBlock({ bytes, dictionary, last }, level);
      assert.ok(Buffer.from(native).equals(Buffer.from(deflatePortably({ bytes, dictionary, last }, level))));
    },
  );
  await fc.assert(property, { numRuns: 100 });
});

test('the bytes do not depend on how slowly they are written', async () => {
  const blocks = Array.from({ length: 20 }, (_, i) => Buffer.alloc(100_000, `block ${i} `));
  const fast = await gzip(blocks);
  assert.ok(fast.equals(await gzip(blocks, undefined, () => new Promise((resolve) => setTimeout(resolve, 3)))));
  assert.ok(fast.equals(await gzip(blocks, 5)));
});

test('gzip(1) accepts the stream, and its header says nothing of the host', async () => {
  const packed = await gzip([Buffer.alloc(3_000_000, 'abc'), Buffer.alloc(0), Buffer.from('end')]);
  execFileSync('gzip', ['-t'], { input: packed });
  assert.is(packed.subarray(0, 10).toString('hex'), '1f8b08000000000000ff');
  assert.is(packed.readUInt32LE(packed.length - 4), 3_000_003);
});

test('one block is as small as gzip makes it, and more blocks cost little', async () => {
  const bytes = Buffer.from(Array.from({ length: 60_000 }, (_, i) => `${(i * i) % 977} line ${i % 83}\n`).join(''));
  const whole = gzipSync(bytes, { level: 5 }).length;
  assert.is((await gzip([bytes])).length, whole);
  const parts = Array.from({ length: 4 }, (_, i) =>
    bytes.subarray((i * bytes.length) >> 2, ((i + 1) * bytes.length) >> 2),
  );
  assert.ok((await gzip(parts)).length < whole * 1.01);
  assert.is((await gzip([Buffer.alloc(0)])).length, 20);
});

test('createCompressor refuses levels that are none', () => {
  for (const level of [0, 10, 2.5, -1, Number.NaN])
    assert.throws(
      () => createCompressor({ compression: 'gzip', level, write: async () => {} }),
      (error: unknown) => isError(error, 'ARGUMENT_INVALID'),
    );
});

test('an error of write reaches push or finish, and settled then waits for all blocks', async () => {
  let writes = 0;
  const released: Uint8Array[] = [];
  const write = async (): Promise<void> => {
    if (++writes > 2) throw new Error('disk full');
  };
  const compressor = createCompressor({ compression: 'gzip', write, release: (bytes) => void released.push(bytes) });
  let pushed = 0;
  try {
    for (; pushed < 50; pushed++) await compressor.push(Buffer.alloc(50_000, pushed), false);
    await compressor.finish();
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).message, 'disk full');
  }
  await compressor.settled();
  assert.ok(pushed < 50);
  assert.ok(released.length >= pushed);
});

test.run();
