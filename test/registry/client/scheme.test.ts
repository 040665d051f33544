// http or https, certificates, and what must never be sent in the clear.
import { execFile } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootsOf } from '../../../registry/client/wire/scheme.ts';
import { auth, client, failureOf, listen, makeCertificate, reply, standIn, stopAll } from './peers.ts';

const hosts: readonly (readonly [host: string, want: readonly string[]])[] = [
  ['docker.io', ['https://registry-1.docker.io/']],
  ['ghcr.io', ['https://ghcr.io/']],
  ['localhost:5000', ['http://localhost:5000/', 'https://localhost:5000/ unverified']],
  ['a.localhost', ['http://a.localhost/', 'https://a.localhost/ unverified']],
  ['127.0.0.9:80', ['http://127.0.0.9/', 'https://127.0.0.9:80/ unverified']],
  ['[::1]:5000', ['http://[::1]:5000/', 'https://[::1]:5000/ unverified']],
  ['localhost:443', ['https://localhost/ unverified', 'http://localhost:443/']],
  ['10.0.0.1:5000', ['https://10.0.0.1:5000/']],
  ['0.0.0.0:5000', ['https://0.0.0.0:5000/']],
  ['localhost.example.com', ['https://localhost.example.com/']],
  ['known.example.com:5000', ['https://known.example.com:5000/ unverified', 'http://known.example.com:5000/']],
  ['known.example.com', ['https://known.example.com/']],
];
for (const [host, want] of hosts) {
  test(`rootsOf: ${host}`, () => {
    const roots = rootsOf(host, (name) => name === 'known.example.com:5000');
    assert.equal(
      roots.map(({ url, insecure }) => `${url}${insecure && url.protocol === 'https:' ? ' unverified' : ''}`),
      want,
    );
  });
}

for (const host of ['', 'a b', 'http://x', 'x/y', 'u@x'])
  test(`registry: host ${JSON.stringify(host)} is refused`, () => {
    assert.throws(
      () => client().registry(host),
      (error: Error & { code?: string }) => error.code === 'REFERENCE_INVALID',
    );
  });

const certificate = makeCertificate();

test('loopback: a registry that speaks TLS is found', async () => {
  const server = await standIn((seen, response) => reply(response, seen.url === '/v2/' ? 200 : 404), certificate);
  const error = await failureOf(client().registry(server.host).resolve('a', 'b'));
  assert.is(error.code, 'MANIFEST_UNKNOWN');
});

test('loopback: a server that complains about plain HTTP is asked over TLS', async () => {
  const server = await standIn((seen, response) => reply(response, seen.url === '/v2/' ? 200 : 404), certificate);
  // As Go's servers and nginx do: plain HTTP gets a 400, TLS goes on.
  const front = createServer((socket) => {
    socket.once('data', (first) => {
      if (first[0] === 22) {
        const inner = connect(Number(server.host.split(':')[1]), '127.0.0.1');
        inner.write(first);
        socket.pipe(inner).pipe(socket);
        inner.on('error', () => socket.destroy());
        socket.on('error', () => inner.destroy());
      } else socket.end('HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n');
    });
  });
  const port = await listen(front as never);
  assert.is((await failureOf(client().registry(`127.0.0.1:${port}`).resolve('a', 'b'))).code, 'MANIFEST_UNKNOWN');
  front.close();
});

/** Runs a client in a process of its own, so that NODE_EXTRA_CA_CERTS and the resolver can be set. */
function inProcess(host: string, insecure: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const script = `
    import dns from 'node:dns';
    const { lookup } = dns;
    dns.lookup = (name, options, callback) => name === 'registry.test' ? lookup('127.0.0.1', options, callback) : lookup(name, options, callback);
    const { createRegistryClients } = await import(${JSON.stringify(new URL('../../../registry/client/client.js', import.meta.url).href)});
    const { createTask } = await import(${JSON.stringify(new URL('../../../src/task.js', import.meta.url).href)});
    const clients = createRegistryClients(${JSON.stringify({ insecure, env: {}, patience: { attempts: 2, delay: 1 } })}, createTask());
    await clients.registry(${JSON.stringify(host)}).resolve('a', 'b').catch((error) => console.log(error.code, '|', error.message, '|', error.hint));`;
  const options = { env: { ...process.env, ...env }, timeout: 20_000 };
  return new Promise((resolve) =>
    execFile(process.execPath, ['--input-type=module', '-e', script], options, (_, stdout, stderr) =>
      resolve(stdout + stderr),
    ),
  );
}

test('https: a certificate that nobody vouches for is refused, one of an extra authority is taken', async () => {
  const server = await standIn((seen, response) => reply(response, seen.url === '/v2/' ? 200 : 404), certificate);
  const named = `registry.test:${server.host.split(':')[1]}`;
  const refused = await inProcess(named, []);
  assert.match(refused, /^NETWORK_FAILED \| .*self-signed certificate.* \| .*NODE_EXTRA_CA_CERTS/s);
  assert.is(server.seen.length, 0);
  const known = await inProcess(named, [], { NODE_EXTRA_CA_CERTS: certificate.certPath });
  assert.match(known, /^MANIFEST_UNKNOWN/);
  const insecure = await inProcess(named, [named]);
  assert.match(insecure, /^MANIFEST_UNKNOWN/);
});

test('https: plain HTTP is spoken to an insecure host only', async () => {
  const server = await standIn((seen, response) => reply(response, seen.url === '/v2/' ? 200 : 404));
  const named = `registry.test:${server.host.split(':')[1]}`;
  assert.match(await inProcess(named, []), /^NETWORK_FAILED/);
  assert.is(server.seen.length, 0);
  assert.match(await inProcess(named, [named]), /^MANIFEST_UNKNOWN/);
});

test('a redirect from https to http is refused', async () => {
  const plain = await standIn((_, response) => reply(response, 200));
  const server = await standIn(
    (seen, response) =>
      seen.url === '/v2/' ? reply(response, 200) : reply(response, 307, { headers: { location: `${plain.origin}/x` } }),
    certificate,
  );
  const error = await failureOf(client().registry(server.host).resolve('a', 'b'));
  assert.is(error.code, 'PROTOCOL_INVALID');
  assert.match(error.message, /not encrypted/);
  assert.is(plain.seen.length, 0);
});

test('a realm in plain HTTP of a registry with TLS is refused', async () => {
  const tokens = await standIn((_, response) => reply(response, 200, { body: '{"token":"T"}' }));
  const server = await standIn(
    (_, response) => reply(response, 401, { headers: { 'www-authenticate': `Bearer realm="${tokens.origin}/t"` } }),
    certificate,
  );
  const clients = client({ config: { auths: { [server.host]: auth('u', 'p') } } });
  assert.is((await failureOf(clients.registry(server.host).resolve('a', 'b'))).code, 'PROTOCOL_INVALID');
  assert.is(tokens.seen.length, 0);
});

test('stop the stand-ins', stopAll);
test.run();
