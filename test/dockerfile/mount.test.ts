import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Mount } from '../../src/dockerfile/instruction.ts';
import { expandMount, parseMount, parseSize } from '../../src/dockerfile/mount.ts';
import { failure, reasonOf } from './failure.ts';

test('parseMount: keys and their other names, in any case', () => {
  const rows: [string, Omit<Mount, 'text'>][] = [
    ['target=/x', { type: 'bind', target: '/x' }],
    ['type=bind,source=a,target=/x', { type: 'bind', source: 'a', target: '/x' }],
    ['type=bind,src=a,dst=/x', { type: 'bind', source: 'a', target: '/x' }],
    ['TYPE=Bind,SRC=A,Destination=/X', { type: 'bind', source: 'A', target: '/X' }],
    ['from=build,target=/x', { type: 'bind', from: 'build', target: '/x' }],
    ['from=a$,target=/x', { type: 'bind', from: 'a$', target: '/x' }],
    ['target=/x,ro', { type: 'bind', target: '/x', readonly: true }],
    ['target=/x,readonly=false', { type: 'bind', target: '/x', readonly: false }],
    ['target=/x,rw', { type: 'bind', target: '/x', readonly: false }],
    ['target=/x,readwrite=0', { type: 'bind', target: '/x', readonly: true }],
    ['target=/x,ro,rw=T', { type: 'bind', target: '/x', readonly: false }],
    ['type=cache,target=/x', { type: 'cache', target: '/x' }],
    ['type=cache,id=a,sharing=LOCKED,target=/x', { type: 'cache', id: 'a', sharing: 'locked', target: '/x' }],
    ['type=cache,mode=0755,uid=1,gid=2,target=/x', { type: 'cache', mode: '0755', uid: '1', gid: '2', target: '/x' }],
    ['type=tmpfs,size=64m,target=/x', { type: 'tmpfs', size: '64m', target: '/x' }],
    ['type=secret,id=a', { type: 'secret', id: 'a' }],
    ['type=secret,id=a,env=B,required', { type: 'secret', id: 'a', env: 'B', required: true }],
    ['type=secret,source=a,required=false', { type: 'secret', source: 'a', required: false }],
    ['type=secret,target=/a,env=', { type: 'secret', target: '/a', env: '' }],
    ['type=ssh', { type: 'ssh' }],
    ['type=ssh,id=a,required=1,mode=600', { type: 'ssh', id: 'a', required: true, mode: '600' }],
    ['type=bind,"target=/a,b"', { type: 'bind', target: '/a,b' }],
    ['"type=cache","target=/a""b"', { type: 'cache', target: '/a"b' }],
    ['target=/a=b', { type: 'bind', target: '/a=b' }],
    ['target=/a,target=/b', { type: 'bind', target: '/b' }],
    ['target=$A,source=${B:-c}', { type: 'bind', target: '$A', source: '${B:-c}' }],
  ];
  for (const [text, expected] of rows) assert.equal(parseMount(text), { ...expected, text }, text);
});

test('parseMount refuses with the messages that users search for', () => {
  const rows: [string, string][] = [
    ['', 'failed to parse csv mounts: EOF'],
    ['target=a"b', 'failed to parse csv mounts: parse error on line 1, column 9: bare " in non-quoted field'],
    [
      '"target=a',
      'failed to parse csv mounts: parse error on line 1, column 10: extraneous or missing " in quoted-field',
    ],
    [
      '"target=a"b',
      'failed to parse csv mounts: parse error on line 1, column 10: extraneous or missing " in quoted-field',
    ],
    ['type=tmp', 'unsupported mount type "tmp" (did you mean tmpfs?)'],
    ['type=volume', 'unsupported mount type "volume"'],
    ['typ=tmpfs', "unexpected key 'typ' in 'typ=tmpfs' (did you mean type?)"],
    ['Volumes=Bar', "unexpected key 'volumes' in 'Volumes=Bar'"],
    ['foo', "invalid field 'foo' must be a key=value pair"],
    ['target', "invalid field 'target' must be a key=value pair"],
    ['target=/x,', "invalid field '' must be a key=value pair"],
    ['from=$A', "'from' doesn't support variable expansion, define alias stage instead"],
    ['ro=x', 'invalid value for ro: x'],
    ['readwrite=', 'invalid value for readwrite: '],
    ['required', "unexpected key 'required' for mount type 'bind'"],
    ['required,type=secret,id=a', "unexpected key 'required' for mount type 'bind'"],
    ['type=secret,id=a,required=x', 'invalid value for required: x'],
    ['type=cache,size=1', "unexpected key 'size' for mount type 'cache'"],
    ['type=tmpfs,size=1x', 'invalid value for size: 1x'],
    ['type=cache,sharing=share', 'unsupported sharing value "share" (did you mean shared?)'],
    ['type=cache,mode=9', 'invalid value 9 for mode'],
    ['type=cache,uid=-1', 'invalid value -1 for uid'],
    ['type=cache,gid=4294967296', 'invalid value 4294967296 for gid'],
    ['mode=1', 'mode not allowed for "bind" type mounts'],
    ['type=tmpfs,uid=1', 'uid not allowed for "tmpfs" type mounts'],
    ['type=bind,gid=1', 'gid not allowed for "bind" type mounts'],
    ['type=secret,id=a,from=b', 'secret mount should not have a from'],
    ['type=secret,id=a,sharing=shared', 'secret mount should not define sharing'],
    ['type=secret', 'invalid secret mount. one of source, target required'],
    ['type=secret,id=a,source=b', "both source and id can't be set"],
    ['type=ssh,source=b', 'ssh does not support source'],
    ['type=bind,sharing=shared', 'invalid cache sharing set for bind mount'],
    ['type=tmpfs,sharing=private', 'invalid cache sharing set for tmpfs mount'],
  ];
  for (const [text, reason] of rows) {
    assert.is(failure(() => parseMount(text)).message, reason, text);
    if (!text.includes('"')) assert.is(reasonOf(`RUN --mount=${text} x`), reason, text);
  }
});

test('expandMount: what holds a variable is checked once its value is known', () => {
  const values: Readonly<Record<string, string>> = { $T: 'cache', $S: 'locked', $Y: 'true', $M: '0700', $Q: 'nope' };
  const expand = (word: string): string => values[word] ?? word.replace('$D', '/data');
  const mount = parseMount('type=$T,sharing=$S,ro=$Y,mode=$M,target=$D/x');
  assert.equal(mount, { text: mount.text, type: 'bind', mode: '$M', target: '$D/x' });
  assert.equal(expandMount(mount, expand), {
    text: mount.text,
    type: 'cache',
    sharing: 'locked',
    readonly: true,
    mode: '0700',
    target: '/data/x',
  });
  const rows: [string, string][] = [
    ['type=$Q', 'unsupported mount type "nope"'],
    ['type=cache,sharing=$Q', 'unsupported sharing value "nope"'],
    ['ro=$Q', 'invalid value for ro: nope'],
    ['type=$T,required=$Y', "unexpected key 'required' for mount type 'cache'"],
    ['type=cache,uid=$Q', 'invalid value nope for uid'],
    ['type=tmpfs,size=$Q', 'invalid value for size: nope'],
    ['type=$T,size=1', "unexpected key 'size' for mount type 'cache'"],
  ];
  for (const [text, reason] of rows) {
    const parsed = parseMount(text);
    assert.is(failure(() => expandMount(parsed, expand)).message, reason, text);
  }
  const plain = parseMount('type=bind,from=a,target=/x');
  assert.equal(expandMount(plain, expand), plain);
});

test('parseSize: units are powers of 1024', () => {
  const rows: [string, number][] = [
    ['0', 0],
    ['1024', 1024],
    ['1b', 1],
    ['1k', 1024],
    ['1KB', 1024],
    ['2KiB', 2048],
    ['64m', 67_108_864],
    ['1.5g', 1_610_612_736],
    ['1 t', 1024 ** 4],
    ['1p', 1024 ** 5],
  ];
  for (const [text, bytes] of rows) assert.is(parseSize(text), bytes, text);
  for (const text of ['', 'k', '-1', '1x', '1kk', '.5g', '1  k']) failure(() => parseSize(text));
});

test.run();
