// Freezes the bytes of layers. A change here changes the digest of every image that anybody builds: it needs a new
// version of the format, and a word in the changelog. scripts/node-versions.ts runs this file under other Node versions.
import { gunzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deflatePortably, isNativeFaithful } from '../../src/layer/deflate.ts';
import { encodeToc, tocOf } from '../../src/layer/toc.ts';
import { writeLayer } from '../../src/layer/write.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { createMemoryBlobs } from '../../src/store/memory.ts';
import type { FileEntry } from '../../src/tar/entry.ts';
import { createTask } from '../../src/task.ts';
import { chunked } from '../tar/raw-tar.ts';

/** Text-like bytes that are always the same. */
function text(size: number, seed: number): Buffer {
  const words = ['layer', 'blob', 'the', 'of', '{\n', '  return ', '();\n', 'const ', '0x', '/usr/lib/'];
  const bytes = Buffer.alloc(size);
  let state = seed;
  for (let at = 0; at < size; ) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    at += bytes.write(words[(state >>> 16) % words.length] ?? '', at, 'latin1');
    if ((state >>> 8) % 11 === 0 && at < size) bytes[at++] = state >>> 24;
  }
  return bytes;
}

function file(path: string, bytes: Buffer, more: Partial<FileEntry> = {}): FileEntry {
  return {
    path,
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: bytes.length,
    mtime: 1_700_000_000.5,
    content: { kind: 'bytes', bytes },
    ...more,
  };
}

const base = { mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 1_600_000_000 } as const;

/** One of everything, and enough bytes for several blocks. */
const entries: readonly FileEntry[] = [
  { ...base, path: '', type: 'directory' },
  { ...base, path: 'app', type: 'directory', mode: 0o1777, uid: 1000, gid: 1000 },
  ...Array.from({ length: 1500 }, (_, i) =>
    file(`app/file-${String(i).padStart(4, '0')}.txt`, text((i * 137) % 3000, i)),
  ),
  file('app/large', text(3_500_000, 99)),
  file('app/million', text(1024 * 1024, 5), { mode: 0o4755 }),
  file('app/tail', text(10, 1), { uid: 3_000_000, gid: 70_000 }),
  { ...base, path: 'app/hard', type: 'hardlink', link: 'app/large' },
  { ...base, path: 'app/symbolic', type: 'symlink', link: '../app/large', mode: 0o777 },
  file('app/wörter', text(100, 2), { xattrs: { 'user.b': 'Yg==', 'security.capability': 'AQAAAgAgAAAA/4A=' } }),
  { ...base, path: 'dev', type: 'directory' },
  { ...base, path: 'dev/null', type: 'character', deviceMajor: 1, deviceMinor: 3, mode: 0o666 },
  { ...base, path: 'dev/pipe', type: 'fifo' },
  file(`etc/${'n'.repeat(120)}/${'m'.repeat(120)}`, text(700, 3)),
  { ...base, path: 'etc/.wh.gone', type: 'file' },
  file('etc/passwd', Buffer.from('root:x:0:0:root:/root:/bin/sh\n')),
];

const diffId = 'sha256:fa35ba08525ce2e7b440f5feea3960fdf1dec771a7c8caa2076b41af8c2249cd';
const gzip: Readonly<Record<number, string>> = {
  1: 'sha256:380b43f18f3e76f45bc7a3201e9a18895c9b503274e8c73e05d108aaa30ba16c',
  4: 'sha256:19be6c07a81909cb30fff98ba6a57a83500e2f3c85e33bcd97acfceaf969f245',
  5: 'sha256:0cdee17232e65656f0722f5c4861b7643731c7002b2cd2024083c460ff943ab5',
  6: 'sha256:eb498bd7b1d8bcbb5b65a55d4c62d65b27d54d36141a2f919557087703b13727',
  9: 'sha256:5d214a921c1701a1e104cd615cb91442b79945edadc3cd24df97ebd89cfc5c58',
};

for (const level of [1, 4, 5, 6, 9])
  test(`writeLayer gives the frozen bytes at level ${level}`, async () => {
    const blobs = createMemoryBlobs();
    const { layer, toc } = await writeLayer(
      entries,
      { blobs, compression: 'gzip', level, epoch: 1_650_000_000 },
      createTask(),
    );
    assert.is(layer.diffId, diffId);
    assert.is(layer.descriptor.digest, gzip[level]);
    const tar = gunzipSync(await blobs.read(layer.descriptor));
    assert.equal(await tocOf(chunked(tar, 100_000), layer.diffId), toc);
  });

test('writeLayer without compression gives the frozen tar, and the table of contents its frozen text', async () => {
  const { layer, toc } = await writeLayer(
    entries,
    { blobs: createMemoryBlobs(), compression: 'none', epoch: 1_650_000_000 },
    createTask(),
  );
  assert.is(layer.descriptor.digest, diffId);
  assert.is(digestOf(encodeToc(toc)), 'sha256:9399871d62081f0c1c942709f2f6c1a609dd830ca343b769312315ea95aca8ff');
});

test('the zlib of this host compresses as the format wants it, and so does pako', () => {
  for (let level = 1; level <= 9; level++) assert.ok(isNativeFaithful(level), `level ${level}`);
  const bytes = text(200_000, 1);
  const dictionary = text(32_768, 2);
  assert.is(
    digestOf(deflatePortably({ bytes, dictionary, last: false }, 5)),
    'sha256:e1e532b6a73a3d1303b5e78c18bbb6a30516d54c2116f6c9fbab42c5e3002bf9',
  );
});

test.run();
