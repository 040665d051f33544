// The embedded registry, and logging in to others.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createLayoutRegistry } from '../../registry/layout.ts';
import { serveRegistry } from '../../registry/server/server.ts';
import { WherryError } from '../errors.ts';
import { openStore } from '../store/store.ts';
import { type CommonOptions, inSession } from './session.ts';

/** A registry that is being served. */
export interface ServedRegistry {
  readonly url: string;
  /** `host:port`, as it stands in references. */
  readonly address: string;
  close(): Promise<void>;
}

/** Serves a layout directory as a registry. Default address 127.0.0.1:5000; port 0 takes a free one. */
export async function serve(
  options: CommonOptions & {
    readonly address?: string;
    readonly root?: string;
    readonly readOnly?: boolean;
    readonly htpasswd?: string;
  } = {},
): Promise<ServedRegistry> {
  const address = options.address ?? '127.0.0.1:5000';
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):([0-9]{1,5})$/.exec(address);
  if (match === null || Number(match[3]) > 65535)
    throw new WherryError('ARGUMENT_INVALID', `Cannot listen on "${address}": want HOST:PORT`);
  const env = options.env ?? process.env;
  const root = options.root ?? join(env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'wherry-registry');
  const store = await openStore(root);
  const host = match[1] ?? (match[2] || '127.0.0.1');
  try {
    const server = await serveRegistry(createLayoutRegistry(store, { isolated: true }), {
      host,
      port: Number(match[3]),
      readOnly: options.readOnly ?? false,
      ...(options.htpasswd === undefined ? {} : { htpasswd: options.htpasswd }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const close = async (): Promise<void> => {
      await server.close();
      await store.close();
    };
    return { url: server.url, address: `${host.includes(':') ? `[${host}]` : host}:${server.port}`, close };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Checks the credentials against the registry, then saves them as Docker does. @throws UNAUTHORIZED, CREDENTIALS_FAILED */
export async function login(
  registry: string,
  options: CommonOptions & { readonly username: string; readonly password: string },
): Promise<{ readonly savedTo: string }> {
  return inSession(options, async ({ clients }) => ({
    savedTo: await clients.login(registry, options.username, options.password),
  }));
}

/** Forgets the saved credentials; false where there were none. */
export async function logout(registry: string, options: CommonOptions = {}): Promise<boolean> {
  return inSession(options, ({ clients }) => clients.logout(registry));
}
