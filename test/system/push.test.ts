// build → push to Debian's docker-registry → read back with skopeo and umoci: the command against real peers.
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dockerRegistry } from '../registry/client/docker-registry.ts';
import { stopAll } from '../registry/client/peers.ts';
import { must, openRoom, writeFiles } from './command.ts';

const room = openRoom();
const plain = await dockerRegistry({ kind: 'anonymous' });
const closed = await dockerRegistry({ kind: 'basic', username: 'sailor', password: 'a:b c' });
const base = `${plain.host}/team/base:1`;

test.before(async () => {
  const context = writeFiles(join(room.folder, 'base'), {
    Dockerfile: 'FROM scratch\nCOPY root/ /\nENV A=1\nLABEL kind=base\nCMD ["/bin/start"]\n',
    'root/etc/passwd': 'root:x:0:0::/:/bin/sh\napp:x:1000:1000::/srv:/bin/sh\n',
    'root/etc/group': 'root:x:0:\napp:x:1000:\n',
    'root/bin/start': '#!/bin/start\n',
    'root/srv/old': 'of the base\n',
  });
  await room.must(['build', '--platform', 'linux/amd64', '--push', '-t', base, context]);
});

test.after(stopAll);

interface SkopeoInspection {
  readonly Digest: string;
  readonly Layers: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly Env: readonly string[];
  readonly Architecture: string;
}

/** What skopeo says about an image in docker-registry. */
async function inspection(name: string): Promise<SkopeoInspection> {
  return JSON.parse(await must(['skopeo', 'inspect', '--tls-verify=false', `docker://${name}`])) as SkopeoInspection;
}

test('wherry build, push: skopeo and umoci read the image from docker-registry', async () => {
  const name = `${plain.host}/team/app:2`;
  const context = writeFiles(join(room.folder, 'app'), {
    Dockerfile: `ARG BASE\nFROM $BASE\nWORKDIR /srv/app\nCOPY --chown=app --chmod=750 run.sh ./\nCOPY . all/\nUSER app\nENV B=2\nLABEL kind=app\nENTRYPOINT ["./run.sh"]\n`,
    'run.sh': '#!/bin/sh\nexit 0\n',
    'sub/deep/file.txt': 'deep\n',
    'ignored.log': 'log\n',
    '.dockerignore': '*.log\n',
  });
  const built = await room.must([
    'build',
    '--platform',
    'linux/amd64',
    '--build-arg',
    `BASE=${base}`,
    '-t',
    name,
    context,
  ]);
  const pushed = await room.must(['push', name]);
  assert.is(pushed, built);
  assert.match(pushed, new RegExp(`^${name}@sha256:[0-9a-f]{64}$`));

  const seen = await inspection(name);
  assert.is(`${name}@${seen.Digest}`, pushed);
  assert.is(seen.Architecture, 'amd64');
  assert.equal(seen.Labels, { kind: 'app' });
  assert.equal(seen.Env.slice(1), ['A=1', 'B=2']);
  assert.is(seen.Layers.length, 4);
  assert.is(seen.Layers[0], (await inspection(base)).Layers[0], "the base's layer is passed through");

  const layout = join(room.folder, 'layout');
  await must(['skopeo', 'copy', '-q', '--src-tls-verify=false', `docker://${name}`, `oci:${layout}:app`]);
  const bundle = join(room.folder, 'bundle');
  await must(['umoci', 'unpack', '--rootless', '--image', `${layout}:app`, bundle]);
  const root = join(bundle, 'rootfs');
  assert.is(readFileSync(join(root, 'srv/app/all/sub/deep/file.txt'), 'utf8'), 'deep\n');
  assert.is(readFileSync(join(root, 'srv/old'), 'utf8'), 'of the base\n');
  assert.is(lstatSync(join(root, 'srv/app/run.sh')).mode & 0o7777, 0o750);
  assert.throws(() => readFileSync(join(root, 'srv/app/all/ignored.log')), /ENOENT/);
});

test('wherry build: a second build and push send nothing that is there already', async () => {
  const name = `${plain.host}/team/again:1`;
  const context = writeFiles(join(room.folder, 'again'), { Dockerfile: `FROM ${base}\nCOPY a /\n`, a: 'again\n' });
  const first = await room.must(['build', '--push', '--platform', 'linux/amd64', '-t', name, context]);
  const second = await room.must([
    'build',
    '--push',
    '--platform',
    'linux/amd64',
    '-t',
    name,
    '--no-cache',
    '--pull',
    context,
  ]);
  assert.is(second, first);
});

test('wherry build --platform: two platforms make an index that skopeo copies whole', async () => {
  const name = `${plain.host}/team/both:1`;
  const context = writeFiles(join(room.folder, 'both'), {
    Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY ${TARGETARCH}.txt /arch\n',
    'amd64.txt': 'amd64\n',
    'arm64.txt': 'arm64\n',
  });
  const pushed = await room.must(['build', '--platform', 'linux/amd64,linux/arm64', '--push', '-t', name, context]);
  const raw = await must(['skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${name}`]);
  const index = JSON.parse(raw) as { manifests: { platform: { architecture: string } }[] };
  assert.equal(
    index.manifests.map(({ platform }) => platform.architecture),
    ['amd64', 'arm64'],
  );
  const layout = join(room.folder, 'index-layout');
  await must(['skopeo', 'copy', '-q', '--all', '--src-tls-verify=false', `docker://${name}`, `oci:${layout}:both`]);
  const entry = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
  assert.ok(pushed.endsWith(entry.manifests[0]?.digest ?? 'no entry'));
});

test('wherry pull, copy, save, load: what skopeo wrote comes in, and goes out again under the same digest', async () => {
  const name = `${plain.host}/team/app:2`;
  const second = openRoom();
  const pulled = await second.must(['pull', '--platform', 'linux/amd64', name]);
  const file = join(room.folder, 'saved.tar');
  await second.must(['save', '-o', file, '--format', 'oci', name]);
  assert.is(
    (await must(['skopeo', 'inspect', '--format', '{{.Digest}}', `oci-archive:${file}`])).trim(),
    pulled.split('@')[1],
  );
  const third = openRoom();
  await third.must(['load', '-i', file]);
  assert.match(await third.must(['images', '--json']), new RegExp(pulled.split('@')[1] ?? ''));
  const copied = await third.must(['copy', name, `docker://${plain.host}/team/copy:1`]);
  assert.is(copied.split('@')[1], pulled.split('@')[1]);
});

test('wherry login: the password comes by standard input; push works after it and is denied before', async () => {
  const name = `${closed.host}/team/app:1`;
  const context = writeFiles(join(room.folder, 'closed'), { Dockerfile: 'FROM scratch\nCOPY a /\n', a: 'a\n' });
  await room.must(['build', '-t', name, context]);
  const denied = await room.wherry(['push', name]);
  assert.is(denied.code, 4, denied.stderr);
  assert.is(denied.stdout, '');
  const login = (password: string) =>
    room.wherry(['login', '-u', 'sailor', '--password-stdin', closed.host], { input: `${password}\n` });
  const wrong = await login('wrong');
  assert.is(wrong.code, 4, wrong.stderr);
  assert.not.match(wrong.stderr, /wrong\b.*password/);
  const right = await login('a:b c');
  assert.is(right.code, 0, right.stderr);
  assert.match(await room.must(['push', name]), /@sha256:/);
  assert.is(lstatSync(join(room.folder, 'docker/config.json')).mode & 0o777, 0o600);
  await room.must(['logout', closed.host]);
  assert.is((await room.wherry(['push', name])).code, 4);
});

test('wherry build: errors have exit codes, the Dockerfile lines, and leave nothing on standard output', async () => {
  const context = writeFiles(join(room.folder, 'bad'), {
    Dockerfile: 'FROM scratch\nCOPY missing.txt /\n',
    kept: 'x\n',
  });
  const missing = await room.wherry(['build', context]);
  assert.is(missing.code, 3, missing.stderr);
  assert.match(missing.stderr, /"\/missing\.txt": not found/);
  assert.match(missing.stderr, /COPY missing\.txt \//);
  assert.is(missing.stdout, '');
  const noBase = writeFiles(join(room.folder, 'nobase'), { Dockerfile: `FROM ${plain.host}/team/none:1\n` });
  assert.is((await room.wherry(['build', noBase])).code, 3);
  assert.is((await room.wherry(['build', '--no-such-flag', context])).code, 2);
  const run = writeFiles(join(room.folder, 'run'), { Dockerfile: `FROM ${base}\nRUN true\n` });
  const refused = await room.wherry(['build', run]);
  assert.ok(refused.code !== 0);
  assert.match(refused.stderr, /RUN true/);
});

test('the store is a layout that skopeo reads as it stands, symlinks and all', async () => {
  const context = writeFiles(join(room.folder, 'links'), {
    Dockerfile: `FROM ${base}\nCOPY etc /opt/etc\n`,
    'etc/a': 'a\n',
  });
  const { symlinkSync } = await import('node:fs');
  symlinkSync('a', join(context, 'etc/link'));
  const digest = (await room.must(['build', '--platform', 'linux/amd64', '-t', 'local/links:1', context])).split(
    '@',
  )[1];
  const name = await storedName(digest ?? '');
  assert.is((await must(['skopeo', 'inspect', '--format', '{{.Digest}}', `oci:${room.store}:${name}`])).trim(), digest);
  const bundle = join(room.folder, 'store-bundle');
  const layout = join(room.folder, 'from-store');
  await must(['skopeo', 'copy', '-q', `oci:${room.store}:${name}`, `oci:${layout}:x`]);
  await must(['umoci', 'unpack', '--rootless', '--image', `${layout}:x`, bundle]);
  assert.is(readlinkSync(join(bundle, 'rootfs/opt/etc/link')), 'a');
});

/** The name of an image in the store's index. */
async function storedName(digest: string): Promise<string> {
  const index = JSON.parse(readFileSync(join(room.store, 'index.json'), 'utf8')) as {
    manifests: { digest: string; annotations?: Record<string, string> }[];
  };
  const entry = index.manifests.find((each) => each.digest === digest);
  return entry?.annotations?.['org.opencontainers.image.ref.name'] ?? 'no name';
}

test.run();
