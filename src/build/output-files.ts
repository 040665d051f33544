// The root file systems of a build → a directory or a tar (buildx, "--output type=local" and "type=tar"): one folder for
// each platform, or all of them in one place where no two have a file of one name.
import { join } from 'node:path';
import { messageOf, WherryError } from '../errors.ts';
import { writeWhole } from '../image/write-file.ts';
import type { LayerTree } from '../layer/tree.ts';
import { tarStream, treeEntries, writeTree } from '../layer/unpack.ts';
import { formatPlatform, type Platform } from '../oci/platform.ts';
import { makeFolder } from '../store/files.ts';
import type { FileEntry } from '../tar/entry.ts';
import type { Task } from '../task.ts';
import type { SolvedStage } from './solve.ts';

/** The stages of a build, one for each platform. */
type Solved = readonly { readonly platform: Platform; readonly stage: SolvedStage }[];

interface Root {
  readonly platform: string;
  /** `linux_arm_v7`, or "" where the platforms are not kept apart. */
  readonly folder: string;
  /** Absent for an empty root file system. */
  readonly tree: LayerTree | undefined;
}

/** Writes the files into a directory, which is made where it is missing. @throws OUTPUT_FAILED */
export async function writeLocal(
  solved: Solved,
  { dest, split }: { readonly dest: string; readonly split: boolean },
  task: Task,
): Promise<void> {
  for (const { folder, tree } of await rootsOf(solved, split)) {
    const path = join(dest, folder);
    await makeFolder(path).catch((cause: unknown) => {
      const hint = cause instanceof WherryError ? cause.hint : undefined;
      throw new WherryError('OUTPUT_FAILED', messageOf(cause), { hint, cause });
    });
    if (tree !== undefined) await writeTree(tree, path, task);
  }
}

/** Writes the files into a tar; `epoch` is the time of the platforms' folders. @throws OUTPUT_FAILED */
export async function writeTar(
  solved: Solved,
  { dest, split, epoch }: { readonly dest: string; readonly split: boolean; readonly epoch: number },
  task: Task,
): Promise<void> {
  const entries = new Map<string, FileEntry>();
  for (const { folder, tree } of await rootsOf(solved, split)) {
    if (tree === undefined) continue;
    if (folder !== '')
      entries.set(folder, { path: folder, type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: epoch });
    for (const entry of treeEntries(tree)) {
      const moved = folder === '' ? entry : below(folder, entry);
      if (!entries.has(moved.path)) entries.set(moved.path, moved);
    }
  }
  await writeWhole(dest, tarStream(entries.values(), Number.POSITIVE_INFINITY), task.signal);
}

async function rootsOf(solved: Solved, split: boolean): Promise<readonly Root[]> {
  const roots: Root[] = [];
  for (const { platform, stage } of solved) {
    const name = formatPlatform(platform);
    roots.push({ platform: name, folder: split ? name.replaceAll('/', '_') : '', tree: await stage.tree() });
  }
  if (!split && roots.length > 1) checkClashes(roots);
  return roots;
}

/** Only directories may be of several platforms. */
function checkClashes(roots: readonly Root[]): void {
  const owners = new Map<string, { readonly platform: string; readonly isDirectory: boolean }>();
  for (const { platform, tree } of roots) {
    if (tree === undefined) continue;
    for (const { path, type } of treeEntries(tree)) {
      const owner = owners.get(path);
      const isDirectory = type === 'directory';
      if (owner === undefined) owners.set(path, { platform, isDirectory });
      else if (!isDirectory || !owner.isDirectory)
        throw new WherryError(
          'OUTPUT_FAILED',
          `cannot overwrite ${path} from ${owner.platform} with ${platform} when split option is disabled`,
          { hint: 'Leave out platform-split=false, or build one platform.' },
        );
    }
  }
}

function below(folder: string, entry: FileEntry): FileEntry {
  const moved = { ...entry, path: `${folder}/${entry.path}` };
  return entry.type === 'hardlink' ? { ...moved, link: `${folder}/${entry.link}` } : moved;
}
