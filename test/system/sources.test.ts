// ADD of URLs and git repositories from servers on loopback, and the forms of COPY: the real command, its files read by tar.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { answerGit, git } from '../context/git-backend.ts';
import { reply, stopAll } from '../registry/client/peers.ts';
import { openRoom, writeFiles } from './command.ts';
import { type BuiltFiles, buildFiles, textsOf } from './files.ts';
import { serveOn } from './servers.ts';

const room = openRoom();
const inner = writeFiles(join(room.folder, 'inner'), { 'top/in.txt': 'inside\n', 'top/run.sh': '#!/bin/sh\n' });
const archive = join(room.folder, 'archive.tgz');
execFileSync('tar', ['--numeric-owner', '--owner=7', '--group=8', '-C', inner, '-czf', archive, 'top']);
const dated = { 'last-modified': 'Tue, 05 May 2020 05:05:05 GMT' };
const plain = 'hello\n';
const digest = `sha256:${createHash('sha256').update(plain).digest('hex')}`;

const web = await serveOn((asked, response) => {
  const path = new URL(asked.url ?? '/', 'http://x').pathname;
  if (path.startsWith('/git/')) return answerGit(room.folder, path.slice(4), { request: asked, response });
  if (path === '/moved.txt')
    return reply(response, 302, { headers: { location: '/files/file.txt' }, body: 'elsewhere\n' });
  if (path === '/loop') return reply(response, 302, { headers: { location: '/loop' } });
  if (path === '/archive.tgz') return reply(response, 200, { headers: dated, body: readFileSync(archive) });
  if (path === '/undated') return reply(response, 200, { body: plain });
  if (path === '/short') {
    response.writeHead(200, { 'content-length': '1000' });
    return response.write(plain, () => response.destroy());
  }
  if (path === '/gone') return reply(response, 404, { body: 'gone\n' });
  return reply(response, 200, { headers: dated, body: plain });
});

const commits = { first: '', second: '' };

test.before(() => {
  const repository = join(room.folder, 'r.git');
  mkdirSync(repository);
  git(repository, 'init', '-q', '.');
  const commit = (files: Readonly<Record<string, string>>): string => {
    writeFiles(repository, files);
    git(repository, 'add', '.');
    git(repository, 'commit', '-q', '-m', 'x');
    return git(repository, 'rev-parse', 'HEAD');
  };
  commits.first = commit({ f: 'first\n', 'sub/dir/g': 'g\n', 'run.sh': '#!/bin/sh\n' });
  git(repository, 'tag', 'v1');
  git(repository, 'checkout', '-q', '-b', 'topic');
  commit({ f: 'topic\n' });
  git(repository, 'checkout', '-q', 'trunk');
  commits.second = commit({ f: 'second\n' });
});

test.after(stopAll);

let count = 0;

/** Builds these lines on scratch over a context of these files. URL and GIT in the lines are the server's. */
function build(lines: string, files: Readonly<Record<string, string>> = {}, ...flags: string[]): Promise<BuiltFiles> {
  const text = lines
    .replaceAll('URL', web.origin)
    .replaceAll('GIT', `${web.origin}/git/r.git`)
    .replaceAll('FIRST', commits.first)
    .replaceAll('SECOND', commits.second);
  const folder = writeFiles(join(room.folder, `context${++count}`), {
    ...files,
    Dockerfile: `FROM scratch\n${text}\n`,
  });
  return buildFiles(room, [...flags, folder]);
}

const late = ['--timestamp', '2000000000'];
const file = '-rw------- 0/0 6 2020-05-05 05:05:05';

const urls: readonly (readonly [lines: string, files: Readonly<Record<string, string>>])[] = [
  ['ADD URL/file.txt /', { 'file.txt': file }],
  ['ADD URL/file.txt /name', { name: file }],
  ['ADD URL/file.txt /dir/', { 'dir/': 'drwxr-xr-x 0/0 0 2033-05-18 03:33:20', 'dir/file.txt': file }],
  ['WORKDIR /w\nADD URL/file.txt .', { 'w/': 'drwxr-xr-x 0/0 0 2033-05-18 03:33:20', 'w/file.txt': file }],
  ['ADD URL/a/b%20c?x=1#y /', { 'b c': file }],
  ['ADD URL/ /', { __unnamed__: file }],
  ['ADD URL /', { __unnamed__: file }],
  ['ADD URL/dir/ /', { __unnamed__: file }],
  ['ADD URL/moved.txt /', { 'moved.txt': file }],
  ['ADD URL/undated /', { undated: '-rw------- 0/0 6 1970-01-01 00:00:00' }],
  ['ADD --chmod=750 --chown=5:6 URL/file.txt /', { 'file.txt': '-rwxr-x--- 5/6 6 2020-05-05 05:05:05' }],
  ['ADD --link URL/file.txt /', { 'file.txt': file }],
  [`ADD --checksum=${digest} URL/file.txt /`, { 'file.txt': file }],
  [`ARG SUM=${digest}\nADD --checksum=$SUM URL/file.txt /`, { 'file.txt': file }],
  ['ADD ["URL/file.txt", "URL/other", "/"]', { 'file.txt': file, other: file }],
];
for (const [lines, want] of urls) {
  test(lines.replaceAll('\n', '; '), async () => {
    const { ran, files } = await build(lines, {}, ...late);
    assert.is(ran.code, 0, ran.stderr);
    const seen = Object.fromEntries([...files].map(([path, { line }]) => [path, line]));
    assert.equal(seen, want);
    for (const [path, { line, content }] of files) if (line === file) assert.is(content, plain, path);
  });
}

test('ADD URL/archive.tgz: a file, and with --unpack=true what is in it', async () => {
  const kept = await build('ADD URL/archive.tgz /');
  assert.equal([...kept.files.keys()], ['archive.tgz']);
  const unpacked = await build('ADD --unpack=true URL/archive.tgz /to/');
  assert.equal(textsOf(unpacked), { 'to/top/in.txt': 'inside\n', 'to/top/run.sh': '#!/bin/sh\n' });
  assert.match(unpacked.files.get('to/top/run.sh')?.line ?? '', /^-rwxr-xr-x 7\/8 /);
});

const failures: readonly (readonly [lines: string, message: RegExp])[] = [
  ['ADD URL/gone /', /invalid response status 404/],
  ['ADD URL/loop /', /redirect/],
  ['ADD URL/short /', /it ended after 6 bytes of 1000/],
  [`ADD --checksum=sha256:${'0'.repeat(64)} URL/file.txt /`, /digest mismatch for http:.*file\.txt: sha256:5891b5b522/],
  ['ADD --checksum=md5:d41d8cd98f00b204e9800998ecf8427e URL/file.txt /', /checksum "md5:/],
  ['ADD --checksum=sha256:abc URL/file.txt /', /checksum "sha256:abc"/],
  [`ADD --checksum=${digest} URL/file.txt URL/other /`, /checksum can't be specified for multiple sources/],
  [`ADD --checksum=${digest} Dockerfile /`, /checksum requires HTTP\(S\) or Git sources/],
  ['COPY URL/file.txt /', /source can't be a URL for COPY/],
  ['COPY GIT /', /source can't be a git ref for COPY/],
  ['ADD GIT#none /', /repository does not contain ref none/],
  ['ADD GIT#:none /', /invalid subdir none/],
  ['ADD --checksum=0123 GIT /', /expected checksum to match 0123, got/],
  ['ADD --checksum=sha256:12 GIT /', /invalid checksum "sha256:12" for Git URL, expected hex commit hash/],
  ['ADD GIT?branch=topic&tag=v1 /', /branch conflicts with tag/],
  ['ADD --keep-git-dir=true GIT?keep-git-dir=false /', /inconsistent keep-git-dir configuration/],
];
for (const [lines, want] of failures) {
  test(`${lines}: an error with its line`, async () => {
    const { ran } = await build(lines);
    assert.ok(ran.code !== 0, 'it did not fail');
    assert.match(ran.stderr, want);
    assert.match(ran.stderr, />>> (?:ADD|COPY) /);
    assert.not.match(ran.stderr, /\n\s+at /);
    assert.is(ran.stdout, '');
  });
}

const repositories: readonly (readonly [lines: string, texts: Readonly<Record<string, string>>])[] = [
  ['ADD GIT /', { f: 'second\n', 'run.sh': '#!/bin/sh\n', 'sub/dir/g': 'g\n' }],
  ['ADD GIT#topic:sub /to', { 'to/dir/g': 'g\n' }],
  ['ADD --exclude=sub --exclude=*.sh GIT#topic /', { f: 'topic\n' }],
  ['ADD --exclude=sub --exclude=*.sh GIT?tag=v1 /x/', { 'x/f': 'first\n' }],
  ['ADD --exclude=sub --exclude=*.sh GIT#FIRST /', { f: 'first\n' }],
  ['ADD --exclude=sub --exclude=*.sh --checksum=FIRST GIT#v1 /', { f: 'first\n' }],
  ['ARG R=topic\nADD --exclude=sub --exclude=*.sh GIT#$R /', { f: 'topic\n' }],
];
for (const [lines, want] of repositories) {
  test(lines.replaceAll('\n', '; '), async () => {
    const built = await build(lines);
    assert.is(built.ran.code, 0, built.ran.stderr);
    assert.equal(textsOf(built), want);
    const script = built.files.get('run.sh');
    if (script !== undefined) assert.is(script.line, '-rwxr-xr-x 0/0 10 1970-01-01 00:00:00');
  });
}

test('ADD of git: the directory .git stays with --keep-git-dir, and with the same in the URL', async () => {
  for (const lines of ['ADD --keep-git-dir=true GIT /', 'ADD --keep-git-dir GIT /', 'ADD GIT?keep-git-dir=1 /']) {
    const { ran, files } = await build(lines);
    assert.is(ran.code, 0, ran.stderr);
    assert.is(files.get('.git/HEAD')?.content, 'ref: refs/heads/trunk\n', lines);
  }
});

const tree = {
  'a/b/one.txt': '1\n',
  'a/b/two.md': '2\n',
  'a/c/three.txt': '3\n',
  'd/four.txt': '4\n',
  'run.sh': '#!/bin/sh\n',
};
const copies: readonly (readonly [lines: string, texts: Readonly<Record<string, string>>])[] = [
  ['COPY --parents a/*/*.txt /to/', { 'to/a/b/one.txt': '1\n', 'to/a/c/three.txt': '3\n' }],
  ['COPY --parents a/./b/one.txt d/four.txt /to/', { 'to/b/one.txt': '1\n', 'to/d/four.txt': '4\n' }],
  ['COPY --parents --exclude=**/*.md a /', { 'a/b/one.txt': '1\n', 'a/c/three.txt': '3\n' }],
  ['COPY --parents **/*.md /', { 'a/b/two.md': '2\n' }],
  ['COPY --exclude=*/b --exclude=Dockerfile --exclude=run.sh . /', { 'a/c/three.txt': '3\n', 'd/four.txt': '4\n' }],
  ['COPY --link a/b/ d/four.txt /to/', { 'to/four.txt': '4\n', 'to/one.txt': '1\n', 'to/two.md': '2\n' }],
  ['COPY ?/[bc]/t*.md /to/', { 'to/two.md': '2\n' }],
  ['COPY <<one <<-"two" /to/\nx$NONE\none\n\ty$Z\ntwo', { 'to/one': 'x\n', 'to/two': 'y$Z\n' }],
  ['COPY --chmod=u=rwx,go= <<E run.sh /to/\nx\nE', { 'to/E': 'x\n', 'to/run.sh': '#!/bin/sh\n' }],
  ['ADD --link d /d', { 'd/four.txt': '4\n' }],
];
for (const [lines, want] of copies) {
  test(lines.replaceAll('\n', '; '), async () => {
    const built = await build(lines, tree);
    assert.is(built.ran.code, 0, built.ran.stderr);
    assert.equal(textsOf(built), want);
  });
}

test.run();
