// A tree of layers → files: a directory (`--output type=local`) or one tar (`type=tar`). What is written belongs to the
// caller, as with BuildKit. Nothing is ever written through a symlink, be it one of the tree or one that was there.
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { isError, messageOf, WherryError } from '../errors.ts';
import { compareNames, type FileEntry } from '../tar/entry.ts';
import { bytesOfName } from '../tar/name.ts';
import { checkAborted, type Task } from '../task.ts';
import { archiveBlocks } from './archive.ts';
import { streamContent } from './content.ts';
import type { LayerEntry, Node } from './draft.ts';
import type { LayerTree } from './tree.ts';

/**
 * All entries of a tree but its root, sorted, parents first, as `writeLayer` takes them: of a file with several names
 * all but the first are hard links.
 */
export function* treeEntries(tree: LayerTree): Generator<FileEntry, void, undefined> {
  const firstPaths = new Map<string, string>();
  for (const { inode, text: _text, ...entry } of walk(tree.root)) {
    const first = inode === undefined ? undefined : firstPaths.get(inode);
    if (inode !== undefined && first === undefined) firstPaths.set(inode, entry.path);
    if (first === undefined) yield entry;
    else {
      const { content: _content, digest: _digest, ...header } = entry;
      yield { ...header, type: 'hardlink', size: 0, link: first };
    }
  }
}

function* walk(node: Node): Generator<LayerEntry, void, undefined> {
  const names = [...(node.children?.keys() ?? [])].sort(compareNames);
  for (const name of names) {
    const child = node.children?.get(name);
    if (child === undefined) continue;
    yield child.entry;
    yield* walk(child);
  }
}

/** Sorted entries → a tar in the bytes of a layer. `epoch` is the latest time of an entry; Infinity leaves all times alone. */
export async function* tarStream(
  entries: Iterable<FileEntry>,
  epoch: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { bytes } of archiveBlocks(entries, { epoch })) yield bytes;
}

/**
 * Writes a tree into a directory, which is made when it is missing. Files that are there stay unless the tree has the
 * same path; a directory that is in the way of a file is an error. Device nodes and fifos are left out, with a warning.
 * @throws OUTPUT_FAILED, ABORTED, and what reading a content throws
 */
export async function writeTree(tree: LayerTree, folder: string, task: Task): Promise<void> {
  fs.mkdirSync(folder, { recursive: true });
  const state: State = { folder: fs.realpathSync(folder), task, links: new Map(), left: { attributes: 0, devices: 0 } };
  await writeChildren(tree.root, state);
  const { attributes, devices } = state.left;
  if (devices > 0)
    task.emit({ kind: 'warning', message: `${devices} device nodes or fifos were not written to "${folder}"` });
  if (attributes > 0)
    task.emit({
      kind: 'warning',
      message: `extended attributes of ${attributes} files were not written to "${folder}"`,
    });
}

interface State {
  readonly folder: string;
  readonly task: Task;
  /** By inode: where the file is that has further names. */
  readonly links: Map<string, fs.PathLike>;
  readonly left: { attributes: number; devices: number };
}

async function writeChildren(node: Node, state: State): Promise<void> {
  for (const child of node.children?.values() ?? []) {
    checkAborted(state.task);
    const { entry } = child;
    const at = pathOf(state, entry.path);
    try {
      if (child.children !== undefined) {
        makeDirectory(at);
        await writeChildren(child, state);
        // Only now: the mode may forbid writing, and writing changes the time.
        fs.chmodSync(at, entry.mode);
        fs.utimesSync(at, entry.mtime, entry.mtime);
      } else await writeEntry(entry, at, state);
      if (entry.xattrs !== undefined) state.left.attributes++;
    } catch (cause) {
      if (isError(cause) || !(cause instanceof Error && 'syscall' in cause)) throw cause;
      throw new WherryError('OUTPUT_FAILED', `Cannot write "${state.folder}/${entry.path}": ${messageOf(cause)}`, {
        cause,
      });
    }
  }
}

/** The place of a path; all parents are directories that `makeDirectory` has seen. */
function pathOf(state: State, path: string): fs.PathLike {
  return Buffer.concat([Buffer.from(`${state.folder}/`), bytesOfName(path)]);
}

function makeDirectory(at: fs.PathLike): void {
  const there = fs.lstatSync(at, { throwIfNoEntry: false });
  if (there?.isDirectory() === true) {
    // As far as it is ours, so that what is in it can be replaced.
    if ((there.mode & 0o300) !== 0o300) fs.chmodSync(at, there.mode | 0o700);
    return;
  }
  if (there !== undefined) fs.unlinkSync(at);
  fs.mkdirSync(at, 0o700);
}

async function writeEntry(entry: LayerEntry, at: fs.PathLike, state: State): Promise<void> {
  switch (entry.type) {
    case 'file': {
      const other = entry.inode === undefined ? undefined : state.links.get(entry.inode);
      if (other !== undefined && linkTo(other, at)) return;
      await writeFile(entry, at);
      if (entry.inode !== undefined) state.links.set(entry.inode, at);
      return;
    }
    case 'symlink':
      clear(at);
      fs.symlinkSync(bytesOfName(entry.link ?? ''), at);
      fs.lutimesSync(at, entry.mtime, entry.mtime);
      return;
    case 'character':
    case 'block':
    case 'fifo':
      state.left.devices++;
      return;
    case 'directory':
    case 'hardlink':
      throw new TypeError(`a tree has the ${entry.type} "${entry.path}" where there is none`);
  }
}

/** Content goes to a new file beside it, which then takes the name: nothing that is there is opened. */
async function writeFile(entry: LayerEntry, at: fs.PathLike): Promise<void> {
  const there = fs.lstatSync(at, { throwIfNoEntry: false });
  if (there?.isDirectory() === true) throw inTheWay(at);
  const name = Buffer.from(at as Buffer);
  const slash = name.lastIndexOf(0x2f) + 1;
  const temporary = Buffer.concat([name.subarray(0, slash), Buffer.from(`.wherry-${randomBytes(6).toString('hex')}`)]);
  const descriptor = fs.openSync(temporary, 'wx', 0o600);
  try {
    try {
      for await (const piece of streamContent(entry)) {
        for (let done = 0; done < piece.length; ) done += fs.writeSync(descriptor, piece, done);
      }
      fs.fchmodSync(descriptor, entry.mode);
      fs.futimesSync(descriptor, entry.mtime, entry.mtime);
    } finally {
      fs.closeSync(descriptor);
    }
    fs.renameSync(temporary, at);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

/** Makes a hard link; false where the file system takes no more of them. */
function linkTo(other: fs.PathLike, at: fs.PathLike): boolean {
  clear(at);
  try {
    fs.linkSync(other, at);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EMLINK' || code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP') return false;
    throw error;
  }
}

function clear(at: fs.PathLike): void {
  const there = fs.lstatSync(at, { throwIfNoEntry: false });
  if (there?.isDirectory() === true) throw inTheWay(at);
  if (there !== undefined) fs.unlinkSync(at);
}

function inTheWay(at: fs.PathLike): WherryError {
  return new WherryError('OUTPUT_FAILED', `Cannot write "${at.toString()}": a directory is in the way`, {
    hint: 'Remove the directory, or write to an empty one.',
  });
}
