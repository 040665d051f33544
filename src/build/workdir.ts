// WORKDIR → the entries of its layer: the directory with its parents where it is new, nothing where it is there. Also who
// a name in USER or --chown is, by the image's own passwd and group files.

import { newDirectory } from '../context/table.ts';
import { emptyTree, resolveInTree } from '../context/tree.ts';
import { lookupOwner, type UserFiles } from '../context/users.ts';
import { WherryError } from '../errors.ts';
import { type LayerTree, textOf } from '../layer/tree.ts';
import type { FileEntry } from '../tar/entry.ts';
import type { WorkdirStep } from './step.ts';

/** Entries that make the directory, parents first; [] when it is there. @throws COPY_FAILED when something else is */
export async function workdirEntries(
  step: WorkdirStep,
  below: LayerTree | undefined,
  epoch: number,
): Promise<FileEntry[]> {
  const tree = below ?? emptyTree;
  const resolved = resolveInTree(tree, step.path.slice(1));
  const found = tree.lookup(resolved);
  if (found?.type === 'directory') return [];
  const owner = await ownerOfUser(step.user, below);
  const names = resolved.split('/');
  let parent = tree.lookup('');
  return names.map((_, position): FileEntry => {
    const path = names.slice(0, position + 1).join('/');
    const there = tree.lookup(path);
    if (there !== undefined && there.type !== 'directory')
      throw new WherryError(
        'COPY_FAILED',
        `Cannot make working directory "${step.path}": mkdir /${path}: not a directory`,
        { hint: `"/${path}" is a ${there.type} in the image.` },
      );
    parent = there ?? newDirectory(path, parent, { mode: 0o755, ...owner, mtime: epoch });
    return parent;
  });
}

/** The texts of /etc/passwd and /etc/group, where they are. */
export async function userFiles(tree: LayerTree | undefined): Promise<UserFiles> {
  if (tree === undefined) return {};
  const [passwd, group] = await Promise.all([textOf(tree, 'etc/passwd'), textOf(tree, 'etc/group')]);
  return { ...(passwd === undefined ? {} : { passwd }), ...(group === undefined ? {} : { group }) };
}

/** Owner of a directory that WORKDIR makes; a USER that the image does not know counts as root, as in BuildKit. */
async function ownerOfUser(
  user: string,
  tree: LayerTree | undefined,
): Promise<{ readonly uid: number; readonly gid?: number }> {
  if (user === '') return { uid: 0 };
  try {
    return lookupOwner(user, await userFiles(tree));
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    return { uid: 0, gid: 0 };
  }
}
