// The `Authorization` of one registry: scopes → header, learned from its challenges. Tokens are kept while they are fresh,
// asked for once by requests that run side by side, and dropped when the registry refuses them.
import { type ErrorDetails, WherryError } from '../../../src/errors.ts';
import type { Task } from '../../../src/task.ts';
import { type Challenge, chooseChallenge, parseChallenges } from './challenge.ts';
import type { Credential, Credentials } from './credentials.ts';
import { checkRealm, type RealmPolicy } from './realm.ts';
import { type Ask, basicHeader, isFresh, requestToken, type Token } from './token.ts';

/** What a request needs: scopes, the most important first, for credentials that may differ by repository. */
export interface Need {
  readonly repository: string;
  readonly scopes: readonly string[];
}

/** A 401. */
export interface Refusal {
  readonly need: Need;
  /** The `Authorization` that was refused. */
  readonly sent: string | undefined;
  /** The `WWW-Authenticate` of the answer. */
  readonly challenge: string | undefined;
}

/** Knows the `Authorization` of one registry. */
export interface Authenticator {
  /** Takes the challenge of a ping; the registry is asked so from then on. */
  learn(challenge: string | undefined): void;
  /** The header for a need; undefined for none. @throws UNAUTHORIZED, CREDENTIALS_FAILED and as `requestToken` */
  header(need: Need): Promise<string | undefined>;
  /** The header to try once more with after a refusal. @throws UNAUTHORIZED when there is no other */
  answer(refusal: Refusal): Promise<string>;
  /** What a user should know about the credentials that were used, as a hint. */
  hint(repository: string): Promise<string>;
}

/** What an authenticator works with. */
export interface AuthenticatorOptions {
  readonly host: string;
  /** The registry's root; asked for late, since the scheme is found out by the ping. */
  readonly root: () => URL;
  readonly credentials: Credentials;
  readonly policy: RealmPolicy;
  readonly ask: Ask;
  readonly task: Task;
  /** Credentials that may not be sent are an error (a login), not a reason to go on without them. */
  readonly strict: boolean;
}

/** A new authenticator, which knows nothing yet. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { host, credentials } = options;
  const tokens = new Map<string, Promise<Token>>();
  const wider = new Map<string, readonly string[]>();
  let challenge: Challenge | undefined;

  const bearer = async (need: Need, credential: Credential | undefined, asked: Challenge): Promise<string> => {
    if (credential?.kind === 'registry-token') return `Bearer ${credential.token()}`;
    const realm = await checkRealm(asked.parameters.get('realm') ?? '', options.root(), options.policy);
    const known = realm.trusted ? credential : undefined;
    if (credential !== undefined && known === undefined) tellUntrusted(options, realm.url.host);
    const scopes = wider.get(keyOf(need)) ?? need.scopes;
    const service = asked.parameters.get('service');
    const key = JSON.stringify([realm.url.href, service, known?.source, [...scopes].sort()]);
    const seen = tokens.get(key);
    const cached = await seen?.catch(() => undefined);
    if (cached !== undefined && isFresh(cached)) return `Bearer ${cached.value}`;
    let pending = tokens.get(key);
    if (pending === undefined || pending === seen) {
      const made = requestToken(options.ask, { host, realm, service, scopes, credential: known });
      tokens.set(key, made);
      made.catch(() => tokens.get(key) === made && tokens.delete(key));
      pending = made;
    }
    return `Bearer ${(await pending).value}`;
  };

  const header = async (need: Need): Promise<string | undefined> => {
    if (challenge === undefined) return undefined;
    const credential = await credentials.find(host, need.repository);
    if (challenge.scheme === 'bearer') return bearer(need, credential, challenge);
    switch (credential?.kind) {
      case undefined:
        return undefined;
      case 'password':
        return basicHeader(credential.username, credential.password());
      case 'identity-token':
        return basicHeader(credential.username || '<token>', credential.token());
      case 'registry-token':
        return `Bearer ${credential.token()}`;
    }
  };

  const hint = async (repository: string): Promise<string> => {
    const credential = await credentials.find(host, repository);
    return credential === undefined
      ? `Log in to "${host}" first: there is ${credentials.places(host)}.`
      : `It was asked with the credentials of ${credential.source}.`;
  };

  return {
    learn: (text) => {
      challenge = chooseChallenge(parseChallenges(text ?? '')) ?? challenge;
    },
    header,
    hint,
    answer: async ({ need, sent, challenge: text }) => {
      const now = chooseChallenge(parseChallenges(text ?? ''));
      challenge = now ?? challenge;
      if (challenge === undefined) throw unauthorized(host, 'it wants a login but does not say how');
      const scopes = (now?.parameters.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
      if (scopes.some((scope) => !need.scopes.includes(scope)))
        wider.set(keyOf(need), [...new Set([...need.scopes, ...scopes])]);
      for (const [key, token] of tokens)
        if (sent === `Bearer ${(await token.catch(() => undefined))?.value}`) tokens.delete(key);
      const next = await header(need);
      if (next === undefined || next === sent)
        throw unauthorized(host, sent === undefined ? 'authentication required' : 'the credentials were refused', {
          hint: await hint(need.repository),
        });
      return next;
    },
  };
}

function keyOf(need: Need): string {
  return JSON.stringify([need.repository, need.scopes]);
}

function unauthorized(host: string, why: string, details: ErrorDetails = {}): WherryError {
  return new WherryError('UNAUTHORIZED', `Cannot use registry "${host}": ${why}`, details);
}

const told = new WeakMap<Task, Set<string>>();

function tellUntrusted({ host, task, strict }: AuthenticatorOptions, realm: string): void {
  const allow = `Allow it in the configuration: { "realms": { "${host}": ["${realm}"] } }`;
  if (strict)
    throw unauthorized(host, `it sends to "${realm}" for tokens, which does not belong to it`, { hint: `${allow}.` });
  const known = told.get(task) ?? new Set<string>();
  told.set(task, known);
  if (known.has(`${host} ${realm}`)) return;
  known.add(`${host} ${realm}`);
  const message = `"${host}" sends to "${realm}" for tokens, which does not belong to it: asking there without credentials`;
  task.emit({ kind: 'warning', message: `${message}. ${allow}` });
}
