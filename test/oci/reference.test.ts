import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isError } from '../../src/errors.ts';
import { formatFamiliar, formatReference, parseReference } from '../../src/oci/reference.ts';

const hex = 'a'.repeat(64);

const good: readonly [string, string][] = [
  ['redis', 'docker.io/library/redis:latest'],
  ['docker.io/debian', 'docker.io/library/debian:latest'],
  ['index.docker.io/debian', 'docker.io/library/debian:latest'],
  ['user/app', 'docker.io/user/app:latest'],
  ['localhost/foo', 'localhost/foo:latest'],
  ['LOCALDOMAIN/foo', 'LOCALDOMAIN/foo:latest'],
  ['Foo/bar', 'Foo/bar:latest'],
  ['localhost', 'docker.io/library/localhost:latest'],
  ['test.com:5000', 'docker.io/library/test.com:5000'],
  ['127.0.0.1:5000/a/b', '127.0.0.1:5000/a/b:latest'],
  ['[::1]:5000/repo', '[::1]:5000/repo:latest'],
  ['[2001:db8::1]/repo:tag', '[2001:db8::1]/repo:tag'],
  ['xn--n3h.com/myimage:xn--n3h.com', 'xn--n3h.com/myimage:xn--n3h.com'],
  ['foo/foo_bar.com:8080', 'docker.io/foo/foo_bar.com:8080'],
  ['docker---rules/docker', 'docker.io/docker---rules/docker:latest'],
  ['dock__er/docker', 'docker.io/dock__er/docker:latest'],
  ['d/docker', 'docker.io/d/docker:latest'],
  [`busybox:1@sha256:${hex}`, `docker.io/library/busybox:1@sha256:${hex}`],
  [`busybox@sha256:${hex}`, `docker.io/library/busybox@sha256:${hex}`],
  ['r.example/a:V_1.x-', 'r.example/a:V_1.x-'],
];
for (const [text, want] of good)
  test(`parseReference: ${text}`, () => {
    assert.is(formatReference(parseReference(text)), want);
    assert.equal(parseReference(formatFamiliar(parseReference(text))), parseReference(text));
  });

const bad = [
  '',
  ':tag',
  '@sha256:x',
  'https://github.com/a/b',
  'docker/Docker',
  '-docker',
  'docker-/docker',
  'docker///docker',
  'dock..er/x',
  'dock_.er/x',
  '____/____',
  'docker/',
  'aa/asdf$$^/aa',
  hex,
  '[fc00::1]',
  'fc00::1:5000/debian',
  '[fe80::1%eth0]:5000/x',
  `repo@sha256:${'a'.repeat(34)}`,
  `x@invaliddigest:${hex}`,
  `${'a/'.repeat(128)}a`,
  'a:',
  `a:${'t'.repeat(129)}`,
  'a b',
  '../a',
  'a/../b',
];
for (const text of bad)
  test(`parseReference refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.throws(
      () => parseReference(text),
      (error: unknown) => isError(error, 'REFERENCE_INVALID'),
    );
  });

test('parseReference throws nothing but REFERENCE_INVALID, and reads back what it formats', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'aB0-_.:/@[] ') }), (text) => {
      try {
        const reference = parseReference(text);
        assert.equal(parseReference(formatReference(reference)), reference);
      } catch (error) {
        assert.ok(isError(error, 'REFERENCE_INVALID'), String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test.run();
