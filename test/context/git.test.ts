// Checkouts from a real `git http-backend` on loopback: refs, subdirs, submodules, checksums, and what is refused.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CheckoutOptions, checkoutGit } from '../../src/context/git.ts';
import { type GitSource, parseGitUrl } from '../../src/context/git-url.ts';
import { isError } from '../../src/errors.ts';
import { answerGit, git } from './git-backend.ts';

const scratch = mkdtempSync(join(tmpdir(), 'wherry-git-'));
const repositories = join(scratch, 'repositories');
const credentials = 'Basic dTpw';
const server = createServer(serveGit);
let origin = '';
let count = 0;

/** What is below /private wants credentials. */
function serveGit(request: IncomingMessage, response: ServerResponse): void {
  const path = new URL(request.url ?? '/', 'http://localhost').pathname;
  if (path.startsWith('/private') && request.headers.authorization !== credentials)
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  else answerGit(repositories, path.replace('/private', ''), { request, response });
}

function repository(name: string, ...init: string[]): string {
  const dir = join(repositories, name);
  mkdirSync(dir, { recursive: true });
  git(dir, 'init', '-q', ...init, '.');
  return dir;
}

function commit(dir: string, files: Readonly<Record<string, string>>): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), text, { mode: path.endsWith('.sh') ? 0o755 : 0o600 });
  }
  git(dir, 'add', '.');
  git(dir, 'commit', '-q', '-m', 'x');
  return git(dir, 'rev-parse', 'HEAD');
}

/** Adds a repository on disk (this process serves the others, and cannot while it waits), under another URL. */
function addSubmodule(dir: string, from: string, url: string): void {
  const name = from.slice(from.lastIndexOf('/') + 1).replace('.git', '');
  git(dir, 'submodule', '--quiet', 'add', `file://${from}`, name);
  git(dir, 'config', '-f', '.gitmodules', `submodule.${name}.url`, url);
}

const commits = { first: '', second: '', other: '', tagged: '' };

test.before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const dir = repository('r.git');
  commits.first = commit(dir, { f: 'first', 'sub/dir/g': 'g', 'run.sh': '#!/bin/sh\n' });
  git(dir, 'tag', 'v1');
  git(dir, 'tag', 'both');
  git(dir, 'checkout', '-q', '-b', 'other');
  symlinkSync('sub', join(dir, 'link'));
  symlinkSync('/etc', join(dir, 'etc'));
  commits.other = commit(dir, { f: 'other' });
  git(dir, 'branch', 'both');
  git(dir, 'checkout', '-q', 'trunk');
  commits.second = commit(dir, { f: 'second' });
  git(dir, 'tag', '-a', '-m', 'annotated', 'v2');
  commits.tagged = git(dir, 'rev-parse', 'v2');
});

test.after(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(scratch, { recursive: true, force: true });
});

interface Found {
  readonly root: string;
  readonly commit: string;
  readonly f: string | undefined;
}

async function checkout(suffix: string, options: Partial<CheckoutOptions> = {}, path = '/r.git'): Promise<Found> {
  const source = parseGitUrl(`${origin}${path}${suffix}`);
  if (source === undefined) throw new Error(`${suffix} is no git URL`);
  return open(source, options);
}

async function open(source: GitSource, options: Partial<CheckoutOptions> = {}): Promise<Found> {
  const { root, commit: found } = await checkoutGit(source, join(scratch, `out${++count}`), {
    signal: new AbortController().signal,
    ...options,
  });
  return { root, commit: found, f: existsSync(join(root, 'f')) ? readFileSync(join(root, 'f'), 'utf8') : undefined };
}

test('checkoutGit: default branch, branches, tags, commits', async () => {
  for (const [suffix, content, expected] of [
    ['', 'second', commits.second],
    ['#trunk', 'second', commits.second],
    ['#other', 'other', commits.other],
    ['#refs/heads/other', 'other', commits.other],
    ['#heads/other', 'other', commits.other],
    ['?branch=other', 'other', commits.other],
    ['#v1', 'first', commits.first],
    ['?tag=v1', 'first', commits.first],
    ['#v2', 'second', commits.second],
    ['#both', 'other', commits.other],
    ['?tag=both', 'first', commits.first],
    [`#${commits.first}`, 'first', commits.first],
    [`#${commits.second}`, 'second', commits.second],
    [`?commit=${commits.second}`, 'second', commits.second],
    [`?commit=${commits.first}&fetch-by-commit`, 'first', commits.first],
  ] as const) {
    const found = await checkout(suffix);
    assert.is(found.f, content, suffix);
    assert.is(found.commit, expected, suffix);
    assert.not(existsSync(join(found.root, '.git')), suffix);
  }
});

test('checkoutGit: modes 644 and 755 and the time of the commit, whatever the umask', async () => {
  const before = process.umask(0o077);
  try {
    const { root } = await checkout('');
    assert.is(lstatSync(join(root, 'f')).mode & 0o7777, 0o644);
    assert.is(lstatSync(join(root, 'run.sh')).mode & 0o7777, 0o755);
    for (const path of ['', 'sub', 'sub/dir']) assert.is(lstatSync(join(root, path)).mode & 0o7777, 0o755, path);
    for (const path of ['', 'f', 'sub/dir']) assert.is(lstatSync(join(root, path)).mtimeMs, 1600000000_000, path);
  } finally {
    process.umask(before);
  }
  const { root } = await checkout('?mtime=checkout');
  assert.ok(lstatSync(join(root, 'f')).mtimeMs > 1700000000_000);
});

test('checkoutGit: a subdir, which must be inside', async () => {
  const { root } = await checkout('#:sub/dir', { keepGitDir: true });
  assert.ok(existsSync(join(root, 'g')));
  assert.not(existsSync(join(root, '.git')));
  for (const suffix of ['#:nope', '#:f', '#other:link/dir', '#other:etc', '#:.git'])
    await fails(checkout(suffix), 'SOURCE_NOT_FOUND', /subdir/);
});

test('checkoutGit: keepGitDir leaves a repository that is clean', async () => {
  for (const suffix of ['', '#other', '#v1', '#v2', `#${commits.first}`]) {
    const { root, commit: found } = await checkout(suffix, { keepGitDir: true });
    assert.is(git(root, 'status', '--porcelain'), '', suffix);
    assert.is(git(root, 'rev-parse', 'HEAD'), found);
    assert.is(git(root, 'remote', 'get-url', 'origin'), `${origin}/r.git`);
  }
  assert.is(git((await checkout('#other', { keepGitDir: true })).root, 'branch', '--show-current'), 'other');
  assert.ok(existsSync(join((await checkout('?keep-git-dir')).root, '.git')));
});

test('checkoutGit: checksums', async () => {
  for (const [suffix, checksum] of [
    ['', commits.second],
    ['', commits.second.slice(0, 7)],
    ['#v2', commits.tagged],
    ['#v2', commits.second.slice(0, 12)],
    [`#${commits.first}`, commits.first],
  ] as const)
    await checkout(suffix, { checksum });
  await fails(checkout('', { checksum: commits.first }), 'CHECKSUM_MISMATCH', /expected checksum to match/);
  await fails(
    checkout(`#${commits.first}`, { checksum: commits.second }),
    'CHECKSUM_MISMATCH',
    /expected checksum to match/,
  );
  await fails(checkout('?commit=0123', {}), 'CHECKSUM_MISMATCH', /expected checksum to match/);
  await fails(
    checkout('', { checksum: 'main' }),
    'ARGUMENT_INVALID',
    /invalid checksum "main" for Git URL, expected hex commit hash/,
  );
  await fails(checkout('?commit=abc', { checksum: 'abd' }), 'ARGUMENT_INVALID', /checksum mismatch/);
});

test('checkoutGit: what is not there', async () => {
  await fails(checkout('#nope'), 'SOURCE_NOT_FOUND', /repository does not contain ref nope/);
  await fails(checkout(`#${commits.first.slice(0, 10)}`), 'SOURCE_NOT_FOUND', /does not contain ref/);
  await fails(checkout(`#${'0'.repeat(39)}1`), 'SOURCE_NOT_FOUND', /does not contain ref/);
  await fails(checkout('', {}, '/nope.git'), 'DOWNLOAD_FAILED', /Cannot fetch "http:.*\/nope\.git"/);
});

test('checkoutGit: no text becomes an option, and no local path is read through a URL', async () => {
  for (const ref of ['--upload-pack=touch x', '-x', 'a..b', 'a b', 'a*', 'x\ny', '@{1}'])
    await fails(open({ remote: `${origin}/r.git`, ref }), 'ARGUMENT_INVALID', /invalid git ref/);
  await fails(open({ remote: '--upload-pack=x' }), 'ARGUMENT_INVALID', /invalid git remote/);
  await fails(open({ remote: 'ext::sh -c true' }), 'DOWNLOAD_FAILED', /not allowed/);
});

test('checkoutGit: credentials go to their host, and never into a message', async () => {
  assert.is((await checkout('', { authorization: credentials }, '/private/r.git')).f, 'second');
  await fails(checkout('', {}, '/private/r.git'), 'DOWNLOAD_FAILED', /Cannot fetch/, /ssh URL/);
  const withPassword = origin.replace('//', '//u:hunter2@');
  try {
    await open({ remote: `${withPassword}/private/r.git` });
    assert.unreachable();
  } catch (error) {
    assert.ok(isError(error));
    assert.not.match(`${error.message}${error.hint}${String(error.cause)}${error.stack}`, 'hunter2');
  }
  const { root } = await open({ remote: `${origin.replace('//', '//u:p@')}/private/r.git` }, { keepGitDir: true });
  assert.not.match(readFileSync(join(root, '.git/config'), 'utf8'), 'u:p');
});

test('checkoutGit: submodules, recursively, and not those on the local disk', async () => {
  const inner = repository('inner.git');
  commit(inner, { deep: 'deep' });
  const middle = repository('middle.git');
  addSubmodule(middle, inner, '../inner.git');
  commit(middle, { mid: 'mid' });
  const outer = repository('outer.git');
  addSubmodule(outer, middle, `${origin}/middle.git`);
  commit(outer, { f: 'outer' });
  const { root } = await checkout('', {}, '/outer.git');
  assert.is(readFileSync(join(root, 'middle/inner/deep'), 'utf8'), 'deep');
  assert.not(existsSync(join(root, 'middle/.git')));
  assert.not(existsSync(join((await checkout('?submodules=false', {}, '/outer.git')).root, 'middle/mid')));
  git(outer, 'config', '-f', '.gitmodules', 'submodule.middle.url', `file://${middle}`);
  commit(outer, { f: 'evil' });
  await fails(checkout('', {}, '/outer.git'), 'DOWNLOAD_FAILED', /transport 'file' not allowed/);
});

test('checkoutGit: repositories with sha256 objects', async () => {
  const dir = repository('sha256.git', '--object-format=sha256');
  const found = commit(dir, { f: 'sha256' });
  assert.is(found.length, 64);
  assert.is((await checkout('', {}, '/sha256.git')).commit, found);
  assert.is((await checkout(`#${found}`, {}, '/sha256.git')).f, 'sha256');
});

test('checkoutGit: stops when it is aborted; says so when git is not there', async () => {
  await fails(checkout('', { signal: AbortSignal.abort() }), 'ABORTED', /Interrupted/);
  const path = process.env['PATH'];
  process.env['PATH'] = join(scratch, 'nowhere');
  try {
    await fails(checkout(''), 'DOWNLOAD_FAILED', /the "git" command is not there/, /Install git/);
  } finally {
    process.env['PATH'] = path;
  }
});

async function fails(promise: Promise<unknown>, code: string, message: RegExp, hint?: RegExp): Promise<void> {
  try {
    await promise;
  } catch (error) {
    assert.ok(isError(error), String(error));
    assert.is(error.code, code, error.message);
    assert.match(error.message, message);
    if (hint !== undefined) assert.match(error.hint ?? '', hint);
    return;
  }
  assert.unreachable(`want ${code}`);
}

test.run();
