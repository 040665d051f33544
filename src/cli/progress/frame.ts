// Steps → the lines of one frame of the live view, fitted to the screen: one line a step with its time, a bar, bytes, rate
// and remaining time for what has a size; finished steps make room when there are more lines than the screen has.
import { formatBytes, formatDuration } from '../format.ts';
import { type Colors, pad, truncate, widthOf } from '../terminal.ts';
import type { Step, Steps } from './steps.ts';

/** What a frame is drawn with. */
export interface FrameOptions {
  readonly title: string;
  readonly columns: number;
  /** Lines that fit; undefined draws all. */
  readonly rows?: number;
  readonly now: number;
  readonly outcome?: 'done' | 'failed' | 'canceled';
  readonly colors: Colors;
  readonly unicode: boolean;
}

/** A line of a frame: its columns without colours, and its text with them. */
export interface FrameLine {
  readonly width: number;
  readonly text: string;
}

interface Item {
  readonly kind: 'step' | 'child' | 'log';
  readonly step: Step;
  readonly line: FrameLine;
}

const logLines = 6;

/** The frame of this moment. */
export function frameOf(steps: Steps, options: FrameOptions): readonly FrameLine[] {
  const items = steps.roots.flatMap((root) => itemsOf(root, steps, options));
  return [headerOf(steps, options), ...fit(items, options)];
}

function headerOf(steps: Steps, options: FrameOptions): FrameLine {
  const roots = steps.roots;
  const finished = roots.filter((step) => step.ended !== undefined).length;
  const word =
    options.outcome === undefined
      ? ''
      : { done: ' FINISHED', failed: ' FAILED', canceled: ' CANCELED' }[options.outcome];
  const text = `[+] ${options.title} ${formatDuration(options.now)} (${finished}/${roots.length})${word}`;
  return plainLine(text, options, (each) => each);
}

function plainLine(text: string, options: FrameOptions, color: (text: string) => string): FrameLine {
  const cut = truncate(text, options.columns, !options.unicode);
  return { width: widthOf(cut), text: color(cut) };
}

function itemsOf(root: Step, steps: Steps, options: FrameOptions): readonly Item[] {
  const items: Item[] = [{ kind: 'step', step: root, line: stepLine(root, steps, options) }];
  const below = (step: Step): void => {
    for (const child of step.children) {
      items.push({ kind: 'child', step: child, line: stepLine(child, steps, options) });
      below(child);
    }
  };
  below(root);
  if (root.ended === undefined && options.outcome === undefined) {
    for (const line of root.lines.slice(-logLines))
      items.push({
        kind: 'log',
        step: root,
        line: plainLine(` ${options.unicode ? '│' : '|'} ${line}`, options, options.colors.dim),
      });
  }
  return items;
}

function stepLine(step: Step, steps: Steps, options: FrameOptions): FrameLine {
  const time = formatDuration((step.ended ?? Math.max(options.now, step.started)) - step.started);
  const mark = { cached: 'CACHED ', skipped: 'SKIPPED ', failed: 'ERROR ', canceled: 'CANCELED ', done: '' }[
    step.outcome ?? 'done'
  ];
  const left = ` ${'=> '.repeat(depthOf(step) + 1)}${mark}${step.name}`;
  const room = options.columns - time.length - 1;
  const middle = amountOf(step, steps, { ...options, columns: room - Math.min(widthOf(left), 24) - 2 });
  const name = truncate(left, Math.max(0, room - (middle === '' ? 0 : widthOf(middle) + 1)), !options.unicode);
  const filled = middle === '' ? pad(name, room) : `${pad(name, room - widthOf(middle))}${middle}`;
  const text = truncate(`${filled} ${time}`, options.columns, !options.unicode);
  return { width: widthOf(text), text: colorOf(step, options.colors)(text) };
}

function depthOf(step: Step): number {
  return step.parent === undefined ? 0 : depthOf(step.parent) + 1;
}

function colorOf(step: Step, colors: Colors): (text: string) => string {
  if (step.outcome === 'failed') return colors.red;
  if (step.outcome === 'canceled') return colors.yellow;
  return step.outcome === undefined ? (text) => text : colors.blue;
}

/** `[bar] 12.3MB / 40.1MB 8.2MB/s 3s left`, as much of it as fits into the columns. */
function amountOf(step: Step, steps: Steps, options: FrameOptions): string {
  const { current, total } = step;
  if (current === undefined || (current === 0 && step.ended !== undefined)) return '';
  if (step.ended !== undefined) return fitting([formatBytes(current)], options.columns);
  const rate = steps.rate(step, options.now);
  const speed = rate === undefined ? '' : ` ${formatBytes(Math.round(rate))}/s`;
  if (total === undefined || total <= 0)
    return fitting([`${formatBytes(current)}${speed}`, formatBytes(current)], options.columns);
  const left = rate === undefined || rate < 1 ? '' : ` ${formatDuration(((total - current) / rate) * 1000)} left`;
  const amount = `${formatBytes(current)} / ${formatBytes(total)}`;
  const bar = (width: number): string => `${barOf(current / total, width, options.unicode)} `;
  const percent = `${Math.floor((100 * Math.min(current, total)) / total)}%`;
  return fitting(
    [
      `${bar(20)}${amount}${speed}${left}`,
      `${bar(10)}${amount}${speed}${left}`,
      `${bar(10)}${amount}`,
      amount,
      percent,
    ],
    options.columns,
  );
}

/** The first text that fits, or nothing. */
function fitting(texts: readonly string[], columns: number): string {
  return texts.find((text) => widthOf(text) <= columns) ?? '';
}

/** A bar of `width` columns, `part` of it full (eighths of a column where the terminal has them). */
export function barOf(part: number, width: number, unicode: boolean): string {
  const eighths = Math.round(Math.min(1, Math.max(0, part)) * width * 8);
  if (!unicode) return `[${'#'.repeat(Math.floor(eighths / 8))}${'.'.repeat(width - Math.floor(eighths / 8))}]`;
  const full = Math.floor(eighths / 8);
  const rest = eighths % 8 === 0 ? '' : (['▏', '▎', '▍', '▌', '▋', '▊', '▉'][(eighths % 8) - 1] ?? '');
  return '█'.repeat(full) + rest + '░'.repeat(width - full - (rest === '' ? 0 : 1));
}

/** Drops what matters least until the items fit under the header: finished children, finished steps, logs, the rest. */
function fit(items: readonly Item[], options: FrameOptions): readonly FrameLine[] {
  const rows = options.rows === undefined ? Number.POSITIVE_INFINITY : Math.max(1, options.rows - 1);
  let kept = items;
  const isDone = (item: Item): boolean => item.step.ended !== undefined && item.step.outcome !== 'failed';
  const rules: readonly ((item: Item) => boolean)[] = [
    (item) => item.kind === 'child' && isDone(item),
    (item) => item.kind === 'step' && isDone(item),
    (item) => item.kind === 'log',
    (item) => item.kind === 'child',
    () => true,
  ];
  let finished = 0;
  let others = 0;
  for (const rule of rules) {
    for (;;) {
      const excess = kept.length + (finished > 0 ? 1 : 0) + (others > 0 ? 1 : 0) - rows;
      const oldest = excess > 0 && kept.length > 0 ? kept.findIndex(rule) : -1;
      const dropped = kept[oldest];
      if (dropped === undefined) break;
      if (dropped.kind === 'step' && isDone(dropped)) finished++;
      else if (dropped.kind === 'step' || !isDone(dropped)) others += dropped.kind === 'log' ? 0 : 1;
      kept = kept.filter((item) => item !== dropped);
    }
  }
  const dots = options.unicode ? '…' : '...';
  const note = (text: string): FrameLine => plainLine(` ${dots} ${text}`, options, options.colors.dim);
  const lines = [
    ...(finished > 0 ? [note(`${finished} finished`)] : []),
    ...kept.map((item) => item.line),
    ...(others > 0 ? [note(`${others} more`)] : []),
  ];
  return lines.slice(0, rows);
}
