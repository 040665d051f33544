import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Endpoint, formatEndpoint, parseEndpoint } from '../../registry/endpoint.ts';
import { isError } from '../../src/errors.ts';
import { digestOf } from '../../src/oci/digest.ts';

const digest = digestOf('hello');
const long = digestOf('hello', 'sha512');
const session = '0b3c51ae-9c0f-4a26-8a4c-2f6f7f0f7b11';
const repository = 'library/redis';

// Each row holds in both directions.
const rows: readonly (readonly [string, string, Endpoint])[] = [
  ['GET', '/v2/', { kind: 'ping' }],
  ['GET', `/v2/library/redis/blobs/${digest}`, { kind: 'get-blob', repository, digest, head: false }],
  ['HEAD', `/v2/library/redis/blobs/${long}`, { kind: 'get-blob', repository, digest: long, head: true }],
  ['DELETE', `/v2/library/redis/blobs/${digest}`, { kind: 'delete-blob', repository, digest }],
  [
    'GET',
    '/v2/library/redis/manifests/7.2_A-b',
    { kind: 'get-manifest', repository, selector: '7.2_A-b', head: false },
  ],
  ['HEAD', `/v2/library/redis/manifests/${digest}`, { kind: 'get-manifest', repository, selector: digest, head: true }],
  ['PUT', '/v2/library/redis/manifests/list', { kind: 'put-manifest', repository, selector: 'list' }],
  [
    'PUT',
    `/v2/library/redis/manifests/${digest}?tag=a&tag=b`,
    { kind: 'put-manifest', repository, selector: digest, tags: ['a', 'b'] },
  ],
  ['DELETE', '/v2/library/redis/manifests/latest', { kind: 'delete-manifest', repository, selector: 'latest' }],
  ['POST', '/v2/library/redis/blobs/uploads/', { kind: 'start-upload', repository }],
  [
    'POST',
    '/v2/library/redis/blobs/uploads/?digest-algorithm=sha512',
    { kind: 'start-upload', repository, algorithm: 'sha512' },
  ],
  [
    'POST',
    `/v2/library/redis/blobs/uploads/?digest=${encodeURIComponent(digest)}`,
    { kind: 'start-upload', repository, digest },
  ],
  [
    'POST',
    `/v2/library/redis/blobs/uploads/?mount=${encodeURIComponent(digest)}`,
    { kind: 'start-upload', repository, mount: digest },
  ],
  [
    'POST',
    `/v2/library/redis/blobs/uploads/?mount=${encodeURIComponent(digest)}&from=a%2Fb`,
    { kind: 'start-upload', repository, mount: digest, from: 'a/b' },
  ],
  ['PATCH', `/v2/library/redis/blobs/uploads/${session}`, { kind: 'patch-upload', repository, session }],
  [
    'PUT',
    `/v2/library/redis/blobs/uploads/${session}?digest=${encodeURIComponent(digest)}`,
    { kind: 'finish-upload', repository, session, digest },
  ],
  ['GET', `/v2/library/redis/blobs/uploads/${session}`, { kind: 'get-upload', repository, session }],
  ['DELETE', `/v2/library/redis/blobs/uploads/${session}`, { kind: 'cancel-upload', repository, session }],
  ['GET', '/v2/library/redis/tags/list', { kind: 'list-tags', repository }],
  ['GET', '/v2/library/redis/tags/list?n=0&last=v1', { kind: 'list-tags', repository, count: 0, last: 'v1' }],
  ['GET', `/v2/library/redis/referrers/${digest}`, { kind: 'list-referrers', repository, digest }],
  [
    'GET',
    `/v2/library/redis/referrers/${digest}?artifactType=a%2Fb%2Bjson`,
    { kind: 'list-referrers', repository, digest, artifactType: 'a/b+json' },
  ],
  ['GET', '/v2/_catalog', { kind: 'list-repositories' }],
  ['GET', '/v2/_catalog?n=10&last=a%2Fb', { kind: 'list-repositories', count: 10, last: 'a/b' }],
  // names that look like endpoints are matched from the right
  ['GET', '/v2/a/blobs/b/manifests/x', { kind: 'get-manifest', repository: 'a/blobs/b', selector: 'x', head: false }],
  ['GET', '/v2/blobs/uploads/tags/list', { kind: 'list-tags', repository: 'blobs/uploads' }],
  ['POST', '/v2/a/blobs/uploads/blobs/uploads/', { kind: 'start-upload', repository: 'a/blobs/uploads' }],
  ['GET', '/v2/a/tags/list/tags/list', { kind: 'list-tags', repository: 'a/tags/list' }],
  ['GET', '/v2/v2/manifests/manifests', { kind: 'get-manifest', repository: 'v2', selector: 'manifests', head: false }],
];

for (const [method, path, endpoint] of rows) {
  test(`parseEndpoint and formatEndpoint: ${method} ${path}`, () => {
    assert.equal(formatEndpoint(endpoint), { method, path });
    assert.equal(parseEndpoint(method, new URL(`http://host${path}`)), endpoint);
  });
}

// These are read too, though they are not what is written.
const alsoRead: readonly (readonly [string, string, Endpoint | undefined])[] = [
  ['GET', '/v2', { kind: 'ping' }],
  ['HEAD', '/v2/', { kind: 'ping' }],
  ['POST', '/v2/a/blobs/uploads', { kind: 'start-upload', repository: 'a' }],
  ['POST', '/v2/a/blobs/uploads/?from=b', { kind: 'start-upload', repository: 'a' }],
  ['GET', `/v2/a/blobs/${encodeURIComponent(digest)}`, { kind: 'get-blob', repository: 'a', digest, head: false }],
  ['GET', '/v1/a', undefined],
  ['GET', '/', undefined],
  ['GET', '/v2/a', undefined],
  ['GET', '/v2/a/tags/all', undefined],
  ['GET', '/v2/manifests/x', undefined],
  ['GET', '/v2/a/../../etc/passwd', undefined],
  ['GET', '/v2/%2e%2e/%2e%2e/etc/passwd', undefined],
  ['GET', '/v2/a/manifests/', undefined],
];

for (const [method, path, expected] of alsoRead) {
  test(`parseEndpoint reads ${method} ${path}`, () => {
    assert.equal(parseEndpoint(method, new URL(`http://host${path}`)), expected);
  });
}

const refused: readonly (readonly [string, string, string])[] = [
  ['GET', '/v2/UPPER/tags/list', 'NAME_INVALID'],
  ['GET', '/v2/a%2fb/tags/list', 'NAME_INVALID'],
  ['GET', '/v2/a%00b/tags/list', 'NAME_INVALID'],
  ['GET', '/v2/%E0%A4%A/tags/list', 'NAME_INVALID'],
  ['GET', '/v2/a//b/tags/list', 'NAME_INVALID'],
  ['GET', '/v2/.hidden/tags/list', 'NAME_INVALID'],
  ['GET', '/v2/_uploads/tags/list', 'NAME_INVALID'],
  ['GET', '/v2/a..b/tags/list', 'NAME_INVALID'],
  ['GET', '/v2/..%5c..%5cetc/manifests/x', 'NAME_INVALID'],
  ['GET', `/v2/${'a'.repeat(256)}/tags/list`, 'NAME_INVALID'],
  ['POST', `/v2/a/blobs/uploads/?mount=${digest}&from=../b`, 'NAME_INVALID'],
  ['GET', '/v2/a/blobs/sha256:abc', 'DIGEST_INVALID'],
  ['GET', `/v2/a/blobs/${digest.toUpperCase()}`, 'DIGEST_INVALID'],
  ['GET', '/v2/a/blobs/sha256:..%2f..%2fx', 'DIGEST_INVALID'],
  ['GET', `/v2/a/blobs/md5:${'0'.repeat(32)}`, 'DIGEST_INVALID'],
  ['GET', '/v2/a/manifests/sha256:totallywrong', 'DIGEST_INVALID'],
  ['PUT', '/v2/a/manifests/sha256:baddigeststring', 'DIGEST_INVALID'],
  ['GET', '/v2/a/referrers/latest', 'DIGEST_INVALID'],
  ['PUT', `/v2/a/blobs/uploads/${session}`, 'DIGEST_INVALID'],
  ['POST', '/v2/a/blobs/uploads/?digest-algorithm=md5', 'DIGEST_INVALID'],
  ['GET', '/v2/a/manifests/.INVALID_MANIFEST_NAME', 'MANIFEST_UNKNOWN'],
  ['DELETE', `/v2/a/manifests/${'t'.repeat(129)}`, 'MANIFEST_UNKNOWN'],
  ['PUT', '/v2/a/manifests/.x', 'MANIFEST_INVALID'],
  ['PUT', `/v2/a/manifests/${digest}?tag=.x`, 'MANIFEST_INVALID'],
  ['PATCH', '/v2/a/blobs/uploads/..%2fx', 'BLOB_UPLOAD_UNKNOWN'],
  ['GET', '/v2/a/tags/list?n=-1', 'ARGUMENT_INVALID'],
  ['GET', '/v2/a/tags/list?n=1e99', 'ARGUMENT_INVALID'],
  ['POST', '/v2/', 'UNSUPPORTED'],
  ['PUT', `/v2/a/blobs/${digest}`, 'UNSUPPORTED'],
  ['constructor', '/v2/a/tags/list', 'UNSUPPORTED'],
];

for (const [method, path, code] of refused) {
  test(`parseEndpoint refuses ${method} ${path.slice(0, 80)} with ${code}`, () => {
    assert.throws(
      () => parseEndpoint(method, new URL(`http://host${path}`)),
      (error: unknown) => isError(error) && error.code === code,
    );
  });
}

test.run();
