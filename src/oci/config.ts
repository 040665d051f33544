// Image configs (image spec, config.md) with Docker's extensions (Healthcheck, OnBuild, Shell, ArgsEscaped).
import { WherryError } from '../errors.ts';
import { type Descriptor, type Document, descriptorOf, objectFrom, verifyBytes } from './descriptor.ts';
import { type DiffId, parseDiffId } from './digest.ts';
import { mediaTypes } from './media-types.ts';

/** What a container runs with by default. Durations are nanoseconds. */
export interface RunConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, Record<string, never>>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Healthcheck?: Healthcheck;
  readonly Volumes?: Readonly<Record<string, Record<string, never>>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  readonly ArgsEscaped?: boolean;
  readonly OnBuild?: readonly string[];
  readonly Shell?: readonly string[];
}

/** Docker's HEALTHCHECK; durations in nanoseconds, 0 or absent inherits. */
export interface Healthcheck {
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

/** One line of `docker history`. */
export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** An image's config blob. */
export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
  readonly author?: string;
  readonly created?: string;
  readonly config: RunConfig;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly DiffId[] };
  readonly history: readonly HistoryEntry[];
}

/** Bytes → config, checked as far as a build relies on it. @throws CONFIG_INVALID, DIGEST_MISMATCH, SIZE_INVALID */
export function parseConfig(bytes: Uint8Array, descriptor: Descriptor): Document<ImageConfig> {
  verifyBytes(bytes, descriptor);
  const what = `image config "${descriptor.digest}"`;
  let fields: Record<string, unknown>;
  try {
    fields = objectFrom(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)), what);
  } catch (cause) {
    throw new WherryError('CONFIG_INVALID', `Cannot read ${what}: it is not a JSON object`, { cause });
  }
  const rootfs = fields['rootfs'] as { diff_ids?: unknown } | null | undefined;
  const diffIds = rootfs?.diff_ids ?? [];
  if (!Array.isArray(diffIds))
    throw new WherryError('CONFIG_INVALID', `Cannot read ${what}: rootfs.diff_ids is not a list`);
  if (typeof fields['os'] !== 'string' || typeof fields['architecture'] !== 'string')
    throw new WherryError('CONFIG_INVALID', `Cannot read ${what}: os or architecture is missing`, {
      hint: 'Is this an image, and not another kind of artifact?',
    });
  const value = {
    ...withoutNulls(fields),
    config: withoutNulls(fields['config']),
    rootfs: { type: 'layers', diff_ids: diffIds.map((diffId) => parseDiffId(String(diffId))) },
    history: fields['history'] ?? [],
  } as unknown as ImageConfig;
  return { bytes, descriptor, value };
}

/** Docker writes `null` for what is not set: absent means absent here. */
function withoutNulls(value: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([, item]) => item !== null));
}

/**
 * Config → its canonical document: compact JSON, keys in alphabetical order at the top and in Docker's order inside
 * `config`, absent fields left out.
 */
export function configDocument(value: ImageConfig, mediaType: string = mediaTypes.config): Document<ImageConfig> {
  const run = value.config;
  const ordered = {
    architecture: value.architecture,
    author: value.author || undefined,
    config: {
      User: run.User || undefined,
      ExposedPorts: sorted(run.ExposedPorts),
      Env: run.Env?.length ? run.Env : undefined,
      Entrypoint: run.Entrypoint?.length ? run.Entrypoint : undefined,
      Cmd: run.Cmd?.length ? run.Cmd : undefined,
      Healthcheck: run.Healthcheck,
      Volumes: sorted(run.Volumes),
      WorkingDir: run.WorkingDir || undefined,
      Labels: sorted(run.Labels),
      StopSignal: run.StopSignal || undefined,
      ArgsEscaped: run.ArgsEscaped || undefined,
      OnBuild: run.OnBuild?.length ? run.OnBuild : undefined,
      Shell: run.Shell?.length ? run.Shell : undefined,
    },
    created: value.created,
    history: value.history,
    os: value.os,
    'os.features': value['os.features']?.length ? value['os.features'] : undefined,
    'os.version': value['os.version'] || undefined,
    rootfs: { type: 'layers', diff_ids: value.rootfs.diff_ids },
    variant: value.variant || undefined,
  };
  const bytes = Buffer.from(JSON.stringify(ordered));
  return { bytes, descriptor: descriptorOf(bytes, mediaType), value };
}

function sorted<T>(map: Readonly<Record<string, T>> | undefined): Record<string, T> | undefined {
  if (map === undefined || Object.keys(map).length === 0) return undefined;
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
}
