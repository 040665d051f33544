// A directory on disk as a file tree, without what its ignore rules hide. Reads lazily and synchronously, each directory
// once; owners are 0:0, since a build context has none (BuildKit's fsutil does the same). Symlinks are entries, never ways.
import { type BigIntStats, lstatSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { messageOf, WherryError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import { compareNames, type FileEntry } from '../tar/entry.ts';
import { type IgnoredBy, type IgnoreMatcher, type IgnoreState, ignoredBy } from './ignore.ts';
import type { FileTree } from './tree.ts';

/** Digests of files that were read before, by path and stat. */
export interface DigestCache {
  get(path: string, stat: BigIntStats): Digest | undefined;
}

/** A directory's tree. */
export interface DirectoryTree extends FileTree {
  /** The directory, absolute, without symlinks. */
  readonly root: string;
  /** The rule that hides a path (or an ancestor), and the name of its file; undefined when none does. */
  ignoredBy(path: string): IgnoredBy | undefined;
}

interface DirectoryOptions {
  readonly ignore?: IgnoreMatcher | undefined;
  readonly digests?: DigestCache | undefined;
}

interface State extends DirectoryOptions {
  readonly root: string;
  readonly entries: Map<string, FileEntry | undefined>;
  readonly lists: Map<string, readonly string[]>;
  readonly ignoreStates: Map<string, IgnoreState>;
}

/**
 * Opens a directory as a tree. Its look-ups throw IO_FAILED for what cannot be read, and for names that are not UTF-8.
 * @throws CONTEXT_NOT_FOUND
 */
export function openDirectory(root: string, options: DirectoryOptions = {}): DirectoryTree {
  const state: State = {
    ...options,
    root: realRoot(root),
    entries: new Map(),
    lists: new Map(),
    ignoreStates: new Map(),
  };
  return {
    root: state.root,
    lookup: (path) => lookup(state, path),
    list: (path) => list(state, path),
    ignoredBy: (path) => ignoredBy(options.ignore, path),
  };
}

function realRoot(root: string): string {
  try {
    const real = realpathSync(root);
    if (lstatSync(real).isDirectory()) return real;
  } catch (cause) {
    throw new WherryError('CONTEXT_NOT_FOUND', `Cannot open directory "${root}": ${reasonOf(cause)}`, { cause });
  }
  throw new WherryError('CONTEXT_NOT_FOUND', `Cannot open directory "${root}": it is not a directory`);
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'no such file or directory';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  return messageOf(error);
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function lookup(state: State, path: string): FileEntry | undefined {
  const known = state.entries.get(path);
  if (known !== undefined || state.entries.has(path)) return known;
  const entry = isReachable(state, path) ? readEntry(state, path) : undefined;
  const visible = entry !== undefined && isVisible(state, path, entry.type === 'directory') ? entry : undefined;
  // Files are looked up once: to keep the entries of a large context would cost more than to read them again.
  if (visible === undefined || visible.type === 'directory') state.entries.set(path, visible);
  return visible;
}

function isReachable(state: State, path: string): boolean {
  if (path === '') return true;
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name === '' || name === '.' || name === '..' || path.startsWith('/') || path.includes('\0')) return false;
  return isDirectory(state, parentOf(path));
}

/** Whether it is a real directory on disk; it may be ignored, since what is below it may be re-included. */
function isDirectory(state: State, path: string): boolean {
  const known = state.entries.get(path);
  if (known !== undefined) return known.type === 'directory';
  return isReachable(state, path) && readEntry(state, path)?.type === 'directory';
}

function ignoreStateOf(state: State, path: string): IgnoreState | undefined {
  if (state.ignore === undefined || path === '') return undefined;
  const known = state.ignoreStates.get(path);
  if (known !== undefined) return known;
  const made = state.ignore.step(path, ignoreStateOf(state, parentOf(path)));
  state.ignoreStates.set(path, made);
  return made;
}

function isVisible(state: State, path: string, isDirectoryEntry: boolean): boolean {
  if (ignoreStateOf(state, path)?.ignored !== true) return true;
  return isDirectoryEntry && state.ignore?.mayReinclude(path) === true && list(state, path).length > 0;
}

/** A path on disk. Paths of a tree are clean, and what path.join leaves of a long text are many pieces of it in memory. */
function placeOf(state: State, path: string): string {
  return path === '' ? state.root : `${state.root === '/' ? '' : state.root}/${path}`;
}

function readEntry(state: State, path: string): FileEntry | undefined {
  const place = placeOf(state, path);
  let stat: BigIntStats | undefined;
  try {
    stat = lstatSync(place, { bigint: true, throwIfNoEntry: false });
    return stat && entryOf(state, path, stat);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw new WherryError('IO_FAILED', `Cannot read "${place}": ${reasonOf(cause)}`, {
      hint: 'Make it readable, or name it in .dockerignore.',
      cause,
    });
  }
}

function entryOf(state: State, path: string, stat: BigIntStats): FileEntry {
  const place = placeOf(state, path);
  const common = { path, mode: Number(stat.mode) & 0o7777, uid: 0, gid: 0, size: 0, mtime: secondsOf(stat.mtimeNs) };
  if (stat.isDirectory()) return { ...common, type: 'directory' };
  if (stat.isSymbolicLink()) return { ...common, type: 'symlink', mode: 0o777, link: readlinkSync(place) };
  if (stat.isFIFO()) return { ...common, type: 'fifo' };
  if (stat.isSocket()) return { ...common, type: 'file', content: { kind: 'bytes', bytes: new Uint8Array() } };
  if (stat.isCharacterDevice() || stat.isBlockDevice())
    return { ...common, type: stat.isBlockDevice() ? 'block' : 'character', ...deviceOf(stat.rdev) };
  const digest = state.digests?.get(place, stat);
  const { mode, mtime } = common;
  const content = { kind: 'file' as const, path: place };
  const file: FileEntry = { path, type: 'file', mode, uid: 0, gid: 0, size: Number(stat.size), mtime, content };
  if (digest === undefined && stat.nlink <= 1n) return file;
  return {
    ...file,
    ...(digest === undefined ? {} : { digest }),
    ...(stat.nlink > 1n ? { inode: `${stat.dev}:${stat.ino}` } : {}),
  };
}

function secondsOf(nanoseconds: bigint): number {
  return Number(nanoseconds / 1_000_000_000n) + Number(nanoseconds % 1_000_000_000n) / 1e9;
}

/** Splits a Linux device number (glibc's gnu_dev_major and gnu_dev_minor). */
function deviceOf(rdev: bigint): { readonly deviceMajor: number; readonly deviceMinor: number } {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return { deviceMajor: Number(major), deviceMinor: Number(minor) };
}

function list(state: State, path: string): readonly string[] {
  const known = state.lists.get(path);
  if (known !== undefined) return known;
  const isEntered = ignoreStateOf(state, path)?.ignored !== true || state.ignore?.mayReinclude(path) === true;
  const names = isEntered && isDirectory(state, path) ? readNames(state, path) : [];
  const visible =
    state.ignore === undefined
      ? names
      : names.filter((name) => isListed(state, path === '' ? name : `${path}/${name}`));
  state.lists.set(path, visible);
  return visible;
}

function isListed(state: State, path: string): boolean {
  if (ignoreStateOf(state, path)?.ignored !== true) return true;
  return state.ignore?.mayReinclude(path) === true && lookup(state, path) !== undefined;
}

function readNames(state: State, path: string): readonly string[] {
  const place = placeOf(state, path);
  let names: string[];
  try {
    names = readdirSync(place);
    // U+FFFD may stand for bytes that are not UTF-8: only then are the bytes themselves looked at.
    if (names.some((name) => name.includes('\ufffd')))
      names = decodeNames(state, path, readdirSync(place, { encoding: 'buffer' }));
  } catch (cause) {
    if (cause instanceof WherryError) throw cause;
    throw new WherryError('IO_FAILED', `Cannot read directory "${place}": ${reasonOf(cause)}`, {
      hint: 'Make it readable, or name it in .dockerignore.',
      cause,
    });
  }
  return names.sort(compareNames);
}

function decodeNames(state: State, path: string, names: readonly Buffer[]): string[] {
  return names.flatMap((bytes) => {
    const name = bytes.toString();
    if (Buffer.from(name).equals(bytes)) return [name];
    const place = path === '' ? name : `${path}/${name}`;
    if (ignoreStateOf(state, place)?.ignored) return [];
    throw new WherryError(
      'IO_FAILED',
      `Cannot read directory "${placeOf(state, path)}": the name "${name}" (bytes ${bytes.toString('hex')}) is not UTF-8`,
      { hint: 'Rename the file, or name it in .dockerignore with "*" for the odd bytes.' },
    );
  });
}
