import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { commands } from '../../src/cli/table.ts';

// From dist/test/cli to the root.
const root = join(import.meta.dirname, '../../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'wherry-readme-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

test("README: the library's example runs as it stands", async () => {
  const [, example = ''] = /^```js\n(.*?)^```$/ms.exec(readme) ?? [];
  assert.match(example, /from 'wherry'/);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/wherry'), 'dir');
  writeFileSync(join(folder, 'example.mjs'), example);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.mjs'], {
    cwd: folder,
    timeout: 50_000,
  });
  assert.match(
    stdout,
    /^127\.0\.0\.1:\d+\/team\/greeting:1@sha256:[0-9a-f]{64} \{ team: 'docks' \}\n\d+ COPY greeting\.txt \/.*\n0 LABEL team=docks\n0 CMD \["\/greeting\.txt"\]\n$/,
  );
  assert.match(stderr, /COPY greeting\.txt/);
});

test('README: the table names every command', () => {
  for (const { name } of commands.filter((command) => command.name !== 'help' && command.name !== 'version'))
    assert.match(readme, new RegExp(`\`wherry ${name}[\` ]`), name);
});

test('README is at most 250 lines', () => {
  assert.ok(readme.split('\n').length <= 251);
});

test.run();
