// Marks of living processes, for locks and temporary folders: a mark names a process so exactly (pid, start time, and the
// machine and pid namespace that they count in) that a later process with the same pid is not taken for it.
import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { digestOf, encodedOf } from '../oci/digest.ts';
import { isSystemError } from './files.ts';

const beatEvery = 60_000;
/** A mark from another machine or namespace counts as dead when its file was not touched for this long. */
const deadAfter = 10 * 60_000;
/** One that is no mark at all was cut off while it was written. */
const brokenAfter = 10_000;

/** A new mark of this process, unique: usable as a file name. */
export function createMark(): string {
  return `${process.pid}-${startOf(process.pid) ?? '0'}-${place()}-${randomBytes(6).toString('hex')}`;
}

/** Whether the process that made `mark` still runs. `touched` is when its file was last touched, in ms since 1970. */
export function isAlive(mark: string, touched: number): boolean {
  const [, pid, start, where] = /^([0-9]{1,10})-([0-9]{1,20})-([0-9a-f]{12})-[0-9a-f]{12}$/.exec(mark) ?? [];
  if (pid === undefined) return Date.now() - touched < brokenAfter;
  if (where !== place()) return Date.now() - touched < deadAfter;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if (isSystemError(error, 'ESRCH')) return false;
  }
  const actual = startOf(Number(pid));
  return actual === undefined || actual === start;
}

/** Touches a file now and then, for as long as this process lives; the result stops it. */
export function keepTouching(path: string): () => void {
  const timer = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, beatEvery);
  timer.unref();
  return () => clearInterval(timer);
}

let placeOfThis: string | undefined;

function place(): string {
  placeOfThis ??= encodedOf(
    digestOf(
      `${textOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'))} ${textOf(() => readlinkSync('/proc/self/ns/pid'))} ${hostname()}`,
    ),
  ).slice(0, 12);
  return placeOfThis;
}

/** Start time of a process in the kernel's ticks; undefined where it can't be told; 'ended' for a zombie. */
function startOf(pid: number): string | undefined {
  const text = textOf(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : fields[19];
}

function textOf(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
