// Files that are complete or absent: atomic writes (temporary file, fsync, rename, fsync of the folder), removal of trees,
// and the one translation of the system's error codes into IO_FAILED with a next step.
import { statfsSync } from 'node:fs';
import { chmod, type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { WherryError } from '../errors.ts';

/** The system's code of a thrown error (`ENOENT` …), if it has one. */
function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // Node 20 has no name for EDQUOT and shows its number instead.
  if (
    'errno' in error &&
    (error.errno === -122 || error.errno === -69) &&
    'code' in error &&
    String(error.code).startsWith('Unknown')
  )
    return 'EDQUOT';
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** True for an error of the system with one of these codes. */
export function isSystemError(error: unknown, ...codes: string[]): boolean {
  const code = systemCodeOf(error);
  return code !== undefined && codes.includes(code);
}

/** The error for a failed file operation; an error that is ours already is returned as it is. */
export function ioError(cause: unknown, action: 'read' | 'write' | 'remove' | 'lock', path: string): WherryError {
  if (cause instanceof WherryError) return cause;
  const [state, hint] = explain(systemCodeOf(cause), cause, path);
  return new WherryError('IO_FAILED', `Cannot ${action} "${path}": ${state}`, { hint, cause });
}

function explain(code: string | undefined, cause: unknown, path: string): readonly [string, string | undefined] {
  switch (code) {
    case 'ENOSPC':
      return hasNoInodes(path)
        ? ['no inodes left on device', 'Remove files there, or use a store elsewhere (WHERRY_STORE).']
        : ['no space left on device', 'Free some space there, or use a store elsewhere (WHERRY_STORE).'];
    case 'EDQUOT':
      return ['disk quota exceeded', 'Free some space, or use a store elsewhere (WHERRY_STORE).'];
    case 'EFBIG':
      return ['file too large', 'Raise the file size limit (ulimit -f).'];
    case 'EROFS':
      return ['read-only file system', 'Use a store that can be written (WHERRY_STORE).'];
    case 'EACCES':
    case 'EPERM':
      return ['permission denied', 'Check who owns the store, or use another one (WHERRY_STORE).'];
    case 'EMFILE':
    case 'ENFILE':
      return ['too many open files', 'Raise the limit of open files (ulimit -n).'];
    case 'EIO':
      return ['input/output error', 'Check the disk.'];
    case 'ENOTDIR':
      return ['a part of the path is no folder', undefined];
    default:
      return [cause instanceof Error ? cause.message : String(cause), undefined];
  }
}

function hasNoInodes(path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      const { ffree, files } = statfsSync(folder);
      return files > 0 && ffree === 0;
    } catch {
      if (dirname(folder) === folder) return false;
    }
  }
}

/** Writes all of `bytes` at `position`; the system may take less at a time when a disk fills up. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, position + done);
    if (bytesWritten === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' });
    done += bytesWritten;
  }
}

/** Makes a folder's entries durable. */
export async function syncFolder(path: string): Promise<void> {
  // Windows cannot open folders; there the journal of the file system has to do.
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** How `writeAtomically` writes. */
export interface AtomicOptions {
  /** A path of no file yet, in the same file system. */
  readonly temporary: string;
  readonly mode?: number;
  /** Also survives a power cut under its name; without it the content does, where it is there at all. */
  readonly durable?: boolean;
}

/** Replaces a file as a whole; nobody ever sees a part of it. Errors: IO_FAILED, and then nothing is left behind. */
export async function writeAtomically(path: string, bytes: Uint8Array, options: AtomicOptions): Promise<void> {
  try {
    const handle = await open(options.temporary, 'wx', options.mode ?? 0o644);
    try {
      await writeFully(handle, bytes, 0);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(options.temporary, path);
    if (options.durable === true) await syncFolder(dirname(path));
  } catch (cause) {
    await rm(options.temporary, { force: true }).catch(() => undefined);
    throw ioError(cause, 'write', path);
  }
}

/** Makes a folder and what is above it; returns the topmost one that was not there. Errors: IO_FAILED */
export async function makeFolder(path: string, mode = 0o755, attempts = 4): Promise<string | undefined> {
  // Node's own recursion reports ENOENT for a full or read-only disk, and never ends below /proc.
  try {
    await mkdir(path, { mode });
    return path;
  } catch (cause) {
    if (isSystemError(cause, 'EEXIST') && (await stat(path).catch(() => undefined))?.isDirectory()) return undefined;
    if (isSystemError(cause, 'EEXIST', 'ENOTDIR'))
      throw new WherryError('IO_FAILED', `Cannot make folder "${path}": a file is in its place`, {
        hint: 'Choose another path, or remove the file.',
        cause,
      });
    if (!isSystemError(cause, 'ENOENT') || dirname(path) === path || attempts === 1)
      throw ioError(cause, 'write', path);
  }
  const above = await makeFolder(dirname(path), mode);
  // Somebody else may have made it, or removed what is above, in between: then once more.
  const own = await makeFolder(path, mode, attempts - 1);
  return above ?? own;
}

/** The bytes of a file, or undefined where there is none. Errors: IO_FAILED */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) return undefined;
    throw ioError(cause, 'read', path);
  }
}

/** Names in a folder; none where it is not there. Errors: IO_FAILED */
export async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) return [];
    throw ioError(cause, 'read', path);
  }
}

/**
 * Removes a tree, also folders that forbid it by their mode. A tree with something mounted inside is left alone: what is
 * mounted may be somebody's files. Errors: IO_FAILED
 */
export async function removeTree(path: string): Promise<void> {
  try {
    if (await isMountedBelow(path)) throw Object.assign(new Error('something is mounted inside'), { code: 'EBUSY' });
    try {
      // Writers that were stopped may still be ending.
      await rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 20 });
    } catch (error) {
      if (!isSystemError(error, 'EACCES', 'EPERM')) throw error;
      await openFolders(path);
      await rm(path, { recursive: true, force: true });
    }
  } catch (cause) {
    throw ioError(cause, 'remove', path);
  }
}

async function openFolders(path: string): Promise<void> {
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await openFolders(join(path, entry.name));
  }
}

async function isMountedBelow(path: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  return table.split('\n').some((line) => {
    const place = line
      .split(' ')[4]
      ?.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
    return place !== undefined && (place === path || place.startsWith(`${path}/`));
  });
}
