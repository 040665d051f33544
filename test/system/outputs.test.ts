// Where a build goes: every kind of output, several at once, standard output, the metadata and iid files.
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dockerRegistry } from '../registry/client/docker-registry.ts';
import { stopAll } from '../registry/client/peers.ts';
import { must, openRoom, type Ran, writeFiles } from './command.ts';

const room = openRoom();
const { host } = await dockerRegistry({ kind: 'anonymous' });
const context = writeFiles(join(room.folder, 'context'), {
  Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH files/ /\nENV A=1\nCMD ["/run.sh"]\n',
  amd64: 'amd64\n',
  arm64: 'arm64\n',
  'files/run.sh': '#!/bin/sh\n',
});

test.after(stopAll);

const at = (path: string): string => join(room.folder, path);

function build(...args: readonly string[]): Promise<Ran> {
  const flags = args.includes('--platform') ? [] : ['--platform', 'linux/amd64'];
  return room.wherry([
    'build',
    '--progress=plain',
    ...flags,
    ...args.map((text) => text.replace('HOST', host)),
    context,
  ]);
}

async function built(...args: readonly string[]): Promise<string> {
  const ran = await build(...args);
  assert.is(ran.code, 0, ran.stderr);
  return ran.stdout.trim();
}

const digestIn = (text: string): string => /sha256:[0-9a-f]{64}/.exec(text)?.[0] ?? `no digest in ${text}`;
const skopeoDigest = async (place: string): Promise<string> =>
  (await must(['skopeo', 'inspect', '--no-tags', '--tls-verify=false', '--format', '{{.Digest}}', place])).trim();

test('no output: the store under the tags; without a tag by its digest alone', async () => {
  const said = await built('-t', 'local/app:1', '-t', 'local/app');
  assert.equal(
    said.split('\n').map((line) => line.replace(/@.*/, '')),
    ['docker.io/local/app:1', 'docker.io/local/app:latest'],
  );
  const bare = await built();
  assert.is(bare, digestIn(said));
  assert.match(await room.must(['images', '--json']), new RegExp(bare));
});

const places: readonly (readonly [output: string, args: readonly string[], place: string])[] = [
  ['type=image,push=true', ['-t', 'HOST/out/a:1'], 'docker://HOST/out/a:1'],
  ['type=registry', ['-t', 'HOST/out/b:1'], 'docker://HOST/out/b:1'],
  ['type=registry,name=HOST/out/c:1', [], 'docker://HOST/out/c:1'],
  ['"type=image,""name=HOST/out/d:1,HOST/out/d:2"",push=true"', [], 'docker://HOST/out/d:2'],
  ['type=oci,dest=DIR/a.tar', ['-t', 'x/a:1'], 'oci-archive:DIR/a.tar'],
  ['type=oci,dest=DIR/a.tar', [], 'oci-archive:DIR/a.tar'],
  ['type=oci,dest=DIR/layout,tar=false,name=x/a:7', [], 'oci:DIR/layout:7'],
  ['type=docker,dest=DIR/docker.tar', ['-t', 'x/a:1'], 'docker-archive:DIR/docker.tar:x/a:1'],
];
for (const [output, args, place] of places) {
  test(`-o ${output} ${args.join(' ')}: skopeo finds it`, async () => {
    const fill = (text: string): string => text.replaceAll('HOST', host).replaceAll('DIR', room.folder);
    const said = await built(
      '-o',
      fill(output)
        .replaceAll('""', '"')
        .replace(/^"(.*)"$/, '$1'),
      ...args,
    );
    if (place.startsWith('docker-archive'))
      await must(['skopeo', 'copy', '-q', fill(place), `dir:${at('from-docker')}`]);
    else assert.is(await skopeoDigest(fill(place)), digestIn(said));
  });
}

test('push-by-digest: no tag is made', async () => {
  const said = await built('-o', 'type=image,push-by-digest=true,push=true,name=HOST/out/digest');
  assert.is(said, `${host}/out/digest@${digestIn(said)}`);
  assert.is(await skopeoDigest(`docker://${said}`), digestIn(said));
  const tags = (await (await fetch(`http://${host}/v2/out/digest/tags/list`)).json()) as { tags?: unknown };
  assert.not(tags.tags);
});

test('several outputs at once: each is whole, all are of the same digest', async () => {
  const said = await built(
    ...[
      '-t',
      'HOST/out/many:1',
      '--push',
      '-o',
      `type=oci,dest=${at('many.tar')}`,
      '-o',
      `type=docker,dest=${at('many-docker.tar')}`,
    ],
    ...['-o', `type=local,dest=${at('many')}`, '-o', `type=tar,dest=${at('many-files.tar')}`, '-o', 'type=cacheonly'],
  );
  assert.is(await skopeoDigest(`docker://${host}/out/many:1`), digestIn(said));
  assert.is(await skopeoDigest(`oci-archive:${at('many.tar')}`), digestIn(said));
  await must(['skopeo', 'copy', '-q', `docker-archive:${at('many-docker.tar')}`, `oci:${at('many-docker')}:1`]);
  assert.equal(readdirSync(at('many')).sort(), ['amd64', 'run.sh']);
  assert.is(lstatSync(at('many/run.sh')).mode & 0o777, 0o755);
  assert.equal((await must(['tar', '-tf', at('many-files.tar')])).trim().split('\n').sort(), ['amd64', 'run.sh']);
});

test('outputs with different compression are refused, and nothing is written', async () => {
  const ran = await build(
    '-o',
    `type=oci,dest=${at('gz.tar')}`,
    '-o',
    `type=oci,dest=${at('plain.tar')},compression=uncompressed`,
  );
  assert.ok(ran.code !== 0);
  assert.match(ran.stderr, /Cannot write outputs with different compression/);
  assert.not(existsSync(at('gz.tar')));
});

test('outputs with different media types: each has its own', async () => {
  await built(
    '-o',
    `type=oci,dest=${at('o')},tar=false`,
    '-o',
    `type=oci,dest=${at('d')},tar=false,oci-mediatypes=false`,
  );
  for (const [folder, type] of [
    ['o', /vnd\.oci\.image\.manifest/],
    ['d', /vnd\.docker\.distribution\.manifest/],
  ] as const)
    assert.match(await must(['skopeo', 'inspect', '--raw', `oci:${at(folder)}`]), type);
});

for (const type of ['oci', 'docker', 'tar']) {
  test(`-o type=${type},dest=-: the archive is all of standard output`, async () => {
    const file = at(`same-${type}.tar`);
    await built('-o', `type=${type},dest=${file}`);
    const ran = await build('-o', `type=${type},dest=-`);
    assert.is(ran.code, 0, ran.stderr);
    assert.ok(ran.bytes.equals(readFileSync(file)));
    assert.match(ran.stderr, /^sha256:[0-9a-f]{64}$/m);
  });
}

test('--metadata-file and --iidfile: one platform, and several', async () => {
  const [iid, metadata] = [at('iid'), at('metadata.json')];
  const files = ['--iidfile', iid, '--metadata-file', metadata];
  const one = await built('-t', 'HOST/out/meta:1', ...files);
  const facts = JSON.parse(readFileSync(metadata, 'utf8')) as Record<string, unknown>;
  assert.equal(Object.keys(facts).sort(), [
    'containerimage.config.digest',
    'containerimage.descriptor',
    'containerimage.digest',
    'image.name',
  ]);
  assert.is(facts['containerimage.digest'], digestIn(one));
  assert.is(facts['image.name'], `${host}/out/meta:1`);
  assert.is(readFileSync(iid, 'utf8'), facts['containerimage.config.digest']);
  const both = await built('--platform', 'linux/amd64,linux/arm64', '-t', 'HOST/out/meta:2', ...files);
  const more = JSON.parse(readFileSync(metadata, 'utf8')) as Record<string, { mediaType?: string }>;
  assert.equal(Object.keys(more).sort(), ['containerimage.descriptor', 'containerimage.digest', 'image.name']);
  assert.is(more['containerimage.descriptor']?.mediaType, 'application/vnd.oci.image.index.v1+json');
  assert.is(readFileSync(iid, 'utf8'), digestIn(both));
});

const both = ['--platform', 'linux/amd64,linux/arm64'];

test('several platforms: folders in a directory and a tar, an index in an archive', async () => {
  await built(...both, '-o', at('split'));
  assert.equal(readdirSync(at('split')).sort(), ['linux_amd64', 'linux_arm64']);
  for (const architecture of ['amd64', 'arm64'])
    assert.equal(readdirSync(at(`split/linux_${architecture}`)).sort(), [architecture, 'run.sh']);
  await built(...both, '-o', `type=tar,dest=${at('split.tar')}`);
  const members = (await must(['tar', '-tf', at('split.tar')])).trim().split('\n');
  assert.equal(members, [
    'linux_amd64/',
    'linux_amd64/amd64',
    'linux_amd64/run.sh',
    'linux_arm64/',
    'linux_arm64/arm64',
    'linux_arm64/run.sh',
  ]);
  const said = await built(...both, '-t', 'x/index:1', '-o', `type=oci,dest=${at('index.tar')}`);
  await must(['skopeo', 'copy', '-q', '--all', `oci-archive:${at('index.tar')}`, `oci:${at('index')}:1`]);
  const index = JSON.parse(readFileSync(at('index/index.json'), 'utf8')) as { manifests: { digest: string }[] };
  assert.is(index.manifests[0]?.digest, digestIn(said));
  const one = await build('-o', `type=local,dest=${at('one')},platform-split=true`);
  assert.is(one.code, 0, one.stderr);
  assert.equal(readdirSync(at('one')), ['linux_amd64']);
});

test('platform-split=false: files of several platforms in one place, but not two of one name', async () => {
  const different = writeFiles(at('different'), {
    Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /\n',
    amd64: 'amd64\n',
    arm64: 'arm64\n',
  });
  const flags = ['build', ...both, '-o'];
  await room.must([...flags, `type=local,dest=${at('merged')},platform-split=false`, different]);
  assert.equal(readdirSync(at('merged')).sort(), ['amd64', 'arm64']);
  for (const output of [`type=local,dest=${at('clash')}`, `type=tar,dest=${at('clash.tar')}`]) {
    const ran = await build(...both, '-o', `${output},platform-split=false`);
    assert.ok(ran.code !== 0, `${output}: no clash`);
    assert.match(
      ran.stderr,
      /cannot overwrite run\.sh from linux\/amd64 with linux\/arm64 when split option is disabled/,
    );
    assert.not(existsSync(at('clash.tar')));
    assert.not(existsSync(at('clash')));
  }
});

const refusals: readonly (readonly [args: readonly string[], code: number, message: RegExp])[] = [
  [[...both, '-o', 'type=docker,dest=x.tar'], 1, /does not currently support exporting manifest lists/],
  [['-o', 'type=registry'], 2, /tag is needed when pushing to registry/],
  [['--push'], 2, /tag is needed when pushing to registry/],
  [['-o', 'type=oci'], 2, /dest is required for type=oci/],
  [['-o', 'type=local,dest=-'], 2, /needs a directory, not "-"/],
  [['-o', '-', '-o', 'type=oci,dest=-'], 2, /two outputs to standard output/],
  [['-o', 'type=none,dest=x'], 2, /unknown type "none"/],
  [['-o', 'type=oci,dest=/none/at/all/x.tar'], 1, /Cannot write "\/none\/at\/all\/x\.tar": /],
  [['-o', 'type=oci,tar=false,dest=/proc/none'], 1, /\/proc\/none/],
  [['-o', 'type=local,dest=/proc/none'], 1, /\/proc\/none/],
  [['-o', 'type=registry,name=127.0.0.1:9/x:1'], 1, /127\.0\.0\.1:9/],
];
for (const [args, code, want] of refusals) {
  test(`build ${args.join(' ')}: refused`, async () => {
    const ran = await build(...args);
    assert.match(ran.stderr, want);
    assert.is(ran.code, code, ran.stderr);
    assert.not.match(ran.stderr, /\n\s+at /);
    assert.is(ran.stdout, '');
  });
}

test.run();
