// A task: what must reach every room of the river without passing through the options of each: the abort signal, the
// event sink and the three limits. Events are plain data; the command line's views and the library's `onEvent` read them.
import { availableParallelism } from 'node:os';
import pLimit, { type LimitFunction } from 'p-limit';
import { type SourceRange, WherryError } from './errors.ts';

/** What happens while a task runs. `time` is milliseconds since the task began. */
export type Event =
  /** A unit of work that a view shows as a line: a build step, a download, a layer that is written. `id` is unique in the task. */
  | {
      readonly kind: 'start';
      readonly id: string;
      readonly name: string;
      readonly time: number;
      readonly parent?: string;
      readonly total?: number;
      readonly range?: SourceRange;
    }
  /** `current` of `total` bytes are done (total may be unknown). `status` is a word such as "downloading". */
  | {
      readonly kind: 'progress';
      readonly id: string;
      readonly time: number;
      readonly current: number;
      readonly total?: number;
      readonly status?: string;
    }
  | {
      readonly kind: 'log';
      readonly id: string;
      readonly time: number;
      readonly stream: 'stdout' | 'stderr';
      readonly text: string;
    }
  | {
      readonly kind: 'end';
      readonly id: string;
      readonly time: number;
      readonly outcome: 'done' | 'cached' | 'skipped' | 'failed' | 'canceled';
      readonly detail?: string;
      readonly current?: number;
    }
  /** A finding; `rule` is a build check's name where it is one. */
  | {
      readonly kind: 'warning';
      readonly time: number;
      readonly message: string;
      readonly rule?: string;
      readonly range?: SourceRange;
    };

/** Limiters for leaf work only: work that holds a slot must never wait for another slot of the same limiter. */
export interface Limits {
  /** Requests with a body under way. */
  readonly network: LimitFunction;
  /** Layers that are compressed at once. */
  readonly cpu: LimitFunction;
  /** Files open at once. */
  readonly files: LimitFunction;
}

/** What reaches every room. */
export interface Task {
  readonly signal: AbortSignal;
  readonly limits: Limits;
  emit(event: EventInput): void;
}

type Untimed<E> = E extends Event ? Omit<E, 'time'> : never;
/** An event without its time, which the task adds. */
export type EventInput = Untimed<Event>;

/** A new task. Without `onEvent` its events go nowhere. */
export function createTask(
  options: { readonly signal?: AbortSignal | undefined; readonly onEvent?: ((event: Event) => void) | undefined } = {},
): Task {
  const began = performance.now();
  return {
    signal: options.signal ?? new AbortController().signal,
    limits: { network: pLimit(6), cpu: pLimit(Math.max(2, availableParallelism())), files: pLimit(64) },
    emit: (event) => options.onEvent?.({ ...event, time: Math.round(performance.now() - began) } as Event),
  };
}

/** Throws ABORTED once the task's signal is aborted. */
export function checkAborted(task: Task): void {
  if (task.signal.aborted) throw new WherryError('ABORTED', 'Interrupted', { cause: task.signal.reason });
}

let counter = 0;

/** Runs `work` between a `start` and an `end` event; the end tells whether it failed. `work` may name its own outcome. */
export async function inEvent<T>(
  task: Task,
  start: { readonly name: string; readonly parent?: string; readonly total?: number; readonly range?: SourceRange },
  work: (id: string, finish: (outcome: 'done' | 'cached' | 'skipped', detail?: string) => void) => Promise<T>,
): Promise<T> {
  const id = `e${++counter}`;
  let outcome: 'done' | 'cached' | 'skipped' | 'failed' | 'canceled' = 'done';
  let detail: string | undefined;
  task.emit({ kind: 'start', id, ...start });
  try {
    return await work(id, (said, why) => ([outcome, detail] = [said, why]));
  } catch (error) {
    outcome = task.signal.aborted ? 'canceled' : 'failed';
    detail = error instanceof Error ? error.message : String(error);
    throw error;
  } finally {
    task.emit({ kind: 'end', id, outcome, ...(detail === undefined ? {} : { detail }) });
  }
}
