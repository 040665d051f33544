// One suite over all implementations of Registry: memory, a layout, and both behind HTTP.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Registry } from '../../registry/registry.ts';
import { type Code, isError } from '../../src/errors.ts';
import { type Descriptor, descriptorOf } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { type ManifestDocument, parseManifest } from '../../src/oci/manifest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';

/** What an implementation is like. */
export interface SuiteOptions {
  /** Repositories share all blobs, and keep no untagged manifest beside what indexes lead to. */
  readonly shared?: boolean;
}

/** A registry under test, and its end. */
export interface Opened {
  readonly registry: Registry;
  close(): Promise<void>;
}

/** Runs `work` and expects it to throw one of the codes. */
export async function rejects(work: () => Promise<unknown>, ...codes: Code[]): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isError(error, ...codes)) throw error;
    return;
  }
  assert.unreachable(`expected ${codes.join(' or ')}`);
}

/** All chunks as one. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(Uint8Array.from(chunk));
  return Buffer.concat(parts);
}

async function listed<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Opens bytes in pieces, from an offset. */
export function openBytes(bytes: Uint8Array, piece = 1000): (offset: number) => AsyncIterable<Uint8Array> {
  return async function* (offset) {
    for (let position = offset; position < bytes.byteLength; position += piece)
      yield bytes.subarray(position, position + piece);
  };
}

async function push(
  registry: Registry,
  repository: string,
  content: string | Uint8Array,
  mediaType: string = mediaTypes.layer,
): Promise<Descriptor> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const descriptor = descriptorOf(bytes, mediaType);
  await registry.pushBlob(repository, descriptor, openBytes(bytes));
  return descriptor;
}

/** A document of exactly this JSON text, with odd spaces and a field of nobody, as others may write it. */
function odd(fields: Record<string, unknown>): ManifestDocument {
  const bytes = Buffer.from(`{ "x-unknown" : "é" ,\n${JSON.stringify(fields).slice(1)}\n`);
  return parseManifest(bytes, String(fields['mediaType']));
}

interface ImageParts {
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly configType?: string;
}

async function image(
  registry: Registry,
  repository: string,
  label: string,
  parts: ImageParts = {},
): Promise<ManifestDocument> {
  const { configType = mediaTypes.config, ...fields } = parts;
  const config = await push(
    registry,
    repository,
    JSON.stringify({ architecture: 'amd64', os: 'linux', author: label }),
    configType,
  );
  const layer = await push(registry, repository, `layer of ${label}`);
  return odd({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [layer], ...fields });
}

const one = 'library/one';
const two = 'two';

type Check = (title: string, work: (registry: Registry) => Promise<void>) => void;

/** Runs every check on a fresh registry. */
export function registrySuite(name: string, create: () => Promise<Opened>, options: SuiteOptions = {}): void {
  const it = suite(`Registry ${name}`);
  const check: Check = (title, work) => {
    it(`${name}: ${title}`, async () => {
      const { registry, close } = await create();
      try {
        await work(registry);
      } finally {
        await close();
      }
    });
  };
  manifestChecks(check, options);
  blobChecks(check, options);
  deleteChecks(check, options);
  listChecks(check);
  it.run();
}

function manifestChecks(check: Check, options: SuiteOptions): void {
  check('a manifest comes back byte for byte, by tag and by digest', async (registry) => {
    const manifest = await image(registry, one, 'a');
    await registry.putManifest(one, manifest, 'v1');
    for (const selector of ['v1', manifest.descriptor.digest]) {
      const got = await registry.getManifest(one, selector);
      assert.equal(Buffer.from(got.bytes), Buffer.from(manifest.bytes));
      assert.is(got.descriptor.mediaType, mediaTypes.manifest);
      assert.is(got.descriptor.digest, manifest.descriptor.digest);
      const { mediaType, digest, size } = await registry.resolve(one, selector);
      assert.equal(
        { mediaType, digest, size },
        { mediaType: mediaTypes.manifest, digest: manifest.descriptor.digest, size: manifest.bytes.byteLength },
      );
    }
  });

  for (const [type, config] of [
    [mediaTypes.manifest, mediaTypes.config],
    [mediaTypes.dockerManifest, mediaTypes.dockerConfig],
  ] as const) {
    check(`the media type ${type} is kept`, async (registry) => {
      const descriptor = await push(registry, one, '{}', config);
      const manifest = odd({ schemaVersion: 2, mediaType: type, config: descriptor, layers: [] });
      await registry.putManifest(one, manifest, 'x');
      assert.is((await registry.resolve(one, 'x')).mediaType, type);
    });
  }

  check('an index is kept with its children', async (registry) => {
    const [a, b] = [await image(registry, one, 'a'), await image(registry, one, 'b')];
    await registry.putManifest(one, a);
    await registry.putManifest(one, b);
    const index = odd({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [a.descriptor, b.descriptor] });
    await registry.putManifest(one, index, 'multi');
    const got = await registry.getManifest(one, 'multi');
    assert.is(got.kind, 'index');
    assert.equal(Buffer.from(got.bytes), Buffer.from(index.bytes));
    for (const child of [a, b])
      assert.equal(
        Buffer.from((await registry.getManifest(one, child.descriptor.digest)).bytes),
        Buffer.from(child.bytes),
      );
    assert.equal(await listed(registry.tags(one)), ['multi']);
  });

  check('an index without entries, and a manifest without layers', async (registry) => {
    const index = odd({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] });
    await registry.putManifest(one, index, 'empty');
    assert.is((await registry.resolve(one, 'empty')).digest, index.descriptor.digest);
    const config = await push(registry, one, '{}', mediaTypes.empty);
    const manifest = odd({ schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType: 'a/b', config, layers: [] });
    await registry.putManifest(one, manifest, 'bare');
    assert.is((await registry.getManifest(one, 'bare')).value.artifactType, 'a/b');
  });

  check('a tag moves', async (registry) => {
    const [a, b] = [await image(registry, one, 'a'), await image(registry, one, 'b')];
    await registry.putManifest(one, a, 'latest');
    await registry.putManifest(one, b, 'latest');
    assert.is((await registry.resolve(one, 'latest')).digest, b.descriptor.digest);
    if (options.shared !== true)
      assert.is((await registry.resolve(one, a.descriptor.digest)).digest, a.descriptor.digest);
    assert.equal(await listed(registry.tags(one)), ['latest']);
  });

  check('putting a manifest again changes nothing', async (registry) => {
    const a = await image(registry, one, 'a');
    for (let i = 0; i < 3; i++) await registry.putManifest(one, a, 'x');
    await registry.putManifest(one, a);
    assert.equal(await listed(registry.tags(one)), ['x']);
  });

  check('many tags put at once are all there', async (registry) => {
    const a = await image(registry, one, 'a');
    await registry.putManifest(one, a);
    const tags = Array.from({ length: 20 }, (_, position) => `t${String(position).padStart(2, '0')}`);
    await Promise.all(tags.map((tag) => registry.putManifest(one, a, tag)));
    assert.equal(await listed(registry.tags(one)), tags);
  });

  check('what a manifest needs must be there', async (registry) => {
    const config = await push(registry, one, '{}', mediaTypes.config);
    const missing = descriptorOf(Buffer.from('missing'), mediaTypes.layer);
    const cases = [
      odd({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [missing] }),
      odd({ schemaVersion: 2, mediaType: mediaTypes.manifest, config: missing, layers: [] }),
      odd({
        schemaVersion: 2,
        mediaType: mediaTypes.index,
        manifests: [{ ...missing, mediaType: mediaTypes.manifest }],
      }),
    ];
    for (const manifest of cases) {
      await rejects(() => registry.putManifest(one, manifest, 'x'), 'MANIFEST_BLOB_UNKNOWN');
      await rejects(() => registry.resolve(one, 'x'), 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN');
    }
  });

  check('a layer that lives elsewhere need not be there', async (registry) => {
    const config = await push(registry, one, '{}', mediaTypes.config);
    const foreign = {
      ...descriptorOf(Buffer.from('windows'), mediaTypes.dockerForeignLayerGzip),
      urls: ['https://example.com/layer'],
    };
    await registry.putManifest(
      one,
      odd({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [foreign] }),
      'win',
    );
    assert.is((await registry.getManifest(one, 'win')).kind, 'manifest');
  });

  check('what is not there is unknown', async (registry) => {
    await rejects(() => registry.resolve('never/seen', 'x'), 'NAME_UNKNOWN', 'MANIFEST_UNKNOWN');
    await rejects(() => registry.getManifest('never/seen', 'x'), 'NAME_UNKNOWN', 'MANIFEST_UNKNOWN');
    await registry.putManifest(one, await image(registry, one, 'a'), 'v1');
    for (const selector of ['v2', digestOf('nothing')]) {
      await rejects(() => registry.resolve(one, selector), 'MANIFEST_UNKNOWN');
      await rejects(() => registry.getManifest(one, selector), 'MANIFEST_UNKNOWN');
    }
  });
}

function blobChecks(check: Check, options: SuiteOptions): void {
  check('a blob comes back, with its bytes counted', async (registry) => {
    const bytes = Buffer.alloc(700_000, 'some content ');
    const descriptor = descriptorOf(bytes, mediaTypes.layer);
    assert.is(await registry.hasBlob(one, descriptor), false);
    let [up, down] = [0, 0];
    await registry.pushBlob(one, descriptor, openBytes(bytes, 64_000), (count) => (up += count));
    assert.is(await registry.hasBlob(one, descriptor), true);
    assert.equal(await collect(registry.openBlob(one, descriptor, (count) => (down += count))), bytes);
    assert.equal([up, down], [bytes.byteLength, bytes.byteLength]);
  });

  check('an empty blob comes back', async (registry) => {
    const descriptor = await push(registry, one, '');
    assert.is(await registry.hasBlob(one, descriptor), true);
    assert.is((await collect(registry.openBlob(one, descriptor))).byteLength, 0);
  });

  check('a blob of sha512 comes back', async (registry) => {
    const bytes = Buffer.from('long digest');
    const descriptor = { mediaType: mediaTypes.layer, digest: digestOf(bytes, 'sha512'), size: bytes.byteLength };
    await registry.pushBlob(one, descriptor, openBytes(bytes));
    assert.equal(await collect(registry.openBlob(one, descriptor)), bytes);
  });

  check('a blob that is there is not read again', async (registry) => {
    const descriptor = await push(registry, one, 'once');
    await registry.pushBlob(one, descriptor, () => {
      throw new Error('was opened');
    });
  });

  check('a blob of another digest or size is refused and not kept', async (registry) => {
    const bytes = Buffer.from('right bytes');
    const right = descriptorOf(bytes, mediaTypes.layer);
    const cases: readonly (readonly [Descriptor, Uint8Array, Code[]])[] = [
      [right, Buffer.from('wrong bytes'), ['DIGEST_MISMATCH', 'DIGEST_INVALID']],
      [right, Buffer.from('right'), ['SIZE_INVALID', 'DIGEST_MISMATCH', 'DIGEST_INVALID']],
      [right, Buffer.from('right bytes and more'), ['SIZE_INVALID', 'DIGEST_MISMATCH', 'DIGEST_INVALID']],
      [{ ...right, size: 5 }, bytes, ['SIZE_INVALID', 'DIGEST_MISMATCH', 'DIGEST_INVALID']],
    ];
    for (const [descriptor, content, codes] of cases) {
      await rejects(() => registry.pushBlob(one, descriptor, openBytes(content)), ...codes);
      assert.is(await registry.hasBlob(one, right), false);
    }
  });

  check('an error of the source is the error of the push', async (registry) => {
    const descriptor = descriptorOf(Buffer.from('never sent'), mediaTypes.layer);
    await rejects(
      () =>
        registry.pushBlob(one, descriptor, async function* () {
          yield Buffer.from('never');
          const { WherryError } = await import('../../src/errors.ts');
          throw new WherryError('ABORTED', 'Interrupted');
        }),
      'ABORTED',
    );
    assert.is(await registry.hasBlob(one, descriptor), false);
  });

  check('an unknown blob is BLOB_UNKNOWN', async (registry) => {
    await push(registry, one, 'x');
    const unknown = descriptorOf(Buffer.from('unknown'), mediaTypes.layer);
    assert.is(await registry.hasBlob(one, unknown), false);
    await rejects(() => collect(registry.openBlob(one, unknown)), 'BLOB_UNKNOWN');
    await rejects(() => collect(registry.openBlob('never/seen', unknown)), 'BLOB_UNKNOWN', 'NAME_UNKNOWN');
  });

  check('a blob is mounted from another repository', async (registry) => {
    const descriptor = await push(registry, one, 'shared');
    assert.is(await registry.mountBlob(two, descriptor, one), true);
    assert.equal((await collect(registry.openBlob(two, descriptor))).toString(), 'shared');
    const unknown = descriptorOf(Buffer.from('unknown'), mediaTypes.layer);
    assert.is(await registry.mountBlob(two, unknown, one), false);
  });

  if (options.shared === true) return;
  check("repositories do not see each other's blobs", async (registry) => {
    const descriptor = await push(registry, one, 'private');
    await push(registry, two, 'other');
    assert.is(await registry.hasBlob(two, descriptor), false);
    await rejects(() => collect(registry.openBlob(two, descriptor)), 'BLOB_UNKNOWN');
    assert.is(await registry.mountBlob('three', descriptor, two), false);
    const manifest = await image(registry, one, 'a');
    await registry.putManifest(one, manifest, 'x');
    await rejects(() => registry.putManifest(two, manifest, 'x'), 'MANIFEST_BLOB_UNKNOWN');
    await rejects(() => registry.getManifest(two, manifest.descriptor.digest), 'MANIFEST_UNKNOWN');
  });
}

function deleteChecks(check: Check, options: SuiteOptions): void {
  check('deleting a tag removes that tag only', async (registry) => {
    const a = await image(registry, one, 'a');
    await registry.putManifest(one, a, 'x');
    await registry.putManifest(one, a, 'y');
    await registry.deleteManifest(one, 'x');
    await rejects(() => registry.resolve(one, 'x'), 'MANIFEST_UNKNOWN');
    assert.is((await registry.resolve(one, 'y')).digest, a.descriptor.digest);
    assert.is((await registry.resolve(one, a.descriptor.digest)).digest, a.descriptor.digest);
    await rejects(() => registry.deleteManifest(one, 'x'), 'MANIFEST_UNKNOWN');
  });

  check('deleting a digest removes the manifest and its tags', async (registry) => {
    const [a, b] = [await image(registry, one, 'a'), await image(registry, one, 'b')];
    await registry.putManifest(one, a, 'x');
    await registry.putManifest(one, a, 'y');
    await registry.putManifest(one, b, 'z');
    await registry.deleteManifest(one, a.descriptor.digest);
    await rejects(() => registry.resolve(one, 'x'), 'MANIFEST_UNKNOWN');
    await rejects(() => registry.getManifest(one, a.descriptor.digest), 'MANIFEST_UNKNOWN');
    assert.equal(await listed(registry.tags(one)), ['z']);
    await rejects(() => registry.deleteManifest(one, a.descriptor.digest), 'MANIFEST_UNKNOWN');
    await registry.putManifest(one, a, 'x');
    assert.equal(await listed(registry.tags(one)), ['x', 'z'], 'it can be put again');
  });

  check('what was never there can not be deleted', async (registry) => {
    await rejects(() => registry.deleteManifest('never/seen', 'x'), 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN');
    await rejects(
      () => registry.deleteBlob('never/seen', digestOf('x')),
      'BLOB_UNKNOWN',
      'NAME_UNKNOWN',
      'UNSUPPORTED',
    );
  });

  if (options.shared === true) {
    check('a shared blob is not deleted', async (registry) => {
      const descriptor = await push(registry, one, 'x');
      await rejects(() => registry.deleteBlob(one, descriptor.digest), 'UNSUPPORTED');
    });
    return;
  }
  check('the last tag of a manifest leaves it to its digest', async (registry) => {
    const a = await image(registry, one, 'a');
    await registry.putManifest(one, a, 'x');
    await registry.deleteManifest(one, 'x');
    assert.is((await registry.resolve(one, a.descriptor.digest)).digest, a.descriptor.digest);
    assert.equal(await listed(registry.tags(one)), []);
  });

  check('deleting a blob leaves other repositories alone', async (registry) => {
    const descriptor = await push(registry, one, 'x');
    await push(registry, two, 'x');
    await registry.deleteBlob(one, descriptor.digest);
    assert.is(await registry.hasBlob(one, descriptor), false);
    assert.is(await registry.hasBlob(two, descriptor), true);
    assert.equal((await collect(registry.openBlob(two, descriptor))).toString(), 'x');
    await rejects(() => registry.deleteBlob(one, descriptor.digest), 'BLOB_UNKNOWN');
  });
}

function listChecks(check: Check): void {
  check('tags are ordered by bytes', async (registry) => {
    const a = await image(registry, one, 'a');
    for (const tag of ['b', 'a.1', 'B', '_x', 'a-1', '10', '9']) await registry.putManifest(one, a, tag);
    assert.equal(await listed(registry.tags(one)), ['10', '9', 'B', '_x', 'a-1', 'a.1', 'b']);
    await rejects(() => listed(registry.tags('never/seen')), 'NAME_UNKNOWN');
  });

  check('repositories are ordered by bytes', async (registry) => {
    for (const repository of [two, one, 'a-b/c', 'a/b', 'one'])
      await registry.putManifest(repository, await image(registry, repository, 'a'), 'x');
    assert.equal(await listed(registry.repositories()), ['a-b/c', 'a/b', one, 'one', two]);
    assert.equal(await listed(registry.tags('one')), ['x']);
  });

  check('referrers name a subject, also one that never came', async (registry) => {
    const subject = await image(registry, one, 'subject');
    assert.equal(await registry.referrers(one, subject.descriptor.digest), []);
    const annotations = { 'org.example.note': 'x' };
    const { digest } = subject.descriptor;
    const first = await image(registry, one, 'sbom', {
      artifactType: 'application/sbom',
      subject: subject.descriptor,
      annotations,
    });
    const second = await image(registry, one, 'old', {
      configType: 'application/signature',
      subject: subject.descriptor,
    });
    for (const manifest of [first, second]) await registry.putManifest(one, manifest);
    const index = odd({
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      artifactType: 'application/group',
      manifests: [],
      subject: subject.descriptor,
    });
    await registry.putManifest(one, index);
    const found = await registry.referrers(one, digest);
    const expected = [
      {
        mediaType: mediaTypes.manifest,
        digest: first.descriptor.digest,
        size: first.bytes.byteLength,
        artifactType: 'application/sbom',
        annotations,
      },
      {
        mediaType: mediaTypes.manifest,
        digest: second.descriptor.digest,
        size: second.bytes.byteLength,
        artifactType: 'application/signature',
      },
      {
        mediaType: mediaTypes.index,
        digest: index.descriptor.digest,
        size: index.bytes.byteLength,
        artifactType: 'application/group',
      },
    ];
    const order = (a: Descriptor, b: Descriptor): number => (a.digest < b.digest ? -1 : 1);
    assert.equal(
      [...found].sort(order),
      [...expected].sort((a, b) => (a.digest < b.digest ? -1 : 1)),
    );
    assert.equal(
      (await registry.referrers(one, digest, 'application/signature')).map((entry) => entry.digest),
      [second.descriptor.digest],
    );
    assert.equal(await registry.referrers(one, digest, 'application/other'), []);
    assert.equal(await registry.referrers(one, digestOf('no subject')), []);
    await registry.deleteManifest(one, first.descriptor.digest);
    assert.is((await registry.referrers(one, digest)).length, 2);
  });
}
