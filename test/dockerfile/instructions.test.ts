import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseDockerfile } from '../../src/dockerfile/parse.ts';
import { fieldsOf, only } from './failure.ts';

/** Text after `FROM scratch`, and what it is, without `kind`. */
function check(kind: string, rows: readonly (readonly [string, Record<string, unknown>])[]): void {
  for (const [text, expected] of rows) {
    assert.equal(fieldsOf(only(text)), { kind, ...expected }, text);
    const first = text.split(' ')[0] ?? '';
    assert.equal(
      fieldsOf(only(text.replace(first, first.toLowerCase()))),
      { kind, ...expected },
      `lower case: ${text}`,
    );
  }
}

function shell(script: string): Record<string, unknown> {
  return { command: { form: 'shell', script } };
}

function exec(...args: string[]): Record<string, unknown> {
  return { command: { form: 'exec', args } };
}

/** JSON forms and texts that look like one; the instructions with commands share them. */
const commands: readonly (readonly [string, Record<string, unknown>])[] = [
  ['["a"]', exec('a')],
  ['["a","b c"]', exec('a', 'b c')],
  ['[ "a" , "b" ]', exec('a', 'b')],
  ['[]', exec()],
  ['["a\\"b", "\\u00e9\\n\\\\"]', exec('a"b', 'é\n\\')],
  ['["\\ud83d\\ude00\\ud800"]', exec('😀\ufffd')],
  ['[""]', exec('')],
  ['["$A"]', exec('$A')],
  ['a b', shell('a b')],
  ["['a']", shell("['a']")],
  ['["a",]', shell('["a",]')],
  ['["a" "b"]', shell('["a" "b"]')],
  ['["a"', shell('["a"')],
  ['"a"]', shell('"a"]')],
  ['["a"] b', shell('["a"] b')],
  ['["C:\\x"]', shell('["C:\\x"]')],
  ['{"a":"b"}', shell('{"a":"b"}')],
  ['"a"', shell('"a"')],
  ['echo "a  b"  \\$c # d', shell('echo "a  b"  \\$c # d')],
];

test('CMD and ENTRYPOINT: a JSON array of strings is exec form, all else is a shell string', () => {
  check(
    'CMD',
    commands.map(([text, expected]) => [`CMD ${text}`, expected]),
  );
  check(
    'ENTRYPOINT',
    commands.map(([text, expected]) => [`ENTRYPOINT ${text}`, expected]),
  );
  check('CMD', [
    ['CMD', shell('')],
    ['CMD    a', shell('a')],
    ['CMD -- --a', shell('--a')],
    ['CMD -a --b', shell('-a --b')],
  ]);
});

const run = { heredocs: [], mounts: [], devices: [] };

test('RUN: command, flags, and flags that are quoted or ended by --', () => {
  check(
    'RUN',
    commands.map(([text, expected]) => [`RUN ${text}`, { ...run, ...expected }]),
  );
  check('RUN', [
    ['RUN', { ...run, ...shell('') }],
    ['RUN --network=none a --b', { ...run, ...shell('a --b'), network: 'none' }],
    ['RUN --network=host --security=insecure a', { ...run, ...shell('a'), network: 'host', security: 'insecure' }],
    ['RUN --"network=none" a', { ...run, ...shell('a'), network: 'none' }],
    ["RUN --net'work=n'one a", { ...run, ...shell('a'), network: 'none' }],
    ['RUN --network=no\\ne a', { ...run, ...shell('a'), network: 'none' }],
    ['RUN -- --network=none', { ...run, ...shell('--network=none') }],
    ['RUN --network=none -- a', { ...run, ...shell('a'), network: 'none' }],
    ['RUN --network=none ["a"]', { ...run, ...exec('a'), network: 'none' }],
    ['RUN --device=vendor.com/class=name a', { ...run, ...shell('a'), devices: ['vendor.com/class=name'] }],
    [
      'RUN --device=a/b=c,required --device=name=d,required=0 a',
      { ...run, ...shell('a'), devices: ['a/b=c,required', 'name=d,required=0'] },
    ],
    [
      'RUN --mount=target=/x --mount=type=cache,id=c,target=/y a',
      {
        ...run,
        ...shell('a'),
        mounts: [
          { text: 'target=/x', type: 'bind', target: '/x' },
          { text: 'type=cache,id=c,target=/y', type: 'cache', id: 'c', target: '/y' },
        ],
      },
    ],
  ]);
});

const copy = { heredocs: [], link: false, parents: false, exclude: [] };

test('COPY: sources and destination by blanks or as JSON, and all flags', () => {
  check('COPY', [
    ['COPY a b', { ...copy, sources: ['a'], destination: 'b' }],
    ['COPY a\tb  c /d/', { ...copy, sources: ['a', 'b', 'c'], destination: '/d/' }],
    ['COPY ["a b", "c"]', { ...copy, sources: ['a b'], destination: 'c' }],
    ['COPY ["a", "b", ""]', { ...copy, sources: ['a', 'b'], destination: '' }],
    ['COPY "a b" c', { ...copy, sources: ['"a', 'b"'], destination: 'c' }],
    ['COPY ["a", "b"', { ...copy, sources: ['["a",'], destination: '"b"' }],
    ['COPY $A ${B:-c} $D', { ...copy, sources: ['$A', '${B:-c}'], destination: '$D' }],
    ['COPY --from=build a b', { ...copy, sources: ['a'], destination: 'b', from: 'build' }],
    ['COPY --from=0 a b', { ...copy, sources: ['a'], destination: 'b', from: '0' }],
    ['COPY --from= --chown= a b', { ...copy, sources: ['a'], destination: 'b' }],
    ['COPY --chown=$U:g --chmod=u+x a b', { ...copy, sources: ['a'], destination: 'b', chown: '$U:g', chmod: 'u+x' }],
    ['COPY --link a b', { ...copy, sources: ['a'], destination: 'b', link: true }],
    ['COPY --link=TRUE --parents=false a b', { ...copy, sources: ['a'], destination: 'b', link: true }],
    ['COPY --link=false --parents a b', { ...copy, sources: ['a'], destination: 'b', parents: true }],
    [
      'COPY --exclude=*.md --exclude=!a --exclude= a b',
      { ...copy, sources: ['a'], destination: 'b', exclude: ['*.md', '!a', ''] },
    ],
    ['COPY -- --from=x b', { ...copy, sources: ['--from=x'], destination: 'b' }],
    ['COPY a --from=x', { ...copy, sources: ['a'], destination: '--from=x' }],
    ['COPY --from=a\\$ x y', { ...copy, sources: ['x'], destination: 'y', from: 'a$' }],
    ['COPY ["<<a", "b"]', { ...copy, sources: ['<<a'], destination: 'b' }],
  ]);
});

test('ADD: what COPY has, but --from and --parents, and its own flags', () => {
  check('ADD', [
    ['ADD a b', { ...copy, sources: ['a'], destination: 'b' }],
    ['ADD https://example.com/a.tar /b', { ...copy, sources: ['https://example.com/a.tar'], destination: '/b' }],
    ['ADD --checksum=sha256:$S a b', { ...copy, sources: ['a'], destination: 'b', checksum: 'sha256:$S' }],
    ['ADD --keep-git-dir --unpack a b', { ...copy, sources: ['a'], destination: 'b', keepGitDir: true, unpack: true }],
    [
      'ADD --keep-git-dir=false --unpack=False a b',
      { ...copy, sources: ['a'], destination: 'b', keepGitDir: false, unpack: false },
    ],
    [
      'ADD --link --chown=1 --chmod=644 --exclude=x a b',
      { ...copy, sources: ['a'], destination: 'b', link: true, chown: '1', chmod: '644', exclude: ['x'] },
    ],
  ]);
});

function pair(key: string, value: string): { key: string; value: string } {
  return { key, value };
}

const pairs: readonly (readonly [string, Record<string, unknown>])[] = [
  ['a=b', { pairs: [pair('a', 'b')], legacy: false }],
  ['a=b c=d', { pairs: [pair('a', 'b'), pair('c', 'd')], legacy: false }],
  ['a=', { pairs: [pair('a', '')], legacy: false }],
  ['a=b=c', { pairs: [pair('a', 'b=c')], legacy: false }],
  ['a="b c" d=\'e f\'', { pairs: [pair('a', '"b c"'), pair('d', "'e f'")], legacy: false }],
  ['a=b\\ c d=e', { pairs: [pair('a', 'b\\ c'), pair('d', 'e')], legacy: false }],
  ['"a b"=c', { pairs: [pair('"a b"', 'c')], legacy: false }],
  ['a="x\\" y" b=z', { pairs: [pair('a', '"x\\" y"'), pair('b', 'z')], legacy: false }],
  ["a='x\\' b=z", { pairs: [pair('a', "'x\\'"), pair('b', 'z')], legacy: false }],
  ['a="b', { pairs: [pair('a', '"b')], legacy: false }],
  ['a=\\"b c=d', { pairs: [pair('a', '\\"b'), pair('c', 'd')], legacy: false }],
  ['$a=$b', { pairs: [pair('$a', '$b')], legacy: false }],
  ['a=\u00a0b=c', { pairs: [pair('a', ''), pair('b', 'c')], legacy: false }],
  ['a b', { pairs: [pair('a', 'b')], legacy: true }],
  ['a   b  c ', { pairs: [pair('a', 'b  c')], legacy: true }],
  ['a b=c', { pairs: [pair('a', 'b=c')], legacy: true }],
  ['a "b c"', { pairs: [pair('a', '"b c"')], legacy: true }],
  ['a\t=', { pairs: [pair('a', '=')], legacy: true }],
];

test('ENV and LABEL: pairs with =, and one pair without', () => {
  check(
    'ENV',
    pairs.map(([text, expected]) => [`ENV ${text}`, expected]),
  );
  check(
    'LABEL',
    pairs.map(([text, expected]) => [`LABEL ${text}`, expected]),
  );
});

test('ARG: names with and without a value; flags are dropped', () => {
  check('ARG', [
    ['ARG a', { args: [{ key: 'a' }] }],
    ['ARG a=', { args: [{ key: 'a', value: '' }] }],
    ['ARG a=b c d="e f"', { args: [{ key: 'a', value: 'b' }, { key: 'c' }, { key: 'd', value: '"e f"' }] }],
    ['ARG a=b=c', { args: [{ key: 'a', value: 'b=c' }] }],
    ['ARG --x a', { args: [{ key: 'a' }] }],
  ]);
});

test('EXPOSE, VOLUME, WORKDIR, USER, STOPSIGNAL, MAINTAINER, SHELL', () => {
  check('EXPOSE', [
    ['EXPOSE 80', { ports: ['80'] }],
    ['EXPOSE 443/tcp 80 $A', { ports: ['443/tcp', '80', '$A'] }],
    ['EXPOSE "80 81"', { ports: ['"80', '81"'] }],
  ]);
  check('VOLUME', [
    ['VOLUME /a /b', { paths: ['/a', '/b'] }],
    ['VOLUME ["/a b", " /c "]', { paths: ['/a b', '/c'] }],
    ['VOLUME [/a]', { paths: ['[/a]'] }],
  ]);
  check('WORKDIR', [
    ['WORKDIR /a b', { path: '/a b' }],
    ['WORKDIR "$A"', { path: '"$A"' }],
  ]);
  check('USER', [['USER a:b', { user: 'a:b' }]]);
  check('STOPSIGNAL', [
    ['STOPSIGNAL SIGTERM', { signal: 'SIGTERM' }],
    ['STOPSIGNAL --x 9', { signal: '9' }],
  ]);
  check('MAINTAINER', [['MAINTAINER A B <a@b>', { name: 'A B <a@b>' }]]);
  check('SHELL', [['SHELL ["/bin/bash", "-c"]', { args: ['/bin/bash', '-c'] }]]);
});

test('HEALTHCHECK: forms, flags in nanoseconds', () => {
  check('HEALTHCHECK', [
    ['HEALTHCHECK NONE', { test: ['NONE'] }],
    ['HEALTHCHECK none', { test: ['NONE'] }],
    ['HEALTHCHECK --x=y NONE', { test: ['NONE'] }],
    ['HEALTHCHECK NONE []', { test: ['NONE'] }],
    ['HEALTHCHECK CMD a  b', { test: ['CMD-SHELL', 'a  b'] }],
    ['HEALTHCHECK cmd ["a", "b"]', { test: ['CMD', 'a', 'b'] }],
    ['HEALTHCHECK CMD ["a", ]', { test: ['CMD-SHELL', '["a", ]'] }],
    ['HEALTHCHECK CMD --interval=5s', { test: ['CMD-SHELL', '--interval=5s'] }],
    [
      'HEALTHCHECK --interval=1m30s --timeout=1ms --start-period=0 --start-interval=1.5h --retries=3 CMD a',
      {
        test: ['CMD-SHELL', 'a'],
        interval: 90e9,
        timeout: 1e6,
        startPeriod: 0,
        startInterval: 5400e9,
        retries: 3,
      },
    ],
    ['HEALTHCHECK --interval= --retries= CMD a', { test: ['CMD-SHELL', 'a'] }],
    ['HEALTHCHECK --retries=+0 CMD a', { test: ['CMD-SHELL', 'a'], retries: 0 }],
  ]);
});

test('ONBUILD keeps its trigger as text', () => {
  check('ONBUILD', [
    ['ONBUILD RUN a', { trigger: 'RUN a' }],
    ['ONBUILD   run  --mount=type=foo  a', { trigger: 'run  --mount=type=foo  a' }],
    ['ONBUILD COPY --from=x a b', { trigger: 'COPY --from=x a b' }],
    ['ONBUILD ENV a=b c=$d', { trigger: 'ENV a=b c=$d' }],
    ['ONBUILD FOO', { trigger: 'FOO' }],
    ['ONBUILD RUN a  ', { trigger: 'RUN a  ' }],
  ]);
});

test('FROM: image, platform, stage name', () => {
  const rows: [string, Record<string, unknown>, string | undefined][] = [
    ['FROM scratch', { image: 'scratch' }, undefined],
    ['from a:b', { image: 'a:b' }, undefined],
    ['FROM $A AS b', { image: '$A', alias: 'b' }, 'b'],
    ['FROM a aS Build-1.x_y', { image: 'a', alias: 'Build-1.x_y' }, 'build-1.x_y'],
    ['FROM --platform=$BUILDPLATFORM a', { image: 'a', platform: '$BUILDPLATFORM' }, undefined],
    ['FROM --platform= a', { image: 'a' }, undefined],
    ['FROM "a"', { image: '"a"' }, undefined],
  ];
  for (const [text, expected, name] of rows) {
    const stage = parseDockerfile(text, 'Dockerfile').stages[0];
    assert.ok(stage);
    assert.equal(fieldsOf(stage.from), { kind: 'FROM', ...expected }, text);
    assert.is(stage.name, name, text);
  }
});

test('parseDockerfile puts instructions into stages and ARGs before the first FROM apart', () => {
  const text = 'ARG A=1\nARG B\nFROM a AS X\nARG C\nRUN x\nFROM b\nFROM x AS y\nCMD z\n';
  const parsed = parseDockerfile(text, 'Dockerfile');
  assert.equal(
    parsed.globalArgs.flatMap((arg) => arg.args.map(({ key }) => key)),
    ['A', 'B'],
  );
  assert.equal(
    parsed.stages.map(({ index, name }) => [index, name]),
    [
      [0, 'x'],
      [1, undefined],
      [2, 'y'],
    ],
  );
  assert.equal(
    parsed.stages.map((stage) => stage.instructions.map(({ kind }) => kind)),
    [['ARG', 'RUN'], [], ['CMD']],
  );
  assert.is(parsed.file.name, 'Dockerfile');
  assert.is(parsed.file.text, text);
});

test.run();
