import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Flags, parseArguments } from '../../src/cli/parse.ts';
import { runnable } from '../../src/cli/run.ts';
import { commands, flagsOf } from '../../src/cli/table.ts';
import { WherryError } from '../../src/errors.ts';

function parse(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { readonly flags: Flags; readonly operands: readonly string[]; readonly name: string } {
  const request = parseArguments(argv, env);
  if (request.kind !== 'command') throw new Error(`not a command but ${request.kind}`);
  return { flags: request.flags, operands: request.operands, name: request.command.name };
}

function failure(argv: readonly string[], env: NodeJS.ProcessEnv = {}): WherryError {
  try {
    parseArguments(argv, env);
  } catch (error) {
    if (error instanceof WherryError) return error;
    throw error;
  }
  throw new Error(`no error for ${argv.join(' ')}`);
}

const tagForms: readonly (readonly string[])[] = [
  ['-t', 'x', '.'],
  ['-tx', '.'],
  ['-t=x', '.'],
  ['--tag', 'x', '.'],
  ['--tag=x', '.'],
  ['.', '--tag', 'x'],
  ['-qt', 'x', '.'],
  ['-qtx', '.'],
];
for (const argv of tagForms) {
  test(`parseArguments reads a tag from ${argv.join(' ')}`, () => {
    const { flags, operands, name } = parse(['build', ...argv]);
    assert.is(name, 'build');
    assert.equal(flags.list('tag'), ['x']);
    assert.equal(operands, ['.']);
  });
}

test('parseArguments: switches take true and false, the last one wins', () => {
  assert.is(parse(['build', '--push', '.']).flags.on('push'), true);
  assert.is(parse(['build', '--push=false', '.']).flags.on('push'), false);
  assert.is(parse(['build', '--push', '--push=0', '.']).flags.on('push'), false);
  assert.is(parse(['build', '-q=F', '.']).flags.on('quiet'), false);
  assert.is(parse(['build', '.']).flags.on('no-cache'), false);
  assert.is(parse(['build', '--no-cache', '.']).flags.on('no-cache'), true);
});

test('parseArguments: the last value of a flag that is not repeatable wins', () => {
  assert.is(parse(['build', '-f', 'a', '--file=b', '.']).flags.text('file'), 'b');
});

test('parseArguments: values may begin with a dash, hold "=" and be empty', () => {
  const { flags } = parse(['build', '-f', '-', '--build-arg', 'A=b=c', '--build-arg', '-x=1', '--target=', '.']);
  assert.is(flags.text('file'), '-');
  assert.equal(flags.list('build-arg'), ['A=b=c', '-x=1']);
  assert.is(flags.text('target'), '');
});

test('parseArguments: "-" is an argument, "--" ends the flags', () => {
  assert.equal(parse(['build', '-']).operands, ['-']);
  assert.equal(parse(['build', '--', '-t']).operands, ['-t']);
  assert.equal(parse(['push', 'a', '--', '--help']).operands, ['a', '--help']);
});

test('parseArguments splits comma-separated lists', () => {
  assert.equal(
    parse(['build', '--platform', 'linux/amd64, linux/arm64', '--platform=linux/386', '.']).flags.list('platform'),
    ['linux/amd64', 'linux/arm64', 'linux/386'],
  );
  assert.equal(parse(['build', '--no-cache-filter', 'a,b', '.']).flags.list('no-cache-filter'), ['a', 'b']);
  assert.equal(parse(['build', '--label', 'a=b,c', '.']).flags.list('label'), ['a=b,c']);
});

test('parseArguments: defaults and environment stand in for absent flags', () => {
  assert.is(parse(['build', '.']).flags.text('progress'), 'auto');
  assert.is(parse(['build', '.'], { BUILDKIT_PROGRESS: 'plain' }).flags.text('progress'), 'plain');
  assert.is(
    parse(['build', '.'], { BUILDKIT_PROGRESS: 'plain', WHERRY_PROGRESS: 'json' }).flags.text('progress'),
    'json',
  );
  assert.is(parse(['build', '--progress=quiet', '.'], { WHERRY_PROGRESS: 'json' }).flags.text('progress'), 'quiet');
  assert.equal(parse(['build', '.'], { DOCKER_DEFAULT_PLATFORM: 'linux/arm64' }).flags.list('platform'), [
    'linux/arm64',
  ]);
  assert.is(parse(['images'], { WHERRY_STORE: '/s' }).flags.text('store'), '/s');
  assert.is(parse(['images']).flags.text('store'), undefined);
  assert.match(
    failureOf(() => parse(['build', '.'], { WHERRY_PROGRESS: 'loud' }).flags.text('progress')),
    /invalid value of \$WHERRY_PROGRESS: "loud"/,
  );
});

function failureOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return String(error);
  }
  return '';
}

test('parseArguments: given tells argv from defaults', () => {
  assert.is(parse(['pull', 'a'], { DOCKER_DEFAULT_PLATFORM: 'linux/arm64' }).flags.given('platform'), false);
  assert.is(parse(['pull', '--platform=x', 'a']).flags.given('platform'), true);
});

test('Flags refuses names that the command does not have', () => {
  const { flags } = parse(['images']);
  assert.throws(() => flags.on('push'), /no such flag/);
  assert.throws(() => flags.text('json'), /no such flag/);
});

const helps: readonly (readonly [readonly string[], readonly string[]])[] = [
  [[], []],
  [['--help'], []],
  [['-h'], []],
  [['build', '--help'], ['build']],
  [['build', '-h', '.'], ['build']],
  [['registry'], ['registry']],
  [['registry', '-h'], ['registry']],
  [['registry', 'serve', '-h'], ['registry serve']],
];
for (const [argv, words] of helps) {
  test(`parseArguments: "wherry ${argv.join(' ')}" asks for help`, () => {
    assert.equal(parseArguments(argv), { kind: 'help', words });
  });
}

test('parseArguments: --version, and global flags before the command', () => {
  assert.equal(parseArguments(['--version']), { kind: 'version' });
  assert.is(parse(['--debug', 'images']).flags.on('debug'), true);
  assert.is(parse(['-D', 'registry', 'serve']).name, 'registry serve');
});

const failures: readonly {
  readonly argv: string;
  readonly message: RegExp;
  readonly code?: string;
  readonly hint?: RegExp;
}[] = [
  { argv: 'bucket', message: /^unknown command: bucket$/, hint: /wherry help/ },
  { argv: 'biuldd', message: /^unknown command: biuldd \(did you mean build\?\)$/ },
  { argv: 'buil', message: /^unknown command: buil \(did you mean build\?\)$/ },
  { argv: 'registry srve', message: /unknown command: wherry registry srve \(did you mean serve\?\)/ },
  { argv: 'build', message: /^"wherry build" needs CONTEXT, but there are no arguments$/, hint: /wherry build \./ },
  {
    argv: 'copy a',
    message: /needs SOURCE and DESTINATION, but DESTINATION is missing/,
    hint: /Usage: wherry copy \[flags\] SOURCE DESTINATION/,
  },
  { argv: 'build . other', message: /takes one argument: unexpected "other"/ },
  { argv: 'images x', message: /takes no arguments: unexpected "x"/ },
  { argv: 'build --tags x .', message: /^unknown flag: --tags \(did you mean --tag\?\)$/, hint: /wherry build --help/ },
  { argv: 'build -x .', message: /^unknown flag: -x$/ },
  { argv: 'build -qx .', message: /^unknown flag: -x$/ },
  { argv: '--tag x build', message: /^unknown flag: --tag$/, hint: /"wherry help"/ },
  { argv: 'build . --tag', message: /^flag needs a value: --tag NAME\[:TAG\]$/ },
  { argv: 'build . -t', message: /^flag needs a value: --tag NAME\[:TAG\]$/ },
  { argv: 'build --push=maybe .', message: /invalid value for --push: "maybe": want true or false/ },
  {
    argv: 'build --progress=plan .',
    message: /invalid value for --progress: "plan" \(did you mean plain\?\)/,
    hint: /auto, plain, tty, json or quiet/,
  },
  { argv: 'build --progress=rawjson .', message: /invalid value for --progress: "rawjson"/ },
  {
    argv: 'build --cache-to type=local .',
    message: /^--cache-to is not implemented in this version$/,
    code: 'UNIMPLEMENTED',
  },
  {
    argv: 'build --provenance=true .',
    message: /^--provenance is not implemented in this version$/,
    code: 'UNIMPLEMENTED',
  },
  { argv: 'build --load .', message: /^--load is not implemented/, code: 'UNIMPLEMENTED' },
  { argv: 'build -m 2g .', message: /^--memory is not implemented/, code: 'UNIMPLEMENTED' },
];
for (const { argv, message, code = 'ARGUMENT_INVALID', hint } of failures) {
  test(`parseArguments refuses "wherry ${argv}"`, () => {
    const error = failure(argv.split(' '));
    assert.match(error.message, message);
    assert.is(error.code, code);
    if (hint !== undefined) assert.match(error.hint ?? '', hint);
  });
}

test('parseArguments refuses an empty argument', () => {
  assert.match(failure(['tag', 'a', '']).message, /argument 2 is empty/);
});

test('parseArguments refuses by name what buildx has and we have not', () => {
  for (const name of [
    'allow',
    'attest',
    'builder',
    'cache-from',
    'cache-to',
    'call',
    'cgroup-parent',
    'policy',
    'provenance',
    'sbom',
    'resource',
    'shm-size',
    'ulimit',
    'squash',
    'isolation',
    'check',
    'load',
  ])
    assert.is(failure(['build', `--${name}`, '.']).message, `--${name} is not implemented in this version`);
});

test('parseArguments: values of unimplemented flags that ask for what happens anyway are fine', () => {
  assert.is(
    parse(['build', '--provenance=false', '--sbom', 'false', '--call=build', '--load=false', '--check=false', '.'])
      .operands[0],
    '.',
  );
});

test('the table: every command has its file and every file its command', () => {
  assert.equal([...runnable].sort(), commands.map((command) => command.name).sort());
});

test('the table: names and short names are unique within a command, and well formed', () => {
  for (const command of commands) {
    const flags = flagsOf(command);
    const names = flags.map((flag) => flag.name);
    const shorts = flags.map((flag) => flag.short).filter((short) => short !== undefined);
    assert.is(new Set(names).size, names.length, command.name);
    assert.is(new Set(shorts).size, shorts.length, command.name);
    for (const flag of flags) {
      assert.match(flag.name, /^[a-z][a-z-]*[a-z]$/);
      assert.match(flag.summary, /^(?:JSON|[^A-Z]).*[^.]$/, `${command.name} --${flag.name}`);
      if (flag.default !== undefined && flag.choices !== undefined) assert.ok(flag.choices.includes(flag.default));
    }
  }
});

test('the table: examples parse', () => {
  for (const command of commands)
    for (const example of command.examples) {
      const words =
        example.command
          .replace(/^source <\((.*)\)$/, '$1')
          .split(/ [|<>] /)
          .find((part) => part.startsWith('wherry '))
          ?.split(' ')
          .slice(1) ?? [];
      assert.is(parse(words).name, command.name, example.command);
    }
});

test.run();
