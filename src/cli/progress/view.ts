// What a progress view is, and which one a command gets: --progress, whether standard error is a terminal, CI and TERM.
import { WherryError } from '../../errors.ts';
import type { Event } from '../../task.ts';
import type { Colors } from '../terminal.ts';

/** Shows events on standard error until it is closed. */
export interface View {
  onEvent(event: Event): void;
  /** Ends the view: the terminal is as it was, the final state stays. Calls after the first do nothing. */
  close(outcome: 'done' | 'failed' | 'canceled'): void;
}

/** Standard error, or what stands for it in a test. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly writableNeedDrain?: boolean;
  write(text: string): unknown;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

/** How a view looks. */
export interface ViewOptions {
  /** What the command does, e.g. `Building`. */
  readonly title: string;
  readonly colors: Colors;
  readonly unicode: boolean;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

export type ViewKind = 'plain' | 'tty' | 'json' | 'quiet';

/** The view that `--progress=wanted` means here. @throws ARGUMENT_INVALID for tty without a terminal */
export function viewKindOf(wanted: string, screen: Screen, env: NodeJS.ProcessEnv): ViewKind {
  const isTerminal = screen.isTTY === true;
  if (wanted === 'tty' && !isTerminal)
    throw new WherryError('ARGUMENT_INVALID', 'Cannot use --progress=tty: standard error is not a terminal', {
      hint: 'Use --progress=plain.',
    });
  if (wanted === 'plain' || wanted === 'json' || wanted === 'quiet' || wanted === 'tty') return wanted;
  const isCi = (env['CI'] ?? '') !== '' && env['CI'] !== 'false' && env['CI'] !== '0';
  return isTerminal && !isCi && env['TERM'] !== 'dumb' ? 'tty' : 'plain';
}
