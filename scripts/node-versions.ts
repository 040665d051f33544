// Runs a compiled test file under other versions of Node, which npm installs into a temporary folder: layers must have the
// same bytes everywhere. Use: node dist/scripts/node-versions.js [test file] [version…]; exit status 1 when one fails.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What one version of Node made of a test file. */
export interface Outcome {
  /** As it was asked for, e.g. "22". */
  readonly version: string;
  /** In full, e.g. "v22.11.0"; undefined when it could not be installed. */
  readonly node?: string;
  readonly passed: boolean;
  readonly output: string;
}

/** Major versions that give the same layers; 20 is the one that most tests run under. */
export const nodeVersions: readonly string[] = ['22', '24', '26'];
const defaultFile = 'dist/test/layer/golden.test.js';

/** Runs a compiled test file under each version, one after the other. The folder with the versions is removed again. */
export async function runUnderNodeVersions(
  file: string,
  versions: readonly string[] = nodeVersions,
): Promise<readonly Outcome[]> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-node-'));
  try {
    const outcomes: Outcome[] = [];
    for (const version of versions) outcomes.push(await runUnder(version, file, join(folder, version)));
    return outcomes;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runUnder(version: string, file: string, prefix: string): Promise<Outcome> {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const install = [
    'install',
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    '--prefix',
    prefix,
    `${name}@${version}`,
  ];
  const installed = await run('npm', install);
  const node = join(prefix, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!installed.passed || !existsSync(node)) return { version, passed: false, output: installed.output };
  const said = await run(node, ['--version']);
  return { version, node: said.output.trim(), ...(await run(node, ['--enable-source-maps', resolve(file)])) };
}

function run(command: string, args: readonly string[]): Promise<{ readonly passed: boolean; readonly output: string }> {
  return new Promise((done) => {
    execFile(command, args, { timeout: 300_000, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      done({
        passed: error === null,
        output: `${stdout}${stderr}${error !== null && stderr === '' ? error.message : ''}`,
      }),
    );
  });
}

async function main([file = defaultFile, ...versions]: readonly string[]): Promise<void> {
  for (const { version, node, passed, output } of await runUnderNodeVersions(
    file,
    versions.length === 0 ? nodeVersions : versions,
  )) {
    console.log(`Node ${node ?? version}: ${passed ? 'passed' : 'FAILED'}`);
    if (!passed) {
      console.log(output);
      process.exitCode = 1;
    }
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  await main(process.argv.slice(2));
