import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createMemoryRegistry } from '../../../registry/memory.ts';
import { descriptorOf } from '../../../src/oci/descriptor.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-types.ts';
import { codeOf, pushBlob, pushParts, putManifest, send, withServer } from './http.ts';

const unknown = digestOf('hello world');
const content = Buffer.alloc(2048, 'range me ');

test('the base path answers', () =>
  withServer(async ({ url }) => {
    for (const path of ['/v2/', '/v2']) {
      const answer = await send(url, 'GET', path);
      assert.is(answer.status, 200);
      assert.is(answer.body.toString(), '{}');
      assert.is(answer.headers['docker-distribution-api-version'], 'registry/2.0');
    }
    const head = await send(url, 'HEAD', '/v2/');
    assert.equal([head.status, head.body.length, head.headers['content-length']], [200, 0, '2']);
  }));

test('a blob is sent with its exact headers', () =>
  withServer(async ({ url }) => {
    const digest = await pushBlob(url, 'a/b', content);
    for (const method of ['GET', 'HEAD']) {
      const answer = await send(url, method, `/v2/a/b/blobs/${digest}`);
      assert.is(answer.status, 200);
      assert.equal(answer.body, method === 'GET' ? content : Buffer.alloc(0));
      assert.is(answer.headers['content-length'], '2048');
      assert.is(answer.headers['content-type'], 'application/octet-stream');
      assert.is(answer.headers['docker-content-digest'], digest);
      assert.is(answer.headers['etag'], `"${digest}"`);
      assert.is(answer.headers['accept-ranges'], 'bytes');
      assert.is(answer.headers['x-content-type-options'], 'nosniff');
      assert.ok(answer.headers['content-security-policy']?.includes('sandbox'));
    }
    const same = await send(url, 'GET', `/v2/a/b/blobs/${digest}`, { headers: { 'if-none-match': `"${digest}"` } });
    assert.equal([same.status, same.body.length], [304, 0]);
  }));

const ranges: readonly (readonly [string, number, number])[] = [
  ['bytes=500-1499', 500, 1499],
  ['bytes=500-', 500, 2047],
  ['bytes=-500', 1548, 2047],
  ['bytes=2000-5000', 2000, 2047],
  ['bytes=0-0', 0, 0],
];
for (const [range, start, end] of ranges) {
  test(`a range of a blob: ${range}`, () =>
    withServer(async ({ url }) => {
      const digest = await pushBlob(url, 'a', content);
      const answer = await send(url, 'GET', `/v2/a/blobs/${digest}`, { headers: { range } });
      assert.is(answer.status, 206);
      assert.is(answer.headers['content-range'], `bytes ${start}-${end}/2048`);
      assert.is(answer.headers['content-length'], String(end - start + 1));
      assert.equal(answer.body, content.subarray(start, end + 1));
    }));
}

for (const range of ['bytes=500-0', 'bytes=5000-10000', 'bytes=2048-']) {
  test(`a range outside of a blob: ${range}`, () =>
    withServer(async ({ url }) => {
      const digest = await pushBlob(url, 'a', content);
      const answer = await send(url, 'GET', `/v2/a/blobs/${digest}`, { headers: { range } });
      assert.is(answer.status, 416);
      assert.is(answer.headers['content-range'], 'bytes */2048');
      assert.is(codeOf(answer), 'RANGE_INVALID');
    }));
}

test('several ranges, or one of something else, get the whole', () =>
  withServer(async ({ url }) => {
    const digest = await pushBlob(url, 'a', content);
    for (const headers of [{ range: 'bytes=0-1,5-6' }, { range: 'bytes=0-1', 'if-range': '"other"' }] as Record<
      string,
      string
    >[]) {
      const answer = await send(url, 'GET', `/v2/a/blobs/${digest}`, { headers });
      assert.equal([answer.status, answer.body.length], [200, 2048]);
    }
  }));

test('what is unknown or malformed has its code and status', () =>
  withServer(async ({ url }) => {
    await pushBlob(url, 'a', content);
    const rows: readonly (readonly [string, number, string])[] = [
      [`/v2/a/blobs/${unknown}`, 404, 'BLOB_UNKNOWN'],
      [`/v2/other/blobs/${digestOf(content)}`, 404, 'BLOB_UNKNOWN'],
      ['/v2/a/blobs/sha256:short', 400, 'DIGEST_INVALID'],
      ['/v2/a/manifests/.INVALID_MANIFEST_NAME', 404, 'MANIFEST_UNKNOWN'],
      ['/v2/a/manifests/sha256:totallywrong', 400, 'DIGEST_INVALID'],
      ['/v2/a/manifests/none', 404, 'MANIFEST_UNKNOWN'],
      [`/v2/a/manifests/${unknown}`, 404, 'MANIFEST_UNKNOWN'],
      ['/v2/never/manifests/none', 404, 'NAME_UNKNOWN'],
      ['/v2/never/tags/list', 404, 'NAME_UNKNOWN'],
      ['/v2/BAD/tags/list', 400, 'NAME_INVALID'],
      ['/v2/a/referrers/sha256:short', 400, 'DIGEST_INVALID'],
      ['/v2/a/tags/list?n=x', 400, 'UNSUPPORTED'],
      ['/other', 404, 'NAME_UNKNOWN'],
      ['//evil.example/v2/', 404, 'NAME_UNKNOWN'],
    ];
    for (const [path, status, code] of rows) {
      const answer = await send(url, 'GET', path);
      assert.equal([path, answer.status, codeOf(answer)], [path, status, code]);
      const head = await send(url, 'HEAD', path);
      assert.equal([path, head.status, head.body.length], [path, status, 0]);
    }
  }));

test('a request with a body where none belongs is answered', () =>
  withServer(async ({ url }) => {
    const answer = await send(url, 'GET', '/v2/a/manifests/sha256:totallywrong', { body: 'a body' });
    assert.equal([answer.status, codeOf(answer)], [400, 'DIGEST_INVALID']);
  }));

test('a method that a path does not have is 405 with Allow', () =>
  withServer(async ({ url }) => {
    const answer = await send(url, 'POST', '/v2/a/manifests/x');
    assert.equal(
      [answer.status, codeOf(answer), answer.headers['allow']],
      [405, 'UNSUPPORTED', 'GET, HEAD, PUT, DELETE'],
    );
  }));

test('a manifest is sent byte for byte, with its type and digest', () =>
  withServer(async ({ url }) => {
    const text = ` ${await pushParts(url, 'a', 'x', { custom: { field: [1, 2] } })}\n`;
    const digest = digestOf(text);
    const put = await putManifest(url, '/v2/a/manifests/v1', text);
    assert.equal(
      [put.status, put.headers['location'], put.headers['docker-content-digest']],
      [201, `/v2/a/manifests/${digest}`, digest],
    );
    for (const selector of ['v1', digest]) {
      const got = await send(url, 'GET', `/v2/a/manifests/${selector}`, {
        headers: { accept: mediaTypes.dockerManifest },
      });
      assert.is(got.body.toString(), text);
      const head = await send(url, 'HEAD', `/v2/a/manifests/${selector}`);
      assert.is(head.body.length, 0);
      for (const { status, headers } of [got, head]) {
        assert.equal(
          [status, headers['content-type'], headers['content-length'], headers['docker-content-digest']],
          [200, mediaTypes.manifest, String(text.length), digest],
        );
      }
    }
    const same = await send(url, 'GET', '/v2/a/manifests/v1', { headers: { 'if-none-match': `"x", "${digest}"` } });
    assert.is(same.status, 304);
  }));

test('tags come in order, and in pages', () =>
  withServer(async ({ url }) => {
    const text = await pushParts(url, 'a/b', 'x');
    for (const tag of ['c', 'B', 'a', '1', 'd_']) await putManifest(url, `/v2/a/b/manifests/${tag}`, text);
    const rows: readonly (readonly [string, readonly string[], string | undefined])[] = [
      ['', ['1', 'B', 'a', 'c', 'd_'], undefined],
      ['?n=2', ['1', 'B'], '</v2/a/b/tags/list?n=2&last=B>; rel="next"'],
      ['?n=2&last=B', ['a', 'c'], '</v2/a/b/tags/list?n=2&last=c>; rel="next"'],
      ['?n=2&last=c', ['d_'], undefined],
      ['?n=5', ['1', 'B', 'a', 'c', 'd_'], undefined],
      ['?n=0', [], undefined],
      ['?last=a', ['c', 'd_'], undefined],
      ['?last=C', ['a', 'c', 'd_'], undefined],
      ['?last=z', [], undefined],
      ['?n=100000000', ['1', 'B', 'a', 'c', 'd_'], undefined],
    ];
    for (const [query, tags, link] of rows) {
      const answer = await send(url, 'GET', `/v2/a/b/tags/list${query}`);
      assert.equal(
        [query, answer.status, JSON.parse(answer.body.toString()), answer.headers['link']],
        [query, 200, { name: 'a/b', tags }, link],
      );
    }
  }));

test('the catalog comes in order, and in pages', () =>
  withServer(async ({ url }) => {
    assert.equal(JSON.parse((await send(url, 'GET', '/v2/_catalog')).body.toString()), { repositories: [] });
    for (const repository of ['b', 'a/c', 'a-b']) await pushBlob(url, repository, 'x');
    const all = await send(url, 'GET', '/v2/_catalog');
    assert.equal(JSON.parse(all.body.toString()), { repositories: ['a-b', 'a/c', 'b'] });
    const page = await send(url, 'GET', '/v2/_catalog?n=2');
    assert.equal(
      [JSON.parse(page.body.toString()).repositories, page.headers['link']],
      [['a-b', 'a/c'], '</v2/_catalog?n=2&last=a%2Fc>; rel="next"'],
    );
  }));

test('referrers are an index, filtered where that is asked', () =>
  withServer(async ({ url }) => {
    const none = await send(url, 'GET', `/v2/never/referrers/${unknown}`);
    assert.equal([none.status, none.headers['content-type']], [200, mediaTypes.index]);
    assert.equal(JSON.parse(none.body.toString()), { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] });
    const subject = { mediaType: mediaTypes.manifest, digest: unknown, size: 11 };
    const digests: string[] = [];
    for (const kind of ['one', 'two']) {
      const text = await pushParts(url, 'a', kind, {
        subject,
        artifactType: `application/${kind}`,
        annotations: { kind },
      });
      const put = await putManifest(url, `/v2/a/manifests/${digestOf(text)}`, text);
      assert.equal([put.status, put.headers['oci-subject']], [201, unknown]);
      digests.push(digestOf(text));
    }
    const all = await send(url, 'GET', `/v2/a/referrers/${unknown}`);
    assert.is(all.headers['oci-filters-applied'], undefined);
    assert.equal(
      JSON.parse(all.body.toString()).manifests.map((entry: { digest: string }) => entry.digest),
      [...digests].sort(),
    );
    const one = await send(url, 'GET', `/v2/a/referrers/${unknown}?artifactType=application%2Fone`);
    assert.is(one.headers['oci-filters-applied'], 'artifactType');
    const [entry, ...others] = JSON.parse(one.body.toString()).manifests;
    assert.equal(
      [entry.digest, entry.artifactType, entry.annotations, others],
      [digests[0], 'application/one', { kind: 'one' }, []],
    );
    await send(url, 'DELETE', `/v2/a/manifests/${digests[0]}`);
    assert.is(JSON.parse((await send(url, 'GET', `/v2/a/referrers/${unknown}`)).body.toString()).manifests.length, 1);
  }));

test('referrers that are too many for one answer come in pages', async () => {
  const backend = createMemoryRegistry();
  const note = 'n'.repeat(5000);
  const many = Array.from({ length: 2000 }, (_, position) => ({
    ...descriptorOf(Buffer.from(String(position)), mediaTypes.manifest),
    artifactType: 'a/b',
    annotations: { note },
  }));
  await withServer(
    async ({ url }) => {
      const found = new Set<string>();
      let [path, pages]: [string | undefined, number] = [`/v2/a/referrers/${unknown}?artifactType=a%2Fb`, 0];
      while (path !== undefined) {
        const answer = await send(url, 'GET', path);
        assert.ok(answer.body.length <= 4 * 1024 * 1024);
        assert.is(answer.headers['oci-filters-applied'], 'artifactType');
        for (const entry of JSON.parse(answer.body.toString()).manifests) found.add(entry.digest);
        path = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers['link'] ?? ''))?.[1];
        pages++;
      }
      assert.equal([found.size, pages], [2000, 3]);
    },
    { backend: { ...backend, referrers: async () => many } },
  );
});

test('a damaged blob is never sent to its end', async () => {
  const backend = createMemoryRegistry();
  await withServer(
    async ({ url }) => {
      const digest = await pushBlob(url, 'a', content);
      try {
        const answer = await send(url, 'GET', `/v2/a/blobs/${digest}`);
        assert.unreachable(`${answer.status} with ${answer.body.length} bytes`);
      } catch (error) {
        assert.is((error as { code: string }).code, 'ECONNRESET');
      }
    },
    {
      backend: {
        ...backend,
        openBlobFrom: async function* (repository, blob, offset) {
          yield* backend.openBlobFrom(repository, blob, offset);
          throw new Error('its digest is wrong');
        },
      },
    },
  );
});

test.run();
