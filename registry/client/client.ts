// Registries over HTTP: configuration and task in, one `Registry` for each host out. Reads ask the mirrors first. The OCI
// distribution spec's client side; the parts are in the files beside this one.
import { isError, messageOf, WherryError } from '../../src/errors.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import type { Task } from '../../src/task.ts';
import type { Registry } from '../registry.ts';
import { type Credentials, createCredentials } from './auth/credentials.ts';
import { credentialOf, loginHostOf, removeLogin, saveLogin } from './auth/login.ts';
import type { RealmPolicy } from './auth/realm.ts';
import { downloadBlob, hasBlob, type Source } from './download.ts';
import { createHost, type Host } from './host.ts';
import { Transport } from './http.ts';
import { listRepositories, listTags } from './lists.ts';
import { deleteBlob, deleteManifest, getManifest, putManifest, resolve } from './manifests.ts';
import { isHost, type Mirror } from './mirrors.ts';
import { addReferrer, listReferrers, removeReferrer } from './referrers.ts';
import { mountBlob, uploadBlob } from './upload.ts';
import { discardBody } from './wire/message.ts';
import { defaultPatience, type Patience } from './wire/retry.ts';

/** How registries are reached. */
export interface RegistryClientsConfig {
  /** Hosts (`host[:port]`) that may be spoken to without a verified certificate, or in plain HTTP. */
  readonly insecure?: readonly string[];
  readonly mirrors?: readonly Mirror[];
  /** Token servers that may see a registry's credentials though they do not belong to it, by the registry's host. */
  readonly realms?: ReadonlyMap<string, readonly string[]>;
  /** Where credentials are looked for; default `process.env`. Proxies always come from the process's own environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** How often and how long failures are tried again. */
  readonly patience?: Patience;
  /** Milliseconds of silence until a server counts as gone; default 60,000. */
  readonly idleTimeout?: number;
}

/** Registries by host; close it when done, or connections linger. */
export interface RegistryClients {
  /** The registry of a host as in references (`docker.io`, `localhost:5000`). @throws REFERENCE_INVALID */
  registry(host: string): Registry;
  /** Checks name and secret against the registry and saves them. Returns where. @throws UNAUTHORIZED, CREDENTIALS_FAILED */
  login(host: string, username: string, secret: string): Promise<string>;
  /** Forgets what `login` saved; false where there was nothing. @throws CREDENTIALS_FAILED */
  logout(host: string): Promise<boolean>;
  /** Ends all connections; requests under way fail. */
  close(): void;
}

const mirrorPatience: Patience = { attempts: 2, delay: 200 };
/** Milliseconds for which a mirror is left alone that cannot be reached or gave wrong bytes. */
const downTime = 60_000;

/** Clients of any number of registries. The task's signal aborts all they do; its limits are the callers' to apply. */
export function createRegistryClients(config: RegistryClientsConfig, task: Task): RegistryClients {
  const env = config.env ?? process.env;
  const insecure = new Set(config.insecure ?? []);
  const policy: RealmPolicy = { isInsecure: (host) => insecure.has(host), realms: config.realms ?? new Map() };
  const patience = config.patience ?? defaultPatience;
  const transport = new Transport(task, config.idleTimeout === undefined ? {} : { idleTimeout: config.idleTimeout });
  const registries = new Map<string, Registry>();
  let credentials: Credentials = createCredentials(env);
  const open = (name: string, more: { readonly patience: Patience; readonly as?: Credentials }): Host => {
    const strict = more.as !== undefined;
    return createHost({
      name,
      transport,
      policy,
      credentials: more.as ?? credentials,
      patience: more.patience,
      strict,
    });
  };
  const make = (name: string): Registry => {
    const mirrors = (config.mirrors ?? []).filter((mirror) => mirror.registry === name);
    const opened = mirrors.map((mirror) => ({ ...mirror, host: open(mirror.host, { patience: mirrorPatience }) }));
    return createRegistry(open(name, { patience }), mirrorSources(opened, task));
  };
  const forget = (): void => {
    credentials = createCredentials(env);
    registries.clear();
  };
  return {
    registry: (host) => {
      const name = host === 'index.docker.io' ? 'docker.io' : host;
      if (!isHost(name))
        throw new WherryError('REFERENCE_INVALID', `Cannot use registry "${host}": it is not a valid host`);
      const registry = registries.get(name) ?? make(name);
      registries.set(name, registry);
      return registry;
    },
    login: async (host, username, secret) => {
      const login = { host: loginHostOf(host), username, secret };
      const credential = credentialOf(login);
      await checkLogin(open(login.host, { patience, as: { find: async () => credential, places: () => '' } }));
      const place = await saveLogin(login, env);
      forget();
      return place;
    },
    logout: async (host) => {
      const removed = await removeLogin(loginHostOf(host), env);
      forget();
      return removed;
    },
    close: () => transport.close(),
  };
}

async function checkLogin(host: Host): Promise<void> {
  const need = { repository: '', scopes: [] };
  const call = { action: `log in to "${host.name}"`, need, to: { kind: 'ping' }, accept: [200] } as const;
  await discardBody(await host.call(call));
}

/** Gives the sources before the registry itself, for a repository. */
type MirrorSources = (repository: string) => readonly Source[];

function mirrorSources(
  mirrors: readonly { readonly host: Host; readonly prefix: string }[],
  task: Task,
): MirrorSources {
  const downUntil = new Map<Host, number>();
  const told = new Set<string>();
  const report = (host: Host, error: unknown): void => {
    if (isError(error, 'BLOB_UNKNOWN', 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN', 'ABORTED')) return;
    if (isError(error, 'NETWORK_FAILED', 'DIGEST_MISMATCH', 'SIZE_INVALID'))
      downUntil.set(host, performance.now() + downTime);
    const message = `Mirror "${host.name}" does not help: ${messageOf(error)}`;
    if (!told.has(message)) task.emit({ kind: 'warning', message });
    told.add(message);
  };
  return (repository) =>
    mirrors
      .filter(({ host }) => performance.now() >= (downUntil.get(host) ?? 0))
      .map(({ host, prefix }) => ({
        host,
        repository: prefix === '' ? repository : `${prefix}/${repository}`,
        report: (error) => report(host, error),
      }));
}

function createRegistry(host: Host, mirrors: MirrorSources): Registry {
  const sessions = new Map<string, URL>();
  const first = async <T>(repository: string, read: (host: Host, repository: string) => Promise<T>): Promise<T> => {
    for (const source of mirrors(repository)) {
      try {
        return await read(source.host, source.repository);
      } catch (error) {
        if (isError(error, 'ABORTED')) throw error;
        source.report(error);
      }
    }
    return read(host, repository);
  };
  const keyOf = (repository: string, { digest }: Descriptor): string => `${repository}@${digest}`;
  return {
    resolve: (repository, selector) => first(repository, (at, path) => resolve(at, path, selector)),
    getManifest: (repository, selector) => first(repository, (at, path) => getManifest(at, path, selector)),
    putManifest: async (repository, manifest, tag) => {
      const noted = await putManifest(host, repository, { manifest, tag });
      if (noted === undefined) await addReferrer(host, repository, manifest);
    },
    hasBlob: (repository, descriptor) => hasBlob(host, repository, descriptor),
    openBlob: (repository, descriptor, onBytes) =>
      downloadBlob([...mirrors(repository), { host, repository, report: () => {} }], descriptor, onBytes),
    pushBlob: async (repository, descriptor, open, onBytes = () => {}) => {
      const session = sessions.get(keyOf(repository, descriptor));
      sessions.delete(keyOf(repository, descriptor));
      await uploadBlob({ host, repository, descriptor, open, onBytes }, session);
    },
    mountBlob: async (repository, descriptor, from) => {
      const mounted = await mountBlob(host, repository, { descriptor, from });
      if (typeof mounted === 'boolean') return mounted;
      sessions.set(keyOf(repository, descriptor), mounted);
      return false;
    },
    deleteManifest: async (repository, selector) => {
      const manifest = selector.includes(':')
        ? await getManifest(host, repository, selector).catch(() => undefined)
        : undefined;
      await deleteManifest(host, repository, selector);
      if (manifest !== undefined) await removeReferrer(host, repository, manifest);
    },
    deleteBlob: (repository, digest) => deleteBlob(host, repository, digest),
    tags: (repository) => listTags(host, repository),
    repositories: () => listRepositories(host),
    referrers: (repository, digest, artifactType) => listReferrers(host, repository, { digest, artifactType }),
  };
}
