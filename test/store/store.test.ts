import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { configDocument, type ImageConfig } from '../../src/oci/config.ts';
import { digestOf, encodedOf } from '../../src/oci/digest.ts';
import { manifestDocument } from '../../src/oci/manifest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { openStore, type Store, storePath } from '../../src/store/store.ts';
import { rejects } from './suite.ts';

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-store-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function inStore(work: (store: Store) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const store = await openStore(join(folder, 'store'));
    try {
      await work(store);
    } finally {
      await store.close();
    }
  });
}

const config: ImageConfig = {
  architecture: 'amd64',
  os: 'linux',
  config: {},
  rootfs: { type: 'layers', diff_ids: [] },
  history: [],
};

async function putImage(store: Store, label: string): Promise<ReturnType<typeof manifestDocument>> {
  const document = configDocument({ ...config, author: label });
  await store.blobs.put(document.bytes);
  const manifest = manifestDocument({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: document.descriptor,
    layers: [],
  });
  await store.blobs.put(manifest.bytes);
  return manifest;
}

const descriptor = (text: string) => ({ mediaType: mediaTypes.manifest, digest: digestOf(text), size: text.length });

test('storePath follows the environment', () => {
  assert.is(storePath({ WHERRY_STORE: '/a/b', XDG_DATA_HOME: '/c', HOME: '/h' }), '/a/b');
  assert.is(storePath({ XDG_DATA_HOME: '/c', HOME: '/h' }), '/c/wherry');
  assert.is(storePath({ XDG_DATA_HOME: 'relative', HOME: '/h' }), '/h/.local/share/wherry');
  assert.is(storePath({ HOME: '/h' }), '/h/.local/share/wherry');
});

test('openStore makes a valid layout, private to its user, and leaves nothing else behind', async () => {
  await inFolder(async (folder) => {
    const root = join(folder, 'deep', 'store');
    const store = await openStore(root);
    assert.is(store.root, root);
    assert.equal(await store.index(), []);
    await store.close();
    assert.is((await stat(root)).mode & 0o777, 0o700);
    assert.equal(JSON.parse(await readFile(join(root, 'oci-layout'), 'utf8')), { imageLayoutVersion: '1.0.0' });
    assert.equal(JSON.parse(await readFile(join(root, 'index.json'), 'utf8')), {
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: [],
    });
    assert.equal((await readdir(root)).sort(), ['blobs', 'index.json', 'oci-layout', 'wherry']);
    assert.equal(await readdir(join(root, 'wherry', 'tmp')), []);
    assert.equal(await readdir(join(root, 'wherry', 'locks')), []);
  });
});

test('a shared store leaves no side folder', async () => {
  await inFolder(async (folder) => {
    const store = await openStore(folder, { shared: true });
    await putImage(store, 'x');
    await store.setName('x', descriptor('x'));
    await store.close();
    assert.equal((await readdir(folder)).sort(), ['blobs', 'index.json', 'oci-layout']);
  });
});

test('openStore without create writes nothing and wants a layout', async () => {
  await inFolder(async (folder) => {
    await rejects(() => openStore(join(folder, 'none'), { create: false }), 'SOURCE_NOT_FOUND');
    await rejects(() => openStore(folder, { create: false }), 'STORE_INVALID');
    await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    await writeFile(join(folder, 'index.json'), '{"schemaVersion":2,"manifests":[]}');
    const store = await openStore(folder, { create: false });
    assert.equal(await store.names(), []);
    assert.is(await store.blobs.size(digestOf('x')), undefined);
    await store.close();
    assert.equal((await readdir(folder)).sort(), ['index.json', 'oci-layout']);
  });
});

const damages: readonly (readonly [string, string, string])[] = [
  ['oci-layout', '', 'not valid JSON'],
  ['oci-layout', '{}', 'imageLayoutVersion'],
  ['oci-layout', '{"imageLayoutVersion":"2.0.0"}', '"2.0.0" is not supported'],
  ['index.json', '', 'not valid JSON'],
  ['index.json', '{"schemaVersion":2,"manifests":[', 'not valid JSON'],
  ['index.json', '[]', 'not a JSON object'],
  ['index.json', '{"schemaVersion":1}', 'schemaVersion'],
  ['index.json', '{"schemaVersion":2,"manifests":{}}', 'not a list'],
  [
    'index.json',
    '{"schemaVersion":2,"manifests":[{"digest":"sha256:../../x","mediaType":"a","size":1}]}',
    'manifests[0]',
  ],
];
for (const [file, content, said] of damages) {
  test(`openStore names a damaged ${file}: ${content}`, async () => {
    await inFolder(async (folder) => {
      await (await openStore(folder)).close();
      await writeFile(join(folder, file), content);
      try {
        await openStore(folder);
        assert.unreachable();
      } catch (error) {
        assert.is((error as { code: string }).code, 'STORE_INVALID');
        assert.ok((error as Error).message.includes(join(folder, file)), (error as Error).message);
        assert.ok((error as Error).message.includes(said), (error as Error).message);
      }
    });
  });
}

test('openStore does not turn a folder with other files into a store', async () => {
  await inFolder(async (folder) => {
    await writeFile(join(folder, 'letter.txt'), 'mine');
    await rejects(() => openStore(folder), 'STORE_INVALID');
    assert.equal(await readdir(folder), ['letter.txt']);
  });
});

test('openStore finishes a store that was cut off while it was made', async () => {
  await inFolder(async (folder) => {
    await mkdir(join(folder, 'blobs'));
    await mkdir(join(folder, 'wherry'));
    await (await openStore(folder)).close();
    await rm(join(folder, 'index.json'));
    await (await openStore(folder)).close();
    assert.ok((await readFile(join(folder, 'index.json'), 'utf8')).includes('"manifests":[]'));
  });
});

test('setName, find, names and removeName', async () => {
  await inStore(async (store) => {
    await store.setName('docker.io/library/b:1', descriptor('b'));
    await store.setName('a', descriptor('a'));
    await store.setName('B', { ...descriptor('c'), annotations: { x: 'y' } });
    assert.equal(await store.names(), ['B', 'a', 'docker.io/library/b:1']);
    assert.is((await store.find('a'))?.digest, digestOf('a'));
    await store.setName('a', descriptor('other'));
    assert.is((await store.find('a'))?.digest, digestOf('other'));
    assert.equal((await store.find('B'))?.annotations, { x: 'y', 'org.opencontainers.image.ref.name': 'B' });
    assert.is(await store.removeName('a'), true);
    assert.is(await store.removeName('a'), false);
    assert.is(await store.find('a'), undefined);
    for (const name of ['', ' ', 'a b', 'a\u001b[2J', '-x', 'x\n', '../x'])
      await rejects(() => store.setName(name, descriptor('a')), 'ARGUMENT_INVALID');
  });
});

test('updateIndex keeps what it does not know', async () => {
  await inFolder(async (folder) => {
    await (await openStore(folder)).close();
    const entry = { ...descriptor('a'), future: [1], annotations: { k: 'v' } };
    await writeFile(
      join(folder, 'index.json'),
      JSON.stringify({ schemaVersion: 2, annotations: { top: '1' }, other: true, manifests: [entry] }),
    );
    const store = await openStore(folder);
    await store.setName('b', descriptor('b'));
    await store.close();
    const written = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'));
    assert.is(written.other, true);
    assert.equal(written.annotations, { top: '1' });
    assert.equal(written.manifests[0], entry);
    assert.is(written.manifests.length, 2);
  });
});

test('another opened store sees changes at once', async () => {
  await inFolder(async (folder) => {
    const [one, two] = [await openStore(folder), await openStore(folder)];
    for (let i = 0; i < 20; i++) {
      await (i % 2 === 0 ? one : two).setName(`n${i}`, descriptor(`n${i}`));
      assert.is((await two.names()).length, i + 1);
      assert.is((await one.names()).length, i + 1);
    }
    await one.close();
    await two.close();
  });
});

test('records are kept by kind and digest', async () => {
  await inStore(async (store) => {
    const toc = store.records('toc');
    const key = digestOf('layer');
    assert.is(await toc.get(key), undefined);
    await toc.put(key, Buffer.from('one'));
    await toc.put(key, Buffer.from('two'));
    assert.is(Buffer.from((await toc.get(key)) ?? '').toString(), 'two');
    assert.is(await store.records('layer').get(key), undefined);
    const keys: string[] = [];
    for await (const found of toc.keys()) keys.push(found);
    assert.equal(keys, [key]);
    await rejects(() => toc.put('sha256:../../../x' as typeof key, Buffer.from('x')), 'DIGEST_INVALID');
    assert.is(await toc.delete(key), true);
    assert.is(await toc.delete(key), false);
    assert.throws(() => store.records('../x'), /no kind/);
  });
});

test('temporary folders are private, and go at close, whatever their modes', async () => {
  await inFolder(async (folder) => {
    const store = await openStore(folder);
    const [one, two] = [await store.temporary(), await store.temporary()];
    assert.is.not(one, two);
    assert.ok(one.startsWith(join(folder, 'wherry', 'tmp')));
    assert.is((await stat(one)).mode & 0o777, 0o700);
    await mkdir(join(one, 'a', 'b'), { recursive: true });
    await writeFile(join(one, 'a', 'b', 'c'), 'x');
    await chmod(join(one, 'a', 'b'), 0);
    await chmod(join(one, 'a'), 0o500);
    await store.close();
    assert.equal(await readdir(join(folder, 'wherry', 'tmp')), []);
    await rejects(() => store.temporary(), 'IO_FAILED');
  });
});

test('gc removes only what nothing reaches and nobody uses', async () => {
  await inFolder(async (folder) => {
    const store = await openStore(folder);
    const [kept, rooted, dropped, young] = [
      await putImage(store, 'kept'),
      await putImage(store, 'rooted'),
      await putImage(store, 'dropped'),
      await store.blobs.put(Buffer.from('young')),
    ];
    const index = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: mediaTypes.index,
        manifests: [kept.descriptor, { ...descriptor('a missing child') }],
      }),
    );
    const { digest, size } = await store.blobs.put(index);
    await store.setName('kept', { mediaType: mediaTypes.index, digest, size });
    await store.close();
    for (const document of [kept, rooted, dropped]) {
      for (const blob of [document.descriptor.digest, document.value.config.digest, digest])
        await utimes(join(folder, 'blobs', 'sha256', encodedOf(blob)), 1000, 1000);
    }
    const again = await openStore(folder);
    const removed = await again.gc({ roots: [rooted.descriptor] });
    assert.equal(
      removed.map((blob) => blob.digest).sort(),
      [dropped.descriptor.digest, dropped.value.config.digest].sort(),
    );
    for (const blob of [
      digest,
      kept.descriptor.digest,
      kept.value.config.digest,
      rooted.value.config.digest,
      young.digest,
    ])
      assert.ok(await again.blobs.size(blob));
    assert.is(await again.blobs.size(dropped.descriptor.digest), undefined);
    await again.close();
  });
});

test('gc keeps what another session has looked up', async () => {
  await inFolder(async (folder) => {
    const building = await openStore(folder);
    const { digest } = await building.blobs.put(Buffer.from('a base layer'));
    await utimes(join(folder, 'blobs', 'sha256', encodedOf(digest)), 1000, 1000);
    assert.ok(await building.blobs.size(digest));
    const other = await openStore(folder);
    assert.equal(await other.gc(), []);
    await building.close();
    await other.close();
  });
});

test('gc removes nothing when it can not tell what a manifest needs', async () => {
  await inFolder(async (folder) => {
    const store = await openStore(folder);
    const { digest, size } = await store.blobs.put(Buffer.from('not json'));
    const { digest: loose } = await store.blobs.put(Buffer.from('loose'));
    await utimes(join(folder, 'blobs', 'sha256', encodedOf(loose)), 1000, 1000);
    await store.setName('x', { mediaType: mediaTypes.manifest, digest, size });
    await rejects(() => store.gc(), 'STORE_INVALID');
    assert.ok(await store.blobs.size(loose));
    await store.close();
  });
});

test('skopeo and umoci read a store as it stands', async () => {
  await inStore(async (store) => {
    const manifest = await putImage(store, 'for others');
    await store.setName('docker.io/library/busybox:1.36', manifest.descriptor);
    await store.setName('plain', manifest.descriptor);
    const skopeo = spawnSync('skopeo', ['inspect', '--raw', `oci:${store.root}:docker.io/library/busybox:1.36`]);
    assert.is(skopeo.status, 0, skopeo.stderr.toString());
    assert.equal(skopeo.stdout, Buffer.from(manifest.bytes));
    const umoci = spawnSync('umoci', ['ls', '--layout', store.root]);
    assert.is(umoci.status, 0, umoci.stderr.toString());
    assert.equal(umoci.stdout.toString().trim().split('\n').sort(), ['docker.io/library/busybox:1.36', 'plain']);
  });
});

test('a store reads what skopeo and umoci wrote', async () => {
  await inFolder(async (folder) => {
    const layout = join(folder, 'layout');
    assert.is(spawnSync('umoci', ['init', '--layout', layout]).status, 0);
    const made = spawnSync('umoci', ['new', '--image', `${layout}:v1`]);
    assert.is(made.status, 0, made.stderr.toString());
    const copied = spawnSync('skopeo', [
      'copy',
      '--quiet',
      '--insecure-policy',
      `oci:${layout}:v1`,
      `oci:${layout}:lib/copy:v2`,
    ]);
    assert.is(copied.status, 0, copied.stderr.toString());
    const store = await openStore(layout, { create: false });
    assert.equal(await store.names(), ['lib/copy:v2', 'v1']);
    const entry = await store.find('v1');
    assert.ok(entry !== undefined && (await store.blobs.read(entry)).byteLength > 0);
    await store.close();
  });
});

test.run();
