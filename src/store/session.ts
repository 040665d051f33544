// A session: one opened store's private folder below `wherry/tmp`, named by its owner's mark. It holds what is under way;
// it goes when the store is closed, and the next one that opens the store removes those of dead processes.
import { mkdir, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { WherryError } from '../errors.ts';
import { ioError, isSystemError, makeFolder, namesIn, removeTree } from './files.ts';
import { createMark, isAlive, keepTouching } from './owner.ts';

/** What the parts of a store need of its session. */
export interface Session {
  /** A path of no file yet, in the same file system as the store. Makes the session's folder. */
  path(): Promise<string>;
  /** As `path`, for a folder that is made, private to this user. */
  folder(): Promise<string>;
  /** When the oldest living session of the store began, by the file system's clock, in ms; this one's at the latest. */
  oldest(): Promise<number>;
  /** Removes the folder with all that is in it. */
  close(): Promise<void>;
}

const startedFile = 'started';

/** A session in the folder `parent`; nothing is made before it is needed. */
export function createSession(parent: string): Session {
  const mark = createMark();
  const own = join(parent, mark);
  let made: Promise<void> | undefined;
  let stop = (): void => undefined;
  let isClosed = false;
  let counter = 0;
  const make = async (): Promise<void> => {
    await makeFolder(own, 0o700);
    await writeFile(join(own, startedFile), '', { flag: 'wx', mode: 0o600 }).catch((cause) => {
      throw ioError(cause, 'write', own);
    });
    stop = keepTouching(own);
  };
  const path = async (): Promise<string> => {
    if (isClosed) throw new WherryError('IO_FAILED', `Cannot write "${own}": the store is closed`);
    made ??= make();
    try {
      await made;
    } catch (error) {
      made = undefined;
      throw error;
    }
    return join(own, String(++counter));
  };
  return {
    path,
    folder: async () => {
      const folder = await path();
      await mkdir(folder, { mode: 0o700 }).catch((cause) => {
        throw ioError(cause, 'write', folder);
      });
      return folder;
    },
    oldest: async () => {
      await path();
      return oldestIn(parent);
    },
    close: async () => {
      isClosed = true;
      await made?.catch(() => undefined);
      stop();
      await removeTree(own);
    },
  };
}

async function oldestIn(parent: string): Promise<number> {
  let oldest = Date.now();
  for (const name of await namesIn(parent)) {
    if (!(await isLiving(join(parent, name)))) continue;
    // A session that ends meanwhile no longer counts.
    const began = await stat(join(parent, name, startedFile)).catch(() => undefined);
    if (began !== undefined) oldest = Math.min(oldest, began.mtimeMs);
  }
  return oldest;
}

async function isLiving(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && isAlive(basename(path), found.mtimeMs);
}

/** Removes the folders of sessions whose process is dead. What can't be removed stays for the next time. */
export async function removeDeadSessions(parent: string): Promise<void> {
  for (const name of await namesIn(parent)) {
    if (!(await isLiving(join(parent, name)))) await removeTree(join(parent, name)).catch(() => undefined);
  }
}

/** Marks a file as used now, so that `gc` in another process keeps it; nothing happens where that is forbidden. */
export async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch((error) => {
    if (isSystemError(error, 'ENOENT')) throw error;
  });
}

/** Moves a file; false where there is none. */
export async function moveIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return false;
    throw ioError(cause, 'remove', basename(from));
  }
}
