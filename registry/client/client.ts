// Registries over HTTP: configuration and task in, one `Registry` for each host out. Reads ask the mirrors first. The OCI
// distribution spec's client side; the parts are in the files beside this one.
import { WherryError } from '../../src/errors.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import type { Task } from '../../src/task.ts';
import type { Registry } from '../registry.ts';
import { createCredentials } from './auth/credentials.ts';
import { credentialOf, type Login, loginHostOf, removeLogin, saveLogin } from './auth/login.ts';
import type { RealmPolicy } from './auth/realm.ts';
import { downloadBlob, hasBlob } from './download.ts';
import { createHost, type Host, type HostOptions } from './host.ts';
import { Transport } from './http.ts';
import { listRepositories, listTags } from './lists.ts';
import { deleteBlob, deleteManifest, getManifest, putManifest, resolve } from './manifests.ts';
import { isHost, type Mirror } from './mirrors.ts';
import { addReferrer, listReferrers, removeReferrer } from './referrers.ts';
import { createSources, readFirst, type Sources } from './sources.ts';
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

/** Clients of any number of registries. The task's signal aborts all they do; its limits are the callers' to apply. */
export function createRegistryClients(config: RegistryClientsConfig, task: Task): RegistryClients {
  const env = config.env ?? process.env;
  const idle = config.idleTimeout === undefined ? {} : { idleTimeout: config.idleTimeout };
  const transport = new Transport(task, idle);
  const registries = new Map<string, Registry>();
  const policy = policyOf(config);
  const patience = config.patience ?? defaultPatience;
  let credentials = createCredentials(env);
  const make = (name: string): Registry => {
    const open = (host: string, how: Patience): Host =>
      createHost({ name: host, transport, policy, credentials, patience: how });
    const mirrors = (config.mirrors ?? [])
      .filter((mirror) => mirror.registry === name)
      .map(({ host, prefix }) => ({ host: open(host, mirrorPatience), prefix }));
    const host = open(name, patience);
    return createRegistry(host, createSources(host, mirrors, task));
  };
  const forget = (): void => {
    credentials = createCredentials(env);
    registries.clear();
  };
  return {
    registry: (host) => {
      const name = nameFrom(host);
      const registry = registries.get(name) ?? make(name);
      registries.set(name, registry);
      return registry;
    },
    login: async (host, username, secret) => {
      const login = { host: nameFrom(loginHostOf(host)), username, secret };
      await checkLogin(login, { transport, policy, patience });
      const place = await saveLogin(login, env);
      forget();
      return place;
    },
    logout: async (host) => {
      const removed = await removeLogin(nameFrom(loginHostOf(host)), env);
      forget();
      return removed;
    },
    close: () => transport.close(),
  };
}

function nameFrom(host: string): string {
  const name = host === 'index.docker.io' ? 'docker.io' : host;
  if (isHost(name)) return name;
  throw new WherryError('REFERENCE_INVALID', `Cannot use registry "${host}": it is not a valid host`, {
    hint: 'Hosts are of the form name[:port].',
  });
}

function policyOf(config: RegistryClientsConfig): RealmPolicy {
  // A URL's host has no default port.
  const insecure = new Set((config.insecure ?? []).flatMap((host) => [host, host.replace(/:443$/, '')]));
  return { isInsecure: (host) => insecure.has(host), realms: config.realms ?? new Map() };
}

async function checkLogin(login: Login, how: Pick<HostOptions, 'transport' | 'policy' | 'patience'>): Promise<void> {
  const credential = credentialOf(login);
  const credentials = { find: async () => credential, places: () => '' };
  const host = createHost({ ...how, name: login.host, credentials, strict: true });
  const need = { repository: '', scopes: [] };
  const call = { action: `log in to "${host.name}"`, need, to: { kind: 'ping' }, accept: [200] } as const;
  await discardBody(await host.call(call));
}

function createRegistry(host: Host, sources: Sources): Registry {
  return {
    ...createReader(sources),
    ...createWriter(host),
    hasBlob: (repository, descriptor) => hasBlob(host, repository, descriptor),
    tags: (repository) => listTags(host, repository),
    repositories: () => listRepositories(host),
    referrers: (repository, digest, artifactType) => listReferrers(host, repository, { digest, artifactType }),
  };
}

function createReader(sources: Sources): Pick<Registry, 'resolve' | 'getManifest' | 'openBlob'> {
  return {
    resolve: (repository, selector) =>
      readFirst(sources(repository), (source) => resolve(source.host, source.repository, selector)),
    getManifest: (repository, selector) =>
      readFirst(sources(repository), (source) => getManifest(source.host, source.repository, selector)),
    openBlob: (repository, descriptor, onBytes) => downloadBlob(sources(repository), descriptor, onBytes),
  };
}

type Writes = 'putManifest' | 'pushBlob' | 'mountBlob' | 'deleteManifest' | 'deleteBlob';

function createWriter(host: Host): Pick<Registry, Writes> {
  /** Upload sessions that refused mounts have opened, for the uploads that follow. */
  const sessions = new Map<string, URL>();
  const keyOf = (repository: string, { digest }: Descriptor): string => `${repository}@${digest}`;
  return {
    putManifest: async (repository, manifest, tag) => {
      const noted = await putManifest(host, repository, { manifest, tag });
      if (noted === undefined) await addReferrer(host, repository, manifest);
    },
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
      const byDigest = selector.includes(':');
      const manifest = byDigest ? await getManifest(host, repository, selector).catch(() => undefined) : undefined;
      await deleteManifest(host, repository, selector);
      if (manifest !== undefined) await removeReferrer(host, repository, manifest);
    },
    deleteBlob: (repository, digest) => deleteBlob(host, repository, digest),
  };
}
