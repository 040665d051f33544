// The stat cache: a file's name, place, size and times → the digest of its content, so that an unchanged file is not read
// again. A cache only: what can't be read of it counts as empty, and saving it may fail.
import { readFileSync } from 'node:fs';
import { type Digest, isDigest } from '../oci/digest.ts';
import { writeAtomically } from './files.ts';

/** What of `lstat` (with `bigint: true`) tells that a file is still the same. */
export interface FileState {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** Digests of files that were read before. */
export interface StatCache {
  /** The digest, if the file at this absolute path is in the state it had when it was read. */
  get(path: string, state: FileState): Digest | undefined;
  /**
   * Keeps a digest. `readAt` is the time (ms) just before `state` was taken: a file that was changed less than two seconds
   * before is not kept, since it may change again within the same tick of the file system's clock.
   */
  set(path: string, state: FileState, content: { readonly digest: Digest; readonly readAt: number }): void;
}

/** Entries at most; those not used for the longest time go first. */
const maxEntries = 400_000;
const racyMs = 2000;
const version = 1;

interface Entry {
  readonly state: string;
  readonly digest: Digest;
}

/** The cache in the file `path`, read when it is first asked. `save` writes it where it has changed. */
export function createStatCache(
  path: string,
  limit = maxEntries,
): StatCache & { save(temporary: () => Promise<string>): Promise<void> } {
  let old: Map<string, Entry> | undefined;
  const used = new Map<string, Entry>();
  let isChanged = false;
  const load = (): Map<string, Entry> => {
    old ??= readEntries(path);
    return old;
  };
  return {
    get: (name, state) => {
      const entry = used.get(name) ?? load().get(name);
      if (entry === undefined || entry.state !== textOf(state)) return undefined;
      used.set(name, entry);
      return entry.digest;
    },
    set: (name, state, { digest, readAt }) => {
      const changed = Math.max(Number(state.mtimeNs / 1_000_000n), Number(state.ctimeNs / 1_000_000n));
      if (readAt - changed < racyMs) return;
      used.set(name, { state: textOf(state), digest });
      isChanged = true;
    },
    save: async (temporary) => {
      if (!isChanged) return;
      const bytes = Buffer.concat(encode(load(), used, limit));
      await writeAtomically(path, bytes, { temporary: await temporary(), mode: 0o600 });
      isChanged = false;
    },
  };
}

/** The file's bytes in pieces: what was not used this time first, so that it goes first when there is too much. */
function encode(old: ReadonlyMap<string, Entry>, used: ReadonlyMap<string, Entry>, limit: number): Buffer[] {
  const kept: (readonly [string, Entry])[] = [];
  for (const item of old) if (!used.has(item[0])) kept.push(item);
  for (const item of used) kept.push(item);
  const first = Math.max(0, kept.length - limit);
  const pieces = [Buffer.from(`[${version}`)];
  for (let at = first; at < kept.length; at += 1000) {
    const lines = kept
      .slice(at, at + 1000)
      .map(([name, { state, digest }]) => `,\n${JSON.stringify([name, state, digest])}`);
    pieces.push(Buffer.from(lines.join('')));
  }
  return [...pieces, Buffer.from(']')];
}

function textOf(state: FileState): string {
  // `join` makes one flat text; a template leaves a tree of its pieces, which counts where there are 100,000 of them.
  return [state.dev, state.ino, state.size, state.mtimeNs, state.ctimeNs].join(' ');
}

function readEntries(path: string): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  try {
    const list: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (!Array.isArray(list) || list[0] !== version) return entries;
    for (const item of list) {
      if (!Array.isArray(item)) continue;
      const [name, state, digest] = item as unknown[];
      if (typeof name === 'string' && typeof state === 'string' && typeof digest === 'string' && isDigest(digest))
        entries.set(name, { state, digest });
    }
  } catch {
    // Missing or damaged: every file is read again.
  }
  return entries;
}
