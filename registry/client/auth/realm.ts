// Where a registry may send a client for a token. The realm is the registry's word, or that of whoever answers in its place:
// it must be encrypted, must not point into our own network, and sees credentials only if it belongs to the registry.
import { WherryError } from '../../../src/errors.ts';
import { checkPointer, nearnessOf } from '../wire/addresses.ts';
import { parseUrl, redactUrl } from '../wire/message.ts';

/** What the user said about hosts. */
export interface RealmPolicy {
  readonly isInsecure: (host: string) => boolean;
  /** Hosts of token servers that may see a registry's credentials, by the registry's host. */
  readonly realms: ReadonlyMap<string, readonly string[]>;
}

/** A realm that may be asked; `trusted` if with credentials. */
export interface Realm {
  readonly url: URL;
  readonly trusted: boolean;
}

/** Domains below which each name belongs to somebody else. */
const sharedDomains: readonly string[] = [
  'amazonaws.com',
  'appspot.com',
  'azurecr.io',
  'azurewebsites.net',
  'cloudapp.azure.com',
  'cloudfront.net',
  'fly.dev',
  'github.io',
  'gitlab.io',
  'herokuapp.com',
  'netlify.app',
  'ngrok-free.app',
  'ngrok.io',
  'onrender.com',
  'pages.dev',
  'run.app',
  'vercel.app',
  'web.app',
  'windows.net',
  'workers.dev',
];
const secondLevels: ReadonlySet<string> = new Set([
  'ac',
  'co',
  'com',
  'edu',
  'go',
  'gob',
  'gov',
  'ne',
  'net',
  'or',
  'org',
]);

/** Checks the realm of a challenge that a registry gave; `name` is its host as in references. @throws PROTOCOL_INVALID */
export async function checkRealm(
  text: string,
  { url: registry, name }: { readonly url: URL; readonly name: string },
  policy: RealmPolicy,
): Promise<Realm> {
  const url = realmUrl(text, registry);
  if (url === undefined) throw refused(registry, text, 'it is no http or https URL');
  if (url.protocol === 'http:' && registry.protocol === 'https:' && !policy.isInsecure(url.host))
    throw refused(registry, redactUrl(url), 'it is not encrypted');
  if (url.host !== registry.host) await checkPointer(registry.hostname, url.hostname);
  const named = policy.realms.get(name)?.includes(url.host) ?? false;
  return { url, trusted: named || belongsTogether(registry.hostname, url.hostname) };
}

/** Relative realms count from the registry; Nexus writes `null://host/path` for itself. */
function realmUrl(text: string, registry: URL): URL | undefined {
  const url = parseUrl(text, registry);
  if (url === undefined) return undefined;
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return url.host === registry.host ? parseUrl(`${registry.origin}${url.pathname}${url.search}`) : undefined;
  url.username = '';
  url.password = '';
  url.hash = '';
  return url;
}

/** True for two names of one owner: the same host, both this machine, or below one registered domain. */
function belongsTogether(a: string, b: string): boolean {
  if (a === b) return true;
  const [nearA, nearB] = [nearnessOf(a), nearnessOf(b)];
  if (nearA !== 'name' || nearB !== 'name') return nearA === 'loopback' && nearB === 'loopback';
  const domain = registeredDomainOf(a);
  return domain !== undefined && domain === registeredDomainOf(b);
}

/** The part of a host name that somebody registered, as far as it can be told without the public suffix list. */
function registeredDomainOf(hostname: string): string | undefined {
  const labels = hostname.toLowerCase().replace(/\.$/, '').split('.');
  if (labels.length < 2) return undefined;
  const shared = sharedDomains.find((domain) => hostname.toLowerCase().endsWith(`.${domain}`));
  const twoPart = secondLevels.has(labels.at(-2) ?? '') && labels.at(-1)?.length === 2;
  const count = shared !== undefined ? shared.split('.').length + 1 : twoPart ? 3 : 2;
  return labels.length < count ? undefined : labels.slice(-count).join('.');
}

function refused(registry: URL, realm: string, why: string): WherryError {
  return new WherryError('PROTOCOL_INVALID', `Cannot get a token for "${registry.host}" from "${realm}": ${why}`, {
    hint: 'The registry names this token server; tell its operator.',
  });
}
