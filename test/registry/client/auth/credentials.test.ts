// Which credentials are found, in which file, under which key; and what credential programs may do.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Credential, createCredentials } from '../../../../registry/client/auth/credentials.ts';
import { auth, failureOf, stopAll, temporaryDirectory } from '../peers.ts';

/** An environment of files, and of programs that are shell scripts. */
function environment(files: Record<string, unknown>, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const home = temporaryDirectory();
  for (const [name, content] of Object.entries(files)) {
    const path = join(home, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    if (name.startsWith('bin/')) chmodSync(path, 0o755);
  }
  const absolute = Object.entries(more).map(([key, value]) => [key, value?.replace('~', home)]);
  return { HOME: home, PATH: `${home}/bin:/usr/bin:/bin`, ...Object.fromEntries(absolute) };
}

function shown(credential: Credential | undefined): string {
  switch (credential?.kind) {
    case undefined:
      return 'none';
    case 'password':
      return `${credential.username}:${credential.password()}`;
    case 'identity-token':
      return `identity ${credential.username} ${credential.token()}`;
    case 'registry-token':
      return `registry ${credential.token()}`;
  }
}

const docker = '.docker/config.json';
const containers = '.config/containers/auth.json';
const cases: readonly {
  readonly name: string;
  readonly files: Record<string, unknown>;
  readonly env?: NodeJS.ProcessEnv;
  readonly ask: readonly (readonly [host: string, repository: string, want: string])[];
}[] = [
  { name: 'nothing anywhere', files: {}, ask: [['ghcr.io', 'a', 'none']] },
  {
    name: 'hosts are found whole: with their port, not by a part',
    files: { [docker]: { auths: { 'reg.io': auth('a', '1'), 'reg.io:5000': auth('b', '2') } } },
    ask: [
      ['reg.io', 'x', 'a:1'],
      ['reg.io:5000', 'x', 'b:2'],
      ['reg.io:5001', 'x', 'none'],
      ['my.reg.io', 'x', 'none'],
      ['reg.io.evil.com', 'x', 'none'],
      ['eg.io', 'x', 'none'],
    ],
  },
  {
    name: "Docker Hub's key",
    files: { [docker]: { auths: { 'https://index.docker.io/v1/': auth('hub', 'p') } } },
    ask: [
      ['docker.io', 'library/x', 'hub:p'],
      ['docker.io.evil.com', 'x', 'none'],
    ],
  },
  {
    name: 'docker.io as key',
    files: { [containers]: { auths: { 'docker.io': auth('hub', 'q') } } },
    ask: [['docker.io', 'a/b', 'hub:q']],
  },
  {
    name: 'URLs as keys',
    files: {
      [docker]: {
        auths: { 'https://reg:5000/v1/': auth('a', '1'), 'http://other': auth('b', '2'), 'third/v2/': auth('c', '3') },
      },
    },
    ask: [
      ['reg:5000', 'x', 'a:1'],
      ['other', 'x', 'b:2'],
      ['third', 'x', 'c:3'],
    ],
  },
  {
    name: 'the longest namespace wins',
    files: {
      [containers]: { auths: { 'r.io': auth('host', ''), 'r.io/a': auth('a', ''), 'r.io/a/b': auth('ab', '') } },
    },
    ask: [
      ['r.io', 'a/b/c', 'ab:'],
      ['r.io', 'a/bc', 'a:'],
      ['r.io', 'b', 'host:'],
    ],
  },
  {
    name: 'identity and registry tokens, user and password in the clear, passwords with colons and padding',
    files: {
      [docker]: {
        auths: {
          i: { auth: Buffer.from('00:').toString('base64'), identitytoken: 'T' },
          r: { registrytoken: 'R' },
          u: { username: 'u', password: 'p' },
          c: { auth: Buffer.from('u:p:q\0\0').toString('base64') },
          e: {},
        },
      },
    },
    ask: [
      ['i', '', 'identity 00 T'],
      ['r', '', 'registry R'],
      ['u', '', 'u:p'],
      ['c', '', 'u:p:q'],
      ['e', '', 'none'],
    ],
  },
  {
    name: 'order of the files',
    files: {
      [docker]: { auths: { one: auth('docker', '') } },
      'auth.json': { auths: { one: auth('file', ''), two: auth('file', '') } },
      'run/containers/auth.json': { auths: { two: auth('run', ''), three: auth('run', '') } },
      [containers]: { auths: { three: auth('home', ''), four: auth('home', '') } },
    },
    env: {
      REGISTRY_AUTH_FILE: '~/auth.json',
      XDG_RUNTIME_DIR: '~/run',
      DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { zero: auth('env', '') } }),
    },
    ask: [
      ['zero', '', 'env:'],
      ['one', '', 'docker:'],
      ['two', '', 'file:'],
      ['three', '', 'run:'],
      ['four', '', 'home:'],
    ],
  },
  {
    name: 'programs: one for a host before the one for all before the file',
    files: {
      [docker]: {
        auths: { a: auth('file', ''), b: auth('file', ''), c: auth('file', '') },
        credsStore: 'all',
        credHelpers: { a: 'one' },
      },
      'bin/docker-credential-one':
        '#!/bin/sh\nread key; echo "{\\"ServerURL\\":\\"$key\\",\\"Username\\":\\"one-$1\\",\\"Secret\\":\\"$key\\"}"',
      'bin/docker-credential-all':
        '#!/bin/sh\nread key; [ "$key" = b ] && { echo "credentials not found in native keychain"; exit 1; }; echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"$key\\"}"',
    },
    ask: [
      ['a', '', 'one-get:a'],
      ['b', '', 'file:'],
      ['c', '', 'identity  c'],
      ['docker.io', '', 'identity  https://index.docker.io/v1/'],
    ],
  },
];
for (const { name, files, env, ask } of cases) {
  test(`find: ${name}`, async () => {
    const credentials = createCredentials(environment(files, env));
    for (const [host, repository, want] of ask) assert.is(shown(await credentials.find(host, repository)), want, host);
  });
}

const failures: readonly { readonly name: string; readonly files: Record<string, unknown>; readonly want: RegExp }[] = [
  {
    name: 'a file that is no JSON',
    files: { [docker]: '{"auths": {"a": {"auth": "canary' },
    want: /config\.json": it is not valid JSON/,
  },
  {
    name: 'an auth that is no pair',
    files: { [docker]: { auths: { a: { auth: 'Y2FuYXJ5' } } } },
    want: /key "a": "auth" is not base64/,
  },
  {
    name: 'a program that is not there',
    files: { [docker]: { credsStore: 'gone' } },
    want: /"docker-credential-gone": it is not in PATH/,
  },
  {
    name: 'a program whose name is a path',
    files: { [docker]: { credHelpers: { a: '../evil' } } },
    want: /this name is not allowed/,
  },
  {
    name: 'a program that fails',
    files: {
      [docker]: { credsStore: 'x' },
      'bin/docker-credential-x': '#!/bin/sh\necho canary >&2; printf "locked\\033[2J"; exit 3',
    },
    want: /ended with status 3: locked\\u001b\[2J/,
  },
  {
    name: 'a program that talks without end',
    files: { [docker]: { credsStore: 'x' }, 'bin/docker-credential-x': '#!/bin/sh\nexec yes' },
    want: /its answer is too long/,
  },
  {
    name: 'a program whose answer is no JSON',
    files: { [docker]: { credsStore: 'x' }, 'bin/docker-credential-x': '#!/bin/sh\necho canary' },
    want: /its answer is not JSON/,
  },
];
for (const { name, files, want } of failures) {
  test(`find: ${name} is an error for its registry, which tells no secret`, async () => {
    const error = await failureOf(createCredentials(environment(files)).find('a'));
    assert.is(error.code, 'CREDENTIALS_FAILED');
    assert.match(error.message, want);
    assert.not.match(inspect(error, { depth: 10 }), /canary|Y2FuYXJ5/);
  });
}

test('Credential: a dump of it shows no secret', async () => {
  const found = await createCredentials(environment({ [docker]: { auths: { a: auth('u', 'canary') } } })).find('a');
  assert.not.match(`${inspect(found, { depth: 10 })} ${JSON.stringify(found)}`, /canary/);
});

test('remove the files', stopAll);
test.run();
