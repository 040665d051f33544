// Addresses, near and far, and who may point to them; realms that may see credentials.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkRealm } from '../../../../registry/client/auth/realm.ts';
import { isLoopback, mayPointTo, nearnessOf } from '../../../../registry/client/wire/addresses.ts';
import { failureOf } from '../peers.ts';

const hosts: readonly (readonly [string, ReturnType<typeof nearnessOf>])[] = [
  ['localhost', 'loopback'],
  ['a.localhost', 'loopback'],
  ['127.0.0.1', 'loopback'],
  ['127.9.9.9', 'loopback'],
  ['0.0.0.0', 'loopback'],
  ['[::1]', 'loopback'],
  ['[::]', 'loopback'],
  ['[::ffff:127.0.0.1]', 'loopback'],
  ['[::ffff:a9fe:a9fe]', 'link'],
  ['169.254.169.254', 'link'],
  ['[fe80::1]', 'link'],
  ['10.1.2.3', 'private'],
  ['172.31.0.1', 'private'],
  ['172.32.0.1', 'public'],
  ['192.168.1.1', 'private'],
  ['100.64.0.1', 'private'],
  ['[fc00::1]', 'private'],
  ['8.8.8.8', 'public'],
  ['[2001:db8::1]', 'public'],
  ['localhost.evil.com', 'name'],
  ['notlocalhost', 'name'],
];
for (const [host, want] of hosts)
  test(`nearnessOf: ${host} is ${want}`, () => assert.is(nearnessOf(new URL(`http://${host}`).hostname), want));

test('nearnessOf: other spellings of an address are that address', () => {
  for (const text of ['127.1', '0x7f000001', '2130706433'])
    assert.is(nearnessOf(new URL(`http://${text}`).hostname), 'loopback');
});

test('isLoopback: the unspecified address is not', () => {
  assert.ok(isLoopback('127.0.0.1') && isLoopback('[::1]') && isLoopback('x.localhost'));
  assert.not(isLoopback('0.0.0.0') || isLoopback('[::]') || isLoopback('10.0.0.1') || isLoopback('example.com'));
});

test('mayPointTo: never nearer than one is oneself', () => {
  const all = ['public', 'name', 'private', 'loopback', 'link'] as const;
  const allowed = all.flatMap((from) => all.filter((to) => mayPointTo(from, to)).map((to) => `${from}>${to}`));
  assert.equal(allowed, [
    ...['public>public', 'public>name', 'name>public', 'name>name'],
    ...['private>public', 'private>name', 'private>private'],
    ...['loopback>public', 'loopback>name', 'loopback>private', 'loopback>loopback'],
    ...['link>public', 'link>name', 'link>private', 'link>loopback', 'link>link'],
  ]);
});

const realms: readonly (readonly [registry: string, realm: string, want: 'trusted' | 'untrusted' | 'refused'])[] = [
  ['https://registry-1.docker.io', 'https://auth.docker.io/token', 'trusted'],
  ['https://ghcr.io', 'https://ghcr.io/token', 'trusted'],
  ['https://registry.gitlab.com', 'https://gitlab.com/jwt/auth', 'trusted'],
  ['https://ghcr.io', '/token', 'trusted'],
  ['https://nexus.example.com', 'null://nexus.example.com/v2/token', 'trusted'],
  ['https://nexus.example.com', 'null://other.example.com/v2/token', 'refused'],
  ['https://ghcr.io', 'https://evil.example.com/token', 'untrusted'],
  ['https://ghcr.io', 'https://ghcr.io.evil.com/token', 'untrusted'],
  ['https://reg.one.co.uk', 'https://auth.one.co.uk/', 'trusted'],
  ['https://reg.one.co.uk', 'https://auth.two.co.uk/', 'untrusted'],
  ['https://mine.azurecr.io', 'https://yours.azurecr.io/oauth2/token', 'untrusted'],
  ['https://mine.azurecr.io', 'https://mine.azurecr.io/oauth2/token', 'trusted'],
  ['https://listed.example.com', 'https://tokens.example.org:8443/x', 'trusted'],
  ['https://listed.example.com', 'https://tokens.example.org/x', 'untrusted'],
  ['https://ghcr.io', 'http://ghcr.io/token', 'refused'],
  ['https://8.8.8.8', 'https://169.254.169.254/latest', 'refused'],
  ['https://8.8.8.8', 'https://127.0.0.1:1/', 'refused'],
  ['https://8.8.8.8', 'https://[::ffff:10.0.0.1]/', 'refused'],
  ['http://127.0.0.1:5000', 'http://localhost:5001/token', 'trusted'],
  ['https://ghcr.io', 'file:///etc/passwd', 'refused'],
];
for (const [registry, realm, want] of realms) {
  test(`checkRealm: ${registry} names ${realm}: ${want}`, async () => {
    const policy = { isInsecure: () => false, realms: new Map([['listed.example.com', ['tokens.example.org:8443']]]) };
    const check = checkRealm(realm, { url: new URL(registry), name: new URL(registry).host }, policy);
    if (want === 'refused') assert.is((await failureOf(check)).code, 'PROTOCOL_INVALID');
    else assert.is((await check).trusted, want === 'trusted');
  });
}

test.run();
