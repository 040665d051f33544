// Debian's docker-registry on a free port of loopback, with any of its ways of authentication, and a token server for it.
import { execFileSync, spawn } from 'node:child_process';
import { createPrivateKey, createSign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { join } from 'node:path';
import { atEnd, listen, makeCertificate, reply, type StandIn, standIn, temporaryDirectory } from './peers.ts';

async function freePort(): Promise<number> {
  const server = createNetServer();
  const port = await listen(server as unknown as Server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** How docker-registry asks who is there. */
export type PeerAuth =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly realm: string; readonly certPath: string };

/** Starts Debian's docker-registry over an empty directory; resolves to its host. */
export async function dockerRegistry(
  kind: PeerAuth,
): Promise<{ readonly host: string; readonly restart: () => Promise<void> }> {
  const directory = temporaryDirectory();
  const port = await freePort();
  const config = {
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(directory, 'data') }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}` },
    ...(kind.kind === 'anonymous' ? {} : { auth: authSection(kind, directory) }),
  };
  const path = join(directory, 'config.yml');
  writeFileSync(path, JSON.stringify(config));
  let child = spawn('docker-registry', ['serve', path], { stdio: 'ignore' });
  atEnd(() => child.kill('SIGKILL'));
  await answering(port);
  const restart = async (): Promise<void> => {
    const gone = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await gone;
    child = spawn('docker-registry', ['serve', path], { stdio: 'ignore' });
    await answering(port);
  };
  return { host: `127.0.0.1:${port}`, restart };
}

function authSection(kind: Exclude<PeerAuth, { kind: 'anonymous' }>, directory: string): unknown {
  if (kind.kind === 'bearer') {
    const { realm, certPath } = kind;
    return { token: { realm, service: 'peer', issuer: 'wherry tests', rootcertbundle: certPath } };
  }
  const path = join(directory, 'htpasswd');
  writeFileSync(path, execFileSync('htpasswd', ['-Bbn', kind.username, kind.password]));
  return { htpasswd: { realm: 'peer', path } };
}

async function answering(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const response = await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined);
    await response?.arrayBuffer();
    if (response !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('docker-registry does not answer');
}

/** A token server for docker-registry: grants all that is asked to `user`, pulls to anybody. */
export async function tokenServer(user: {
  readonly username: string;
  readonly password: string;
}): Promise<StandIn & { readonly certPath: string; readonly granted: string[] }> {
  const certificate = makeCertificate();
  const granted: string[] = [];
  const wanted = `Basic ${Buffer.from(`${user.username}:${user.password}`).toString('base64')}`;
  const server = await standIn((seen, response) => {
    const { authorization } = seen.headers;
    if (authorization !== undefined && authorization !== wanted)
      return reply(response, 401, { body: '{"details":"no such user"}' });
    const scopes = new URL(seen.url, 'http://localhost').searchParams
      .getAll('scope')
      .flatMap((text) => text.split(' '));
    granted.push(`${authorization === undefined ? 'anonymous' : user.username} ${scopes.join(' ')}`);
    const access = scopes.map((scope) => {
      const [type = '', ...rest] = scope.split(':');
      const actions = (rest.pop() ?? '')
        .split(',')
        .filter((action) => authorization !== undefined || action === 'pull');
      return { type, name: rest.join(':'), actions };
    });
    return reply(response, 200, { body: JSON.stringify({ token: signToken(certificate, access), expires_in: 300 }) });
  });
  return { ...server, certPath: certificate.certPath, granted };
}

function signToken({ key, cert }: { readonly key: string; readonly cert: string }, access: unknown): string {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const x5c = [cert.replace(/-----[A-Z ]+-----|\s/g, '')];
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: 'wherry tests',
    sub: '',
    aud: 'peer',
    nbf: now - 10,
    iat: now,
    exp: now + 300,
    jti: 'x',
    access,
  };
  const signed = `${encode({ typ: 'JWT', alg: 'RS256', x5c })}.${encode(claims)}`;
  return `${signed}.${createSign('sha256').update(signed).sign(createPrivateKey(key), 'base64url')}`;
}
