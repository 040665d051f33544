// `wherry registry serve`: raw requests, skopeo and wherry itself against the running command.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { atEnd, stopAll } from '../registry/client/peers.ts';
import { must, openRoom } from './command.ts';

const room = openRoom();

interface Served {
  readonly url: string;
  readonly host: string;
  /** Ends it as a user does; resolves to its exit status. */
  stop(): Promise<number | null>;
}

/** Starts the command on a free port; resolves when it says where it listens. */
async function serve(...args: readonly string[]): Promise<Served> {
  const child = spawn(
    process.execPath,
    [resolve('dist/src/cli/main.js'), 'registry', 'serve', '--addr', '127.0.0.1:0', ...args],
    { env: { PATH: process.env['PATH'], HOME: room.folder }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = new Promise<number | null>((done) => child.once('close', done));
  atEnd(() => child.kill('SIGKILL'));
  const url = await new Promise<string>((done, fail) => {
    child.stdout.once('data', (line: Buffer) => done(line.toString().trim()));
    child.once('close', (code) => fail(new Error(`registry serve ended with ${code}`)));
  });
  const stop = (): typeof ended => {
    child.kill('SIGINT');
    return ended;
  };
  return { url, host: url.replace('http://', ''), stop };
}

const root = join(room.folder, 'root');
const served = await serve('--root', root);

test.after(stopAll);

const digestOf = (bytes: string): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

async function ask(
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const url = path.startsWith('http') ? path : `${served.url}${path}`;
  return fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
}

async function json<T>(path: string): Promise<T> {
  return (await (await ask('GET', path)).json()) as T;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const bytes = { 'content-type': 'application/octet-stream' };

function manifest(config: string, more: Readonly<Record<string, unknown>> = {}): string {
  const blob = { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf(config), size: config.length };
  return JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config: blob, layers: [], ...more });
}

test('blobs: monolithic, in chunks, mounted; read back whole and in part', async () => {
  const start = await ask('POST', '/v2/a/b/blobs/uploads/');
  assert.is(start.status, 202);
  const at = new URL(start.headers.get('location') ?? '', served.url);
  at.searchParams.set('digest', digestOf('{}'));
  assert.is((await ask('PUT', at.href, '{}', bytes)).status, 201);

  const text = 'in three chunks';
  let location = (await ask('POST', '/v2/a/b/blobs/uploads/')).headers.get('location') ?? '';
  for (const [from, to] of [
    [0, 5],
    [5, 11],
  ] as const) {
    const patched = await ask('PATCH', new URL(location, served.url).href, text.slice(from, to), {
      ...bytes,
      'content-range': `${from}-${to - 1}`,
    });
    assert.is(patched.status, 202);
    assert.is(patched.headers.get('range'), `0-${to - 1}`);
    location = patched.headers.get('location') ?? '';
  }
  const last = new URL(location, served.url);
  const early = await ask('PATCH', last.href, 'x', { ...bytes, 'content-range': '3-3' });
  assert.is(early.status, 416);
  last.searchParams.set('digest', digestOf(text));
  assert.is((await ask('PUT', last.href, text.slice(11), { ...bytes, 'content-range': '11-14' })).status, 201);

  const blob = `/v2/a/b/blobs/${digestOf(text)}`;
  assert.is(await (await ask('GET', blob)).text(), text);
  assert.is(await (await ask('GET', blob, undefined, { range: 'bytes=3-7' })).text(), 'three');
  assert.is((await ask('HEAD', blob)).headers.get('content-length'), '15');
  assert.is((await ask('HEAD', `/v2/c/d/blobs/${digestOf(text)}`)).status, 404);
  assert.is((await ask('POST', `/v2/c/d/blobs/uploads/?mount=${digestOf(text)}&from=a/b`)).status, 201);
  assert.is((await ask('HEAD', `/v2/c/d/blobs/${digestOf(text)}`)).status, 200);
  const wrong = await ask('POST', `/v2/a/b/blobs/uploads/?digest=${digestOf('other')}`, 'wrong', bytes);
  assert.is(wrong.status, 400);
  assert.match(await wrong.text(), /DIGEST_INVALID/);
});

test('manifests, tags, catalog, referrers, and deletes', async () => {
  const subject = manifest('{}');
  const put = (name: string, text: string): Promise<Response> =>
    ask('PUT', `/v2/a/b/manifests/${name}`, text, { 'content-type': manifestType });
  assert.is((await put('v1', subject)).status, 201);
  assert.is((await put('v2', subject)).status, 201);
  assert.is((await put('none', manifest('not there'))).status, 404);
  const size = Buffer.byteLength(subject);
  const more = { subject: { mediaType: manifestType, digest: digestOf(subject), size }, artifactType: 'text/x' };
  const referring = manifest('{}', more);
  const answered = await put(digestOf(referring), referring);
  assert.is(answered.headers.get('oci-subject'), digestOf(subject));
  assert.equal(await json('/v2/a/b/tags/list'), { name: 'a/b', tags: ['v1', 'v2'] });
  assert.equal(await json('/v2/a/b/tags/list?n=1&last=v1'), { name: 'a/b', tags: ['v2'] });
  assert.ok((await json<{ repositories: string[] }>('/v2/_catalog')).repositories.includes('a/b'));
  const list = await json<{ manifests: { digest: string; artifactType: string }[] }>(
    `/v2/a/b/referrers/${digestOf(subject)}`,
  );
  assert.equal(
    list.manifests.map(({ digest, artifactType }) => [digest, artifactType]),
    [[digestOf(referring), 'text/x']],
  );
  assert.is((await ask('DELETE', '/v2/a/b/manifests/v2')).status, 202);
  assert.equal(await json('/v2/a/b/tags/list'), { name: 'a/b', tags: ['v1'] });
  assert.is((await ask('DELETE', `/v2/a/b/manifests/${digestOf(referring)}`)).status, 202);
  assert.is((await ask('GET', `/v2/a/b/manifests/${digestOf(referring)}`)).status, 404);
});

const insecure = ['--src-tls-verify=false', '--dest-tls-verify=false'];

test('wherry build pushes, skopeo copies there and back; the root is a layout; a second start finds it all', async () => {
  const name = `${served.host}/team/app:1`;
  const pushed = await room.must(['build', '--platform', 'linux/amd64', '--push', '-t', name, '-'], {
    input: 'FROM scratch\nCOPY <<file /\nserved\nfile\n',
  });
  const copy = `docker://${served.host}/team/copy:1`;
  await must(['skopeo', 'copy', '-q', ...insecure, `docker://${name}`, copy]);
  assert.match(await must(['skopeo', 'list-tags', '--tls-verify=false', `docker://${served.host}/team/copy`]), /"1"/);
  await must(['skopeo', 'delete', '--tls-verify=false', copy]);
  assert.is(await served.stop(), 0);
  assert.ok(readdirSync(root).includes('index.json'));
  const again = await serve('--root', root, '--read-only');
  const seen = `docker://${again.host}/team/app:1`;
  assert.is(
    (await must(['skopeo', 'inspect', '--tls-verify=false', '--format', '{{.Digest}}', seen])).trim(),
    pushed.split('@')[1],
  );
  const refused = await room.wherry(['copy', `${again.host}/team/app:1`, `docker://${again.host}/team/new:1`]);
  assert.ok(refused.code !== 0);
  assert.match(refused.stderr, /read-only|DENIED|UNSUPPORTED|denied/i);
  await again.stop();
});

test('--htpasswd: nothing without a password; wherry login, skopeo --creds', async () => {
  const path = join(room.folder, 'users');
  writeFileSync(path, await must(['htpasswd', '-Bbn', 'sailor', 'a:b']));
  const closed = await serve('--root', join(room.folder, 'closed'), '--htpasswd', path);
  assert.is((await fetch(`${closed.url}/v2/`)).status, 401);
  const name = `${closed.host}/team/app:1`;
  const build = (): ReturnType<typeof room.wherry> =>
    room.wherry(['build', '--platform', 'linux/amd64', '--push', '-t', name, '-'], {
      input: 'FROM scratch\nENV A=1\n',
    });
  assert.is((await build()).code, 4);
  await room.must(['login', '-u', 'sailor', '--password-stdin', closed.host], { input: 'a:b\n' });
  const pushed = await build();
  assert.is(pushed.code, 0, pushed.stderr);
  await must(['skopeo', 'inspect', '--creds', 'sailor:a:b', '--tls-verify=false', `docker://${name}`]);
  assert.is(await closed.stop(), 0);
});

const refusals: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [['--addr', 'nonsense'], /Cannot listen on "nonsense"/],
  [['--addr', '127.0.0.1:99999'], /Cannot listen on/],
  [['--addr', '127.0.0.1:0', '--htpasswd', '/none'], /\/none/],
  [['--addr', '127.0.0.1:0', '--root', '/dev/null/x'], /\/dev\/null\/x/],
];
for (const [args, want] of refusals) {
  test(`registry serve ${args.join(' ')}: refused`, async () => {
    const ran = await room.wherry(['registry', 'serve', '--root', join(room.folder, 'never'), ...args]);
    assert.ok(ran.code !== 0);
    assert.match(ran.stderr, want);
    assert.is(ran.stdout, '');
  });
}

test.run();
