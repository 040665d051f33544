// How registries are reached: mirrors, proxies of the environment, names that may be spoken to in plain HTTP or without a known
// certificate, and credentials from programs: the real command before docker-registry.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dockerRegistry } from '../registry/client/docker-registry.ts';
import { atEnd, auth, listen, makeCertificate, reply, stopAll } from '../registry/client/peers.ts';
import { openRoom, type Ran } from './command.ts';
import { forwardProxy, passOn, reverseProxy, serveOn } from './servers.ts';

const room = openRoom();
const upstream = await dockerRegistry({ kind: 'anonymous' });
const mirror = await reverseProxy(upstream.host);
const closed = await dockerRegistry({ kind: 'basic', username: 'sailor', password: 'tell nobody' });
const secure = createServer(makeCertificate(), (asked, response) =>
  passOn(asked, response, { target: upstream.host, path: asked.url ?? '/' }),
);
const securePort = await listen(secure);
atEnd(() => {
  secure.closeAllConnections();
  secure.close();
});
const files = await serveOn((_, response) => reply(response, 200, { body: 'by proxy\n' }));
const proxy = await forwardProxy({
  'plain.test:80': upstream.host,
  'secure.test:443': `127.0.0.1:${securePort}`,
  'files.test:80': files.host,
});
const proxied = { HTTP_PROXY: proxy.origin, HTTPS_PROXY: proxy.origin };

await room.must(['build', '--platform', 'linux/amd64', '--push', '-t', `${upstream.host}/hub/library/busybox:1`, '-'], {
  input: 'FROM scratch\nCOPY <<busybox /\nof the mirror\nbusybox\n',
});

test.after(stopAll);

let count = 0;

/** Builds lines in a store of its own, so that nothing is known. What a proxy or the mirror was asked before is forgotten. */
function build(lines: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  mirror.seen.length = 0;
  proxy.seen.length = 0;
  const store = join(room.folder, `store${++count}`);
  const flags = ['build', '--progress=plain', '--platform', 'linux/amd64', '--store', store];
  return room.wherry([...flags, ...args, '-'], { input: lines, env });
}

const toTar = ['-o', 'type=tar,dest=-'];
const onMirror = 'FROM busybox:1\n';

for (const name of [
  'busybox:1',
  'docker.io/library/busybox:1',
  'index.docker.io/library/busybox:1',
  'library/busybox:1',
]) {
  test(`--mirror docker.io=HOST/PREFIX: FROM ${name} comes from there, Docker Hub is not asked`, async () => {
    const ran = await build(`FROM ${name}\n`, ['--mirror', `docker.io=${mirror.host}/hub`, ...toTar], proxied);
    assert.is(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, /of the mirror/);
    assert.ok(
      mirror.seen.some((line) => line.endsWith('/v2/hub/library/busybox/manifests/1')),
      mirror.seen.join('\n'),
    );
    assert.equal(proxy.seen, []);
  });
}

test('mirrors of the configuration file; one that is down is passed over', async () => {
  const home = join(room.folder, 'config');
  mkdirSync(join(home, 'wherry'), { recursive: true });
  const mirrors = { 'docker.io': ['127.0.0.1:9/x', `${mirror.host}/hub`] };
  writeFileSync(join(home, 'wherry/config.json'), JSON.stringify({ mirrors }));
  const ran = await build(onMirror, toTar, { ...proxied, XDG_CONFIG_HOME: home });
  assert.is(ran.code, 0, ran.stderr);
  assert.match(ran.stdout, /of the mirror/);
  assert.match(ran.stderr, /Mirror "127\.0\.0\.1:9" does not help/);
  writeFileSync(join(home, 'wherry/config.json'), '{"mirror":{}}');
  const bad = await build(onMirror, toTar, { XDG_CONFIG_HOME: home });
  assert.is(bad.code, 1);
  assert.match(bad.stderr, /config\.json": unknown key "mirror" \(did you mean mirrors\?\)/);
});

test('a mirror that lacks the image: the registry itself is asked', async () => {
  const ran = await build('FROM none:1\n', ['--mirror', `docker.io=${mirror.host}/hub`], proxied);
  assert.is(ran.code, 1, ran.stderr);
  assert.ok(mirror.seen.some((line) => line.includes('/v2/hub/library/none/')));
  assert.ok(proxy.seen.includes('CONNECT registry-1.docker.io:443'), proxy.seen.join('\n'));
  assert.match(ran.stderr, /none:1: failed to resolve source metadata for docker\.io\/library\/none:1/);
});

test('--mirror: a text that is none is refused', async () => {
  const ran = await build(onMirror, ['--mirror', 'docker.io']);
  assert.is(ran.code, 2);
  assert.match(ran.stderr, /mirror "docker\.io"/);
});

test('HTTP_PROXY: a registry in plain HTTP needs --insecure; without it nothing is sent in the clear', async () => {
  const base = 'FROM plain.test/hub/library/busybox:1\n';
  const refused = await build(base, toTar, proxied);
  assert.is(refused.code, 1, refused.stderr);
  assert.equal(
    proxy.seen.filter((line) => !line.startsWith('CONNECT')),
    [],
  );
  const ran = await build(base, ['--insecure', 'plain.test', ...toTar], proxied);
  assert.is(ran.code, 0, ran.stderr);
  assert.match(ran.stdout, /of the mirror/);
  assert.ok(proxy.seen.some((line) => line.startsWith('GET http://plain.test/v2/hub/library/busybox/blobs/')));
});

test('HTTPS_PROXY: a registry with an unknown certificate needs --insecure; pushes go through the tunnel', async () => {
  const base = 'FROM secure.test/hub/library/busybox:1\nENV A=1\n';
  const refused = await build(base, toTar, proxied);
  assert.is(refused.code, 1);
  assert.match(refused.stderr, /certificate/);
  const name = 'secure.test/pushed/app:1';
  const ran = await build(base, ['--insecure', 'secure.test', '--push', '-t', name], proxied);
  assert.is(ran.code, 0, ran.stderr);
  assert.ok(
    proxy.seen.every((line) => line === 'CONNECT secure.test:443'),
    proxy.seen.join('\n'),
  );
  assert.is(
    (
      await fetch(`http://${upstream.host}/v2/pushed/app/manifests/1`, {
        method: 'HEAD',
        headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
      })
    ).status,
    200,
  );
  const output = `type=registry,name=${name},registry.insecure=true`;
  const byKey = await build('FROM scratch\nENV B=1\n', ['-o', output], proxied);
  assert.is(byKey.code, 0, byKey.stderr);
});

test('proxies: ADD goes through, NO_PROXY and loopback do not; one that is down or no URL is named', async () => {
  const added = await build('FROM scratch\nADD http://files.test/x /\n', toTar, { http_proxy: proxy.origin });
  assert.is(added.code, 0, added.stderr);
  assert.match(added.stdout, /by proxy/);
  assert.equal(proxy.seen, ['GET http://files.test/x']);
  const direct = await build(`FROM ${upstream.host}/hub/library/busybox:1\nADD ${files.origin}/x /\n`, toTar, proxied);
  assert.is(direct.code, 0, direct.stderr);
  assert.equal(proxy.seen, []);
  const none = await build('FROM scratch\nADD http://files.test/x /\n', toTar, { ...proxied, NO_PROXY: '.test' });
  assert.is(none.code, 1);
  assert.equal(proxy.seen, []);
  const down = await build('FROM scratch\nADD http://files.test/x /\n', toTar, { HTTP_PROXY: 'http://127.0.0.1:9' });
  assert.is(down.code, 1);
  assert.match(down.stderr, /ECONNREFUSED|127\.0\.0\.1:9/);
});

/** A folder of a DOCKER_CONFIG and of programs for PATH. */
function configure(config: unknown, programs: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const folder = join(room.folder, `docker${++count}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o755);
  }
  return { DOCKER_CONFIG: folder, PATH: `${folder}:${process.env['PATH']}` };
}

/** A credential program: it notes what it is asked, and knows one host. */
const program = `#!/bin/sh
read host
echo "$1 $host" >> "$(dirname "$0")/asked"
if [ "$host" = "${closed.host}" ]; then
  echo '{"ServerURL":"x","Username":"sailor","Secret":"tell nobody"}'
else
  echo "credentials not found in native keychain"
  exit 1
fi
`;

const credentials: readonly (readonly [title: string, config: unknown, code: number, message?: RegExp])[] = [
  ['credHelpers', { credHelpers: { [closed.host]: 'test' } }, 0],
  ['credsStore', { credsStore: 'test' }, 0],
  [
    'credsStore, with an entry in auths as docker login leaves it',
    { auths: { [closed.host]: {} }, credsStore: 'test' },
    0,
  ],
  ['auths', { auths: { [closed.host]: auth('sailor', 'tell nobody') } }, 0],
  ['no credentials', {}, 4, /config\.json/],
  ['credentials that are refused', { auths: { [closed.host]: auth('sailor', 'canary') } }, 4, /config\.json/],
  ['a program that is not there', { credHelpers: { [closed.host]: 'nowhere' } }, 4, /docker-credential-nowhere/],
  ['a program that fails', { credHelpers: { [closed.host]: 'broken' } }, 4, /docker-credential-broken/],
];
for (const [title, config, code, want] of credentials) {
  test(`DOCKER_CONFIG: ${title}`, async () => {
    const env = configure(config, {
      'docker-credential-test': program,
      'docker-credential-broken': '#!/bin/sh\necho out of canary >&2\nexit 3\n',
    });
    const ran = await build('FROM scratch\nENV A=1\n', ['--push', '-t', `${closed.host}/a/b:1`], env);
    assert.is(ran.code, code, ran.stderr);
    if (want !== undefined) assert.match(ran.stderr, want);
    assert.not.match(ran.stderr, /tell nobody|auth":|Y2FuYXJ5/);
    if (title.startsWith('credentials that')) assert.not.match(ran.stderr, /canary/);
  });
}

test.run();
