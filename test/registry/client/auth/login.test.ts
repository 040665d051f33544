// Login and logout: what is asked of the registry, and what is written where.
import { chmodSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dockerRegistry, tokenServer } from '../docker-registry.ts';
import { client, failureOf, list, reply, standIn, stopAll, temporaryDirectory } from '../peers.ts';

const user = { username: 'rower', password: 'c4nary' };
const token = await tokenServer(user);
const basic = await dockerRegistry({ kind: 'basic', ...user });
const bearer = await dockerRegistry({ kind: 'bearer', realm: `${token.origin}/token`, certPath: token.certPath });

for (const [kind, { host }] of Object.entries({ basic, bearer })) {
  test(`login: checks the ${kind} registry, saves, and logout forgets`, async () => {
    const clients = client({ config: { auths: { other: { auth: 'eDp5' } }, proxies: { default: {} } } });
    const path = join(clients.home, 'config.json');
    const before = readFileSync(path, 'utf8');
    const error = await failureOf(clients.login(host, 'rower', 'wrong'));
    assert.is(error.code, 'UNAUTHORIZED');
    assert.is(readFileSync(path, 'utf8'), before);
    assert.is((await failureOf(list(clients.registry(host).repositories()))).code, 'UNAUTHORIZED');

    assert.is(await clients.login(host, 'rower', 'c4nary'), path);
    assert.equal(JSON.parse(readFileSync(path, 'utf8')), {
      auths: { other: { auth: 'eDp5' }, [host]: { auth: Buffer.from('rower:c4nary').toString('base64') } },
      proxies: { default: {} },
    });
    assert.is(statSync(path).mode & 0o777, 0o600);
    assert.equal(await list(clients.registry(host).repositories()), []);

    assert.ok(await clients.logout(host));
    assert.not(await clients.logout(host));
    assert.equal(JSON.parse(readFileSync(path, 'utf8')), JSON.parse(before));
    assert.is((await failureOf(list(clients.registry(host).repositories()))).code, 'UNAUTHORIZED');
  });
}

test('login: a file that is a symlink stays one', async () => {
  const clients = client();
  const elsewhere = join(temporaryDirectory(), 'real.json');
  writeFileSync(elsewhere, '{"x":1}', { mode: 0o644 });
  symlinkSync(elsewhere, join(clients.home, 'config.json'));
  await clients.login(`http://${basic.host}/`, 'rower', 'c4nary');
  assert.ok(lstatSync(join(clients.home, 'config.json')).isSymbolicLink());
  assert.equal(Object.keys(JSON.parse(readFileSync(elsewhere, 'utf8'))), ['x', 'auths']);
  assert.is(statSync(elsewhere).mode & 0o777, 0o600);
});

test('login: a credential program keeps the secret, the file only an empty entry', async () => {
  const clients = client({ config: { credsStore: 'box' } });
  const bin = join(clients.home, 'bin');
  mkdirSync(bin);
  const program = join(bin, 'docker-credential-box');
  writeFileSync(
    program,
    `#!/bin/sh\necho "$1 $(cat)" >> ${clients.home}/log\n[ $1 != get ] || echo '{"Username":"rower","Secret":"c4nary"}'`,
  );
  chmodSync(program, 0o755);
  const { home } = clients;
  const again = client({ env: { HOME: home, DOCKER_CONFIG: home, PATH: `${bin}:/usr/bin:/bin` } });
  assert.is(await again.login(basic.host, 'rower', 'c4nary'), 'docker-credential-box');
  assert.equal(JSON.parse(readFileSync(join(home, 'config.json'), 'utf8')).auths, { [basic.host]: {} });
  assert.is((await failureOf(again.registry(basic.host).resolve('a', 'b'))).code, 'MANIFEST_UNKNOWN');
  assert.ok(await again.logout(basic.host));
  const log = readFileSync(join(home, 'log'), 'utf8').trim().split('\n');
  assert.equal(log, [
    `store {"ServerURL":"${basic.host}","Username":"rower","Secret":"c4nary"}`,
    `get ${basic.host}`,
    `erase ${basic.host}`,
  ]);
});

test('login: a token server that does not belong to the registry gets no password', async () => {
  const registry = await standIn((_, response) =>
    reply(response, 401, {
      headers: { 'www-authenticate': 'Bearer realm="https://tokens.example.org/x",service="s"' },
    }),
  );
  const error = await failureOf(client().login(registry.host, 'rower', 'c4nary'));
  assert.is(error.code, 'UNAUTHORIZED');
  assert.match(error.hint ?? '', /"realms"/);
});

for (const [username, secret] of [
  ['', 'x'],
  ['a:b', 'x'],
  ['a', ''],
] as const)
  test(`login: user ${JSON.stringify(username)} with password ${JSON.stringify(secret)} is refused`, async () => {
    assert.is((await failureOf(client().login('localhost:1', username, secret))).code, 'ARGUMENT_INVALID');
  });

test('stop the peers', stopAll);
test.run();
