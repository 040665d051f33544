// What a command works with: its flags and arguments, the three standard streams, the environment, the abort signal.
// Data goes through `print` (standard output), everything else through `note` and the progress view (standard error).
import type { Readable } from 'node:stream';
import type { CommonOptions } from '../index.ts';
import type { Flags } from './parse.ts';
import { openView } from './progress/open.ts';
import { type Screen, type View, viewKindOf } from './progress/view.ts';
import { createColors, harmlessLines, isUnicode, wantsColor } from './terminal.ts';

/** A stream that text is written to. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string, done?: (error?: Error | null) => void): boolean;
}

/** One run of one command. */
export interface Session {
  readonly flags: Flags;
  readonly operands: readonly string[];
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output & Screen;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** What every command's file exports. */
export type Run = (session: Session) => Promise<void>;

/** Writes lines of data to standard output; resolves when they are handed over. A reader that left is no error. */
export function print(session: Pick<Session, 'stdout'>, text: string): Promise<void> {
  return new Promise((resolve) => session.stdout.write(text, () => resolve()));
}

/** Writes a value as JSON to standard output. */
export function printJson(session: Session, value: unknown): Promise<void> {
  return print(session, `${JSON.stringify(value, undefined, 2)}\n`);
}

/** Writes a line for the user to standard error. */
export function note(session: Session, text: string): void {
  session.stderr.write(`${harmlessLines(text)}\n`);
}

/** The options that every call of the library takes, from the flags that the command has. */
export function commonOptions(
  session: Session,
  has: { readonly store: boolean; readonly network: boolean },
): CommonOptions {
  const store = has.store ? session.flags.text('store') : undefined;
  return {
    signal: session.signal,
    env: session.env,
    ...(store === undefined ? {} : { store }),
    ...(has.network ? { insecure: session.flags.list('insecure'), mirrors: session.flags.list('mirror') } : {}),
  };
}

/** Runs `work` under the progress view that the flags choose; `title` is what the header of the live view says. */
export async function withProgress<T>(
  session: Session,
  title: string,
  work: (onEvent: View['onEvent']) => Promise<T>,
): Promise<T> {
  const { flags, stderr, env } = session;
  const kind = viewKindOf(flags.on('quiet') ? 'quiet' : (flags.text('progress') ?? 'auto'), stderr, env);
  const colors = createColors(!flags.on('no-color') && wantsColor(stderr, env));
  const view = await openView(kind, stderr, { title, colors, unicode: isUnicode(env) });
  try {
    const result = await work(view.onEvent);
    view.close('done');
    return result;
  } catch (error) {
    view.close(session.signal.aborted ? 'canceled' : 'failed');
    throw error;
  }
}
