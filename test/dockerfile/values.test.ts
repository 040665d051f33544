import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatDuration, parseDuration } from '../../src/dockerfile/duration.ts';
import { parsePorts } from '../../src/dockerfile/expose.ts';
import { parseStageName } from '../../src/dockerfile/names.ts';
import { goQuote } from '../../src/dockerfile/quote.ts';
import { checkSignal } from '../../src/dockerfile/signal.ts';
import { parseCsv } from '../../src/dockerfile/syntax/csv.ts';
import { failure } from './failure.ts';

test('parsePorts: ports, ranges, protocols; addresses and host ports are only checked', () => {
  const rows: [string, string[]][] = [
    ['80', ['80/tcp']],
    ['80/tcp', ['80/tcp']],
    ['53/UDP', ['53/udp']],
    ['1/Sctp', ['1/sctp']],
    ['80/', ['80/tcp']],
    ['0', ['0/tcp']],
    ['+80', ['80/tcp']],
    ['080', ['80/tcp']],
    ['65535', ['65535/tcp']],
    ['8000-8002/tcp', ['8000/tcp', '8001/tcp', '8002/tcp']],
    ['5-5/udp', ['5/udp']],
    ['8080:80', ['80/tcp']],
    [':80', ['80/tcp']],
    ['8080-8090:80', ['80/tcp']],
    ['1-2:3-4/udp', ['3/udp', '4/udp']],
    ['127.0.0.1:8080:80', ['80/tcp']],
    ['127.0.0.1::80', ['80/tcp']],
    ['[::1]:8080:80', ['80/tcp']],
    ['::1:8080:80', ['80/tcp']],
  ];
  for (const [word, expected] of rows) assert.equal(parsePorts(word), expected, word);
  assert.is(parsePorts('0-65535').length, 65536);
});

test('parsePorts refuses with the messages that users search for', () => {
  const rows: [string, string][] = [
    ['', 'invalid port: "": no port specified'],
    ['/tcp', 'invalid port: "/tcp": no port specified'],
    ['80:', 'invalid port: "80:": no port specified'],
    ['80/foo', 'invalid port: "80/foo": invalid proto: foo'],
    ['80/tcp/udp', 'invalid port: "80/tcp/udp": invalid proto: tcp/udp'],
    ['x', 'invalid containerPort: x'],
    ['65536', 'invalid containerPort: 65536'],
    ['-1', 'invalid containerPort: -1'],
    ['80-', 'invalid containerPort: 80-'],
    ['9-8', 'invalid containerPort: 9-8'],
    ['1-2-3', 'invalid containerPort: 1-2-3'],
    ['80 ', 'invalid containerPort: 80 '],
    ['1e2', 'invalid containerPort: 1e2'],
    ['x:80', 'invalid hostPort: x'],
    ['3-1:80', 'invalid hostPort: 3-1'],
    ['1-3:1-2', 'invalid ranges specified for container and host Ports: 1-2 and 1-3'],
    ['1:1-2', 'invalid ranges specified for container and host Ports: 1-2 and 1'],
    ['1.2.3:80:80', 'invalid IP address: 1.2.3'],
    ['host:80:80', 'invalid IP address: host'],
    ['fe80::1%eth0:80:80', 'invalid IP address: fe80::1%eth0'],
    ['[::1:80:80', "invalid IP address [::1: missing ']' in address"],
  ];
  for (const [word, message] of rows) assert.is(failure(() => parsePorts(word)).message, message, word);
});

test('checkSignal: numbers but 0, names with and without SIG, real-time signals', () => {
  const good = [
    '9',
    '-4',
    '+2',
    '1000',
    'TERM',
    'SIGTERM',
    'sigkill',
    'Hup',
    'RTMIN',
    'SIGRTMAX',
    'RTMIN+15',
    'rtmax-14',
    'CLD',
    'IOT',
  ];
  for (const text of good) checkSignal(text);
  for (const text of [
    '',
    '0',
    '1.5',
    'FOO',
    'SIG',
    'SIGSIGTERM',
    'RTMIN+16',
    'RTMIN+0',
    'RTMAX-15',
    'RTMIN-1',
    'TERM ',
    '9 9',
    'ABRT KILL',
  ]) {
    assert.is(failure(() => checkSignal(text)).message, `invalid signal: ${text}`);
  }
});

test('parseDuration and formatDuration: Go durations', () => {
  const rows: [string, number, string][] = [
    ['0', 0, '0s'],
    ['0s', 0, '0s'],
    ['-0', 0, '0s'],
    ['5s', 5e9, '5s'],
    ['1m30s', 90e9, '1m30s'],
    ['1h', 3600e9, '1h0m0s'],
    ['1.5h', 5400e9, '1h30m0s'],
    ['.5s', 5e8, '500ms'],
    ['5.s', 5e9, '5s'],
    ['1.0000001s', 1_000_000_100, '1.0000001s'],
    ['100ms', 1e8, '100ms'],
    ['1500us', 15e5, '1.5ms'],
    ['3\u00b5s', 3000, '3\u00b5s'],
    ['3\u03bcs', 3000, '3\u00b5s'],
    ['7ns', 7, '7ns'],
    ['0.4ns', 0, '0s'],
    ['+1s', 1e9, '1s'],
    ['-1s', -1e9, '-1s'],
    ['1h1s1m', 3661e9, '1h1m1s'],
    ['36h', 129_600e9, '36h0m0s'],
    ['2562047h47m16.854775807s', 2 ** 63 - 1024, '2562047h47m16.854774784s'],
    ['0.123456789123456789s', 123_456_789, '123.456789ms'],
  ];
  for (const [text, nanoseconds, formatted] of rows) {
    assert.equal(parseDuration(text) + 0, nanoseconds, text);
    assert.is(formatDuration(nanoseconds), formatted, text);
  }
  const wrong: [string, string][] = [
    ['', 'time: invalid duration ""'],
    ['x', 'time: invalid duration "x"'],
    ['-', 'time: invalid duration "-"'],
    ['.', 'time: invalid duration "."'],
    ['.s', 'time: invalid duration ".s"'],
    ['1s ', 'time: unknown unit "s " in duration "1s "'],
    ['1', 'time: missing unit in duration "1"'],
    ['1s2', 'time: missing unit in duration "1s2"'],
    ['1d', 'time: unknown unit "d" in duration "1d"'],
    ['1S', 'time: unknown unit "S" in duration "1S"'],
    ['--1s', 'time: invalid duration "--1s"'],
    ['9223372036854775808ns', 'time: invalid duration "9223372036854775808ns"'],
    ['1__proto__', 'time: unknown unit "__proto__" in duration "1__proto__"'],
  ];
  for (const [text, message] of wrong) assert.is(failure(() => parseDuration(text)).message, message, text);
});

test('parseDuration reads what formatDuration writes', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 50), max: 2 ** 50 }), (nanoseconds) => {
      assert.equal(parseDuration(formatDuration(nanoseconds)), nanoseconds);
    }),
  );
});

test('goQuote: escapes of Go', () => {
  const rows: [string, string][] = [
    ['', '""'],
    ['a b', '"a b"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ["it's", '"it\'s"'],
    ['\x07\b\f\n\r\t\v', '"\\a\\b\\f\\n\\r\\t\\v"'],
    ['\x00\x1b\x7f', '"\\x00\\x1b\\x7f"'],
    ['한é€😀', '"한é€😀"'],
    ['\u0085\u00a0\u200b\ufeff', '"\\u0085\\u00a0\\u200b\\ufeff"'],
    ['\u{e0001}', '"\\U000e0001"'],
    ['\ufffd', '"\ufffd"'],
    ['\ud800', '"\ufffd"'],
    ['$`%', '"$`%"'],
  ];
  for (const [text, quoted] of rows) assert.is(goQuote(text), quoted);
});

test('parseCsv: quoted and plain fields', () => {
  const rows: [string, string[]][] = [
    ['a', ['a']],
    ['a,b', ['a', 'b']],
    ['a,,b,', ['a', '', 'b', '']],
    ['"a,b",c', ['a,b', 'c']],
    ['"a""b"', ['a"b']],
    ['""', ['']],
    ['"",""', ['', '']],
    [',', ['', '']],
    [' "', []],
  ];
  for (const [text, fields] of rows) {
    if (fields.length > 0) assert.equal(parseCsv(text, 'x'), fields, text);
    else failure(() => parseCsv(text, 'x'));
  }
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 2 }), (fields) => {
      const line = fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(',');
      assert.equal(parseCsv(line, 'x'), fields);
    }),
  );
});

test('parseStageName: lower-cased; letters first, then letters, digits, - _ .', () => {
  assert.is(parseStageName('Build-1_x.Y'), 'build-1_x.y');
  for (const name of ['', '1', '-a', '.a', '_a', 'a b', 'a/b', 'é', 'a\n']) failure(() => parseStageName(name));
});

test.run();
