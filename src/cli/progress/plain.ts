// The plain view: lines that only ever grow, for logs of CI, in the manner of BuildKit's plain progress: steps are
// numbered as they appear, `#3 name` once, then `#3 …` lines; a switch to another step is marked by an empty line. A step
// that starts while another one is speaking waits a moment: most have ended by then, and need no switch to and fro.
import { formatBytes } from '../format.ts';
import { formatFailures, rootOf, type Step, Steps } from './steps.ts';
import type { Screen, View, ViewOptions } from './view.ts';

/** Transfers are told at most twice a second, after 5 % or 5 s. */
const shortest = 500;
const longest = 5000;
const share = 0.05;
/** How long a step may run before its name is shown although another step is speaking. */
const patience = 1000;

/** Lines on `screen`. */
export function createPlainView(screen: Screen, options: ViewOptions): View {
  const view = new PlainView(screen, options);
  return { onEvent: (event) => view.apply(event), close: (outcome) => view.close(outcome) };
}

class PlainView {
  readonly #steps = new Steps();
  readonly #numbers = new Map<Step, number>();
  readonly #told = new Map<Step, { time: number; current: number }>();
  readonly #screen: Screen;
  readonly #options: ViewOptions;
  #last: Step | 'warning' | undefined;
  #closed = false;

  constructor(screen: Screen, options: ViewOptions) {
    this.#screen = screen;
    this.#options = options;
  }

  apply(event: Parameters<View['onEvent']>[0]): void {
    const change = this.#steps.apply(event);
    if (change === undefined) return;
    if (change.kind === 'warning') this.#warn(change.text);
    else if (change.kind === 'start') this.#start(change.step);
    else if (change.kind === 'progress') this.#progress(change.step, event.time);
    else if (change.kind === 'end') this.#end(change.step);
    else
      for (const line of change.lines)
        this.#say(change.step, `${formatSeconds(change.time - change.step.started)} ${line}`);
  }

  close(outcome: 'done' | 'failed' | 'canceled'): void {
    if (this.#closed) return;
    this.#closed = true;
    if (outcome === 'failed') this.#screen.write(formatFailures(this.#steps));
  }

  #start(step: Step): void {
    const speaking = this.#last;
    if (typeof speaking !== 'object' || speaking.ended !== undefined) this.#turnTo(step);
    else setTimeout(() => this.#showLate(step), patience).unref();
  }

  #showLate(step: Step): void {
    if (!this.#closed && !this.#numbers.has(rootOf(step))) this.#turnTo(step);
  }

  #warn(text: string): void {
    if (this.#last !== undefined && this.#last !== 'warning') this.#leave();
    this.#screen.write(`${this.#options.colors.yellow('WARN:')} ${text}\n`);
    this.#last = 'warning';
  }

  /** Makes a step's family the one that lines belong to. */
  #turnTo(step: Step): void {
    const root = rootOf(step);
    if (this.#last === root) return;
    if (this.#last !== undefined) this.#leave();
    const number = this.#numbers.get(root) ?? this.#numbers.size + 1;
    this.#numbers.set(root, number);
    this.#last = root;
    this.#screen.write(`#${number} ${this.#options.colors.bold(root.name)}\n`);
  }

  #leave(): void {
    const left = this.#last;
    if (typeof left === 'object' && left.ended === undefined) this.#screen.write(`#${this.#numbers.get(left)} ...\n`);
    this.#screen.write('\n');
  }

  #say(step: Step, text: string): void {
    this.#turnTo(step);
    this.#screen.write(`#${this.#numbers.get(rootOf(step))} ${text}\n`);
  }

  #progress(step: Step, time: number): void {
    const told = this.#told.get(step) ?? { time: step.started, current: 0 };
    const current = step.current ?? 0;
    const waited = time - told.time;
    const enough = step.total !== undefined && current - told.current >= step.total * share;
    if (waited < shortest || !(enough || waited >= longest)) return;
    this.#told.set(step, { time, current });
    this.#say(step, this.#bytes(step, time));
  }

  #bytes(step: Step, time: number): string {
    const name = step.parent === undefined ? '' : `${step.name} `;
    const done = formatBytes(step.current ?? 0);
    const amount = step.total === undefined ? done : `${done} / ${formatBytes(step.total)}`;
    const elapsed = time - step.started;
    return `${name}${amount}${elapsed >= 10 ? ` ${(elapsed / 1000).toFixed(1)}s` : ''}`;
  }

  #end(step: Step): void {
    const time = step.ended ?? step.started;
    for (const line of this.#steps.takePartial(step)) this.#say(step, `${formatSeconds(time - step.started)} ${line}`);
    const moved = step.current !== undefined && step.current > 0;
    if (step.parent !== undefined) {
      const failed = step.outcome === 'failed' || step.outcome === 'canceled';
      const outcome = failed ? this.#outcome(step, time) : step.outcome === 'done' ? 'done' : (step.outcome ?? 'done');
      this.#say(step, `${moved ? this.#bytes(step, time) : step.name} ${outcome}`);
      return;
    }
    if (moved && step.outcome === 'done') this.#say(step, `${this.#bytes(step, time)} done`);
    this.#say(step, this.#outcome(step, time));
  }

  #outcome(step: Step, time: number): string {
    const { red, yellow } = this.#options.colors;
    const detail = step.detail === undefined ? '' : ` (${step.detail})`;
    switch (step.outcome) {
      case 'cached':
        return `CACHED${detail}`;
      case 'skipped':
        return `SKIPPED${detail}`;
      case 'failed':
        return red(`ERROR: ${step.detail ?? 'failed'}`);
      case 'canceled':
        return yellow('CANCELED');
      case 'done':
      case undefined:
        return `DONE ${((time - step.started) / 1000).toFixed(1)}s${detail}`;
    }
  }
}

/** Milliseconds → seconds with 3 decimals below 10 s, 2 below 100 s, else 1. */
function formatSeconds(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  return seconds.toFixed(seconds < 10 ? 3 : seconds < 100 ? 2 : 1);
}
