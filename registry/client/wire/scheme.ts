// Which scheme a registry speaks: https, but for this machine and for hosts that the user named as insecure. Found out once
// by a ping, which also brings the challenge (distribution spec, "Determining Support").
import { isError, type WherryError } from '../../../src/errors.ts';
import { isLoopback } from './addresses.ts';
import { type HttpResponse, readErrorBody, type Send } from './message.ts';
import { delayOf, isTransient, pause, type Retrying } from './retry.ts';

/** A registry's root, e.g. `https://registry-1.docker.io`, and how it is spoken to. */
export interface Root {
  readonly url: URL;
  /** Its certificate is not verified. */
  readonly insecure: boolean;
  /** `WWW-Authenticate` of the ping's 401. */
  readonly challenge?: string;
}

/** Hosts whose API is elsewhere. */
const apiHosts: ReadonlyMap<string, string> = new Map([
  ['docker.io', 'registry-1.docker.io'],
  ['index.docker.io', 'registry-1.docker.io'],
]);

/** Where a registry may be, best first. @throws TypeError for a host that is none */
export function rootsOf(host: string, isInsecure: (host: string) => boolean): readonly Root[] {
  const name = apiHosts.get(host) ?? host;
  const secure = { url: new URL(`https://${name}`), insecure: false };
  const unverified = { ...secure, insecure: true };
  const plain = { url: new URL(`http://${name}`), insecure: true };
  if (isLoopback(secure.url.hostname)) return /:443$/.test(name) ? [unverified, plain] : [plain, unverified];
  return isInsecure(host) || isInsecure(name) ? [unverified, plain] : [secure];
}

/** Pings the roots until one answers as a registry may. @throws NETWORK_FAILED of the best root, ABORTED */
export async function findRoot(roots: readonly Root[], send: Send, { task, patience }: Retrying): Promise<Root> {
  for (let attempt = 1; ; attempt++) {
    const failures: WherryError[] = [];
    for (const root of roots) {
      try {
        const response = await send({ method: 'GET', url: new URL('/v2/', root.url), insecure: root.insecure });
        const found = await rootFrom(root, response);
        if (found !== undefined) return found;
      } catch (error) {
        if (!isError(error, 'NETWORK_FAILED')) throw error;
        failures.push(error);
      }
    }
    const [first] = failures;
    if (first === undefined) return roots[0] as Root;
    if (attempt >= Math.min(patience.attempts, 3) || !failures.some(isTransient)) throw first;
    await pause(delayOf(patience, attempt), task);
  }
}

/** Undefined where a TLS server complains about plain HTTP. */
async function rootFrom(root: Root, response: HttpResponse): Promise<Root | undefined> {
  const text = await readErrorBody(response);
  const wantsTls = response.status === 400 && /HTTP request (?:was sent )?to (?:an )?HTTPS (?:server|port)/i.test(text);
  if (wantsTls) return undefined;
  const challenge = response.status === 401 ? response.headers.get('www-authenticate') : undefined;
  return challenge === undefined ? root : { ...root, challenge };
}
