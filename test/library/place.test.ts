import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatLocation, parseLocation } from '../../src/library/place.ts';
import { failure } from '../build/room.ts';

const places: readonly (readonly [text: string, kind: string, formatted: string])[] = [
  ['app', 'registry', 'docker.io/library/app:latest'],
  ['docker://reg.example:5000/a/b:1', 'registry', 'reg.example:5000/a/b:1'],
  ['store:app:1', 'store', 'docker.io/library/app:1'],
  ['oci:dir', 'layout', 'oci:dir'],
  ['oci:./a/b:v1', 'layout', 'oci:./a/b:v1'],
  ['oci-archive:f.tar:x', 'archive', 'oci-archive:f.tar:x'],
  ['docker-archive:/f.tar:app:1', 'archive', 'docker-archive:/f.tar:app:1'],
];
for (const [text, kind, formatted] of places)
  test(`parseLocation: ${text}`, () => {
    const location = parseLocation(text);
    assert.is(location.kind, kind);
    assert.is(formatLocation(location), formatted);
  });

test('parseLocation: a path or a name that is missing, and a scheme that is not known', async () => {
  const parse = async (text: string): Promise<unknown> => parseLocation(text);
  for (const text of ['oci:', 'oci-archive::x', 'docker-archive:'])
    assert.match(await failure(parse(text)), /^ARGUMENT_INVALID: .*the path is missing/, text);
  for (const text of ['', 'docker://', 'store:']) assert.match(await failure(parse(text)), /^REFERENCE_INVALID/, text);
  for (const text of ['ftp://x/y', 'dir:x', 'docker-daemon:x:1'])
    assert.match(await failure(parse(text)), /^ARGUMENT_INVALID: .*there are no places of the kind/, text);
});

test.run();
