// What every call of the library opens and closes: the store, the registry clients and the task.
import { createRegistryClients, type RegistryClients } from '../../registry/client/client.ts';
import { parseMirror, readClientConfig } from '../../registry/client/mirrors.ts';
import { createLayoutRegistry } from '../../registry/layout.ts';
import { messageOf, WherryError } from '../errors.ts';
import type { Place } from '../image/image.ts';
import { openStore, type Store, type StoreOptions, storePath } from '../store/store.ts';
import { createTask, type Event, type Task } from '../task.ts';

/** Options that every call has. */
export interface CommonOptions {
  /** Stops the work; the call then throws ABORTED. */
  readonly signal?: AbortSignal;
  /** Called with each event: steps, transfers, warnings. */
  readonly onEvent?: (event: Event) => void;
  /** The store's directory. Default: $WHERRY_STORE, else $XDG_DATA_HOME/wherry, else ~/.local/share/wherry. */
  readonly store?: string;
  /** Hosts (`host[:port]`) that may be spoken to by http, or by https without a valid certificate. */
  readonly insecure?: readonly string[];
  /** Mirrors, as in `docker.io=host[:port][/prefix]`. */
  readonly mirrors?: readonly string[];
  /** Environment for credentials, proxies and paths. Default: process.env. */
  readonly env?: NodeJS.ProcessEnv;
}

/** One call's room. */
export interface Session {
  readonly store: Store;
  readonly local: Place;
  readonly clients: RegistryClients;
  readonly task: Task;
  readonly insecure: readonly string[];
  /** Opens a layout beside the store; it is closed with the session. By default it must be there. */
  openLayout(path: string, options?: StoreOptions): Promise<Store>;
}

/** Opens a session, does the work, closes it; a failure aborts whatever is still running. */
export async function inSession<T>(options: CommonOptions, work: (session: Session) => Promise<T>): Promise<T> {
  if (options.signal?.aborted) throw new WherryError('ABORTED', 'Interrupted', { cause: options.signal.reason });
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const task = createTask({ signal, onEvent: options.onEvent });
  const env = options.env ?? process.env;
  const config = await readClientConfig(env);
  const insecure = [...(options.insecure ?? []), ...config.insecure];
  const mirrors = [...(options.mirrors ?? []).map(parseMirror), ...config.mirrors];
  const store = await openStore(options.store ?? storePath(env));
  const opened: Store[] = [];
  const clients = createRegistryClients({ insecure, mirrors, realms: config.realms, env }, task);
  try {
    return await work({
      store,
      local: { registry: createLayoutRegistry(store), host: '', repository: '' },
      clients,
      task,
      insecure,
      openLayout: async (path, how = { create: false, shared: true }) => {
        const layout = await openStore(path, how);
        opened.push(layout);
        return layout;
      },
    });
  } catch (error) {
    if (options.signal?.aborted && !(error instanceof WherryError && error.code === 'ABORTED'))
      throw new WherryError('ABORTED', 'Interrupted', { cause: error });
    throw error;
  } finally {
    stop.abort();
    clients.close();
    // What was done is done, and what failed has its own reason; the next session removes what is left.
    for (const each of [...opened, store])
      await each.close().catch((error) => task.emit({ kind: 'warning', message: messageOf(error) }));
  }
}
