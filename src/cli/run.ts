// argv → exit code: finds the command, loads its file, runs it; errors become text (or JSON) on standard error.
import { WherryError } from '../errors.ts';
import { errorToJson, exitCodeOf, formatError } from './error-view.ts';
import { parseArguments, type Request } from './parse.ts';
import { print, type Run, type Session } from './session.ts';
import { createColors, wantsColor } from './terminal.ts';

const loaders: Readonly<Record<string, () => Promise<{ readonly run: Run }>>> = {
  build: () => import('./commands/build.ts'),
  push: () => import('./commands/push.ts'),
  pull: () => import('./commands/pull.ts'),
  copy: () => import('./commands/copy.ts'),
  tag: () => import('./commands/tag.ts'),
  tags: () => import('./commands/tags.ts'),
  images: () => import('./commands/images.ts'),
  history: () => import('./commands/history.ts'),
  inspect: () => import('./commands/inspect.ts'),
  rm: () => import('./commands/rm.ts'),
  save: () => import('./commands/save.ts'),
  load: () => import('./commands/load.ts'),
  login: () => import('./commands/login.ts'),
  logout: () => import('./commands/logout.ts'),
  'registry serve': () => import('./commands/registry-serve.ts'),
  version: () => import('./commands/version.ts'),
  help: () => import('./commands/help.ts'),
  completion: () => import('./commands/completion.ts'),
};

/** Names of the commands that have a file. */
export const runnable: readonly string[] = Object.keys(loaders);

/** What a run is given: a session without what argv says, and whether the reader of a standard stream has left. */
export interface Host extends Omit<Session, 'flags' | 'operands'> {
  readonly readerLeft?: () => boolean;
}

/** Runs the command that argv (without node and script) names; returns the exit code, never throws. */
export async function run(argv: readonly string[], host: Host): Promise<number> {
  let request: Request | undefined;
  try {
    request = parseArguments(argv, host.env);
    await carryOut(request, host);
    return 0;
  } catch (error) {
    if (host.readerLeft?.() !== true) report(error, argv, host);
    return exitCodeOf(error);
  }
}

async function carryOut(request: Request, host: Host): Promise<void> {
  switch (request.kind) {
    case 'help': {
      const { helpOf } = await import('./help.ts');
      await print(host, helpOf(request.words, host.stdout.columns));
      return;
    }
    case 'version': {
      const { readVersion } = await import('./commands/version.ts');
      await print(host, `${readVersion()}\n`);
      return;
    }
    case 'command': {
      const load = loaders[request.command.name];
      if (load === undefined) throw new TypeError(`no file for command ${request.command.name}`);
      await (await load()).run({ ...host, flags: request.flags, operands: request.operands });
    }
  }
}

function report(error: unknown, argv: readonly string[], host: Host): void {
  // argv as written counts: a usage error has no flags to ask.
  const before = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  const isJson = before.some(
    (word, index) =>
      word === '--json' || word === '--progress=json' || (word === 'json' && before[index - 1] === '--progress'),
  );
  if (isJson) {
    host.stderr.write(`${JSON.stringify(errorToJson(error))}\n`);
    return;
  }
  const colors = createColors(!before.includes('--no-color') && wantsColor(host.stderr, host.env));
  const debug = before.includes('--debug') || before.includes('-D');
  const isAborted = host.signal.aborted && exitCodeOf(error) === 130;
  host.stderr.write(
    formatError(isAborted ? new WherryError('ABORTED', 'Interrupted', { cause: error }) : error, { colors, debug }),
  );
}
