// The test runner: every test/**/*.test.ts in a process of its own, several at once, each with a time limit. Arguments
// are parts of paths and choose files. uvu passes a file that forgets `test.run()`, so totals are counted here: a file
// without a test has failed. The last line is `N passed, N failed`. With CI set a skipped test has failed too.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { filesBelow } from './files.ts';

/** Seconds that a file may take unless its first lines say `// Time limit: N s`. */
const defaultLimit = 120;

interface TestFile {
  readonly source: string;
  readonly limit: number;
}

interface FileResult {
  readonly source: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  /** Why the file failed beyond its tests: a crash, no test at all, the time limit. */
  readonly trouble?: string;
  readonly output: string;
}

interface Ended {
  readonly output: string;
  readonly timedOut: boolean;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const running = new Set<number>();

async function testFile(source: string): Promise<TestFile> {
  const head = (await readFile(source, 'utf8')).slice(0, 1000);
  const limit = /^\/\/ Time limit: ([0-9]+) s$/m.exec(head)?.[1];
  return { source, limit: limit === undefined ? defaultLimit : Number(limit) };
}

/** Ends a test file's process and all that it started. */
function end(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

async function runProcess(script: string, limit: number, directory: string): Promise<Ended> {
  const env = { ...process.env, TMPDIR: directory };
  const child = spawn(process.execPath, ['--enable-source-maps', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env,
  });
  const { pid } = child;
  if (pid !== undefined) running.add(pid);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    if (pid !== undefined) end(pid);
  }, limit * 1000);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...how) => resolve(how));
    child.once('exit', (...how) => {
      // What the file left behind would keep the pipes open; what even survives this is not waited for.
      if (pid !== undefined) end(pid);
      setTimeout(() => resolve(how), 2000).unref();
    });
  });
  clearTimeout(timer);
  if (pid !== undefined) running.delete(pid);
  return { output: Buffer.concat(chunks).toString(), timedOut, code, signal };
}

/** uvu's `Total: 3`, added up over all that the file printed; undefined where it printed none. */
function totalOf(output: string, name: string): number | undefined {
  const found = [...output.matchAll(new RegExp(`^\\s*${name}:\\s+([0-9]+)\\s*$`, 'gm'))];
  return found.length === 0 ? undefined : found.reduce((sum, match) => sum + Number(match[1]), 0);
}

function troubleOf(ended: Ended, limit: number, total: number | undefined, failed: number): string | undefined {
  if (ended.timedOut) return `took longer than ${limit} s`;
  if (total === undefined)
    return ended.signal === null
      ? `ended with exit status ${ended.code} and no totals (is test.run() missing?)`
      : `ended by ${ended.signal}`;
  if (total === 0) return 'has no tests';
  if (ended.code !== 0 && failed === 0)
    return `ended with ${ended.signal ?? `exit status ${ended.code}`} although its tests passed`;
  return undefined;
}

async function runFile(file: TestFile): Promise<FileResult> {
  const script = `dist/${file.source.replace(/\.ts$/, '.js')}`;
  const started = performance.now();
  const directory = await mkdtemp(join(tmpdir(), 'wherry-test-'));
  // Tests may become another user.
  await chmod(directory, 0o755);
  let ended: Ended;
  if (existsSync(script)) ended = await runProcess(script, file.limit, directory);
  else ended = { output: `${script} is missing: compile first\n`, timedOut: false, code: 1, signal: null };
  await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  const plain = stripVTControlCharacters(ended.output);
  const total = totalOf(plain, 'Total');
  const passed = totalOf(plain, 'Passed') ?? 0;
  const skipped = totalOf(plain, 'Skipped') ?? 0;
  const failed = (total ?? 0) - passed;
  const trouble = troubleOf(ended, file.limit, total, failed);
  const seconds = (performance.now() - started) / 1000;
  return {
    source: file.source,
    passed,
    failed,
    skipped,
    seconds,
    output: ended.output,
    ...(trouble === undefined ? {} : { trouble }),
  };
}

function isFailure(result: FileResult): boolean {
  return result.trouble !== undefined || result.failed > 0 || (result.skipped > 0 && Boolean(process.env['CI']));
}

function report(result: FileResult): void {
  const counts = [
    `${result.passed} passed`,
    ...(result.failed > 0 ? [`${result.failed} failed`] : []),
    ...(result.skipped > 0 ? [`${result.skipped} skipped`] : []),
  ].join(', ');
  console.log(
    `${isFailure(result) ? 'FAIL' : 'ok  '} ${result.source} (${counts}, ${result.seconds.toFixed(1)} s)${result.trouble === undefined ? '' : `: ${result.trouble}`}`,
  );
  if (isFailure(result)) console.log(result.output.trimEnd().replace(/^/gm, '     '));
}

/** Runs the files, several at once, the slowest kinds first. */
async function runAll(files: readonly TestFile[]): Promise<FileResult[]> {
  const waiting = [...files].sort(
    (a, b) => b.limit - a.limit || Number(b.source.includes('/system/')) - Number(a.source.includes('/system/')),
  );
  const results: FileResult[] = [];
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const result = await runFile(file);
      results.push(result);
      report(result);
    }
  };
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, worker));
  return results;
}

async function main(filters: readonly string[]): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      for (const pid of running) end(pid);
      process.exit(130);
    });
  }
  await mkdir(tmpdir(), { recursive: true });
  const sources = filesBelow('test', '.test.ts').filter(
    (path) => filters.length === 0 || filters.some((filter) => path.includes(filter)),
  );
  const results = await runAll(await Promise.all(sources.map(testFile)));
  const slowest = [...results].sort((a, b) => b.seconds - a.seconds).slice(0, 5);
  console.log(`slowest: ${slowest.map((result) => `${result.source} ${result.seconds.toFixed(1)} s`).join(', ')}`);
  let [passed, failed] = [0, 0];
  for (const result of results) {
    passed += result.passed;
    failed += result.failed + (process.env['CI'] ? result.skipped : 0);
    if (result.trouble !== undefined) failed += 1;
  }
  if (results.length === 0) {
    console.log(`no test file matches ${filters.join(' ')}`);
    failed = 1;
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

await main(process.argv.slice(2));
