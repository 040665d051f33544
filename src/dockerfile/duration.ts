// Durations in Go's form (`1m30s`) ⇄ nanoseconds, for HEALTHCHECK's flags and its history line. Go's time.ParseDuration and
// Duration.String.
import { WherryError } from '../errors.ts';
import { goQuote } from './quote.ts';

const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  '\u00b5s': 1_000n,
  '\u03bcs': 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const limit = 2n ** 63n;

/** Nanoseconds of a Go duration. DOCKERFILE_INVALID with Go's message. Above 104 days the last digits are rounded. */
export function parseDuration(text: string): number {
  const negative = text.startsWith('-');
  const body = /^[+-]/.test(text) ? text.slice(1) : text;
  if (body === '0') return 0;
  let total = 0n;
  let at = 0;
  do {
    const part = /([0-9]*)(?:\.([0-9]*))?([^0-9.]*)/y;
    part.lastIndex = at;
    const [whole, digits = '', fraction = '', unit = ''] = part.exec(body) ?? [''];
    if (digits === '' && fraction === '') throw invalid(`invalid duration ${goQuote(text)}`);
    if (unit === '') throw invalid(`missing unit in duration ${goQuote(text)}`);
    const scale = Object.hasOwn(units, unit) ? units[unit] : undefined;
    if (scale === undefined) throw invalid(`unknown unit ${goQuote(unit)} in duration ${goQuote(text)}`);
    total += BigInt(digits || '0') * scale + fractionOf(fraction, scale);
    at += whole.length;
  } while (at < body.length);
  if (total > limit || (total === limit && !negative)) throw invalid(`invalid duration ${goQuote(text)}`);
  // The largest double below 2^63: Go could not read the next one back.
  const nanoseconds = Math.min(Number(total), 2 ** 63 - 1024);
  return negative ? -nanoseconds : nanoseconds;
}

function fractionOf(digits: string, scale: bigint): bigint {
  // More than 18 digits are less than a nanosecond of any unit.
  const kept = digits.slice(0, 18);
  return kept === '' ? 0n : (BigInt(kept) * scale) / 10n ** BigInt(kept.length);
}

/** Like Go's Duration.String: `1m30s`, `1.5s`, `250ms`, `0s`. */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds < 0) return `-${formatDuration(-nanoseconds)}`;
  if (nanoseconds === 0) return '0s';
  if (nanoseconds < 1e3) return `${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${decimal(nanoseconds, 3)}\u00b5s`;
  if (nanoseconds < 1e9) return `${decimal(nanoseconds, 6)}ms`;
  const minutes = Math.floor(nanoseconds / 6e10);
  const seconds = `${decimal(nanoseconds - minutes * 6e10, 9)}s`;
  if (minutes === 0) return seconds;
  const hours = Math.floor(minutes / 60);
  return `${hours === 0 ? '' : `${hours}h`}${minutes % 60}m${seconds}`;
}

/** `value` / 10^places without trailing zeros. */
function decimal(value: number, places: number): string {
  const digits = String(value).padStart(places + 1, '0');
  const fraction = digits.slice(-places).replace(/0+$/, '');
  return digits.slice(0, -places) + (fraction === '' ? '' : `.${fraction}`);
}

function invalid(reason: string): WherryError {
  return new WherryError('DOCKERFILE_INVALID', `time: ${reason}`, {
    hint: 'Write durations such as 30s, 1m30s or 500ms.',
  });
}
