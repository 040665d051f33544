import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extract } from 'tar-stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeHeader, endOfArchive, padding } from '../../src/tar/encode.ts';
import type { TarHeader } from '../../src/tar/entry.ts';
import { bytesOfName, nameFromBytes } from '../../src/tar/name.ts';

const base: TarHeader = { path: 'a', type: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0 };
const capability = Buffer.from('0100000200200000000000000000000000ff80fe', 'hex').toString('base64');
const long = (count: number): string => 'x'.repeat(count);

function tarOf(...headers: TarHeader[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const header of headers)
    parts.push(encodeHeader(header), Buffer.alloc(header.size + padding(header.size), 'c').fill(0, header.size));
  return Buffer.concat([...parts, endOfArchive]);
}

function inFile<T>(bytes: Uint8Array, use: (path: string, folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-tar-'));
  try {
    writeFileSync(join(folder, 'x.tar'), bytes);
    return use(join(folder, 'x.tar'), folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('padding fills up to a block', () => {
  assert.equal([0, 1, 511, 512, 513].map(padding), [0, 511, 1, 0, 511]);
});

test('encodeHeader uses PAX only where ustar cannot say it', () => {
  const cases: [Partial<TarHeader>, number][] = [
    [{}, 1],
    [{ path: long(100) }, 1],
    [{ path: `${long(155)}/${long(100)}` }, 1],
    [{ path: long(101) }, 3],
    [{ path: `${long(156)}/${long(100)}` }, 3],
    [{ path: `${long(50)}/${long(101)}` }, 3],
    [{ path: 'é' }, 3],
    [{ path: '', type: 'directory' }, 1],
    [{ path: `${long(150)}/${long(99)}`, type: 'directory' }, 1],
    [{ path: `${long(150)}/${long(100)}`, type: 'directory' }, 3],
    [{ type: 'symlink', link: long(100) }, 1],
    [{ type: 'symlink', link: long(101) }, 3],
    [{ type: 'symlink', link: 'ü' }, 3],
    [{ uid: 2097151 }, 1],
    [{ uid: 2097152 }, 3],
    [{ gid: 4294967294 }, 3],
    [{ mode: 0 }, 1],
    [{ mode: 0o7777 }, 1],
    [{ mtime: 2 ** 33 - 1 }, 1],
    [{ mtime: 2 ** 33 }, 3],
    [{ mtime: -1 }, 3],
    [{ mtime: 1.5 }, 3],
    [{ size: 2 ** 33 - 1 }, 1],
    [{ size: 2 ** 33 }, 3],
    [{ xattrs: { 'user.a': 'AA==' } }, 3],
    [{ xattrs: { 'user.a': '' } }, 1],
    [{ xattrs: {} }, 1],
  ];
  for (const [fields, blocks] of cases)
    assert.is(encodeHeader({ ...base, ...fields }).length, blocks * 512, JSON.stringify(fields).slice(0, 80));
});

test('encodeHeader does not depend on the order of attributes', () => {
  const one = encodeHeader({ ...base, xattrs: { 'user.b': 'AA==', 'user.a': 'AQ==' } });
  const other = encodeHeader({ ...base, xattrs: { 'user.a': 'AQ==', 'user.b': 'AA==' } });
  assert.equal(Buffer.from(one), Buffer.from(other));
});

test('encodeHeader refuses numbers that no tar holds', () => {
  for (const fields of [
    { uid: -1 },
    { uid: 1.5 },
    { gid: 0xffffffff },
    { mode: 0o10000 },
    { size: -1 },
    { mtime: Number.NaN },
  ])
    assert.throws(
      () => encodeHeader({ ...base, ...fields }),
      (error: unknown) => error instanceof RangeError,
    );
});

const listed: TarHeader[] = [
  { ...base, path: '', type: 'directory', mode: 0o755 },
  { ...base, path: 'dir', type: 'directory', mode: 0o1777, mtime: 1_700_000_000 },
  { ...base, path: 'dir/file', size: 700, mode: 0o4755, uid: 1000, gid: 1001 },
  { ...base, path: 'dir/link', type: 'symlink', link: '../some where', mode: 0o777 },
  { ...base, path: 'dir/hard', type: 'hardlink', link: 'dir/file' },
  { ...base, path: `${long(90)}/${long(90)}`, size: 3 },
  { ...base, path: `${long(190)}/${long(190)}/ü`, size: 5 },
  { ...base, path: 'zero-mode', mode: 0, uid: 3_000_000_000, gid: 4_294_967_294, mtime: 9_000_000_000 },
  { ...base, path: 'old', mtime: -86_400 },
  { ...base, path: 'device', type: 'character', deviceMajor: 1, deviceMinor: 3, mode: 0o666 },
  { ...base, path: 'block', type: 'block', deviceMajor: 8, deviceMinor: 17 },
  { ...base, path: 'fifo', type: 'fifo' },
  { ...base, path: 'with space\n', size: 1 },
  { ...base, path: 'capable', xattrs: { 'security.capability': capability, 'user.text': 'aGk=' } },
  { ...base, path: nameFromBytes(Buffer.from([0x6c, 0xe4, 0x74])), size: 2 },
];

test("Python's tarfile reads what encodeHeader writes", () => {
  const script = `
import sys, tarfile, json, base64
out = []
for m in tarfile.open(sys.argv[1], errors='surrogateescape'):
    out.append([base64.b64encode(m.name.encode('utf-8','surrogateescape')).decode(), m.type.decode(), m.mode, m.uid, m.gid, m.size, float(m.mtime), m.linkname, m.devmajor, m.devminor, m.uname, m.gname])
print(json.dumps(out))`;
  const said = inFile(
    tarOf(...listed),
    (path) => JSON.parse(execFileSync('python3', ['-c', script, path]).toString()) as unknown[][],
  );
  const flags: Record<string, string> = {
    file: '0',
    hardlink: '1',
    symlink: '2',
    character: '3',
    block: '4',
    directory: '5',
    fifo: '6',
  };
  const expected = listed.map((h) => [
    bytesOfName(h.path === '' ? '.' : h.path).toString('base64'),
    flags[h.type],
    h.mode,
    h.uid,
    h.gid,
    h.size,
    h.mtime,
    h.link ?? '',
    h.deviceMajor ?? 0,
    h.deviceMinor ?? 0,
    '',
    '',
  ]);
  assert.equal(said, expected);
});

test('GNU tar lists what encodeHeader writes, and sees binary attributes', () => {
  const text = inFile(tarOf(...listed), (path) =>
    execFileSync(
      'tar',
      ['-tvvf', path, '--xattrs', '--xattrs-include=*', '--numeric-owner', '--full-time', '--quoting-style=escape'],
      { env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' } },
    ).toString(),
  );
  const lines = text.trimEnd().split('\n');
  assert.ok(
    lines.some((line) => /^drwxrwxrwt +0\/0\s+0 2023-11-14 22:13:20 dir\/$/.test(line)),
    text,
  );
  assert.ok(
    lines.some((line) => /^-rwsr-xr-x +1000\/1001\s+700 1970-01-01 00:00:00 dir\/file$/.test(line)),
    text,
  );
  assert.ok(
    lines.some((line) => /^hrw-r--r-- .* dir\/hard link to dir\/file$/.test(line)),
    text,
  );
  assert.ok(
    lines.some((line) => /^---------- +3000000000\/4294967294 .* 2255-03-14 16:00:00 zero-mode$/.test(line)),
    text,
  );
  assert.ok(
    lines.some((line) => /^crw-rw-rw- +0\/0\s+1,3 .* device$/.test(line)),
    text,
  );
  assert.ok(
    lines.some((line) => /x: 20 security\.capability$/.test(line)),
    text,
  );
  assert.ok(
    lines.some((line) => /1969-12-31 00:00:00 old$/.test(line)),
    text,
  );
});

test('tar-stream reads the names, sizes and links that encodeHeader writes', async () => {
  const stream = extract();
  stream.end(tarOf(...listed.slice(0, -1)));
  const seen: unknown[] = [];
  for await (const entry of stream) {
    const { name, size, linkname, mode } = entry.header;
    seen.push([name.replace(/\/$/, ''), size, linkname ?? undefined, mode]);
    entry.resume();
  }
  assert.equal(
    seen,
    listed.slice(0, -1).map((h) => [h.path === '' ? '.' : h.path, h.size, h.link, h.mode]),
  );
});

test('nameFromBytes and bytesOfName keep every byte', () => {
  for (const hex of [
    '61',
    'c3a9',
    'e4',
    'c3',
    'edb080',
    'f09f9880',
    'f09f98',
    'efbfbd',
    '61ffc3a9fe',
    'c080',
    'eda080edb080',
  ]) {
    const bytes = Buffer.from(hex, 'hex');
    const name = nameFromBytes(bytes);
    assert.is(bytesOfName(name).toString('hex'), hex);
    assert.is(bytesOfName(JSON.parse(JSON.stringify(name)) as string).toString('hex'), hex);
  }
});

test.run();
