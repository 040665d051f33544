import { execFileSync } from 'node:child_process';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ContextRoom, fetchFile, openMainContext, openNamedContext } from '../../src/build/context.ts';
import type { BuildOptions } from '../../src/build/options.ts';
import { openUrl } from '../../src/build/remote.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { createTask } from '../../src/task.ts';
import { failure, openBuildRoom } from './room.ts';

const room = await openBuildRoom();
test.after(() => room.close());
const at: ContextRoom = { store: room.store, task: createTask(), insecure: [] };

/** The Dockerfile's text and the names in the context's root. */
async function open(options: BuildOptions): Promise<string> {
  const { dockerfile, tree } = await openMainContext(options, at);
  return `${dockerfile.name}: ${Buffer.from(dockerfile.text)} [${tree.list('').join(' ')}]`;
}

const tarOf = (folder: string): Buffer => execFileSync('tar', ['-C', folder, '-czf', '-', '.']);

test('openMainContext: Dockerfile, else dockerfile, else the one that is named', async () => {
  const one = room.directory('one', { Dockerfile: 'D', dockerfile: 'd', 'sub/Other': 'o' });
  const two = room.directory('two', { dockerfile: 'd' });
  assert.is(await open({ context: { kind: 'directory', path: one } }), 'Dockerfile: D [Dockerfile dockerfile sub]');
  assert.is(await open({ context: { kind: 'directory', path: two } }), 'dockerfile: d [dockerfile]');
  const other = join(one, 'sub/Other');
  assert.is(await open({ context: { kind: 'directory', path: two }, dockerfile: other }), `${other}: o [dockerfile]`);
  assert.is(
    await open({ context: { kind: 'directory', path: two }, dockerfile: { text: 't' } }),
    'Dockerfile: t [dockerfile]',
  );
  const stream = Readable.from([Buffer.from('s')]);
  assert.is(
    await open({ context: { kind: 'directory', path: two }, dockerfile: { stream } }),
    'Dockerfile: s [dockerfile]',
  );
});

test("openMainContext: the Dockerfile's own ignore file goes before that of the context", async () => {
  const path = room.directory('ignoring', {
    '.dockerignore': 'a',
    'Dockerfile.dockerignore': 'b',
    Dockerfile: '1',
    Other: '2',
    a: '',
    b: '',
  });
  const context = { kind: 'directory', path } as const;
  const names = '.dockerignore Dockerfile Dockerfile.dockerignore Other';
  assert.is(await open({ context }), `Dockerfile: 1 [${names} a]`);
  const other = join(path, 'Other');
  assert.is(await open({ context, dockerfile: other }), `${other}: 2 [${names} b]`);
  const files = { '.dockerignore': 'a', Dockerfile: '1', a: '', b: '' };
  assert.is(await open({ context: { kind: 'files', files } }), 'Dockerfile: 1 [.dockerignore Dockerfile b]');
});

test('openMainContext: a stream is a lone Dockerfile or an archive', async () => {
  const lone = (): BuildOptions['context'] => ({
    kind: 'stream',
    stream: Readable.from([Buffer.from('FROM scratch')]),
  });
  assert.is(await open({ context: lone() }), 'Dockerfile: FROM scratch []');
  assert.match(await failure(open({ context: lone(), dockerfile: 'x' })), /^ARGUMENT_INVALID: .*lone Dockerfile/);
  const folder = room.directory('packed', { Dockerfile: 'D', 'sub/Other': 'o', '.dockerignore': '*' });
  const packed = (): BuildOptions['context'] => ({ kind: 'stream', stream: Readable.from([tarOf(folder)]) });
  assert.is(await open({ context: packed() }), 'Dockerfile: D [.dockerignore Dockerfile sub]');
  assert.is(await open({ context: packed(), dockerfile: 'sub/Other' }), 'sub/Other: o [.dockerignore Dockerfile sub]');
});

test('openMainContext: what is not there', async () => {
  const path = room.directory('bare', { a: '', 'sub/b': '' });
  const directory = { kind: 'directory', path } as const;
  const table: readonly (readonly [BuildOptions, RegExp])[] = [
    [{ context: directory }, /^DOCKERFILE_NOT_FOUND: .*open Dockerfile: no such file/],
    [{ context: directory, dockerfile: join(path, 'none') }, /^DOCKERFILE_NOT_FOUND: .*none: no such file/],
    [{ context: directory, dockerfile: join(path, 'sub') }, /^DOCKERFILE_NOT_FOUND: .*is a directory/],
    [{ context: { kind: 'directory', path: join(path, 'none') } }, /^CONTEXT_NOT_FOUND: .*not found/],
    [{ context: { kind: 'directory', path: join(path, 'a') } }, /^CONTEXT_NOT_FOUND: .*is not a directory/],
    [
      { context: { kind: 'files', files: { Dockerfil: '' } }, dockerfile: 'Dockerfile' },
      /^DOCKERFILE_NOT_FOUND: .*did you mean Dockerfil\?/,
    ],
    [{ context: { kind: 'git', url: 'ftp://x' } }, /^ARGUMENT_INVALID: .*not a git URL/],
  ];
  for (const [options, want] of table) assert.match(await failure(open(options)), want);
});

test('openNamedContext: a directory with its own ignore file, an archive, and a text that is neither', async () => {
  const path = room.directory('named', { '.dockerignore': 'no', no: '', yes: '' });
  assert.equal((await openNamedContext({ kind: 'directory', path }, at)).list(''), ['.dockerignore', 'yes']);
  const stream = (bytes: Buffer) => ({ kind: 'stream', stream: Readable.from([bytes]) }) as const;
  assert.equal((await openNamedContext(stream(tarOf(path)), at)).list(''), ['.dockerignore', 'no', 'yes']);
  assert.match(await failure(openNamedContext(stream(Buffer.from('text')), at)), /^ARCHIVE_INVALID/);
});

/** Serves one answer for all requests; calls `use` with its address. */
async function serving(answer: RequestListener, use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
}

test('fetchFile: its size and the time that the server says', async () => {
  await serving(
    (_, response) => response.setHeader('last-modified', 'Thu, 01 Jan 1970 00:01:00 GMT').end('hello'),
    async (url) => {
      assert.equal(await fetchFile(`${url}/x`, join(room.folder, 'fetched'), at), { size: 5, mtime: 60 });
    },
  );
});

test('fetchFile: a download that breaks off, one that is refused, and a server that is not there', async () => {
  await serving(
    (_, response) => {
      response.setHeader('content-length', '100000');
      response.write('part');
      setTimeout(() => response.destroy(), 20);
    },
    async (url) =>
      assert.match(await failure(fetchFile(`${url}/x`, join(room.folder, 'broken'), at)), /^DOWNLOAD_FAILED/),
  );
  await serving(
    (_, response) => response.writeHead(404).end(),
    async (url) =>
      assert.is(
        await failure(fetchFile(`${url}/x`, join(room.folder, 'refused'), at)),
        'DOWNLOAD_FAILED: invalid response status 404',
      ),
  );
  assert.match(
    await failure(fetchFile('http://127.0.0.1:1/x', join(room.folder, 'nobody'), at)),
    /^(NETWORK|DOWNLOAD)_FAILED/,
  );
});

test('openUrl: the file is named by the URL, of mode 0600, and checked', async () => {
  await serving(
    (_, response) => response.end('hello'),
    async (url) => {
      const source = (path: string, checksum?: string) =>
        ({
          kind: 'url',
          url: `${url}${path}`,
          unpack: false,
          ...(checksum === undefined ? {} : { checksum }),
        }) as const;
      for (const [path, name] of [
        ['/a/b.txt?c=d', 'b.txt'],
        ['/', '__unnamed__'],
        ['', '__unnamed__'],
        ['/a%20b', 'a b'],
      ] as const) {
        const opened = await openUrl(source(path), at);
        assert.is(opened.kind === 'file' && opened.name, name);
        assert.is(opened.kind === 'file' && opened.entry.mode, 0o600);
      }
      await openUrl(source('/x', digestOf('hello')), at);
      assert.match(
        await failure(openUrl(source('/x', digestOf('other')), at)),
        /^CHECKSUM_MISMATCH: digest mismatch for .*expected: sha256/,
      );
      for (const bad of ['md5:00', 'sha256:00', digestOf('x').toUpperCase()])
        assert.match(await failure(openUrl(source('/x', bad), at)), /^DOCKERFILE_INVALID: invalid checksum/);
      assert.match(await failure(openUrl(source('/a%2Fb'), at)), /^DOCKERFILE_INVALID/);
    },
  );
});

test.run();
