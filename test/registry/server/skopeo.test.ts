// Debian's skopeo as an independent client of the server.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLayoutRegistry } from '../../../registry/layout.ts';
import { configDocument } from '../../../src/oci/config.ts';
import { type Descriptor, descriptorOf } from '../../../src/oci/descriptor.ts';
import { diffIdOf, digestOf } from '../../../src/oci/digest.ts';
import { indexDocument, manifestDocument } from '../../../src/oci/manifest.ts';
import { mediaTypes } from '../../../src/oci/media-types.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { openBytes } from '../suite.ts';
import { withServer } from './http.ts';

function run(command: string, args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (part) => out.push(part));
    child.stderr.on('data', (part) => err.push(part));
    child.on('error', reject);
    child.on('close', (status) =>
      resolve({ status: status ?? -1, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    );
  });
}

async function skopeo(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await run('skopeo', ['--insecure-policy', ...args]);
  assert.is(status, 0, `skopeo ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** A layout with an index of two images under the name "source". */
async function makeLayout(path: string): Promise<{ digest: string; images: readonly Descriptor[] }> {
  const store = await openStore(path, { shared: true });
  const registry = createLayoutRegistry(store);
  const images: Descriptor[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const tar = Buffer.alloc(300_000);
    tar.write(architecture, 200_000);
    // Compressed, since skopeo compresses what is not.
    const gzip = gzipSync(tar);
    const layer = descriptorOf(gzip, mediaTypes.layerGzip);
    const config = configDocument({
      architecture,
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: [diffIdOf(digestOf(tar))] },
      history: [{ created_by: 'test' }],
    });
    await registry.pushBlob('', layer, openBytes(gzip, 65_536));
    await registry.pushBlob('', config.descriptor, openBytes(config.bytes));
    const manifest = manifestDocument({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: config.descriptor,
      layers: [layer],
    });
    await registry.putManifest('', manifest);
    images.push({ ...manifest.descriptor, platform: { os: 'linux', architecture } });
  }
  const index = indexDocument({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: images });
  await registry.putManifest('', index, 'source');
  await store.close();
  return { digest: index.descriptor.digest, images };
}

async function withLayoutServer(
  work: (room: { store: Store; folder: string; host: string }) => Promise<void>,
  htpasswd?: string,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-skopeo-'));
  const store = await openStore(join(folder, 'served'));
  try {
    if (htpasswd !== undefined) await writeFile(join(folder, 'users'), htpasswd);
    await withServer(({ port }) => work({ store, folder, host: `127.0.0.1:${port}` }), {
      backend: createLayoutRegistry(store, { isolated: true }),
      ...(htpasswd === undefined ? {} : { htpasswd: join(folder, 'users') }),
    });
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
}

test('skopeo pushes, lists, inspects, pulls and deletes', () =>
  withLayoutServer(async ({ folder, host }) => {
    const { digest, images } = await makeLayout(join(folder, 'source'));
    const source = `oci:${join(folder, 'source')}:source`;
    await skopeo('copy', '--all', '--dest-tls-verify=false', source, `docker://${host}/team/app:multi`);
    await skopeo('copy', '--override-arch=arm64', '--dest-tls-verify=false', source, `docker://${host}/team/app:arm`);
    await skopeo(
      'copy',
      '--override-arch=amd64',
      '--format=v2s2',
      '--dest-tls-verify=false',
      source,
      `docker://${host}/team/app:docker`,
    );
    const tags = JSON.parse(await skopeo('list-tags', '--tls-verify=false', `docker://${host}/team/app`));
    assert.equal(tags.Tags, ['arm', 'docker', 'multi']);
    const raw = await skopeo('inspect', '--raw', '--tls-verify=false', `docker://${host}/team/app:multi`);
    assert.is(digestOf(raw), digest);
    const seen = JSON.parse(
      await skopeo('inspect', '--override-arch=arm64', '--tls-verify=false', `docker://${host}/team/app:arm`),
    );
    assert.equal([seen.Digest, seen.Architecture], [images[1]?.digest, 'arm64']);
    await skopeo(
      'copy',
      '--all',
      '--src-tls-verify=false',
      '--dest-tls-verify=false',
      `docker://${host}/team/app:multi`,
      `docker://${host}/other/app:mounted`,
    );
    await skopeo('delete', '--tls-verify=false', `docker://${host}/team/app:multi`);
    await skopeo(
      'copy',
      '--all',
      '--src-tls-verify=false',
      `docker://${host}/other/app:mounted`,
      `oci:${join(folder, 'target')}:back`,
    );
    const target = await openStore(join(folder, 'target'), { create: false });
    const back = await target.find('back');
    assert.is(back?.digest, digest);
    for (const image of images) assert.ok(await target.blobs.size(image.digest));
    await target.close();
    const gone = await run('skopeo', ['inspect', '--tls-verify=false', `docker://${host}/team/app:multi`]);
    assert.is.not(gone.status, 0);
    assert.match(gone.stderr, /manifest unknown|MANIFEST_UNKNOWN|Cannot find manifest/);
  }));

test('skopeo logs in with a name and a password', async () => {
  const { stdout } = await run('htpasswd', ['-nbB', 'ann', 'secret']);
  await withLayoutServer(async ({ folder, host }) => {
    await makeLayout(join(folder, 'source'));
    const source = `oci:${join(folder, 'source')}:source`;
    await skopeo('copy', '--all', '--dest-creds=ann:secret', '--dest-tls-verify=false', source, `docker://${host}/a:1`);
    const denied = await run('skopeo', ['inspect', '--creds=ann:wrong', '--tls-verify=false', `docker://${host}/a:1`]);
    assert.is.not(denied.status, 0);
    assert.match(denied.stderr, /unauthorized|authentication required|invalid username/i);
  }, stdout);
});

test('skopeo and umoci read a served store as it stands', () =>
  withLayoutServer(async ({ store, folder, host }) => {
    const { digest } = await makeLayout(join(folder, 'source'));
    await skopeo(
      'copy',
      '--all',
      '--dest-tls-verify=false',
      `oci:${join(folder, 'source')}:source`,
      `docker://${host}/team/app:v1`,
    );
    assert.is(digestOf(await skopeo('inspect', '--raw', `oci:${store.root}:team/app:v1`)), digest);
    const listed = await run('umoci', ['ls', '--layout', store.root]);
    assert.equal([listed.status, listed.stdout.trim()], [0, 'team/app:v1']);
  }));

test.run();
