import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { digestOf } from '../../src/oci/digest.ts';
import { createStatCache, type FileState } from '../../src/store/stat-cache.ts';
import { openStore } from '../../src/store/store.ts';

const ms = 1_000_000n;
const old = 1_600_000_000_000n * ms;
const state = (more: Partial<FileState> = {}): FileState => ({
  dev: 1n,
  ino: 2n,
  size: 3n,
  mtimeNs: old,
  ctimeNs: old,
  ...more,
});
const digest = digestOf('content');
const readAt = 1_700_000_000_000;

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-stats-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('get wants every part of the state to be the same', () => {
  const stats = createStatCache('/nowhere/cache');
  stats.set('/a', state(), { digest, readAt });
  assert.is(stats.get('/a', state()), digest);
  assert.is(stats.get('/b', state()), undefined);
  const others: Partial<FileState>[] = [
    { dev: 9n },
    { ino: 9n },
    { size: 9n },
    { mtimeNs: old + 1n },
    { ctimeNs: old + 1n },
  ];
  for (const other of others) assert.is(stats.get('/a', state(other)), undefined);
});

test('set does not keep a file that had just changed', () => {
  const at = BigInt(readAt) * ms;
  const rows: readonly (readonly [Partial<FileState>, boolean])[] = [
    [{ mtimeNs: at - 2000n * ms }, true],
    [{ mtimeNs: at - 1999n * ms }, false],
    [{ ctimeNs: at - 1000n * ms }, false],
    [{ mtimeNs: at }, false],
    [{ mtimeNs: at + 60_000n * ms }, false],
  ];
  for (const [more, isKept] of rows) {
    const stats = createStatCache('/nowhere/cache');
    stats.set('/a', state(more), { digest, readAt });
    assert.is(stats.get('/a', state(more)) === digest, isKept, String(more.mtimeNs ?? more.ctimeNs));
  }
});

test('save keeps those used last, and get finds them after another start', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'cache');
    let counter = 0;
    const temporary = async (): Promise<string> => join(folder, String(++counter));
    const names = ['/plain', '/with\nnewline', '/é "quoted"', '/\u{1f6a2}'];
    const first = createStatCache(path, 4);
    for (const name of names) first.set(name, state(), { digest: digestOf(name), readAt });
    await first.save(temporary);
    const second = createStatCache(path, 4);
    for (const name of names) assert.is(second.get(name, state()), digestOf(name));
    const third = createStatCache(path, 4);
    assert.ok(third.get('/plain', state()));
    third.set('/new', state(), { digest, readAt });
    await third.save(temporary);
    const fourth = createStatCache(path, 4);
    assert.equal(
      ['/plain', '/with\nnewline', '/new'].map((name) => fourth.get(name, state()) !== undefined),
      [true, false, true],
    );
  }));

test('a damaged file counts as empty', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'cache');
    for (const text of ['', '[1,', '{}', '[2,["/a","x","y"]]', '[1,["/a"],5,null,["/a","1 2 3 4 5","sha256:bad"]]']) {
      await writeFile(path, text);
      assert.is(createStatCache(path).get('/a', state()), undefined);
    }
  }));

test('a store keeps the cache of real files from one opening to the next', () =>
  inFolder(async (folder) => {
    const file = join(folder, 'file');
    await writeFile(file, 'content');
    await utimes(file, 1000, 1000);
    const root = join(folder, 'store');
    const one = await openStore(root);
    const seen = await stat(file, { bigint: true });
    one.stats.set(file, seen, { digest, readAt: Date.now() + 10_000 });
    assert.is(one.stats.get(file, seen), digest);
    await one.close();
    const two = await openStore(root);
    assert.is(two.stats.get(file, await stat(file, { bigint: true })), digest);
    await writeFile(file, 'changed');
    assert.is(two.stats.get(file, await stat(file, { bigint: true })), undefined);
    await two.close();
    assert.ok((await readFile(join(root, 'wherry', 'stat-cache.json'), 'utf8')).includes(file));
  }));

test.run();
