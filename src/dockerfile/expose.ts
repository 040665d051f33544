// One expanded word of EXPOSE in, its ports out. Dockerfile reference, "EXPOSE"; messages are BuildKit's.
import { isIP } from 'node:net';
import { WherryError } from '../errors.ts';
import { parseSigned } from './number.ts';
import { goQuote } from './quote.ts';

interface PortRange {
  readonly first: number;
  readonly last: number;
}

/**
 * The ports of `[ip:][hostport:]port[-end][/protocol]` as keys of `ExposedPorts`, such as `8000/tcp`. Address and host port
 * are checked and then mean nothing. DOCKERFILE_INVALID for anything else.
 */
export function parsePorts(word: string): string[] {
  const parts = word.split(':');
  const container = parts.pop() ?? '';
  const host = parts.pop() ?? '';
  const { port, protocol } = splitProtocol(container, word);
  checkAddress(parts.join(':'));
  const range = parseRange(port);
  if (range === undefined) throw invalid(`invalid containerPort: ${port}`);
  if (host !== '') checkHostRange(host, { port, range });
  const count = range.last - range.first + 1;
  return Array.from({ length: count }, (_, index) => `${range.first + index}/${protocol}`);
}

function splitProtocol(text: string, word: string): { readonly port: string; readonly protocol: string } {
  const slash = text.indexOf('/');
  const port = slash < 0 ? text : text.slice(0, slash);
  const written = slash < 0 ? '' : text.slice(slash + 1);
  if (port === '') throw invalid(`invalid port: ${goQuote(word)}: no port specified`);
  const protocol = written.toLowerCase() || 'tcp';
  if (/^(?:tcp|udp|sctp)$/.test(protocol)) return { port, protocol };
  throw invalid(`invalid port: ${goQuote(word)}: invalid proto: ${written}`);
}

function checkAddress(written: string): void {
  if (written === '') return;
  const bracketed = /^\[([^[\]]*)\]$/.exec(written);
  if (bracketed === null && written.startsWith('['))
    throw invalid(`invalid IP address ${written}: missing ']' in address`);
  const address = bracketed?.[1] ?? written;
  if (isIP(address) === 0 || address.includes('%')) throw invalid(`invalid IP address: ${address}`);
}

function checkHostRange(host: string, container: { readonly port: string; readonly range: PortRange }): void {
  const range = parseRange(host);
  if (range === undefined) throw invalid(`invalid hostPort: ${host}`);
  const { first, last } = container.range;
  if (last !== first && last - first !== range.last - range.first) {
    throw invalid(`invalid ranges specified for container and host Ports: ${container.port} and ${host}`);
  }
}

function parseRange(text: string): PortRange | undefined {
  const dash = text.indexOf('-');
  const first = parsePort(dash < 0 ? text : text.slice(0, dash));
  const last = dash < 0 ? first : parsePort(text.slice(dash + 1));
  return first === undefined || last === undefined || last < first ? undefined : { first, last };
}

function parsePort(text: string): number | undefined {
  const port = parseSigned(text, 53);
  return typeof port === 'number' && port >= 0 && port <= 65535 ? Math.abs(port) : undefined;
}

function invalid(reason: string): WherryError {
  return new WherryError('DOCKERFILE_INVALID', reason, { hint: 'Write ports such as 80, 8000-8010 or 53/udp.' });
}
