// A session: one opened store's private folder below `wherry/tmp`, named by its owner's mark. It holds what is under way;
// it goes when the store is closed, and the next one that opens the store removes those of dead processes.
import { rename, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { WherryError } from '../errors.ts';
import { ioError, isSystemError, makeFolder, namesIn, removeTree } from './files.ts';
import { createMark, isAlive, keepTouching } from './owner.ts';

const startedFile = 'started';

/** A session of the store whose sessions are in the folder `parent`; nothing is made before it is needed. */
export class Session {
  readonly #parent: string;
  readonly #own: string;
  #made: Promise<void> | undefined;
  #stop = (): void => undefined;
  #isClosed = false;
  #counter = 0;

  constructor(parent: string) {
    this.#parent = parent;
    this.#own = join(parent, createMark());
  }

  /** A path of no file yet, in the same file system as the store. Makes the session's folder. */
  readonly path = async (): Promise<string> => {
    if (this.#isClosed) throw new WherryError('IO_FAILED', `Cannot write "${this.#own}": the store is closed`);
    this.#made ??= this.#make();
    try {
      await this.#made;
    } catch (error) {
      this.#made = undefined;
      throw error;
    }
    return join(this.#own, String(++this.#counter));
  };

  /** As `path`, for a folder that is made, private to this user. */
  readonly folder = async (): Promise<string> => {
    const folder = await this.path();
    await makeFolder(folder, 0o700);
    return folder;
  };

  /** When the oldest living session of the store began, by the file system's clock, in ms; this one's at the latest. */
  async oldest(): Promise<number> {
    await this.path();
    return oldestIn(this.#parent);
  }

  /** Removes the folder with all that is in it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#made?.catch(() => undefined);
    this.#stop();
    await removeTree(this.#own);
  }

  async #make(): Promise<void> {
    await makeFolder(this.#own, 0o700);
    await writeFile(join(this.#own, startedFile), '', { mode: 0o600 }).catch((cause) => {
      throw ioError(cause, 'write', this.#own);
    });
    this.#stop = keepTouching(this.#own);
  }
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
