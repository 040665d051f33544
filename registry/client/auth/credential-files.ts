// The files that keep credentials, in the formats of docker/cli's config.json and containers-auth.json(5): where they are,
// how they are read, and how an entry of Docker's file is changed without losing anything else in it.
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, realpath, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { messageOf, WherryError } from '../../../src/errors.ts';

/** One file's content, as far as it concerns credentials. */
export interface CredentialFile {
  /** A path, or `$DOCKER_AUTH_CONFIG`. */
  readonly name: string;
  /** By key, as written. */
  readonly auths: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** The program for all servers. */
  readonly program?: string;
  /** Programs by server. */
  readonly programs: ReadonlyMap<string, string>;
}

/** Path of Docker's config.json. */
export function dockerConfigPath(env: NodeJS.ProcessEnv): string {
  return join(env['DOCKER_CONFIG'] || join(homeOf(env), '.docker'), 'config.json');
}

function homeOf(env: NodeJS.ProcessEnv): string {
  return env['HOME'] || homedir();
}

/** Paths of all files that may hold credentials, in the order in which they are asked. */
export function credentialPaths(env: NodeJS.ProcessEnv): readonly string[] {
  const paths = [dockerConfigPath(env)];
  if (env['REGISTRY_AUTH_FILE']) paths.push(env['REGISTRY_AUTH_FILE']);
  if (env['XDG_RUNTIME_DIR']) paths.push(join(env['XDG_RUNTIME_DIR'], 'containers', 'auth.json'));
  paths.push(join(env['XDG_CONFIG_HOME'] || join(homeOf(env), '.config'), 'containers', 'auth.json'));
  return paths;
}

/** Reads `$DOCKER_AUTH_CONFIG` and all files that are there. @throws CREDENTIALS_FAILED (a file that cannot be read or is no JSON) */
export async function readCredentialFiles(env: NodeJS.ProcessEnv): Promise<readonly CredentialFile[]> {
  const inline = env['DOCKER_AUTH_CONFIG'];
  const files: CredentialFile[] = inline ? [contentOf('$DOCKER_AUTH_CONFIG', inline)] : [];
  for (const path of credentialPaths(env)) {
    const text = await textOf(path);
    if (text !== undefined && text.trim() !== '') files.push(contentOf(path, text));
  }
  return files;
}

/** Docker's config.json alone; undefined where there is none. @throws CREDENTIALS_FAILED */
export async function readDockerConfig(env: NodeJS.ProcessEnv): Promise<CredentialFile | undefined> {
  const path = dockerConfigPath(env);
  const text = await textOf(path);
  return text === undefined || text.trim() === '' ? undefined : contentOf(path, text);
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw new WherryError('CREDENTIALS_FAILED', `Cannot read credentials of "${path}": ${messageOf(cause)}`, { cause });
  }
}

function contentOf(name: string, text: string): CredentialFile {
  const fields = parseObject(name, text);
  const store = fields['credsStore'];
  return {
    name,
    auths: new Map(
      Object.entries(objectOf(name, 'auths', fields['auths'])).map(([key, entry]) => [key, objectOf(name, key, entry)]),
    ),
    ...(typeof store === 'string' && store !== '' ? { program: store } : {}),
    programs: new Map(
      Object.entries(objectOf(name, 'credHelpers', fields['credHelpers'])).map(([key, program]) => [
        key,
        String(program),
      ]),
    ),
  };
}

function parseObject(name: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The cause of a JSON error quotes the text, which holds secrets.
    throw new WherryError('CREDENTIALS_FAILED', `Cannot read credentials of "${name}": it is not valid JSON`, {
      hint: 'Mend the file, or move it away and log in again.',
    });
  }
  return objectOf(name, 'the whole', value);
}

function objectOf(name: string, what: string, value: unknown): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new WherryError('CREDENTIALS_FAILED', `Cannot read credentials of "${name}": "${what}" is not a JSON object`);
}

/**
 * Sets (or with undefined removes) entries of Docker's config.json; everything else stays as it was, a symlink too. The
 * file is replaced at once, mode 0600. Returns whether something changed. @throws CREDENTIALS_FAILED
 */
export async function changeAuths(
  path: string,
  changes: ReadonlyMap<string, Readonly<Record<string, string>> | undefined>,
): Promise<boolean> {
  const text = await textOf(path);
  const fields = text === undefined || text.trim() === '' ? {} : parseObject(path, text);
  const auths = { ...objectOf(path, 'auths', fields['auths']) };
  const before = JSON.stringify(auths);
  for (const [key, entry] of changes) {
    if (entry === undefined) delete auths[key];
    else auths[key] = entry;
  }
  if (before === JSON.stringify(auths)) return false;
  await replaceFile(path, `${JSON.stringify({ ...fields, auths }, null, '\t')}\n`);
  return true;
}

async function replaceFile(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const target = await realpath(path).catch(() => path);
    const temporary = `${target}.${process.pid}.${randomBytes(6).toString('hex')}`;
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, target);
    } finally {
      await rm(temporary, { force: true });
    }
  } catch (cause) {
    throw new WherryError('CREDENTIALS_FAILED', `Cannot save credentials in "${path}": ${messageOf(cause)}`, { cause });
  }
}
