// The base images of the golden cases, made from testdata/cases/bases.json: small, odd on purpose, and the same bytes
// every time, so that BuildKit and this project build on the same thing. Pushed over plain HTTP (OCI distribution spec).
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { casesFolder } from './case.ts';
import { type DeclaredEntry, packEntries } from './entries.ts';

interface DeclaredBase {
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  readonly author?: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** History lines without a layer, after those of the layers. */
  readonly history?: readonly string[];
  readonly layers: readonly (readonly DeclaredEntry[])[];
}

interface Blob {
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly digest: string;
}

export interface Base {
  readonly name: string;
  readonly diffIds: readonly string[];
  readonly blobs: readonly Blob[];
  readonly manifest: Blob;
}

function blob(mediaType: string, bytes: Buffer): Blob {
  return { mediaType, bytes, digest: digestOf(bytes) };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function jsonBlob(mediaType: string, value: unknown): Blob {
  return blob(mediaType, Buffer.from(JSON.stringify(value)));
}

function descriptorOf({ mediaType, bytes, digest }: Blob): object {
  return { mediaType, digest, size: bytes.length };
}

async function makeBase(name: string, declared: DeclaredBase): Promise<Base> {
  const created = '2020-01-02T03:04:05Z';
  const tars = await Promise.all(declared.layers.map(packEntries));
  const diffIds = tars.map(digestOf);
  const layers = tars.map((tar) => blob('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(tar)));
  const history = [
    ...diffIds.map((_, position) => ({ created, created_by: `layer ${position + 1} of ${name}` })),
    ...(declared.history ?? []).map((line) => ({ created, created_by: line, empty_layer: true })),
  ];
  const config = jsonBlob('application/vnd.oci.image.config.v1+json', {
    ...(declared.platform ?? { os: 'linux', architecture: 'amd64' }),
    ...(declared.author === undefined ? {} : { author: declared.author }),
    created,
    config: declared.config,
    rootfs: { type: 'layers', diff_ids: diffIds },
    history,
  });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const document = { schemaVersion: 2, mediaType, config: descriptorOf(config), layers: layers.map(descriptorOf) };
  return { name, diffIds, blobs: [...layers, config], manifest: jsonBlob(mediaType, document) };
}

/** All bases that bases.json declares. */
export async function makeBases(): Promise<readonly Base[]> {
  const text = readFileSync(join(casesFolder, 'bases.json'), 'utf8');
  const declared = JSON.parse(text) as Record<string, DeclaredBase>;
  return Promise.all(Object.entries(declared).map(([name, base]) => makeBase(name, base)));
}

async function send(method: string, url: string, body?: Blob): Promise<Response> {
  const headers: Record<string, string> = body === undefined ? {} : { 'content-type': body.mediaType };
  const response = await fetch(url, {
    method,
    headers,
    ...(body === undefined ? {} : { body: new Uint8Array(body.bytes) }),
  });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status}`);
  return response;
}

/** Pushes each base as `wherry/<name>:latest` to a registry, e.g. `http://127.0.0.1:5000`. */
export async function pushBases(registry: string, bases: readonly Base[]): Promise<void> {
  for (const base of bases) {
    const repository = `${registry}/v2/wherry/${base.name}`;
    for (const each of base.blobs) {
      const started = await send('POST', `${repository}/blobs/uploads/`);
      const upload = new URL(started.headers.get('location') ?? '', registry);
      upload.searchParams.set('digest', each.digest);
      await send('PUT', upload.href, { ...each, mediaType: 'application/octet-stream' });
    }
    await send('PUT', `${repository}/manifests/latest`, base.manifest);
  }
}
