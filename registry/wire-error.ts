// Errors on the wire: a thrown error → status and JSON body (server), and whatever a registry answered → a WherryError of
// the same code (client). Distribution spec, "Error Codes". What came from outside is cut and made printable here.
import { type Code, factsOf, isCode, WherryError } from '../src/errors.ts';

/** One entry of an error body. `code` may be any word that the registry used. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly detail?: unknown;
}

/** A failed answer. `action` completes the sentence "Cannot …", e.g. `read manifest "alpine:3"`. */
export interface FailedResponse {
  readonly action: string;
  readonly status: number;
  /** The body's text; empty for HEAD. Only its first 64 KiB are read. */
  readonly body: string;
  /** The code that a 404 without a code of its own gets. Default NAME_UNKNOWN. */
  readonly unknown?: Code;
  /** The registry's id of the request, if it gave one. */
  readonly requestId?: string | undefined;
}

/** Codes that may cross the wire; a registry must not be able to say e.g. ABORTED. */
const wireCodes: ReadonlySet<string> = new Set([
  'BLOB_UNKNOWN',
  'BLOB_UPLOAD_INVALID',
  'BLOB_UPLOAD_UNKNOWN',
  'DIGEST_INVALID',
  'MANIFEST_BLOB_UNKNOWN',
  'MANIFEST_INVALID',
  'MANIFEST_UNKNOWN',
  'NAME_INVALID',
  'NAME_UNKNOWN',
  'SIZE_INVALID',
  'UNAUTHORIZED',
  'DENIED',
  'UNSUPPORTED',
  'TOOMANYREQUESTS',
  'RANGE_INVALID',
] satisfies readonly Code[]);

/** What our own codes are called on the wire; any other is UNKNOWN. */
const wireNames: Partial<Record<Code, string>> = {
  ARGUMENT_INVALID: 'UNSUPPORTED',
  DIGEST_MISMATCH: 'DIGEST_INVALID',
  TOO_LARGE: 'SIZE_INVALID',
  CREDENTIALS_FAILED: 'UNAUTHORIZED',
  LOCK_TIMEOUT: 'UNAVAILABLE',
};

const maxBody = 64 * 1024;
const maxMessage = 1000;
const maxEntries = 10;

/** Anything thrown → status and JSON body. What is not a caller's fault says no more than that it failed. */
export function formatWireError(error: unknown): { readonly status: number; readonly body: string } {
  const name =
    error instanceof WherryError ? (wireCodes.has(error.code) ? error.code : wireNames[error.code]) : undefined;
  if (!(error instanceof WherryError) || name === undefined) {
    const status = error instanceof WherryError ? Math.max(500, factsOf(error.code).status) : 500;
    return { status, body: bodyOf({ code: 'UNKNOWN', message: 'internal error' }) };
  }
  const message = error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
  const detail = error.detail === undefined ? {} : { detail: error.detail };
  return { status: factsOf(error.code).status, body: bodyOf({ code: name, message, ...detail }) };
}

function bodyOf(error: WireError): string {
  return JSON.stringify({ errors: [error] });
}

/**
 * A body of any shape → its errors, printable and at most ten: the spec's list, other JSON with a message in it, HTML,
 * plain text. One with an empty message where the body says nothing.
 */
export function parseWireErrors(status: number, body: string): readonly WireError[] {
  const text = body.slice(0, maxBody).trim();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return [{ code: codeOf(status), message: printable(text.startsWith('<') ? textOfHtml(text) : text) }];
  }
  const listed = fieldsOf(json)['errors'];
  const entries = (Array.isArray(listed) ? listed : [json]).slice(0, maxEntries).map((item) => entryFrom(item, status));
  return entries.length === 0 ? [{ code: codeOf(status), message: '' }] : entries;
}

/**
 * A failed answer → the error to throw: same code where it is one of the spec's, else one that fits the status. `detail`
 * is `{ status, errors, requestId? }`.
 */
export function errorFromResponse(response: FailedResponse): WherryError {
  const errors = parseWireErrors(response.status, response.body);
  const first = errors.find((error) => isCode(error.code) && wireCodes.has(error.code)) ?? errors[0];
  const named = first?.code ?? '';
  const code =
    isCode(named) && wireCodes.has(named) ? named : codeByStatus(response.status, response.unknown ?? 'NAME_UNKNOWN');
  const said = [...new Set(errors.map((error) => error.message).filter((message) => message !== ''))].join('; ');
  const state =
    said === ''
      ? 'the registry gave no reason'
      : `${printable(said)}${named === '' || named === codeOf(response.status) ? '' : ` (${named})`}`;
  const id = response.requestId === undefined ? {} : { requestId: printable(response.requestId).slice(0, 200) };
  return new WherryError(code, `Cannot ${response.action}: the registry answered ${response.status}: ${state}`, {
    hint: hintOf(code),
    detail: { status: response.status, errors, ...id },
  });
}

function hintOf(code: Code): string | undefined {
  switch (code) {
    case 'UNAUTHORIZED':
      return 'Log in to this registry first.';
    case 'DENIED':
      return 'Check that the account may do this in this repository.';
    case 'TOOMANYREQUESTS':
      return 'Wait, or log in to get a higher limit.';
    case 'MANIFEST_UNKNOWN':
      return 'Check the name and the tag; `wherry tags REPOSITORY` lists the tags that there are.';
    case 'NAME_UNKNOWN':
      return 'Check the name; some registries also answer so when a login is missing.';
    default:
      return undefined;
  }
}

function entryFrom(item: unknown, status: number): WireError {
  if (typeof item === 'string') return { code: codeOf(status), message: printable(item) };
  const fields = fieldsOf(item);
  const code =
    typeof fields['code'] === 'string' && /^[A-Z0-9_]{1,64}$/i.test(fields['code'])
      ? fields['code'].toUpperCase()
      : codeOf(status);
  const message = ['message', 'error_description', 'error', 'details', 'detail', 'title', 'reason']
    .map((key) => fields[key])
    .find((value) => typeof value === 'string' && value !== '');
  const detail = fields['detail'] === undefined || fields['detail'] === null ? {} : { detail: fields['detail'] };
  return { code, message: typeof message === 'string' ? printable(message) : '', ...detail };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function codeOf(status: number): string {
  return `HTTP_${status}`;
}

function codeByStatus(status: number, unknown: Code): Code {
  switch (status) {
    case 401:
      return 'UNAUTHORIZED';
    case 403:
      return 'DENIED';
    case 404:
    case 410:
      return unknown;
    case 405:
    case 501:
      return 'UNSUPPORTED';
    case 413:
      return 'TOO_LARGE';
    case 416:
      return 'RANGE_INVALID';
    case 429:
      return 'TOOMANYREQUESTS';
    default:
      return status >= 500 ? 'NETWORK_FAILED' : 'PROTOCOL_INVALID';
  }
}

function textOfHtml(html: string): string {
  const title = /<title[^>]{0,200}>([^<]{1,500})/i.exec(html)?.[1];
  return title ?? html.replace(/<(script|style)\b[\s\S]*?(<\/\1\s*>|$)/gi, ' ').replace(/<[^>]*(>|$)/g, ' ');
}

/** One line, at most `maxMessage` characters; control and direction characters are shown as escapes (nothing acts on a terminal). */
function printable(text: string): string {
  const line = text.replace(/[ \t\r\n]+/g, ' ').trim();
  const cut = line.length > maxMessage ? `${line.slice(0, maxMessage)}…` : line;
  return cut.replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
