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

/** What was learned so far. */
interface State extends AuthenticatorOptions {
  readonly tokens: Map<string, Promise<Token>>;
  /** Scopes that the registry wanted beyond those of a need. */
  readonly wider: Map<string, readonly string[]>;
  challenge: Challenge | undefined;
}

/** A new authenticator, which knows nothing yet. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const state: State = { ...options, tokens: new Map(), wider: new Map(), challenge: undefined };
  return {
    learn: (text) => {
      state.challenge = chooseChallenge(parseChallenges(text ?? '')) ?? state.challenge;
    },
    header: (need) => headerOf(state, need),
    answer: (refusal) => answer(state, refusal),
    hint: (repository) => hintOf(state, repository),
  };
}

async function headerOf(state: State, need: Need): Promise<string | undefined> {
  const { challenge, credentials, host } = state;
  if (challenge === undefined) return undefined;
  const credential = await credentials.find(host, need.repository);
  if (credential?.kind === 'registry-token') return `Bearer ${credential.token()}`;
  if (challenge.scheme === 'bearer') return `Bearer ${(await tokenOf(state, need, { credential, challenge })).value}`;
  switch (credential?.kind) {
    case undefined:
      return undefined;
    case 'password':
      return basicHeader(credential.username, credential.password());
    case 'identity-token':
      return basicHeader(credential.username || '<token>', credential.token());
  }
}

/** A fresh token: a kept one, one that is being asked for, or a new one. */
async function tokenOf(
  state: State,
  need: Need,
  { credential, challenge }: { readonly credential: Credential | undefined; readonly challenge: Challenge },
): Promise<Token> {
  const { host, tokens } = state;
  const root = { url: state.root(), name: host };
  const realm = await checkRealm(challenge.parameters.get('realm') ?? '', root, state.policy);
  const known = realm.trusted ? credential : undefined;
  if (credential !== undefined && known === undefined) tellUntrusted(state, realm.url.host);
  const scopes = state.wider.get(keyOf(need)) ?? need.scopes;
  const service = challenge.parameters.get('service');
  const key = JSON.stringify([realm.url.href, service, known?.source, [...scopes].sort()]);
  const seen = tokens.get(key);
  const kept = await seen?.catch(() => undefined);
  if (kept !== undefined && isFresh(kept)) return kept;
  const pending = tokens.get(key);
  // While we looked at a stale one, somebody else may have begun to ask.
  if (pending !== undefined && pending !== seen) return pending;
  const made = requestToken(state.ask, { host, realm, service, scopes, credential: known });
  tokens.set(key, made);
  made.catch(() => tokens.get(key) === made && tokens.delete(key));
  return made;
}

async function answer(state: State, { need, sent, challenge: text }: Refusal): Promise<string> {
  const { host, tokens } = state;
  const challenge = chooseChallenge(parseChallenges(text ?? ''));
  // GCR has answered 401 without a challenge: that of the ping still holds.
  state.challenge = challenge ?? state.challenge;
  if (state.challenge === undefined) throw unauthorized(host, 'it wants a login but does not say how');
  const scopes = (challenge?.parameters.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
  if (scopes.some((scope) => !need.scopes.includes(scope)))
    state.wider.set(keyOf(need), [...new Set([...need.scopes, ...scopes])]);
  for (const [key, token] of tokens)
    if (sent === `Bearer ${(await token.catch(() => undefined))?.value}`) tokens.delete(key);
  const next = await headerOf(state, need);
  if (next !== undefined && next !== sent) return next;
  throw unauthorized(host, sent === undefined ? 'authentication required' : 'the credentials were refused', {
    hint: await hintOf(state, need.repository),
  });
}

async function hintOf({ credentials, host }: State, repository: string): Promise<string> {
  const credential = await credentials.find(host, repository);
  return credential === undefined
    ? `Log in first (wherry login ${host}): there is ${credentials.places(host)}.`
    : `It was asked with the credentials of ${credential.source}.`;
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
