import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isError, messageOf } from '../../src/errors.ts';
import { archiveBlocks } from '../../src/layer/archive.ts';
import { tocOf } from '../../src/layer/toc.ts';
import { writeLayer } from '../../src/layer/write.ts';
import { digestOf } from '../../src/oci/digest.ts';
import type { BlobStore } from '../../src/store/blob-store.ts';
import { createMemoryBlobs } from '../../src/store/memory.ts';
import type { Content, FileEntry } from '../../src/tar/entry.ts';
import { createTask } from '../../src/task.ts';
import { chunked } from '../tar/raw-tar.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherry-write-'));
test.after(() => rmSync(folder, { recursive: true }));

/** Noise: content whose compression does not hide where blocks end. */
function noise(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0, state = seed; i < size; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

function fileOf(path: string, content: Content, size: number): FileEntry {
  return { path, type: 'file', mode: 0o644, uid: 0, gid: 0, size, mtime: 0, content };
}

function inFile(name: string, bytes: Uint8Array): Content {
  writeFileSync(join(folder, name), bytes);
  return { kind: 'file', path: join(folder, name) };
}

const write = (
  entries: Iterable<FileEntry>,
  blobs: BlobStore = createMemoryBlobs(),
  more: { compression?: 'gzip' | 'none'; epoch?: number } = {},
) => writeLayer(entries, { blobs, compression: more.compression ?? 'gzip', epoch: more.epoch ?? 0 }, createTask());

async function failure(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  return undefined;
}

async function storedIn(blobs: BlobStore): Promise<number> {
  let count = 0;
  for await (const _ of blobs.list()) count++;
  return count;
}

test('writeLayer gives the same layer for every kind of content', async () => {
  for (const size of [0, 1, 511, 512, 100_000, 1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1, 3_200_000]) {
    const bytes = noise(size);
    const archive = Buffer.concat([noise(777), bytes, noise(99)]);
    const contents: Content[] = [
      { kind: 'bytes', bytes },
      inFile('plain', bytes),
      { ...inFile('archive', archive), offset: 777 } as Content,
      { kind: 'stream', open: () => chunked(bytes, 65_536) },
      { kind: 'stream', open: () => chunked(bytes, 1, 70_000, 3) },
      { kind: 'stream', open: () => chunked(bytes, 2 ** 21) },
    ];
    const layers = await Promise.all(
      contents.map((content) =>
        write([
          fileOf('a', { kind: 'bytes', bytes: noise(300_000, 2) }, 300_000),
          fileOf('b', content, size),
          fileOf('c', { kind: 'bytes', bytes: noise(9) }, 9),
        ]),
      ),
    );
    for (const { layer, toc } of layers) {
      assert.equal(layer, layers[0]?.layer, `${size} bytes`);
      assert.equal(toc, layers[0]?.toc);
    }
    assert.is(layers[0]?.toc.entries[1]?.digest, digestOf(bytes));
  }
});

test("writeLayer's table of contents is that of its bytes", async () => {
  const blobs = createMemoryBlobs();
  const { layer, toc } = await write(
    [
      { path: 'etc', type: 'directory', mode: 0o755, uid: 1, gid: 2, size: 0, mtime: 5 },
      fileOf('etc/group', { kind: 'stream', open: () => chunked(Buffer.from('users:x:100:\n'), 3) }, 13),
      fileOf('etc/passwd', { kind: 'bytes', bytes: Buffer.from('root:x:0:0::/:/bin/sh\n') }, 22),
      { path: 'etc/.wh..wh..opq', type: 'file', mode: 0, uid: 0, gid: 0, size: 0, mtime: 0 },
      { path: 'etc/.wh.shadow', type: 'file', mode: 0, uid: 0, gid: 0, size: 0, mtime: 0 },
      {
        ...fileOf('x', { kind: 'bytes', bytes: noise(5) }, 5),
        xattrs: { 'user.b': 'AA==', 'user.a': 'AQ==', 'user.empty': '' },
      },
    ],
    blobs,
  );
  const tar = gunzipSync(await blobs.read(layer.descriptor));
  assert.equal(await tocOf(chunked(tar), layer.diffId), toc);
  assert.is(toc.size, tar.length);
  assert.is(Buffer.from(toc.entries[1]?.text ?? '', 'base64').toString(), 'users:x:100:\n');
  assert.equal(
    toc.entries.map(({ path, whiteout }) => [path, whiteout]),
    [
      ['etc', undefined],
      ['etc/group', undefined],
      ['etc/passwd', undefined],
      ['etc', 'opaque'],
      ['etc/shadow', 'removed'],
      ['x', undefined],
    ],
  );
  assert.is(
    tar.subarray(toc.entries[5]?.offset, (toc.entries[5]?.offset ?? 0) + 5).toString('hex'),
    noise(5).toString('hex'),
  );
});

test('writeLayer clamps times to the epoch and to whole seconds', async () => {
  const entries = [1.9, 99, -1.5].map((mtime, i) => ({
    ...fileOf(`${i}`, { kind: 'bytes', bytes: noise(0) } as Content, 0),
    mtime,
  }));
  assert.equal(
    (await write(entries, undefined, { epoch: 50 })).toc.entries.map(({ mtime }) => mtime),
    [1, 50, -2],
  );
  assert.equal(
    (await write(entries)).toc.entries.map(({ mtime }) => mtime),
    [0, 0, -2],
  );
});

test('writeLayer names media types, and without compression the blob is the tar', async () => {
  const entries = [fileOf('a', { kind: 'bytes', bytes: noise(10) }, 10)];
  const plain = await write(entries, undefined, { compression: 'none' });
  assert.is(plain.layer.descriptor.mediaType, 'application/vnd.oci.image.layer.v1.tar');
  assert.is(String(plain.layer.descriptor.digest), String(plain.layer.diffId));
  assert.is(plain.layer.descriptor.size, plain.toc.size);
  assert.is((await write(entries)).layer.descriptor.mediaType, 'application/vnd.oci.image.layer.v1.tar+gzip');
  assert.is((await write([])).toc.size, 1024);
});

test('GNU tar unpacks a layer', async () => {
  const blobs = createMemoryBlobs();
  const { layer } = await write(
    [fileOf('a', { kind: 'bytes', bytes: noise(5000) }, 5000), fileOf('b', inFile('b', noise(2_000_000)), 2_000_000)],
    blobs,
  );
  const list = execFileSync('tar', ['-tzvf', '-'], { input: await blobs.read(layer.descriptor) }).toString();
  assert.match(list, / 5000 .* a\n.* 2000000 .* b\n$/);
});

test('writeLayer refuses a file that changes while it is read, names it, and leaves nothing behind', async () => {
  for (const size of [100, 3_000_000])
    for (const change of [1, -1]) {
      const content = inFile('changing', noise(size));
      const path = join(folder, 'changing');
      if (change > 0) appendFileSync(path, 'x');
      else truncateSync(path, size - 1);
      const blobs = createMemoryBlobs();
      const error = await failure(
        write([fileOf('a', { kind: 'bytes', bytes: noise(3_000_000) }, 3_000_000), fileOf('b', content, size)], blobs),
      );
      assert.ok(isError(error, 'COPY_FAILED'), String(error));
      assert.match(messageOf(error), path);
      assert.is(await storedIn(blobs), 0);
    }
  const short: Content = { kind: 'stream', open: () => chunked(noise(99)) };
  assert.ok(isError(await failure(write([fileOf('a', short, 100)])), 'COPY_FAILED'));
  assert.ok(isError(await failure(write([fileOf('a', short, 98)])), 'COPY_FAILED'));
  assert.ok(isError(await failure(write([{ ...fileOf('a', short, 99), digest: digestOf('other') }])), 'COPY_FAILED'));
  assert.ok(
    isError(await failure(write([fileOf('a', { kind: 'file', path: join(folder, 'missing') }, 1)])), 'COPY_FAILED'),
  );
});

test('writeLayer does not hang on a fifo where a file was', async () => {
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  for (const size of [1, 2_000_000])
    assert.ok(
      isError(await failure(write([fileOf('a', { kind: 'file', path: join(folder, 'fifo') }, size)])), 'COPY_FAILED'),
    );
});

test('writeLayer refuses files whose name would be a whiteout', async () => {
  for (const path of ['.wh.a', 'dir/.wh..wh..opq', '.wh..wh.plnk/x'])
    assert.ok(
      isError(await failure(write([fileOf(path, { kind: 'bytes', bytes: noise(0) }, 0)])), 'COPY_FAILED'),
      path,
    );
});

test('writeLayer stops when its task is aborted, and leaves nothing behind', async () => {
  const controller = new AbortController();
  const blobs = createMemoryBlobs();
  const endless: Content = {
    kind: 'stream',
    open: async function* () {
      for (let i = 0; ; i++) {
        if (i === 20) controller.abort();
        yield noise(200_000, i);
      }
    },
  };
  const task = createTask({ signal: controller.signal });
  assert.ok(
    isError(
      await failure(writeLayer([fileOf('a', endless, 2 ** 40)], { blobs, compression: 'gzip', epoch: 0 }, task)),
      'ABORTED',
    ),
  );
  assert.is(await storedIn(blobs), 0);
  assert.ok(isError(await failure(writeLayer([], { blobs, compression: 'gzip', epoch: 0 }, task)), 'ABORTED'));
});

test('writeLayer passes on an error of the store', async () => {
  const blobs = createMemoryBlobs();
  let aborted = 0;
  const failing: BlobStore = {
    ...blobs,
    create: async () => {
      const writer = await blobs.create();
      return {
        get size() {
          return writer.size;
        },
        write: async (bytes) => {
          if (writer.size > 1_000_000) throw new Error('disk full');
          await writer.write(bytes);
        },
        commit: (expected) => writer.commit(expected),
        abort: () => {
          aborted++;
          return writer.abort();
        },
      };
    },
  };
  for (const compression of ['gzip', 'none'] as const)
    assert.is(
      messageOf(
        await failure(
          write([fileOf('a', { kind: 'bytes', bytes: noise(9_000_000) }, 9_000_000)], failing, { compression }),
        ),
      ),
      'disk full',
    );
  assert.is(aborted, 2);
});

async function cutsOf(entries: Iterable<FileEntry>): Promise<number[]> {
  const cuts: number[] = [];
  let position = 0;
  for await (const { bytes } of archiveBlocks(entries, { epoch: 0 })) {
    position += bytes.length;
    cuts.push(position);
  }
  return cuts;
}

test('blocks are about 1 MiB, and a change moves no cut that is far from it', async () => {
  const files = (changed: number): FileEntry[] =>
    Array.from({ length: 4000 }, (_, i) => {
      const size = (i * 733) % 9000;
      const bytes = Buffer.alloc(i === changed ? size + 5000 : size, i);
      return fileOf(`dir/${i}`, { kind: 'bytes', bytes }, bytes.length);
    });
  const before = await cutsOf(files(-1));
  const after = await cutsOf(files(100));
  const moved = (after.at(-1) ?? 0) - (before.at(-1) ?? 0);
  const kept = after.filter((cut) => before.includes(cut - moved));
  assert.ok(kept.length >= before.length - 4, `${kept.length} of ${before.length} cuts stay`);
  const sizes = before.map((cut, i) => cut - (before[i - 1] ?? 0));
  assert.ok(Math.max(...sizes) <= 2 * 1024 * 1024 + 4096);
  const mean = (before.at(-1) ?? 0) / before.length;
  assert.ok(mean > 600_000 && mean < 1_500_000, `${mean}`);
});

test('a large file is cut every MiB from its start, whatever is in front of it', async () => {
  const large = fileOf('large', { kind: 'bytes', bytes: noise(3_500_000) }, 3_500_000);
  for (const before of [0, 1000, 200_000, 900_000]) {
    const cuts = await cutsOf([fileOf('before', { kind: 'bytes', bytes: Buffer.alloc(before) }, before), large]);
    const start = 1024 + Math.ceil(before / 512) * 512;
    for (const i of [1, 2, 3]) assert.ok(cuts.includes(start + i * 1024 * 1024), `${cuts}`);
  }
});

test('the archive is the same however streams are cut', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.integer({ min: 1, max: 900_000 }), { minLength: 1, maxLength: 6 }),
    fc.integer({ min: 0, max: 3_000_000 }),
    async (sizes, size) => {
      const bytes = Buffer.alloc(size, 'some text, ');
      const [a, b] = await Promise.all([
        write([fileOf('a', { kind: 'bytes', bytes }, size)]),
        write([fileOf('a', { kind: 'stream', open: () => chunked(bytes, ...sizes) }, size)]),
      ]);
      assert.equal(a, b);
    },
  );
  await fc.assert(property, { numRuns: 15 });
});

test.run();
