// Where a host name or an IP address points: this machine, its own network, the link, or the public. It decides who may
// be spoken to in plain HTTP, and which redirects a registry may give (no registry may make us call on our own network).
import type { LookupAddress } from 'node:dns';
import { lookup as lookupName } from 'node:dns/promises';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { WherryError } from '../../../src/errors.ts';

/** How near an address is. `name` is a host name that says nothing by itself. */
export type Nearness = 'public' | 'private' | 'loopback' | 'link' | 'name';

const loopback = blockOf([
  ['127.0.0.0', 8],
  ['0.0.0.0', 8],
  ['::', 127],
]);
const link = blockOf([
  ['169.254.0.0', 16],
  ['fe80::', 10],
  ['fd00:ec2::254', 128],
]);
const ownNetwork = blockOf([
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['fc00::', 7],
]);

function blockOf(nets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of nets) list.addSubnet(net, prefix, net.includes(':') ? 'ipv6' : 'ipv4');
  return list;
}

/** Nearness of a host as in `URL.hostname` (IPv6 with or without brackets). */
export function nearnessOf(hostname: string): Nearness {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (host === 'localhost' || host.endsWith('.localhost')) return 'loopback';
  const version = isIP(host);
  if (version === 0) return 'name';
  const [address, family] = version === 4 ? ([host, 'ipv4'] as const) : unmapped(host);
  if (loopback.check(address, family)) return 'loopback';
  if (link.check(address, family)) return 'link';
  return ownNetwork.check(address, family) ? 'private' : 'public';
}

/** `::ffff:a9fe:a9fe` → 169.254.169.254: a mapped address is as near as what it maps. */
function unmapped(host: string): readonly [string, 'ipv4' | 'ipv6'] {
  const normal = new URL(`http://[${host}]`).hostname.slice(1, -1);
  const match = /^(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(normal);
  if (match === null) return [host, 'ipv6'];
  const [high, low] = [Number.parseInt(match[1] ?? '', 16), Number.parseInt(match[2] ?? '', 16)];
  return [`${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`, 'ipv4'];
}

/** True for hosts that may be spoken to in plain HTTP without being asked to: localhost, *.localhost, 127/8, ::1. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return nearnessOf(host) === 'loopback' && host !== '::' && !host.startsWith('0.');
}

const ranks: Readonly<Record<Nearness, number>> = { public: 0, name: 0, private: 1, loopback: 2, link: 3 };

/** Whether a server at `from` may send us on to `to`: never nearer than it is itself; link-local (cloud metadata) only to itself. */
export function mayPointTo(from: Nearness, to: Nearness): boolean {
  return to === 'link' ? from === 'link' : ranks[to] <= ranks[from];
}

/**
 * A DNS look-up for a host that a server at `from` (a host name) pointed to: addresses nearer than its own are left out,
 * and none left is an error. Guards against names that resolve to the machine's own network.
 */
export function guardedLookup(from: string): LookupFunction {
  return (hostname, options, callback) => {
    const fail = (error: unknown): void => callback(error as NodeJS.ErrnoException, '', 0);
    allowedAddresses(from, hostname).then((addresses) => {
      const fitting = addresses.filter((item) => !options.family || item.family === familyOf(options.family));
      const [first] = fitting;
      if (first === undefined) fail(refusedAddress(hostname));
      else if (options.all) callback(null, fitting);
      else callback(null, first.address, first.family);
    }, fail);
  };
}

function familyOf(family: number | 'IPv4' | 'IPv6'): number {
  return family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : family;
}

async function allowedAddresses(from: string, hostname: string): Promise<LookupAddress[]> {
  const addresses = await lookupName(hostname, { all: true });
  const nearness = await nearnessOfName(from);
  return addresses.filter((item) => mayPointTo(nearness, nearnessOf(item.address)));
}

async function nearnessOfName(hostname: string): Promise<Nearness> {
  const literal = nearnessOf(hostname);
  if (literal !== 'name') return literal;
  const addresses = await lookupName(hostname, { all: true }).catch(() => []);
  const found = addresses.map((item) => nearnessOf(item.address));
  return found.reduce((best, item) => (ranks[item] > ranks[best] ? item : best), 'public');
}

/** Checks a host that a server at `from` pointed to, as far as its name tells. @throws PROTOCOL_INVALID */
export async function checkPointer(from: string, to: string): Promise<void> {
  const target = nearnessOf(to);
  if (target === 'name' || target === 'public') return;
  if (!mayPointTo(await nearnessOfName(from), target)) throw refusedAddress(to);
}

/** The error for a redirect, realm or upload location that points into the machine's own network. */
function refusedAddress(hostname: string): WherryError {
  return new WherryError(
    'PROTOCOL_INVALID',
    `Cannot follow the server to "${hostname}": it is an address of this machine or its network`,
    { hint: 'Only a server on the same network may send a client there.' },
  );
}
