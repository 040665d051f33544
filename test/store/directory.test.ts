import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { digestOf, encodedOf } from '../../src/oci/digest.ts';
import type { BlobStore } from '../../src/store/blob-store.ts';
import { createDirectoryBlobs } from '../../src/store/directory.ts';
import { blobStoreSuite, collect, rejects } from './suite.ts';

async function createBlobs(): Promise<{ blobs: BlobStore; root: string; close(): Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), 'wherry-blobs-'));
  await mkdir(join(root, 'tmp'));
  let counter = 0;
  const blobs = createDirectoryBlobs({
    path: join(root, 'blobs'),
    temporary: async () => join(root, 'tmp', String(++counter)),
    usedSince: Date.now(),
  });
  return { blobs, root, close: () => rm(root, { recursive: true, force: true }) };
}

blobStoreSuite('directory', createBlobs);

const hello = Buffer.from('hello');
const descriptor = { digest: digestOf(hello), size: 5 };

test('createDirectoryBlobs leaves read-only files in the layout of the spec, and no temporary ones', async () => {
  const { blobs, root, close } = await createBlobs();
  await blobs.put(hello);
  const writer = await blobs.create();
  await writer.write(hello);
  await rejects(() => writer.commit({ digest: digestOf('x'), size: 5 }), 'DIGEST_MISMATCH');
  const path = join(root, 'blobs', 'sha256', encodedOf(descriptor.digest));
  assert.is((await stat(path)).mode & 0o777, 0o444);
  assert.equal(await readdir(join(root, 'tmp')), []);
  await close();
});

test('open says which file is damaged', async () => {
  const { blobs, root, close } = await createBlobs();
  await blobs.put(hello);
  const path = join(root, 'blobs', 'sha256', encodedOf(descriptor.digest));
  await chmod(path, 0o644);
  await writeFile(path, 'hellO');
  try {
    await collect(blobs.open(descriptor));
    assert.unreachable();
  } catch (error) {
    assert.is((error as { code: string }).code, 'DIGEST_MISMATCH');
    assert.ok((error as { hint: string }).hint.includes(path));
  }
  await close();
});

test('open refuses links and pipes', async () => {
  const { blobs, root, close } = await createBlobs();
  await mkdir(join(root, 'blobs', 'sha256'), { recursive: true });
  await writeFile(join(root, 'outside'), hello);
  await symlink(join(root, 'outside'), join(root, 'blobs', 'sha256', encodedOf(descriptor.digest)));
  await rejects(() => collect(blobs.open(descriptor)), 'STORE_INVALID');
  const folder = digestOf('folder');
  await mkdir(join(root, 'blobs', 'sha256', encodedOf(folder)));
  await rejects(() => collect(blobs.open({ digest: folder, size: 1 })), 'STORE_INVALID');
  await close();
});

test('an error of the disk is IO_FAILED with the path', async () => {
  const { blobs, root, close } = await createBlobs();
  await writeFile(join(root, 'blobs'), 'a file where the folder should be');
  try {
    await blobs.put(hello);
    assert.unreachable();
  } catch (error) {
    assert.is((error as { code: string }).code, 'IO_FAILED');
    assert.ok((error as Error).message.includes(join(root, 'blobs')));
  }
  assert.equal(await readdir(join(root, 'tmp')), []);
  await close();
});

test('a looked-up blob counts as used', async () => {
  const { blobs, root, close } = await createBlobs();
  await blobs.put(hello);
  const path = join(root, 'blobs', 'sha256', encodedOf(descriptor.digest));
  const { utimes } = await import('node:fs/promises');
  await utimes(path, 1000, 1000);
  await blobs.size(descriptor.digest);
  assert.ok((await stat(path)).mtimeMs > Date.now() - 60_000);
  await close();
});

test.run();
