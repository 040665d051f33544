// Git URLs: which texts are one, what they say, and the messages of wrong queries.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type GitSource, parseGitUrl } from '../../src/context/git-url.ts';
import { isError } from '../../src/errors.ts';

const remote = 'https://example.com/o/r.git';
const rows: readonly (readonly [text: string, source: GitSource | undefined])[] = [
  [remote, { remote }],
  [`${remote}#main`, { remote, ref: 'main' }],
  [`${remote}#main:sub/dir`, { remote, ref: 'main', subdir: 'sub/dir' }],
  [`${remote}#:sub/dir/`, { remote, subdir: 'sub/dir' }],
  [`${remote}#:/../x/./y/..`, { remote, subdir: 'x' }],
  [`${remote}#v1.0:`, { remote, ref: 'v1.0' }],
  [`${remote}#`, { remote }],
  [`${remote}#feature%2Fx`, { remote, ref: 'feature/x' }],
  [`${remote}?ref=main&subdir=/a/b/`, { remote, ref: 'main', subdir: 'a/b' }],
  [`${remote}?branch=main`, { remote, ref: 'refs/heads/main' }],
  [`${remote}?branch=refs/heads/main`, { remote, ref: 'refs/heads/main' }],
  [`${remote}?tag=v1`, { remote, ref: 'refs/tags/v1' }],
  [`${remote}?ref=main#main`, { remote, ref: 'main' }],
  [`${remote}?commit=abc123`, { remote, checksum: 'abc123' }],
  [`${remote}?checksum=abc123&tag=v1`, { remote, ref: 'refs/tags/v1', checksum: 'abc123' }],
  [`${remote}?keep-git-dir`, { remote, keepGitDir: true }],
  [
    `${remote}?keep-git-dir=0&submodules=false&fetch-by-commit=true`,
    { remote, keepGitDir: false, submodules: false, fetchByCommit: true },
  ],
  [`${remote}?mtime=commit`, { remote, mtime: 'commit' }],
  ['http://example.com/r.git', { remote: 'http://example.com/r.git' }],
  ['https://user:pw@example.com:8443/r.git#x', { remote: 'https://user:pw@example.com:8443/r.git', ref: 'x' }],
  ['git://example.com/r', { remote: 'git://example.com/r' }],
  ['ssh://git@example.com:2222/o/r#x', { remote: 'ssh://git@example.com:2222/o/r', ref: 'x' }],
  ['git@example.com:o/r.git', { remote: 'git@example.com:o/r.git' }],
  ['git@example.com:o/r#main:sub', { remote: 'git@example.com:o/r', ref: 'main', subdir: 'sub' }],
  ['git@example.com:o/r?branch=x', { remote: 'git@example.com:o/r', ref: 'refs/heads/x' }],
  ['me-2@host.example:~/r', { remote: 'me-2@host.example:~/r' }],
  ['https://example.com/o/r', undefined],
  ['https://example.com/o/r.git/x', undefined],
  ['https://example.com/x.tar.gz#r.git', undefined],
  ['ftp://example.com/r.git', undefined],
  ['file:///r.git', undefined],
  ['github.com/o/r', undefined],
  ['example.com:o/r.git', undefined],
  ['./git@example.com:o/r.git', undefined],
  ['../r.git', undefined],
  ['dir/r.git', undefined],
  ['', undefined],
];

test('parseGitUrl: a table of texts', () => {
  for (const [text, source] of rows) assert.equal(parseGitUrl(text), source, text);
});

test('parseGitUrl: github.com/owner/name counts as a context only', () => {
  assert.equal(parseGitUrl('github.com/o/r#v1:sub', { context: true }), {
    remote: 'https://github.com/o/r',
    ref: 'v1',
    subdir: 'sub',
  });
  assert.equal(parseGitUrl('github.com/o/r.git?branch=x', { context: true }), {
    remote: 'https://github.com/o/r.git',
    ref: 'refs/heads/x',
  });
  assert.is(parseGitUrl('gitlab.com/o/r', { context: true }), undefined);
});

test('parseGitUrl: wrong queries', () => {
  for (const [query, message] of [
    ['?ref=a#b', 'ref conflicts: "b" vs "a"'],
    ['?branch=a#b', 'ref conflicts: "b" vs "refs/heads/a"'],
    ['?ref=a&tag=b', 'ref conflicts: "a" vs "refs/tags/b"'],
    ['?tag=a&branch=b', 'branch conflicts with tag'],
    ['?subdir=a#x:b', 'subdir conflicts: "b" vs "a"'],
    ['?foo=bar', 'unexpected query "foo"'],
    ['?ref', 'query "ref" has no value'],
    ['?ref=a&ref=b', 'query "ref" has multiple values'],
    ['?keep-git-dir=maybe', 'invalid keep-git-dir value: "maybe"'],
    ['?submodules=2', 'invalid submodules value: "2"'],
    ['?mtime=now', 'invalid mtime value: "now" (must be "checkout" or "commit")'],
  ] as const) {
    try {
      parseGitUrl(remote + query);
      assert.unreachable(query);
    } catch (error) {
      assert.ok(isError(error, 'ARGUMENT_INVALID'), String(error));
      assert.is(error.message, message);
    }
  }
});

test.run();
