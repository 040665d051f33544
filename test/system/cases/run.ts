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
import { canonical, differences } from './compare.ts';
import { readOutcome } from './outcome.ts';
import { serveFolder } from './serve.ts';

const words = ['arg', 'env', 'expand', 'label', 'parse', 'context', 'from', 'onbuild', 'platform', 'stage'];
const metadata = ['base', 'cmd', 'expose', 'health', 'history', 'maintainer', 'shell', 'signal', 'volume', 'workdir'];

/** First words of the cases' names, by the test file that builds them. */
export const topics = {
  text: [...words, ...metadata],
  copying: ['archive', 'chmod', 'chown', 'copy', 'dest', 'heredoc', 'ignore', 'link', 'url', 'user'],
};

export function topicOf(name: string): string {
  return name.split('-')[0] ?? '';
}

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
    if (golden.here !== undefined) {
      assert.ok(got.error.includes(golden.here), `says "${got.error}", not "${golden.here}"`);
      return;
    }
    const says = golden.says ?? want.error;
    assert.ok(want.error.includes(says), `BuildKit says "${want.error}", not "${says}"`);
    assert.ok(got.error.includes(says), `says "${got.error}", but BuildKit says "${want.error}"`);
    return;
  }
  if ('error' in got) throw new Error(`BuildKit builds it, but: ${got.error}`);
  const onPurpose = golden.differs ?? {};
  const found = differences(want, got);
  const lines = found
    .filter((each) => onPurpose[each.where] === undefined || canonical(onPurpose[each.where]?.here) !== each.got)
    .map((each) => `${each.where}: ${each.want} | ${each.got}`);
  for (const where of Object.keys(onPurpose))
    if (!found.some((each) => each.where === where)) lines.push(`no longer differs: ${where}`);
  if (lines.length > 0) throw new Error(`BuildKit's value | this build's\n${lines.join('\n')}`);
}

/** Runs the cases of the topics (`copy` for copy-*), each as a uvu test. */
export function runCases(chosen: readonly string[]): void {
  const test = suite('golden cases');
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
    if (!chosen.includes(topicOf(name))) continue;
    test(name, async () => {
      if (room === undefined) throw new Error('the registry of the bases is not there');
      const golden = loadCase(name);
      check(golden, wantOf(name), await buildCase(golden, room));
    });
  }
  test.run();
}
