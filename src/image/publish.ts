// Image → the documents that a registry stores: its config and its manifest, in OCI or Docker schema 2 media types
// (image spec, manifest.md); several of them → an index. Annotations go where the user said.
import { WherryError } from '../errors.ts';
import { configDocument, type ImageConfig } from '../oci/config.ts';
import type { Descriptor, Document } from '../oci/descriptor.ts';
import { indexDocument, type ManifestDocument, manifestDocument } from '../oci/manifest.ts';
import { mediaTypes, toDockerType, toOciType } from '../oci/media-types.ts';
import { formatPlatform, normalizePlatform } from '../oci/platform.ts';
import { type Image, type ImageLayer, platformOf } from './image.ts';

/** An image as documents, with its layers so that their blobs can be found. */
export interface PublishedImage {
  readonly manifest: ManifestDocument;
  readonly config: Document<ImageConfig>;
  readonly layers: readonly ImageLayer[];
}

/** One image, or an index of several. */
export interface Published {
  /** What a tag names. */
  readonly root: ManifestDocument;
  /** In the order of the platforms asked for. */
  readonly images: readonly PublishedImage[];
}

/** Annotations by where they go. */
export interface PublishAnnotations {
  readonly manifest?: Readonly<Record<string, string>>;
  /** On the descriptor in the index. */
  readonly descriptor?: Readonly<Record<string, string>>;
}

/** Image → its config and manifest. @throws UNSUPPORTED where Docker's media types cannot express a layer */
export function publishImage(
  image: Image,
  options: { readonly oci: boolean; readonly annotations?: PublishAnnotations },
): PublishedImage {
  const typed = (mediaType: string): string => {
    const converted = options.oci ? toOciType(mediaType) : toDockerType(mediaType);
    if (converted === undefined)
      throw new WherryError(
        'UNSUPPORTED',
        `Cannot write a Docker schema 2 image: it has a layer of type "${mediaType}"`,
        { hint: 'Leave out oci-mediatypes=false.' },
      );
    return converted;
  };
  if (!options.oci && Object.keys(options.annotations?.manifest ?? {}).length > 0)
    throw new WherryError('UNSUPPORTED', 'Cannot write annotations into a Docker schema 2 manifest', {
      hint: 'Annotations need OCI media types: leave out oci-mediatypes=false.',
    });
  const config = configDocument(image.config, options.oci ? mediaTypes.config : mediaTypes.dockerConfig);
  const layers = image.layers.map((layer) => {
    const { mediaType, digest, size, urls } = layer.descriptor;
    return { mediaType: typed(mediaType), digest, size, ...(urls === undefined ? {} : { urls }) };
  });
  const manifest = manifestDocument({
    schemaVersion: 2,
    mediaType: options.oci ? mediaTypes.manifest : mediaTypes.dockerManifest,
    config: config.descriptor,
    layers,
    ...withAnnotations(options.annotations?.manifest),
  });
  return { manifest, config, layers: image.layers };
}

function withAnnotations(annotations: Readonly<Record<string, string>> | undefined): {
  annotations?: Readonly<Record<string, string>>;
} {
  return annotations === undefined || Object.keys(annotations).length === 0 ? {} : { annotations };
}

/** Several images → an index of them. `descriptorAnnotations` are in the images' order. */
export function publishIndex(
  images: readonly PublishedImage[],
  options: {
    readonly oci: boolean;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly descriptorAnnotations?: readonly (Readonly<Record<string, string>> | undefined)[];
  },
): Published {
  const manifests = images.map((image, position): Descriptor => {
    const { mediaType, digest, size } = image.manifest.descriptor;
    return {
      mediaType,
      digest,
      size,
      ...withAnnotations(options.descriptorAnnotations?.[position]),
      platform: normalizePlatform(platformOf(image.config.value)),
    };
  });
  const mediaType = options.oci ? mediaTypes.index : mediaTypes.dockerIndex;
  const seen = new Set<string>();
  for (const { platform } of manifests) {
    const name = platform === undefined ? '' : formatPlatform(platform);
    if (seen.has(name))
      throw new WherryError('ARGUMENT_INVALID', `Cannot make an index: platform "${name}" is there twice`);
    seen.add(name);
  }
  return {
    root: indexDocument({ schemaVersion: 2, mediaType, manifests, ...withAnnotations(options.annotations) }),
    images,
  };
}
