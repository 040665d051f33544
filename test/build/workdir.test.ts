import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { userFiles, workdirEntries } from '../../src/build/workdir.ts';
import { applyEntries, type LayerTree } from '../../src/layer/tree.ts';
import type { FileEntry } from '../../src/tar/entry.ts';
import { failure, fileOf, folderOf } from './room.ts';

const range = {
  file: { name: 'Dockerfile', text: '' },
  start: { line: 1, character: 0 },
  end: { line: 1, character: 0 },
};
const step = (path: string, user = '') => ({ kind: 'workdir', path, user, title: '', range, noCache: false }) as const;
const link = (path: string, target: string): FileEntry => ({
  ...folderOf(path),
  type: 'symlink',
  mode: 0o777,
  link: target,
});

const tree: LayerTree = applyEntries(undefined, [
  folderOf('etc'),
  fileOf('etc/group', 'staff:x:50:\n'),
  fileOf('etc/passwd', 'app:x:7:8::/:/bin/sh\n'),
  fileOf('file', ''),
  folderOf('real', { uid: 3, mode: 0o700 }),
  link('to-file', 'file'),
  link('to-real', '/real'),
  link('up', '../../real'),
]);

const made: readonly (readonly [path: string, user: string, want: readonly string[]])[] = [
  ['/real', '', []],
  ['/to-real', '', []],
  ['/a', '', ['a 755 0:0']],
  ['/a/b', 'app', ['a 755 7:8', 'a/b 755 7:8']],
  ['/real/x', 'app:staff', ['real 700 3:0', 'real/x 755 7:50']],
  ['/to-real/x/y', '9:9', ['real 700 3:0', 'real/x 755 9:9', 'real/x/y 755 9:9']],
  ['/up/x', '', ['real 700 3:0', 'real/x 755 0:0']],
  ['/n', '12', ['n 755 12:12']],
  ['/n', 'nobody-here', ['n 755 0:0']],
];
for (const [path, user, want] of made)
  test(`workdirEntries: ${path} as ${user || 'root'}`, async () => {
    const entries = await workdirEntries(step(path, user), tree, 0);
    assert.equal(
      entries.map((entry) => `${entry.path} ${entry.mode.toString(8)} ${entry.uid}:${entry.gid}`),
      want,
    );
  });

test('workdirEntries: on nothing at all', async () => {
  const entries = await workdirEntries(step('/a/b', 'app'), undefined, 5);
  assert.equal(
    entries.map((entry) => [entry.path, entry.uid, entry.mtime]),
    [
      ['a', 0, 5],
      ['a/b', 0, 5],
    ],
  );
});

test('workdirEntries: where something else is', async () => {
  for (const path of ['/file', '/file/x', '/to-file', '/to-file/x'])
    assert.match(await failure(workdirEntries(step(path), tree, 0)), /^COPY_FAILED: .*not a directory/, path);
});

test('userFiles: what there is of them', async () => {
  assert.equal(Object.keys(await userFiles(tree)).sort(), ['group', 'passwd']);
  assert.equal(await userFiles(undefined), {});
});

test.run();
