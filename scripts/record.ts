// Records what BuildKit makes of the golden cases: builds testdata/cases/<name> with `docker buildx build` in a chroot and
// writes <name>/want.json. Usage: ORACLE_ROOT=<chroot> node dist/scripts/record.js [part of a name]...
// The chroot has docker with BuildKit, xz (docker extracts with it), the host's files below /host, and a registry on
// ORACLE_REGISTRY.
import { execFileSync, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Base, makeBases, pushBases } from '../test/system/cases/bases.ts';
import {
  caseNames,
  casesFolder,
  type GoldenCase,
  loadCase,
  makeContext,
  type Want,
} from '../test/system/cases/case.ts';
import { type ConfigDocument, outcomeOf, readOutcome } from '../test/system/cases/outcome.ts';
import { serveFolder } from '../test/system/cases/serve.ts';

const registry = process.env['ORACLE_REGISTRY'] ?? '127.0.0.1:5000';
const image = 'wherry/golden:latest';

/** Runs a command in the chroot. @returns its exit status and what it said on stderr */
async function inChroot(
  root: string,
  command: readonly string[],
  stdout?: string,
): Promise<{ readonly status: number; readonly said: string }> {
  const child = spawn('chroot', [root, ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const written = stdout === undefined ? child.stdout.resume() : pipeline(child.stdout, createWriteStream(stdout));
  const status = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
  await written;
  return { status, said: Buffer.concat(chunks).toString() };
}

async function readStored(root: string): Promise<ConfigDocument> {
  const child = execFileSync('chroot', [root, 'docker', 'image', 'inspect', '--format', '{{.Id}}', image], {
    encoding: 'utf8',
  });
  const path = `var/lib/docker/image/overlay2/imagedb/content/${child.trim().replace(':', '/')}`;
  return JSON.parse(readFileSync(join(root, path), 'utf8')) as ConfigDocument;
}

function flagsOf(golden: GoldenCase, context: string, server: string | undefined): string[] {
  const flags = ['--network=host', '--no-cache', '--provenance=false', '--progress=plain', '-t', image];
  flags.push('--platform', golden.platform ?? 'linux/amd64', '--build-arg', `BASE=${registry}/wherry`);
  if (server !== undefined) flags.push('--build-arg', `SERVER=http://${server}`);
  if (golden.target !== undefined) flags.push('--target', golden.target);
  if (golden.dockerfile !== undefined) flags.push('-f', `/host${context}/${golden.dockerfile}`);
  for (const [name, value] of Object.entries(golden.args ?? {})) flags.push('--build-arg', `${name}=${value}`);
  for (const [name, value] of Object.entries(golden.labels ?? {})) flags.push('--label', `${name}=${value}`);
  for (const [name, path] of Object.entries(golden.contexts ?? {}))
    flags.push('--build-context', `${name}=/host${context}/${path}`);
  return flags;
}

/** The message of a failed build, without what differs from run to run. */
function errorOf(said: string): string {
  const start = said.lastIndexOf('\nERROR: ');
  const lines = said.slice(start + '\nERROR: '.length).split('\n');
  const message = lines.join('\n').trim();
  return message
    .replace(/^failed to build: /, '')
    .replace(/^failed to solve: /, '')
    .replace(/ of ref [^ ]+: /g, ' of ref ID: ')
    .replace(/\/var\/lib\/docker\/overlay2\/[^/]+\/merged/g, '');
}

async function record(root: string, golden: GoldenCase, bases: readonly Base[]): Promise<Want> {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-record-'));
  const context = join(folder, 'context');
  await makeContext(golden, context);
  const server = golden.serve === true ? await serveFolder(context) : undefined;
  const normalize = (text: string): string => {
    const named = text.replaceAll(registry, 'REGISTRY');
    return server === undefined ? named : named.replaceAll(server.address, 'SERVER');
  };
  try {
    const command = ['docker', 'buildx', 'build', ...flagsOf(golden, context, server?.address), `/host${context}`];
    const { status, said } = await inChroot(root, command);
    if (status !== 0) return { error: normalize(errorOf(said)) };
    const archive = join(folder, 'image.tar');
    const saved = await inChroot(root, ['docker', 'save', image], archive);
    // docker cannot save an image without layers, but keeps its config as a file.
    if (saved.said.includes('empty export')) return await outcomeOf(await readStored(root), [], { bases, normalize });
    if (saved.status !== 0) throw new Error(`docker save: ${saved.said}`);
    mkdirSync(join(folder, 'layout'));
    execFileSync('tar', ['-C', join(folder, 'layout'), '-xf', archive]);
    return await readOutcome(join(folder, 'layout'), bases, normalize);
  } finally {
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** JSON with one entry of a list a line, so that changes are easy to read. */
function format(want: Want): string {
  if ('error' in want) return `${JSON.stringify(want, null, 2)}\n`;
  const list = (items: readonly unknown[], indent: string): string =>
    items.length === 0
      ? '[]'
      : `[\n${items.map((item) => `${indent}  ${JSON.stringify(item)}`).join(',\n')}\n${indent}]`;
  const layers = want.layers.map((layer) => `    ${list(layer, '    ')}`).join(',\n');
  const config = JSON.stringify(want.config, null, 2).replaceAll('\n', '\n  ');
  const base = want.base === undefined ? '' : `  "base": ${JSON.stringify(want.base)},\n`;
  return `{\n${base}  "config": ${config},\n  "history": ${list(want.history, '  ')},\n  "layers": ${layers === '' ? '[]' : `[\n${layers}\n  ]`}\n}\n`;
}

async function main(filters: readonly string[]): Promise<void> {
  const root = process.env['ORACLE_ROOT'];
  if (root === undefined) throw new Error('set ORACLE_ROOT to the chroot that has docker');
  const bases = await makeBases();
  await pushBases(`http://${registry}`, bases);
  for (const name of caseNames()) {
    if (filters.length > 0 && !filters.some((filter) => name.includes(filter))) continue;
    const want = await record(root, loadCase(name), bases);
    writeFileSync(join(casesFolder, name, 'want.json'), format(want));
    console.log('error' in want ? `${name}: ${want.error}` : `${name}: ${want.layers.length} layers`);
  }
}

await main(process.argv.slice(2));
