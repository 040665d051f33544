// Golden cases: folders of testdata/cases with a Dockerfile, the context's files, case.json (what else the build is
// told, and the files that git can't keep) and want.json (what BuildKit made of it, written by scripts/record.ts).
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type DeclaredEntry, packEntries } from './entries.ts';
import type { Outcome } from './outcome.ts';

export const casesFolder = 'testdata/cases';

/** One thing to make in the context; modes are octal. */
type Setup =
  | { readonly dir: string; readonly mode?: string }
  | { readonly file: string; readonly text?: string; readonly mode?: string }
  | { readonly chmod: string; readonly mode: string }
  | { readonly symlink: string; readonly to: string }
  | { readonly hardlink: string; readonly to: string }
  | { readonly fifo: string }
  | {
      readonly tar: string;
      readonly compress?: 'gzip' | 'bzip2' | 'xz' | 'zstd';
      readonly entries: readonly DeclaredEntry[];
    };

/** case.json; every field may be absent. */
interface CaseFile {
  /** What the case shows. */
  readonly note?: string;
  readonly args?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly target?: string;
  /** Default linux/amd64. */
  readonly platform?: string;
  /** Path of the Dockerfile in the context. */
  readonly dockerfile?: string;
  /** Named contexts: name → folder of the context. */
  readonly contexts?: Readonly<Record<string, string>>;
  /** The context's files are served over HTTP; the build arg SERVER is `http://address`. */
  readonly serve?: boolean;
  readonly setup?: readonly Setup[];
  /** For a build that fails: the part of BuildKit's message that ours has too. */
  readonly says?: string;
  /** For a build that fails: part of our own message, where BuildKit's has nothing to take over. */
  readonly here?: string;
  /** BuildKit builds it, this project refuses on purpose: part of the message, and the reason. */
  readonly refused?: { readonly says: string; readonly why: string };
  /** Where this project differs from BuildKit on purpose: place of the comparison → our value, and the reason. */
  readonly differs?: Readonly<Record<string, { readonly here: unknown; readonly why: string }>>;
}

export interface GoldenCase extends CaseFile {
  readonly name: string;
}

/** What BuildKit made: an image, or an error. */
export type Want = Outcome | { readonly error: string };

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}

/** Names of all cases, ordered. */
export function caseNames(): string[] {
  const entries = readdirSync(casesFolder, { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
}

export function loadCase(name: string): GoldenCase {
  const path = join(casesFolder, name, 'case.json');
  return { ...(existsSync(path) ? readJson<CaseFile>(path) : {}), name };
}

export function wantOf(name: string): Want {
  return readJson<Want>(join(casesFolder, name, 'want.json'));
}

/** Makes the case's context in the new folder `to`, the same whatever the checkout's umask. */
export async function makeContext(golden: GoldenCase, to: string): Promise<void> {
  const from = join(casesFolder, golden.name);
  const own = new Set([join(from, 'case.json'), join(from, 'want.json')]);
  cpSync(from, to, { recursive: true, verbatimSymlinks: true, filter: (path) => !own.has(path) });
  normalizeModes(to);
  for (const step of golden.setup ?? []) await make(step, to);
}

function normalizeModes(path: string): void {
  const stats = lstatSync(path);
  if (stats.isDirectory()) {
    chmodSync(path, 0o755);
    for (const name of readdirSync(path)) normalizeModes(join(path, name));
  } else if (stats.isFile()) chmodSync(path, stats.mode & 0o100 ? 0o755 : 0o644);
}

async function make(step: Setup, root: string): Promise<void> {
  const place = (path: string): string => {
    mkdirSync(dirname(join(root, path)), { recursive: true, mode: 0o755 });
    return join(root, path);
  };
  const octal = (mode: string | undefined, otherwise: number): number =>
    mode === undefined ? otherwise : Number.parseInt(mode, 8);
  if ('dir' in step) {
    mkdirSync(place(step.dir), { recursive: true });
    chmodSync(join(root, step.dir), octal(step.mode, 0o755));
  } else if ('file' in step) {
    writeFileSync(place(step.file), step.text ?? '');
    chmodSync(join(root, step.file), octal(step.mode, 0o644));
  } else if ('chmod' in step) chmodSync(join(root, step.chmod), octal(step.mode, 0));
  else if ('symlink' in step) symlinkSync(step.to, place(step.symlink));
  else if ('hardlink' in step) linkSync(join(root, step.to), place(step.hardlink));
  else if ('fifo' in step) execFileSync('mkfifo', ['-m', '644', place(step.fifo)]);
  else writeFileSync(place(step.tar), compressed(await packEntries(step.entries), step.compress));
}

function compressed(tar: Buffer, compress: string | undefined): Buffer {
  return compress === undefined ? tar : execFileSync(compress, ['-c'], { input: tar, maxBuffer: 64 * 1024 * 1024 });
}
