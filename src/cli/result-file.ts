// --metadata-file and --iidfile: a small file that is there whole or not at all.
import { randomUUID } from 'node:crypto';
import { realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { messageOf, WherryError } from '../errors.ts';

/** Writes a temporary neighbour, then renames it; a device or pipe is written to as it is. @throws OUTPUT_FAILED */
export async function writeResultFile(path: string, text: string): Promise<void> {
  try {
    const there = await stat(path).catch(() => undefined);
    // Renaming would put a file in the place of /dev/stdout, or of a symbolic link.
    if (there === undefined) await replace(path, text);
    else if (there.isFile()) await replace(await realpath(path), text);
    else await writeFile(path, text);
  } catch (cause) {
    throw new WherryError('OUTPUT_FAILED', `Cannot write "${path}": ${messageOf(cause)}`, { cause });
  }
}

async function replace(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
