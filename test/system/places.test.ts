// `wherry copy` between places of all kinds, there and back; skopeo finds the same digest in each.
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dockerRegistry } from '../registry/client/docker-registry.ts';
import { stopAll } from '../registry/client/peers.ts';
import { must, openRoom, writeFiles } from './command.ts';

const room = openRoom();
const { host } = await dockerRegistry({ kind: 'anonymous' });
const context = writeFiles(join(room.folder, 'context'), { Dockerfile: 'FROM scratch\nCOPY a /\n', a: 'a\n' });
const platforms = ['--platform', 'linux/amd64,linux/arm64'];

test.before(async () => {
  await room.must(['build', '-q', '--platform', 'linux/amd64', '-t', 'one:1', context]);
  await room.must(['build', '-q', ...platforms, '-t', 'two:1', context]);
});
test.after(stopAll);

/** Places, and what skopeo calls them; undefined where skopeo has no such kind. */
const places: readonly { readonly name: string; readonly skopeo?: string; readonly single?: boolean }[] = [
  { name: `docker://${host}/team/copy:1`, skopeo: `docker://${host}/team/copy:1` },
  { name: `${host}/team/bare:1`, skopeo: `docker://${host}/team/bare:1` },
  { name: 'store:copied:1' },
  { name: `oci:${room.folder}/layout:1.0`, skopeo: `oci:${room.folder}/layout:1.0` },
  { name: `oci-archive:${room.folder}/oci.tar:1.0`, skopeo: `oci-archive:${room.folder}/oci.tar:1.0` },
  { name: `oci-archive:${room.folder}/nameless.tar`, skopeo: `oci-archive:${room.folder}/nameless.tar` },
  { name: `docker-archive:${room.folder}/docker.tar:team/app:1`, single: true },
  { name: `docker-archive:${room.folder}/short.tar:app`, single: true },
];

for (const image of ['one:1', 'two:1'])
  for (const { name, skopeo, single } of places.filter((place) => image === 'one:1' || place.single !== true))
    test(`copy brings ${image} to ${name.replace(/[^:/]*\/.*\/|127[0-9.:]+/, '…/')} and back`, async () => {
      const there = await room.must(['copy', '-q', `store:${image}`, name]);
      const digest = there.slice(there.indexOf('@') + 1);
      if (skopeo !== undefined) {
        const tls = skopeo.startsWith('docker:') ? ['--tls-verify=false'] : [];
        const raw = await must(['skopeo', 'inspect', '--raw', ...tls, skopeo]);
        const root = JSON.parse(raw) as { layers?: unknown[]; manifests?: unknown[] };
        assert.is((root.layers ?? root.manifests)?.length, image === 'one:1' ? 1 : 2);
      } else if (single === true) await must(['skopeo', 'inspect', `${name.split('.tar')[0]}.tar`]);
      const back = await room.must(['copy', '-q', name, 'store:back:1']);
      assert.is(back, `docker.io/library/back:1@${digest}`);
      await room.must(['rm', 'back:1']);
    });

const refusals: readonly (readonly [string, string, number, RegExp])[] = [
  [
    'nope://x',
    'store:y',
    2,
    /^error: Cannot use "nope:\/\/x": there are no places of the kind "nope:\/\/"\nhint: Want docker/m,
  ],
  ['oci-archive:none.tar', 'store:y', 3, /^error: Cannot read "none\.tar": no such file or directory\nhint: /m],
  ['oci:none', 'store:y', 3, /^error: Cannot open ".*none": there is no such folder$/m],
  [`oci-archive:${room.folder}/oci.tar:2.0`, 'store:y', 3, /none is named "2\.0"\nhint: It has: /m],
  [
    'store:two:1',
    `docker-archive:${room.folder}/two.tar`,
    1,
    /several platforms into a Docker archive\nhint: Choose one/m,
  ],
  ['store:one:1', 'oci:', 2, /the path is missing/],
];

for (const [from, to, exit, message] of refusals)
  test(`copy ${from.replace(room.folder, '…')} ${to.replace(room.folder, '…')} exits with ${exit}`, async () => {
    const ran = await room.wherry(['copy', from, to]);
    assert.is(ran.code, exit, ran.stderr);
    assert.match(ran.stderr, message);
  });

test('copy --platform takes one image of an index, and refuses one that there is not', async () => {
  const file = `docker-archive:${join(room.folder, 'arm.tar')}`;
  await room.must(['copy', '--platform=linux/arm64', 'store:two:1', file]);
  const config = JSON.parse(await must(['skopeo', 'inspect', '--config', file])) as { architecture: string };
  assert.is(config.architecture, 'arm64');
  const ran = await room.wherry(['copy', '--platform=linux/s390x', 'store:one:1', 'store:x']);
  assert.is(ran.code, 3);
  assert.match(ran.stderr, /is an image for "linux\/amd64" alone, not for "linux\/s390x"/);
});

test.run();
