// What node-fetch and the system say of a failed exchange → a WherryError with a reason that retries can judge.
import { messageOf, WherryError } from '../../../src/errors.ts';
import { type HttpRequest, redactUrl } from './message.ts';

const hints: ReadonlyMap<string, string> = new Map([
  ['ENOTFOUND', 'Check the name of the host, and the DNS.'],
  ['EAI_AGAIN', 'Check the network and the DNS.'],
  ['ECONNREFUSED', 'Check the port, and that the server runs.'],
  ['CERT_HAS_EXPIRED', 'Check the clock of this machine; else the server needs a new certificate.'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'Set NODE_EXTRA_CA_CERTS to its certificate, or name the host as insecure.'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'Set NODE_EXTRA_CA_CERTS to its authority, or name the host as insecure.'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'Set NODE_EXTRA_CA_CERTS to its authority, or name the host as insecure.'],
  ['EPROTO', 'If the server speaks plain HTTP, name the host as insecure.'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'If the server speaks plain HTTP, name the host as insecure.'],
  ['EPROXY', 'Check HTTPS_PROXY and NO_PROXY, and what the proxy allows.'],
]);

/** What a proxy that makes no tunnel comes to: it may not reach the server just now, or does not want to. */
export function proxyRefusal(status: number): Error {
  const code = [502, 503, 504].includes(status) ? 'ECONNREFUSED' : 'EPROXY';
  return Object.assign(new Error(`the proxy answered ${status}`), { code });
}

/** The error of a request that failed; `detail.reason` is the system's code (`ECONNRESET`), or "". */
export function networkFailure(
  error: unknown,
  { method, url, timedOut }: Pick<HttpRequest, 'method' | 'url'> & { readonly timedOut: boolean },
): WherryError {
  const reason = timedOut ? 'ETIMEDOUT' : reasonOf(error);
  const said = messageOf(error).replace(/^request to \S+ failed, reason: /, '');
  const why = timedOut ? 'the server is silent' : said === '' ? reason : said;
  return new WherryError('NETWORK_FAILED', `Cannot ${method} "${redactUrl(url)}": ${why}`, {
    hint: hints.get(reason),
    detail: { reason },
    cause: error,
  });
}

function reasonOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : '';
}
