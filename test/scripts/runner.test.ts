// The test runner and the check of ranks, each run over a small project of its own.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const folder = mkdtempSync(join(tmpdir(), 'wherry-scripts-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;

/** Writes files (path → text) into a new project. @returns its folder */
function project(files: Readonly<Record<string, string>>): string {
  const root = join(folder, `project-${++count}`);
  for (const [path, text] of Object.entries({ 'package.json': '{"type":"module"}', ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  symlinkSync(resolve('node_modules'), join(root, 'node_modules'));
  return root;
}

interface Said {
  readonly status: number | null;
  readonly lines: readonly string[];
}

function runScript(script: string, root: string, { args = [], ci = '' }: { args?: string[]; ci?: string } = {}): Said {
  const { CI: _, ...env } = process.env;
  const ran = spawnSync(process.execPath, [resolve(`dist/scripts/${script}.js`), ...args], {
    cwd: root,
    encoding: 'utf8',
    env: ci === '' ? env : { ...env, CI: ci },
  });
  return { status: ran.status, lines: `${ran.stdout}${ran.stderr}`.trimEnd().split('\n') };
}

/** A test file in source and compiled form. */
function testFile(name: string, body: string, head = ''): Record<string, string> {
  const uvu = "import { test } from 'uvu';\nimport * as assert from 'uvu/assert';\n";
  return { [`test/${name}.test.ts`]: head, [`dist/test/${name}.test.js`]: `${uvu}${body}` };
}

const passing = "test('a', () => {});\ntest('b', () => {});\ntest.run();\n";
const runs: readonly {
  readonly title: string;
  readonly files: Record<string, string>;
  readonly last: string;
  readonly says?: RegExp;
  readonly ci?: string;
  readonly args?: string[];
}[] = [
  {
    title: 'counts what passed',
    files: { ...testFile('one', passing), ...testFile('sub/two', passing) },
    last: '4 passed, 0 failed',
  },
  {
    title: 'counts what failed, and shows why',
    files: testFile('one', "test('a', () => assert.is(1, 2));\ntest('b', () => {});\ntest.run();\n"),
    last: '1 passed, 1 failed',
    says: /Expected values to be strictly equal/,
  },
  {
    title: 'a file that forgets test.run() has failed',
    files: testFile('one', "test('a', () => {});\n"),
    last: '0 passed, 1 failed',
    says: /no totals/,
  },
  {
    title: 'a file without tests has failed',
    files: testFile('one', 'test.run();\n'),
    last: '0 passed, 1 failed',
    says: /has no tests/,
  },
  {
    title: 'a file that throws has failed',
    files: testFile('one', "throw new Error('at once');\n"),
    last: '0 passed, 1 failed',
    says: /at once/,
  },
  {
    title: 'a file that is killed has failed',
    files: testFile('one', "test('a', () => process.kill(process.pid, 'SIGKILL'));\ntest.run();\n"),
    last: '0 passed, 1 failed',
    says: /ended by SIGKILL/,
  },
  {
    title: 'an exit status beside passing tests is a failure',
    files: testFile('one', `${passing}process.on('exit', () => process.exit(7));\n`),
    last: '2 passed, 1 failed',
    says: /exit status 7 although its tests passed/,
  },
  {
    title: 'a file ends at its time limit',
    files: testFile(
      'one',
      "test('a', () => new Promise(() => setInterval(() => {}, 1000)));\ntest.run();\n",
      '// Time limit: 1 s\n',
    ),
    last: '0 passed, 1 failed',
    says: /took longer than 1 s/,
  },
  {
    title: 'a file that is not compiled has failed',
    files: { 'test/one.test.ts': '' },
    last: '0 passed, 1 failed',
    says: /compile first/,
  },
  {
    title: 'skipped tests are fine',
    files: testFile('one', `test.skip('s', () => {});\n${passing}`),
    last: '2 passed, 0 failed',
  },
  {
    title: 'skipped tests fail in CI',
    files: testFile('one', `test.skip('s', () => {});\n${passing}`),
    last: '2 passed, 1 failed',
    ci: '1',
  },
  {
    title: 'arguments choose files',
    files: { ...testFile('one', passing), ...testFile('two', 'throw 1;\n') },
    last: '2 passed, 0 failed',
    args: ['one'],
  },
  {
    title: 'arguments that choose nothing fail',
    files: testFile('one', passing),
    last: '0 passed, 1 failed',
    args: ['none'],
  },
];

for (const { title, files, last, says, ci, args } of runs)
  test(`scripts/test.ts: ${title}`, () => {
    const said = runScript('test', project(files), {
      ...(ci === undefined ? {} : { ci }),
      ...(args === undefined ? {} : { args }),
    });
    assert.is(said.lines.at(-1), last, said.lines.join('\n'));
    assert.is(said.status, last.endsWith(' 0 failed') ? 0 : 1);
    if (says !== undefined) assert.match(said.lines.join('\n'), says);
  });

test('scripts/test.ts: what a file leaves running is ended with it', () => {
  const body = `import { spawn } from 'node:child_process';\nspawn('sleep', ['60'], { stdio: 'inherit' }).unref();\n${passing}`;
  const started = performance.now();
  const said = runScript('test', project(testFile('one', body)));
  assert.is(said.lines.at(-1), '2 passed, 0 failed');
  assert.ok(performance.now() - started < 30_000);
});

const empty = { 'registry/registry.ts': '', 'src/index.ts': '' };
const breaches: readonly { readonly title: string; readonly files: Record<string, string>; readonly says: RegExp }[] = [
  {
    title: 'an import of a higher rank',
    files: { 'src/oci/a.ts': "import '../tar/b.ts';\n", 'src/tar/b.ts': '' },
    says: /src\/oci\/a\.ts:1: src\/oci\/ \(rank 1\) must not import src\/tar\/ \(rank 3\)/,
  },
  {
    title: 'an import of the same rank',
    files: { 'src/tar/a.ts': "\nexport {\n  x,\n} from '../store/b.ts';\n", 'src/store/b.ts': 'export const x = 1;\n' },
    says: /src\/tar\/a\.ts:2: /,
  },
  {
    title: 'a type-only and a dynamic import',
    files: {
      'src/oci/a.ts': "import type { X } from '../cli/b.ts';\nvoid import('../cli/b.ts');\n",
      'src/cli/b.ts': 'export type X = 1;\n',
    },
    says: /a\.ts:1: [\s\S]*a\.ts:2: /,
  },
  {
    title: 'imports that go round',
    files: { 'src/tar/a.ts': "import './b.ts';\n", 'src/tar/b.ts': "import './a.ts';\n" },
    says: /go round: src\/tar\/a\.ts -> src\/tar\/b\.ts -> src\/tar\/a\.ts/,
  },
  {
    title: 'a package outside its gate',
    files: { 'src/oci/a.ts': "import { extract } from 'tar-stream';\n" },
    says: /only src\/tar\/ may import "tar-stream"/,
  },
  {
    title: 'a digest made outside its gate',
    files: { 'src/tar/a.ts': "import { createHash } from 'node:crypto';\n" },
    says: /only src\/oci\/digest\.ts may import createHash of "node:crypto"/,
  },
  {
    title: 'a second file at a gate of one',
    files: { 'src/tar/a.ts': "import 'fzstd';\n", 'src/layer/b.ts': "import 'fzstd';\n" },
    says: /"fzstd" is imported by 2 files/,
  },
  {
    title: 'a package without a gate',
    files: { 'src/oci/a.ts': "import 'left-pad';\n" },
    says: /"left-pad" has no gate/,
  },
  {
    title: 'a dependency without a gate',
    files: { 'package.json': '{"dependencies":{"left-pad":"1"}}' },
    says: /the dependency "left-pad" has no gate/,
  },
  { title: 'a folder without a rank', files: { 'src/odd/a.ts': '' }, says: /src\/odd\/a\.ts: its folder has no rank/ },
  { title: 'a gate that nobody uses', files: {}, says: /nothing imports "tar-stream"/ },
  {
    title: 'an import of what is not there',
    files: { 'src/oci/a.ts': "import './gone.ts';\n" },
    says: /"src\/oci\/gone\.ts" is not a source file/,
  },
];

for (const { title, files, says } of breaches)
  test(`scripts/layers.ts: reports ${title}`, () => {
    const said = runScript('layers', project({ ...empty, ...files }));
    assert.is(said.status, 1);
    assert.match(said.lines.join('\n'), says);
  });

test('scripts/layers.ts: allows lower ranks, the same folder and random bytes', () => {
  const files = {
    ...empty,
    'src/errors.ts': '',
    'src/oci/a.ts': "import '../errors.ts';\nimport './b.ts';\nimport { randomBytes } from 'node:crypto';\n",
    'src/oci/b.ts': "import { readFile } from 'node:fs/promises';\n",
  };
  const text = runScript('layers', project(files)).lines.join('\n');
  assert.not.match(text, /src\/oci\/[ab]\.ts:/);
});

test.run();
