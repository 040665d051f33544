import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isError } from '../../src/errors.ts';
import { contentInLayer, contentInTar, openLayerTar } from '../../src/layer/tarfile.ts';
import { tocOf } from '../../src/layer/toc.ts';
import { stackTree } from '../../src/layer/tree.ts';
import { tarStream, treeEntries } from '../../src/layer/unpack.ts';
import { type DiffId, digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { createMemoryBlobs } from '../../src/store/memory.ts';
import { chunked, collect, rawEntry, rawTar } from '../tar/raw-tar.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherry-tarfile-'));
test.after(() => rmSync(folder, { recursive: true }));

const tar = rawTar(
  rawEntry({ name: 'a' }, 'hello'),
  rawEntry({ name: 'b' }, Buffer.alloc(1_500_000, 'b')),
  rawEntry({ name: 'c' }),
);
const diffId = digestOf(tar) as string as DiffId;

async function options(bytes: Uint8Array, directory: string) {
  const blobs = createMemoryBlobs();
  return {
    directory: join(folder, directory),
    blobs,
    layer: { diffId, descriptor: { mediaType: mediaTypes.layerGzip, ...(await blobs.put(bytes)) } },
  };
}

test('openLayerTar unpacks whatever the blob is, once', async () => {
  const blobs = [gzipSync(tar), tar, execFileSync('zstd', ['-qc'], { input: tar })];
  for (const [i, blob] of blobs.entries()) {
    const given = await options(blob, `kind-${i}`);
    const [one, two] = await Promise.all([openLayerTar(given), openLayerTar(given)]);
    assert.is(one, two);
    assert.ok(readFileSync(one).equals(tar));
    await given.blobs.delete(given.layer.descriptor.digest);
    assert.is(await openLayerTar(given), one);
    assert.is(readdirSync(given.directory).length, 1);
  }
});

test('openLayerTar leaves nothing behind when the layer is another one, damaged, missing or too large', async () => {
  const cases: [string, Uint8Array, number | undefined, string][] = [
    ['other', gzipSync(Buffer.concat([tar, Buffer.alloc(1)])), undefined, 'DIGEST_MISMATCH'],
    ['damaged', gzipSync(tar).subarray(0, 500), undefined, 'ARCHIVE_INVALID'],
    ['large', gzipSync(tar), 1_000_000, 'TOO_LARGE'],
    ['missing', gzipSync(tar), undefined, 'BLOB_UNKNOWN'],
  ];
  for (const [name, blob, limit, code] of cases) {
    const given = await options(blob, name);
    if (name === 'missing') await given.blobs.delete(given.layer.descriptor.digest);
    try {
      await openLayerTar({ ...given, ...(limit === undefined ? {} : { limit }) });
      assert.unreachable();
    } catch (error) {
      assert.ok(isError(error) && error.code === code, `${name}: ${error}`);
    }
    assert.equal(existsSync(given.directory) ? readdirSync(given.directory) : [], []);
  }
});

test('contents of a stacked layer come from its tar', async () => {
  const given = await options(gzipSync(tar), 'contents');
  const toc = await tocOf(chunked(tar), diffId);
  let opened = 0;
  const lazily = contentInLayer(() => {
    opened++;
    return openLayerTar(given);
  });
  const expected = await collect(
    tarStream(
      treeEntries(
        stackTree(undefined, toc, ({ offset, size }) => ({
          kind: 'bytes',
          bytes: tar.subarray(offset, offset + size),
        })),
      ),
      0,
    ),
  );
  const lazy = stackTree(undefined, toc, lazily);
  assert.is(opened, 0);
  assert.ok((await collect(tarStream(treeEntries(lazy), 0))).equals(expected));
  const path = await openLayerTar(given);
  assert.ok((await collect(tarStream(treeEntries(stackTree(undefined, toc, contentInTar(path))), 0))).equals(expected));
  // Another process has deleted the tar.
  rmSync(path);
  assert.ok((await collect(tarStream(treeEntries(lazy), 0))).equals(expected));
});

test.run();
