#!/usr/bin/env node
// The command `wherry`: connects run.ts with the process: streams, signals, exit code. Nothing else is loaded before it
// is needed, so that `wherry help` is quick.
import { run } from './run.ts';

const stop = new AbortController();
let readerLeft = false;

function interrupt(): void {
  // The second time the user means it; 'exit' listeners still put the cursor back.
  if (stop.signal.aborted) process.exit(130);
  stop.abort();
}

function forgiveReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  readerLeft = true;
}

process.on('SIGINT', interrupt);
process.on('SIGTERM', interrupt);
process.stdout.on('error', forgiveReader);
process.stderr.on('error', forgiveReader);

const stderr = process.stderr;
const code = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr,
  env: process.env,
  signal: stop.signal,
  readerLeft: () => readerLeft,
});
// Written out before the end; what is idle (a kept-alive connection, standard input) must not hold the process.
await Promise.all([process.stdout, stderr].map((stream) => new Promise((resolve) => stream.write('', resolve))));
process.exit(code);
