import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isError } from '../../src/errors.ts';
import { tocOf } from '../../src/layer/toc.ts';
import { applyEntries, type LayerTree, stackTree } from '../../src/layer/tree.ts';
import { tarStream, treeEntries, writeTree } from '../../src/layer/unpack.ts';
import { writeLayer } from '../../src/layer/write.ts';
import { createMemoryBlobs } from '../../src/store/memory.ts';
import type { FileEntry } from '../../src/tar/entry.ts';
import { nameFromBytes } from '../../src/tar/name.ts';
import { createTask, type Event } from '../../src/task.ts';
import { chunked, collect } from '../tar/raw-tar.ts';

const base = { mode: 0o755, uid: 12345, gid: 6789, size: 0, mtime: 1_500_000_000 } as const;
const directory = (path: string, mode = 0o755): FileEntry => ({ ...base, path, type: 'directory', mode });
const symlink = (path: string, link: string): FileEntry => ({ ...base, path, type: 'symlink', link });
const hardlink = (path: string, link: string): FileEntry => ({ ...base, path, type: 'hardlink', link });
const file = (path: string, text: string, mode = 0o644): FileEntry => ({
  ...base,
  path,
  type: 'file',
  mode,
  size: Buffer.byteLength(text),
  content: { kind: 'bytes', bytes: Buffer.from(text) },
});

const folders: string[] = [];
test.after(() => {
  for (const folder of folders) {
    execFileSync('chmod', ['-R', 'u+rwX', folder]);
    fs.rmSync(folder, { recursive: true });
  }
});
function newFolder(): string {
  const folder = fs.mkdtempSync(join(tmpdir(), 'wherry-unpack-'));
  folders.push(folder);
  return folder;
}

const large = Buffer.alloc(2_500_000, 'large ').toString();
const tree = applyEntries(undefined, [
  directory('dir', 0o1777),
  directory('dir/closed', 0o555),
  file('dir/closed/x', 'x', 0o400),
  file('dir/a', 'hello', 0o4755),
  hardlink('dir/b', 'dir/a'),
  symlink('dir/l', '../../outside'),
  file('large', large),
  file('empty', ''),
  file(nameFromBytes(Buffer.from([0xe4, 0x62])), 'latin'),
]);

test('writeTree writes files, links, modes and times, owned by the caller', async () => {
  const folder = join(newFolder(), 'new', 'out');
  await writeTree(tree, folder, createTask());
  assert.is(fs.readFileSync(join(folder, 'dir/a'), 'utf8'), 'hello');
  assert.is(fs.readFileSync(join(folder, 'large'), 'utf8'), large);
  assert.is(fs.readlinkSync(join(folder, 'dir/l')), '../../outside');
  const [a, b] = [fs.statSync(join(folder, 'dir/a')), fs.statSync(join(folder, 'dir/b'))];
  assert.is(a.ino, b.ino);
  assert.is(a.mode & 0o7777, 0o4755);
  assert.is(a.mtimeMs, 1_500_000_000_000);
  assert.is(a.uid, process.getuid?.());
  for (const [path, mode] of [
    ['dir', 0o1777],
    ['dir/closed', 0o555],
    ['dir/closed/x', 0o400],
    ['empty', 0o644],
  ] as const) {
    const status = fs.statSync(join(folder, path));
    assert.is(status.mode & 0o7777, mode, path);
    assert.is(status.mtimeMs, 1_500_000_000_000, path);
  }
  assert.ok(fs.readdirSync(folder, { encoding: 'buffer' }).some((name) => name.equals(Buffer.from([0xe4, 0x62]))));
  assert.equal(fs.readdirSync(join(folder, 'dir')).sort(), ['a', 'b', 'closed', 'l']);
  // Once more over what is there, as a second build does it.
  await writeTree(tree, folder, createTask());
  assert.is(fs.readFileSync(join(folder, 'dir/closed/x'), 'utf8'), 'x');
});

test('writeTree never writes through links that are there, and keeps other files', async () => {
  const outer = newFolder();
  const folder = join(outer, 'out');
  fs.mkdirSync(join(outer, 'canary'));
  fs.writeFileSync(join(outer, 'canary/a'), 'untouched', { mode: 0o600 });
  fs.mkdirSync(folder);
  fs.symlinkSync('../canary', join(folder, 'dir'));
  fs.symlinkSync('../canary/a', join(folder, 'large'));
  fs.linkSync(join(outer, 'canary/a'), join(folder, 'empty'));
  fs.writeFileSync(join(folder, 'mine'), 'mine');
  await writeTree(tree, folder, createTask());
  assert.equal(fs.readdirSync(join(outer, 'canary')), ['a']);
  const canary = fs.statSync(join(outer, 'canary/a'));
  assert.is(fs.readFileSync(join(outer, 'canary/a'), 'utf8'), 'untouched');
  assert.is(canary.mode & 0o7777, 0o600);
  assert.ok(fs.lstatSync(join(folder, 'dir')).isDirectory());
  assert.is(fs.readFileSync(join(folder, 'mine'), 'utf8'), 'mine');
});

test('writeTree refuses to replace a directory, and leaves no temporary files when it fails', async () => {
  const folder = newFolder();
  fs.mkdirSync(join(folder, 'f'));
  for (const entry of [file('f', 'x'), symlink('f', 'x')]) {
    try {
      await writeTree(applyEntries(undefined, [entry]), folder, createTask());
      assert.unreachable();
    } catch (error) {
      assert.ok(isError(error, 'OUTPUT_FAILED'), String(error));
    }
  }
  const broken: FileEntry = {
    ...file('g', 'abc'),
    content: { kind: 'stream', open: () => chunked(Buffer.from('ab')) },
  };
  try {
    await writeTree(applyEntries(undefined, [broken]), folder, createTask());
    assert.unreachable();
  } catch (error) {
    assert.ok(isError(error, 'COPY_FAILED'), String(error));
  }
  assert.equal(fs.readdirSync(folder), ['f']);
});

test('writeTree leaves out devices, says so, and stops when its task is aborted', async () => {
  const folder = newFolder();
  const events: Event[] = [];
  const devices = applyEntries(undefined, [
    { ...base, path: 'null', type: 'character', deviceMajor: 1, deviceMinor: 3 },
    { ...base, path: 'pipe', type: 'fifo' },
    { ...file('capable', 'x'), xattrs: { 'security.capability': 'AAAA' } },
  ]);
  await writeTree(devices, folder, createTask({ onEvent: (event) => events.push(event) }));
  assert.equal(fs.readdirSync(folder), ['capable']);
  assert.equal(
    events.map(({ kind }) => kind),
    ['warning', 'warning'],
  );
  try {
    await writeTree(tree, newFolder(), createTask({ signal: AbortSignal.abort() }));
    assert.unreachable();
  } catch (error) {
    assert.ok(isError(error, 'ABORTED'));
  }
});

test('treeEntries gives sorted entries with hard links, which make the same tree again', async () => {
  const paths = [...treeEntries(tree)].map(({ path, type, link }) => [path, type, link]);
  assert.equal(paths, [
    ['dir', 'directory', undefined],
    ['dir/a', 'file', undefined],
    ['dir/b', 'hardlink', 'dir/a'],
    ['dir/closed', 'directory', undefined],
    ['dir/closed/x', 'file', undefined],
    ['dir/l', 'symlink', '../../outside'],
    ['empty', 'file', undefined],
    ['large', 'file', undefined],
    ['\udce4b', 'file', undefined],
  ]);
  const again: LayerTree = applyEntries(undefined, treeEntries(tree));
  assert.equal([...treeEntries(again)], [...treeEntries(tree)]);
  const { layer, toc } = await writeLayer(
    treeEntries(tree),
    { blobs: createMemoryBlobs(), compression: 'none', epoch: 2e9 },
    createTask(),
  );
  const stacked = stackTree(undefined, toc, () => ({ kind: 'bytes', bytes: new Uint8Array() }));
  assert.equal(
    [...treeEntries(stacked)].map(({ path, type, link }) => [path, type, link]),
    paths,
  );
  const tar = await collect(tarStream(treeEntries(tree), Number.POSITIVE_INFINITY));
  assert.equal((await tocOf(chunked(tar))).diffId, layer.diffId);
});

test('GNU tar unpacks tarStream into what writeTree writes', async () => {
  const [one, two] = [newFolder(), newFolder()];
  const tar = await collect(tarStream(treeEntries(tree), Number.POSITIVE_INFINITY));
  execFileSync('tar', ['-xpf', '-', '-C', one, '--no-same-owner', '--delay-directory-restore'], { input: tar });
  await writeTree(tree, two, createTask());
  const list = (folder: string): string =>
    execFileSync('find', ['.', '-mindepth', '1', '-printf', '%p %y %m %s %n %T@ %l\n'], { cwd: folder })
      .toString()
      .replace(/ d (\d+) \d+ \d+/g, ' d $1')
      .split('\n')
      .sort()
      .join('\n');
  assert.is(list(one), list(two));
});

test.run();
