// Plain downloads, proxies, redirects' headers, Retry-After, and a process that ends.
import { execFile } from 'node:child_process';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type DownloadOptions, download } from '../../../registry/client/http.ts';
import { printable, redactUrl } from '../../../registry/client/wire/message.ts';
import { follow } from '../../../registry/client/wire/redirect.ts';
import { delayOf, isTransient, retryAfterOf } from '../../../registry/client/wire/retry.ts';
import { WherryError } from '../../../src/errors.ts';
import { createTask } from '../../../src/task.ts';
import { atEnd, collect, failureOf, listen, makeCertificate, reply, type Seen, standIn, stopAll } from './peers.ts';

const task = createTask();
const certificate = makeCertificate();

test('download: follows redirects; headers and user stay with the first origin', async () => {
  const other = await standIn((_, response) => reply(response, 200, { body: 'there' }));
  const first = await standIn((seen, response) =>
    seen.url === '/a'
      ? reply(response, 302, { headers: { location: '/b' } })
      : reply(response, 302, { headers: { location: `${other.origin}/c` } }),
  );
  const headers = { 'X-Own': 'mine', Cookie: 'c' };
  const response = await download(`${first.origin.replace('//', '//u:p%40@')}/a`, { headers, task });
  assert.is(String(await collect(response.body)), 'there');
  assert.is(response.url.href, `${other.origin}/c`);
  assert.is(response.status, 200);
  for (const { headers: got } of first.seen) {
    assert.is(got['x-own'], 'mine');
    assert.is(got.authorization, `Basic ${Buffer.from('u:p@').toString('base64')}`);
  }
  const [seen] = other.seen;
  assert.equal(
    [seen?.headers['x-own'], seen?.headers.cookie, seen?.headers.authorization],
    [undefined, undefined, undefined],
  );
});

test('download: HEAD has no body, any status is an answer, bytes are as they were sent', async () => {
  const server = await standIn((seen, response) =>
    reply(response, seen.url === '/gone' ? 410 : 200, {
      headers: { 'content-encoding': 'gzip', etag: '"x"' },
      body: 'not gzip',
    }),
  );
  const get = async (path: string, more: Partial<DownloadOptions> = {}) => {
    const response = await download(`${server.origin}${path}`, { task, ...more });
    return [response.status, response.headers.get('etag'), String(await collect(response.body))];
  };
  assert.equal(await get('/'), [200, '"x"', 'not gzip']);
  assert.equal(await get('/gone'), [410, '"x"', 'not gzip']);
  assert.equal(await get('/', { method: 'HEAD' }), [200, '"x"', '']);
});

test('download: transient failures are tried again', async () => {
  let count = 0;
  const server = await standIn((_, response, request) => {
    count += 1;
    if (count === 1) return request.socket.resetAndDestroy();
    return reply(response, count === 2 ? 503 : 200, { body: 'x' });
  });
  assert.is((await collect((await download(server.origin, { task })).body)).length, 1);
  assert.is(count, 3);
});

for (const url of ['file:///etc/passwd', 'ftp://x/y', 'nonsense', 'data:,x'])
  test(`download: ${url} is refused`, async () =>
    assert.is((await failureOf(download(url, { task }))).code, 'ARGUMENT_INVALID'));

test('download: certificates are verified unless the host is named', async () => {
  const server = await standIn((_, response) => reply(response, 200, { body: 'x' }), certificate);
  const url = `${server.origin}/?token=canary`;
  const error = await failureOf(download(url, { task }));
  assert.is(error.code, 'NETWORK_FAILED');
  assert.match(error.hint ?? '', /NODE_EXTRA_CA_CERTS/);
  assert.not.match(error.message, /canary/);
  assert.is((await collect((await download(url, { task, insecureHosts: [server.host] })).body)).length, 1);
});

test('download: an abort while the body comes ends it', async () => {
  const controller = new AbortController();
  const server = await standIn((_, response) => {
    response.writeHead(200);
    response.write('begin');
  });
  const response = await download(server.origin, { task: createTask({ signal: controller.signal }) });
  setTimeout(() => controller.abort(), 30);
  assert.is((await failureOf(collect(response.body))).code, 'ABORTED');
});

test('follow: methods, limits and headers', async () => {
  const steps = async (method: 'GET' | 'POST' | 'PUT', status: number): Promise<string> => {
    const server = await standIn((seen: Seen, response) =>
      seen.url === '/' ? reply(response, status, { headers: { location: '/next' } }) : reply(response, 200),
    );
    const response = await download(server.origin, { task });
    await collect(response.body);
    const sent: string[] = [];
    const answer = await follow(
      async ({ method: used, url }) => {
        sent.push(`${used} ${url.pathname}`);
        const got = await download(url.href, { task, method: 'HEAD' });
        return url.pathname === '/' ? { ...got, status, headers: new Map([['location', '/next']]), url } : got;
      },
      { method, url: new URL(server.origin) },
    );
    return `${sent.join(', ')}: ${answer.status}`;
  };
  assert.is(await steps('GET', 303), 'GET /, GET /next: 200');
  assert.is(await steps('POST', 307), 'POST /, POST /next: 200');
  assert.is(await steps('PUT', 302), 'PUT /: 302');
});

/** A proxy for both kinds of requests, which notes what it is asked. */
async function proxyServer() {
  const asked: string[] = [];
  const note = (request: IncomingMessage): void => {
    asked.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? 'nobody'}`);
  };
  const server = createServer((request, response) => {
    note(request);
    const url = new URL(request.url ?? '');
    const { 'proxy-authorization': _, ...headers } = request.headers;
    request.pipe(
      httpRequest(
        { host: '127.0.0.1', port: url.port, path: url.pathname, method: request.method, headers },
        (answer) => {
          response.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(response);
        },
      ),
    );
  });
  const sockets = new Set<Socket>();
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    note(request);
    if (request.headers['proxy-authorization'] === undefined)
      return socket.end('HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n');
    const inner = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () =>
      socket.write('HTTP/1.1 200 OK\r\n\r\n'),
    );
    for (const end of [socket, inner]) sockets.add(end.on('error', () => {}));
    return socket.pipe(inner).pipe(socket);
  });
  const port = await listen(server);
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { host: `127.0.0.1:${port}`, asked };
}

/** Gets a URL in a process of its own and prints its body; the process must end by itself. */
function inProcess(url: string, insecureHosts: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const at = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    const { download } = await import(${at('../../../registry/client/http.js')});
    const { createTask } = await import(${at('../../../src/task.js')});
    try {
      const response = await download(${JSON.stringify(url)}, { task: createTask(), insecureHosts: ${JSON.stringify(insecureHosts)} });
      let text = '';
      for await (const chunk of response.body) text += chunk;
      console.log(response.status, text);
    } catch (error) { console.log(error.code, error.message, error.hint); }`;
  return new Promise((resolve, reject) =>
    execFile(
      process.execPath,
      ['--input-type=module', '-e', script],
      { env, timeout: 15_000 },
      (error, stdout, stderr) => (error ? reject(error) : resolve((stdout + stderr).trim())),
    ),
  );
}

test('download: goes through the proxies of the environment, but never for this machine', async () => {
  const proxy = await proxyServer();
  const plain = await standIn((seen, response) =>
    reply(response, 200, { body: String(seen.headers['proxy-authorization']) }),
  );
  const secure = await standIn(
    (seen, response) => reply(response, 200, { body: String(seen.headers['proxy-authorization']) }),
    certificate,
  );
  const named = (text: string): string => text.replace('127.0.0.1', 'server.test');
  const through = {
    HTTP_PROXY: `http://u:p@${proxy.host}`,
    https_proxy: `http://u:p@${proxy.host}`,
    NO_PROXY: 'other.test',
  };
  const user = `Basic ${Buffer.from('u:p').toString('base64')}`;
  assert.is(await inProcess(named(plain.origin), [], through), '200 undefined');
  assert.is(await inProcess(named(secure.origin), [named(secure.host)], through), '200 undefined');
  assert.equal(proxy.asked, [`GET ${named(plain.origin)}/ ${user}`, `CONNECT ${named(secure.host)} ${user}`]);
  assert.is(await inProcess(plain.origin, [], through), '200 undefined');
  assert.is(proxy.asked.length, 2);
  assert.match(await inProcess(named(plain.origin), [], { ...through, NO_PROXY: '.test' }), /^NETWORK_FAILED/);
  const refused = await inProcess(named(secure.origin), [], { https_proxy: `http://${proxy.host}` });
  assert.match(refused, /407/);
  assert.match(
    await inProcess(named(plain.origin), [], { http_proxy: 'http://a:b:c' }),
    /^NETWORK_FAILED Cannot use proxy/,
  );
});

const waits: readonly (readonly [string | undefined, (wait: number | undefined) => boolean])[] = [
  [undefined, (wait) => wait === undefined],
  ['', (wait) => wait === undefined],
  ['1', (wait) => wait === 1000],
  ['0', (wait) => wait === undefined],
  ['1000000000', (wait) => wait === 60_000],
  ['soon', (wait) => wait === undefined],
  [new Date(Date.now() - 5000).toUTCString(), (wait) => wait === undefined],
  [new Date(Date.now() + 10_000).toUTCString(), (wait) => wait !== undefined && wait > 2000 && wait <= 10_000],
];
for (const [text, right] of waits)
  test(`retryAfterOf: ${text}`, () =>
    assert.ok(right(retryAfterOf(new Map(text === undefined ? [] : [['retry-after', text]])))));

test('delayOf: doubles, with jitter, to half a minute', () => {
  const patience = { attempts: 9, delay: 100 };
  for (const [attempt, base] of [
    [1, 100],
    [2, 200],
    [4, 800],
    [20, 30_000],
  ] as const) {
    const delay = delayOf(patience, attempt);
    assert.ok(delay >= base * 0.9 && delay <= base * 1.1);
  }
});

test('isTransient: connections are, certificates and other errors are not', () => {
  const failure = (reason: string): WherryError => new WherryError('NETWORK_FAILED', 'x', { detail: { reason } });
  for (const reason of ['ECONNRESET', 'ETIMEDOUT', 'EAI_AGAIN']) assert.ok(isTransient(failure(reason)));
  for (const reason of ['ENOTFOUND', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID', ''])
    assert.not(isTransient(failure(reason)));
  assert.not(isTransient(new WherryError('DIGEST_MISMATCH', 'x')));
  assert.not(isTransient(new Error('x')));
});

test('redactUrl and printable: nothing secret, nothing that acts on a terminal', () => {
  assert.is(redactUrl('https://u:p@h:1/a/b?sig=x#y'), 'https://h:1/a/b?…');
  assert.is(redactUrl('no url with secrets'), '(not a URL)');
  assert.is(printable('a\r\nb\u001b[2J\u202e c'), 'a b\\u001b[2J\\u202e c');
  assert.is(printable('x'.repeat(400)).length, 301);
});

test('stop the stand-ins', stopAll);
test.run();
