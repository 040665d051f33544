// The places that a read asks, in order: the mirrors of a registry that are well, then the registry itself.
import { isError, messageOf } from '../../src/errors.ts';
import type { Task } from '../../src/task.ts';
import type { Source } from './download.ts';
import type { Host } from './host.ts';

/** A mirror that is open. */
export interface OpenMirror {
  readonly host: Host;
  /** Put before repositories; "" for none. */
  readonly prefix: string;
}

/** The sources of a repository; the last is the registry itself. */
export type Sources = (repository: string) => readonly Source[];

/** Milliseconds for which a mirror is left alone that cannot be reached or gave wrong bytes. */
const downTime = 60_000;

/** Sources of a registry: failures of mirrors are told once (misses are not), and a bad mirror is left alone for a while. */
export function createSources(host: Host, mirrors: readonly OpenMirror[], task: Task): Sources {
  const downUntil = new Map<Host, number>();
  const told = new Set<string>();
  const report = (mirror: Host, error: unknown): void => {
    if (isError(error, 'BLOB_UNKNOWN', 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN', 'ABORTED')) return;
    if (isError(error, 'NETWORK_FAILED', 'DIGEST_MISMATCH', 'SIZE_INVALID'))
      downUntil.set(mirror, performance.now() + downTime);
    const message = `Mirror "${mirror.name}" does not help: ${messageOf(error)}`;
    if (!told.has(message)) task.emit({ kind: 'warning', message });
    told.add(message);
  };
  return (repository) => [
    ...mirrors
      .filter((mirror) => performance.now() >= (downUntil.get(mirror.host) ?? 0))
      .map((mirror) => ({
        host: mirror.host,
        repository: mirror.prefix === '' ? repository : `${mirror.prefix}/${repository}`,
        report: (error: unknown) => report(mirror.host, error),
      })),
    { host, repository, report: () => {} },
  ];
}

/** Reads from the first source that can; the last one's error is thrown. */
export async function readFirst<T>(sources: readonly Source[], read: (source: Source) => Promise<T>): Promise<T> {
  for (const [index, source] of sources.entries()) {
    try {
      return await read(source);
    } catch (error) {
      if (index === sources.length - 1 || isError(error, 'ABORTED')) throw error;
      source.report(error);
    }
  }
  throw new TypeError('a read needs a source');
}
