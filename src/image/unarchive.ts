// Archive → images: reads what `docker save`, `skopeo copy … oci-archive:` and wherry itself write: an OCI layout in a
// tar, or Docker's `manifest.json` with layer files anywhere in the tar. Blobs go into the given store as they pass.
import { isError, WherryError } from '../errors.ts';
import { annotations } from '../oci/annotations.ts';
import { parseConfig } from '../oci/config.ts';
import { type Descriptor, descriptorFrom, descriptorOf, objectFrom } from '../oci/descriptor.ts';
import { isDigest } from '../oci/digest.ts';
import { type ManifestDocument, manifestDocument, parseManifest } from '../oci/manifest.ts';
import { mediaTypes } from '../oci/media-types.ts';
import type { BlobStore, StoredBlob } from '../store/blob-store.ts';
import { openArchive, sniff } from '../tar/decompress.ts';
import { readTar } from '../tar/read.ts';

/** An image that an archive holds, with the names that it has there (as written; may be none). */
export interface UnarchivedImage {
  readonly root: ManifestDocument;
  /** The manifests and indexes below an index, by digest. */
  readonly below: ReadonlyMap<string, ManifestDocument>;
  readonly names: readonly string[];
}

/** Documents larger than this are refused. */
const maxDocument = 4 * 1024 * 1024;
/** How deep indexes may nest. */
const maxDepth = 8;

/** What was found in the tar. */
interface Contents {
  readonly documents: Map<string, Uint8Array>;
  readonly blobs: Map<string, StoredBlob>;
  readonly links: Map<string, string>;
}

/** Reads an archive into `blobs`. @throws ARCHIVE_INVALID, CONFIG_INVALID, DIGEST_MISMATCH, MANIFEST_INVALID */
export async function readImageArchive(
  source: AsyncIterable<Uint8Array>,
  blobs: BlobStore,
): Promise<readonly UnarchivedImage[]> {
  const archive = await openArchive(source);
  if (archive === undefined)
    throw new WherryError('ARCHIVE_INVALID', 'Cannot read image archive: it is not a tar', {
      hint: 'Want what `docker save` or `wherry save` writes.',
    });
  const contents = await readContents(archive.tar, blobs);
  const index = contents.documents.get('index.json');
  const docker = contents.documents.get('manifest.json');
  const images =
    index === undefined
      ? []
      : await readLayout(index, blobs).catch((error) => {
          // Docker writes indexes whose other platforms it does not have; its own list names what is there.
          if (docker === undefined || !isError(error, 'ARCHIVE_INVALID')) throw error;
          return [];
        });
  if (images.length > 0) return images;
  if (docker === undefined)
    throw new WherryError('ARCHIVE_INVALID', 'Cannot read image archive: it has neither index.json nor manifest.json', {
      hint: 'Want what `docker save` or `wherry save` writes.',
    });
  return readDocker(docker, contents, blobs);
}

async function readContents(tar: AsyncIterable<Uint8Array>, blobs: BlobStore): Promise<Contents> {
  const contents: Contents = { documents: new Map(), blobs: new Map(), links: new Map() };
  for await (const { header, body } of readTar(tar)) {
    if ((header.type === 'symlink' || header.type === 'hardlink') && header.link !== undefined)
      contents.links.set(header.path, header.type === 'hardlink' ? header.link : joinLink(header.path, header.link));
    if (header.type !== 'file') continue;
    if (/^(index\.json|manifest\.json|oci-layout|repositories)$/.test(header.path)) {
      contents.documents.set(header.path, await readSmall(body, header.path));
      continue;
    }
    const named = /^blobs\/([a-z0-9]+)\/([0-9a-f]+)$/.exec(header.path);
    const digest = named === null ? '' : `${named[1]}:${named[2]}`;
    const writer = await blobs.create();
    try {
      for await (const chunk of body) await writer.write(chunk);
      contents.blobs.set(
        header.path,
        await writer.commit(isDigest(digest) ? { digest, size: header.size } : undefined),
      );
    } finally {
      await writer.abort();
    }
  }
  return contents;
}

function joinLink(path: string, link: string): string {
  const parts = path.split('/').slice(0, -1);
  for (const part of link.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}

async function readSmall(body: AsyncIterable<Uint8Array>, name: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxDocument)
      throw new WherryError(
        'TOO_LARGE',
        `Cannot read "${name}" of the image archive: it is larger than ${maxDocument} bytes`,
      );
    chunks.push(Uint8Array.from(chunk));
  }
  return Buffer.concat(chunks);
}

function parseJson(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw new WherryError('ARCHIVE_INVALID', `Cannot read "${name}" of the image archive: it is not valid JSON`, {
      cause,
    });
  }
}

async function readLayout(index: Uint8Array, blobs: BlobStore): Promise<UnarchivedImage[]> {
  const entries = objectFrom(parseJson(index, 'index.json'), 'index.json')['manifests'];
  if (!Array.isArray(entries))
    throw new WherryError('ARCHIVE_INVALID', 'Cannot read "index.json" of the image archive: it has no manifests');
  const images = new Map<string, UnarchivedImage & { readonly names: string[] }>();
  for (const entry of entries) {
    const descriptor = descriptorFrom(entry, 'index.json of the image archive');
    const root = await readManifest(descriptor, blobs);
    const name = descriptor.annotations?.[annotations.imageName] ?? descriptor.annotations?.[annotations.refName];
    const image = images.get(descriptor.digest) ?? { root, below: await readBelow(root, blobs), names: [] };
    if (name !== undefined) image.names.push(name);
    images.set(descriptor.digest, image);
  }
  return [...images.values()];
}

async function readBelow(root: ManifestDocument, blobs: BlobStore, depth = 0): Promise<Map<string, ManifestDocument>> {
  const below = new Map<string, ManifestDocument>();
  if (root.kind === 'manifest') return below;
  if (depth === maxDepth)
    throw new WherryError('MANIFEST_INVALID', `Cannot read image archive: indexes nest more than ${maxDepth} deep`);
  for (const child of root.value.manifests) {
    const document = await readManifest(child, blobs);
    below.set(child.digest, document);
    for (const [digest, inner] of await readBelow(document, blobs, depth + 1)) below.set(digest, inner);
  }
  return below;
}

async function readManifest(descriptor: Descriptor, blobs: BlobStore): Promise<ManifestDocument> {
  try {
    return parseManifest(await blobs.read(descriptor), descriptor.mediaType, descriptor);
  } catch (error) {
    if (!isError(error, 'BLOB_UNKNOWN')) throw error;
    throw new WherryError('ARCHIVE_INVALID', `Cannot read image archive: blob "${descriptor.digest}" is missing`, {
      cause: error,
    });
  }
}

async function readDocker(bytes: Uint8Array, contents: Contents, blobs: BlobStore): Promise<UnarchivedImage[]> {
  const items = parseJson(bytes, 'manifest.json');
  if (!Array.isArray(items))
    throw new WherryError('ARCHIVE_INVALID', 'Cannot read "manifest.json" of the image archive: it is not a list');
  const images: UnarchivedImage[] = [];
  for (const item of items as { Config?: unknown; Layers?: unknown; RepoTags?: unknown }[]) {
    const config = blobAt(String(item.Config), contents);
    const paths = Array.isArray(item.Layers) ? item.Layers.map(String) : [];
    const layers: Descriptor[] = [];
    for (const path of paths) {
      const blob = blobAt(path, contents);
      layers.push({ mediaType: await layerType(blob, blobs, path), digest: blob.digest, size: blob.size });
    }
    const descriptor = { mediaType: mediaTypes.config, digest: config.digest, size: config.size };
    const diffIds = parseConfig(await blobs.read(descriptor), descriptor).value.rootfs.diff_ids;
    if (diffIds.length !== layers.length)
      throw new WherryError(
        'ARCHIVE_INVALID',
        `Cannot read image archive: "${item.Config}" has ${diffIds.length} layers, "manifest.json" ${layers.length}`,
      );
    const root = manifestDocument({ schemaVersion: 2, mediaType: mediaTypes.manifest, config: descriptor, layers });
    await blobs.put(root.bytes);
    images.push({
      root: { ...root, descriptor: descriptorOf(root.bytes, mediaTypes.manifest) },
      below: new Map(),
      names: Array.isArray(item.RepoTags) ? item.RepoTags.map(String) : [],
    });
  }
  return images;
}

function blobAt(path: string, contents: Contents): StoredBlob {
  let at = path;
  for (let hops = 0; hops < 8; hops++) {
    const blob = contents.blobs.get(at);
    if (blob !== undefined) return blob;
    const link = contents.links.get(at);
    if (link === undefined) break;
    at = link;
  }
  throw new WherryError('ARCHIVE_INVALID', `Cannot read image archive: "${path}" is missing`);
}

async function layerType(blob: StoredBlob, blobs: BlobStore, path: string): Promise<string> {
  for await (const chunk of blobs.open(blob)) {
    const format = sniff(chunk);
    if (format === 'gzip') return mediaTypes.layerGzip;
    if (format === 'zstd') return mediaTypes.layerZstd;
    if (format === 'bzip2' || format === 'xz')
      throw new WherryError(
        'ARCHIVE_INVALID',
        `Cannot use layer "${path}": ${format} is no compression of the OCI image spec`,
      );
    break;
  }
  return mediaTypes.layer;
}
