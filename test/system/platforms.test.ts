// --platform: which image of an index is taken, what the arguments say, what the result's config and index hold, and that
// skopeo takes the whole of it from docker-registry.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hostPlatform } from '../../src/oci/platform.ts';
import { dockerRegistry } from '../registry/client/docker-registry.ts';
import { stopAll } from '../registry/client/peers.ts';
import { must, openRoom, type Ran } from './command.ts';

const room = openRoom();
const { host } = await dockerRegistry({ kind: 'anonymous' });
const base = `${host}/multi/base:1`;
const native = hostPlatform().architecture;
const foreign = native === 'arm64' ? 'amd64' : 'arm64';

/** Pushes an image for these platforms whose file /arch says for which it is. */
async function pushBase(name: string, platforms: string): Promise<void> {
  await room.must(['build', '--platform', platforms, '--push', '-t', name, '-'], {
    input: 'FROM scratch\nARG TARGETPLATFORM\nCOPY <<arch /\n$TARGETPLATFORM\narch\n',
  });
}

await pushBase(base, 'linux/amd64,linux/arm64');
await pushBase(`${host}/multi/arm:1`, 'linux/arm/v6,linux/arm/v7,linux/arm64/v8');
await pushBase(`${host}/multi/lone:1`, 'linux/s390x');

test.after(stopAll);

interface Index {
  readonly mediaType: string;
  readonly manifests: readonly {
    readonly digest: string;
    readonly platform: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  }[];
}

interface Config {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly config: { readonly Labels?: Readonly<Record<string, string>> };
}

async function raw<T>(name: string): Promise<T> {
  return JSON.parse(await must(['skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${name}`])) as T;
}

async function configOf(name: string): Promise<Config> {
  const text = await must(['skopeo', 'inspect', '--raw', '--config', '--tls-verify=false', `docker://${name}`]);
  return JSON.parse(text) as Config;
}

/** Builds lines for these platforms (none: no flag), pushes, and gives the configs of the result in their order. */
async function build(lines: string, platforms: string, tag: string): Promise<{ index?: Index; configs: Config[] }> {
  const name = `${host}/multi/${tag}`;
  const flag = platforms === '' ? [] : ['--platform', platforms];
  const reference = await room.must(['build', ...flag, '--push', '-t', `${name}:1`, '-'], {
    input: lines.replaceAll('BASE', base),
  });
  const document = await raw<Index>(reference.replace(/:1@/, '@'));
  if (document.manifests === undefined) return { configs: [await configOf(`${name}:1`)] };
  const configs = await Promise.all(document.manifests.map(({ digest }) => configOf(`${name}@${digest}`)));
  return { index: document, configs };
}

const all = ['BUILDPLATFORM', 'BUILDOS', 'BUILDARCH', 'TARGETPLATFORM', 'TARGETOS', 'TARGETARCH', 'TARGETVARIANT'];
const say = `ARG ${all.join(' ')}\nLABEL ${all.map((name) => `${name}="$${name}"`).join(' ')}\n`;

test('--platform with a list: an index in that order, each image over its own base, with its own arguments', async () => {
  const { index, configs } = await build(
    `FROM BASE\n${say}COPY --from=BASE arch /copy\n`,
    'linux/arm64,linux/amd64',
    'list',
  );
  assert.is(index?.mediaType, 'application/vnd.oci.image.index.v1+json');
  assert.equal(
    index?.manifests.map(({ platform }) => platform),
    ['arm64', 'amd64'].map((architecture) => ({ architecture, os: 'linux' })),
  );
  for (const [position, architecture] of ['arm64', 'amd64'].entries()) {
    const config = configs[position];
    assert.is(config?.architecture, architecture);
    assert.equal(config?.config.Labels, {
      BUILDPLATFORM: `linux/${native}`,
      BUILDOS: 'linux',
      BUILDARCH: native,
      TARGETPLATFORM: `linux/${architecture}`,
      TARGETOS: 'linux',
      TARGETARCH: architecture,
      TARGETVARIANT: '',
    });
  }
  const layout = join(room.folder, 'all');
  await must([
    'skopeo',
    'copy',
    '-q',
    '--all',
    '--src-tls-verify=false',
    `docker://${host}/multi/list:1`,
    `oci:${layout}:x`,
  ]);
  for (const architecture of ['arm64', 'amd64']) {
    const bundle = join(room.folder, `bundle-${architecture}`);
    const one = join(room.folder, `one-${architecture}`);
    await must(['skopeo', 'copy', '-q', '--override-arch', architecture, `oci:${layout}:x`, `oci:${one}:x`]);
    await must(['umoci', 'unpack', '--rootless', '--image', `${one}:x`, bundle]);
    for (const path of ['arch', 'copy'])
      assert.is(readFileSync(join(bundle, 'rootfs', path), 'utf8'), `linux/${architecture}\n`);
  }
});

const single: readonly (readonly [title: string, lines: string, platform: string, want: Record<string, string>])[] = [
  ['no flag: the one of this machine', `FROM BASE\n${say}`, '', { architecture: native, TARGETARCH: native }],
  ['one platform: no index', `FROM BASE\n${say}`, `linux/${foreign}`, { architecture: foreign, TARGETARCH: foreign }],
  [
    'FROM --platform=$BUILDPLATFORM: the base of this machine, the config of the target',
    `FROM --platform=$BUILDPLATFORM BASE\n${say}`,
    `linux/${foreign}`,
    { architecture: foreign, TARGETARCH: foreign, BUILDARCH: native },
  ],
  [
    'FROM --platform in an earlier stage: the last stage is of the target',
    `FROM --platform=$BUILDPLATFORM BASE AS tool\nFROM BASE\n${say}COPY --from=tool arch /tool\n`,
    `linux/${foreign}`,
    { architecture: foreign },
  ],
  ['a lone manifest is taken as it is', `FROM ${host}/multi/lone:1\n${say}`, '', { architecture: 's390x' }],
  [
    'a variant picks its own entry',
    `FROM ${host}/multi/arm:1\n${say}`,
    'linux/arm/v7',
    { architecture: 'arm', variant: 'v7', TARGETVARIANT: 'v7', arch: 'linux/arm/v7' },
  ],
  [
    'linux/arm is linux/arm/v7',
    `FROM ${host}/multi/arm:1\n${say}`,
    'linux/arm',
    { architecture: 'arm', variant: 'v7', arch: 'linux/arm/v7' },
  ],
  [
    'a lower variant does where there is no better',
    `FROM ${host}/multi/arm:1\n${say}`,
    'linux/arm/v6',
    { variant: 'v6', arch: 'linux/arm/v6' },
  ],
  [
    'arm64/v8 is arm64',
    `FROM ${host}/multi/arm:1\n${say}`,
    'linux/arm64/v8',
    { architecture: 'arm64', TARGETPLATFORM: 'linux/arm64', arch: 'linux/arm64' },
  ],
  ['aliases of architectures', `FROM BASE\n${say}`, 'linux/x86_64', { architecture: 'amd64', TARGETARCH: 'amd64' }],
  [
    'scratch is of any platform',
    `FROM scratch\n${say}`,
    'linux/riscv64',
    { architecture: 'riscv64', TARGETARCH: 'riscv64' },
  ],
  ['of another system', `FROM scratch\n${say}`, 'freebsd/amd64', { os: 'freebsd', TARGETOS: 'freebsd' }],
  [
    'the default of an ARG wins over the automatic value',
    'FROM BASE\nARG TARGETARCH=x\nLABEL TARGETARCH=$TARGETARCH\n',
    'linux/arm64',
    { architecture: 'arm64', TARGETARCH: 'x' },
  ],
];
for (const [position, [title, lines, platform, want]] of single.entries()) {
  test(`--platform=${platform}: ${title}`, async () => {
    const tag = `single${position}`;
    const { index, configs } = await build(lines, platform, tag);
    assert.is(index, undefined);
    const [config] = configs;
    const { arch, ...fields } = want;
    const seen: Readonly<Record<string, unknown>> = { ...config, ...config?.config.Labels };
    for (const [key, value] of Object.entries(fields)) assert.is(seen[key], value, key);
    if (arch === undefined) return;
    const ran = await room.wherry(['build', '--platform', platform, '-o', '-', '-'], { input: lines });
    assert.match(ran.stdout, new RegExp(`\\0${arch}\\n\\0`));
  });
}

test('FROM --platform=$BUILDPLATFORM: a stage that several platforms share is built once', async () => {
  const lines = `FROM --platform=$BUILDPLATFORM BASE AS tool\nCOPY <<made /\nonce\nmade\nFROM BASE\nCOPY --from=tool made /\nARG TARGETARCH\nCOPY <<$TARGETARCH /\nx\n$TARGETARCH\n`;
  const ran = await room.wherry(
    ['build', '--progress=plain', '--platform', 'linux/amd64,linux/arm64', '-o', 'type=cacheonly', '-'],
    { input: lines.replaceAll('BASE', base) },
  );
  assert.is(ran.code, 0, ran.stderr);
  assert.is(new Set(ran.stderr.match(/^#\d+ \[.*tool.*\] COPY <<made/gm)).size, 1, ran.stderr);
});

const failures: readonly (readonly [lines: string, platform: string, code: number, message: RegExp])[] = [
  ['FROM BASE\n', 'linux/riscv64', 3, /no match for platform in manifest.*\n(?:.*\n)*.*linux\/amd64, linux\/arm64/],
  ['FROM BASE\n', 'linux/amd64,linux/riscv64', 3, /no match for platform in manifest/],
  ['FROM --platform=linux/mips BASE\n', '', 3, /no match for platform in manifest/],
  ['FROM --platform=$NONE BASE\n', '', 1, /empty platform value from expression \$NONE/],
  ['FROM --platform=a/b/c/d/e BASE\n', '', 1, /a\/b\/c\/d\/e/],
  [`FROM ${host}/multi/arm:1\n`, 'linux/arm/v5', 3, /no match for platform in manifest/],
  ['FROM scratch\n', 'linux/no spaces', 2, /no spaces/],
  ['FROM scratch\n', '/', 2, /failed to parse platform \/: /],
];
for (const [lines, platform, code, want] of failures) {
  test(`--platform=${platform}: ${lines.trim()} is an error`, async () => {
    const flag = platform === '' ? [] : ['--platform', platform];
    const ran: Ran = await room.wherry(['build', '--progress=plain', ...flag, '-'], {
      input: lines.replaceAll('BASE', base),
    });
    assert.match(ran.stderr, want);
    assert.is(ran.code, code, ran.stderr);
    assert.is(ran.stdout, '');
    if (code !== 2) assert.match(ran.stderr, />>> FROM/);
  });
}

test.run();
