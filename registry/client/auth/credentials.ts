// Which credentials belong to a registry: the files and programs of docker/cli and containers-auth.json(5), asked in their
// order. Keys are whole hosts or longer namespaces of them; nothing is ever found by a part of a host name.
import { WherryError } from '../../../src/errors.ts';
import { type CredentialFile, credentialPaths, readCredentialFiles } from './credential-files.ts';
import { type CredentialProgram, getFromProgram } from './credential-program.ts';

/** Credentials of one registry. Secrets are functions, so that no log and no dump of the value shows them. */
export type Credential = {
  /** Where it is from, for messages and as its identity, e.g. `"/root/.docker/config.json", key "ghcr.io"`. */
  readonly source: string;
} & (
  | { readonly kind: 'password'; readonly username: string; readonly password: () => string }
  /** To be exchanged for tokens by an OAuth2 refresh. */
  | { readonly kind: 'identity-token'; readonly username: string; readonly token: () => string }
  /** To be sent as it is. */
  | { readonly kind: 'registry-token'; readonly token: () => string }
);

/** Finds credentials; reads each file and asks each program once. */
export interface Credentials {
  /** Of a registry, for a repository of it. @throws CREDENTIALS_FAILED */
  find(host: string, repository?: string): Promise<Credential | undefined>;
  /** Where `find` looked, for messages. */
  places(host: string): string;
}

const hubKey = 'https://index.docker.io/v1/';
const hubHosts: ReadonlySet<string> = new Set([
  'docker.io',
  'index.docker.io',
  'registry-1.docker.io',
  'registry.hub.docker.com',
]);

/** The key under which Docker keeps a registry's credentials. */
export function credentialKeyOf(host: string): string {
  return hubHosts.has(host) ? hubKey : host;
}

/** Keys under which a registry itself may be written, best first. */
export function hostKeysOf(host: string): readonly string[] {
  return hubHosts.has(host) ? [hubKey, 'docker.io', 'index.docker.io', 'https://index.docker.io/v2/'] : [host];
}

/** Credentials as the environment has them (`DOCKER_CONFIG`, `DOCKER_AUTH_CONFIG`, `REGISTRY_AUTH_FILE`, `XDG_…`, `HOME`). */
export function createCredentials(env: NodeJS.ProcessEnv): Credentials {
  let files: Promise<readonly CredentialFile[]> | undefined;
  const found = new Map<string, Promise<Credential | undefined>>();
  const answers = new Map<string, Promise<Credential | undefined>>();
  const ask = (program: CredentialProgram, key: string): Promise<Credential | undefined> =>
    remembered(answers, `${program.name} ${key}`, () => fromProgram(program, key));
  const search = async (host: string, repository: string): Promise<Credential | undefined> => {
    files ??= readCredentialFiles(env);
    for (const file of await files) {
      const program = programOf(file, host, env);
      const credential =
        (program === undefined ? undefined : await ask(program, credentialKeyOf(host))) ??
        fromAuths(file, host, repository);
      if (credential !== undefined) return credential;
    }
    return undefined;
  };
  return {
    find: (host, repository = '') => remembered(found, `${host}/${repository}`, () => search(host, repository)),
    places: (host) =>
      `no entry "${credentialKeyOf(host)}" in ${credentialPaths(env)
        .map((path) => `"${path}"`)
        .join(', ')}`,
  };
}

function remembered<T>(memory: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const made = make();
  memory.set(key, made);
  return made;
}

/** The program that a file names for a host: one of its own, else the one for all. */
export function programOf(file: CredentialFile, host: string, env: NodeJS.ProcessEnv): CredentialProgram | undefined {
  for (const key of hostKeysOf(host)) {
    const name = file.programs.get(key);
    if (name !== undefined && name !== '') return { name, from: `"${file.name}", credHelpers "${key}"`, env };
  }
  if (file.program === undefined) return undefined;
  return { name: file.program, from: `"${file.name}", credsStore`, env };
}

async function fromProgram(program: CredentialProgram, key: string): Promise<Credential | undefined> {
  const stored = await getFromProgram(program, key);
  if (stored === undefined) return undefined;
  const source = `program "docker-credential-${program.name}", key "${key}"`;
  return stored.username === '<token>'
    ? { kind: 'identity-token', username: '', token: stored.secret, source }
    : { kind: 'password', username: stored.username, password: stored.secret, source };
}

function fromAuths(file: CredentialFile, host: string, repository: string): Credential | undefined {
  for (const key of keysOf(file, host, repository)) {
    const entry = file.auths.get(key);
    const credential = entry === undefined ? undefined : credentialFrom(entry, `"${file.name}", key "${key}"`);
    if (credential !== undefined) return credential;
  }
  return undefined;
}

/** Keys of a file that name the host: its longest namespace first, then the host, then URLs of the host. */
function keysOf(file: CredentialFile, host: string, repository: string): string[] {
  const parts = repository === '' ? [] : repository.split('/');
  const names = hubHosts.has(host) ? ['docker.io', 'index.docker.io'] : [host];
  const keys: string[] = [];
  for (let length = parts.length; length > 0; length--)
    for (const name of names) keys.push(`${name}/${parts.slice(0, length).join('/')}`);
  keys.push(...hostKeysOf(host));
  for (const key of file.auths.keys()) {
    const match = /^(?:https?:\/\/)([^/]+)(?:\/.*)?$/.exec(key) ?? /^([^/]+)\/(?:v[12]\/?)?$/.exec(key);
    if (match?.[1] !== undefined && (match[1] === host || (hubHosts.has(host) && hubHosts.has(match[1]))))
      keys.push(key);
  }
  return keys.filter((key) => file.auths.has(key));
}

/** An entry → what it holds; undefined for a placeholder (`{}`, where a program keeps the secret). */
function credentialFrom(entry: Readonly<Record<string, unknown>>, source: string): Credential | undefined {
  const textAt = (key: string): string => (typeof entry[key] === 'string' ? entry[key] : '');
  const registryToken = textAt('registrytoken');
  if (registryToken !== '') return { kind: 'registry-token', token: () => registryToken, source };
  const pair = textAt('auth') === '' ? undefined : decodePair(textAt('auth'), source);
  const username = pair?.username ?? textAt('username');
  const password = pair?.password ?? textAt('password');
  const identityToken = textAt('identitytoken');
  if (identityToken !== '') return { kind: 'identity-token', username, token: () => identityToken, source };
  return username === '' ? undefined : { kind: 'password', username, password: () => password, source };
}

function decodePair(text: string, source: string): { readonly username: string; readonly password: string } {
  const pair = Buffer.from(text, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon <= 0)
    throw new WherryError(
      'CREDENTIALS_FAILED',
      `Cannot read credentials of ${source}: "auth" is not base64 of user:password`,
    );
  return { username: pair.slice(0, colon), password: pair.slice(colon + 1).replace(/\0+$/, '') };
}
