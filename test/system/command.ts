// Runs the real command, and the real peers that read what it wrote.
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const main = resolve('dist/src/cli/main.js');

/** What a process did. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly bytes: Buffer;
  readonly stderr: string;
}

interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string | Buffer;
}

/** Runs a program to its end; the environment is only what is given and PATH. */
function run(command: readonly string[], { env = {}, input }: RunOptions = {}): Promise<Ran> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: 'pipe' });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin.on('error', () => {
    // It ended without reading all of its input.
  });
  child.stdin.end(input ?? '');
  return new Promise((done, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      const bytes = Buffer.concat(out);
      done({ code, bytes, stdout: bytes.toString(), stderr: Buffer.concat(err).toString() });
    });
  });
}

/** Runs a program that must succeed. @returns what it wrote to its standard output */
export async function must(command: readonly string[], options?: RunOptions): Promise<string> {
  const ran = await run(command, options);
  if (ran.code !== 0) throw new Error(`${command.join(' ')}: exit status ${ran.code}\n${ran.stderr}`);
  return ran.stdout;
}

/** A directory of one test file, and the command with a store, a home and credentials of its own in it. */
export interface Room {
  readonly folder: string;
  readonly store: string;
  wherry(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** As `wherry`, but it must succeed; without the line end of its output. */
  must(args: readonly string[], options?: RunOptions): Promise<string>;
}

/** Makes a room, which goes when the process ends. */
export function openRoom(): Room {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-system-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const own = { HOME: folder, DOCKER_CONFIG: join(folder, 'docker'), WHERRY_STORE: join(folder, 'store') };
  const command = (args: readonly string[]): string[] => [process.execPath, '--enable-source-maps', main, ...args];
  const withOwn = (options: RunOptions = {}): RunOptions => ({ ...options, env: { ...own, ...options.env } });
  return {
    folder,
    store: own.WHERRY_STORE,
    wherry: (args, options) => run(command(args), withOwn(options)),
    must: async (args, options) => (await must(command(args), withOwn(options))).trimEnd(),
  };
}

/** Writes files below a folder (path → text), with the modes 644 and 755 whatever the umask is. */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [path, text] of Object.entries(files)) {
    const parts = path.split('/').slice(0, -1);
    for (let depth = 0; depth <= parts.length; depth++) {
      const parent = join(folder, ...parts.slice(0, depth));
      mkdirSync(parent, { recursive: true });
      chmodSync(parent, 0o755);
    }
    writeFileSync(join(folder, path), text);
    chmodSync(join(folder, path), text.startsWith('#!') ? 0o755 : 0o644);
  }
  return folder;
}
