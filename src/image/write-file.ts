// Bytes → a file that appears whole or not at all (temporary file, fsync, rename), or standard output for "-". A device or
// a pipe is written into, and a symbolic link stays one: what it points to is replaced.
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { reasonOf, WherryError } from '../errors.ts';

/** Writes `bytes` to `dest`. @throws OUTPUT_FAILED naming the file, ABORTED, and what giving the bytes throws */
export async function writeWhole(
  dest: string,
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const source = Readable.from(bytes, { objectMode: false });
  try {
    if (dest === '-') await pipeline(source, process.stdout, { signal, end: false });
    else await writeTo(dest, source, signal);
  } catch (cause) {
    if (cause instanceof WherryError) throw cause;
    if (signal.aborted) throw new WherryError('ABORTED', 'Interrupted', { cause });
    const name = dest === '-' ? 'standard output' : `"${dest}"`;
    throw new WherryError('OUTPUT_FAILED', `Cannot write ${name}: ${reasonOf(cause)}`, {
      cause,
      hint: dest === '-' ? undefined : 'Does the directory exist, may you write there, and is there room?',
    });
  }
}

async function writeTo(dest: string, source: Readable, signal: AbortSignal): Promise<void> {
  const there = await stat(dest).catch(() => undefined);
  if (there !== undefined && !there.isFile() && !there.isDirectory()) {
    await pipeline(source, createWriteStream(dest, { flags: 'w' }), { signal });
    return;
  }
  const path = there === undefined ? await linkedPath(dest) : await realpath(dest);
  const temporary = `${path}.${randomUUID()}.partial`;
  try {
    await pipeline(source, createWriteStream(temporary, { flags: 'wx' }), { signal });
    const file = await open(temporary, 'r+');
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Where a link that points to nothing yet would have its file made. */
async function linkedPath(dest: string): Promise<string> {
  let path = dest;
  for (let links = 0; links < 40; links++) {
    const link = await readlink(path).catch(() => undefined);
    if (link === undefined) return path;
    path = resolve(dirname(path), link);
  }
  return path;
}
