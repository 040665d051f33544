import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeResultFile } from '../../src/cli/result-file.ts';
import { WherryError } from '../../src/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherry-result-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

test('writeResultFile creates and replaces, and leaves nothing beside', async () => {
  const path = join(folder, 'a');
  await writeResultFile(path, 'one');
  await writeResultFile(path, 'two');
  assert.is(readFileSync(path, 'utf8'), 'two');
  assert.equal(readdirSync(folder), ['a']);
});

test('writeResultFile writes through a symbolic link', async () => {
  writeFileSync(join(folder, 'target'), 'old');
  symlinkSync('target', join(folder, 'link'));
  await writeResultFile(join(folder, 'link'), 'new');
  assert.is(readFileSync(join(folder, 'target'), 'utf8'), 'new');
  assert.ok(lstatSync(join(folder, 'link')).isSymbolicLink());
});

test('writeResultFile writes to a pipe as it is', async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const [text] = await Promise.all([readFile(pipe, 'utf8'), writeResultFile(pipe, 'through')]);
  assert.is(text, 'through');
  assert.ok(lstatSync(pipe).isFIFO());
});

for (const path of [join(folder, 'no/such/directory'), folder]) {
  test(`writeResultFile: OUTPUT_FAILED for ${path === folder ? 'a directory' : 'a missing directory'}`, async () => {
    try {
      await writeResultFile(path, 'x');
      assert.unreachable();
    } catch (error) {
      assert.ok(error instanceof WherryError);
      assert.is(error.code, 'OUTPUT_FAILED');
    }
  });
}

test.run();
