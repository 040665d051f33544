// The store: an OCI image layout on disk that other tools read as it stands, plus a folder `wherry/` with side data. Safe
// for several processes at once: files are replaced as a whole, and index.json changes under a lock.

import { rmdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { WherryError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { BlobStore, StoredBlob } from './blob-store.ts';
import { createDirectoryBlobs } from './directory.ts';
import { makeFolder, namesIn } from './files.ts';
import { collectGarbage, type GcOptions } from './gc.ts';
import {
  createIndexAccess,
  hasLayoutFile,
  type IndexAccess,
  isName,
  nameOf,
  withName,
  writeEmptyIndex,
  writeLayoutFile,
} from './index-file.ts';
import { acquireLock, type Lock, type LockOptions } from './lock.ts';
import { createRecords, type Records } from './records.ts';
import { removeDeadSessions, Session } from './session.ts';
import { createStatCache, type StatCache } from './stat-cache.ts';

/** Changes the entries of index.json; returns the very list that it was given for no change. */
export type IndexChange = (entries: readonly Descriptor[]) => readonly Descriptor[];

/** An opened store. Whoever opens it closes it. */
export interface Store {
  /** Absolute path of the layout. */
  readonly root: string;
  readonly blobs: BlobStore;
  /** Digests of files that were read before. */
  readonly stats: StatCache;
  /** The entries of index.json. Errors: STORE_INVALID */
  index(): Promise<readonly Descriptor[]>;
  /** The names of entries, ordered by bytes. */
  names(): Promise<readonly string[]>;
  /** The entry of a name. */
  find(name: string): Promise<Descriptor | undefined>;
  /** Makes `name` mean `descriptor`, whatever it meant before. Atomic and durable. */
  setName(name: string, descriptor: Descriptor): Promise<void>;
  /** Removes a name and its entry; false when there was none. */
  removeName(name: string): Promise<boolean>;
  /** Changes index.json as a whole, under the store's lock. */
  updateIndex(change: IndexChange): Promise<void>;
  /** Side data of one kind, by digest. `kind` is lower-case letters, digits and "-". */
  records(kind: string): Records;
  /** A new private folder, which goes when the store is closed. */
  temporary(): Promise<string>;
  /** Waits for a lock that other processes see too. `name` is letters, digits and ".", "_", "-", ":", "+". Errors: LOCK_TIMEOUT, ABORTED */
  lock(name: string, options?: LockOptions): Promise<Lock>;
  /** Removes blobs that index.json does not reach; returns them. Keeps what running sessions have used. */
  gc(options?: GcOptions): Promise<readonly StoredBlob[]>;
  /** Saves the stat cache and removes temporary files. */
  close(): Promise<void>;
}

/** How a store is opened. */
export interface StoreOptions {
  /** Make it where it is missing (default). Without it nothing is written before something is stored. */
  readonly create?: boolean;
  /** It is somebody's output or input rather than our own: its mode follows the umask, and no empty side folder stays. */
  readonly shared?: boolean;
}

/** `$WHERRY_STORE`, else `$XDG_DATA_HOME/wherry`, else `~/.local/share/wherry`. */
export function storePath(env: Readonly<Record<string, string | undefined>>): string {
  if (env['WHERRY_STORE']) return resolve(env['WHERRY_STORE']);
  const data = env['XDG_DATA_HOME'];
  // The XDG specification has relative paths ignored.
  return data && isAbsolute(data) ? join(data, 'wherry') : join(env['HOME'] || homedir(), '.local', 'share', 'wherry');
}

/**
 * Opens the layout at `path`. Errors: SOURCE_NOT_FOUND (nothing is there and `create` is false), STORE_INVALID (what is
 * there is no layout, or a damaged one), IO_FAILED
 */
export async function openStore(path: string, options: StoreOptions = {}): Promise<Store> {
  const root = resolve(path);
  const side = join(root, 'wherry');
  const tmp = join(side, 'tmp');
  const session = new Session(tmp);
  const isOwn = options.shared !== true;
  try {
    if (options.create === false) await requireLayout(root);
    else await makeLayout(root, isOwn, session);
    const index = createIndexAccess(root, session.path);
    await index.read();
    const cleaning = removeDeadSessions(tmp).catch(() => undefined);
    const usedSince = isOwn && options.create !== false ? Date.now() : Number.NEGATIVE_INFINITY;
    // A living session tells gc in other processes what is in use; a store that can't be written needs none.
    if (isOwn && options.create !== false) await session.path().catch(() => undefined);
    return storeOf({ root, side, session, index, cleaning, usedSince, isOwn });
  } catch (error) {
    await session.close().catch(() => undefined);
    throw error;
  }
}

async function requireLayout(root: string): Promise<void> {
  if (await hasLayoutFile(root)) return;
  const found = await stat(root).catch(() => undefined);
  if (found === undefined) throw new WherryError('SOURCE_NOT_FOUND', `Cannot open "${root}": there is no such folder`);
  throw new WherryError(
    'STORE_INVALID',
    `Cannot open "${root}": it is no OCI image layout, the file "oci-layout" is missing`,
  );
}

const ownNames = new Set(['oci-layout', 'index.json', 'blobs', 'wherry']);

async function makeLayout(root: string, isOwn: boolean, session: Session): Promise<void> {
  const hasLayout = await hasLayoutFile(root);
  if (hasLayout && (await stat(join(root, 'index.json')).catch(() => undefined)) !== undefined) return;
  if (!hasLayout) {
    const foreign = (await namesIn(root)).find((name) => !ownNames.has(name));
    if (foreign !== undefined)
      throw new WherryError(
        'STORE_INVALID',
        `Cannot make a store in "${root}": the folder has other files ("${foreign}")`,
        { hint: 'Use an empty or a new folder.' },
      );
    await makeFolder(root, isOwn ? 0o700 : 0o755);
  }
  const lock = await acquireLock(join(root, 'wherry', 'locks', 'index'));
  try {
    await makeFolder(join(root, 'blobs', 'sha256'));
    if (!hasLayout) await writeLayoutFile(root, await session.path());
    await writeEmptyIndex(root, await session.path());
  } finally {
    await lock.release();
  }
}

interface Parts {
  readonly root: string;
  readonly side: string;
  readonly session: Session;
  readonly index: IndexAccess;
  readonly cleaning: Promise<void>;
  readonly usedSince: number;
  readonly isOwn: boolean;
}

function storeOf(parts: Parts): Store {
  const { root, side, session, index, usedSince } = parts;
  const path = join(root, 'blobs');
  const blobs = createDirectoryBlobs({ path, temporary: session.path, usedSince });
  const stats = createStatCache(join(side, 'stat-cache.json'));
  const lock: Store['lock'] = (name, options) => acquireLock(join(side, 'locks', lockFileOf(name)), options);
  return {
    ...namesOf(index, lock),
    root,
    blobs,
    stats,
    records: (kind) => createRecords(join(side, 'records', checkKind(kind)), session.path),
    temporary: session.folder,
    lock,
    gc: (options = {}) => collectGarbage({ blobs, path, session, entries: index.read }, options),
    close: async () => {
      await parts.cleaning;
      await stats.save(session.path).catch(() => undefined);
      await session.close();
      if (!parts.isOwn)
        for (const folder of ['tmp', 'locks', '.']) await rmdir(join(side, folder)).catch(() => undefined);
    },
  };
}

type NamesPart = Pick<Store, 'index' | 'names' | 'find' | 'setName' | 'removeName' | 'updateIndex'>;

function namesOf(index: IndexAccess, lock: Store['lock']): NamesPart {
  const updateIndex = async (change: IndexChange): Promise<void> => {
    const held = await lock('index');
    try {
      await index.change(change);
    } finally {
      await held.release();
    }
  };
  return {
    updateIndex,
    index: index.read,
    names: async () => sorted((await index.read()).map(nameOf).filter((name) => name !== undefined)),
    find: async (name) => (await index.read()).find((entry) => nameOf(entry) === name),
    setName: async (name, descriptor) => {
      checkName(name);
      await updateIndex((entries) => [
        ...entries.filter((entry) => nameOf(entry) !== name),
        withName(descriptor, name),
      ]);
    },
    removeName: async (name) => {
      let isRemoved = false;
      await updateIndex((entries) => {
        const kept = entries.filter((entry) => nameOf(entry) !== name);
        isRemoved = kept.length < entries.length;
        return isRemoved ? kept : entries;
      });
      return isRemoved;
    },
  };
}

function checkName(name: string): void {
  if (!isName(name))
    throw new WherryError(
      'ARGUMENT_INVALID',
      `Cannot name an image "${name}": names start with a letter or digit and have no spaces`,
    );
}

function checkKind(kind: string): string {
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(kind)) throw new TypeError(`"${kind}" is no kind of record`);
  return kind;
}

function lockFileOf(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._:+-]{0,180}$/.test(name)) throw new TypeError(`"${name}" is no name of a lock`);
  return name.replaceAll(':', '-');
}

function sorted(names: readonly string[]): readonly string[] {
  return [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
