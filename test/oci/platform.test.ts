import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isError } from '../../src/errors.ts';
import { formatPlatform, type Platform, parsePlatform, selectPlatform } from '../../src/oci/platform.ts';

const texts: readonly [string, string][] = [
  ['linux/amd64', 'linux/amd64'],
  ['linux/x86_64', 'linux/amd64'],
  ['linux/aarch64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/arm/6', 'linux/arm/v6'],
  ['linux/armel', 'linux/arm/v6'],
  ['linux/amd64/v1', 'linux/amd64'],
  ['linux/amd64/v3', 'linux/amd64/v3'],
  ['Linux/AMD64', 'linux/amd64'],
  ['arm64', 'linux/arm64'],
  ['windows(10.0.17763)/amd64', 'windows(10.0.17763)/amd64'],
];
for (const [text, want] of texts)
  test(`parsePlatform: ${text}`, () => {
    assert.is(formatPlatform(parsePlatform(text)), want);
  });

for (const text of ['', '/', 'linux/', 'linux/amd64/v1/x', 'frobnix', 'linux/am d64'])
  test(`parsePlatform refuses "${text}"`, () => {
    assert.throws(
      () => parsePlatform(text),
      (error: unknown) => isError(error, 'ARGUMENT_INVALID'),
    );
  });

const index: readonly Platform[] = [
  { os: 'unknown', architecture: 'unknown' },
  { os: 'linux', architecture: 'arm', variant: 'v6' },
  { os: 'linux', architecture: 'arm', variant: 'v7' },
  { os: 'linux', architecture: 'arm64', variant: 'v8' },
  { os: 'linux', architecture: 'amd64' },
  { os: 'windows', architecture: 'amd64', 'os.version': '10.0.1' },
];
const choices: readonly [string, number][] = [
  ['linux/amd64', 4],
  ['linux/amd64/v2', 4],
  ['linux/arm64', 3],
  ['linux/arm/v7', 2],
  ['linux/arm/v6', 1],
  ['linux/arm/v8', 2],
  ['linux/arm/v5', -1],
  ['linux/s390x', -1],
  ['windows/amd64', 5],
  ['windows(10.0.2)/amd64', -1],
];
for (const [wanted, position] of choices)
  test(`selectPlatform: ${wanted}`, () => {
    assert.is(
      selectPlatform(index, (item) => item, parsePlatform(wanted)),
      index[position],
    );
  });

test.run();
