// Golden files in testdata/cli: compared, or rewritten with UPDATE_GOLDEN=1.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';

// From dist/test/cli to the root.
const folder = join(import.meta.dirname, '../../../testdata/cli');

/** Compares a text with its golden file. */
export function matchesGolden(name: string, text: string): void {
  const path = join(folder, name);
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, text);
  }
  assert.ok(existsSync(path), `${name} is missing: run with UPDATE_GOLDEN=1`);
  assert.fixture(text, readFileSync(path, 'utf8'), name);
}
