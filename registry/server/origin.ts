// Who may talk to the server at all: a browser that some page directs at it may not (DNS rebinding, cross-site requests).

import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { WherryError } from '../../src/errors.ts';

/** True for an address or a name that only ever means this machine. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  if (isIP(name) === 4) return name.startsWith('127.');
  if (isIP(name) === 6) return name === '::1' || /^(0+:){7}0*1$/.test(name) || name.startsWith('::ffff:127.');
  return name === 'localhost' || name.endsWith('.localhost');
}

/**
 * Refuses what a web page of another site could have made a browser send. `bound` is the address or name the server
 * listens on: on loopback, `Host` must name this machine as well. @throws DENIED
 */
export function checkOrigin(headers: IncomingHttpHeaders, bound: string): void {
  const host = hostIn(`http://${headers.host ?? ''}`);
  if (isLoopback(bound) && (host === undefined || !(isLoopback(host) || host === bound.toLowerCase())))
    throw new WherryError(
      'DENIED',
      `Cannot serve host "${(headers.host ?? '').slice(0, 100)}": this registry is for this machine only`,
      { hint: 'Use localhost or 127.0.0.1.' },
    );
  if (headers.origin !== undefined && (host === undefined || hostIn(headers.origin) !== host))
    throw new WherryError('DENIED', 'Cannot answer a request that another site made');
  if (headers['sec-fetch-site'] === 'cross-site')
    throw new WherryError('DENIED', 'Cannot answer a request that another site made');
}

function hostIn(url: string): string | undefined {
  try {
    const { hostname } = new URL(url);
    return hostname === '' ? undefined : hostname;
  } catch {
    return undefined;
  }
}
