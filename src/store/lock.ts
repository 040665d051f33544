// Locks between processes: a file that only one can create, with its owner's mark inside. A lock whose owner is dead is
// broken, and only by one process: whoever wants to break it must hold a second lock that belongs to this very mark.
import { open, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WherryError } from '../errors.ts';
import { ioError, isSystemError, makeFolder } from './files.ts';
import { createMark, isAlive, keepTouching } from './owner.ts';

/** A lock that is held. */
export interface Lock {
  /** Gives it back; does nothing the second time. */
  release(): Promise<void>;
}

/** How long and until when a lock is waited for. */
export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds, default 10 minutes. */
  readonly timeout?: number;
}

const maxDepth = 3;

/** Waits for the lock file at `path` (its folder is made). Errors: LOCK_TIMEOUT, ABORTED, IO_FAILED */
export async function acquireLock(path: string, options: LockOptions = {}): Promise<Lock> {
  const until = performance.now() + (options.timeout ?? 600_000);
  const turn = takeTurn(path);
  try {
    await waitFor(path, { ...options, until }, async () => {
      const isFirst = await Promise.race([turn.come.then(() => true), sleep(50, false)]);
      return isFirst ? true : undefined;
    });
    const mark = createMark();
    await waitFor(path, { ...options, until }, async () => ((await tryLock(path, mark, 0)) ? true : undefined));
    return held(path, mark, turn.end);
  } catch (error) {
    turn.end();
    throw error;
  }
}

/** Those of this process queue in order and do not poll the disk. */
const queues = new Map<string, Promise<void>>();

function takeTurn(path: string): { readonly come: Promise<void>; end(): void } {
  const come = queues.get(path) ?? Promise.resolve();
  let end = (): void => undefined;
  const mine = new Promise<void>((resolve) => {
    end = resolve;
  });
  const last = come.then(() => mine);
  queues.set(path, last);
  return {
    come,
    end: () => {
      end();
      if (queues.get(path) === last) queues.delete(path);
    },
  };
}

async function waitFor(
  path: string,
  options: LockOptions & { readonly until: number },
  attempt: () => Promise<true | undefined>,
): Promise<void> {
  for (let pause = 2; ; pause = Math.min(50, pause * 2)) {
    if (options.signal?.aborted) throw new WherryError('ABORTED', 'Interrupted', { cause: options.signal.reason });
    if (await attempt()) return;
    if (performance.now() > options.until) {
      throw new WherryError('LOCK_TIMEOUT', `Cannot lock "${path}": another process holds it`, {
        hint: 'Wait for it to end. If none is running, remove the file.',
      });
    }
    await sleep(pause / 2 + (Math.random() * pause) / 2);
  }
}

async function tryLock(path: string, mark: string, depth: number): Promise<boolean> {
  try {
    return await createLock(path, mark);
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) {
      await makeFolder(dirname(path), 0o700);
      return false;
    }
    if (!isSystemError(cause, 'EEXIST')) throw ioError(cause, 'lock', path);
  }
  const dead = await deadMarkOf(path);
  if (dead !== undefined && depth < maxDepth) await breakLock(path, dead, depth);
  return false;
}

async function createLock(path: string, mark: string): Promise<true> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(mark);
    return true;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** The content of a lock whose owner is dead; undefined while the owner lives or when there is no lock any more. */
async function deadMarkOf(path: string): Promise<string | undefined> {
  try {
    const [content, { mtimeMs }] = [await readFile(path, 'utf8'), await stat(path)];
    return isAlive(content, mtimeMs) ? undefined : content;
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return undefined;
    throw ioError(cause, 'lock', path);
  }
}

async function breakLock(path: string, dead: string, depth: number): Promise<void> {
  const breaking = `${path}.${dead.slice(-12).replace(/[^0-9a-f]/g, '') || 'empty'}`;
  const mark = createMark();
  if (!(await tryLock(breaking, mark, depth + 1))) return;
  try {
    // Nobody else may remove a dead owner's lock now, so that what is read here is still there when it is removed.
    if ((await deadMarkOf(path)) === dead) await rm(path, { force: true });
  } finally {
    await rmIfOwn(breaking, mark);
  }
}

async function rmIfOwn(path: string, mark: string): Promise<void> {
  const content = await readFile(path, 'utf8').catch(() => undefined);
  if (content === mark) await rm(path, { force: true });
}

function held(path: string, mark: string, next: () => void): Lock {
  const stop = keepTouching(path);
  let isHeld = true;
  return {
    release: async () => {
      if (!isHeld) return;
      isHeld = false;
      stop();
      try {
        await rmIfOwn(path, mark);
      } finally {
        next();
      }
    },
  };
}
