// Times wherry against BuildKit on the same contexts in the same run: `node dist/scripts/bench.js CONTEXTS [RUNS]` with
// ORACLE_ROOT naming a chroot in which `docker buildx` runs and the host is below /host. Each context is built and pushed
// cold (nothing kept) and warm (again, unchanged); printed are medians in seconds, their ratio, and wherry's peak memory.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

interface Run {
  readonly seconds: number;
  /** Peak of the process, MB. */
  readonly memory: number;
}

const [contexts, runs = '3'] = process.argv.slice(2);
const oracle = process.env['ORACLE_ROOT'];
if (contexts === undefined || oracle === undefined) {
  console.error('usage: ORACLE_ROOT=CHROOT node dist/scripts/bench.js CONTEXTS [RUNS]');
  process.exit(2);
}
const room = mkdtempSync(join(tmpdir(), 'wherry-bench-'));
const registry = '127.0.0.1:5000/bench';

function measure(command: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
  const facts = join(room, 'time');
  const began = performance.now();
  const done = spawnSync('/usr/bin/time', ['-f', '%M', '-o', facts, ...command], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  const seconds = (performance.now() - began) / 1000;
  if (done.status !== 0) throw new Error(`${command.join(' ')}: exit status ${done.status}\n${done.stderr}`);
  return { seconds, memory: Number(readFileSync(facts, 'utf8').trim().split('\n').at(-1)) / 1000 };
}

function wherry(context: string, name: string): Run {
  const main = join(import.meta.dirname, '..', 'src', 'cli', 'main.js');
  const command = [process.execPath, main, 'build', '-q', '--push', '-t', `${registry}/${name}:wherry`, context];
  return measure(command, { WHERRY_STORE: join(room, 'store') });
}

function buildkit(context: string, name: string): Run {
  const tag = `${registry}/${name}:buildkit`;
  return measure([
    'chroot',
    oracle ?? '',
    'docker',
    'buildx',
    'build',
    '-q',
    '--provenance=false',
    '--push',
    '-t',
    tag,
    `/host${context}`,
  ]);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Keeps the base image, as a machine that builds every day has it, and forgets what was built. */
function forget(): void {
  rmSync(join(room, 'store', 'wherry', 'records', 'layer'), { recursive: true, force: true });
  rmSync(join(room, 'store', 'wherry', 'stat-cache.json'), { force: true });
  spawnSync('chroot', [oracle ?? '', 'docker', 'buildx', 'prune', '-af']);
}

try {
  console.log('context  state  wherry s  BuildKit s  ratio  wherry MB');
  for (const name of readdirSync(contexts).sort()) {
    const context = resolve(contexts, name);
    wherry(context, name);
    buildkit(context, name);
    const times = {
      cold: { ours: [] as Run[], theirs: [] as Run[] },
      warm: { ours: [] as Run[], theirs: [] as Run[] },
    };
    for (let run = 0; run < Number(runs); run++) {
      forget();
      for (const state of ['cold', 'warm'] as const) {
        times[state].ours.push(wherry(context, name));
        times[state].theirs.push(buildkit(context, name));
      }
    }
    for (const [state, { ours, theirs }] of Object.entries(times)) {
      const [a, b] = [median(ours.map((run) => run.seconds)), median(theirs.map((run) => run.seconds))];
      const memory = Math.max(...ours.map((run) => run.memory));
      console.log(
        `${name.padEnd(8)} ${state}   ${a.toFixed(2).padStart(8)}  ${b.toFixed(2).padStart(10)}  ${(a / b).toFixed(2).padStart(5)}  ${memory.toFixed(0).padStart(9)}`,
      );
    }
  }
} finally {
  rmSync(room, { recursive: true, force: true });
}
