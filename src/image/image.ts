// The noun of room 6: an image that is being made or was read: its config and its layers, bottom first. Immutable; every
// function here is pure. History as BuildKit writes it (reference: image spec, config.md, "history").
import type { Registry } from '../../registry/registry.ts';
import type { Layer } from '../layer/layer.ts';
import type { ImageConfig } from '../oci/config.ts';
import type { Platform } from '../oci/platform.ts';

/** Somewhere that has blobs: one repository of a registry. `host` names the registry (`docker.io`), "" is no network place. */
export interface Place {
  readonly registry: Registry;
  readonly host: string;
  readonly repository: string;
}

/** A layer of an image, and where its blob can be had when the store lacks it. */
export interface ImageLayer extends Layer {
  readonly origin?: Place;
}

/** A config with the layers that its diffIds name. */
export interface Image {
  readonly config: ImageConfig;
  readonly layers: readonly ImageLayer[];
}

/** What a `FROM` without PATH gets. */
export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A config before its layers are known. */
export type UnlayeredConfig = Omit<ImageConfig, 'rootfs'>;

/** What `FROM scratch` starts with: PATH and `/` as BuildKit sets them. */
export function scratchConfig(platform: Platform): UnlayeredConfig {
  const { os, architecture, variant } = platform;
  return {
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    ...(platform['os.version'] === undefined ? {} : { 'os.version': platform['os.version'] }),
    config: { ...(os === 'windows' ? {} : { Env: [`PATH=${defaultPath}`] }), WorkingDir: '/' },
    history: [],
  };
}

/** A config and the layers that its history speaks of → the image. It was created when the last line of history was. */
export function imageOf(config: UnlayeredConfig, layers: readonly ImageLayer[]): Image {
  const created = config.history.findLast((entry) => entry.created !== undefined)?.created;
  const rootfs = { type: 'layers' as const, diff_ids: layers.map((layer) => layer.diffId) };
  return { config: { ...config, ...(created === undefined ? {} : { created }), rootfs }, layers };
}

/** The image's platform, as its config has it. */
export function platformOf(config: ImageConfig): Platform {
  return {
    os: config.os,
    architecture: config.architecture,
    ...(config.variant === undefined || config.variant === '' ? {} : { variant: config.variant }),
    ...(config['os.version'] ? { 'os.version': config['os.version'] } : {}),
    ...(config['os.features']?.length ? { 'os.features': config['os.features'] } : {}),
  };
}
