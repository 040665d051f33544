// Whole Dockerfiles and their parse trees: testdata/dockerfile/NAME.Dockerfile and NAME.json, where a range is
// [first line, last line]. UPDATE_GOLDEN=1 writes the trees anew.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseDockerfile } from '../../src/dockerfile/parse.ts';
import type { SourceRange } from '../../src/errors.ts';

const folder = 'testdata/dockerfile';
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.Dockerfile'))
  .map((name) => name.slice(0, -'.Dockerfile'.length))
  .sort();

function isRange(value: unknown): value is SourceRange {
  return typeof value === 'object' && value !== null && 'start' in value && 'end' in value;
}

function treeOf(name: string): string {
  const { file: _file, ...tree } = parseDockerfile(readFileSync(`${folder}/${name}.Dockerfile`), name);
  const compact = (_key: string, value: unknown): unknown =>
    isRange(value) ? `lines ${value.start.line}-${value.end.line}` : value;
  return `${JSON.stringify(tree, compact, 1)}\n`;
}

test('there are golden files', () => {
  assert.ok(names.length >= 8);
});

for (const name of names) {
  test(`parseDockerfile gives the tree of ${name}`, () => {
    const golden = `${folder}/${name}.json`;
    const tree = treeOf(name);
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, tree);
    assert.fixture(tree, readFileSync(golden, 'utf8'));
  });
}

test.run();
