// The live view: draws a frame ten times a second over the one before. The cursor is hidden meanwhile and comes back
// however the process ends; the last frame stays, whole.
import type { Event } from '../../task.ts';
import { type FrameLine, frameOf } from './frame.ts';
import { formatFailures, Steps } from './steps.ts';
import type { Screen, View, ViewOptions } from './view.ts';

const interval = 100;
const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';

/** A view on a terminal. Until it is closed nothing else may write to the screen. */
export function createTtyView(screen: Screen, options: ViewOptions): View {
  const view = new TtyView(screen, options);
  return { onEvent: (event) => view.apply(event), close: (outcome) => view.close(outcome) };
}

class TtyView {
  readonly #steps = new Steps();
  readonly #screen: Screen;
  readonly #options: ViewOptions;
  readonly #clock: () => number;
  /** The clock's time at the task's time 0. */
  #zero: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #drawn: readonly FrameLine[] = [];
  #closed = false;

  constructor(screen: Screen, options: ViewOptions) {
    this.#screen = screen;
    this.#options = options;
    this.#clock = options.now ?? (() => performance.now());
  }

  apply(event: Event): void {
    if (this.#closed) return;
    if (this.#zero === undefined) this.#open(event);
    const change = this.#steps.apply(event);
    if (change?.kind === 'end') this.#steps.takePartial(change.step);
  }

  close(outcome: 'done' | 'failed' | 'canceled'): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    process.off('exit', this.#restore);
    this.#screen.off?.('resize', this.#draw);
    if (this.#zero === undefined) return;
    this.#write(frameOf(this.#steps, { ...this.#frame(), outcome }));
    this.#screen.write(showCursor);
    for (const warning of this.#steps.warnings)
      this.#screen.write(`${this.#options.colors.yellow('warning:')} ${warning}\n`);
    if (outcome === 'failed') this.#screen.write(formatFailures(this.#steps));
  }

  #open(event: Event): void {
    this.#zero = this.#clock() - event.time;
    this.#screen.write(hideCursor);
    process.on('exit', this.#restore);
    this.#screen.on?.('resize', this.#draw);
    this.#timer = setInterval(this.#draw, interval);
    this.#timer.unref();
  }

  readonly #restore = (): void => {
    this.#screen.write(showCursor);
  };

  readonly #draw = (): void => {
    // A slow terminal (ssh) gets fewer frames, not a queue of them.
    if (this.#screen.writableNeedDrain === true) return;
    const rows = Math.max(2, (this.#screen.rows ?? 24) - 1);
    this.#write(frameOf(this.#steps, { ...this.#frame(), rows }));
  };

  #frame(): Parameters<typeof frameOf>[1] {
    const { title, colors, unicode } = this.#options;
    return { title, colors, unicode, columns: this.#columns(), now: this.#clock() - (this.#zero ?? 0) };
  }

  /** One less than the screen has: a full line would wrap on some terminals. */
  #columns(): number {
    return Math.max(10, (this.#screen.columns ?? 80) - 1);
  }

  /** Draws over the last frame. A terminal that became narrower has wrapped its lines. */
  #write(frame: readonly FrameLine[]): void {
    const columns = this.#screen.columns ?? 80;
    const above = this.#drawn.reduce((rows, line) => rows + Math.max(1, Math.ceil(line.width / columns)), 0);
    const up = above === 0 ? '' : `\x1b[${above}A\r`;
    this.#screen.write(`${up}${frame.map((line) => `${line.text}\x1b[K\n`).join('')}\x1b[J`);
    this.#drawn = frame;
  }
}
