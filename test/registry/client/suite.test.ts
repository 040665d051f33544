// The suite of all registries, over the client and the embedded server: to memory, to a layout, with a login.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRegistryClients } from '../../../registry/client/client.ts';
import { createLayoutRegistry } from '../../../registry/layout.ts';
import { createMemoryRegistry } from '../../../registry/memory.ts';
import { type ServerOptions, serveRegistry } from '../../../registry/server/server.ts';
import { openStore } from '../../../src/store/store.ts';
import { createTask } from '../../../src/task.ts';
import { type Opened, registrySuite } from '../suite.ts';
import { auth, temporaryDirectory } from './peers.ts';

type Backend = Parameters<typeof serveRegistry>[0];

async function open(backend: Backend, options: Partial<ServerOptions> = {}): Promise<Opened> {
  const server = await serveRegistry(backend, { host: '127.0.0.1', port: 0, ...options });
  const home = temporaryDirectory();
  const host = `127.0.0.1:${server.port}`;
  writeFileSync(join(home, 'config.json'), JSON.stringify({ auths: { [host]: auth('rower', 'oar') } }));
  const clients = createRegistryClients(
    { env: { HOME: home, DOCKER_CONFIG: home }, patience: { attempts: 3, delay: 5 } },
    createTask(),
  );
  return {
    registry: clients.registry(host),
    close: async () => {
      clients.close();
      await server.close();
    },
  };
}

const htpasswd = join(temporaryDirectory(), 'htpasswd');
writeFileSync(htpasswd, execFileSync('htpasswd', ['-Bbn', '-C', '4', 'rower', 'oar']));

async function openLayout(isolated: boolean): Promise<Opened> {
  const store = await openStore(temporaryDirectory());
  const opened = await open(createLayoutRegistry(store, { isolated }));
  return {
    registry: opened.registry,
    close: async () => {
      await opened.close();
      await store.close();
    },
  };
}

registrySuite('client to memory', () => open(createMemoryRegistry()));
registrySuite('client with a login to memory', () => open(createMemoryRegistry(), { htpasswd }));
registrySuite('client to a layout', () => openLayout(true));
registrySuite('client to a shared layout', () => openLayout(false), { shared: true });
