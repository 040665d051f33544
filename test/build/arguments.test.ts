import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { epochOf, globalArguments, undeclaredArguments } from '../../src/build/arguments.ts';
import { parseDockerfile } from '../../src/dockerfile/parse.ts';
import { isError } from '../../src/errors.ts';
import { parsePlatform } from '../../src/oci/platform.ts';
import { planText } from './plan-text.ts';

const parse = (text: string) => parseDockerfile(Buffer.from(text), 'Dockerfile');

function globals(text: string, buildArgs: Record<string, string> = {}, target = 'linux/arm/v7') {
  return globalArguments(parse(text), {
    buildArgs,
    buildPlatform: parsePlatform('linux/amd64'),
    targetPlatform: parsePlatform(target),
    targetName: 'app',
  });
}

test('globalArguments: platforms of the build and of the target', () => {
  const values = Object.fromEntries(globals('FROM scratch'));
  assert.equal(values, {
    BUILDPLATFORM: 'linux/amd64',
    BUILDOS: 'linux',
    BUILDOSVERSION: '',
    BUILDARCH: 'amd64',
    BUILDVARIANT: '',
    TARGETPLATFORM: 'linux/arm/v7',
    TARGETOS: 'linux',
    TARGETOSVERSION: '',
    TARGETARCH: 'arm',
    TARGETVARIANT: 'v7',
    TARGETSTAGE: 'app',
  });
});

test('globalArguments: each automatic argument can be given, and leaves the others as they are', () => {
  const values = globals('FROM scratch', { TARGETOS: 'freebsd' });
  assert.is(values.get('TARGETOS'), 'freebsd');
  assert.is(values.get('TARGETPLATFORM'), 'linux/arm/v7');
});

test('globalArguments: defaults see earlier values, their own old value and the automatic ones', () => {
  const values = globals('ARG a=1\nARG a=${a}2\nARG b=$a-$TARGETARCH\nARG c\nFROM scratch');
  assert.is(values.get('a'), '12');
  assert.is(values.get('b'), '12-arm');
  assert.is(values.has('c'), false);
});

test('globalArguments: a given value wins, also an empty one, and its default is not looked at', () => {
  const values = globals('ARG a=${x:?no}\nARG b=1\nFROM scratch', { a: 'A', b: '' });
  assert.is(values.get('a'), 'A');
  assert.is(values.get('b'), '');
});

test('globalArguments: names that objects have are names like others', () => {
  const values = globals('ARG constructor\nARG toString=x\nFROM scratch');
  assert.is(values.has('constructor'), false);
  assert.is(values.get('toString'), 'x');
});

test('globalArguments: an error points at its line', () => {
  try {
    globals('# c\nARG a=${x:?no}\nFROM scratch');
    assert.unreachable();
  } catch (error) {
    assert.is(isError(error) && error.range?.start.line, 2);
  }
});

/** What `LABEL v=$x` is in the last stage. */
const scopes: readonly (readonly [title: string, text: string, buildArgs: Record<string, string>, want: string])[] = [
  ['a global ARG is not seen without ARG', 'ARG x=g\nFROM scratch\nLABEL v=$x', {}, ''],
  ['ARG without default takes the global value', 'ARG x=g\nFROM scratch\nARG x\nLABEL v=$x', {}, 'g'],
  ['a default in the stage hides the global value', 'ARG x=g\nFROM scratch\nARG x=s\nLABEL v=$x', {}, 's'],
  ['--build-arg wins over all', 'ARG x=g\nFROM scratch\nARG x=s\nLABEL v=$x', { x: 'b' }, 'b'],
  ['an empty --build-arg is a value', 'FROM scratch\nARG x=s\nLABEL v=$x', { x: '' }, ''],
  ['another stage does not see it', 'FROM scratch AS a\nARG x=s\nFROM scratch\nLABEL v=$x', {}, ''],
  ['a stage FROM it does', 'FROM scratch AS a\nARG x=s\nFROM a\nLABEL v=$x', {}, 's'],
  ['before its ARG it is unset', 'FROM scratch\nLABEL v=$x\nARG x=s', { x: 'b' }, ''],
  ['not declared: not seen', 'FROM scratch\nLABEL v=$x', { x: 'b' }, ''],
  ['a later ENV wins', 'FROM scratch\nARG x=s\nENV x=e\nLABEL v=$x', { x: 'b' }, 'e'],
  ['an ENV of the base is overridden by ARG', 'FROM scratch AS a\nENV x=e\nFROM a\nARG x=s\nLABEL v=$x', {}, 's'],
  ['ARG without a value keeps an ENV', 'FROM scratch\nENV x=e\nARG x\nLABEL v=$x', {}, 'e'],
  ['automatic arguments need ARG', 'FROM scratch\nLABEL v=$TARGETARCH', {}, ''],
  ['automatic arguments after ARG', 'FROM scratch\nARG TARGETARCH\nLABEL v=$TARGETARCH', {}, 'amd64'],
  ['TARGETSTAGE without a name', 'FROM scratch\nARG TARGETSTAGE\nLABEL v=$TARGETSTAGE', {}, 'default'],
  ['several in one line, left to right', 'FROM scratch\nARG a=1 x=$a-2\nLABEL v=$x', {}, '1-2'],
];

for (const [title, text, buildArgs, want] of scopes)
  test(`ARG scopes: ${title}`, async () => {
    const { stage } = await planText(text, { buildArgs });
    assert.is(stage.config.config.Labels?.['v'], want);
  });

test('undeclaredArguments: what no ARG of any stage declares, but for the known ones', () => {
  const dockerfile = parse('ARG a\nFROM scratch\nARG b\nFROM scratch AS c\nARG d');
  const given = {
    a: '',
    b: '',
    d: '',
    e: '',
    HTTP_PROXY: '',
    no_proxy: '',
    TARGETOS: '',
    BUILDKIT_SYNTAX: '',
    SOURCE_DATE_EPOCH: '',
  };
  assert.equal(undeclaredArguments(dockerfile, given), ['e']);
});

test('epochOf: --timestamp, then the argument, then a global ARG, then 0', () => {
  const none = globals('FROM scratch');
  const arg = globals('ARG SOURCE_DATE_EPOCH=7\nFROM scratch');
  assert.is(epochOf(undefined, none, {}), 0);
  assert.is(epochOf(undefined, arg, {}), 7);
  assert.is(epochOf(undefined, arg, { SOURCE_DATE_EPOCH: '8' }), 8);
  assert.is(epochOf(undefined, arg, { SOURCE_DATE_EPOCH: '' }), 0);
  assert.is(epochOf(9, arg, { SOURCE_DATE_EPOCH: '8' }), 9);
  for (const bad of ['x', '-1', '1.5', '1e3', ' 1'])
    assert.throws(
      () => epochOf(undefined, none, { SOURCE_DATE_EPOCH: bad }),
      (error: unknown) => isError(error, 'ARGUMENT_INVALID'),
    );
});

test.run();
