// Bearer tokens: realm, scopes and credentials → a token (distribution, "Token Authentication"; OAuth2 for identity
// tokens). Tokens are opaque here; only their form and their time are looked at.
import { WherryError } from '../../../src/errors.ts';
import { errorFromResponse } from '../../wire-error.ts';
import { bodyOf, type HttpRequest, type HttpResponse, readBody, readErrorBody } from '../wire/message.ts';
import type { Credential } from './credentials.ts';
import type { Realm } from './realm.ts';

/** A token and until when it can be used. */
export interface Token {
  readonly value: string;
  /** By `performance.now()`: a clock that nobody sets. */
  readonly expires: number;
  /** By `Date.now()`: a clock that runs on while the machine sleeps. */
  readonly expiresByWall: number;
}

/** What a token is wanted for. */
export interface TokenRequest {
  readonly host: string;
  readonly realm: Realm;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  readonly credential: Credential | undefined;
}

/** Sends a request with redirects and retries. */
export type Ask = (request: HttpRequest) => Promise<HttpResponse>;

const maxAnswer = 1024 * 1024;
const maxToken = 64 * 1024;
const shortestLife = 60;
const longestLife = 24 * 3600;
const clientId = 'wherry';

/** True while a token has more than five seconds. */
export function isFresh(token: Token): boolean {
  return performance.now() < token.expires - 5000 && Date.now() < token.expiresByWall - 5000;
}

/** `Authorization: Basic` of a user. */
export function basicHeader(username: string, secret: string): string {
  return `Basic ${Buffer.from(`${username}:${secret}`).toString('base64')}`;
}

/**
 * Gets a token: an identity token is exchanged by POST, anything else asks by GET; servers that know only the other way
 * are asked so. @throws UNAUTHORIZED, DENIED, PROTOCOL_INVALID, NETWORK_FAILED
 */
export async function requestToken(ask: Ask, wanted: TokenRequest): Promise<Token> {
  const { credential } = wanted;
  if (credential?.kind === 'identity-token') {
    const fields = { grant_type: 'refresh_token', refresh_token: credential.token() };
    const response = await ask(postRequest(wanted, fields));
    // GCR answers 404, Artifactory 401, ACR 400 to what they do not know.
    if (![400, 401, 404, 405].includes(response.status)) return tokenFrom(response, wanted);
    const refusal = await failureOf(response, wanted);
    const second = await ask(getRequest(wanted, basicHeader(credential.username || '<token>', credential.token())));
    if (second.status === 200) return tokenFrom(second, wanted);
    await readErrorBody(second);
    throw refusal;
  }
  if (credential?.kind !== 'password') return tokenFrom(await ask(getRequest(wanted)), wanted);
  const { username, password } = credential;
  const response = await ask(getRequest(wanted, basicHeader(username, password())));
  if (response.status !== 404 && response.status !== 405) return tokenFrom(response, wanted);
  await readErrorBody(response);
  const fields = { grant_type: 'password', username, password: password() };
  return tokenFrom(await ask(postRequest(wanted, fields)), wanted);
}

function getRequest(wanted: TokenRequest, authorization?: string): HttpRequest {
  const url = new URL(wanted.realm.url);
  if (wanted.service !== undefined) url.searchParams.set('service', wanted.service);
  for (const scope of wanted.scopes) url.searchParams.append('scope', scope);
  const account = wanted.credential !== undefined && 'username' in wanted.credential ? wanted.credential.username : '';
  if (account !== '' && authorization !== undefined) url.searchParams.set('account', account);
  url.searchParams.set('client_id', clientId);
  return { method: 'GET', url, headers: authorization === undefined ? {} : { authorization } };
}

function postRequest(wanted: TokenRequest, fields: Readonly<Record<string, string>>): HttpRequest {
  const form = new URLSearchParams({ ...fields, client_id: clientId });
  if (wanted.service !== undefined) form.set('service', wanted.service);
  if (wanted.scopes.length > 0) form.set('scope', wanted.scopes.join(' '));
  return {
    method: 'POST',
    url: wanted.realm.url,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: bodyOf(Buffer.from(form.toString())),
  };
}

async function failureOf(response: HttpResponse, { host, realm, credential }: TokenRequest): Promise<WherryError> {
  const body = await readErrorBody(response);
  const action = `get a token for "${host}" from "${realm.url.host}"`;
  const error = errorFromResponse({ action, status: response.status, body, unknown: 'UNAUTHORIZED' });
  const refused = [400, 401, 403].includes(response.status);
  const message = error.message.replace('the registry answered', 'the token server answered');
  return new WherryError(refused ? (response.status === 403 ? 'DENIED' : 'UNAUTHORIZED') : error.code, message, {
    hint:
      credential === undefined
        ? 'Log in to this registry first.'
        : `It was asked with the credentials of ${credential.source}.`,
    detail: error.detail,
  });
}

async function tokenFrom(response: HttpResponse, wanted: TokenRequest): Promise<Token> {
  if (response.status !== 200) throw await failureOf(response, wanted);
  const what = `the token of "${wanted.realm.url.host}"`;
  const bytes = await readBody(response, maxAnswer, what);
  const invalid = (why: string): WherryError => new WherryError('PROTOCOL_INVALID', `Cannot read ${what}: ${why}`);
  let fields: Record<string, unknown>;
  try {
    fields = { ...(JSON.parse(bytes.toString('utf8')) as Record<string, unknown>) };
  } catch {
    throw invalid('the answer is not JSON');
  }
  const value = [fields['token'], fields['access_token']].find((item) => typeof item === 'string' && item !== '');
  if (typeof value !== 'string') throw invalid('the answer has none');
  if (value.length > maxToken || !/^[\x21-\x7e]+$/.test(value)) throw invalid('it is no token');
  return { value, ...expiryOf(fields) };
}

function expiryOf(fields: Readonly<Record<string, unknown>>): Pick<Token, 'expires' | 'expiresByWall'> {
  const said = Number(fields['expires_in']);
  const seconds = Number.isFinite(said) ? Math.min(Math.max(said, shortestLife), longestLife) : shortestLife;
  const issued = typeof fields['issued_at'] === 'string' ? Date.parse(fields['issued_at']) : Number.NaN;
  const age = Date.now() - issued;
  // A server's clock that is off (issued in the future, or expired at birth) is not believed.
  const life = seconds * 1000 - (age > 0 && age < seconds * 1000 ? age : 0);
  return { expires: performance.now() + life, expiresByWall: Date.now() + life };
}
