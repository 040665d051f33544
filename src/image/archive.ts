// Image → archive: the files of an OCI layout in a tar (image spec, image-layout.md), for Docker also `manifest.json`,
// which is what `docker load` reads. The archive is a file table like any layer, written by the same encoder.
import { annotations } from '../oci/annotations.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { encodedOf } from '../oci/digest.ts';
import type { ManifestDocument } from '../oci/manifest.ts';
import { mediaTypes } from '../oci/media-types.ts';
import { formatFamiliar, formatReference, type Reference } from '../oci/reference.ts';
import { type Content, comparePaths, type FileEntry } from '../tar/entry.ts';
import { isForeign } from './transfer.ts';

/** What goes into one archive: an image or an index, with the names that it has there. */
export interface ArchivedImage {
  readonly root: ManifestDocument;
  /** The manifests and indexes below the root, in order. */
  readonly below: readonly ManifestDocument[];
  readonly names: readonly Reference[];
  /** A name in the layout that is no image's name, as `oci-archive:FILE:TAG` gives it. */
  readonly tag?: string;
}

/** The archive's files, sorted. `contentOf` gives the bytes of configs and layers. `docker` adds `manifest.json`. */
export function archiveEntries(
  images: readonly ArchivedImage[],
  contentOf: (blob: Descriptor) => Content,
  options: { readonly docker: boolean },
): FileEntry[] {
  const files = new Map<string, FileEntry>();
  const add = (path: string, size: number, content: Content): void => {
    files.set(path, { path, type: 'file', mode: 0o644, uid: 0, gid: 0, size, mtime: 0, content });
  };
  const addBytes = (path: string, bytes: Uint8Array): void => add(path, bytes.byteLength, { kind: 'bytes', bytes });
  for (const document of images.flatMap(documentsOf)) {
    addBytes(blobPath(document.descriptor), document.bytes);
    if (document.kind === 'index') continue;
    for (const blob of [document.value.config, ...document.value.layers])
      if (!isForeign(blob)) add(blobPath(blob), blob.size, contentOf(blob));
  }
  addBytes('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  addBytes(
    'index.json',
    Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: images.flatMap(indexEntries) }),
    ),
  );
  if (options.docker) addBytes('manifest.json', Buffer.from(JSON.stringify(images.flatMap(dockerEntries))));
  const directories = new Set(
    [...files.keys()].flatMap((path) =>
      path
        .split('/')
        .slice(0, -1)
        .map((_, index, names) => names.slice(0, index + 1).join('/')),
    ),
  );
  const parents = [...directories].map(
    (path): FileEntry => ({ path, type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0 }),
  );
  return [...parents, ...files.values()].sort((a, b) => comparePaths(a.path, b.path));
}

function documentsOf({ root, below }: ArchivedImage): readonly ManifestDocument[] {
  return [root, ...below];
}

function blobPath(descriptor: Descriptor): string {
  return `blobs/${descriptor.digest.slice(0, descriptor.digest.indexOf(':'))}/${encodedOf(descriptor.digest)}`;
}

/** Entries of index.json: one for each name, with the annotations that containerd and Docker look for. */
function indexEntries({ root, names, tag }: ArchivedImage): Descriptor[] {
  const { mediaType, digest, size } = root.descriptor;
  if (tag !== undefined) return [{ mediaType, digest, size, annotations: { [annotations.refName]: tag } }];
  if (names.length === 0) return [{ mediaType, digest, size }];
  return names.map((name) => ({
    mediaType,
    digest,
    size,
    annotations: {
      [annotations.imageName]: formatReference({
        registry: name.registry,
        repository: name.repository,
        tag: name.tag ?? 'latest',
      }),
      [annotations.refName]: name.tag ?? 'latest',
    },
  }));
}

function dockerEntries(image: ArchivedImage): unknown[] {
  const manifests = documentsOf(image).flatMap((document) => (document.kind === 'manifest' ? [document.value] : []));
  return manifests.map(({ config, layers }) => ({
    Config: blobPath(config),
    RepoTags:
      image.names.length === 0
        ? null
        : image.names.map((name) =>
            formatFamiliar({ registry: name.registry, repository: name.repository, tag: name.tag ?? 'latest' }),
          ),
    Layers: layers.map(blobPath),
  }));
}
