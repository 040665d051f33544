// A registry in a layout on disk. Entries of index.json named `repository:tag` are tags; a repository may begin with a host
// (`docker.io/library/busybox`), and "" is the view of any layout, where each name is a tag. With `isolated` a repository
// has only the blobs that were stored or mounted there: `wherry/repositories/<repository>/_blobs/<algorithm>/<encoded>`.
import { readdir, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { algorithmOf, type Digest, encodedOf } from '../src/oci/digest.ts';
import { ioError, isSystemError, makeFolder, syncFolder } from '../src/store/files.ts';
import type { Store } from '../src/store/store.ts';
import type { Backend, Holdings } from './backend.ts';
import { checkRepository } from './entries.ts';
import { createShelfRegistry } from './shelf.ts';

/** How a layout is seen. */
export interface LayoutOptions {
  /** Repositories are kept apart, also from each other's blobs, and keep untagged manifests: an embedded registry. */
  readonly isolated?: boolean;
  /** Manifests may be put before their blobs. */
  readonly sparse?: boolean;
}

/** The layout of `store`, which the caller closes. */
export function createLayoutRegistry(store: Store, options: LayoutOptions = {}): Backend {
  return createShelfRegistry({
    blobs: store.blobs,
    index: store.index,
    updateIndex: store.updateIndex,
    sparse: options.sparse === true,
    ...(options.isolated === true ? { holdings: createFileHoldings(join(store.root, 'wherry', 'repositories')) } : {}),
  });
}

/** No component of a repository begins with "_". */
const blobsFolder = '_blobs';

function createFileHoldings(root: string): Holdings {
  const folderOf = (repository: string): string => {
    checkRepository(repository);
    // Windows has no colon in names.
    return join(root, ...repository.replaceAll(':', '%3A').split('/'), blobsFolder);
  };
  const pathOf = (repository: string, digest: Digest): string =>
    join(folderOf(repository), algorithmOf(digest), encodedOf(digest));
  return {
    has: async (repository, digest) => isThere(pathOf(repository, digest)),
    knows: async (repository) => isThere(folderOf(repository)),
    add: async (repository, digest) => {
      const path = pathOf(repository, digest);
      try {
        await makeDurable(dirname(path));
        await writeFile(path, '', { flag: 'a', mode: 0o600 });
        await syncFolder(dirname(path));
      } catch (cause) {
        throw ioError(cause, 'write', path);
      }
    },
    remove: async (repository, digest) => {
      const path = pathOf(repository, digest);
      try {
        await unlink(path);
        return true;
      } catch (cause) {
        if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) return false;
        throw ioError(cause, 'remove', path);
      }
    },
    repositories: async () => {
      const found: string[] = [];
      await collect(root, '', found);
      return found;
    },
  };
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) return false;
    throw ioError(cause, 'read', path);
  }
}

/** Makes a folder so that it and those above survive a power cut. */
async function makeDurable(path: string): Promise<void> {
  const first = await makeFolder(path, 0o700);
  if (first === undefined) return;
  for (let folder = dirname(path); folder.length >= dirname(first).length; folder = dirname(folder))
    await syncFolder(folder);
}

async function collect(folder: string, repository: string, found: string[]): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause) => {
    if (isSystemError(cause, 'ENOENT')) return [];
    throw ioError(cause, 'read', folder);
  });
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    if (entry.name === blobsFolder) {
      if (repository !== '') found.push(repository);
    } else {
      const name = entry.name.replaceAll('%3A', ':');
      await collect(join(folder, entry.name), repository === '' ? name : `${repository}/${name}`, found);
    }
  }
}
