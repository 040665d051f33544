import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

// From dist/test/cli to dist/src/cli: the real command.
const main = join(import.meta.dirname, '../../src/cli/main.js');
const folder = mkdtempSync(join(tmpdir(), 'wherry-main-'));
mkdirSync(join(folder, 'context'));
writeFileSync(join(folder, 'context/Dockerfile'), 'FROM scratch\nCOPY hello.txt /\nCMD ["/hello.txt"]\n');
writeFileSync(join(folder, 'context/Bad'), 'FROM scratch\nCOPY missing.txt /\n');
writeFileSync(join(folder, 'context/hello.txt'), 'hello\n');
test.after(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(argv: readonly string[], env: NodeJS.ProcessEnv = {}): ReturnType<typeof spawn> {
  const { PATH } = process.env;
  return spawn(process.execPath, [main, ...argv], {
    cwd: folder,
    env: { PATH, HOME: folder, WHERRY_STORE: join(folder, 'store'), ...env },
  });
}

async function wherry(
  argv: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly input?: string } = {},
): Promise<Ended> {
  const child = start(argv, options.env);
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr?.on('data', (chunk) => (stderr += String(chunk)));
  child.stdin?.end(options.input ?? '');
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout, stderr };
}

const usage: readonly (readonly [string, number, RegExp])[] = [
  ['biuldd', 2, /^error: unknown command: biuldd \(did you mean build\?\)\nhint: /],
  ['build', 2, /^error: "wherry build" needs CONTEXT/],
  ['build --tags x .', 2, /^error: unknown flag: --tags \(did you mean --tag\?\)\n/],
  ['build --cache-to type=inline .', 2, /^error: --cache-to is not implemented in this version\n/],
  ['build -t UPPER .', 2, /^error: invalid reference format: "UPPER"/],
  ['build -o type=docker .', 2, /dest is required for type=docker/],
  ['build --progress=tty .', 2, /standard error is not a terminal/],
  ['build --push context', 2, /tag is needed when pushing to registry/],
  ['build -f - -', 2, /can't use stdin for both/],
  ['build no-such-directory', 3, /error: .*no-such-directory/],
  ['push no-such-image', 3, /error: Cannot find "docker\.io\/library\/no-such-image:latest"/],
  ['completion tcsh', 2, /^error: unknown shell: tcsh\n/],
  ['login -u me', 2, /^error: Cannot log in: no password\n/],
  ['login', 2, /^error: Cannot log in: no user name\n/],
  ['help nothing', 2, /^error: unknown command: nothing\n/],
];
for (const [argv, code, stderr] of usage) {
  test(`wherry ${argv} exits with ${code}`, async () => {
    const ended = await wherry(argv.split(' '));
    assert.match(ended.stderr, stderr);
    assert.is(ended.code, code);
    assert.is(ended.stdout, '');
  });
}

test('wherry help, version and completion write to standard output and exit with 0', async () => {
  const version = (
    JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8')) as { version: string }
  ).version;
  const runs: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /^wherry: /],
    [['help', 'build'], /^Usage: wherry build/],
    [['build', '--help'], /^Usage: wherry build/],
    [['--version'], new RegExp(`^${version}\n$`)],
    [['version'], new RegExp(`^wherry ${version} `)],
    [['version', '--json'], /^\{\n {2}"version"/],
    [['completion', 'fish'], /^# fish/],
  ];
  for (const [argv, stdout] of runs) {
    const ended = await wherry(argv);
    assert.match(ended.stdout, stdout);
    assert.is(ended.stderr, '');
    assert.is(ended.code, 0);
  }
});

test('wherry --progress=json tells errors as JSON', async () => {
  const ended = await wherry(['build', '--progress=json', '--nothing', '.']);
  assert.equal(JSON.parse(ended.stderr), {
    error: { code: 'ARGUMENT_INVALID', message: 'unknown flag: --nothing', hint: 'See "wherry build --help".' },
  });
  assert.is(ended.code, 2);
});

test('wherry --debug prints the stack', async () => {
  assert.match((await wherry(['--debug', 'nothing'])).stderr, /\n {4}at /);
});

test('wherry build prints the digest alone, or one name a tag; files hold the rest', async () => {
  const plain = await wherry(['build', 'context']);
  assert.is(plain.code, 0, plain.stderr);
  assert.match(plain.stdout, /^sha256:[0-9a-f]{64}\n$/);
  assert.match(plain.stderr, /^#1 /);
  const tagged = await wherry([
    'build',
    '-q',
    '-t',
    'a',
    '-t',
    'localhost:5000/b:1',
    '--iidfile',
    'iid',
    '--metadata-file',
    'metadata',
    'context',
  ]);
  const digest = plain.stdout.trim();
  assert.is(tagged.stdout, `docker.io/library/a:latest@${digest}\nlocalhost:5000/b:1@${digest}\n`);
  assert.is(tagged.stderr, '');
  const metadata = JSON.parse(readFileSync(join(folder, 'metadata'), 'utf8')) as Record<string, unknown>;
  assert.is(metadata['containerimage.digest'], digest);
  assert.is(metadata['containerimage.config.digest'], readFileSync(join(folder, 'iid'), 'utf8'));
  assert.is(metadata['image.name'], 'docker.io/library/a:latest,localhost:5000/b:1');
});

test('wherry build: a failing instruction shows its lines', async () => {
  const ended = await wherry(['build', '-q', '-f', 'context/Bad', 'context']);
  assert.is(ended.code, 3);
  assert.match(
    ended.stderr,
    /^error: .*missing\.txt.*\n\n.*Bad:2\n-{20}\n {3}1 \| {5}FROM scratch\n {3}2 \| >>> COPY missing\.txt \/\n/,
  );
});

test('wherry build -o - keeps standard output for the archive', async () => {
  const ended = await wherry(['build', '-q', '-t', 'x', '-o', 'type=oci,dest=-', 'context']);
  assert.is(ended.code, 0, ended.stderr);
  assert.match(ended.stdout, /oci-layout/);
  assert.match(ended.stderr, /@?sha256:[0-9a-f]{64}\n$/);
});

test('wherry images, history, inspect and rm', async () => {
  await wherry(['build', '-q', '-t', 'listed', 'context']);
  const images = await wherry(['images']);
  assert.match(images.stdout, /^NAME +DIGEST +PLATFORM +CREATED +SIZE\n/);
  assert.match(
    images.stdout,
    /^docker\.io\/library\/listed:latest +sha256:[0-9a-f]{12} +linux\/\S+ +1970-01-01 +\S+B$/m,
  );
  const list = JSON.parse((await wherry(['images', '--json'])).stdout) as { name: string }[];
  assert.ok(list.some((image) => image.name === 'docker.io/library/listed:latest'));
  const history = await wherry(['history', 'listed']);
  assert.match(
    history.stdout,
    /^LAYER +CREATED +SIZE +CREATED BY\n- +1970-01-01 +0B +CMD \["\/hello.txt"\]\nsha256:[0-9a-f]{12} +1970-01-01 +\S+B +COPY hello\.txt \/\n/,
  );
  assert.is((JSON.parse((await wherry(['history', '--json', 'listed'])).stdout) as unknown[]).length, 2);
  assert.match((await wherry(['inspect', 'listed'])).stdout, /^Cmd: +\["\/hello.txt"\]$/m);
  assert.match((await wherry(['inspect', '--config', 'listed'])).stdout, /^\{"architecture"|^\{.*"rootfs"/);
  const raw = JSON.parse((await wherry(['inspect', '--raw', 'listed'])).stdout) as { schemaVersion: number };
  assert.is(raw.schemaVersion, 2);
  const removed = await wherry(['rm', 'listed']);
  assert.is(removed.stdout, 'docker.io/library/listed:latest\n');
  assert.is((await wherry(['inspect', 'store:listed'])).code, 3);
});

test('wherry registry serve, build --push, tags, SIGTERM', async () => {
  const server = start(['registry', 'serve', '--addr', '127.0.0.1:0', '--root', join(folder, 'registry')]);
  try {
    const url = await new Promise<string>((resolve, reject) => {
      server.stdout?.once('data', (chunk) => resolve(String(chunk).trim()));
      server.once('exit', () => reject(new Error('the registry ended')));
    });
    const host = new URL(url).host;
    const pushed = await wherry(['build', '-q', '--push', '-t', `${host}/team/app:1`, 'context']);
    assert.match(pushed.stdout, new RegExp(`^${host}/team/app:1@sha256:[0-9a-f]{64}\n$`), pushed.stderr);
    assert.is((await wherry(['tags', `${host}/team/app`])).stdout, '1\n');
    const copied = await wherry(['copy', '-q', `${host}/team/app:1`, `oci:${join(folder, 'layout')}:x`]);
    assert.match(copied.stdout, /^oci:.*@sha256:/, copied.stderr);
  } finally {
    server.kill('SIGTERM');
  }
  assert.is(
    await new Promise((resolve) => (server.exitCode === null ? server.on('exit', resolve) : resolve(server.exitCode))),
    0,
  );
});

test('wherry build ends with 130 on SIGINT, and leaves no file behind', async () => {
  const child = start(['build', '-t', 'never', '-o', `type=oci,dest=${join(folder, 'never.tar')}`, '-']);
  let stderr = '';
  child.stderr?.on('data', (chunk) => (stderr += String(chunk)));
  // It waits for its context on standard input.
  await new Promise((resolve) => child.stderr?.once('data', resolve));
  child.kill('SIGINT');
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.is(code, 130, stderr);
  assert.match(stderr, /error: Interrupted\n$/);
  assert.throws(() => readFileSync(join(folder, 'never.tar')), /ENOENT/);
});

test('wherry ends quietly when the reader of standard output leaves', async () => {
  const child = start(['help', 'build']);
  child.stdout?.destroy();
  let stderr = '';
  child.stderr?.on('data', (chunk) => (stderr += String(chunk)));
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.is(stderr, '');
  assert.is(code, 0);
});

test('wherry tells when standard output can not be written', async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [main, 'version'], { stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  let stderr = '';
  child.stderr?.on('data', (chunk) => (stderr += String(chunk)));
  assert.is(await new Promise((resolve) => child.on('close', resolve)), 1);
  assert.match(stderr, /^error: Cannot write to standard output: ENOSPC/);
});

test('wherry help starts in well under a second', async () => {
  await wherry(['version']);
  const before = performance.now();
  await wherry(['version']);
  assert.ok(performance.now() - before < 700);
});

test.run();
