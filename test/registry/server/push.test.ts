import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { digestOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-types.ts';
import { type Answer, codeOf, pushBlob, pushParts, putManifest, send, withServer } from './http.ts';

const content = Buffer.from('0123456789abcdefghij');
const digest = digestOf(content);
const [first, second, third] = [content.subarray(0, 8), content.subarray(8, 15), content.subarray(15)];

async function start(url: string, repository = 'a', query = ''): Promise<string> {
  const answer = await send(url, 'POST', `/v2/${repository}/blobs/uploads/${query}`, {
    headers: { 'content-length': '0' },
  });
  assert.is(answer.status, 202, answer.body.toString());
  assert.is(answer.headers['range'], '0-0');
  assert.match(String(answer.headers['location']), new RegExp(`^/v2/${repository}/blobs/uploads/[0-9a-f-]{36}$`));
  assert.ok(String(answer.headers['location']).endsWith(String(answer.headers['docker-upload-uuid'])));
  return String(answer.headers['location']);
}

const chunk = (url: string, location: string, bytes: Buffer, offset?: number): Promise<Answer> =>
  send(url, 'PATCH', location, {
    body: bytes,
    headers: {
      'content-type': 'application/octet-stream',
      ...(offset === undefined ? {} : { 'content-range': `${offset}-${offset + bytes.length - 1}` }),
    },
  });

const finish = (
  url: string,
  location: string,
  wanted: string,
  body: Buffer | string = '',
  headers: Record<string, string> = {},
): Promise<Answer> => send(url, 'PUT', `${location}?digest=${encodeURIComponent(wanted)}`, { body, headers });

async function isThere(url: string, wanted = digest, bytes = content): Promise<boolean> {
  const answer = await send(url, 'GET', `/v2/a/blobs/${wanted}`);
  if (answer.status === 200) assert.equal(answer.body, bytes);
  return answer.status === 200;
}

test('a blob with one POST', () =>
  withServer(async ({ url }) => {
    const answer = await send(url, 'POST', `/v2/a/blobs/uploads/?digest=${digest}`, { body: content });
    assert.equal(
      [answer.status, answer.headers['location'], answer.headers['docker-content-digest']],
      [201, `/v2/a/blobs/${digest}`, digest],
    );
    assert.ok(await isThere(url));
  }));

test('a blob with POST and PUT', () =>
  withServer(async ({ url }) => {
    const answer = await finish(url, await start(url), digest, content);
    assert.equal([answer.status, answer.headers['location']], [201, `/v2/a/blobs/${digest}`]);
    assert.ok(await isThere(url));
  }));

test('a blob as a stream: one PATCH without Content-Range', () =>
  withServer(async ({ url }) => {
    const location = await start(url);
    const patched = await chunk(url, location, content);
    assert.equal(
      [patched.status, patched.headers['range'], patched.headers['location']],
      [202, `0-${content.length - 1}`, location],
    );
    assert.is((await finish(url, location, digest)).status, 201);
    assert.ok(await isThere(url));
  }));

test('a blob in chunks, the last one by PATCH or with the PUT', () =>
  withServer(async ({ url }) => {
    for (const isLastInPut of [false, true]) {
      const location = await start(url);
      assert.is((await chunk(url, location, first, 0)).headers['range'], '0-7');
      assert.is((await chunk(url, location, second, 8)).headers['range'], '0-14');
      if (isLastInPut)
        assert.is((await finish(url, location, digest, third, { 'content-range': '15-19' })).status, 201);
      else {
        assert.is((await chunk(url, location, third, 15)).headers['range'], '0-19');
        assert.is((await finish(url, location, digest)).status, 201);
      }
      assert.ok(await isThere(url));
      await send(url, 'DELETE', `/v2/a/blobs/${digest}`);
    }
  }));

test('chunks out of order are refused and change nothing', () =>
  withServer(async ({ url }) => {
    const location = await start(url);
    const early = await chunk(url, location, second, 8);
    assert.equal([early.status, codeOf(early), early.headers['range']], [416, 'RANGE_INVALID', '0-0']);
    assert.is((await chunk(url, location, first, 0)).status, 202);
    for (const [bytes, offset] of [
      [first, 0],
      [third, 15],
    ] as const) {
      const refused = await chunk(url, location, bytes, offset);
      assert.equal([refused.status, refused.headers['range'], refused.headers['location']], [416, '0-7', location]);
    }
    const status = await send(url, 'GET', location);
    assert.equal(
      [status.status, status.headers['range'], status.headers['location'], status.body.length],
      [204, '0-7', location, 0],
    );
    assert.is((await finish(url, location, digest, third, { 'content-range': '15-19' })).status, 416);
    assert.is((await chunk(url, location, second, 8)).status, 202);
    assert.is((await finish(url, location, digest, third, { 'content-range': '15-19' })).status, 201);
    assert.ok(await isThere(url));
  }));

test('a chunk whose length is not what it says is refused', () =>
  withServer(async ({ url }) => {
    const location = await start(url);
    const answer = await send(url, 'PATCH', location, { body: first, headers: { 'content-range': '0-99' } });
    assert.equal([answer.status, codeOf(answer)], [400, 'SIZE_INVALID']);
    const malformed = await send(url, 'PATCH', location, { body: first, headers: { 'content-range': 'all' } });
    assert.equal([malformed.status, codeOf(malformed)], [400, 'BLOB_UPLOAD_INVALID']);
    assert.is((await send(url, 'GET', location)).headers['range'], '0-0');
  }));

test('a wrong digest is refused in each way of pushing, and the session ends', () =>
  withServer(async ({ url }) => {
    const wrong = digestOf('something else');
    const single = await send(url, 'POST', `/v2/a/blobs/uploads/?digest=${wrong}`, { body: content });
    assert.equal([single.status, codeOf(single)], [400, 'DIGEST_INVALID']);
    for (const [patched, put] of [
      ['', content],
      [content, ''],
      [first, content.subarray(8)],
    ] as const) {
      const location = await start(url);
      if (patched !== '') await chunk(url, location, patched, 0);
      const answer = await finish(url, location, wrong, put);
      assert.equal([answer.status, codeOf(answer)], [400, 'DIGEST_INVALID']);
      assert.is((await send(url, 'GET', location)).status, 404);
    }
    assert.not(await isThere(url));
    const malformed = await finish(url, await start(url), 'sha256:x', content);
    assert.equal([malformed.status, codeOf(malformed)], [400, 'DIGEST_INVALID']);
  }));

test('a session is canceled, and unknown then', () =>
  withServer(async ({ url }) => {
    const location = await start(url);
    await chunk(url, location, first, 0);
    assert.is((await send(url, 'DELETE', location)).status, 204);
    for (const [method, path] of [
      ['GET', location],
      ['PATCH', location],
      ['DELETE', location],
      ['PUT', `${location}?digest=${digest}`],
    ] as const) {
      const answer = await send(url, method, path, { body: '' });
      assert.equal([method, answer.status, codeOf(answer)], [method, 404, 'BLOB_UPLOAD_UNKNOWN']);
    }
  }));

test('a session belongs to its repository', () =>
  withServer(async ({ url }) => {
    const location = await start(url);
    const answer = await send(url, 'GET', location.replace('/v2/a/', '/v2/b/'));
    assert.equal([answer.status, codeOf(answer)], [404, 'BLOB_UPLOAD_UNKNOWN']);
  }));

test('a session takes one request at a time', () =>
  withServer(async ({ url }) => {
    const location = await start(url);
    const statuses = (await Promise.all(Array.from({ length: 5 }, () => chunk(url, location, first, 0)))).map(
      (answer) => answer.status,
    );
    assert.is(statuses.filter((status) => status === 202).length, 1, statuses.join());
    assert.ok(
      statuses.every((status) => [202, 409, 416].includes(status)),
      statuses.join(),
    );
    assert.is((await send(url, 'GET', location)).headers['range'], '0-7');
  }));

test('sessions are limited, and end when they are idle', () =>
  withServer(
    async ({ url }) => {
      const locations = [await start(url), await start(url)];
      const refused = await send(url, 'POST', '/v2/a/blobs/uploads/', { body: '' });
      assert.equal([refused.status, codeOf(refused)], [429, 'TOOMANYREQUESTS']);
      await new Promise((resolve) => setTimeout(resolve, 2500));
      for (const location of locations) assert.is((await send(url, 'GET', location)).status, 404);
      await start(url);
    },
    { uploads: { count: 2, idle: 1000 } },
  ));

test('known blobs: nothing, and an empty object', () =>
  withServer(async ({ url }) => {
    for (const text of ['', '{}']) {
      const known = digestOf(text);
      assert.is((await finish(url, await start(url), known, text)).status, 201);
      assert.ok(await isThere(url, known, Buffer.from(text)));
      assert.is((await send(url, 'HEAD', `/v2/a/blobs/${known}`)).headers['content-length'], String(text.length));
    }
  }));

test('sha512, announced or not', () =>
  withServer(async ({ url }) => {
    const long = digestOf(content, 'sha512');
    for (const query of ['', '?digest-algorithm=sha512']) {
      const location = await start(url, 'a', query);
      await chunk(url, location, content);
      assert.is((await finish(url, location, long)).status, 201);
      const got = await send(url, 'GET', `/v2/a/blobs/${long}`);
      assert.equal([got.status, got.headers['docker-content-digest']], [200, long]);
      await send(url, 'DELETE', `/v2/a/blobs/${long}`);
    }
    const text = await pushParts(url, 'a', 'x');
    const named = digestOf(text, 'sha512');
    const put = await putManifest(url, `/v2/a/manifests/${named}`, text);
    assert.equal([put.status, put.headers['docker-content-digest']], [201, named]);
    assert.is((await send(url, 'GET', `/v2/a/manifests/${named}`)).body.toString(), text);
  }));

test('a mount needs a blob and a source', () =>
  withServer(async ({ url }) => {
    await pushBlob(url, 'source', content);
    const mount = (query: string): Promise<Answer> => send(url, 'POST', `/v2/a/blobs/uploads/?${query}`, { body: '' });
    for (const query of [`mount=${digest}`, `mount=${digest}&from=empty`, `mount=${digestOf('none')}&from=source`]) {
      const answer = await mount(query);
      assert.is(answer.status, 202);
      assert.match(String(answer.headers['location']), /^\/v2\/a\/blobs\/uploads\//);
      assert.not(await isThere(url));
    }
    const answer = await mount(`mount=${digest}&from=source`);
    assert.equal([answer.status, answer.headers['location']], [201, `/v2/a/blobs/${digest}`]);
    assert.ok(await isThere(url));
    await send(url, 'DELETE', `/v2/source/blobs/${digest}`);
    assert.ok(await isThere(url));
  }));

const refusedManifests: readonly (readonly [string, string, string, number, string])[] = [
  ['no JSON', '/v2/a/manifests/x', 'nonsense', 400, 'MANIFEST_INVALID'],
  ['another digest', `/v2/a/manifests/${digest}`, '{}', 400, 'DIGEST_INVALID'],
  ['a malformed digest', '/v2/a/manifests/sha256:baddigeststring', '{}', 400, 'DIGEST_INVALID'],
  ['a malformed tag', '/v2/a/manifests/-x', '{}', 400, 'MANIFEST_INVALID'],
  [
    'both manifests and layers',
    '/v2/a/manifests/x',
    '{"schemaVersion":2,"config":{},"layers":[],"manifests":[]}',
    400,
    'MANIFEST_INVALID',
  ],
  [
    'another type inside',
    '/v2/a/manifests/x',
    `{"schemaVersion":2,"mediaType":"${mediaTypes.index}","manifests":[]}`,
    400,
    'MANIFEST_INVALID',
  ],
  [
    'a missing config',
    '/v2/a/manifests/x',
    `{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"${digestOf('no')}","size":2},"layers":[]}`,
    404,
    'MANIFEST_BLOB_UNKNOWN',
  ],
  ['4 MiB and a byte', '/v2/a/manifests/x', ' '.repeat(4 * 1024 * 1024 + 1), 413, 'SIZE_INVALID'],
];
for (const [title, path, text, status, code] of refusedManifests) {
  test(`a manifest is refused: ${title}`, () =>
    withServer(async ({ url }) => {
      const answer = await putManifest(url, path, text);
      assert.equal([answer.status, codeOf(answer)], [status, code]);
      assert.is((await send(url, 'GET', '/v2/a/manifests/x')).status, 404);
    }));
}

test('a manifest of nearly 4 MiB, and one without layers', () =>
  withServer(async ({ url }) => {
    const large = await pushParts(url, 'a', 'x', { annotations: { filling: 'f'.repeat(3_900_000) } });
    assert.is((await putManifest(url, '/v2/a/manifests/large', large)).status, 201);
    assert.is((await send(url, 'GET', '/v2/a/manifests/large')).body.toString(), large);
    const bare = await pushParts(url, 'a', 'x', { layers: [] });
    assert.is((await putManifest(url, '/v2/a/manifests/bare', bare)).status, 201);
  }));

test('the type that a manifest was sent with is the one it is sent with', () =>
  withServer(async ({ url }) => {
    const text = JSON.stringify({ ...JSON.parse(await pushParts(url, 'a', 'x')), mediaType: undefined });
    for (const type of [mediaTypes.manifest, mediaTypes.dockerManifest]) {
      assert.is((await putManifest(url, `/v2/a/manifests/${type.length}`, text, `${type}; charset=utf-8`)).status, 201);
      const got = await send(url, 'GET', `/v2/a/manifests/${type.length}`);
      assert.equal([got.headers['content-type'], got.body.toString()], [type, text]);
    }
  }));

test('a manifest by digest takes tags along', () =>
  withServer(async ({ url }) => {
    const text = await pushParts(url, 'a', 'x');
    const put = await send(url, 'PUT', `/v2/a/manifests/${digestOf(text)}?tag=one&tag=two`, {
      body: text,
      headers: { 'content-type': mediaTypes.manifest },
    });
    assert.equal([put.status, put.headers['oci-tag']], [201, 'one, two']);
    assert.equal(JSON.parse((await send(url, 'GET', '/v2/a/tags/list')).body.toString()).tags, ['one', 'two']);
  }));

test('deletes are visible at once', () =>
  withServer(async ({ url }) => {
    const [text, other] = [await pushParts(url, 'a', 'x'), await pushParts(url, 'a', 'y')];
    for (const tag of ['one', 'two']) await putManifest(url, `/v2/a/manifests/${tag}`, text);
    await putManifest(url, '/v2/a/manifests/three', other);
    const tags = async (): Promise<string[]> =>
      JSON.parse((await send(url, 'GET', '/v2/a/tags/list')).body.toString()).tags;
    assert.is((await send(url, 'DELETE', '/v2/a/manifests/one')).status, 202);
    assert.equal(
      [await tags(), (await send(url, 'HEAD', `/v2/a/manifests/${digestOf(text)}`)).status],
      [['three', 'two'], 200],
    );
    assert.is((await send(url, 'DELETE', `/v2/a/manifests/${digestOf(text)}`)).status, 202);
    for (const selector of ['two', digestOf(text)])
      assert.is((await send(url, 'GET', `/v2/a/manifests/${selector}`)).status, 404);
    assert.equal(await tags(), ['three']);
    await send(url, 'DELETE', `/v2/a/manifests/${digestOf(other)}`);
    assert.equal(await tags(), []);
    const layer = digestOf('layer x');
    assert.is((await send(url, 'DELETE', `/v2/a/blobs/${layer}`)).status, 202);
    assert.is((await send(url, 'HEAD', `/v2/a/blobs/${layer}`)).status, 404);
    const again = await send(url, 'DELETE', `/v2/a/blobs/${layer}`);
    assert.equal([again.status, codeOf(again)], [404, 'BLOB_UNKNOWN']);
  }));

test('an index with children, and one with a subject', () =>
  withServer(async ({ url }) => {
    const child = await pushParts(url, 'a', 'x');
    await putManifest(url, `/v2/a/manifests/${digestOf(child)}`, child);
    const subject = { mediaType: mediaTypes.manifest, digest: digestOf('missing'), size: 7 };
    const manifests = [{ mediaType: mediaTypes.manifest, digest: digestOf(child), size: child.length }];
    const index = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests, subject });
    const put = await putManifest(url, '/v2/a/manifests/multi', index, mediaTypes.index);
    assert.equal([put.status, put.headers['oci-subject']], [201, subject.digest]);
    const nested = JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: [{ mediaType: mediaTypes.index, digest: digestOf(index), size: index.length }],
    });
    assert.is((await putManifest(url, '/v2/a/manifests/nested', nested, mediaTypes.index)).status, 201);
    const got = await send(url, 'GET', '/v2/a/manifests/multi');
    assert.equal([got.headers['content-type'], got.body.toString()], [mediaTypes.index, index]);
  }));

test.run();
