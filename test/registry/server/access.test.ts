import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createMemoryRegistry } from '../../../registry/memory.ts';
import { openHtpasswd, parseHtpasswd } from '../../../registry/server/htpasswd.ts';
import { checkOrigin, isLoopback } from '../../../registry/server/origin.ts';
import { type RequestRecord, serveRegistry } from '../../../registry/server/server.ts';
import { isError } from '../../../src/errors.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { codeOf, pushBlob, pushParts, putManifest, send, sendRaw, withServer } from './http.ts';

async function withPasswords(lines: string, work: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-htpasswd-'));
  try {
    await writeFile(join(folder, 'users'), lines);
    await work(join(folder, 'users'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const htpasswd = (...args: string[]): string => spawnSync('htpasswd', ['-nb', ...args]).stdout.toString();
const basic = (user: string, password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

test('a password file of htpasswd guards everything', () =>
  withPasswords(`# users\n${htpasswd('-B', '-C', '5', 'ann', 'pass:wörd')}${htpasswd('-s', 'bob', 'other')}`, (path) =>
    withServer(
      async ({ url }) => {
        const rows: readonly (readonly [Record<string, string>, number])[] = [
          [{}, 401],
          [basic('ann', 'pass:wörd'), 200],
          [basic('ann', 'pass:wörd'), 200],
          [basic('ann', 'wrong'), 401],
          [basic('ann', ''), 401],
          [basic('bob', 'other'), 200],
          [basic('bob', 'Other'), 401],
          [basic('eve', 'pass:wörd'), 401],
          [basic('ann', 'p'.repeat(73)), 401],
          [{ authorization: 'Bearer abc' }, 401],
          [{ authorization: 'Basic %%%' }, 401],
          [{ authorization: `Basic ${Buffer.from('nocolon').toString('base64')}` }, 401],
        ];
        for (const [headers, status] of rows) {
          const answer = await send(url, 'GET', '/v2/', { headers });
          assert.is(answer.status, status, JSON.stringify(headers));
          if (status === 401)
            assert.equal(
              [codeOf(answer), answer.headers['www-authenticate']],
              ['UNAUTHORIZED', 'Basic realm="wherry"'],
            );
        }
        for (const [method, target] of [
          ['HEAD', '/v2/a/manifests/x'],
          ['POST', '/v2/a/blobs/uploads/'],
          ['GET', '/v2/_catalog'],
          ['GET', '/nowhere'],
        ] as const) {
          const answer = await send(url, method, target, { body: '' });
          assert.equal(
            [method, answer.status, answer.headers['www-authenticate']],
            [method, 401, 'Basic realm="wherry"'],
          );
        }
      },
      { htpasswd: path },
    ),
  ));

test('a changed password file counts at once', () =>
  withPasswords(htpasswd('-B', 'ann', 'one'), async (path) => {
    const { admits } = await openHtpasswd(path);
    const header = (password: string): string => basic('ann', password)['authorization'] ?? '';
    assert.equal([await admits(header('one')), await admits(header('second'))], [true, false]);
    await writeFile(path, `${htpasswd('-B', 'ann', 'second')}\n`);
    assert.equal([await admits(header('one')), await admits(header('second'))], [false, true]);
    await writeFile(path, 'ann:plain\n');
    try {
      await admits(header('second'));
      assert.unreachable();
    } catch (error) {
      assert.ok(isError(error, 'ARGUMENT_INVALID'));
    }
  }));

const refused: readonly (readonly [string, RegExp])[] = [
  [htpasswd('-m', 'ann', 'x'), /line 1: .*apr1/],
  ['ok:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\nann:plain', /line 2: .*not in the format bcrypt/],
  ['ann:rl.3StKT.4T8M', /not in the format/],
  ['no colon', /USER:PASSWORD/],
  [':x', /USER:PASSWORD/],
  ['ann:$2y$05$short', /not in the format/],
];
for (const [text, message] of refused) {
  test(`parseHtpasswd refuses ${JSON.stringify(text.slice(0, 30))}`, () => {
    assert.throws(
      () => parseHtpasswd(text, '/etc/users'),
      (error: unknown) => isError(error, 'ARGUMENT_INVALID') && message.test(error.message),
    );
  });
}

test('a read-only registry serves, and changes nothing', async () => {
  const backend = createMemoryRegistry();
  let text = '';
  await withServer(
    async ({ url }) => {
      text = await pushParts(url, 'a', 'x');
      await putManifest(url, '/v2/a/manifests/v1', text);
    },
    { backend },
  );
  await withServer(
    async ({ url }) => {
      assert.is((await send(url, 'GET', '/v2/a/manifests/v1')).body.toString(), text);
      const rows = [
        ['POST', '/v2/a/blobs/uploads/', 403, 'DENIED'],
        ['POST', `/v2/b/blobs/uploads/?mount=${digestOf('layer x')}&from=a`, 403, 'DENIED'],
        ['PUT', '/v2/a/manifests/v2', 403, 'DENIED'],
        ['PATCH', '/v2/a/blobs/uploads/x', 403, 'DENIED'],
        ['DELETE', '/v2/a/manifests/v1', 405, 'UNSUPPORTED'],
        ['DELETE', `/v2/a/blobs/${digestOf('layer x')}`, 405, 'UNSUPPORTED'],
      ] as const;
      for (const [method, path, status, code] of rows) {
        const answer = await send(url, method, path, { body: text });
        assert.equal([method, path, answer.status, codeOf(answer)], [method, path, status, code]);
      }
      assert.is((await send(url, 'GET', '/v2/a/manifests/v1')).status, 200);
    },
    { backend, readOnly: true },
  );
});

test('isLoopback knows this machine', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost', 'LOCALHOST', 'a.localhost'])
    assert.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '10.0.0.1', '::', 'localhost.example', '127.0.0.1.example', 'example.com', ''])
    assert.not(isLoopback(host), host);
});

const origins: readonly (readonly [Record<string, string>, string, boolean])[] = [
  [{ host: 'localhost:5000' }, '127.0.0.1', true],
  [{ host: '[::1]:5000' }, '::1', true],
  [{ host: 'evil.example' }, '127.0.0.1', false],
  [{ host: '127.0.0.1.evil.example:5000' }, '127.0.0.1', false],
  [{}, '127.0.0.1', false],
  [{ host: 'registry.lan' }, '0.0.0.0', true],
  [{ host: 'localhost:5000', origin: 'http://localhost:5000' }, '127.0.0.1', true],
  [{ host: 'localhost:5000', origin: 'https://evil.example' }, '127.0.0.1', false],
  [{ host: 'localhost:5000', origin: 'null' }, '127.0.0.1', false],
  [{ host: 'registry.lan', origin: 'https://evil.example' }, '0.0.0.0', false],
  [{ host: 'registry.lan', 'sec-fetch-site': 'cross-site' }, '0.0.0.0', false],
];
for (const [headers, bound, isFine] of origins) {
  test(`checkOrigin: ${JSON.stringify(headers)} at ${bound} is ${isFine ? 'served' : 'denied'}`, () => {
    if (isFine) checkOrigin(headers, bound);
    else
      assert.throws(
        () => checkOrigin(headers, bound),
        (error: unknown) => isError(error, 'DENIED'),
      );
  });
}

test('hostile request lines stay outside', () =>
  withServer(async ({ port }) => {
    const get = (target: string, host = 'localhost'): Promise<string> =>
      sendRaw(port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const rows: readonly (readonly [string, RegExp])[] = [
      ['/v2/../../../../etc/passwd', /^HTTP\/1.1 404 /],
      ['/v2/%2e%2e/%2e%2e/etc/passwd', /^HTTP\/1.1 404 /],
      ['/v2/..%2f..%2fetc%2fpasswd/manifests/x', /^HTTP\/1.1 400 [\s\S]*NAME_INVALID/],
      ['/v2/a%00b/tags/list', /^HTTP\/1.1 400 [\s\S]*NAME_INVALID/],
      ['/v2/_uploads/tags/list', /^HTTP\/1.1 400 [\s\S]*NAME_INVALID/],
      [`/v2/${'a/'.repeat(4000)}tags/list`, /^HTTP\/1.1 400 [\s\S]*NAME_INVALID/],
      ['http://evil.example/v2/', /^HTTP\/1.1 404 /],
      ['/v2/a/blobs/uploads/..%2f..%2fx', /^HTTP\/1.1 404 [\s\S]*BLOB_UPLOAD_UNKNOWN/],
      [`/v2/${'x'.repeat(20_000)}`, /^HTTP\/1.1 431 /],
    ];
    for (const [target, expected] of rows) assert.match(await get(target), expected);
    assert.match(await get('/v2/', 'evil.example'), /^HTTP\/1.1 403 [\s\S]*DENIED/);
    const smuggled = `POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /`;
    assert.match(await sendRaw(port, smuggled), /^HTTP\/1.1 400 /);
  }));

test('onRequest is told of each request, and of what lies behind a 500', async () => {
  const records: RequestRecord[] = [];
  const backend = createMemoryRegistry();
  const failing = {
    ...backend,
    tags: () => {
      throw new Error('/secret/path is broken');
    },
  };
  await withServer(
    async ({ url }) => {
      await send(url, 'GET', '/v2/?secret=1');
      const answer = await send(url, 'GET', '/v2/a/tags/list');
      assert.equal([answer.status, codeOf(answer)], [500, 'UNKNOWN']);
      assert.not.match(answer.body.toString(), /secret/);
    },
    { backend: failing, onRequest: (record) => records.push(record) },
  );
  assert.equal(
    records.map(({ method, path, status }) => [method, path, status]),
    [
      ['GET', '/v2/', 200],
      ['GET', '/v2/a/tags/list', 500],
    ],
  );
  assert.match(String(records[1]?.error), /is broken/);
});

test('a cut upload can be continued', () =>
  withServer(async ({ url, port }) => {
    const content = Buffer.from('0123456789');
    const location = String((await send(url, 'POST', '/v2/a/blobs/uploads/', { body: '' })).headers['location']);
    await new Promise<void>((resolve) => {
      const sent = request({
        host: '127.0.0.1',
        port,
        method: 'PATCH',
        path: location,
        headers: { 'content-length': '10', 'content-range': '0-9' },
        agent: false,
      });
      sent.on('error', () => resolve());
      sent.on('close', () => resolve());
      sent.write(content.subarray(0, 4));
      setTimeout(() => sent.destroy(), 100);
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.is((await send(url, 'GET', location)).headers['range'], '0-3');
    const rest = await send(url, 'PATCH', location, { body: content.subarray(4), headers: { 'content-range': '4-9' } });
    assert.is(rest.status, 202);
    assert.is((await send(url, 'PUT', `${location}?digest=${digestOf(content)}`, { body: '' })).status, 201);
  }));

test('close lets requests end, takes no more, and drops unfinished uploads', async () => {
  const backend = createMemoryRegistry();
  const controller = new AbortController();
  const server = await serveRegistry(backend, { host: '127.0.0.1', port: 0, signal: controller.signal });
  const digest = await pushBlob(server.url, 'a', Buffer.alloc(30_000_000, 'x'));
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(`${server.url}/v2/a/blobs/${digest}`, { agent: false }, resolve);
    sent.on('error', reject);
    sent.end();
  });
  controller.abort();
  const closed = server.close();
  let size = 0;
  for await (const part of response) size += part.length;
  assert.is(size, 30_000_000);
  await closed;
  try {
    await send(server.url, 'GET', '/v2/');
    assert.unreachable();
  } catch (error) {
    assert.is((error as { code: string }).code, 'ECONNREFUSED');
  }
});

test('an address that is taken is an error', () =>
  withServer(async ({ port }) => {
    try {
      await serveRegistry(createMemoryRegistry(), { host: '127.0.0.1', port });
      assert.unreachable();
    } catch (error) {
      assert.ok(isError(error, 'IO_FAILED'));
    }
  }));

test.run();
