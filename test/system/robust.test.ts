// Time limit: 300 s
// Builds that meet each other, are killed, interrupted or aborted, read changing files, or have little memory.
import { type ChildProcess, spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isError } from '../../src/errors.ts';
import { build, type Event, images, parseReference } from '../../src/index.ts';
import { openStore } from '../../src/store/store.ts';
import { must, openRoom, writeFiles } from './command.ts';

const room = openRoom();
const main = resolve('dist/src/cli/main.js');

/** Noise that does not compress. */
function noise(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0, state = seed; at < size; at += 4) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes.writeUInt32LE(state, Math.min(at, size - 4));
  }
  return bytes;
}

function context(name: string, files: Readonly<Record<string, string>>, large = 0): string {
  const folder = writeFiles(join(room.folder, name), files);
  if (large > 0) writeFileSync(join(folder, 'large'), noise(large, name.length));
  return folder;
}

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<{
    readonly code: number | null;
    readonly signal: string | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
}

/** Starts the command without waiting for it. */
function start(store: string, args: readonly string[], node: readonly string[] = []): Started {
  const child = spawn(process.execPath, ['--enable-source-maps', ...node, main, ...args], {
    env: {
      PATH: process.env['PATH'],
      HOME: room.folder,
      DOCKER_CONFIG: join(room.folder, 'docker'),
      WHERRY_STORE: store,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (text.out += chunk));
  child.stderr.on('data', (chunk) => (text.err += chunk));
  return {
    child,
    ended: new Promise((done) =>
      child.once('close', (code, signal) => done({ code, signal, stdout: text.out.trim(), stderr: text.err })),
    ),
  };
}

/** Every blob of a store has its digest, every name its blobs, and no session's files lie about. */
async function checkStore(path: string): Promise<void> {
  const store = await openStore(path);
  try {
    for await (const blob of store.blobs.list())
      for await (const _ of store.blobs.open(blob)) {
        // Reading to the end checks the digest.
      }
  } finally {
    await store.close();
  }
  await images({ store: path });
  assert.equal(leftovers(path), []);
}

/** Files of sessions that have ended. */
function leftovers(path: string): string[] {
  const folder = join(path, 'wherry', 'tmp');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );
}

const several = {
  Dockerfile:
    'FROM scratch AS a\nCOPY large /a/\nFROM scratch\nCOPY --from=a / /\nCOPY f g /x/\nWORKDIR /w\nCMD ["x"]\n',
  f: 'f',
  g: 'g',
};

test('two builds of one context on one store at once give one image', async () => {
  const folder = context('same', several, 8 * 1024 * 1024);
  const store = join(room.folder, 'store-same');
  const builds = await Promise.all(['a', 'b', 'c'].map((name) => start(store, ['build', '-t', name, folder]).ended));
  for (const { code, stderr } of builds) assert.is(code, 0, stderr);
  const digests = new Set(builds.map(({ stdout }) => stdout.slice(stdout.indexOf('@'))));
  assert.is(digests.size, 1);
  await checkStore(store);
  assert.is((await images({ store })).length, 3);
  await must(['umoci', 'ls', '--layout', store]);
});

test('builds of different contexts on one store at once do not meet', async () => {
  const store = join(room.folder, 'store-different');
  const folders = [1, 2, 3].map((number) =>
    context(`different${'x'.repeat(number)}`, { ...several, f: String(number) }, 4 * 1024 * 1024),
  );
  const builds = await Promise.all(folders.map((folder, at) => start(store, ['build', '-t', `d${at}`, folder]).ended));
  for (const { code, stderr } of builds) assert.is(code, 0, stderr);
  for (const [at, folder] of folders.entries()) {
    const alone = await start(join(room.folder, `alone${at}`), ['build', '-t', `d${at}`, folder]).ended;
    assert.is(builds[at]?.stdout, alone.stdout);
  }
  await checkStore(store);
});

test('a build that is killed at any moment leaves a store that the next one uses', async () => {
  const store = join(room.folder, 'store-killed');
  const folder = context('killed', several, 24 * 1024 * 1024);
  let killed = 0;
  for (let attempt = 0; attempt < 10; attempt++) {
    appendFileSync(join(folder, 'large'), String(attempt));
    const { child, ended } = start(store, ['build', '-t', 'k', folder]);
    const timer = setTimeout(() => child.kill('SIGKILL'), 150 + attempt * 110);
    killed += (await ended).signal === 'SIGKILL' ? 1 : 0;
    clearTimeout(timer);
  }
  assert.ok(killed >= 3, `only ${killed} builds were killed`);
  const after = await start(store, ['build', '-t', 'k', folder]).ended;
  assert.is(after.code, 0, after.stderr);
  const alone = await start(join(room.folder, 'alone-killed'), ['build', '-t', 'k', folder]).ended;
  assert.is(after.stdout, alone.stdout);
  await must(['umoci', 'ls', '--layout', store]);
  await must(['skopeo', 'inspect', `oci:${store}:docker.io/library/k:latest`]);
  await checkStore(store);
});

test('SIGINT: exit status 130, and neither temporary files nor a partial output stay', async () => {
  const folder = context('interrupted', several, 48 * 1024 * 1024);
  const out = join(room.folder, 'out');
  mkdirSync(out);
  let interrupted = 0;
  for (const [attempt, delay] of [250, 500, 800, 1100, 1500].entries()) {
    const store = join(room.folder, `store-interrupted${attempt}`);
    const { child, ended } = start(store, ['build', '-o', `type=oci,dest=${join(out, 'image.tar')}`, folder]);
    const timer = setTimeout(() => child.kill('SIGINT'), delay);
    const { code, signal, stderr } = await ended;
    clearTimeout(timer);
    // It may have ended before, or not yet have begun to listen.
    if (code === 0 || signal === 'SIGINT') continue;
    assert.is(code, 130, stderr);
    interrupted++;
    assert.equal(readdirSync(out), []);
    assert.equal(leftovers(store), []);
  }
  assert.ok(interrupted > 0);
});

test('a file that changes while it is read is an error that names it, and nothing stays', async () => {
  const folder = context('changing', { Dockerfile: 'FROM scratch\nCOPY large /\n' }, 64 * 1024 * 1024);
  const large = join(folder, 'large');
  const changes: readonly (readonly [string, () => void])[] = [
    ['grows', () => appendFileSync(large, 'more')],
    ['shrinks', () => truncateSync(large, 32 * 1024 * 1024)],
    ['is written into', () => void writeSync(openSync(large, 'r+'), 'other', 60 * 1024 * 1024)],
  ];
  for (const [how, change] of changes) {
    writeFileSync(large, noise(64 * 1024 * 1024, 3));
    const store = join(room.folder, `store-${how.replaceAll(' ', '-')}`);
    let done = false;
    const onEvent = (event: Event): void => {
      if (done || event.kind !== 'progress') return;
      done = true;
      change();
    };
    try {
      await build({ context: { kind: 'directory', path: folder }, tags: [parseReference('x')], store, onEvent });
      assert.unreachable(`${how}: no error`);
    } catch (error) {
      assert.ok(isError(error, 'COPY_FAILED'), `${how}: ${error}`);
      assert.match(error.message, 'large', how);
      assert.is(error.range?.start.line, 2, how);
    }
    assert.equal(await images({ store }), []);
    assert.equal(leftovers(store), []);
  }
});

test('3,000 files and one of 200 MB build with a heap of 120 MB', async () => {
  const folder = context('many', { Dockerfile: 'FROM scratch\nCOPY . /\n' });
  for (let at = 0; at < 3000; at++) {
    if (at % 100 === 0) mkdirSync(join(folder, `d${at / 100}`));
    writeFileSync(join(folder, `d${Math.floor(at / 100)}`, `f${at}`), `content ${at}`);
  }
  const descriptor = openSync(join(folder, 'large'), 'w');
  for (let at = 0; at < 25; at++) writeSync(descriptor, noise(8 * 1024 * 1024, at));
  const store = join(room.folder, 'store-many');
  // The digest of a file that was written within the last two seconds is not kept: it may change within one tick.
  await new Promise((done) => setTimeout(done, 2200));
  const first = await start(store, ['build', '-t', 'many', folder], ['--max-old-space-size=120']).ended;
  assert.is(first.code, 0, first.stderr);
  const second = await start(store, ['build', '-t', 'many', folder], ['--max-old-space-size=120']).ended;
  assert.is(second.stdout, first.stdout);
  assert.match(second.stderr, /CACHED|cached/);
});

test('an AbortSignal ends a build with ABORTED, every start with an end, and nothing under way', async () => {
  const path = context('aborted', several, 32 * 1024 * 1024);
  for (const delay of [0, 5, 60, 200]) {
    const store = join(room.folder, `store-aborted${delay}`);
    const stop = new AbortController();
    const events: Event[] = [];
    const timer = setTimeout(() => stop.abort(), delay);
    try {
      await build({
        context: { kind: 'directory', path },
        store,
        signal: stop.signal,
        onEvent: (event) => events.push(event),
        noCache: true,
      });
      assert.unreachable(`${delay} ms: no error`);
    } catch (error) {
      assert.ok(isError(error, 'ABORTED'), `${delay} ms: ${error}`);
    }
    clearTimeout(timer);
    const count = (kind: Event['kind']): number => events.filter((event) => event.kind === kind).length;
    assert.is(count('end'), count('start'));
    const later = events.length;
    await new Promise((done) => setTimeout(done, 50));
    assert.is(events.length, later, 'an event after the end');
    assert.equal(leftovers(store), []);
  }
});

test('onEvent: a start before its progress and its end, times that never go back', async () => {
  const path = context('events', several, 1024 * 1024);
  const events: Event[] = [];
  const options = { store: join(room.folder, 'store-events'), onEvent: (event: Event) => events.push(event) };
  await build({ context: { kind: 'directory', path }, tags: [parseReference('e')], ...options });
  const open = new Set<string>();
  let time = 0;
  for (const event of events) {
    assert.ok(event.time >= time);
    time = event.time;
    if (event.kind === 'start') open.add(event.id);
    else if (event.kind === 'end') assert.ok(open.delete(event.id), event.id);
    else if (event.kind !== 'warning') assert.ok(open.has(event.id), `${event.kind} ${event.id}`);
    if (event.kind === 'progress' && event.total !== undefined) assert.ok(event.current <= event.total);
  }
  assert.is(open.size, 0);
});

test.run();
