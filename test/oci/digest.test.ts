import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isError } from '../../src/errors.ts';
import {
  type Algorithm,
  chainIdOf,
  createDigester,
  createPortableDigester,
  diffIdOf,
  digestOf,
  isDigest,
  parseDigest,
} from '../../src/oci/digest.ts';

test('digestOf: vectors of the empty string', () => {
  assert.is(digestOf(''), 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  assert.is(digestOf('', 'blake3'), 'blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262');
  assert.ok(digestOf('', 'sha512').startsWith('sha512:cf83e1357eefb8bd'));
});

test('createDigester and createPortableDigester agree, however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<Algorithm>('sha256', 'sha512', 'blake3'),
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }),
      (algorithm, chunks) => {
        const [native, portable] = [createDigester(algorithm), createPortableDigester(algorithm)];
        for (const chunk of chunks) {
          native.update(chunk);
          portable.update(chunk);
        }
        const digest = native.digest();
        assert.is(portable.digest(), digest);
        assert.is(digestOf(Buffer.concat(chunks), algorithm), digest);
        assert.ok(isDigest(digest));
        assert.is(parseDigest(digest), digest);
      },
    ),
  );
});

const bad = [
  '',
  'sha256',
  'sha256:',
  `sha256:${'A'.repeat(64)}`,
  `sha256:${'a'.repeat(63)}`,
  `md5:${'a'.repeat(32)}`,
  `sha256:${'g'.repeat(64)}`,
  `sha512:${'a'.repeat(64)}`,
  `sha256:${'a'.repeat(62)}/.`,
];
for (const text of bad)
  test(`parseDigest refuses "${text.slice(0, 24)}"`, () => {
    assert.not(isDigest(text));
    assert.throws(
      () => parseDigest(text),
      (error: unknown) => isError(error, 'DIGEST_INVALID'),
    );
  });

test('chainIdOf: none, one, and the example of the image spec', () => {
  const [a, b] = [diffIdOf(digestOf('a')), diffIdOf(digestOf('b'))];
  assert.is(chainIdOf([]), undefined);
  assert.is(String(chainIdOf([a])), String(a));
  assert.is(String(chainIdOf([a, b])), digestOf(`${a} ${b}`));
});

test.run();
