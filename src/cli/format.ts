// Numbers and tables as text: sizes in decimal units, durations, lists in columns.
import { harmless, pad, widthOf } from './terminal.ts';

/** Bytes → `0B`, `812B`, `1.05MB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  let value = bytes;
  while (value >= 999.995 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(2)}${units[unit]}`;
}

/** Milliseconds → `0.3s`, `75.0s`, `6m02s`, `1h05m`. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 99.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, '0')}s`;
  return `${Math.floor(whole / 3600)}h${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')}m`;
}

/** An ISO time → `3 days ago`; the text itself where it is no time, `-` where there is none. */
export function formatAge(time: string | undefined, now: number): string {
  if (time === undefined) return '-';
  const then = Date.parse(time);
  if (Number.isNaN(then)) return time;
  if (then === 0) return '1970-01-01';
  const seconds = Math.max(0, Math.round((now - then) / 1000));
  const steps: readonly (readonly [number, string])[] = [
    [31_557_600, 'year'],
    [2_629_800, 'month'],
    [604_800, 'week'],
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ];
  for (const [length, name] of steps) {
    const count = Math.floor(seconds / length);
    if (count >= 1) return `${count} ${name}${count === 1 ? '' : 's'} ago`;
  }
  return 'just now';
}

/** `sha256:0123…` → its first 12 hex digits with the algorithm. */
export function shortDigest(digest: string): string {
  const colon = digest.indexOf(':');
  return digest.slice(0, colon + 13);
}

/** Rows in columns, two spaces between, each line ended; the cells are made harmless. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows.map((row) => row.map(harmless))];
  const widths = head.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ''))));
  return all
    .map(
      (row) =>
        `${row
          .map((cell, column) => pad(cell, widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
