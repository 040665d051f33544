// Archives and directories that a build writes, read by skopeo and tar.
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { must, openRoom, writeFiles } from './command.ts';

const room = openRoom();
const context = writeFiles(join(room.folder, 'context'), {
  Dockerfile:
    'FROM scratch AS base\nCOPY files /srv\nFROM base\nWORKDIR /empty/dir\nCOPY --chown=5:6 --chmod=4750 files/run.sh /srv/suid\nENV A=1\nCMD ["/srv/run.sh"]\n',
  'files/run.sh': '#!/bin/sh\n',
  'files/sub/text': 'text\n',
});

/** Builds the context to an output. @returns the digest */
async function buildTo(output: string, ...flags: string[]): Promise<string> {
  const said = await room.must(['build', '--platform', 'linux/amd64', '-o', output, ...flags, context]);
  return said.split('@').at(-1) ?? '';
}

interface DockerManifest {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  readonly Layers: readonly string[];
}

test('build -o type=docker: what `docker load` reads, checked with skopeo', async () => {
  const file = join(room.folder, 'docker.tar');
  await buildTo(`type=docker,dest=${file}`, '-t', 'wherry.example/app:1');
  const [manifest] = JSON.parse(await must(['tar', '-xOf', file, 'manifest.json'])) as DockerManifest[];
  assert.equal(manifest?.RepoTags, ['wherry.example/app:1']);
  assert.is(manifest?.Layers.length, 3);
  const members = (await must(['tar', '-tf', file])).split('\n');
  for (const name of [manifest?.Config ?? '', ...(manifest?.Layers ?? [])]) assert.ok(members.includes(name), name);
  const layout = join(room.folder, 'from-docker');
  await must(['skopeo', 'copy', '-q', `docker-archive:${file}`, `oci:${layout}:1`]);
  const config = await must(['skopeo', 'inspect', '--config', `oci:${layout}:1`]);
  assert.equal((JSON.parse(config) as { config: { Cmd: string[] } }).config.Cmd, ['/srv/run.sh']);
});

test('build -o type=oci: skopeo finds the same digest in the archive and in the directory', async () => {
  const file = join(room.folder, 'oci.tar');
  const folder = join(room.folder, 'oci');
  const digest = await buildTo(`type=oci,dest=${file}`, '-t', 'wherry.example/app:2');
  assert.is(await buildTo(`type=oci,dest=${folder},tar=false`, '-t', 'wherry.example/app:2'), digest);
  for (const place of [`oci-archive:${file}`, `oci:${folder}`])
    assert.is((await must(['skopeo', 'inspect', '--format', '{{.Digest}}', place])).trim(), digest);
});

test('build -o type=oci,oci-mediatypes=false: Docker media types', async () => {
  const folder = join(room.folder, 'docker-types');
  await buildTo(`type=oci,dest=${folder},tar=false,oci-mediatypes=false`);
  const raw = JSON.parse(await must(['skopeo', 'inspect', '--raw', `oci:${folder}`])) as { mediaType: string };
  assert.is(raw.mediaType, 'application/vnd.docker.distribution.manifest.v2+json');
});

test('build -o type=tar: the root file system, with owners and modes; "-" is standard output', async () => {
  const file = join(room.folder, 'root.tar');
  await buildTo(`type=tar,dest=${file}`);
  const listing = await must(['tar', '--numeric-owner', '-tvf', file], { env: { TZ: 'UTC' } });
  assert.match(listing, /^-rwsr-x--- 5\/6 +10 1970-01-01 00:00 srv\/suid$/m);
  assert.match(listing, /^drwxr-xr-x 0\/0 +0 1970-01-01 00:00 empty\/dir\/$/m);
  const ran = await room.wherry(['build', '--platform', 'linux/amd64', '-o', '-', context]);
  assert.is(ran.code, 0, ran.stderr);
  assert.equal(ran.bytes, readFileSync(file));
});

test('build -o DIR: the files, owned by the caller', async () => {
  const folder = join(room.folder, 'local');
  await buildTo(folder);
  assert.equal(readdirSync(folder).sort(), ['empty', 'srv']);
  assert.is(readFileSync(join(folder, 'srv/sub/text'), 'utf8'), 'text\n');
  assert.is(lstatSync(join(folder, 'srv/suid')).uid, process.getuid?.());
});

test('build: a context and a Dockerfile on standard input', async () => {
  const tar = (await must(['tar', '-C', context, '-czf', join(room.folder, 'context.tgz'), '.'])) === '';
  assert.ok(tar);
  const input = readFileSync(join(room.folder, 'context.tgz'));
  const flags = ['build', '--platform', 'linux/amd64', '-o', 'type=cacheonly'];
  const streamed = await room.wherry([...flags, '-'], { input });
  assert.is(streamed.code, 0, streamed.stderr);
  const lone = await room.wherry([...flags, '-'], { input: 'FROM scratch\nENV A=1\n' });
  assert.is(lone.code, 0, lone.stderr);
  const other = await room.wherry([...flags, '-f', '-', context], { input: 'FROM scratch\nCOPY files /f\n' });
  assert.is(other.code, 0, other.stderr);
});

test('build: --iidfile, --metadata-file and -q', async () => {
  const [iid, metadata] = [join(room.folder, 'iid'), join(room.folder, 'metadata.json')];
  const flags = ['--iidfile', iid, '--metadata-file', metadata, '-q', '-t', 'wherry.example/meta:1'];
  const ran = await room.wherry(['build', '--platform', 'linux/amd64', ...flags, context]);
  assert.is(ran.code, 0, ran.stderr);
  assert.is(ran.stderr, '');
  const facts = JSON.parse(readFileSync(metadata, 'utf8')) as Record<string, string>;
  assert.is(readFileSync(iid, 'utf8').trim(), facts['containerimage.config.digest']);
  assert.ok(ran.stdout.includes(facts['containerimage.digest'] ?? 'no digest'));
});

test('build: an output that fails leaves nothing half-written, and what was there stays', async () => {
  const file = join(room.folder, 'kept.tar');
  writeFileSync(file, 'before');
  const bad = writeFiles(join(room.folder, 'bad'), {
    Dockerfile: 'FROM scratch\nCOPY files /f\nCOPY none /\n',
    'files/a': 'a\n',
  });
  const ran = await room.wherry(['build', '-o', `type=oci,dest=${file}`, bad]);
  assert.ok(ran.code !== 0);
  assert.is(readFileSync(file, 'utf8'), 'before');
  const folder = join(room.folder, 'never');
  assert.ok((await room.wherry(['build', '-o', folder, bad])).code !== 0);
  assert.not(existsSync(folder));
  mkdirSync(join(room.folder, 'is-a-directory.tar'));
  const onto = await room.wherry(['build', '-o', `type=oci,dest=${join(room.folder, 'is-a-directory.tar')}`, context]);
  assert.ok(onto.code !== 0);
  assert.not.match(onto.stderr, /\n\s+at /);
  assert.equal(
    readdirSync(room.folder)
      .filter((name) => name.includes('is-a-directory') || name.includes('kept'))
      .sort(),
    ['is-a-directory.tar', 'kept.tar'],
  );
});

test.run();
