// Login and logout: the user's name and secret → Docker's config.json or the credential program that it names, so that
// every tool that reads it is logged in (docker/cli, "docker login"). Nothing is saved before the registry agreed.
import { WherryError } from '../../../src/errors.ts';
import { changeAuths, dockerConfigPath, readDockerConfig } from './credential-files.ts';
import { eraseInProgram, storeInProgram } from './credential-program.ts';
import { type Credential, credentialKeyOf, hostKeysOf, programOf } from './credentials.ts';

/** A user of a registry. */
export interface Login {
  readonly host: string;
  readonly username: string;
  readonly secret: string;
}

/** What a user may write for a registry (`https://ghcr.io/`, "" for Docker Hub) → its host. */
export function loginHostOf(text: string): string {
  const host = text.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return host === '' || host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

/** A login as credentials, to be checked. @throws ARGUMENT_INVALID */
export function credentialOf({ username, secret }: Login): Credential {
  if (username === '' || username.includes(':'))
    throw new WherryError('ARGUMENT_INVALID', `Cannot log in as "${username}": it is not a valid user name`);
  if (secret === '') throw new WherryError('ARGUMENT_INVALID', 'Cannot log in: the password is empty');
  return { kind: 'password', username, password: () => secret, source: 'this login' };
}

/** Saves a login. Returns where: a path, or a program's name. @throws CREDENTIALS_FAILED */
export async function saveLogin({ host, username, secret }: Login, env: NodeJS.ProcessEnv): Promise<string> {
  const path = dockerConfigPath(env);
  const key = credentialKeyOf(host);
  const file = await readDockerConfig(env);
  const program = file === undefined ? undefined : programOf(file, host, env);
  if (program === undefined) {
    const auth = Buffer.from(`${username}:${secret}`).toString('base64');
    await changeAuths(path, new Map([[key, { auth }]]));
    return path;
  }
  await storeInProgram(program, key, { username, secret: () => secret });
  // Docker leaves an empty entry too: it lists the registries that the program knows.
  await changeAuths(path, new Map([[key, {}]]));
  return `docker-credential-${program.name}`;
}

/** Forgets a login; false where there was none. @throws CREDENTIALS_FAILED */
export async function removeLogin(host: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const file = await readDockerConfig(env);
  if (file === undefined) return false;
  const program = programOf(file, host, env);
  const erased = program === undefined ? false : await eraseInProgram(program, credentialKeyOf(host));
  const keys = [...hostKeysOf(host), `https://${host}`, `http://${host}`].filter((key) => file.auths.has(key));
  const changed = await changeAuths(dockerConfigPath(env), new Map(keys.map((key) => [key, undefined])));
  return erased || changed;
}
