// What registries and archives do wrong, and what they refuse: wrong bytes, cut downloads, malformed documents, credentials.
// A stand-in serves an image in which one thing is spoiled; the same command without the flaw works.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dockerRegistry } from '../registry/client/docker-registry.ts';
import { stopAll } from '../registry/client/peers.ts';
import { must, writeFiles } from './command.ts';
import { openQuay, type Refusal } from './refusals.ts';
import { serveOn } from './servers.ts';

const closed = await dockerRegistry({ kind: 'basic', username: 'sailor', password: 'anchor:42' });
const quay = await openQuay(async () => {
  const headers = { authorization: `Basic ${Buffer.from('sailor:anchor:42').toString('base64')}` };
  return (await fetch(`http://${closed.host}/v2/_catalog`, { headers })).json();
});

const digestOf = (bytes: string | Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A document of the image that the stand-in serves. */
interface Part {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

interface Parts {
  readonly layer: Part;
  readonly config: Part;
  readonly manifest: Part;
}

let count = 0;
const kinds = 'application/vnd.oci.image';

function partOf(kind: string, value: unknown): Part {
  return { mediaType: `${kinds}.${kind}+json`, bytes: Buffer.from(JSON.stringify(value)) };
}

function describe({ mediaType, bytes }: Part): { mediaType: string; digest: string; size: number } {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

/** A sound image of one layer with one large file, so that a cut falls into the middle. Each is another one. */
async function soundImage(): Promise<Parts> {
  const folder = writeFiles(join(quay.folder, 'layer'), { file: `${++count}\n`.repeat(40_000) });
  const tar = Buffer.from(await must(['tar', '-C', folder, '--owner=0', '--group=0', '-cf', '-', 'file']));
  const layer = { mediaType: `${kinds}.layer.v1.tar+gzip`, bytes: gzipSync(tar, { level: 0 }) };
  const rootfs = { type: 'layers', diff_ids: [digestOf(tar)] };
  const config = partOf('config.v1', {
    architecture: 'amd64',
    os: 'linux',
    config: { User: String(count) },
    rootfs,
    history: [],
  });
  return { layer, config, manifest: manifestOf(layer, config) };
}

function manifestOf(layer: Part, config: Part): Part {
  const mediaType = `${kinds}.manifest.v1+json`;
  return partOf('manifest.v1', { schemaVersion: 2, mediaType, config: describe(config), layers: [describe(layer)] });
}

type Send = (response: ServerResponse, part: Part) => void;

const whole: Send = (response, { mediaType, bytes }) => {
  response.writeHead(200, {
    'content-type': mediaType,
    'content-length': String(bytes.length),
    'docker-content-digest': digestOf(bytes),
  });
  response.end(bytes);
};

const cut: Send = (response, { mediaType, bytes }) => {
  response.writeHead(200, { 'content-type': mediaType, 'content-length': String(bytes.length) });
  response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
};

/** Sends other bytes of the same length. */
const changed: Send = (response, { mediaType, bytes }) => {
  const other = Buffer.from(bytes);
  other.writeUInt8(other.readUInt8(other.length - 1) ^ 1, other.length - 1);
  response.writeHead(200, { 'content-type': mediaType, 'content-length': String(other.length) });
  response.end(other);
};

/** Sends more bytes than the descriptor says. */
const longer: Send = (response, { mediaType, bytes }) =>
  whole(response, { mediaType, bytes: Buffer.concat([bytes, Buffer.from('more')]) });

/** Sends fewer bytes, and says so. */
const shorter: Send = (response, { mediaType, bytes }) =>
  whole(response, { mediaType, bytes: bytes.subarray(0, bytes.length - 10) });

interface Flaw {
  /** Parts to serve in place of the sound ones. */
  readonly parts?: (sound: Parts) => Partial<Parts>;
  readonly layer?: Send;
  readonly config?: Send;
}

let served = await soundImage();
let flaw: Flaw = {};

/** From now on an image that nobody has seen is served, with this flaw. */
async function serveSpoiled(given: Flaw): Promise<void> {
  const sound = await soundImage();
  served = { ...sound, ...given.parts?.(sound) };
  flaw = given;
}

const standIn = await serveOn((asked, response) => {
  const { layer, config, manifest } = served;
  const url = asked.url ?? '';
  if (url === '/v2/') return response.end('{}');
  if (url.startsWith('/v2/team/image/manifests/')) return whole(response, manifest);
  if (url.endsWith(describe(layer).digest)) return (flaw.layer ?? whole)(response, layer);
  if (url.endsWith(describe(config).digest)) return (flaw.config ?? whole)(response, config);
  return response.writeHead(404).end();
});
const image = `${standIn.host}/team/image:1`;

test.after(stopAll);

/** A manifest of any text. */
const manifestText = (text: (sound: Parts) => string): Flaw => ({
  parts: (sound) => ({ manifest: { mediaType: `${kinds}.manifest.v1+json`, bytes: Buffer.from(text(sound)) } }),
});

/** Another config, under a manifest that names it. */
const otherConfig = (value: unknown): Flaw => ({
  parts: ({ layer }) => {
    const config = partOf('config.v1', value);
    return { config, manifest: manifestOf(layer, config) };
  },
});

interface FlawCase extends Pick<Refusal, 'title' | 'code' | 'message'> {
  readonly flaw: Flaw;
  /** The instruction that meets it, in a build. */
  readonly at: 'FROM' | 'COPY';
}

const platform = { architecture: 'amd64', os: 'linux' };
const flaws: readonly FlawCase[] = [
  {
    title: 'a layer with other bytes',
    flaw: { layer: changed },
    code: 'DIGEST_MISMATCH',
    message: /sha256:/,
    at: 'COPY',
  },
  { title: 'a layer that is too long', flaw: { layer: longer }, code: 'SIZE_INVALID', message: /sha256:/, at: 'COPY' },
  {
    title: 'a layer that is too short',
    flaw: { layer: shorter },
    code: 'SIZE_INVALID',
    message: /sha256:/,
    at: 'COPY',
  },
  { title: 'a layer that is cut', flaw: { layer: cut }, code: 'NETWORK_FAILED', message: /sha256:/, at: 'COPY' },
  {
    title: 'a config with other bytes',
    flaw: { config: changed },
    code: 'DIGEST_MISMATCH',
    message: /sha256:/,
    at: 'FROM',
  },
  {
    title: 'a config without a list of layers',
    flaw: otherConfig({ ...platform, rootfs: { type: 'layers', diff_ids: 'all' } }),
    code: 'CONFIG_INVALID',
    message: /rootfs/,
    at: 'FROM',
  },
  {
    title: 'a manifest that is no JSON',
    flaw: manifestText(() => '{"schema'),
    code: 'MANIFEST_INVALID',
    message: /JSON/,
    at: 'FROM',
  },
  {
    title: 'a manifest that is a list',
    flaw: manifestText(() => '[]'),
    code: 'MANIFEST_INVALID',
    message: /manifest/,
    at: 'FROM',
  },
  {
    title: 'a manifest without layers',
    flaw: manifestText(({ config }) => JSON.stringify({ schemaVersion: 2, config: describe(config) })),
    code: 'MANIFEST_INVALID',
    message: /layers/,
    at: 'FROM',
  },
  {
    title: 'a manifest with a digest that is none',
    flaw: manifestText(({ config }) => {
      const layers = [{ mediaType: `${kinds}.layer.v1.tar`, digest: 'sha256:../../x', size: 1 }];
      return JSON.stringify({ schemaVersion: 2, config: describe(config), layers });
    }),
    code: 'MANIFEST_INVALID',
    message: /digest/,
    at: 'FROM',
  },
];

/** A build on the image that is served. */
const building = {
  files: { Dockerfile: `FROM ${image}\nCOPY a /b\n`, a: 'a\n' },
  argv: ['build', '-o', 'type=oci,dest=OUT/image.tar', 'CONTEXT'],
};

for (const { flaw: given, at, ...wanted } of flaws) {
  test(`wherry pull refuses ${wanted.title}`, async () => {
    await serveSpoiled(given);
    await quay.refuses({ ...wanted, exit: 1, argv: ['pull', image] });
  });

  test(`wherry build refuses ${wanted.title}`, async () => {
    await serveSpoiled(given);
    await quay.refuses({ ...wanted, ...building, exit: 1, marked: at === 'FROM' ? `FROM ${image}` : 'COPY a /b' });
  });
}

test('a layer that is not what the config says is refused', async () => {
  await serveSpoiled(otherConfig({ ...platform, rootfs: { type: 'layers', diff_ids: [digestOf('other')] } }));
  await quay.refuses({
    ...building,
    title: 'diffId',
    exit: 1,
    code: 'DIGEST_MISMATCH',
    message: /^error: Cannot use layer "sha256:[0-9a-f]{64}": its bytes have digest "sha256:[0-9a-f]{64}"$/m,
    marked: 'COPY a /b',
  });
});

test('the same image without a flaw is pulled and built on', async () => {
  await serveSpoiled({});
  await quay.must(['pull', '-q', image]);
  await quay.must(['rm', image]);
});

/** A DOCKER_CONFIG folder with these entries. */
function dockerConfig(name: string, config: unknown): NodeJS.ProcessEnv {
  const folder = join(quay.folder, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
  return { DOCKER_CONFIG: folder };
}

const secret = 'wrong-Secret-77';
const auth = Buffer.from(`sailor:${secret}`).toString('base64');
const files = { Dockerfile: 'FROM scratch\nCOPY a /\n', a: 'a\n' };
const target = `${closed.host}/team/app:1`;
const pushes: readonly (readonly [string, Pick<Refusal, 'argv' | 'files'>])[] = [
  ['build --push', { argv: ['build', '--push', '-t', target, 'CONTEXT'], files }],
  ['push', { argv: ['push', 'earlier:1', target] }],
  ['pull', { argv: ['pull', target] }],
  ['copy', { argv: ['copy', 'store:earlier:1', target] }],
];

for (const [title, command] of pushes) {
  test(`wherry ${title} without credentials says where they were looked for`, () =>
    quay.refuses({
      ...command,
      title,
      env: dockerConfig('none', { auths: { 'other.example': { auth } } }),
      exit: 4,
      code: 'UNAUTHORIZED',
      message: new RegExp(`^error: Cannot use registry "${closed.host}": authentication required$`, 'm'),
      hint: new RegExp(
        `^hint: Log in first \\(wherry login ${closed.host}\\): there is no entry "${closed.host}" in ".*/none/config.json"`,
      ),
    }));

  test(`wherry ${title} with refused credentials names file and key`, () =>
    quay.refuses({
      ...command,
      title,
      env: dockerConfig('refused', { auths: { [closed.host]: { auth } } }),
      exit: 4,
      code: 'UNAUTHORIZED',
      message: new RegExp(`^error: Cannot use registry "${closed.host}": the credentials were refused$`, 'm'),
      hint: new RegExp(`^hint: .*".*/refused/config.json", key "${closed.host}"\\.$`, 'm'),
    }));
}

test('no way of telling shows the secret', async () => {
  const env = dockerConfig('refused', { auths: { [closed.host]: { auth } } });
  for (const flags of [['--debug'], ['--progress=json'], ['--progress=plain']]) {
    const ran = await quay.wherry(['pull', ...flags, target], { env });
    assert.is(ran.code, 4);
    for (const text of [secret, auth]) assert.not.ok(`${ran.stdout}${ran.stderr}`.includes(text), flags.join(' '));
  }
});

test('credentials that can not be read are told without their text', () =>
  quay.refuses({
    title: 'broken config.json',
    argv: ['pull', target],
    env: dockerConfig('broken', `{"auths": {"${closed.host}": {"auth": "${auth}"`),
    exit: 4,
    code: 'CREDENTIALS_FAILED',
    message: /^error: Cannot read credentials of ".*\/broken\/config\.json": it is not valid JSON$/m,
    hint: /log in again/,
  }));

test('a login that is refused saves nothing', async () => {
  const env = dockerConfig('login', {});
  const argv = ['login', '-u', 'sailor', '--password-stdin', closed.host];
  const ran = await quay.wherry(argv, { env, input: `${secret}\n` });
  assert.is(ran.code, 4);
  assert.match(ran.stderr, /the credentials were refused/);
  assert.not.ok(ran.stderr.includes(secret));
  assert.is(readFileSync(join(quay.folder, 'login/config.json'), 'utf8'), '{}');
});

test('after all of it the store is whole', () => quay.isIntact());

test.run();
