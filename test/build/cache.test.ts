// What of a build is found in the cache or shared, and what is made again.
import { appendFileSync, chmodSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { BuildResult } from '../../src/build/options.ts';
import { parsePlatform } from '../../src/oci/platform.ts';
import { parseReference } from '../../src/oci/reference.ts';
import { base, outcomes, roomTest, written } from './room.ts';

const host = 'reg.example';
const platforms = [parsePlatform('linux/amd64'), parsePlatform('linux/arm64')];

roomTest(
  'build: with a known table of contents COPY needs no bytes of the base, and a push mounts or streams them',
  async (room) => {
    const published = await room.base(host, 'app', base);
    const layer = published.images[0]?.layers[0]?.descriptor.digest;
    const text = `FROM ${host}/app\nCOPY --chown=app a /etc/`;
    await room.build({ text, files: { a: '1' }, outputs: [{ kind: 'cacheonly' }] });
    room.calls.length = 0;
    await room.build({
      text,
      files: { a: '2' },
      tags: [parseReference(`${host}/new`)],
      outputs: [{ kind: 'image', push: true, options: { ociMediaTypes: true, compression: 'gzip' } }],
    });
    assert.is(room.calls.includes(`openBlob app ${layer}`), false, room.calls.join('\n'));
    assert.is(room.calls.includes(`mountBlob new ${layer} app`), true, room.calls.join('\n'));
  },
);

roomTest('build: the second build writes no layer and gives the same digest', async (room) => {
  const context = {
    kind: 'directory',
    path: room.directory('c', { Dockerfile: 'FROM scratch\nCOPY . /\nWORKDIR /w', 'a/b': '1' }),
  } as const;
  const first = await room.build({ context });
  assert.is(written(room.events).length, 2);
  room.events.length = 0;
  const second = await room.build({ context });
  assert.is(second.digest, first.digest);
  assert.equal(written(room.events), []);
  assert.equal(outcomes(room.events, /^\[[12]\/2\]/), ['cached', 'cached']);
});

roomTest(
  'build: --no-cache writes layers again and gives the same digest; a filter only for its stage',
  async (room) => {
    const text = 'FROM scratch AS a\nCOPY a /\nFROM a AS b\nCOPY b /';
    const build = (more: object): Promise<BuildResult> => room.build({ text, files: { a: '1', b: '2' }, ...more });
    const first = await build({});
    room.events.length = 0;
    assert.is((await build({ noCache: true })).digest, first.digest);
    assert.is(written(room.events).length, 2);
    room.events.length = 0;
    assert.is((await build({ noCacheFilter: ['a'] })).digest, first.digest);
    assert.equal(written(room.events), ['writing layer of [a 1/1] COPY a /']);
  },
);

roomTest('build: times do not count, modes and contents do', async (room) => {
  const path = room.directory('c', { Dockerfile: 'FROM scratch\nCOPY a /', a: '1' });
  const build = async (): Promise<string> => (await room.build({ context: { kind: 'directory', path } })).digest;
  const first = await build();
  utimesSync(join(path, 'a'), 1e9, 1e9);
  assert.is(await build(), first);
  chmodSync(join(path, 'a'), 0o600);
  const other = await build();
  assert.is.not(other, first);
  appendFileSync(join(path, 'a'), '2');
  assert.is.not(await build(), other);
  writeFileSync(join(path, 'a'), '1');
  chmodSync(join(path, 'a'), 0o644);
  assert.is(await build(), first);
});

roomTest('build: a change that no COPY sees changes nothing below (early cut-off)', async (room) => {
  const text = 'FROM scratch AS a\nCOPY . /all/\nFROM scratch\nCOPY --from=a /all/x /\nCOPY y /';
  const first = await room.build({ text, files: { x: '1', y: '2', z: '3' } });
  room.events.length = 0;
  const second = await room.build({ text, files: { x: '1', y: '2', z: '4' } });
  assert.is(second.digest, first.digest);
  assert.equal(written(room.events), ['writing layer of [a 1/1] COPY . /all/']);
});

roomTest('build: the same entries are the same layer on every base', async (room) => {
  await room.base(host, 'app', base);
  const files = { a: '1' };
  const one = await room.build({ text: 'FROM scratch\nCOPY a /', files });
  room.events.length = 0;
  const two = await room.build({ text: `FROM ${host}/app\nENV x=1\nCOPY a /`, files });
  assert.equal(written(room.events), []);
  assert.is(two.images[0]?.layers.at(-1), one.images[0]?.layers[0]);
});

roomTest('build: a lost layer is written again', async (room) => {
  const build = () => room.build({ text: 'FROM scratch\nCOPY a /', files: { a: '1' } });
  const first = await build();
  await room.store.blobs.delete(first.images[0]?.layers[0] as never);
  const second = await build();
  assert.is(second.digest, first.digest);
  assert.equal(await room.layers(second), [['a']]);
});

roomTest('build: platforms share a stage FROM --platform=$BUILDPLATFORM, and each has its own config', async (room) => {
  await room.base(host, 'tool', [
    { platform: 'linux/amd64', ...base },
    { platform: 'linux/arm64', ...base },
  ]);
  const text = `FROM --platform=$BUILDPLATFORM ${host}/tool AS t\nWORKDIR /made\nFROM ${host}/tool\nARG TARGETARCH\nLABEL arch=$TARGETARCH\nCOPY --from=t /made /made/`;
  const result = await room.build({ text, platforms, tags: [parseReference('a')] });
  assert.is(
    room.events.filter(
      (event) => event.kind === 'start' && /WORKDIR \/made/.test(event.name) && !/^writing/.test(event.name),
    ).length,
    1,
  );
  assert.equal(
    result.images.map((image) => image.platform),
    ['linux/amd64', 'linux/arm64'],
  );
  const place = { ...room.local, repository: 'docker.io/library/a' };
  const arm = await room.image({ ...result, images: result.images.slice(1) }, place);
  assert.equal([arm.architecture, arm.config.Labels], ['arm64', { arch: 'arm64' }]);
});

test.run();
