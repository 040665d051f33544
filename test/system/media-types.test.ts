// Media types and compression: bases of Docker schema 2, zstd and plain tar layers are passed through byte for byte; what a
// build writes is OCI, or Docker schema 2 where that is asked for; annotations; compression of new layers.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dockerRegistry } from '../registry/client/docker-registry.ts';
import { stopAll } from '../registry/client/peers.ts';
import { must, openRoom, type Ran, writeFiles } from './command.ts';
import { buildFiles, textsOf } from './files.ts';

const room = openRoom();
const { host } = await dockerRegistry({ kind: 'anonymous' });
const oci = 'application/vnd.oci.image';
const docker = 'application/vnd.docker';
const insecure = ['--src-tls-verify=false', '--dest-tls-verify=false'];

interface Layer {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

interface Manifest {
  readonly mediaType: string;
  readonly config: { readonly mediaType: string; readonly digest: string };
  readonly layers: readonly Layer[];
  readonly manifests?: readonly (Layer & { readonly annotations?: Readonly<Record<string, string>> })[];
  readonly annotations?: Readonly<Record<string, string>>;
}

async function manifestOf(name: string): Promise<Manifest> {
  const text = await must(['skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${host}/${name}`]);
  return JSON.parse(text) as Manifest;
}

async function build(lines: string, name: string, ...args: string[]): Promise<Ran> {
  return room.wherry(
    ['build', '--progress=plain', '--platform', 'linux/amd64', '-t', `${host}/${name}`, ...args, '-'],
    { input: lines.replaceAll('HOST', host) },
  );
}

/** Builds and pushes; the manifest as the registry has it. */
async function pushed(lines: string, name: string, output = 'type=registry', ...args: string[]): Promise<Manifest> {
  const ran = await build(lines, name, '-o', output, ...args);
  assert.is(ran.code, 0, ran.stderr);
  return manifestOf(name);
}

/** A layout of one image with one layer, compressed by a program. The layer has a link /way to /real. */
function writeLayout(name: string, mediaType: string, compress: readonly string[]): Layer {
  const folder = join(room.folder, name);
  const root = writeFiles(join(room.folder, `${name}-root`), {
    'real/old': `${name}\n`,
    'etc/passwd': 'app:x:5:6::/:\n',
  });
  execFileSync('ln', ['-s', 'real', join(root, 'way')]);
  const tar = execFileSync('tar', ['-C', root, '--numeric-owner', '--owner=0', '--group=0', '-cf', '-', '.']);
  const [program, ...args] = compress;
  const bytes = program === undefined ? tar : execFileSync(program, args, { input: tar });
  mkdirSync(join(folder, 'blobs/sha256'), { recursive: true });
  const put = (content: Uint8Array | string, type: string): Layer => {
    const encoded = createHash('sha256').update(content).digest('hex');
    writeFileSync(join(folder, 'blobs/sha256', encoded), content);
    return { mediaType: type, digest: `sha256:${encoded}`, size: Buffer.byteLength(content) };
  };
  const layer = put(bytes, mediaType);
  const diffId = `sha256:${createHash('sha256').update(tar).digest('hex')}`;
  const config = { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [diffId] } };
  const manifest = {
    schemaVersion: 2,
    mediaType: `${oci}.manifest.v1+json`,
    config: put(JSON.stringify(config), `${oci}.config.v1+json`),
    layers: [layer],
  };
  const entry = put(JSON.stringify(manifest), manifest.mediaType);
  const annotations = { 'org.opencontainers.image.ref.name': '1' };
  writeFileSync(
    join(folder, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...entry, annotations }] }),
  );
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return layer;
}

test.after(stopAll);

const base = await pushed('FROM scratch\nCOPY <<old /real/\nof the base\nold\nENV A=1\n', 'types/base:1');
await must([
  'skopeo',
  'copy',
  '-q',
  '--format',
  'v2s2',
  ...insecure,
  `docker://${host}/types/base:1`,
  `docker://${host}/types/docker:1`,
]);
const onDocker = 'FROM HOST/types/docker:1\nCOPY <<new /real/\nmade\nnew\n';

test('a base of Docker schema 2: the image is OCI, its layers are the same bytes', async () => {
  const from = await manifestOf('types/docker:1');
  assert.is(from.mediaType, `${docker}.distribution.manifest.v2+json`);
  const made = await pushed(onDocker, 'types/oci:1');
  assert.is(made.mediaType, `${oci}.manifest.v1+json`);
  assert.is(made.config.mediaType, `${oci}.config.v1+json`);
  assert.equal(
    made.layers.map((layer) => layer.mediaType),
    Array(2).fill(`${oci}.layer.v1.tar+gzip`),
  );
  assert.is(made.layers[0]?.digest, from.layers[0]?.digest);
  assert.is(made.layers[0]?.digest, base.layers[0]?.digest);
});

test('oci-mediatypes=false: Docker schema 2 throughout, also over an OCI base', async () => {
  for (const [lines, name] of [
    [onDocker, 'types/kept:1'],
    [onDocker.replace('types/docker:1', 'types/base:1'), 'types/converted:1'],
  ] as const) {
    const made = await pushed(lines, name, 'type=registry,oci-mediatypes=false');
    assert.is(made.mediaType, `${docker}.distribution.manifest.v2+json`);
    assert.is(made.config.mediaType, `${docker}.container.image.v1+json`);
    assert.equal(
      made.layers.map((layer) => layer.mediaType),
      Array(2).fill(`${docker}.image.rootfs.diff.tar.gzip`),
    );
    assert.is(made.layers[0]?.digest, base.layers[0]?.digest);
    const layout = join(room.folder, name.replace(/\W/g, '-'));
    await must(['skopeo', 'copy', '-q', ...insecure, `docker://${host}/${name}`, `oci:${layout}:1`]);
    const bundle = `${layout}-bundle`;
    await must(['umoci', 'unpack', '--rootless', '--image', `${layout}:1`, bundle]);
    assert.is(readFileSync(join(bundle, 'rootfs/real/new'), 'utf8'), 'made\n');
  }
});

test('oci-mediatypes=false: the index of several platforms is a Docker manifest list', async () => {
  const ran = await room.wherry(
    [
      'build',
      '--platform',
      'linux/amd64,linux/arm64',
      '-o',
      `type=registry,oci-mediatypes=false,name=${host}/types/list:1`,
      '-',
    ],
    { input: 'FROM scratch\nCOPY <<x /\nx y\nx\n' },
  );
  assert.is(ran.code, 0, ran.stderr);
  const list = await manifestOf('types/list:1');
  assert.is(list.mediaType, `${docker}.distribution.manifest.list.v2+json`);
  for (const { mediaType } of list.manifests ?? []) assert.is(mediaType, `${docker}.distribution.manifest.v2+json`);
});

const kinds: readonly (readonly [name: string, mediaType: string, compress: readonly string[]])[] = [
  ['zstd', `${oci}.layer.v1.tar+zstd`, ['zstd', '-q', '-19']],
  ['plain', `${oci}.layer.v1.tar`, []],
  ['gzipped', `${oci}.layer.v1.tar+gzip`, ['gzip', '-9', '-n']],
];
for (const [name, mediaType, compress] of kinds) {
  test(`a base with a ${name} layer: COPY reads it, follows its links, knows its users; its bytes are passed through`, async () => {
    const layer = writeLayout(name, mediaType, compress);
    const named = ['--build-context', `b=oci-layout://${join(room.folder, name)}:1`];
    const lines =
      'FROM b\nCOPY --chown=app <<new /way/\nmade\nnew\nFROM b\nCOPY --from=0 /real/ /copy/\nCOPY --from=b way/old /again\n';
    const read = await buildFiles(room, [...named, '-'], { input: lines });
    assert.is(read.ran.code, 0, read.ran.stderr);
    const { 'etc/passwd': _, ...texts } = textsOf(read);
    assert.equal(texts, { again: `${name}\n`, 'copy/new': 'made\n', 'copy/old': `${name}\n`, 'real/old': `${name}\n` });
    assert.is(read.files.get('way')?.content, 'real');
    assert.match(read.files.get('copy/new')?.line ?? '', /^-rw-r--r-- 5\/6 /);
    const made = await pushed('FROM b\nCOPY <<new /way/\nmade\nnew\n', `types/${name}:1`, 'type=registry', ...named);
    assert.equal(made.layers[0], layer);
    assert.is(made.layers[1]?.mediaType, `${oci}.layer.v1.tar+gzip`);
    await must([
      'skopeo',
      'copy',
      '-q',
      ...insecure,
      `docker://${host}/types/${name}:1`,
      `dir:${join(room.folder, `${name}-dir`)}`,
    ]);
    const refused = await build(
      'FROM b\nENV A=1\n',
      'types/refused:1',
      '-o',
      'type=registry,oci-mediatypes=false',
      ...named,
    );
    if (name === 'zstd') {
      assert.is(refused.code, 1);
      assert.match(refused.stderr, /Docker schema 2 image: it has a layer of type ".*zstd"/);
    } else assert.is(refused.code, 0, refused.stderr);
  });
}

const small = `FROM scratch\nCOPY <<a /\n${[...Array(300).keys()].map((n) => `line ${n * n}\n`).join('')}a\n`;
const compressions: readonly (readonly [keys: string, mediaType: string])[] = [
  ['compression=gzip', `${oci}.layer.v1.tar+gzip`],
  ['compression-level=1', `${oci}.layer.v1.tar+gzip`],
  ['compression=gzip,compression-level=9', `${oci}.layer.v1.tar+gzip`],
  ['compression=uncompressed', `${oci}.layer.v1.tar`],
  ['compression=uncompressed,oci-mediatypes=false', `${docker}.image.rootfs.diff.tar`],
];
test('compression and compression-level: other bytes, the same files', async () => {
  const digests = new Set<string>();
  const diffIds = new Set<string>();
  for (const [position, [keys, mediaType]] of compressions.entries()) {
    const name = `types/level${position}:1`;
    const made = await pushed(small, name, `type=registry,${keys}`);
    const [layer] = made.layers;
    assert.is(layer?.mediaType, mediaType, keys);
    digests.add(layer?.digest ?? '');
    const text = await must([
      'skopeo',
      'inspect',
      '--raw',
      '--config',
      '--tls-verify=false',
      `docker://${host}/${name}`,
    ]);
    diffIds.add((JSON.parse(text) as { rootfs: { diff_ids: string[] } }).rootfs.diff_ids[0] ?? '');
    const bytes = await fetch(`http://${host}/v2/${name.slice(0, -2)}/blobs/${layer?.digest}`).then((got) =>
      got.arrayBuffer(),
    );
    const tar = mediaType.endsWith('gzip')
      ? execFileSync('gzip', ['-dc'], { input: Buffer.from(bytes) })
      : Buffer.from(bytes);
    assert.is(`sha256:${createHash('sha256').update(tar).digest('hex')}`, [...diffIds][0], keys);
  }
  assert.is(diffIds.size, 1);
  assert.is(digests.size, 4);
});

test('--annotation: on the manifest, its descriptor and the index', async () => {
  const flags = [
    'a.b=1',
    'manifest[linux/arm64]:only=arm',
    'index:i=2',
    'manifest-descriptor:d=3',
    'index,manifest:both=4',
  ];
  const ran = await room.wherry(
    [
      'build',
      '--platform',
      'linux/amd64,linux/arm64',
      '-t',
      `${host}/types/noted:1`,
      '--push',
      ...flags.flatMap((text) => ['--annotation', text]),
      '-',
    ],
    { input: 'FROM scratch\nCOPY <<x /\nx y\nx\n' },
  );
  assert.is(ran.code, 0, ran.stderr);
  const index = await manifestOf('types/noted:1');
  assert.equal(index.annotations, { both: '4', i: '2' });
  assert.equal(
    index.manifests?.map(({ annotations }) => annotations),
    [{ d: '3' }, { d: '3' }],
  );
  const [amd64, arm64] = await Promise.all(
    (index.manifests ?? []).map(({ digest }) => manifestOf(`types/noted@${digest}`)),
  );
  assert.equal(amd64?.annotations, { 'a.b': '1', both: '4' });
  assert.equal(arm64?.annotations, { 'a.b': '1', both: '4', only: 'arm' });
});

test('--output with annotations: on the manifest', async () => {
  const made = await pushed(
    'FROM scratch\n',
    'types/keys:1',
    'type=registry,annotation.k=v,annotation-manifest[linux/amd64].m=w',
  );
  assert.equal(made.annotations, { k: 'v', m: 'w' });
});

const refusals: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [['--annotation', 'index:k=v', '--push'], /index annotations not supported for single platform export/],
  [['--annotation', 'k=v', '-o', 'type=registry,oci-mediatypes=false'], /annotations into a Docker schema 2 manifest/],
  [['-o', 'type=registry,compression=zstd'], /compression=zstd is not implemented/],
  [['-o', 'type=registry,compression=lzma'], /unknown compression "lzma"/],
  [['-o', 'type=registry,compression-level=11'], /compression-level "11"/],
  [['-o', 'type=registry,force-compression=true'], /force-compression=true is not implemented/],
];
for (const [args, want] of refusals) {
  test(`build ${args.join(' ')}: refused`, async () => {
    const ran = await build('FROM scratch\n', 'types/never:1', ...args);
    assert.ok(ran.code !== 0);
    assert.match(ran.stderr, want);
    assert.is((await fetch(`http://${host}/v2/types/never/manifests/1`)).status, 404);
  });
}

test.run();
