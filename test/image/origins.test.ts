import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mountableFrom, noteOrigins } from '../../src/image/origins.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { openStore } from '../../src/store/store.ts';
import { newPlace } from './room.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherry-origins-'));
const store = await openStore(folder);
test.after(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const blob = (text: string) => ({ mediaType: mediaTypes.layer, digest: digestOf(text), size: text.length });

test('noteOrigins: repositories by host, the latest first, each once', async () => {
  for (const name of ['one', 'two', 'two'])
    await noteOrigins(store, [blob('a'), blob('b')], newPlace(name, 'a.example'));
  await noteOrigins(store, [blob('a')], newPlace('three', 'b.example:5000'));
  assert.equal(await mountableFrom(store, blob('a'), 'a.example'), ['two', 'one']);
  assert.equal(await mountableFrom(store, blob('a'), 'b.example:5000'), ['three']);
  assert.equal(await mountableFrom(store, blob('b'), 'b.example:5000'), []);
  assert.equal(await mountableFrom(store, blob('none'), 'a.example'), []);
});

test('noteOrigins: places that are no registries are not noted; at most eight are kept', async () => {
  await noteOrigins(store, [blob('c')], newPlace('local', ''));
  assert.equal(await mountableFrom(store, blob('c'), ''), []);
  for (let at = 0; at < 12; at++) await noteOrigins(store, [blob('d')], newPlace(`r${at}`));
  const kept = await mountableFrom(store, blob('d'), 'reg.example');
  assert.equal([kept.length, kept[0], kept.at(-1)], [8, 'r11', 'r4']);
});

test('mountableFrom: damaged notes count as none', async () => {
  for (const text of ['{', '7', '[1,"a.example/x"]']) {
    await store.records('origin').put(digestOf(text), Buffer.from(text));
    assert.equal(await mountableFrom(store, blob(text), 'a.example'), text.startsWith('[') ? ['x'] : []);
  }
});

test.run();
