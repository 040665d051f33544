// What users get wrong in Dockerfiles, arguments, contexts and destinations: the code, the lines, the next step, and that
// nothing half-written stays.
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { serve } from '../../src/index.ts';
import { must, writeFiles } from './command.ts';
import { openQuay, type Refusal } from './refusals.ts';
import { serveOn } from './servers.ts';

const quay = await openQuay(async () => readFileSync(join(served, 'index.json'), 'utf8'));
const served = join(quay.folder, 'registry');
const registry = await serve({ address: '127.0.0.1:0', root: served });
const web = await serveOn((asked, response) => {
  if (asked.url === '/cut')
    response.writeHead(200, { 'content-length': '100' }).write('only this', () => response.destroy());
  else if (asked.url === '/file') response.end('the file\n');
  else response.writeHead(404).end();
});
const base = `${registry.address}/team/base:1`;
const zeros = '0'.repeat(64);
const isRoot = process.getuid?.() === 0;

test.before(async () => {
  const context = writeFiles(join(quay.folder, 'base'), { Dockerfile: 'FROM scratch\nCOPY a /\n', a: 'a\n' });
  const platforms = ['--platform', 'linux/amd64,linux/arm64'];
  await quay.must(['build', '-q', ...platforms, '--push', '-t', base, context]);
});

test.after(async () => {
  web.server.closeAllConnections();
  web.server.close();
  await registry.close();
});

const build = ['build', 'CONTEXT'];

/** A case of one Dockerfile beside the file `a`. */
function dockerfile(
  title: string,
  text: string,
  wanted: Partial<Refusal> & Pick<Refusal, 'message' | 'marked'>,
): Refusal {
  const files = { Dockerfile: text, a: 'a\n', ...wanted.files };
  return { argv: build, exit: 1, code: 'DOCKERFILE_INVALID', ...wanted, title, files };
}

const dockerfiles: readonly Refusal[] = [
  dockerfile('an unknown instruction', 'FROM scratch\nCOPPY a /\n', {
    message: /^error: dockerfile parse error on line 2: unknown instruction: COPPY \(did you mean COPY\?\)$/m,
    marked: 'COPPY a /',
  }),
  dockerfile('an unknown flag of an instruction', 'FROM scratch\nCOPY --chwon=1 \\\n  a /\n', {
    message: /^error: dockerfile parse error on line 2: unknown flag: --chwon \(did you mean chown\?\)$/m,
    marked: 'COPY --chwon=1 \\\n  a /',
  }),
  dockerfile('a RUN that is needed', 'FROM scratch\nRUN true\n', {
    code: 'UNIMPLEMENTED',
    message: /^error: Cannot execute RUN: /,
    hint: /^hint: Leave the RUN out, /,
    marked: 'RUN true',
  }),
  dockerfile('a missing source', 'FROM scratch\nCOPY a b /\n', {
    code: 'SOURCE_NOT_FOUND',
    exit: 3,
    message: /^error: Cannot copy from the build context: "\/b": not found$/m,
    hint: /^hint: In the root of the build context there are "Dockerfile", "a"\.$/m,
    marked: 'COPY a b /',
  }),
  dockerfile('a source that .dockerignore excludes', 'FROM scratch\nCOPY secrets/key /\n', {
    files: { '.dockerignore': '# ours\nother\nsecr*\n', 'secrets/key': 'k\n' },
    code: 'SOURCE_NOT_FOUND',
    exit: 3,
    message: /"\/secrets\/key": not found$/m,
    hint: /^hint: It is excluded by \.dockerignore line 3 \("secr\*"\)/m,
    marked: 'COPY secrets/key /',
  }),
  dockerfile('a source out of the context', 'FROM scratch\nCOPY ../../earlier/a /\n', {
    code: 'SOURCE_NOT_FOUND',
    exit: 3,
    message: /"\/earlier\/a": not found$/m,
    marked: 'COPY ../../earlier/a /',
  }),
  dockerfile('a wrong checksum', `FROM scratch\nADD --checksum=sha256:${zeros} ${web.origin}/file /\n`, {
    code: 'CHECKSUM_MISMATCH',
    message: /^error: digest mismatch for http:\S+\/file: sha256:[0-9a-f]{64} \(expected: sha256:0{64}\)$/m,
    hint: /^hint: The file at that URL is not the one/,
    marked: `ADD --checksum=sha256:${zeros} ${web.origin}/file /`,
  }),
  dockerfile('a checksum that is none', `FROM scratch\nADD --checksum=sha256:12 ${web.origin}/file /\n`, {
    message: /^error: invalid checksum "sha256:12"/,
    hint: /64 hex digits/,
    marked: `ADD --checksum=sha256:12 ${web.origin}/file /`,
  }),
  dockerfile('a URL that is not there', `FROM scratch\nADD ${web.origin}/none /\n`, {
    code: 'DOWNLOAD_FAILED',
    message: /^error: invalid response status 404$/m,
    hint: /\/none/,
    marked: `ADD ${web.origin}/none /`,
  }),
  dockerfile('a download that is cut', `FROM scratch\nADD ${web.origin}/cut /\n`, {
    code: 'DOWNLOAD_FAILED',
    message: /^error: Cannot download "http:\S+\/cut": /,
    marked: `ADD ${web.origin}/cut /`,
  }),
  dockerfile('an unknown base', `FROM ${registry.address}/team/none AS x\n`, {
    code: 'MANIFEST_UNKNOWN',
    exit: 3,
    message: /\/team\/none:latest: not found$/m,
    hint: /spelled right\?/,
    marked: `FROM ${registry.address}/team/none AS x`,
  }),
  dockerfile('an unknown tag', `FROM scratch\nCOPY --from=${registry.address}/team/base:2 /a /\n`, {
    code: 'MANIFEST_UNKNOWN',
    exit: 3,
    message: /\/team\/base:2: not found$/m,
    hint: /spelled right\?/,
    marked: `COPY --from=${registry.address}/team/base:2 /a /`,
  }),
  dockerfile('a platform that the base does not have', `FROM --platform=linux/s390x ${base}\n`, {
    code: 'PLATFORM_UNKNOWN',
    exit: 3,
    message: /no match for platform in manifest: .* has no image for "linux\/s390x"$/m,
    hint: /^hint: It has: linux\/amd64, linux\/arm64\.$/m,
    marked: `FROM --platform=linux/s390x ${base}`,
  }),
  dockerfile('a base that is no name', 'FROM team/Base:1\n', {
    code: 'REFERENCE_INVALID',
    message: /^error: failed to parse stage name "team\/Base:1": invalid reference format$/m,
    hint: /^hint: Write "team\/base:1"\.$/m,
    marked: 'FROM team/Base:1',
  }),
  dockerfile('a stage that copies from itself', 'FROM scratch AS me\nCOPY --from=me a /\n', {
    message: /^error: circular dependency detected on stage: me$/m,
    hint: /stages above it/,
    marked: 'COPY --from=me a /',
  }),
  dockerfile('stages in a circle', 'FROM scratch AS x\nCOPY --from=y /a /\nFROM x AS y\n', {
    message: /^error: cannot copy from stage "y", it needs to be defined before current stage "x"$/m,
    hint: /stages above it/,
    marked: 'COPY --from=y /a /',
  }),
  dockerfile('a stage index too high', 'FROM scratch\nCOPY --from=3 a /\n', {
    message: /^error: invalid stage index 3$/m,
    hint: /from 0/,
    marked: 'COPY --from=3 a /',
  }),
  dockerfile('an unknown user', `FROM scratch\nCOPY --chown=sailor a /\n`, {
    code: 'COPY_FAILED',
    message: /^error: Cannot use owner "sailor": unknown user "sailor"/,
    hint: /number/,
    marked: 'COPY --chown=sailor a /',
  }),
];

const plainFiles = { Dockerfile: 'FROM scratch\nCOPY a /\n', a: 'a\n' };

const usages: readonly Refusal[] = [
  {
    title: 'an unknown flag',
    argv: [...build, '--lable=a=b'],
    exit: 2,
    code: 'ARGUMENT_INVALID',
    message: /^error: unknown flag: --lable \(did you mean --label\?\)$/m,
    hint: /wherry build --help/,
  },
  {
    title: 'a flag that is not there yet',
    argv: [...build, '--cache-to=type=inline'],
    exit: 2,
    code: 'UNIMPLEMENTED',
    message: /^error: --cache-to is not implemented in this version$/m,
    hint: /Leave it out/,
  },
  {
    title: 'a target that is no stage',
    files: { Dockerfile: 'FROM scratch AS build\nFROM scratch AS final\n' },
    argv: [...build, '--target=biuld'],
    exit: 3,
    code: 'TARGET_NOT_FOUND',
    message: /^error: target stage "biuld" could not be found \(did you mean build\?\)$/m,
    hint: /Stages: build, final\./,
  },
  {
    title: 'a tag with upper case',
    argv: [...build, '-t', 'team/App:1'],
    exit: 2,
    code: 'REFERENCE_INVALID',
    message: /^error: invalid reference format: "team\/App:1": repository name must be lowercase$/m,
    hint: /^hint: Write "team\/app:1"\.$/m,
  },
  {
    title: 'a tag with a space',
    argv: [...build, '-t', 'App 1'],
    exit: 2,
    code: 'REFERENCE_INVALID',
    message: /^error: invalid reference format: "App 1"/,
  },
  {
    title: 'a digest that is none',
    argv: ['pull', 'app@sha256:12'],
    exit: 2,
    code: 'REFERENCE_INVALID',
    message: /^error: invalid reference format: .*digest "sha256:12" is not valid$/m,
  },
  {
    title: 'a platform that is none',
    argv: [...build, '--platform=linux/arm64/v8/x'],
    exit: 2,
    code: 'ARGUMENT_INVALID',
    message: /^error: failed to parse platform linux\/arm64\/v8\/x: want os\/architecture/,
  },
  {
    title: 'a context that is not there',
    argv: ['build', 'CONTEXT/none'],
    exit: 3,
    code: 'CONTEXT_NOT_FOUND',
    message: /^error: unable to prepare context: path ".*\/none" not found$/m,
    hint: /last argument of build is the context/,
  },
  {
    title: 'a context without Dockerfile',
    argv: build,
    exit: 3,
    code: 'DOCKERFILE_NOT_FOUND',
    message: /^error: failed to read dockerfile: open Dockerfile: no such file or directory$/m,
    hint: /-f/,
  },
  {
    title: 'an image that the store does not have',
    argv: ['push', 'nowhere:1'],
    exit: 3,
    code: 'MANIFEST_UNKNOWN',
    message: /^error: Cannot find "docker\.io\/library\/nowhere:1" in the store$/m,
    hint: /wherry images/,
  },
];

const destinations: readonly Refusal[] = [
  ...['oci', 'docker', 'tar'].map((type) => ({ type, reason: 'no such file or directory', dest: 'OUT/no/x.tar' })),
  ...['oci', 'tar'].map((type) => ({ type, reason: 'not a directory', dest: 'CONTEXT/a/x.tar' })),
  ...['oci', 'docker', 'tar'].map((type) => ({ type, reason: 'no space left on device', dest: '/dev/full' })),
].map(({ type, reason, dest }) => ({
  title: `type=${type} to ${dest}`,
  files: plainFiles,
  argv: [...build, '-o', `type=${type},dest=${dest}`],
  exit: 1,
  code: 'OUTPUT_FAILED',
  message: new RegExp(`^error: Cannot write ".*": ${reason}$`, 'm'),
  hint: /^hint: Does the directory exist, may you write there, and is there room\?$/m,
}));

/** A tar of one Dockerfile and one file under this name. */
async function hostileTar(name: string): Promise<Buffer> {
  const folder = writeFiles(join(quay.folder, 'hostile'), { Dockerfile: 'FROM scratch\nCOPY . /\n', evil: 'x\n' });
  const rename = ['--transform', `s,^evil$,${name},`];
  const path = join(quay.folder, 'hostile.tar');
  await must(['tar', '-C', folder, '-P', ...rename, '-cf', path, 'Dockerfile', 'evil']);
  return readFileSync(path);
}

for (const refusal of [...dockerfiles, ...usages, ...destinations])
  test(`wherry refuses ${refusal.title}`, () => quay.refuses(refusal));

test('wherry refuses a symlink that leaves the context', async () => {
  // Not by writeFiles, which knows files only.
  const folder = writeFiles(join(quay.folder, 'links'), { Dockerfile: 'FROM scratch\nCOPY out/base/a /\n' });
  symlinkSync('..', join(folder, 'out'));
  await quay.refuses({
    title: 'link',
    argv: ['build', folder],
    exit: 3,
    code: 'SOURCE_NOT_FOUND',
    message: /^error: Cannot copy from the build context: "\/out\/base\/a": not found$/m,
    hint: /^hint: "\/out" is a symbolic link to "\.\.": links are followed inside the build context and never out of it\.$/m,
    marked: 'COPY out/base/a /',
  });
});

test('a symlink of a stage is followed inside its root', async () => {
  const folder = writeFiles(join(quay.folder, 'stage-links'), {
    Dockerfile: 'FROM scratch AS s\nADD t.tar /\nFROM scratch\nCOPY --from=s /out/base/a /\n',
  });
  symlinkSync(quay.folder, join(folder, 'out'));
  await must(['tar', '-C', folder, '-cf', join(folder, 't.tar'), 'out']);
  await quay.refuses({
    title: 'stage link',
    argv: ['build', folder],
    exit: 3,
    code: 'SOURCE_NOT_FOUND',
    message: /"\/out\/base\/a": not found$/m,
    hint: /symbolic link/,
    marked: 'COPY --from=s /out/base/a /',
  });
});

test('wherry refuses a tar that leads out of its root: as context, by ADD and by load', async () => {
  const input = await hostileTar('../../evil');
  const message = /^error: Cannot read archive entry "\.\.\/\.\.\/evil": .*it leads out of the root$/m;
  const wanted = { exit: 1, code: 'ARCHIVE_INVALID', message, input };
  await quay.refuses({ ...wanted, title: 'context', argv: ['build', '-'] });
  await quay.refuses({ ...wanted, title: 'load', argv: ['load'] });
  const folder = writeFiles(join(quay.folder, 'add'), { Dockerfile: 'FROM scratch\nADD x.tar /\n' });
  writeFileSync(join(folder, 'x.tar'), input);
  await quay.refuses({ ...wanted, title: 'ADD', argv: ['build', folder], marked: 'ADD x.tar /' });
});

test('absolute paths of a tar are paths below its root', async () => {
  const input = await hostileTar(`${quay.folder}/absolute`);
  await quay.must(['build', '-q', '-o', join(quay.folder, 'unpacked'), '-'], { input });
  assert.is(readFileSync(join(quay.folder, 'unpacked', quay.folder, 'absolute'), 'utf8'), 'x\n');
  assert.not.ok(readdirSync(quay.folder).includes('absolute'));
});

test('duplicate stage names are told, and the later stage wins', async () => {
  const folder = writeFiles(join(quay.folder, 'twice'), {
    Dockerfile: 'FROM scratch AS x\nCOPY a /one\nFROM scratch AS X\nCOPY a /two\nFROM scratch\nCOPY --from=x / /\n',
    a: 'a\n',
  });
  const out = join(quay.folder, 'twice-out');
  const ran = await quay.wherry(['build', '--progress=json', '-o', out, folder]);
  assert.is(ran.code, 0, ran.stderr);
  assert.equal(readdirSync(out), ['two']);
  const events = ran.stderr.trimEnd().split('\n');
  const warnings = events.map((line) => JSON.parse(line) as Record<string, unknown>).filter((each) => each['rule']);
  assert.equal(
    warnings.map(({ rule, message }) => [rule, message]),
    [['DuplicateStageName', 'Duplicate stage name "x", stage names should be unique']],
  );
});

test('a base of another platform is told', async () => {
  const folder = writeFiles(join(quay.folder, 'other-platform'), {
    Dockerfile: `FROM ${registry.address}/team/lone\n`,
  });
  const lone = join(quay.folder, 'base');
  await quay.must(['build', '-q', '--platform=linux/arm64', '--push', '-t', `${registry.address}/team/lone`, lone]);
  const ran = await quay.wherry(['build', '--platform=linux/amd64', folder]);
  assert.is(ran.code, 0, ran.stderr);
  assert.match(ran.stderr, /team\/lone was pulled with platform "linux\/arm64", expected "linux\/amd64"/);
  const name = `docker://${registry.address}/team/lone`;
  const inspected = await quay.wherry(['inspect', '--platform=linux/amd64', name]);
  assert.is(inspected.code, 3);
  assert.match(inspected.stderr, /is an image for "linux\/arm64" alone, not for "linux\/amd64"/);
});

if (isRoot) {
  test('wherry refuses a context that may not be read', async () => {
    const folder = writeFiles(join(quay.folder, 'closed'), { Dockerfile: 'FROM scratch\n' });
    chmodSync(quay.folder, 0o711);
    chmodSync(folder, 0o700);
    const store = join(quay.folder, 'open-store');
    mkdirSync(store);
    chmodSync(store, 0o777);
    // `setpriv` gives up root for one command.
    const said = await must([
      ...['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'sh', '-c'],
      `"${process.execPath}" dist/src/cli/main.js build --store "${store}" "${folder}" 2>&1 || echo "exit $?"`,
    ]);
    assert.match(said, /^error: unable to prepare context: cannot read ".*\/closed": permission denied$/m);
    assert.match(said, /^hint: .*\nexit 1\n$/m);
  });

  test('a full disk leaves no output and no image', async () => {
    const disk = join(quay.folder, 'disk');
    mkdirSync(disk);
    await must(['mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]);
    try {
      const files = { Dockerfile: 'FROM scratch\nCOPY big /\n', big: '' };
      const context = writeFiles(join(quay.folder, 'big'), files);
      await must(['dd', 'if=/dev/urandom', `of=${join(context, 'big')}`, 'bs=1M', 'count=6', 'status=none']);
      mkdirSync(join(disk, 'out'));
      await quay.refuses({
        title: 'output',
        argv: ['build', '-o', `type=tar,dest=${disk}/out/x.tar`, context],
        exit: 1,
        code: 'OUTPUT_FAILED',
        message: /^error: Cannot write ".*\/x\.tar": no space left on device$/m,
      });
      assert.equal(readdirSync(join(disk, 'out')), []);
      const ran = await quay.wherry(['build', '-t', 'big:1', '--store', join(disk, 'store'), context]);
      assert.is(ran.code, 1, ran.stderr);
      assert.match(ran.stderr, /^error: .*no space left on device/m);
      assert.is(await quay.must(['images', '--json', '--store', join(disk, 'store')]), '[]');
      assert.equal(readdirSync(join(disk, 'store/wherry/tmp')), []);
      assert.equal(readdirSync(join(disk, 'store/blobs/sha256')), []);
    } finally {
      await must(['umount', disk]);
      rmSync(disk, { recursive: true });
    }
  });
}

test('after all of it the store is whole', () => quay.isIntact());

test.run();
