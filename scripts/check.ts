// `npm run check`: everything that is checked without running the code, one line for each, failing when one fails.
import { spawnSync } from 'node:child_process';

const checks: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  { name: 'format and lint', command: ['node_modules/.bin/biome', 'ci', '--colors=off', '--max-diagnostics=50'] },
  { name: 'types', command: ['node_modules/.bin/tsc', '--noEmit'] },
  { name: 'ranks and gates', command: [process.execPath, 'dist/scripts/layers.js'] },
  { name: 'unused code', command: ['node_modules/.bin/knip', '--no-progress', '--treat-config-hints-as-errors'] },
];

let failed = false;
for (const { name, command } of checks) {
  const started = performance.now();
  const [program = '', ...args] = command;
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, NO_COLOR: '1' },
  });
  const good = result.status === 0;
  console.log(`${good ? 'ok  ' : 'FAIL'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  if (!good)
    console.log(`${result.error?.message ?? ''}${result.stdout}${result.stderr}`.trimEnd().replace(/^/gm, '     '));
  failed ||= !good;
}
process.exitCode = failed ? 1 : 0;
