// Several processes on one store: nothing is lost, nothing is half there, and what the dead leave is cleared away.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isError } from '../../src/errors.ts';
import { acquireLock } from '../../src/store/lock.ts';
import { createMark, isAlive } from '../../src/store/owner.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { collect, rejects } from './suite.ts';

const program = fileURLToPath(new URL('./child.js', import.meta.url));

async function inFolder(work: (root: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-processes-'));
  try {
    await work(join(folder, 'store'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function start(root: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [program, root, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function said(child: ChildProcess, word: string): Promise<void> {
  let text = '';
  for await (const part of child.stdout ?? []) {
    text += String(part);
    if (text.includes(word)) return;
  }
  throw new Error(`the child ended without saying "${word}"`);
}

async function ended(child: ChildProcess): Promise<number | null> {
  child.stdout?.resume();
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

/** Every name leads to a blob that is what it is called, and every blob is whole. */
async function checkStore(store: Store): Promise<number> {
  let count = 0;
  for (const entry of await store.index()) assert.is(await store.blobs.size(entry.digest), entry.size);
  for await (const blob of store.blobs.list()) {
    await collect(store.blobs.open(blob));
    count++;
  }
  return count;
}

test('processes that write one store at the same time lose nothing', () =>
  inFolder(async (root) => {
    const children = ['a', 'b', 'c'].map((name) => start(root, 'write', name, '12'));
    assert.equal(await Promise.all(children.map(ended)), [0, 0, 0]);
    const store = await openStore(root);
    assert.is((await store.names()).length, 36);
    assert.is(await checkStore(store), 12);
    await store.close();
    assert.equal(await readdir(join(root, 'wherry', 'tmp')), []);
    assert.equal(await readdir(join(root, 'wherry', 'locks')), []);
  }));

test('a lock is held by one process at a time', () =>
  inFolder(async (root) => {
    await (await openStore(root)).close();
    const children = [1, 2, 3].map(() => start(root, 'count', '-', '60'));
    assert.equal(await Promise.all(children.map(ended)), [0, 0, 0]);
    assert.is(await readFile(join(root, 'counter'), 'utf8'), '180');
  }));

test('kill -9 in the middle of writing leaves a valid store', () =>
  inFolder(async (root) => {
    await (await openStore(root)).close();
    for (const delay of [5, 15, 30, 50, 80, 120]) {
      const child = start(root, 'write', `killed${delay}`, '10000');
      await said(child, 'ready');
      await new Promise((resolve) => setTimeout(resolve, delay));
      child.kill('SIGKILL');
      await ended(child);
      const store = await openStore(root);
      await checkStore(store);
      await store.setName('after', {
        mediaType: 'a/b',
        digest: (await store.blobs.put(Buffer.from('x'))).digest,
        size: 1,
      });
      await store.close();
      assert.equal(await readdir(join(root, 'wherry', 'tmp')), []);
    }
  }));

test('the lock and the temporary files of a killed process are taken over', () =>
  inFolder(async (root) => {
    const child = start(root, 'hold', 'build');
    await said(child, 'held');
    const store = await openStore(root);
    await rejects(() => store.lock('build', { timeout: 100 }), 'LOCK_TIMEOUT');
    assert.is((await readdir(join(root, 'wherry', 'tmp'))).length, 2);
    child.kill('SIGKILL');
    await ended(child);
    const locks = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const lock = await store.lock('build', { timeout: 5000 });
        await lock.release();
        await lock.release();
        return true;
      }),
    );
    assert.is(locks.length, 5);
    await store.close();
    await (await openStore(root)).close();
    assert.equal(await readdir(join(root, 'wherry', 'tmp')), []);
    assert.equal(await readdir(join(root, 'wherry', 'locks')), []);
  }));

test('lock can be given up', () =>
  inFolder(async (root) => {
    const store = await openStore(root);
    const held = await store.lock('sha256:abc');
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    await rejects(() => store.lock('sha256:abc', { signal: controller.signal }), 'ABORTED');
    await held.release();
    await (await store.lock('sha256:abc', { timeout: 1000 })).release();
    assert.throws(() => store.lock('../x'), /no name/);
    await store.close();
  }));

test('isAlive tells processes from others with the same number', () => {
  const mark = createMark();
  assert.ok(isAlive(mark, 0));
  const [pid = '', startTime = '', place = '', nonce = ''] = mark.split('-');
  if (process.platform === 'linux')
    assert.not(isAlive([pid, String(Number(startTime) - 1), place, nonce].join('-'), Date.now()));
  assert.not(isAlive(['4194305', startTime, place, nonce].join('-'), Date.now()));
  const elsewhere = [pid, startTime, '0'.repeat(12), nonce].join('-');
  assert.equal([isAlive(elsewhere, Date.now()), isAlive(elsewhere, Date.now() - 11 * 60_000)], [true, false]);
  assert.equal([isAlive('cut off', Date.now()), isAlive('cut off', Date.now() - 11_000)], [true, false]);
});

test('an abandoned lock without a mark is broken after a while', () =>
  inFolder(async (root) => {
    await mkdir(root, { recursive: true });
    const path = join(root, 'lock');
    await writeFile(path, '');
    try {
      await acquireLock(path, { timeout: 50 });
      assert.unreachable();
    } catch (error) {
      assert.ok(isError(error, 'LOCK_TIMEOUT'));
    }
    await utimes(path, 1000, 1000);
    await (await acquireLock(path, { timeout: 1000 })).release();
    assert.equal(await readdir(root), []);
  }));

test('a disk that is full leaves nothing half-written', () =>
  inFolder(async (root) => {
    await (await openStore(root)).close();
    const code = `
      const { openStore } = await import(${JSON.stringify(new URL('../../src/store/store.js', import.meta.url).href)});
      const store = await openStore(${JSON.stringify(root)});
      const writer = await store.blobs.create();
      try {
        for (let i = 0; i < 10; i++) await writer.write(Buffer.alloc(100_000, i));
        await writer.commit();
        console.log('no error');
      } catch (error) {
        console.log(JSON.stringify([error.code, error.message.includes(store.root), error.hint]));
        await writer.abort();
      }
      await store.close();`;
    // A limit on the size of files fails in the middle of a write, as a full disk does.
    const child = spawn(
      'bash',
      ['-c', 'ulimit -f 300; exec "$0" --input-type=module -e "$1"', process.execPath, code],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let text = '';
    child.stdout.on('data', (part) => (text += String(part)));
    await once(child, 'close');
    assert.equal(JSON.parse(text), ['IO_FAILED', true, 'Raise the file size limit (ulimit -f).']);
    const store = await openStore(root);
    assert.is(await checkStore(store), 0);
    await store.close();
    assert.equal(await readdir(join(root, 'wherry', 'tmp')), []);
    assert.ok((await stat(join(root, 'index.json'))).size > 0);
  }));

test.run();
