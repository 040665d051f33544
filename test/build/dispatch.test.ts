import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RunConfig } from '../../src/oci/config.ts';
import { planText } from './plan-text.ts';
import { failure } from './room.ts';

const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const start: RunConfig = { Env: [path], WorkingDir: '/' };

interface Effect {
  readonly text: string;
  /** What it adds to the run config. */
  readonly config?: RunConfig;
  readonly history?: readonly string[];
  readonly steps?: number;
}

const effects: readonly Effect[] = [
  { text: 'ENV A=1 B="2 $A"', config: { Env: [path, 'A=1', 'B=2 '] }, history: ['ENV A=1 B=2 '] },
  { text: 'ENV A=1\nENV B=$A', config: { Env: [path, 'A=1', 'B=1'] }, history: ['ENV A=1', 'ENV B=1'] },
  { text: 'ENV A=1 B=2\nENV A=3', config: { Env: [path, 'A=3', 'B=2'] }, history: ['ENV A=1 B=2', 'ENV A=3'] },
  {
    text: 'ENV PATH=/x:$PATH',
    config: { Env: [path.replace('=', '=/x:')] },
    history: [`ENV ${path.replace('=', '=/x:')}`],
  },
  { text: 'ARG a=1\nARG b=$a c', history: ['ARG a=1', 'ARG b=1 c'] },
  {
    text: 'ARG a=1\nENV a=2\nLABEL v=$a',
    config: { Env: [path, 'a=2'], Labels: { v: '2' } },
    history: ['ARG a=1', 'ENV a=2', 'LABEL v=2'],
  },
  {
    text: 'ENV a=2\nARG a=1\nLABEL v=$a',
    config: { Env: [path, 'a=2'], Labels: { v: '1' } },
    history: ['ENV a=2', 'ARG a=1', 'LABEL v=1'],
  },
  {
    text: 'LABEL a=1 b="x y"\nLABEL a=2',
    config: { Labels: { a: '2', b: 'x y' } },
    history: ['LABEL a=1 b=x y', 'LABEL a=2'],
  },
  {
    text: 'WORKDIR /a\nWORKDIR b/../c',
    config: { WorkingDir: '/a/c' },
    history: ['WORKDIR /a', 'WORKDIR /a/c'],
    steps: 2,
  },
  { text: 'WORKDIR /', history: ['WORKDIR /'], steps: 0 },
  { text: 'USER 1:2', config: { User: '1:2' }, history: ['USER 1:2'] },
  {
    text: 'CMD echo $A',
    config: { Cmd: ['/bin/sh', '-c', 'echo $A'], ArgsEscaped: true },
    history: ['CMD ["/bin/sh" "-c" "echo $A"]'],
  },
  {
    text: 'SHELL ["b", "-c"]\nCMD x',
    config: { Shell: ['b', '-c'], Cmd: ['b', '-c', 'x'], ArgsEscaped: true },
    history: ['SHELL [b -c]', 'CMD ["b" "-c" "x"]'],
  },
  {
    text: 'CMD ["a"]\nENTRYPOINT ["e"]',
    config: { Cmd: ['a'], ArgsEscaped: true, Entrypoint: ['e'] },
    history: ['CMD ["a"]', 'ENTRYPOINT ["e"]'],
  },
  {
    text: 'ENTRYPOINT e',
    config: { Entrypoint: ['/bin/sh', '-c', 'e'], Cmd: [] },
    history: ['ENTRYPOINT ["/bin/sh" "-c" "e"]'],
  },
  {
    text: 'EXPOSE 80 53/UDP 8000-8001',
    config: { ExposedPorts: { '53/udp': {}, '80/tcp': {}, '8000/tcp': {}, '8001/tcp': {} } },
    history: ['EXPOSE [53/udp 80/tcp 8000/tcp 8001/tcp]'],
  },
  { text: 'VOLUME /a ["b"]', config: { Volumes: { '/a': {}, '[b]': {} } }, history: ['VOLUME [/a [b]]'] },
  { text: 'STOPSIGNAL SIGKILL', config: { StopSignal: 'SIGKILL' }, history: ['STOPSIGNAL SIGKILL'] },
  {
    text: 'HEALTHCHECK --interval=90s --retries=2 CMD ["a"]',
    config: { Healthcheck: { Test: ['CMD', 'a'], Interval: 90e9, Retries: 2 } },
    history: ['HEALTHCHECK {Test:[CMD a] Interval:1m30s Timeout:0s StartPeriod:0s StartInterval:0s Retries:2}'],
  },
  { text: 'ONBUILD ENV a=1\nONBUILD COPY a b', config: { OnBuild: ['ENV a=1', 'COPY a b'] }, history: [] },
  { text: 'MAINTAINER me <me@example>', history: ['MAINTAINER me <me@example>'] },
  {
    text: 'WORKDIR /w\nARG d=x\nCOPY --chown=1:2 --chmod=600 a b ${d}/',
    config: { WorkingDir: '/w' },
    history: ['WORKDIR /w', 'ARG d=x', 'COPY --chown=1:2 --chmod=600 a b x/ # buildkit'],
    steps: 2,
  },
  { text: 'COPY <<A <<B /\n1\nA\n2\nB', history: ['COPY <<A <<B / # buildkit'], steps: 1 },
  { text: 'ADD http://a.example/b /c', history: ['ADD http://a.example/b /c # buildkit'], steps: 1 },
];

for (const { text, config = {}, history = [], steps = 0 } of effects)
  test(`dispatch: ${text.replaceAll('\n', ' | ')}`, async () => {
    const { stage } = await planText(`FROM scratch\n${text}\n`);
    assert.equal({ ...stage.config.config }, { ...start, ...config });
    assert.equal(
      stage.config.history.map((entry) => entry.created_by),
      history,
    );
    assert.is(stage.steps.length, steps);
    assert.is(stage.config.history.filter((entry) => entry.empty_layer !== true).length, steps);
  });

test('dispatch: the author is of the image, not of its run config', async () => {
  const { stage } = await planText('FROM scratch\nMAINTAINER me');
  assert.is(stage.config.author, 'me');
});

test('dispatch: ENTRYPOINT clears an inherited Cmd, and keeps one of its own stage', async () => {
  const inherited = await planText('FROM scratch AS a\nCMD ["x"]\nFROM a\nENTRYPOINT ["e"]');
  assert.equal(inherited.stage.config.config.Cmd, []);
  const own = await planText('FROM scratch AS a\nCMD ["x"]\nFROM a\nCMD ["y"]\nENTRYPOINT ["e"]');
  assert.equal(own.stage.config.config.Cmd, ['y']);
});

test('dispatch: a label may have a name that objects have', async () => {
  const { stage } = await planText('FROM scratch\nLABEL __proto__=x constructor=y');
  assert.is(JSON.stringify(stage.config.config.Labels), '{"__proto__":"x","constructor":"y"}');
});

const copies: readonly { readonly text: string; readonly want: Readonly<Record<string, unknown>> }[] = [
  { text: 'COPY a /b', want: { instruction: 'COPY', destination: '/b', link: false, parents: false, unpack: false } },
  { text: 'ADD a /b', want: { instruction: 'ADD', unpack: true } },
  { text: 'ADD --unpack=false a /b', want: { unpack: false } },
  { text: 'COPY --link a /b', want: { link: true } },
  { text: 'COPY --link --chmod=644 a /b', want: { link: false, chmod: { kind: 'octal', mode: 0o644 } } },
  { text: 'COPY --parents --exclude=*.o --exclude=$x a /b', want: { parents: true, exclude: ['*.o', '$x'] } },
  { text: 'ENV u=me\nCOPY --chown=$u a /b', want: { chown: 'me' } },
  { text: 'COPY --chmod= --chown= a /b', want: { chmod: undefined } },
];

for (const { text, want } of copies)
  test(`dispatch: step of ${text.replaceAll('\n', ' | ')}`, async () => {
    const { stage } = await planText(`FROM scratch\n${text}\n`);
    const step = stage.steps.at(-1) as unknown as Record<string, unknown>;
    for (const [key, value] of Object.entries(want)) assert.equal(step[key], value, key);
  });

test('dispatch: heredocs are chomped, expanded, and kept as they are when quoted', async () => {
  const { stage } = await planText('FROM scratch\nENV v=1\nCOPY <<-A <<"B" /\n\t$v\nA\n\t$v\nB\n');
  const step = stage.steps[0];
  assert.equal(step?.kind === 'copy' ? step.sources : [], [
    { kind: 'heredoc', name: 'A', text: '1\n' },
    { kind: 'heredoc', name: 'B', text: '\t$v\n' },
  ]);
});

const failures: readonly (readonly [text: string, want: RegExp])[] = [
  ['VOLUME ["", "a"]', /VOLUME specified can not be an empty string/],
  ['STOPSIGNAL FOO', /FOO/],
  ['EXPOSE x', /invalid containerPort: x/],
  ['ENV a=${b:?needed}', /needed/],
  ['COPY --chmod=99 a b', /invalid chmod parameter: '99'/],
  ['COPY http://x.example/a b', /source can't be a URL for COPY/],
  ['COPY git@x.example:a.git b', /source can't be a git ref for COPY/],
  ['ADD --checksum=sha256:00 a b', /checksum requires HTTP\(S\) or Git sources/],
  [
    'ADD --checksum=sha256:00 http://a.example/a http://a.example/b c/',
    /checksum can't be specified for multiple sources/,
  ],
  ['RUN true', /Cannot execute RUN/],
];

for (const [text, want] of failures)
  test(`dispatch: the error of ${text} points at its line`, async () => {
    try {
      await planText(`FROM scratch\nUSER a\n${text}\n`);
    } catch (error) {
      assert.match((error as Error).message, want);
      assert.is((error as { range?: { start: { line: number } } }).range?.start.line, 3);
      return;
    }
    assert.unreachable('no error');
  });

test('dispatch: an ARG with a given value does not look at its default', async () => {
  const { stage } = await planText('FROM scratch\nARG a=${b:?x}\nLABEL a=$a', { buildArgs: { a: 'given' } });
  assert.equal(stage.config.config.Labels, { a: 'given' });
  assert.match(await failure(planText('FROM scratch\nARG a=${b:?x}')), /x/);
});

test.run();
