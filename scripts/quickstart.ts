// `npm run quickstart`: the main job from end to end, on the embedded registry and with no other program: builds a base
// and an image on top of it, pushes both, pulls the image back by its digest, and shows what it is made of.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type HistoryLine, history, parseReference, pull, push, serve } from '../src/index.ts';

const project = 'testdata/quickstart';

/** Builds a directory under a name. @returns the image's digest */
async function buildAs(name: string, path: string, store: string, buildArgs: Record<string, string>): Promise<string> {
  const result = await build({ context: { kind: 'directory', path }, tags: [parseReference(name)], buildArgs, store });
  return result.digest;
}

function layerTable(lines: readonly HistoryLine[]): string {
  const rows = lines.map((line) => {
    const size = line.digest === undefined ? '' : `${line.size} B`;
    const text = line.createdBy.replace(/ # buildkit$/, '').replace(/\s+/g, ' ');
    return `  ${size.padStart(9)}  ${(line.digest ?? '').slice(7, 19).padEnd(12)}  ${text}`;
  });
  return [`  ${'size'.padStart(9)}  ${'layer'.padEnd(12)}  instruction`, ...rows].join('\n');
}

async function main(room: string): Promise<void> {
  const registry = await serve({ address: '127.0.0.1:0', root: join(room, 'registry') });
  try {
    console.log(`registry    ${registry.url} (embedded)`);
    const store = join(room, 'store');
    const base = `${registry.address}/quickstart/base:1`;
    await buildAs(base, join(project, 'base'), store, {});
    console.log(`base        ${(await push(base, { store })).reference}`);
    const name = `${registry.address}/quickstart/app:1.0.0`;
    // A store of its own: the base now comes from the registry.
    const second = join(room, 'second-store');
    const digest = await buildAs(name, project, second, { BASE: base, VERSION: '1.0.0' });
    console.log(`built       ${digest}`);
    console.log(`pushed      ${(await push(name, { store: second })).reference}`);
    const byDigest = `${registry.address}/quickstart/app@${digest}`;
    const third = join(room, 'third-store');
    const pulled = await pull(byDigest, { store: third });
    if (pulled.digest !== digest) throw new Error(`pulled ${pulled.digest}, but pushed ${digest}`);
    console.log(`pulled back ${pulled.reference}`);
    console.log(`\n${layerTable(await history(byDigest, { store: third }))}\n`);
  } finally {
    await registry.close();
  }
  console.log(`Next, with a registry that stays (in another terminal: ${command} registry serve):`);
  const next = '127.0.0.1:5000/demo';
  console.log(`  ${command} build --push -t ${next}/base ${project}/base`);
  console.log(`  ${command} build --push -t ${next}/app --build-arg BASE=${next}/base ${project}`);
  console.log(`  ${command} inspect ${next}/app`);
  console.log(`  ${command} build -t app -o type=docker,dest=app.tar --build-arg BASE=${next}/base ${project}`);
}

const command = 'node dist/src/cli/main.js';
const room = await mkdtemp(join(tmpdir(), 'wherry-quickstart-'));
try {
  await main(room);
} finally {
  await rm(room, { recursive: true, force: true });
}
