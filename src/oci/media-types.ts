// Media types of the OCI image spec (media-types.md) and their Docker schema 2 twins.

export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  empty: 'application/vnd.oci.empty.v1+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerForeignLayerGzip: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
} as const;

/** How a layer's tar is compressed, by its media type. */
export type Compression = 'none' | 'gzip' | 'zstd';

/** True for an image index or a Docker manifest list. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.index || mediaType === mediaTypes.dockerIndex;
}

/** True for an image manifest, OCI or Docker schema 2. */
export function isManifestType(mediaType: string): boolean {
  return mediaType === mediaTypes.manifest || mediaType === mediaTypes.dockerManifest;
}

/** True for the config of an image, OCI or Docker schema 2. */
export function isConfigType(mediaType: string): boolean {
  return mediaType === mediaTypes.config || mediaType === mediaTypes.dockerConfig;
}

const pairs: readonly (readonly [string, string])[] = [
  [mediaTypes.index, mediaTypes.dockerIndex],
  [mediaTypes.manifest, mediaTypes.dockerManifest],
  [mediaTypes.config, mediaTypes.dockerConfig],
  [mediaTypes.layer, mediaTypes.dockerLayer],
  [mediaTypes.layerGzip, mediaTypes.dockerLayerGzip],
];

/** The OCI twin of a Docker media type; any other is returned as it is. */
export function toOciType(mediaType: string): string {
  return pairs.find(([, docker]) => docker === mediaType)?.[0] ?? mediaType;
}

/** The Docker schema 2 twin of an OCI media type; undefined where Docker has none (zstd layers). */
export function toDockerType(mediaType: string): string | undefined {
  if (mediaType.startsWith('application/vnd.docker.')) return mediaType;
  return pairs.find(([oci]) => oci === mediaType)?.[1];
}

/** Compression that a layer's media type declares; undefined for a type that is no tar layer. */
export function compressionOf(mediaType: string): Compression | undefined {
  if (!/^application\/vnd\.(oci\.image\.layer|docker\.image\.rootfs)\./.test(mediaType)) return undefined;
  if (/[.+]gzip$/.test(mediaType)) return 'gzip';
  if (/[.+]zstd$/.test(mediaType)) return 'zstd';
  return mediaType.endsWith('tar') ? 'none' : undefined;
}
