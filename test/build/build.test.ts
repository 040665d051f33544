import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parsePlatform } from '../../src/oci/platform.ts';
import { parseReference } from '../../src/oci/reference.ts';
import { base, failure, fileOf, openBuildRoom, outcomes, roomTest, written } from './room.ts';

const host = 'reg.example';
const platforms = [parsePlatform('linux/amd64'), parsePlatform('linux/arm64')];

roomTest('build: an image in the store under its tags, with what it prints', async (room) => {
  const result = await room.build({
    text: 'FROM scratch\nCOPY a /\nCMD ["/a"]',
    files: { a: '1' },
    tags: [parseReference('app:1'), parseReference(`${host}/x/y`)],
  });
  assert.equal(result.references, [`docker.io/library/app:1@${result.digest}`, `${host}/x/y:latest@${result.digest}`]);
  assert.equal(await room.store.names(), ['docker.io/library/app:1', `${host}/x/y:latest`]);
  assert.equal(await room.layers(result), [['a']]);
  assert.is(result.images[0]?.layers.length, 1);
  assert.is(result.configDigest, result.images[0]?.configDigest);
});

roomTest('build: without tags the digest is the name', async (room) => {
  const result = await room.build({ text: 'FROM scratch\nUSER 1' });
  assert.equal(result.references, [result.digest]);
  assert.is((await room.image(result)).config.User, '1');
});

roomTest('build: bases of stages that are not needed are never asked for', async (room) => {
  await room.build({
    text: `FROM ${host}/none AS a\nCOPY x y\nFROM scratch AS b\nCOPY f /\nFROM a\n`,
    files: { f: '' },
    target: 'b',
  });
  assert.equal(room.calls, []);
});

roomTest('build: a base is resolved, and its layer not read, when nothing looks into it', async (room) => {
  await room.base(host, 'app', base);
  await room.build({ text: `FROM ${host}/app\nENV a=1`, outputs: [{ kind: 'cacheonly' }] });
  assert.equal(room.calls.filter((call) => call.startsWith('openBlob')).length, 1, room.calls.join('\n'));
  room.calls.length = 0;
  await room.build({ text: `FROM ${host}/app\nENV a=2`, outputs: [{ kind: 'cacheonly' }] });
  assert.equal(room.calls, ['resolve app latest']);
});

roomTest('build: a push stores blobs, then the manifest with its tag', async (room) => {
  const result = await room.build({
    text: 'FROM scratch\nCOPY a /',
    files: { a: '1' },
    platforms,
    tags: [parseReference(`${host}/app:v`)],
    outputs: [{ kind: 'image', push: true, options: { ociMediaTypes: true, compression: 'gzip' } }],
  });
  const writes = room.calls.filter((call) => /^(pushBlob|putManifest)/.test(call)).map((call) => call.split(' ')[0]);
  assert.equal(writes, ['pushBlob', 'pushBlob', 'putManifest', 'pushBlob', 'putManifest', 'putManifest']);
  assert.is(room.calls.at(-1), `putManifest app ${result.digest} v`);
  assert.is((await room.registry(host).resolve('app', 'v')).digest, result.digest);
});

roomTest("build: a pushed image is not put into the store's index", async (room) => {
  await room.build({
    text: 'FROM scratch\nUSER 1',
    tags: [parseReference(`${host}/app:v`)],
    outputs: [{ kind: 'image', push: true, options: { ociMediaTypes: true, compression: 'gzip' } }],
  });
  assert.equal(await room.store.names(), []);
});

roomTest('build: a push without a tag is refused', async (room) => {
  const outputs = [{ kind: 'image', push: true, options: { ociMediaTypes: true, compression: 'gzip' } }] as const;
  assert.match(await failure(room.build({ text: 'FROM scratch\nUSER 1', outputs })), /tag is needed/);
});

roomTest('build: one platform that is given twice is one image, and no index', async (room) => {
  const amd64 = parsePlatform('linux/amd64');
  const result = await room.build({ text: 'FROM scratch\nUSER 1', platforms: [amd64, amd64] });
  assert.match(result.mediaType, /manifest/);
  const index = await room.build({ text: 'FROM scratch\nUSER 1', buildArgs: { BUILDKIT_MULTI_PLATFORM: '1' } });
  assert.match(index.mediaType, /index/);
});

roomTest('build: --label comes after LABEL; annotations go where they are for', async (room) => {
  const result = await room.build({
    text: 'FROM scratch\nLABEL a=1 b=2',
    labels: { b: '3', c: '4' },
    platforms,
    annotations: [
      { on: 'manifest', key: 'm', value: '1' },
      { on: 'manifest', platform: parsePlatform('linux/arm64'), key: 'arm', value: '1' },
      { on: 'index', key: 'i', value: '1' },
      { on: 'manifest-descriptor', key: 'd', value: '1' },
    ],
  });
  assert.equal((await room.image(result)).config.Labels, { a: '1', b: '3', c: '4' });
  const index = await room.local.registry.getManifest('', result.digest);
  if (index.kind !== 'index') return assert.unreachable();
  assert.equal({ ...index.value.annotations }, { i: '1' });
  assert.equal(
    index.value.manifests.map((entry) => ({ ...entry.annotations })),
    [{ d: '1' }, { d: '1' }],
  );
  const manifests = await Promise.all(
    index.value.manifests.map((entry) => room.local.registry.getManifest('', entry.digest)),
  );
  assert.equal(
    manifests.map((manifest) => ({ ...manifest.value.annotations })),
    [{ m: '1' }, { m: '1', arm: '1' }],
  );
});

roomTest('build: annotations of an index need one', async (room) => {
  const annotations = [{ on: 'index', key: 'i', value: '1' }] as const;
  assert.match(
    await failure(room.build({ text: 'FROM scratch\nUSER 1', annotations })),
    /index annotations not supported for single platform export/,
  );
});

roomTest('build: the store is asked before the registry, unless --pull', async (room) => {
  await room.base(host, 'app', { config: { User: 'remote' } });
  await room.build({ text: 'FROM scratch\nUSER local', tags: [parseReference(`${host}/app`)] });
  const user = async (pull: boolean): Promise<string | undefined> =>
    (await room.image(await room.build({ text: `FROM ${host}/app\nENV a=1`, pull }))).config.User;
  assert.is(await user(false), 'local');
  assert.is(await user(true), 'remote');
});

roomTest('build: a base that is nowhere, or not for the platform', async (room) => {
  await room.base(host, 'two', [{ platform: 'linux/s390x' }, { platform: 'linux/ppc64le' }]);
  assert.match(
    await failure(room.build({ text: `FROM ${host}/none` })),
    /MANIFEST_UNKNOWN|NAME_UNKNOWN: .*failed to resolve source metadata/,
  );
  assert.match(
    await failure(room.build({ text: `FROM ${host}/two`, platforms })),
    /PLATFORM_UNKNOWN: .*no match for platform in manifest/,
  );
});

roomTest('build: named contexts with their own .dockerignore, images and layouts', async (room) => {
  await room.base(host, 'app', { layers: [[fileOf('from-image', 'i')]] });
  const path = room.directory('d', { '.dockerignore': 'no*', 'no.txt': 'n', 'yes.txt': 'y' });
  const layout = join(room.folder, 'layout');
  await room.build({
    text: 'FROM scratch\nCOPY l /from-layout',
    files: { l: '1' },
    tags: [parseReference('x:v1')],
    outputs: [{ kind: 'oci', dest: layout, tar: false, options: { ociMediaTypes: true, compression: 'gzip' } }],
  });
  const result = await room.build({
    text: 'FROM base\nCOPY --from=dir . /\nCOPY --from=img / /',
    namedContexts: {
      base: { kind: 'layout', path: layout, selector: 'v1' },
      dir: { kind: 'directory', path },
      img: { kind: 'image', reference: parseReference(`${host}/app`) },
    },
  });
  assert.equal(await room.layers(result), [['from-layout'], ['.dockerignore', 'yes.txt'], ['from-image']]);
});

roomTest('build: FROM a named directory is a layer of its files', async (room) => {
  const path = room.directory('d', { 'a/b': '1' });
  const result = await room.build({
    text: 'FROM root\nCOPY c /a/',
    files: { c: '2' },
    namedContexts: { root: { kind: 'directory', path } },
  });
  assert.equal(await room.layers(result), [
    ['a', 'a/b'],
    ['a', 'a/c'],
  ]);
  assert.equal(
    (await room.image(result)).history.map((entry) => entry.created_by),
    ['FROM root', 'COPY c /a/ # buildkit'],
  );
});

roomTest('build: every start has an end, also when it fails', async (room) => {
  await failure(room.build({ text: 'FROM scratch\nCOPY a b c/\nCOPY none /', files: { a: '', b: '' } }));
  const open = new Set<string>();
  for (const event of room.events) {
    if (event.kind === 'start') open.add(event.id);
    if (event.kind === 'end') assert.is(open.delete(event.id), true);
    if (event.kind === 'progress' || event.kind === 'log') assert.is(open.has(event.id), true);
  }
  assert.is(open.size, 0);
});

roomTest('build: nothing is named in the store, and no layer is left under way, after a failure', async (room) => {
  const text =
    'FROM scratch AS a\nCOPY a /\nFROM scratch AS b\nCOPY none /\nFROM scratch\nCOPY --from=a / /\nCOPY --from=b / /';
  assert.match(
    await failure(room.build({ text, files: { a: '1' }, tags: [parseReference('x')] })),
    /SOURCE_NOT_FOUND|"\/none": not found/,
  );
  assert.equal(await room.store.names(), []);
  assert.equal(outcomes(room.events, /^writing/).length, written(room.events).length);
});

roomTest('build: undeclared arguments are a warning', async (room) => {
  await room.build({ text: 'ARG a\nFROM scratch\nUSER 1', buildArgs: { a: '1', b: '2' } });
  const warnings = room.events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []));
  assert.is(warnings.length, 1);
  assert.match(warnings[0] ?? '', /\[b\]/);
});

roomTest('build: outputs that want their layers compressed in two ways are refused', async (room) => {
  const output = (compression: 'gzip' | 'none', dest: string) =>
    ({ kind: 'oci', tar: true, dest: join(room.folder, dest), options: { ociMediaTypes: true, compression } }) as const;
  const outputs = [output('gzip', 'a'), output('none', 'b')];
  assert.match(
    await failure(room.build({ text: 'FROM scratch\nCOPY a /', files: { a: '' }, outputs })),
    /UNSUPPORTED: .*compression/,
  );
});

roomTest("build: Docker's media types where they are asked for", async (room) => {
  const outputs = [{ kind: 'image', push: false, options: { ociMediaTypes: false, compression: 'gzip' } }] as const;
  const result = await room.build({ text: 'FROM scratch\nCOPY a /', files: { a: '' }, outputs });
  assert.is(result.mediaType, 'application/vnd.docker.distribution.manifest.v2+json');
});

test('build: an aborted task is ABORTED, and later work is not begun', async () => {
  const stop = new AbortController();
  const room = await openBuildRoom({ signal: stop.signal });
  try {
    stop.abort();
    assert.match(await failure(room.build({ text: 'FROM scratch\nCOPY a /', files: { a: '1' } })), /^ABORTED/);
    assert.equal(written(room.events), []);
  } finally {
    await room.close();
  }
});

test.run();
