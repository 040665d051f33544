// What is tried again, and when: exponential pauses with jitter, `Retry-After` obeyed up to a minute, and one pace for each
// host, so that a registry that is overrun is left alone by all requests at once.
import { setTimeout as sleep } from 'node:timers/promises';
import { isError, WherryError } from '../../../src/errors.ts';
import type { Task } from '../../../src/task.ts';
import { discardBody, type HttpResponse, redactUrl } from './message.ts';

/** How often and how long. */
export interface Patience {
  /** Tries in all, the first included. */
  readonly attempts: number;
  /** Milliseconds before the second try; doubles with each. */
  readonly delay: number;
}

/** About six seconds in all: long enough for a registry that restarts. */
export const defaultPatience: Patience = { attempts: 6, delay: 200 };

const longestDelay = 30_000;
const longestRetryAfter = 60_000;
const transientStatuses: ReadonlySet<number> = new Set([408, 429, 499, 500, 502, 503, 504, 522]);
const transientReasons: ReadonlySet<unknown> = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ETIMEDOUT',
]);

/** True for answers that may be other ones the next time. */
export function isTransientStatus(status: number): boolean {
  return transientStatuses.has(status);
}

/** True for failures of the connection; never for certificates, bad redirects, sizes or digests. */
export function isTransient(error: unknown): boolean {
  if (!isError(error, 'NETWORK_FAILED')) return false;
  const detail = error.detail as { readonly reason?: unknown; readonly status?: unknown } | undefined;
  return transientReasons.has(detail?.reason) || transientStatuses.has(Number(detail?.status));
}

/** Milliseconds that `Retry-After` (seconds or a date) asks for, at most a minute; undefined where it asks nothing. */
export function retryAfterOf(headers: ReadonlyMap<string, string>): number | undefined {
  const text = headers.get('retry-after')?.trim();
  if (text === undefined || text === '') return undefined;
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(wait) || wait <= 0 ? undefined : Math.min(wait, longestRetryAfter);
}

/** The pause after try number `attempt` (from 1): doubles, with 20 % jitter. */
export function delayOf(patience: Patience, attempt: number): number {
  const delay = Math.min(patience.delay * 2 ** (attempt - 1), longestDelay);
  return delay * (0.9 + Math.random() * 0.2);
}

/** Waits. @throws ABORTED */
export async function pause(milliseconds: number, task: Task): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal: task.signal });
  } catch (cause) {
    throw new WherryError('ABORTED', 'Interrupted', { cause });
  }
}

/** The pace of one host: requests wait while it asked us to. */
export interface Pace {
  /** No request before this time (`performance.now()`). */
  until: number;
}

/** Who retries, how, and at whose pace. */
export interface Retrying {
  readonly task: Task;
  readonly patience: Patience;
  readonly pace?: Pace;
}

/**
 * Sends until the answer is no transient failure or the patience ends; then the last answer is returned, or the last
 * failure thrown. What is sent must be repeatable.
 */
export async function withRetries(
  { task, patience, pace = { until: 0 } }: Retrying,
  send: () => Promise<HttpResponse>,
): Promise<HttpResponse> {
  for (let attempt = 1; ; attempt++) {
    const early = pace.until - performance.now();
    if (early > 0) await pause(early, task);
    let wait = delayOf(patience, attempt);
    try {
      const response = await send();
      if (!isTransientStatus(response.status) || attempt >= patience.attempts) return response;
      const asked = retryAfterOf(response.headers);
      if (asked !== undefined) {
        wait = Math.max(asked, wait);
        pace.until = Math.max(pace.until, performance.now() + asked);
      }
      await discardBody(response);
      tellWait(task, response, wait);
    } catch (error) {
      if (!isTransient(error) || attempt >= patience.attempts) throw error;
    }
    await pause(wait, task);
  }
}

function tellWait(task: Task, response: HttpResponse, wait: number): void {
  if (wait < 5000) return;
  const seconds = Math.round(wait / 1000);
  task.emit({
    kind: 'warning',
    message: `${redactUrl(response.url)} answered ${response.status}: waiting ${seconds} s`,
  });
}
