// Events → the steps that the views show: names and logs made harmless, bytes done, rate, outcome. One `Steps` is fed by
// one task; times are the task's milliseconds.
import type { Event } from '../../task.ts';
import { harmless } from '../terminal.ts';

/** A unit of work as the views see it; changed in place by `apply`. */
export interface Step {
  readonly id: string;
  readonly name: string;
  /** The step it stands under; a step whose parent is unknown stands alone. */
  readonly parent: Step | undefined;
  readonly children: Step[];
  readonly started: number;
  ended: number | undefined;
  outcome: (Event & { kind: 'end' })['outcome'] | undefined;
  detail: string | undefined;
  current: number | undefined;
  total: number | undefined;
  status: string | undefined;
  /** The last lines of its log. */
  readonly lines: string[];
}

/** What an event did. */
export type Change =
  | { readonly kind: 'start'; readonly step: Step }
  | { readonly kind: 'progress'; readonly step: Step }
  | { readonly kind: 'end'; readonly step: Step }
  | { readonly kind: 'log'; readonly step: Step; readonly lines: readonly string[]; readonly time: number }
  | { readonly kind: 'warning'; readonly text: string };

const linesKept = 10;
const rateWindow = 3000;

interface Extras {
  readonly partial: Map<string, string>;
  readonly samples: { readonly time: number; readonly current: number }[];
}

/** All steps of one task, in the order they started. */
export class Steps {
  readonly all: Step[] = [];
  readonly warnings: string[] = [];
  readonly #byId = new Map<string, Step>();
  readonly #extras = new Map<Step, Extras>();

  /** Takes an event in; undefined for one of an unknown step. */
  apply(event: Event): Change | undefined {
    if (event.kind === 'warning') {
      const text = formatWarning(event);
      this.warnings.push(text);
      return { kind: 'warning', text };
    }
    if (event.kind === 'start') return { kind: 'start', step: this.#start(event) };
    const step = this.#byId.get(event.id);
    if (step === undefined) return undefined;
    if (event.kind === 'log') return { kind: 'log', step, lines: this.#log(step, event), time: event.time };
    if (event.kind === 'progress') this.#progress(step, event);
    else this.#end(step, event);
    return { kind: event.kind, step };
  }

  /** Steps without a parent. */
  get roots(): readonly Step[] {
    return this.all.filter((step) => step.parent === undefined);
  }

  /** Bytes a second over the last three seconds before `now`; undefined before there is enough to tell. */
  rate(step: Step, now: number): number | undefined {
    const samples = this.#extras.get(step)?.samples ?? [];
    const [first, last] = [samples.find((sample) => sample.time >= now - rateWindow), samples.at(-1)];
    if (first === undefined || last === undefined || now - first.time < 200) return undefined;
    return ((last.current - first.current) / (now - first.time)) * 1000;
  }

  /** The last line of a log that no newline has ended yet, by stream; they are forgotten. */
  takePartial(step: Step): readonly string[] {
    const partial = this.#extras.get(step)?.partial;
    const lines = [...(partial?.values() ?? [])].filter((line) => line !== '').map(cleanLine);
    partial?.clear();
    keepLast(step.lines, lines);
    return lines;
  }

  #start(event: Event & { kind: 'start' }): Step {
    const parent = event.parent === undefined ? undefined : this.#byId.get(event.parent);
    const step: Step = {
      id: event.id,
      name: harmless(event.name.replace(/\s*\n\s*/g, ' ')),
      parent,
      children: [],
      started: event.time,
      ended: undefined,
      outcome: undefined,
      detail: undefined,
      current: undefined,
      total: event.total,
      status: undefined,
      lines: [],
    };
    parent?.children.push(step);
    this.all.push(step);
    this.#byId.set(event.id, step);
    this.#extras.set(step, { partial: new Map(), samples: [] });
    return step;
  }

  #progress(step: Step, event: Event & { kind: 'progress' }): void {
    step.current = event.current;
    step.total = event.total ?? step.total;
    step.status = event.status === undefined ? step.status : harmless(event.status);
    const samples = this.#extras.get(step)?.samples ?? [];
    samples.push({ time: event.time, current: event.current });
    while ((samples[1]?.time ?? Number.POSITIVE_INFINITY) < event.time - rateWindow) samples.shift();
  }

  #end(step: Step, event: Event & { kind: 'end' }): void {
    step.ended = event.time;
    step.outcome = event.outcome;
    step.detail = event.detail === undefined ? undefined : harmless(event.detail.replace(/\s*\n\s*/g, ' '));
    step.current = event.current ?? step.current;
  }

  #log(step: Step, event: Event & { kind: 'log' }): readonly string[] {
    const partial = this.#extras.get(step)?.partial ?? new Map<string, string>();
    const pieces = ((partial.get(event.stream) ?? '') + event.text).split('\n');
    partial.set(event.stream, pieces.pop() ?? '');
    const lines = pieces.map(cleanLine);
    keepLast(step.lines, lines);
    return lines;
  }
}

/** Of a line that was overwritten by carriage returns, what was last to be seen. */
function cleanLine(line: string): string {
  const shown = line.split('\r').filter((part) => part !== '');
  return harmless(shown.at(-1) ?? '');
}

function keepLast(kept: string[], lines: readonly string[]): void {
  kept.push(...lines.slice(-linesKept));
  kept.splice(0, Math.max(0, kept.length - linesKept));
}

function formatWarning(event: Event & { kind: 'warning' }): string {
  const where = event.range === undefined ? '' : ` (${event.range.file.name}:${event.range.start.line})`;
  return harmless(`${event.rule === undefined ? '' : `${event.rule}: `}${event.message}${where}`);
}

/** The step at the top of its family. */
export function rootOf(step: Step): Step {
  let root = step;
  while (root.parent !== undefined) root = root.parent;
  return root;
}

/** What failed steps last said, as BuildKit repeats it at the end; empty when they said nothing. */
export function formatFailures(steps: Steps): string {
  const failed = steps.all.filter((step) => step.outcome === 'failed' && step.lines.length > 0);
  return failed
    .map((step) => `------\n > ${step.name}:\n${step.lines.map((line) => `${line}\n`).join('')}------\n`)
    .join('');
}
