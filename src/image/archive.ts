// Image → archive: the files of an OCI layout in a tar (image spec, image-layout.md), for Docker also `manifest.json`,
// which is what `docker load` reads. The archive is a file table like any layer, written by the same encoder.
import { annotations } from '../oci/annotations.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { encodedOf } from '../oci/digest.ts';
import { mediaTypes } from '../oci/media-types.ts';
import { formatFamiliar, formatReference, type Reference } from '../oci/reference.ts';
import { type Content, comparePaths, type FileEntry } from '../tar/entry.ts';
import type { Published } from './publish.ts';

/** What goes into one archive: images with the names that each has there. */
export interface ArchivedImage {
  readonly published: Published;
  readonly names: readonly Reference[];
}

/** The archive's files, sorted. `contentOf` gives the bytes of layers. `docker` adds `manifest.json`. */
export function archiveEntries(
  images: readonly ArchivedImage[],
  contentOf: (layer: Descriptor) => Content,
  options: { readonly docker: boolean },
): FileEntry[] {
  const files = new Map<string, FileEntry>();
  const add = (path: string, size: number, content: Content): void => {
    files.set(path, { path, type: 'file', mode: 0o644, uid: 0, gid: 0, size, mtime: 0, content });
  };
  const addBytes = (path: string, bytes: Uint8Array): void => add(path, bytes.byteLength, { kind: 'bytes', bytes });
  for (const { published } of images) {
    addBytes(blobPath(published.root.descriptor), published.root.bytes);
    for (const image of published.images) {
      addBytes(blobPath(image.manifest.descriptor), image.manifest.bytes);
      addBytes(blobPath(image.config.descriptor), image.config.bytes);
      for (const layer of image.layers)
        add(blobPath(layer.descriptor), layer.descriptor.size, contentOf(layer.descriptor));
    }
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

function blobPath(descriptor: Descriptor): string {
  return `blobs/${descriptor.digest.slice(0, descriptor.digest.indexOf(':'))}/${encodedOf(descriptor.digest)}`;
}

/** Entries of index.json: one for each name, with the annotations that containerd and Docker look for. */
function indexEntries({ published, names }: ArchivedImage): Descriptor[] {
  const { mediaType, digest, size } = published.root.descriptor;
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

function dockerEntries({ published, names }: ArchivedImage): unknown[] {
  return published.images.map((image) => ({
    Config: blobPath(image.config.descriptor),
    RepoTags:
      names.length === 0
        ? null
        : names.map((name) =>
            formatFamiliar({ registry: name.registry, repository: name.repository, tag: name.tag ?? 'latest' }),
          ),
    Layers: image.layers.map((layer) => blobPath(layer.descriptor)),
  }));
}
