// --metadata-file and --iidfile: a small file that is there whole or not at all.
import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { messageOf, WherryError } from '../errors.ts';

/** Writes a temporary neighbour, then renames it. @throws OUTPUT_FAILED */
export async function writeResultFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new WherryError('OUTPUT_FAILED', `Cannot write "${path}": ${messageOf(cause)}`, { cause });
  }
}
