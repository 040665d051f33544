// Instruction → its history line, as BuildKit writes it (reference: BuildKit's dockerfile2llb): Go's `%q` and `%v` forms
// included, since people and tools compare them.
import { formatDuration } from '../dockerfile/duration.ts';
import { goQuote } from '../dockerfile/quote.ts';
import type { Healthcheck, HistoryEntry } from '../oci/config.ts';

/** `["sh" "-c" "x"]` */
export function quotedList(items: readonly string[]): string {
  return `[${items.map(goQuote).join(' ')}]`;
}

/** `[a b]` */
export function plainList(items: readonly string[]): string {
  return `[${items.join(' ')}]`;
}

/** `{Test:[CMD-SHELL x] Interval:5m0s …}` */
export function healthcheckText(check: Healthcheck): string {
  const { Test = [], Interval = 0, Timeout = 0, StartPeriod = 0, StartInterval = 0, Retries = 0 } = check;
  return `{Test:${plainList(Test)} Interval:${formatDuration(Interval)} Timeout:${formatDuration(Timeout)} StartPeriod:${formatDuration(StartPeriod)} StartInterval:${formatDuration(StartInterval)} Retries:${Retries}}`;
}

/** What COPY and ADD have in their line, expanded. */
interface CopyLine {
  readonly instruction: 'COPY' | 'ADD';
  readonly parents: boolean;
  readonly chown?: string | undefined;
  readonly chmod?: string | undefined;
  readonly sources: readonly string[];
  readonly heredocs: readonly string[];
  readonly destination: string;
}

/** `COPY --chown=1:2 a b /dst/ # buildkit` */
export function copyText(line: CopyLine): string {
  const words: string[] = [line.instruction];
  if (line.parents) words.push('--parents');
  if (line.chown !== undefined && line.chown !== '') words.push(`--chown=${line.chown}`);
  if (line.chmod !== undefined && line.chmod !== '') words.push(`--chmod=${line.chmod}`);
  words.push(...line.sources, ...line.heredocs.map((name) => `<<${name}`), line.destination);
  return `${words.join(' ')} # buildkit`;
}

/** A line with its time. */
export function historyEntry(text: string, epoch: number, emptyLayer: boolean): HistoryEntry {
  return {
    created: timeText(epoch),
    created_by: text,
    comment: 'buildkit.dockerfile.v0',
    ...(emptyLayer ? { empty_layer: true } : {}),
  };
}

/** The line of a layer that is a whole build context: every layer has a line. */
export function contextEntry(name: string, epoch: number): HistoryEntry {
  return { created: timeText(epoch), created_by: `FROM ${name}`, comment: 'buildkit.exporter.image.v0' };
}

/** Seconds since 1970 → RFC 3339. */
function timeText(epoch: number): string {
  return new Date(epoch * 1000).toISOString().replace('.000Z', 'Z');
}
