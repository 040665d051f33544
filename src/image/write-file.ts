// Bytes → a file that appears whole or not at all (temporary file, fsync, rename), or standard output for "-".
import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, WherryError } from '../errors.ts';

/** Writes `bytes` to `dest`. @throws OUTPUT_FAILED naming the file */
export async function writeWhole(dest: string, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  const source = Readable.from(bytes, { objectMode: false });
  if (dest === '-') {
    await pipeline(source, process.stdout, { signal, end: false });
    return;
  }
  const temporary = join(dirname(dest), `.${basename(dest)}.${process.pid}.${Date.now().toString(36)}.partial`);
  try {
    await pipeline(source, createWriteStream(temporary, { flags: 'wx' }), { signal });
    const file = await open(temporary, 'r+');
    await file.sync();
    await file.close();
    await rename(temporary, dest);
  } catch (cause) {
    await rm(temporary, { force: true });
    if (cause instanceof WherryError) throw cause;
    if (signal.aborted) throw new WherryError('ABORTED', 'Interrupted', { cause });
    throw new WherryError('OUTPUT_FAILED', `Cannot write "${dest}": ${messageOf(cause)}`, {
      cause,
      hint: 'Does the directory exist, may you write there, and is there room?',
    });
  }
}
