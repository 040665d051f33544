// The library's build: what may be said as text, pushing, events and aborting.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isError } from '../../src/errors.ts';
import { build, copy, type Event, history, images, inspect, load, push, serve, tag } from '../../src/index.ts';

const room = mkdtempSync(join(tmpdir(), 'wherry-library-'));
test.after(() => rmSync(room, { recursive: true, force: true }));
const store = join(room, 'store');

test('build: a directory, names and platforms as text', async () => {
  writeFileSync(join(room, 'Dockerfile'), 'FROM scratch\nARG TARGETARCH\nLABEL arch=$TARGETARCH\nCOPY Dockerfile /\n');
  const result = await build({ context: room, tags: ['text:1'], platforms: ['linux/arm64', 'linux/amd64'], store });
  assert.equal(
    result.images.map((image) => image.platform),
    ['linux/arm64', 'linux/amd64'],
  );
  assert.equal(result.references, [`docker.io/library/text:1@${result.digest}`]);
  assert.equal(
    (await images({ store })).map((image) => image.platforms),
    [['linux/arm64', 'linux/amd64']],
  );
});

test('build: push goes to the registry of the tag, and every start has an end', async () => {
  const registry = await serve({ address: '127.0.0.1:0', root: join(room, 'registry') });
  try {
    const events: Event[] = [];
    const files = { Dockerfile: 'FROM scratch\nCOPY a /\n', a: 'a' };
    const options = { context: { kind: 'files', files }, tags: [`${registry.address}/team/a:1`], push: true } as const;
    const { digest } = await build({ ...options, store, onEvent: (event) => events.push(event) });
    assert.is((await inspect(`docker://${registry.address}/team/a:1`, { store })).digest, digest);
    const of = (kind: 'start' | 'end'): string[] =>
      events.flatMap((event) => (event.kind === kind && 'id' in event ? [event.id] : [])).sort();
    assert.equal(of('start'), of('end'));
    assert.ok(of('start').length > 3);
  } finally {
    await registry.close();
  }
});

test('load: a tag alone is no name, the image is there by its digest', async () => {
  const other = join(room, 'other');
  const archive = join(room, 'plain.tar');
  const { digest } = await build({
    context: { kind: 'files', files: { Dockerfile: 'FROM scratch\n' } },
    tags: ['plain'],
    store,
  });
  await copy('store:plain', `oci:${join(room, 'layout')}:latest`, { store });
  execFileSync('tar', ['-C', join(room, 'layout'), '-cf', archive, '.']);
  assert.equal(await load({ input: archive, store: other }), [digest]);
  assert.equal(await images({ store: other }), []);
});

test('an image without a name is there by its digest: inspect, tag, push, history', async () => {
  const files = { Dockerfile: 'FROM scratch\nLABEL x=unnamed\nCOPY Dockerfile /\n' };
  const { digest } = await build({ context: { kind: 'files', files }, store });
  assert.is((await inspect(digest, { store })).digest, digest);
  assert.is((await history(digest, { store })).length, 2);
  await tag(digest, 'named:1', { store });
  assert.is((await inspect('store:named:1', { store })).digest, digest);
  const registry = await serve({ address: '127.0.0.1:0', root: join(room, 'registry') });
  try {
    const pushed = await push(digest, { store, to: `${registry.address}/team/unnamed:1` });
    assert.is(pushed.reference, `${registry.address}/team/unnamed:1@${digest}`);
    await push(digest, { store });
    assert.unreachable();
  } catch (error) {
    assert.ok(isError(error, 'ARGUMENT_INVALID'), String(error));
  } finally {
    await registry.close();
  }
});

test('build: an aborted signal stops it, a bad name is refused before anything is done', async () => {
  const context = { kind: 'files', files: { Dockerfile: 'FROM scratch\n' } } as const;
  for (const [options, code] of [
    [{ signal: AbortSignal.abort() }, 'ABORTED'],
    [{ tags: ['No'] }, 'REFERENCE_INVALID'],
    [{ platforms: ['x/y/z/w'] }, 'ARGUMENT_INVALID'],
  ] as const) {
    try {
      await build({ context, store, ...options });
      assert.unreachable();
    } catch (error) {
      assert.ok(isError(error, code), String(error));
    }
  }
});

test.run();
