// Builds golden cases with the library and compares what it makes with what BuildKit made: no daemon, no network, an
// embedded registry for the bases. A failure shows BuildKit's value first.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build, parsePlatform, type ServedRegistry, serve } from '../../../src/index.ts';
import { type Base, makeBases, pushBases } from './bases.ts';
import { caseNames, type GoldenCase, loadCase, makeContext, type Want, wantOf } from './case.ts';
import { differences } from './compare.ts';
import { readOutcome } from './outcome.ts';
import { serveFolder } from './serve.ts';

interface Room {
  readonly folder: string;
  readonly registry: ServedRegistry;
  readonly bases: readonly Base[];
}

/** Builds a case; an error is an outcome too. */
async function buildCase(golden: GoldenCase, room: Room): Promise<Want> {
  const context = join(room.folder, golden.name, 'context');
  const layout = join(room.folder, golden.name, 'layout');
  await makeContext(golden, context);
  const server = golden.serve === true ? await serveFolder(context) : undefined;
  const contexts = Object.entries(golden.contexts ?? {}).map(([name, path]) => [
    name,
    { kind: 'directory', path: join(context, path) } as const,
  ]);
  try {
    await build({
      context: { kind: 'directory', path: context },
      ...(golden.dockerfile === undefined ? {} : { dockerfile: join(context, golden.dockerfile) }),
      ...(golden.target === undefined ? {} : { target: golden.target }),
      buildArgs: {
        BASE: `${room.registry.address}/wherry`,
        ...(server === undefined ? {} : { SERVER: `http://${server.address}` }),
        ...golden.args,
      },
      labels: golden.labels ?? {},
      namedContexts: Object.fromEntries(contexts),
      platforms: [parsePlatform(golden.platform ?? 'linux/amd64')],
      outputs: [{ kind: 'oci', dest: layout, tar: false, options: { ociMediaTypes: true, compression: 'gzip' } }],
      store: join(room.folder, 'store'),
      env: { HOME: room.folder },
    });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'WherryError') throw error;
    return { error: error.message };
  } finally {
    await server?.close();
  }
  const normalize = (text: string): string => {
    const named = text.replaceAll(room.registry.address, 'REGISTRY');
    return server === undefined ? named : named.replaceAll(server.address, 'SERVER');
  };
  return readOutcome(layout, room.bases, normalize);
}

function check(golden: GoldenCase, want: Want, got: Want): void {
  if (golden.refused !== undefined) {
    assert.ok('error' in got, `was built, but is refused on purpose: ${golden.refused.why}`);
    assert.ok(got.error.includes(golden.refused.says), `says "${got.error}", not "${golden.refused.says}"`);
    return;
  }
  if ('error' in want) {
    assert.ok('error' in got, `was built, but BuildKit says: ${want.error}`);
    const says = golden.says ?? want.error;
    assert.ok(want.error.includes(says), `BuildKit says "${want.error}", not "${says}"`);
    assert.ok(got.error.includes(says), `says "${got.error}", but BuildKit says "${want.error}"`);
    return;
  }
  if ('error' in got) throw new Error(`BuildKit builds it, but: ${got.error}`);
  const expected = Object.keys(golden.differs ?? {});
  const found = differences(want, got);
  const lines = found.filter((line) => !expected.includes(line));
  for (const line of expected) if (!found.includes(line)) lines.push(`no longer differs: ${line}`);
  if (lines.length > 0) throw new Error(`BuildKit's value | this build's\n${lines.join('\n')}`);
}

/** A suite of the cases whose names begin with one of the topics (`copy` for copy-*), as uvu tests. */
export function runCases(topics: readonly string[]): void {
  const test = suite(topics.join(' '));
  let room: Room | undefined;
  test.before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wherry-cases-'));
    const registry = await serve({ address: '127.0.0.1:0', root: join(folder, 'registry') });
    const bases = await makeBases();
    await pushBases(registry.url, bases);
    room = { folder, registry, bases };
  });
  test.after(async () => {
    await room?.registry.close();
    if (room !== undefined) await rm(room.folder, { recursive: true, force: true });
  });
  for (const name of caseNames()) {
    if (!topics.some((topic) => name === topic || name.startsWith(`${topic}-`))) continue;
    test(name, async () => {
      if (room === undefined) throw new Error('the registry of the bases is not there');
      const golden = loadCase(name);
      check(golden, wantOf(name), await buildCase(golden, room));
    });
  }
  test.run();
}
