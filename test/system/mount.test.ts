// What goes over the wire for a base: proxies in front of docker-registry count. A base that is at the destination, or can be
// mounted there, is not downloaded; to another registry it passes through.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dockerRegistry } from '../registry/client/docker-registry.ts';
import { stopAll } from '../registry/client/peers.ts';
import { must, openRoom, writeFiles } from './command.ts';
import { reverseProxy } from './servers.ts';

const room = openRoom();
const first = await reverseProxy((await dockerRegistry({ kind: 'anonymous' })).host);
const second = await reverseProxy((await dockerRegistry({ kind: 'anonymous' })).host);
const size = 3 * 1024 * 1024;
const noise = Buffer.alloc(size);
for (let at = 0, state = 1; at < size; at++) {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  noise[at] = state >>> 16;
}
const context = writeFiles(join(room.folder, 'base'), {
  Dockerfile: 'FROM scratch\nCOPY noise etc/ /\n',
  'etc/x': 'x\n',
});
writeFileSync(join(context, 'noise'), noise);
const other = openRoom();
const base = `${first.host}/one/base:1`;
const pushedBase = await other.must(['build', '--platform', 'linux/amd64', '--push', '-t', base, context]);
const layer = await baseLayer();

test.after(stopAll);

async function baseLayer(): Promise<string> {
  const text = await must(['skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${base}`]);
  return (JSON.parse(text) as { layers: { digest: string }[] }).layers[0]?.digest ?? 'no layer';
}

/** Builds and pushes in a store; the requests that either registry got. */
async function push(name: string, input: string, store: string): Promise<{ first: string[]; second: string[] }> {
  first.seen.length = 0;
  second.seen.length = 0;
  const ran = await room.wherry(
    [
      'build',
      '--progress=plain',
      '--platform',
      'linux/amd64',
      '--store',
      join(room.folder, store),
      '--push',
      '-t',
      name,
      '-',
    ],
    { input },
  );
  assert.is(ran.code, 0, ran.stderr);
  return { first: [...first.seen], second: [...second.seen] };
}

const reads = (seen: readonly string[]): string[] =>
  seen.filter((line) => line.startsWith('GET') && line.endsWith(layer));
const mounts = (seen: readonly string[]): string[] =>
  seen.filter((line) => line.startsWith('POST') && line.includes(`mount=${encodeURIComponent(layer)}`));
const uploads = (seen: readonly string[], repository: string): string[] =>
  seen.filter((line) => line.startsWith(`POST /v2/${repository}/blobs/uploads/`) && !line.includes('mount='));

/** Whether a store has the base's layer. */
function isStored(store: string): boolean {
  return readdirSync(join(room.folder, store, 'blobs/sha256')).includes(layer.replace('sha256:', ''));
}

test('a base of the same registry, of which nothing but the config is changed: mounted, never read', async () => {
  const { first: seen } = await push(`${first.host}/one/env:1`, `FROM ${base}\nENV A=1\n`, 'fresh');
  assert.equal(reads(seen), []);
  assert.is(mounts(seen).length, 1);
  assert.not(isStored('fresh'));
});

test('COPY over a base whose table is not known reads its layer once; after it never again', async () => {
  const known = await push(`${first.host}/one/known:1`, `FROM ${base}\nCOPY <<new /etc/\nn w\nnew\n`, 'known');
  assert.is(reads(known.first).length, 1);
  const again = await push(`${first.host}/one/again:1`, `FROM ${base}\nCOPY <<other /etc/\no r\nother\n`, 'known');
  assert.equal(reads(again.first), []);
  assert.is(mounts(again.first).length, 1);
  assert.is(uploads(again.first, 'one/again').length, 2, 'the new layer and the config');
});

test('COPY with the table of the base known, but not its blob: nothing of the base is read', async () => {
  await must(['rm', join(room.folder, 'known/blobs/sha256', layer.replace('sha256:', ''))]);
  const { first: seen } = await push(
    `${first.host}/one/table:1`,
    `FROM ${base}\nCOPY <<third /etc/\nt d\nthird\n`,
    'known',
  );
  assert.equal(reads(seen), []);
  assert.is(mounts(seen).length, 1);
  assert.not(isStored('known'));
});

test('a base that is in the very repository: neither mounted nor uploaded', async () => {
  const { first: seen } = await push(`${first.host}/one/base:2`, `FROM ${base}\nENV B=2\n`, 'fresh');
  assert.equal(reads(seen), []);
  assert.equal(mounts(seen), []);
  assert.is(uploads(seen, 'one/base').length, 1, 'the config');
});

test('a base that is at the destination by another way: not even a mount', async () => {
  await must([
    'skopeo',
    'copy',
    '-q',
    '--src-tls-verify=false',
    '--dest-tls-verify=false',
    `docker://${base}`,
    `docker://${second.host}/two/there:1`,
  ]);
  const { first: seen, second: there } = await push(`${second.host}/two/there:2`, `FROM ${base}\nENV C=3\n`, 'fresh');
  assert.equal(reads(seen), []);
  assert.is(uploads(there, 'two/there').length, 1, 'the config');
});

test('another registry: the base streams from one to the other and does not stay in the store', async () => {
  const { first: seen, second: there } = await push(`${second.host}/two/app:1`, `FROM ${base}\nENV D=4\n`, 'fresh');
  assert.is(reads(seen).length, 1);
  assert.is(uploads(there, 'two/app').length, 2, 'the layer and the config');
  assert.not(isStored('fresh'));
  const name = `docker://${second.host}/two/app:1`;
  const text = await must(['skopeo', 'inspect', '--raw', '--tls-verify=false', name]);
  assert.is((JSON.parse(text) as { layers: { digest: string }[] }).layers[0]?.digest, layer);
  await must(['skopeo', 'copy', '-q', '--src-tls-verify=false', name, `dir:${join(room.folder, 'copied')}`]);
});

test('a second push of the same image: no upload at all', async () => {
  const { first: seen, second: there } = await push(`${second.host}/two/app:1`, `FROM ${base}\nENV D=4\n`, 'fresh');
  assert.equal(reads(seen), []);
  assert.equal(
    there.filter((line) => line.startsWith('POST') || line.startsWith('PATCH')),
    [],
  );
});

test('wherry copy within a registry: mounted; wherry push after pull: mounted from where it was pulled', async () => {
  first.seen.length = 0;
  const copied = await room.must(['copy', base, `docker://${first.host}/one/copied:1`]);
  assert.is(copied.split('@')[1], pushedBase.split('@')[1]);
  assert.equal(reads(first.seen), []);
  assert.is(mounts(first.seen).length, 1);
  await room.must(['pull', '--platform', 'linux/amd64', base]);
  await room.must(['tag', base, `${first.host}/one/tagged:1`]);
  first.seen.length = 0;
  const tagged = await room.must(['push', `${first.host}/one/tagged:1`]);
  assert.is(tagged.split('@')[1], pushedBase.split('@')[1]);
  assert.is(mounts(first.seen).length, 1);
  assert.is(uploads(first.seen, 'one/tagged').length, 1, 'the config');
});

test.run();
