#!/usr/bin/env node
// The command `wherry`: connects run.ts with the process: streams, signals, exit code. Nothing else is loaded before it
// is needed, so that `wherry help` is quick.
import { run } from './run.ts';

const stop = new AbortController();
let readerLeft = false;
let failure: Error | undefined;

function interrupt(): void {
  // The second time the user means it; 'exit' listeners still put the cursor back.
  if (stop.signal.aborted) process.exit(130);
  stop.abort();
}

process.on('SIGINT', interrupt);
process.on('SIGTERM', interrupt);
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') {
    // As SIGPIPE would: nobody wants what is still to come.
    readerLeft = true;
    stop.abort();
  } else failure ??= error;
});
// Without standard error there is nobody to tell.
process.stderr.on('error', () => {});

const { stdin, stdout, stderr, env } = process;
let code = await run(process.argv.slice(2), {
  stdin,
  stdout,
  stderr,
  env,
  signal: stop.signal,
  readerLeft: () => readerLeft,
});
// Written out before the end; what is idle (a kept-alive connection, standard input) must not hold the process.
await Promise.all([stdout, stderr].map((stream) => new Promise((resolve) => stream.write('', resolve))));
if (failure !== undefined) {
  stderr.write(`error: Cannot write to standard output: ${failure.message}\n`);
  code ||= 1;
}
process.exit(readerLeft && code === 130 ? 1 : code);
