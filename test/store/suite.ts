// One suite over all implementations of BlobStore.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Code, isError } from '../../src/errors.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import type { BlobStore } from '../../src/store/blob-store.ts';

/** Runs `work` and expects it to throw one of the codes. */
export async function rejects(work: () => Promise<unknown>, ...codes: Code[]): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isError(error, ...codes)) throw error;
    return;
  }
  assert.unreachable(`expected ${codes.join(' or ')}`);
}

/** All chunks as one. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(Uint8Array.from(chunk));
  return Buffer.concat(parts);
}

async function stored(blobs: BlobStore): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const blob of blobs.list()) found.push(`${blob.digest} ${blob.size}`);
  return found.sort();
}

export function blobStoreSuite(
  name: string,
  create: () => Promise<{ readonly blobs: BlobStore; close(): Promise<void> }>,
): void {
  const it = suite(`BlobStore ${name}`);
  const check = (title: string, work: (blobs: BlobStore) => Promise<void>): void => {
    it(`${name}: ${title}`, async () => {
      const { blobs, close } = await create();
      try {
        await work(blobs);
      } finally {
        await close();
      }
    });
  };
  const hello = Buffer.from('hello, blob');
  const digest = digestOf(hello);
  const descriptor = { digest, size: hello.length };
  const absent: Digest = digestOf('absent');

  check('put stores bytes under their digest, again and again', async (blobs) => {
    assert.equal(await blobs.put(hello), descriptor);
    assert.equal(await blobs.put(hello), descriptor);
    assert.is(await blobs.size(digest), hello.length);
    assert.equal(await collect(blobs.open(descriptor)), hello);
    assert.equal(Buffer.from(await blobs.read(descriptor)), hello);
    assert.equal(await stored(blobs), [`${digest} ${hello.length}`]);
  });

  check('put keeps a copy', async (blobs) => {
    const bytes = Buffer.from(hello);
    await blobs.put(bytes);
    bytes.fill(0);
    assert.equal(Buffer.from(await blobs.read(descriptor)), hello);
  });

  check('an absent blob is unknown', async (blobs) => {
    assert.is(await blobs.size(absent), undefined);
    await rejects(() => collect(blobs.open({ digest: absent, size: 1 })), 'BLOB_UNKNOWN');
    await rejects(() => blobs.read({ digest: absent, size: 1 }), 'BLOB_UNKNOWN');
    assert.is(await blobs.delete(absent), false);
    assert.equal(await stored(blobs), []);
  });

  check('open starts at an offset', async (blobs) => {
    await blobs.put(hello);
    assert.equal(await collect(blobs.open(descriptor, 7)), hello.subarray(7));
    assert.is((await collect(blobs.open(descriptor, hello.length))).length, 0);
    assert.is((await collect(blobs.open(descriptor, 1000))).length, 0);
  });

  check('open and read refuse a blob of another size', async (blobs) => {
    await blobs.put(hello);
    for (const size of [0, 5, 1000]) {
      await rejects(() => collect(blobs.open({ digest, size })), 'SIZE_INVALID');
      await rejects(() => blobs.read({ digest, size }), 'SIZE_INVALID');
    }
  });

  check('read refuses what is larger than 8 MiB', async (blobs) => {
    await rejects(() => blobs.read({ digest: absent, size: 8 * 1024 * 1024 + 1 }), 'TOO_LARGE');
  });

  check('create writes a large blob in pieces', async (blobs) => {
    const piece = Buffer.alloc(100_000, 'abcdefg');
    const writer = await blobs.create();
    for (let i = 0; i < 20; i++) await writer.write(piece);
    assert.is(writer.size, 2_000_000);
    assert.equal(await stored(blobs), [], 'nothing is visible before commit');
    const blob = await writer.commit();
    assert.is(blob.size, 2_000_000);
    const whole = Buffer.concat(Array.from({ length: 20 }, () => piece));
    assert.is(blob.digest, digestOf(whole));
    assert.equal(await collect(blobs.open(blob)), whole);
    await writer.abort();
    assert.is(await blobs.size(blob.digest), 2_000_000, 'abort after commit does nothing');
    await rejects(() => writer.write(piece), 'IO_FAILED');
  });

  check('write leaves its buffer to the caller', async (blobs) => {
    const buffer = Buffer.from('first ');
    const writer = await blobs.create();
    await writer.write(buffer);
    buffer.write('second');
    await writer.write(buffer);
    assert.is((await writer.commit()).digest, digestOf('first second'));
  });

  check('an empty blob is a blob', async (blobs) => {
    const writer = await blobs.create();
    const blob = await writer.commit();
    assert.equal(blob, { digest: digestOf(''), size: 0 });
    assert.is((await collect(blobs.open(blob))).length, 0);
  });

  check('commit drops what is not expected', async (blobs) => {
    const cases: readonly (readonly [{ digest: Digest; size: number }, Code])[] = [
      [{ digest: absent, size: hello.length }, 'DIGEST_MISMATCH'],
      [{ digest: digestOf('absent', 'sha512'), size: hello.length }, 'DIGEST_MISMATCH'],
      [{ digest, size: hello.length - 1 }, 'SIZE_INVALID'],
      [{ digest, size: hello.length + 1 }, 'SIZE_INVALID'],
    ];
    for (const [expected, code] of cases) {
      const writer = await blobs.create();
      await writer.write(hello);
      await rejects(() => writer.commit(expected), code);
      await rejects(() => writer.commit(), 'IO_FAILED');
    }
    assert.equal(await stored(blobs), []);
  });

  for (const algorithm of ['sha512', 'blake3'] as const) {
    check(`${algorithm} is known at the start or only at the end`, async (blobs) => {
      const expected = { digest: digestOf(hello, algorithm), size: hello.length };
      for (const begun of [algorithm, undefined]) {
        const writer = await blobs.create(begun);
        await writer.write(hello);
        assert.equal(await writer.commit(expected), expected);
        assert.equal(await collect(blobs.open(expected)), hello);
        assert.is(await blobs.delete(expected.digest), true);
      }
    });
  }

  check('abort drops what was written', async (blobs) => {
    const writer = await blobs.create();
    await writer.write(hello);
    await writer.abort();
    await writer.abort();
    assert.equal(await stored(blobs), []);
  });

  check('many writers of one blob at once', async (blobs) => {
    const results = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const writer = await blobs.create();
        await writer.write(hello);
        return writer.commit(descriptor);
      }),
    );
    for (const result of results) assert.equal(result, descriptor);
    assert.equal(await stored(blobs), [`${digest} ${hello.length}`]);
  });

  check('delete removes a blob once', async (blobs) => {
    await blobs.put(hello);
    assert.is(await blobs.delete(digest), true);
    assert.is(await blobs.delete(digest), false);
    assert.is(await blobs.size(digest), undefined);
  });
  it.run();
}
