// Users of the embedded registry: an Apache password file (`htpasswd -B`, or -s for {SHA}) → a check of Basic credentials.
// Other formats (apr1, crypt, plain) are too weak or ambiguous and are refused when the file is read.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { compare } from 'bcryptjs';
import { WherryError } from '../../src/errors.ts';
import { digestOf } from '../../src/oci/digest.ts';

/** Checks the value of an `Authorization` header; false means 401. Errors: TOOMANYREQUESTS, ARGUMENT_INVALID, IO_FAILED */
export interface Gatekeeper {
  admits(authorization: string | undefined): Promise<boolean>;
}

/** Compared against for users that do not exist, so that they take as long. It is no password's. */
const nobody = '$2b$05$abcdefghijklmnopqrstuuWzP7l5h0vY0p6jZ0gGZqk0J8y0v8mZe';
const maxChecks = 32;
const maxRemembered = 1000;
/** bcrypt ignores what follows. */
const maxPassword = 72;

/** Text of a password file → user to stored password. @throws ARGUMENT_INVALID naming the line */
export function parseHtpasswd(text: string, path: string): ReadonlyMap<string, string> {
  const users = new Map<string, string>();
  for (const [position, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const [user, stored] = [line.slice(0, Math.max(0, colon)), line.slice(colon + 1).trim()];
    const fail = (why: string): WherryError =>
      new WherryError('ARGUMENT_INVALID', `Cannot use password file "${path}", line ${position + 1}: ${why}`, {
        hint: 'Make the entry with: htpasswd -B FILE USER',
      });
    if (user === '') throw fail('it is not of the form USER:PASSWORD');
    if (stored.startsWith('$apr1$'))
      throw fail(`the password of "${user}" is in the format apr1 (MD5), which is not accepted`);
    const isKnown =
      /^\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}$/.test(stored) || /^\{SHA\}[A-Za-z0-9+/]{27}=$/.test(stored);
    if (!isKnown) throw fail(`the password of "${user}" is not in the format bcrypt or {SHA}`);
    users.set(user, stored);
  }
  return users;
}

/** Reads the file, and again whenever it has changed. */
export async function openHtpasswd(path: string): Promise<Gatekeeper> {
  let users = await load(path);
  const key = randomBytes(32).toString('hex');
  const admitted = new Set<string>();
  let checks = 0;
  const check = async (user: string, password: string): Promise<boolean> => {
    const stored = users.entries.get(user);
    // What was right once is right as long as the entry stays: bcrypt is slow on purpose.
    const token = digestOf(JSON.stringify([key, user, password, stored ?? '']));
    if (admitted.has(token)) return true;
    if (checks >= maxChecks)
      throw new WherryError('TOOMANYREQUESTS', 'Cannot check the password: too many are being checked');
    checks++;
    try {
      const isRight = (await matches(password, stored ?? nobody)) && stored !== undefined;
      if (isRight) {
        if (admitted.size >= maxRemembered) admitted.clear();
        admitted.add(token);
      }
      return isRight;
    } finally {
      checks--;
    }
  };
  return {
    admits: async (authorization) => {
      const credentials = parseBasic(authorization);
      if (credentials === undefined) return false;
      if ((await stampOf(path)) !== users.stamp) users = await load(path);
      return Buffer.byteLength(credentials.password) <= maxPassword && check(credentials.user, credentials.password);
    },
  };
}

function parseBasic(authorization: string | undefined): { user: string; password: string } | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/_-]+={0,2})$/i.exec(authorization ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

async function load(path: string): Promise<{ readonly stamp: string; readonly entries: ReadonlyMap<string, string> }> {
  const stamp = await stampOf(path);
  try {
    return { stamp, entries: parseHtpasswd(await readFile(path, 'utf8'), path) };
  } catch (cause) {
    throw cause instanceof WherryError ? cause : unreadable(path, cause);
  }
}

async function stampOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): WherryError {
  return new WherryError(
    'IO_FAILED',
    `Cannot read password file "${path}": ${cause instanceof Error ? cause.message : String(cause)}`,
    { cause },
  );
}

async function matches(password: string, stored: string): Promise<boolean> {
  if (!stored.startsWith('{SHA}')) return compare(password, stored);
  const actual = Buffer.from(await crypto.subtle.digest('SHA-1', Buffer.from(password)));
  const wanted = Buffer.from(stored.slice('{SHA}'.length), 'base64');
  return actual.byteLength === wanted.byteLength && timingSafeEqual(actual, wanted);
}
