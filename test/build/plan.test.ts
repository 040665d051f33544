import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { NamedContext } from '../../src/build/options.ts';
import { parseReference } from '../../src/oci/reference.ts';
import { planText } from './plan-text.ts';
import { failure } from './room.ts';

const image = (name: string): NamedContext => ({ kind: 'image', reference: parseReference(name) });
const directory = (path: string): NamedContext => ({ kind: 'directory', path });
const bases = {
  'docker.io/library/alpine:latest': {},
  'docker.io/library/other:1': {},
  'reg.example/a:latest': {},
};

test('targetIndex: the last stage, a name of any case, no number', async () => {
  const text = 'FROM scratch AS a\nUSER a\nFROM scratch AS b\nUSER b\n';
  assert.is((await planText(text)).stage.config.config.User, 'b');
  assert.is((await planText(text, { target: 'A' })).stage.config.config.User, 'a');
  assert.match(await failure(planText(text, { target: '0' })), /TARGET_NOT_FOUND: target stage "0" could not be found/);
  assert.match(
    await failure(planText('FROM scratch AS build', { target: 'bulid' })),
    /target stage "bulid" could not be found \(did you mean build\?\)/,
  );
});

test('FROM: an earlier stage before scratch, scratch before a context, a context before an image', async () => {
  const asked = async (text: string, contexts: Record<string, NamedContext> = {}): Promise<readonly string[]> =>
    (await planText(text, { bases, contexts })).asked;
  assert.equal(await asked('FROM scratch AS alpine\nFROM alpine'), []);
  assert.equal(await asked('FROM alpine\nFROM scratch AS alpine', {}), []);
  assert.equal(await asked('FROM alpine AS x\nFROM scratch AS alpine\nFROM x'), [
    'docker.io/library/alpine:latest linux/amd64',
  ]);
  assert.equal(await asked('FROM scratch', { scratch: image('alpine') }), []);
  assert.equal(await asked('FROM alpine', { alpine: image('other:1') }), ['docker.io/library/other:1 linux/amd64']);
  assert.equal(await asked('FROM alpine'), ['docker.io/library/alpine:latest linux/amd64']);
});

test('FROM: of two stages of one name a later one means the later, and an earlier one the earlier', async () => {
  const text = 'FROM scratch AS a\nUSER 1\nFROM a AS a\nENV x=1\nFROM a\n';
  const { stage } = await planText(text);
  assert.is(stage.config.config.User, '1');
  assert.is(stage.config.config.Env?.includes('x=1'), true);
});

test('FROM: stages that the target does not need are not looked at', async () => {
  const text = 'FROM nowhere AS unused\nCOPY --from=nowhere2 a b\nRUN true\nFROM scratch AS app\nUSER 1\nFROM unused\n';
  const { asked } = await planText(text, { target: 'app' });
  assert.equal(asked, []);
});

test('FROM: an image that several stages need is looked up once', async () => {
  const text =
    'FROM alpine AS a\nFROM docker.io/library/alpine:latest AS b\nCOPY --from=alpine x y\nFROM b\nCOPY --from=a x y';
  const { asked } = await planText(text, { bases });
  assert.equal(asked, ['docker.io/library/alpine:latest linux/amd64']);
});

const spellings: readonly (readonly [from: string, context: string])[] = [
  ['alpine', 'alpine'],
  ['alpine', 'alpine:latest'],
  ['alpine', 'docker.io/library/alpine'],
  ['docker.io/library/alpine:latest', 'alpine'],
  ['alpine', 'alpine::linux/amd64'],
  ['reg.example/a', 'reg.example/a:latest'],
];
for (const [from, context] of spellings)
  test(`named contexts: ${context} replaces FROM ${from}`, async () => {
    const { stage } = await planText(`FROM ${from}\n`, { contexts: { [context]: directory('/d') } });
    assert.is(stage.base.kind, 'tree');
  });

test('named contexts: not another tag, another platform or a name that objects have', async () => {
  const { asked } = await planText('FROM alpine AS constructor\n', {
    bases,
    contexts: { 'alpine:3': directory('/d'), 'alpine::linux/arm64': directory('/d') },
  });
  assert.equal(asked, ['docker.io/library/alpine:latest linux/amd64']);
});

test('named contexts: of a platform before those of all', async () => {
  const contexts = { alpine: directory('/all'), 'alpine::linux/arm64': directory('/arm') };
  const { stage } = await planText('FROM alpine', { contexts, platform: 'linux/arm64' });
  assert.equal(stage.base.kind === 'tree' && stage.base.source, directory('/arm'));
});

test('named contexts: one of a stage name replaces the stage with its instructions', async () => {
  const text = 'FROM nowhere AS build\nRUN make\nUSER 1\nFROM scratch\nCOPY --from=build a b\n';
  const { stage, asked } = await planText(text, { contexts: { build: directory('/d') } });
  assert.equal(asked, []);
  const [step] = stage.steps;
  const [source] = step?.kind === 'copy' ? step.sources : [];
  assert.is(source?.kind === 'path' && source.root.kind === 'stage' && source.root.stage.base.kind, 'tree');
});

test('named contexts: layouts and images serve FROM and --from', async () => {
  const layout: NamedContext = { kind: 'layout', path: '/l', selector: 'v1' };
  const { asked } = await planText('FROM base\nCOPY --from=files a b\nCOPY --from=files c d', {
    bases: { '/l:v1': {}, 'docker.io/library/other:1': {} },
    contexts: { base: layout, files: image('other:1') },
  });
  assert.equal([...asked].sort(), ['/l:v1 linux/amd64', 'docker.io/library/other:1 linux/amd64']);
});

const roots: readonly (readonly [from: string, want: string])[] = [
  ['0', 'stage a'],
  ['a', 'stage a'],
  ['A', 'stage a'],
  ['1', 'stage stage-1'],
  ['alpine', 'image docker.io/library/alpine:latest'],
  ['files', 'tree files'],
  ['scratch', 'tree scratch'],
];
for (const [from, want] of roots)
  test(`--from=${from} is ${want}`, async () => {
    const text = `FROM scratch AS a\nFROM scratch\nFROM scratch AS c\nCOPY --from=${from} x y\n`;
    const { stage } = await planText(text, { bases, contexts: { files: directory('/d') } });
    const [step] = stage.steps;
    const [source] = step?.kind === 'copy' ? step.sources : [];
    if (source?.kind !== 'path') return assert.unreachable();
    const root = source.root;
    const name =
      root.kind === 'stage'
        ? root.stage.name
        : root.kind === 'image'
          ? root.image.name
          : root.kind === 'tree'
            ? root.name
            : '';
    assert.is(`${root.kind} ${name}`, want);
  });

const failures: readonly (readonly [text: string, want: RegExp])[] = [
  ['FROM scratch\nCOPY --from=7 a b', /DOCKERFILE_INVALID: invalid stage index 7/],
  ['FROM scratch\nCOPY --from=0 a b', /circular dependency detected on stage: 0/],
  ['FROM scratch AS me\nCOPY --from=ME a b', /circular dependency detected on stage: me/],
  [
    'FROM scratch AS me\nCOPY --from=late a b\nFROM scratch AS late\nFROM me',
    /cannot copy from stage "late", it needs to be defined before current stage "me"/,
  ],
  [
    'FROM scratch AS me\nCOPY --from=1 a b\nFROM me',
    /cannot copy from stage "1", it needs to be defined before current stage "me"/,
  ],
  [
    'FROM scratch\nCOPY --from=A:B:C a b',
    /REFERENCE_INVALID: failed to parse stage name "A:B:C": invalid reference format/,
  ],
  ['FROM scratch\nCOPY --from=nowhere a b', /MANIFEST_UNKNOWN/],
  ['ARG b\nFROM $b', /base name \(\$b\) should not be blank/],
  ['FROM --platform=$x scratch', /empty platform value from expression \$x/],
  ['FROM --platform=a/b/c/d scratch', /a\/b\/c\/d/],
  ['FROM Not/Lower', /failed to parse stage name "Not\/Lower"/],
  ['FROM nowhere', /MANIFEST_UNKNOWN/],
];
for (const [text, want] of failures)
  test(`plan: the error of ${text.replaceAll('\n', ' | ')}`, async () => {
    assert.match(await failure(planText(text)), want);
  });

test('plan: an unknown base points at its FROM, a bad --from at its COPY', async () => {
  for (const [text, line] of [
    ['# c\nFROM nowhere', 2],
    ['FROM scratch\n\nCOPY --from=nowhere a b', 3],
  ] as const)
    try {
      await planText(text);
      assert.unreachable();
    } catch (error) {
      assert.is((error as { range?: { start: { line: number } } }).range?.start.line, line);
    }
});

test('ONBUILD: triggers of an image run after FROM, in order, once', async () => {
  const config = { config: { Env: ['A=1'], OnBuild: ['ENV B=$A', 'COPY --from=files x /y'] } };
  const options = { bases: { 'docker.io/library/alpine:latest': config }, contexts: { files: directory('/d') } };
  const child = await planText('FROM alpine\nENV C=$B', options);
  assert.equal(child.stage.config.config.Env?.slice(-2), ['B=1', 'C=1']);
  assert.is(child.stage.config.config.OnBuild, undefined);
  assert.match(child.stage.steps[0]?.title ?? '', /^\[2\/2\] ONBUILD COPY --from=files x \/y$/);
  const grandchild = await planText('FROM alpine AS a\nFROM a', options);
  assert.is(grandchild.stage.steps.length, 0);
  const copied = await planText('FROM scratch\nCOPY --from=alpine x y', options);
  assert.is(copied.stage.steps.length, 1);
});

test('ONBUILD: triggers of a stage run in those FROM it, not in the stage', async () => {
  const text = 'FROM scratch AS a\nONBUILD USER 7\nFROM a AS b\nFROM b\n';
  assert.is((await planText(text, { target: 'a' })).stage.config.config.User, undefined);
  assert.is((await planText(text, { target: 'b' })).stage.config.config.User, '7');
  assert.is((await planText(text)).stage.config.history.filter((entry) => entry.created_by === 'USER 7').length, 1);
});

test('ONBUILD: a bad trigger points at the FROM', async () => {
  const config = { config: { OnBuild: ['FROM x'] } };
  try {
    await planText('# c\nFROM alpine', { bases: { 'docker.io/library/alpine:latest': config } });
    assert.unreachable();
  } catch (error) {
    assert.is((error as { range?: { start: { line: number } } }).range?.start.line, 2);
  }
});

test('plan: what is inherited from a base, and what is not', async () => {
  const config = {
    author: 'me',
    created: '2020-01-01T00:00:00Z',
    config: { User: 'u', Env: ['A=1'], Cmd: ['c'], Labels: { l: '1' }, WorkingDir: '/w', Volumes: { '/v': {} } },
  };
  const { stage } = await planText('FROM alpine\nENV B=$A\nWORKDIR d', {
    bases: { 'docker.io/library/alpine:latest': config },
  });
  const run = stage.config.config;
  assert.equal(run.Env, ['A=1', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'B=1']);
  assert.equal([run.User, run.Cmd, run.WorkingDir], ['u', ['c'], '/w/d']);
  assert.is(stage.config.author, 'me');
  assert.is(stage.config.created, undefined);
});

test("plan: FROM --platform names what is asked for; a given platform is the image's", async () => {
  const options = { bases: { 'docker.io/library/alpine:latest': { architecture: 'arm64' } } };
  const flagged = await planText('FROM --platform=linux/arm64 alpine', options);
  assert.equal(flagged.asked, ['docker.io/library/alpine:latest linux/arm64']);
  assert.is((await planText('FROM alpine', options)).stage.config.architecture, 'arm64');
  const given = await planText('FROM alpine', { ...options, platform: 'linux/s390x' });
  assert.is(given.stage.config.architecture, 's390x');
  assert.equal(given.warnings, ['InvalidBaseImagePlatform']);
  assert.is((await planText('FROM --platform=linux/arm64 scratch')).stage.config.architecture, 'amd64');
});

test('plan: titles count the base and what makes layers', async () => {
  const one = await planText('FROM alpine\nENV a=1\ncopy  a \\\n  b\nWORKDIR /x\nWORKDIR /', { bases });
  assert.equal(
    one.stage.steps.map((step) => step.title),
    ['[2/3] COPY a b', '[3/3] WORKDIR /x'],
  );
  const several = await planText('FROM scratch AS a\nFROM scratch\nCOPY a b\nCOPY c d');
  assert.equal(
    several.stage.steps.map((step) => step.title),
    ['[stage-1 1/2] COPY a b', '[stage-1 2/2] COPY c d'],
  );
});

test('plan: --no-cache and --no-cache-filter mark steps', async () => {
  const text = 'FROM scratch AS a\nCOPY a b\nFROM scratch AS b\nCOPY --from=a a b\n';
  const marks = async (options: object): Promise<readonly boolean[]> => {
    const { stage } = await planText(text, options);
    const [step] = stage.steps;
    const [source] = step?.kind === 'copy' ? step.sources : [];
    const below = source?.kind === 'path' && source.root.kind === 'stage' ? source.root.stage.steps : [];
    return [...below, ...stage.steps].map((each) => each.noCache);
  };
  assert.equal(await marks({}), [false, false]);
  assert.equal(await marks({ noCache: true }), [true, true]);
  assert.equal(await marks({ noCacheFilter: ['A'] }), [true, false]);
});

test('keyOfStage: the same for other titles, names and platforms; not for other steps or bases', async () => {
  const key = async (text: string, options: object = {}): Promise<string> =>
    (await planText(text, { bases, ...options })).stage.key;
  const first = await key('FROM alpine\nCOPY a b');
  assert.is(await key('from alpine AS x\n# c\ncopy a   b\nUSER 1'), first);
  assert.is(await key('FROM --platform=linux/amd64 alpine\nCOPY a b', { platform: 'linux/arm64' }), first);
  assert.is(await key('FROM alpine AS y\nCOPY a b\nFROM scratch AS z\nFROM alpine\nCOPY a b'), first);
  for (const other of [
    'FROM alpine\nCOPY a c',
    'FROM scratch\nCOPY a b',
    'FROM alpine\nCOPY --chmod=600 a b',
    'FROM alpine\nWORKDIR /x\nCOPY a b',
  ])
    assert.is.not(await key(other), first, other);
});

test.run();
