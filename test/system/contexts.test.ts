// Contexts from everywhere (standard input, http, git, named ones), Dockerfiles beside and outside of them, and which ignore
// file counts: the real command, its files read by tar.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { answerGit, git } from '../context/git-backend.ts';
import { dockerRegistry } from '../registry/client/docker-registry.ts';
import { reply, stopAll } from '../registry/client/peers.ts';
import { openRoom, writeFiles } from './command.ts';
import { buildFiles, textsOf } from './files.ts';
import { serveOn } from './servers.ts';

const room = openRoom();
const registry = await dockerRegistry({ kind: 'anonymous' });
const all = 'FROM scratch\nCOPY . /\n';
const files = { Dockerfile: all, 'other/Dockerfile': 'FROM scratch\nCOPY a /other\n', a: 'a\n', 'd/b': 'b\n' };
const context = writeFiles(join(room.folder, 'context'), files);
const tars = join(room.folder, 'tars');
mkdirSync(tars);
const compressions = { tar: '', 'tar.gz': '--gzip', 'tar.bz2': '--bzip2', 'tar.xz': '--xz', 'tar.zst': '--zstd' };
for (const [name, flag] of Object.entries(compressions))
  execFileSync('tar', ['-C', context, ...(flag === '' ? [] : [flag]), '-cf', join(tars, `context.${name}`), '.']);

const web = await serveOn((asked, response) => {
  const path = new URL(asked.url ?? '/', 'http://x').pathname;
  if (path.startsWith('/git/')) return answerGit(room.folder, path.slice(4), { request: asked, response });
  if (path === '/lone') return reply(response, 200, { body: 'FROM scratch\nCOPY <<x /\nlone\nx\n' });
  if (path === '/moved') return reply(response, 301, { headers: { location: '/context.tar.gz' } });
  if (path.startsWith('/context.')) return reply(response, 200, { body: readFileSync(join(tars, path.slice(1))) });
  return reply(response, 404);
});

async function prepare(): Promise<void> {
  const repository = join(room.folder, 'r.git');
  git(room.folder, 'init', '-q', 'r.git');
  const commit = (changed: Readonly<Record<string, string>>): void => {
    writeFiles(repository, changed);
    git(repository, 'add', '.');
    git(repository, 'commit', '-q', '-m', 'x');
  };
  commit(files);
  git(repository, 'checkout', '-q', '-b', 'topic');
  commit({ 'd/Dockerfile': 'FROM scratch\nCOPY b /from-topic\n', '.dockerignore': 'a\n' });
  git(repository, 'checkout', '-q', 'trunk');
  const base = ['build', '--platform', 'linux/amd64', '-t', `${registry.host}/named/base:1`, '--push', '-'];
  await room.must(base, { input: 'FROM scratch\nCOPY <<base /\nthe base\nbase\n' });
  const layout = ['build', '--platform', 'linux/amd64', '-t', 'x/y:v1', '-o', `type=oci,tar=false,dest=${tars}/layout`];
  await room.must([...layout, '-'], { input: 'FROM scratch\nCOPY <<laid /\nlaid out\nlaid\n' });
}

await prepare();
test.after(stopAll);

interface Case {
  /** URL, TARS, CONTEXT and REGISTRY stand for what they name. */
  readonly args: string;
  readonly input?: string | Buffer;
  readonly files?: Readonly<Record<string, string>>;
  readonly error?: RegExp;
}

const without = (...paths: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(files).filter(([path]) => !paths.includes(path)));

const lone = 'FROM scratch\nCOPY <<x /\nlone\nx\n';
const cases: readonly Case[] = [
  ...Object.keys(compressions).map((name) => ({
    args: '-',
    input: readFileSync(join(tars, `context.${name}`)),
    files,
  })),
  { args: '-f other/Dockerfile -', input: readFileSync(join(tars, 'context.tar.gz')), files: { other: 'a\n' } },
  { args: '-f none -', input: readFileSync(join(tars, 'context.tar')), error: /open none: no such file/ },
  { args: '-', input: lone, files: { x: 'lone\n' } },
  { args: '-', input: 'FROM scratch\nCOPY a /\n', error: /"\/a": not found/ },
  { args: '-', input: '', error: /the Dockerfile cannot be empty/ },
  { args: '-f x -', input: lone, error: /the context is itself a lone Dockerfile/ },
  { args: '-f - -', input: lone, error: /can't use stdin for both build context and dockerfile/ },
  {
    args: '-',
    input: readFileSync(join(tars, 'context.tar.gz')).subarray(0, 150),
    error: /Cannot decompress|ends early|unexpected end|truncated/,
  },
  { args: 'URL/context.tar', files },
  { args: 'URL/context.tar.xz', files },
  { args: 'URL/moved', files },
  { args: '-f other/Dockerfile URL/context.tar.gz', files: { other: 'a\n' } },
  { args: 'URL/lone', files: { x: 'lone\n' } },
  { args: 'URL/none', error: /invalid response status 404/ },
  { args: 'URL/git/r.git', files },
  { args: 'URL/git/r.git#topic:d', files: { 'from-topic': 'b\n' } },
  { args: 'URL/git/r.git?branch=topic&subdir=d', files: { 'from-topic': 'b\n' } },
  { args: '-f d/Dockerfile URL/git/r.git#topic:.', error: /"\/b": not found/ },
  { args: '-f other/Dockerfile URL/git/r.git', files: { other: 'a\n' } },
  { args: 'URL/git/r.git#none', error: /repository does not contain ref none/ },
  { args: 'URL/git/none.git', error: /Cannot fetch ".*none\.git"/ },
  { args: '-f - CONTEXT', input: 'FROM scratch\nCOPY d /\n', files: { b: 'b\n' } },
  { args: '-f URL/lone CONTEXT', files: { x: 'lone\n' } },
  { args: '-f CONTEXT/other/Dockerfile CONTEXT', files: { other: 'a\n' } },
  { args: 'CONTEXT/none', error: /path ".*none" not found/ },
  { args: 'CONTEXT/a', error: /"[^"]*a" is not a directory/ },
  {
    args: '--build-context base=docker-image://REGISTRY/named/base:1 -',
    input: 'FROM base\n',
    files: { base: 'the base\n' },
  },
  {
    args: '--build-context b=docker-image://REGISTRY/named/base:1 -',
    input: 'FROM scratch\nCOPY --from=b base /x\n',
    files: { x: 'the base\n' },
  },
  {
    args: '--build-context docker.io/library/debian:12=docker-image://REGISTRY/named/base:1 -',
    input: 'FROM debian:12\n',
    files: { base: 'the base\n' },
  },
  { args: '--build-context l=oci-layout://TARS/layout:v1 -', input: 'FROM l\n', files: { laid: 'laid out\n' } },
  {
    args: '--build-context l=oci-layout://TARS/layout:v1 -',
    input: 'FROM scratch\nCOPY --from=l / /in/\n',
    files: { 'in/laid': 'laid out\n' },
  },
  { args: '--build-context l=oci-layout://TARS/layout:v2 -', input: 'FROM l\n', error: /v2/ },
  { args: '--build-context p=CONTEXT -', input: 'FROM scratch\nCOPY --from=p d /\n', files: { b: 'b\n' } },
  { args: '--build-context p=CONTEXT -', input: 'FROM p\n', files },
  { args: '--build-context s=CONTEXT -', input: 'FROM none.example/x AS s\nFROM s\n', files },
  {
    args: '--build-context s=CONTEXT -',
    input: 'FROM none.example/x AS s\nFROM scratch\nCOPY --from=s a /\n',
    files: { a: 'a\n' },
  },
  {
    args: '--build-context g=URL/git/r.git#topic:d -',
    input: 'FROM scratch\nCOPY --from=g b /\n',
    files: { b: 'b\n' },
  },
  { args: '--build-context t=URL/context.tar.gz -', input: 'FROM scratch\nCOPY --from=t d /\n', files: { b: 'b\n' } },
  { args: '--build-context unused=URL/none -', input: lone, files: { x: 'lone\n' } },
  {
    args: '--build-context t=URL/none -',
    input: 'FROM scratch\nCOPY --from=t d /\n',
    error: /invalid response status 404/,
  },
];

for (const { args, input, files: want, error } of cases) {
  test(`build ${args}${input === undefined || Buffer.isBuffer(input) ? '' : ` < ${JSON.stringify(input)}`}`, async () => {
    const words = args
      .replaceAll('URL', web.origin)
      .replaceAll('TARS', tars)
      .replaceAll('CONTEXT', context)
      .replaceAll('REGISTRY', registry.host)
      .split(' ');
    const built = await buildFiles(room, words, input === undefined ? {} : { input });
    if (error === undefined) {
      assert.is(built.ran.code, 0, built.ran.stderr);
      assert.equal(sorted(textsOf(built)), sorted(want ?? {}));
    } else {
      assert.ok(built.ran.code !== 0, 'it did not fail');
      assert.match(built.ran.stderr, error);
      assert.not.match(built.ran.stderr, /\n\s+at /);
    }
  });
}

function sorted(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

test('build -f outside of the context: its own .dockerignore counts, else that of the context', async () => {
  const ignoring = writeFiles(join(room.folder, 'ignoring'), { ...files, '.dockerignore': 'other\n*.sh\n' });
  const outside = writeFiles(join(room.folder, 'outside'), {
    'plain/Dockerfile': all,
    'web/Dockerfile': all,
    'web/Dockerfile.dockerignore': 'd\nother\nDockerfile\n',
  });
  const plain = await buildFiles(room, ['-f', join(outside, 'plain/Dockerfile'), ignoring]);
  assert.equal(textsOf(plain), { ...without('other/Dockerfile'), '.dockerignore': 'other\n*.sh\n' });
  const own = await buildFiles(room, ['-f', join(outside, 'web/Dockerfile'), ignoring]);
  assert.equal(textsOf(own), { a: 'a\n', '.dockerignore': 'other\n*.sh\n' });
  const piped = await buildFiles(room, ['-f', '-', ignoring], { input: all });
  assert.equal(Object.keys(textsOf(piped)).sort(), ['.dockerignore', 'Dockerfile', 'a', 'd/b']);
});

test('build --build-context DIR: that directory has an ignore file of its own', async () => {
  const named = writeFiles(join(room.folder, 'named'), {
    '.dockerignore': 'no\n.dockerignore\n',
    no: 'no\n',
    yes: 'yes\n',
  });
  const built = await buildFiles(room, ['--build-context', `n=${named}`, '-'], {
    input: 'FROM scratch\nCOPY --from=n . /\n',
  });
  assert.equal(textsOf(built), { yes: 'yes\n' });
});

test.run();
