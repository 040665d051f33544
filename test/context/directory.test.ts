// Directories as trees: what is special of a disk, and what ignore rules hide.
import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDirectory } from '../../src/context/directory.ts';
import { parseIgnoreFile } from '../../src/context/ignore.ts';
import { isError } from '../../src/errors.ts';
import { digestOf } from '../../src/oci/digest.ts';

const scratch = mkdtempSync(join(tmpdir(), 'wherry-directory-'));
test.after(() => rmSync(scratch, { recursive: true, force: true }));
let count = 0;

function directoryOf(files: Readonly<Record<string, string>>): string {
  const dir = join(scratch, `${++count}`);
  mkdirSync(dir);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), content);
  }
  return dir;
}

function allPaths(tree: ReturnType<typeof openDirectory>, path = ''): string[] {
  return tree.list(path).flatMap((name) => {
    const below = path === '' ? name : `${path}/${name}`;
    return [below, ...allPaths(tree, below)];
  });
}

test('openDirectory: owners are 0:0, modes with all bits, times with fractions', () => {
  const dir = directoryOf({ a: 'A', 'd/b': 'B' });
  chmodSync(join(dir, 'a'), 0o4751);
  chmodSync(join(dir, 'd'), 0o1777);
  utimesSync(join(dir, 'a'), 1234.5, 1234.5);
  const tree = openDirectory(dir);
  const entry = tree.lookup('a');
  assert.equal([entry?.uid, entry?.gid, entry?.mode, entry?.mtime, entry?.size], [0, 0, 0o4751, 1234.5, 1]);
  assert.equal(entry?.content, { kind: 'file', path: join(tree.root, 'a') });
  assert.is(tree.lookup('d')?.mode, 0o1777);
});

test('openDirectory: sockets are empty files, fifos are fifos', async () => {
  const dir = directoryOf({});
  execFileSync('sh', ['-c', 'mkfifo "$0"', join(dir, 'fifo')]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(dir, 'socket'), resolve));
  const tree = openDirectory(dir);
  assert.is(tree.lookup('fifo')?.type, 'fifo');
  assert.is(tree.lookup('socket')?.type, 'file');
  assert.is(tree.lookup('socket')?.size, 0);
  await new Promise((resolve) => server.close(resolve));
});

test('openDirectory: never leaves its root', () => {
  const dir = directoryOf({ 'd/a': 'A' });
  writeFileSync(join(scratch, 'outside'), 'x');
  symlinkSync('..', join(dir, 'up'));
  symlinkSync('/', join(dir, 'root'));
  const tree = openDirectory(dir);
  for (const path of ['up/outside', '../outside', 'root/etc', 'd/../../outside', 'up/..', 'd/a/../../..']) {
    assert.is(tree.lookup(path), undefined, path);
    assert.equal(tree.list(path), [], path);
  }
  assert.equal(tree.list('up'), []);
});

test('openDirectory: reads each directory once', () => {
  const dir = directoryOf({ 'd/a': 'A' });
  const tree = openDirectory(dir);
  assert.equal(tree.list('d'), ['a']);
  writeFileSync(join(dir, 'd/b'), 'B');
  assert.equal(tree.list('d'), ['a']);
  assert.is(tree.lookup('d'), tree.lookup('d'));
});

test('openDirectory: digests come from the cache that is given', () => {
  const dir = directoryOf({ a: 'A', b: 'B' });
  const asked: string[] = [];
  const digests = {
    get: (path: string, stat: { readonly size: bigint; readonly ino: bigint }) => {
      asked.push(path);
      assert.is(stat.ino, lstatSync(path, { bigint: true }).ino);
      return path.endsWith('/a') ? digestOf('A') : undefined;
    },
  };
  const tree = openDirectory(dir, { digests });
  assert.is(tree.lookup('a')?.digest, digestOf('A'));
  assert.is(tree.lookup('b')?.digest, undefined);
  assert.equal(asked, [join(tree.root, 'a'), join(tree.root, 'b')]);
});

const ignored: readonly (readonly [rules: string, visible: readonly string[]])[] = [
  ['', ['a', 'd', 'd/b', 'd/s', 'd/s/c', 'e', 'e/x']],
  ['d', ['a', 'e', 'e/x']],
  ['d\n!d/s/c', ['a', 'd', 'd/s', 'd/s/c', 'e', 'e/x']],
  ['*\n!d/b', ['d', 'd/b']],
  ['*\n!**/c', ['d', 'd/s', 'd/s/c']],
  ['**/s', ['a', 'd', 'd/b', 'e', 'e/x']],
  ['d/*', ['a', 'd', 'e', 'e/x']],
  ['*\n!nothing', []],
  ['**', []],
  ['e/x\n!q', ['a', 'd', 'd/b', 'd/s', 'd/s/c', 'e']],
];

test('openDirectory: ignored paths are invisible, parents of what is kept are not', () => {
  const dir = directoryOf({ a: 'A', 'd/b': 'B', 'd/s/c': 'C', 'e/x': 'X' });
  for (const [rules, visible] of ignored) {
    const tree = openDirectory(dir, { ignore: parseIgnoreFile(rules, '.dockerignore') });
    assert.equal(allPaths(tree), visible, JSON.stringify(rules));
    for (const path of ['a', 'd', 'd/b', 'd/s', 'd/s/c', 'e', 'e/x']) {
      const fresh = openDirectory(dir, { ignore: parseIgnoreFile(rules, '.dockerignore') });
      assert.is(fresh.lookup(path) !== undefined, visible.includes(path), `${JSON.stringify(rules)}: ${path}`);
    }
  }
});

test('openDirectory: ignoredBy names the rule', () => {
  const tree = openDirectory(directoryOf({ 'd/b': 'B' }), { ignore: parseIgnoreFile('# x\nd\n', 'web.dockerignore') });
  assert.is(tree.ignoredBy('d/b')?.rule.line, 2);
  assert.is(tree.ignoredBy('d/b')?.file, 'web.dockerignore');
  assert.is(tree.ignoredBy('x'), undefined);
  assert.is(tree.ignoredBy(''), undefined);
});

test('openDirectory: what is no directory is CONTEXT_NOT_FOUND', () => {
  const dir = directoryOf({ a: 'A' });
  for (const path of [join(dir, 'a'), join(dir, 'nope')]) {
    try {
      openDirectory(path);
      assert.unreachable();
    } catch (error) {
      assert.ok(isError(error, 'CONTEXT_NOT_FOUND'), String(error));
    }
  }
});

test('openDirectory: a name that is not UTF-8 is an error, unless it is ignored', () => {
  const dir = directoryOf({ good: '' });
  writeFileSync(Buffer.concat([Buffer.from(`${dir}/bad-`), Buffer.of(0xff)]), '');
  try {
    openDirectory(dir).list('');
    assert.unreachable();
  } catch (error) {
    assert.ok(isError(error, 'IO_FAILED'));
    assert.match(error.message, 'not UTF-8');
    assert.match(error.message, Buffer.from('bad-').toString('hex'));
  }
  assert.equal(openDirectory(dir, { ignore: parseIgnoreFile('bad-*', '.dockerignore') }).list(''), ['good']);
});

test('openDirectory: a directory that cannot be read is named, unless it is ignored', () => {
  if (process.getuid?.() === 0) return checkUnreadableAsRoot();
  const dir = directoryOf({ 'd/b': 'B' });
  chmodSync(join(dir, 'd'), 0);
  try {
    openDirectory(dir).list('d');
    assert.unreachable();
  } catch (error) {
    assert.ok(isError(error, 'IO_FAILED'));
    assert.match(error.message, join(dir, 'd'));
  } finally {
    chmodSync(join(dir, 'd'), 0o755);
  }
});

/** Root reads everything: there the directory goes away between the look-up and the list. */
function checkUnreadableAsRoot(): void {
  const dir = directoryOf({ 'd/b': 'B' });
  const tree = openDirectory(dir);
  assert.is(tree.lookup('d')?.type, 'directory');
  rmSync(join(dir, 'd'), { recursive: true });
  try {
    tree.list('d');
    assert.unreachable();
  } catch (error) {
    assert.ok(isError(error, 'IO_FAILED'));
    assert.match(error.message, join(dir, 'd'));
  }
}

test.run();
