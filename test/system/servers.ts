// Servers on loopback that note what they are asked: a plain one, and proxies in front of a registry.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { atEnd } from '../registry/client/peers.ts';

/** A server, and the requests so far, each `METHOD url`. */
export interface Noted {
  readonly host: string;
  readonly origin: string;
  readonly seen: string[];
  readonly server: Server;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Serves on a free port until `stopAll`. */
export async function serveOn(answer: Answer): Promise<Noted> {
  const seen: string[] = [];
  const server = createServer((asked, response) => {
    seen.push(`${asked.method} ${asked.url}`);
    answer(asked, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { host, origin: `http://${host}`, seen, server };
}

/** Passes a request on to `target` (`host:port`) under another path. */
export function passOn(asked: IncomingMessage, response: ServerResponse, to: { target: string; path: string }): void {
  const [host = '', port = ''] = to.target.split(':');
  const { method, headers } = asked;
  const onward = request({ host, port, method, path: to.path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  asked.pipe(onward);
}

/** A reverse proxy: everything goes to `target`, which answers as if it were the proxy. */
export function reverseProxy(target: string): Promise<Noted> {
  return serveOn((asked, response) => passOn(asked, response, { target, path: asked.url ?? '/' }));
}

/** A forward proxy as HTTP_PROXY and HTTPS_PROXY name it; `names` says where `host:port` really is. */
export async function forwardProxy(names: Readonly<Record<string, string>>): Promise<Noted> {
  const proxy = await serveOn((asked, response) => {
    const url = new URL(asked.url ?? '/', 'http://no.proxy');
    const target = names[`${url.hostname}:${url.port || '80'}`];
    if (target === undefined) response.writeHead(502).end('no such host\n');
    else passOn(asked, response, { target, path: `${url.pathname}${url.search}` });
  });
  proxy.server.on('connect', (asked: IncomingMessage, socket: Duplex) => {
    proxy.seen.push(`CONNECT ${asked.url}`);
    const target = names[asked.url ?? ''];
    socket.on('error', () => socket.destroy());
    if (target === undefined) {
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
      return;
    }
    const [host = '', port = ''] = target.split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    onward.on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
    atEnd(() => onward.destroy());
  });
  return proxy;
}
