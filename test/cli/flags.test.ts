import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAnnotation } from '../../src/cli/flags/annotation.ts';
import { parseBuild } from '../../src/cli/flags/build-options.ts';
import { parseBuildContext, parseContext, parseRemote } from '../../src/cli/flags/context.ts';
import { parseCsv } from '../../src/cli/flags/csv.ts';
import { parseAddHost, parseBuildArgs, parseLabels } from '../../src/cli/flags/key-value.ts';
import { parseOutput } from '../../src/cli/flags/output.ts';
import { parseSecret, parseSsh } from '../../src/cli/flags/secret.ts';
import { parseArguments } from '../../src/cli/parse.ts';
import { messageOf } from '../../src/errors.ts';
import { formatReference } from '../../src/oci/reference.ts';

function messageFrom(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return messageOf(error);
  }
  return 'no error';
}

function quoted(field: string): string {
  return /[",]/.test(field) || field === '' ? `"${field.replaceAll('"', '""')}"` : field;
}

const stdin = Readable.from([]);
const directory = mkdtempSync(join(tmpdir(), 'wherry-flags-'));
mkdirSync(join(directory, 'sub'));
writeFileSync(join(directory, 'token'), 'x');
test.after(() => rmSync(directory, { recursive: true }));

const records: readonly (readonly [string, readonly string[]])[] = [
  ['a', ['a']],
  ['a,b', ['a', 'b']],
  ['type=image,"name=a,b",push=true', ['type=image', 'name=a,b', 'push=true']],
  ['"say ""hi"""', ['say "hi"']],
  ['a,', ['a', '']],
  ['a,"",b', ['a', '', 'b']],
];
for (const [text, fields] of records)
  test(`parseCsv reads ${text}`, () => assert.equal(parseCsv(text, '--output'), fields));

test('parseCsv refuses open quotes and quotes inside a field', () => {
  assert.match(
    messageFrom(() => parseCsv('"a', '--output')),
    /a quote is not closed/,
  );
  assert.match(
    messageFrom(() => parseCsv('"a"b', '--output')),
    /unexpected "b"/,
  );
  assert.match(
    messageFrom(() => parseCsv('name="a,b"', '--output')),
    /a quote in the middle/,
  );
});

test('parseCsv reads any fields, quoted where they must be', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (fields) =>
      assert.equal(parseCsv(fields.map(quoted).join(','), 'x'), fields),
    ),
  );
});

const image = { ociMediaTypes: true, compression: 'gzip' } as const;
const outputs: readonly (readonly [string, unknown])[] = [
  ['out', { kind: 'local', dest: 'out' }],
  ['out.tar', { kind: 'local', dest: 'out.tar' }],
  ['-', { kind: 'tar', dest: '-' }],
  ['type=local,dest=out', { kind: 'local', dest: 'out' }],
  ['type=local,dest=out,platform-split=false,mode=copy', { kind: 'local', dest: 'out', platformSplit: false }],
  ['type=tar,dest=a=b.tar', { kind: 'tar', dest: 'a=b.tar' }],
  ['type=oci,dest=x.tar', { kind: 'oci', dest: 'x.tar', tar: true, options: image }],
  ['type=oci,dest=x,tar=false', { kind: 'oci', dest: 'x', tar: false, options: image }],
  ['type=docker,dest=-', { kind: 'docker', dest: '-', options: image }],
  ['type=image', { kind: 'image', push: false, options: image }],
  ['type=image,push=true', { kind: 'image', push: true, options: image }],
  ['type=registry,push-by-digest=true', { kind: 'image', push: true, pushByDigest: true, options: image }],
  [
    'TYPE=image,compression=uncompressed,compression-level=9,oci-mediatypes=false',
    { kind: 'image', push: false, options: { ociMediaTypes: false, compression: 'none', compressionLevel: 9 } },
  ],
  ['type=image,unpack=false,store=true,rewrite-timestamp=1', { kind: 'image', push: false, options: image }],
  ['type=cacheonly', { kind: 'cacheonly' }],
];
for (const [text, output] of outputs)
  test(`parseOutput reads ${text}`, () => assert.equal(parseOutput(text).output, output));

test('parseOutput reads names, annotations, insecure and source-date-epoch', () => {
  const parsed = parseOutput(
    'type=image,"name=a,b:1",push=true,annotation.K=v,annotation-index.L=w,annotation-manifest[linux/arm64].M=x,registry.insecure=true,source-date-epoch=5',
  );
  assert.equal('names' in parsed.output && parsed.output.names?.map(formatReference), [
    'docker.io/library/a:latest',
    'docker.io/library/b:1',
  ]);
  assert.equal(parsed.annotations, [
    { on: 'manifest', key: 'K', value: 'v' },
    { on: 'index', key: 'L', value: 'w' },
    { on: 'manifest', platform: { os: 'linux', architecture: 'arm64' }, key: 'M', value: 'x' },
  ]);
  assert.is(parsed.insecure, true);
  assert.is(parsed.timestamp, '5');
});

const badOutputs: readonly (readonly [string, RegExp])[] = [
  ['', /it is empty/],
  ['dest=x', /it has no type/],
  ['type=ocj,dest=x', /unknown type "ocj" \(did you mean oci\?\)/],
  ['type=oci', /dest is required for type=oci/],
  ['type=docker', /dest is required for type=docker/],
  ['type=local,dest=x,foo=1', /type=local has no key "foo"/],
  ['type=image,dest=x', /type=image has no key "dest"/],
  ['type=image,push', /field "push" is not key=value/],
  ['type=image,push=yes', /push=yes is neither true nor false/],
  ['type=image,push=true,push=true', /key "push" is given twice/],
  ['type=image,compression=zstd', /compression=zstd is not implemented in this version/],
  ['type=image,compression=lzma', /unknown compression "lzma"/],
  ['type=image,compression-level=22', /compression-level "22" is not 1 to 9/],
  ['type=image,compression-level=0', /compression-level "0" is not 1 to 9/],
  ['type=image,unpack=true', /unpack=true is not implemented/],
  ['type=local,dest=x,mode=delete', /mode=delete is not implemented/],
  ['type=docker,dest=x,tar=false', /tar=false is not implemented/],
  ['type=image,annotation-foo.K=v', /type=image has no key "annotation-foo.K"/],
  ['type=image,name=A', /repository name must be lowercase/],
];
for (const [text, message] of badOutputs)
  test(`parseOutput refuses "${text}"`, () =>
    assert.match(
      messageFrom(() => parseOutput(text)),
      message,
    ));

const annotations: readonly (readonly [string, unknown])[] = [
  ['a=b', [{ on: 'manifest', key: 'a', value: 'b' }]],
  ['org.x.y:z=b:c=d', [{ on: 'manifest', key: 'org.x.y:z', value: 'b:c=d' }]],
  ['index:a=b', [{ on: 'index', key: 'a', value: 'b' }]],
  [
    'manifest[linux/arm64]:a=',
    [{ on: 'manifest', platform: { os: 'linux', architecture: 'arm64' }, key: 'a', value: '' }],
  ],
  [
    'index,manifest-descriptor[linux/386]:a=b',
    [
      { on: 'index', key: 'a', value: 'b' },
      { on: 'manifest-descriptor', platform: { os: 'linux', architecture: '386' }, key: 'a', value: 'b' },
    ],
  ],
];
for (const [text, want] of annotations)
  test(`parseAnnotation reads ${text}`, () => assert.equal(parseAnnotation(text), want));

test('parseAnnotation refuses unknown types, platforms of an index, and what is no pair', () => {
  assert.match(
    messageFrom(() => parseAnnotation('layer:a=b')),
    /unknown annotation type "layer"/,
  );
  assert.match(
    messageFrom(() => parseAnnotation('index[linux/amd64]:a=b')),
    /an index has no platform/,
  );
  assert.match(
    messageFrom(() => parseAnnotation('a')),
    /it is not KEY=VALUE/,
  );
  assert.match(
    messageFrom(() => parseAnnotation('=a')),
    /it is not KEY=VALUE/,
  );
});

const remotes: readonly (readonly [string, unknown])[] = [
  ['https://example.org/repo.git', { kind: 'git', url: 'https://example.org/repo.git' }],
  ['https://example.org/repo.git#main:sub', { kind: 'git', url: 'https://example.org/repo.git#main:sub' }],
  ['https://example.org/repo.git?ref=v1', { kind: 'git', url: 'https://example.org/repo.git?ref=v1' }],
  ['http://example.org/context.tar.gz', { kind: 'http', url: 'http://example.org/context.tar.gz' }],
  ['https://example.org/repo#x.git', { kind: 'http', url: 'https://example.org/repo#x.git' }],
  ['git@example.org:o/r.git', { kind: 'git', url: 'git@example.org:o/r.git' }],
  ['ssh://git@example.org/o/r', { kind: 'git', url: 'ssh://git@example.org/o/r' }],
  ['git://example.org/o/r', { kind: 'git', url: 'git://example.org/o/r' }],
  ['github.com/o/r', { kind: 'git', url: 'https://github.com/o/r.git' }],
  ['github.com/o/r.git#v1:d', { kind: 'git', url: 'https://github.com/o/r.git#v1:d' }],
  ['some/dir', undefined],
  ['github.com', undefined],
  ['.', undefined],
];
for (const [text, want] of remotes) test(`parseRemote: ${text}`, () => assert.equal(parseRemote(text), want));

test('parseContext: "-" is standard input, a directory wins over a URL of its name', () => {
  assert.equal(parseContext('-', stdin), { kind: 'stream', stream: stdin });
  assert.equal(parseContext(directory, stdin), { kind: 'directory', path: directory });
  assert.equal(parseContext('no/such', stdin), { kind: 'directory', path: 'no/such' });
  mkdirSync(join(directory, 'github.com/o/r'), { recursive: true });
  const before = process.cwd();
  process.chdir(directory);
  try {
    assert.equal(parseContext('github.com/o/r', stdin), { kind: 'directory', path: 'github.com/o/r' });
  } finally {
    process.chdir(before);
  }
});

const digest = `sha256:${'0'.repeat(64)}`;
const contexts: readonly (readonly [string, readonly [string, unknown]])[] = [
  ['lib=../lib', ['lib', { kind: 'directory', path: '../lib' }]],
  ['docker.io/library/alpine:latest=x', ['alpine', { kind: 'directory', path: 'x' }]],
  [
    'alpine:3=docker-image://busybox',
    ['alpine:3', { kind: 'image', reference: { registry: 'docker.io', repository: 'library/busybox', tag: 'latest' } }],
  ],
  ['src=https://example.org/a.git#v1', ['src', { kind: 'git', url: 'https://example.org/a.git#v1' }]],
  ['src=https://example.org/a.tgz', ['src', { kind: 'http', url: 'https://example.org/a.tgz' }]],
  ['base=oci-layout:///tmp/x:1.2', ['base', { kind: 'layout', path: '/tmp/x', selector: '1.2' }]],
  ['base=oci-layout://./x', ['base', { kind: 'layout', path: './x', selector: 'latest' }]],
  [`base=oci-layout://x@${digest}`, ['base', { kind: 'layout', path: 'x', selector: digest }]],
  [`base=oci-layout://x:t@${digest}`, ['base', { kind: 'layout', path: 'x', selector: digest }]],
  ['base::linux/arm64=x', ['base::linux/arm64', { kind: 'directory', path: 'x' }]],
];
for (const [text, want] of contexts)
  test(`parseBuildContext reads ${text}`, () => assert.equal(parseBuildContext(text), want));

test('parseBuildContext refuses missing parts, unknown schemes and bad names', () => {
  assert.match(
    messageFrom(() => parseBuildContext('x')),
    /invalid value for --build-context: "x"/,
  );
  assert.match(
    messageFrom(() => parseBuildContext('x=')),
    /invalid value/,
  );
  assert.match(
    messageFrom(() => parseBuildContext('x=s3://b')),
    /unknown kind of source "s3:\/\/"/,
  );
  assert.match(
    messageFrom(() => parseBuildContext('x=target:y')),
    /bake/,
  );
  assert.match(
    messageFrom(() => parseBuildContext('A b=.')),
    /invalid context name A b/,
  );
});

test('parseBuildArgs: a name alone takes the value of the environment, where there is one', () => {
  assert.equal(parseBuildArgs(['A=1', 'B', 'C', 'D=', 'A=2'], { B: 'env' }), { A: '2', B: 'env', D: '' });
  assert.match(
    messageFrom(() => parseBuildArgs(['=x'], {})),
    /it has no name/,
  );
});

test('parseLabels: a key alone is empty', () => {
  assert.equal(parseLabels(['a=b=c', 'd']), { a: 'b=c', d: '' });
});

test('parseAddHost reads both separators and IPv6', () => {
  assert.equal(parseAddHost('db:10.0.0.7'), { host: 'db', address: '10.0.0.7' });
  assert.equal(parseAddHost('db=::1'), { host: 'db', address: '::1' });
  assert.equal(parseAddHost('db:[fe80::1]'), { host: 'db', address: 'fe80::1' });
  assert.equal(parseAddHost('db:fe80::1'), { host: 'db', address: 'fe80::1' });
  assert.match(
    messageFrom(() => parseAddHost('db')),
    /it is not HOST:IP/,
  );
  assert.match(
    messageFrom(() => parseAddHost('db:there')),
    /"there" is no IP address/,
  );
  assert.match(
    messageFrom(() => parseAddHost('db:host-gateway')),
    /host-gateway/,
  );
});

test('parseSecret finds the source as buildx does', () => {
  const file = join(directory, 'token');
  assert.equal(parseSecret(`id=a,src=${file}`, {}), { id: 'a', kind: 'file', path: file });
  assert.equal(parseSecret(`id=a,source=${file},type=file`, {}), { id: 'a', kind: 'file', path: file });
  assert.equal(parseSecret('id=a,env=TOKEN', {}), { id: 'a', kind: 'env', variable: 'TOKEN' });
  assert.equal(parseSecret('type=env,id=a,src=TOKEN', {}), { id: 'a', kind: 'env', variable: 'TOKEN' });
  assert.equal(parseSecret('id=TOKEN', { TOKEN: 'x' }), { id: 'TOKEN', kind: 'env', variable: 'TOKEN' });
  assert.match(
    messageFrom(() => parseSecret('id=a,src=/no/such', {})),
    /no such file: "\/no\/such"/,
  );
  assert.match(
    messageFrom(() => parseSecret('src=x', {})),
    /it has no id/,
  );
  assert.match(
    messageFrom(() => parseSecret('id=a,mode=1', {})),
    /unexpected key "mode"/,
  );
  assert.match(
    messageFrom(() => parseSecret('id=a,src=x,env=Y', {})),
    /both src and env/,
  );
});

test('parseSsh wants a socket or keys that are there', () => {
  const key = join(directory, 'token');
  assert.equal(parseSsh('default', { SSH_AUTH_SOCK: key }), { id: 'default', paths: [key] });
  assert.equal(parseSsh(`x=${key},${key}`, {}), { id: 'x', paths: [key, key] });
  assert.match(
    messageFrom(() => parseSsh('default', {})),
    /SSH_AUTH_SOCK is not set/,
  );
  assert.match(
    messageFrom(() => parseSsh('x=/no/such', {})),
    /no such file/,
  );
});

function build(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = {},
  isTerminal = false,
): ReturnType<typeof parseBuild> {
  const request = parseArguments(['build', ...argv], env);
  if (request.kind !== 'command') throw new Error(request.kind);
  return parseBuild(request.flags, request.operands[0] ?? '', { env, stdin, isTerminal });
}

test('parseBuild gathers everything', () => {
  const { options } = build([
    '-t',
    'a',
    '-t',
    'reg:5000/b:1',
    '-f',
    'D',
    '--target=x',
    '--platform',
    'linux/arm64/v8,linux/amd64,arm64',
    '--label=l=1',
    '--annotation',
    'index:k=v',
    '--pull',
    '--no-cache',
    '--no-cache-filter=s',
    '--timestamp=7',
    '.',
  ]);
  assert.equal(options.context, { kind: 'directory', path: '.' });
  assert.is(options.dockerfile, 'D');
  assert.equal(options.tags?.map(formatReference), ['docker.io/library/a:latest', 'reg:5000/b:1']);
  assert.is(options.target, 'x');
  assert.equal(options.platforms, [
    { os: 'linux', architecture: 'arm64' },
    { os: 'linux', architecture: 'amd64' },
  ]);
  assert.equal(options.labels, { l: '1' });
  assert.equal(options.annotations, [{ on: 'index', key: 'k', value: 'v' }]);
  assert.equal([options.pull, options.noCache, options.noCacheFilter, options.timestamp], [true, true, ['s'], 7]);
  assert.is(options.outputs, undefined);
});

test('parseBuild: the Dockerfile may be a URL or standard input, but standard input is read once', () => {
  assert.equal(build(['-f', 'https://example.org/D', '.']).options.dockerfile, { url: 'https://example.org/D' });
  assert.equal(build(['-f', '-', '.']).options.dockerfile, { stream: stdin });
  assert.match(
    messageFrom(() => build(['-f', '-', '-'])),
    /can't use stdin for both build context and dockerfile/,
  );
});

test('parseBuild: --push adds to an image output, or adds one', () => {
  assert.equal(build(['--push', '-t', 'a', '.']).options.outputs, [{ kind: 'image', push: true, options: image }]);
  assert.equal(build(['--push', '-t', 'a', '-o', 'type=image,compression-level=1', '.']).options.outputs, [
    { kind: 'image', push: true, options: { ...image, compressionLevel: 1 } },
  ]);
  assert.equal(build(['--push', '-t', 'a', '-o', 'dir', '.']).options.outputs, [
    { kind: 'local', dest: 'dir' },
    { kind: 'image', push: true, options: image },
  ]);
  assert.is(build(['--push', '-o', 'type=image,name=a', '.']).options.outputs?.length, 1);
  assert.match(
    messageFrom(() => build(['--push', '.'])),
    /tag is needed when pushing to registry/,
  );
  assert.match(
    messageFrom(() => build(['-o', 'type=registry', '.'])),
    /tag is needed when pushing to registry/,
  );
});

test('parseBuild: one output at most goes to standard output, and never to a terminal', () => {
  assert.is(build(['-o', '-', '.']).takesStdout, true);
  assert.is(build(['-o', 'x', '.']).takesStdout, false);
  assert.match(
    messageFrom(() => build(['-o', '-', '-o', 'type=oci,dest=-', '.'])),
    /two outputs to standard output/,
  );
  assert.match(
    messageFrom(() => build(['-o', '-', '.'], {}, true)),
    /refusing to write to console/,
  );
  assert.match(
    messageFrom(() => build(['-o', 'type=local,dest=-', '.'])),
    /type=local needs a directory/,
  );
  assert.match(
    messageFrom(() => build(['-o', 'type=oci,dest=-,tar=false', '.'])),
    /tar=false needs a directory/,
  );
});

test('parseBuild: times, insecure registries, digests in tags, annotations of several outputs', () => {
  assert.equal(build(['.'], { SOURCE_DATE_EPOCH: '9' }).options.buildArgs, { SOURCE_DATE_EPOCH: '9' });
  assert.equal(build(['--build-arg', 'SOURCE_DATE_EPOCH=1', '.'], { SOURCE_DATE_EPOCH: '9' }).options.buildArgs, {
    SOURCE_DATE_EPOCH: '1',
  });
  assert.is(build(['-o', 'type=image,source-date-epoch=3', '.']).options.timestamp, 3);
  assert.match(
    messageFrom(() => build(['--timestamp', 'now', '.'])),
    /want seconds since 1970/,
  );
  assert.equal(build(['-t', 'reg:5000/b', '-o', 'type=registry,registry.insecure=true', '.']).insecure, ['reg:5000']);
  assert.match(
    messageFrom(() => build(['-t', `a@${digest}`, '.'])),
    /a digest can not be given/,
  );
  assert.match(
    messageFrom(() => build(['-o', 'type=image,annotation.a=b', '-o', 'type=oci,dest=x', '.'])),
    /Cannot annotate one of several/,
  );
});

test('parseBuild checks what only RUN needs, and builds on', () => {
  const file = join(directory, 'token');
  assert.equal(
    build(['--secret', `id=a,src=${file}`, '--add-host', 'db:1.2.3.4', '--network=none', '--ssh', `k=${file}`, '.'])
      .options.context,
    { kind: 'directory', path: '.' },
  );
  assert.match(
    messageFrom(() => build(['--secret', 'id=a,src=/no/such', '.'])),
    /no such file/,
  );
  assert.match(
    messageFrom(() => build(['--network=bridge', '.'])),
    /invalid value for --network: "bridge"/,
  );
});

test.run();
