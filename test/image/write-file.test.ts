import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { WherryError } from '../../src/errors.ts';
import { writeWhole } from '../../src/image/write-file.ts';
import { failure } from '../build/room.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherry-write-file-'));
test.after(() => rmSync(folder, { recursive: true }));
const signal = new AbortController().signal;
const at = (name: string): string => join(folder, name);

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

test('writeWhole: a new file, and one that is replaced', async () => {
  await writeWhole(at('a'), pieces('1', '2'), signal);
  assert.is(readFileSync(at('a'), 'utf8'), '12');
  await writeWhole(at('a'), pieces(), signal);
  assert.is(readFileSync(at('a'), 'utf8'), '');
});

test('writeWhole: a failure leaves the old file, and no other', async () => {
  mkdirSync(at('d'));
  writeFileSync(at('d/old'), 'old');
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('new');
    throw new WherryError('BLOB_UNKNOWN', 'gone');
  };
  assert.is(await failure(writeWhole(at('d/old'), broken(), signal)), 'BLOB_UNKNOWN: gone');
  assert.is(readFileSync(at('d/old'), 'utf8'), 'old');
  assert.equal(readdirSync(at('d')), ['old']);
});

test('writeWhole: an abort is ABORTED, and leaves nothing', async () => {
  mkdirSync(at('e'));
  const stop = new AbortController();
  const slow = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('x');
    stop.abort();
    await new Promise((done) => setTimeout(done, 20));
    yield Buffer.from('y');
  };
  assert.match(await failure(writeWhole(at('e/f'), slow(), stop.signal)), /^ABORTED/);
  assert.equal(readdirSync(at('e')), []);
});

test('writeWhole: a link stays a link, also one that points to nothing yet', async () => {
  writeFileSync(at('target'), 'old');
  symlinkSync('target', at('link'));
  symlinkSync('later', at('dangling'));
  for (const [link, target] of [
    ['link', 'target'],
    ['dangling', 'later'],
  ] as const) {
    await writeWhole(at(link), pieces('new'), signal);
    assert.ok(lstatSync(at(link)).isSymbolicLink(), link);
    assert.is(readFileSync(at(target), 'utf8'), 'new');
  }
});

test("writeWhole: where nothing can be written, with the file's name", async () => {
  writeFileSync(at('file'), '');
  mkdirSync(at('is-folder'));
  for (const dest of ['none/x', 'file/x', 'is-folder'])
    assert.match(
      await failure(writeWhole(at(dest), pieces('1'), signal)),
      new RegExp(`^OUTPUT_FAILED: Cannot write "${at(dest)}": `),
      dest,
    );
  assert.equal(readdirSync(at('is-folder')), []);
  assert.is(
    readdirSync(folder).some((name) => name.endsWith('.partial')),
    false,
  );
  if (existsSync('/dev/full'))
    assert.match(await failure(writeWhole('/dev/full', pieces('1'), signal)), /^OUTPUT_FAILED: .*no space left/i);
});

test('writeWhole: a device is written into and stays', async () => {
  await writeWhole('/dev/null', pieces('1'), signal);
  assert.ok(lstatSync('/dev/null').isCharacterDevice());
});

test('writeWhole: a folder that may not be written to', async () => {
  if (process.getuid?.() === 0) return;
  mkdirSync(at('locked'));
  chmodSync(at('locked'), 0o500);
  assert.match(await failure(writeWhole(at('locked/x'), pieces('1'), signal)), /^OUTPUT_FAILED/);
});

test.run();
