import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { applyChmod, parseChmod } from '../../src/dockerfile/chmod.ts';
import { failure } from './failure.ts';

function changed(text: string, mode: number, isDirectory = false): string {
  return applyChmod(parseChmod(text), mode, isDirectory).toString(8);
}

test('applyChmod: octal modes replace all twelve bits', () => {
  for (const text of ['0', '644', '0755', '00644', '7777', '04711']) {
    assert.equal(parseChmod(text), { kind: 'octal', mode: Number.parseInt(text, 8) });
    assert.is(changed(text, 0o7777), Number.parseInt(text, 8).toString(8));
  }
});

test('applyChmod: symbolic modes with umask 0', () => {
  const rows: [string, number, string][] = [
    ['u+x', 0o644, '744'],
    ['+x', 0o644, '755'],
    ['a+x', 0o600, '711'],
    ['go-r', 0o644, '600'],
    ['u=rwx,go=rx', 0o600, '755'],
    ['u=rwx,g=rx,o=', 0o777, '750'],
    ['=', 0o777, '0'],
    ['=r', 0o777, '444'],
    ['a=rw', 0o111, '666'],
    ['ug=rw,o=r', 0, '664'],
    ['+w', 0o444, '666'],
    ['-w', 0o777, '555'],
    ['u+r+w-x', 0o100, '600'],
    ['u+rw,u-r', 0, '200'],
    ['g=u', 0o740, '770'],
    ['go=u', 0o740, '777'],
    ['o=g', 0o750, '755'],
    ['u=o', 0o604, '404'],
    ['g+u', 0o610, '670'],
    ['g-u', 0o674, '614'],
    ['a=u', 0o640, '666'],
    ['o+g-u', 0o642, '640'],
    ['u+s', 0o755, '4755'],
    ['g+s', 0o755, '2755'],
    ['+s', 0o755, '6755'],
    ['o+s', 0o755, '755'],
    ['u-s', 0o4755, '755'],
    ['u=rwx', 0o4700, '700'],
    ['+t', 0o777, '1777'],
    ['-t', 0o1777, '777'],
    ['a+t', 0o777, '1777'],
    ['o+t', 0o777, '777'],
    ['u=rwxs', 0, '4700'],
    ['a=rx', 0o6777, '555'],
    ['a=rx', 0o1777, '1555'],
    ['ugo=r', 0o777, '444'],
    ['u+', 0o644, '644'],
    ['uu+x', 0o644, '744'],
    ['+rt', 0, '1000'],
    ['a+rt', 0, '1444'],
  ];
  for (const [text, mode, expected] of rows) assert.is(changed(text, mode), expected, `${text} on ${mode.toString(8)}`);
});

test('applyChmod: X is execution for directories and for what could be executed before', () => {
  assert.is(changed('+X', 0o644), '644');
  assert.is(changed('+X', 0o744), '755');
  assert.is(changed('+X', 0o644, true), '755');
  assert.is(changed('u=rwX,go=rX', 0o600), '644');
  assert.is(changed('u=rwX,go=rX', 0o700), '755');
  assert.is(changed('u=rwX,go=rX', 0o600, true), '755');
  assert.is(changed('a-x,a+X', 0o755), '755');
  assert.is(changed('-X', 0o755), '644');
});

test('parseChmod refuses what is neither', () => {
  for (const text of [
    '',
    '64a',
    '10000',
    '8',
    '0o644',
    'u',
    'u+q',
    'x+r',
    'u+x,',
    ',u+x',
    'u+x g+x',
    '+7',
    '99999999999999999999',
  ]) {
    const { message } = failure(() => parseChmod(text));
    assert.is(message, `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`);
  }
  assert.is(changed('-', 0o644), '644');
});

test('applyChmod keeps within twelve bits, and + and - undo each other', () => {
  const who = fc.constantFrom('', 'u', 'g', 'o', 'a', 'ug', 'go');
  const bits = fc.constantFrom('r', 'w', 'x', 'rw', 'rwx', 's', 't', 'X', 'rX');
  fc.assert(
    fc.property(who, bits, fc.integer({ min: 0, max: 0o7777 }), fc.boolean(), (classes, letters, mode, isDirectory) => {
      for (const operator of ['+', '-', '=']) {
        const result = applyChmod(parseChmod(`${classes}${operator}${letters}`), mode, isDirectory);
        assert.ok(result >= 0 && result <= 0o7777);
      }
      const added = parseChmod(`${classes}+${letters},${classes}-${letters}`);
      const removed = parseChmod(`${classes}-${letters}`);
      if (letters.includes('X')) return;
      assert.is(applyChmod(added, mode, isDirectory), applyChmod(removed, mode, isDirectory));
    }),
  );
});

test.run();
