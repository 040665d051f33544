// The files of an image, as GNU tar lists what `-o type=tar` writes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { must, type Ran, type Room } from './command.ts';

/** A member of the tar: `-rw-r--r-- 0/0 5 2020-05-05 05:05:05`, and what it holds or points to. */
export interface Listed {
  readonly line: string;
  readonly content: string;
}

/** What a build of a root file system came to. */
export interface BuiltFiles {
  readonly ran: Ran;
  /** By path, directories with `/` at the end; empty when the build failed. */
  readonly files: ReadonlyMap<string, Listed>;
}

let count = 0;

/** Runs `wherry build` with these arguments into a tar, and lists it. Contents are read where they are text. */
export async function buildFiles(
  room: Room,
  args: readonly string[],
  options: Parameters<Room['wherry']>[1] = {},
): Promise<BuiltFiles> {
  const file = join(room.folder, `files${++count}.tar`);
  const ran = await room.wherry(
    ['build', '--progress=plain', '--platform', 'linux/amd64', '-o', `type=tar,dest=${file}`, ...args],
    options,
  );
  return { ran, files: ran.code === 0 ? await listTar(room, file) : new Map() };
}

async function listTar(room: Room, file: string): Promise<ReadonlyMap<string, Listed>> {
  const folder = `${file}.d`;
  await must(['mkdir', folder]);
  await must(['tar', '-C', folder, '--no-same-owner', '-xf', file]);
  const listing = await must(['tar', '--numeric-owner', '--full-time', '-tvf', file], { env: { TZ: 'UTC' } });
  const files = new Map<string, Listed>();
  for (const text of listing.split('\n')) {
    const match = /^(\S+) +(\S+) +([0-9]+) (\S+ \S+) (.+?)(?: (?:->|link to) (.+))?$/.exec(text);
    if (match === null) continue;
    const [, mode = '', owner = '', size = '', time = '', path = '', link] = match;
    const line = `${mode} ${owner} ${size} ${time}`;
    const content = link ?? (mode.startsWith('-') ? readFileSync(join(folder, path), 'utf8') : '');
    files.set(path, { line, content });
  }
  await must(['rm', '-rf', folder, file]);
  if (files.size === 0 && listing.trim() !== '') throw new Error(`${room.folder}: cannot read the listing\n${listing}`);
  return files;
}

/** `path` → text, of the plain files alone. */
export function textsOf(built: BuiltFiles): Record<string, string> {
  return Object.fromEntries(
    [...built.files].filter(([, { line }]) => line.startsWith('-')).map(([path, { content }]) => [path, content]),
  );
}
