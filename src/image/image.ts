// The noun of room 6: an image that is being made or was read: its config and its layers, bottom first. Immutable; every
// function here is pure. History as BuildKit writes it (reference: image spec, config.md, "history").
import type { Registry } from '../../registry/registry.ts';
import type { Layer } from '../layer/layer.ts';
import type { HistoryEntry, ImageConfig, RunConfig } from '../oci/config.ts';
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

/** `FROM scratch`: no layers; PATH and `/` as BuildKit sets them. */
export function scratchImage(platform: Platform): Image {
  const { os, architecture, variant } = platform;
  return {
    config: {
      architecture,
      os,
      ...(variant === undefined ? {} : { variant }),
      ...(platform['os.version'] === undefined ? {} : { 'os.version': platform['os.version'] }),
      config: { ...(os === 'windows' ? {} : { Env: [`PATH=${defaultPath}`] }), WorkingDir: '/' },
      rootfs: { type: 'layers', diff_ids: [] },
      history: [],
    },
    layers: [],
  };
}

/** The image with one more history line that made no layer, and perhaps another run config. */
export function appendHistory(image: Image, entry: HistoryEntry, run: RunConfig = image.config.config): Image {
  const config = { ...image.config, config: run, history: [...image.config.history, { ...entry, empty_layer: true }] };
  return { ...image, config };
}

/** The image with one more layer on top, and its history line where it has one. */
export function appendLayer(image: Image, layer: ImageLayer, entry?: HistoryEntry): Image {
  const rootfs = { type: 'layers' as const, diff_ids: [...image.config.rootfs.diff_ids, layer.diffId] };
  const history = entry === undefined ? image.config.history : [...image.config.history, entry];
  return { config: { ...image.config, rootfs, history }, layers: [...image.layers, layer] };
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
