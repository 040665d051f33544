// A room to build in: a store in a temporary folder, registries in memory by host, and what was asked of them.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import type { Backend } from '../../registry/backend.ts';
import { createLayoutRegistry } from '../../registry/layout.ts';
import { createMemoryRegistry } from '../../registry/memory.ts';
import type { Registry } from '../../registry/registry.ts';
import { buildImage } from '../../src/build/build.ts';
import type { BuildOptions, BuildResult } from '../../src/build/options.ts';
import { type Image, type Place, scratchConfig } from '../../src/image/image.ts';
import { type Published, publishImage, publishIndex } from '../../src/image/publish.ts';
import { resolveImage } from '../../src/image/resolve.ts';
import { tocOf } from '../../src/layer/toc.ts';
import { writeLayer } from '../../src/layer/write.ts';
import type { ImageConfig, RunConfig } from '../../src/oci/config.ts';
import { type Platform, parsePlatform } from '../../src/oci/platform.ts';
import { createMemoryBlobs } from '../../src/store/memory.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { decompressByContent } from '../../src/tar/decompress.ts';
import type { FileEntry } from '../../src/tar/entry.ts';
import { createTask, type Event } from '../../src/task.ts';

/** A call of a registry that a test may count: `getManifest app latest`. */
export type Calls = string[];

/** The same registry, which notes every call: method, repository, and the selector or digest. */
export function recording(registry: Registry, calls: Calls): Registry {
  return new Proxy(registry, {
    get(target, name, receiver) {
      const method: unknown = Reflect.get(target, name, receiver);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]) => {
        const [repository, second, third] = args;
        const what = typeof second === 'string' ? second : digestIn(second);
        calls.push(
          [String(name), repository, what, typeof third === 'string' ? third : undefined].filter(Boolean).join(' '),
        );
        return method.apply(target, args);
      };
    },
  });
}

function digestIn(value: unknown): string | undefined {
  const fields = value as { digest?: string; descriptor?: { digest: string } } | undefined;
  return fields?.digest ?? fields?.descriptor?.digest;
}

/** A file of 644 or directory of 755 in a layer. */
export function fileOf(path: string, text: string, more: Partial<FileEntry> = {}): FileEntry {
  const bytes = Buffer.from(text);
  return {
    path,
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    size: bytes.length,
    content: { kind: 'bytes', bytes },
    ...more,
  };
}

/** A directory of 755. */
export function folderOf(path: string, more: Partial<FileEntry> = {}): FileEntry {
  return { path, type: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: 0, size: 0, ...more };
}

interface BaseOptions {
  readonly platform?: string;
  readonly config?: RunConfig;
  readonly layers?: readonly (readonly FileEntry[])[];
  readonly more?: Partial<ImageConfig>;
}

/** Everything that a build happens in. */
export interface BuildRoomForTests {
  readonly folder: string;
  readonly store: Store;
  readonly local: Place;
  readonly calls: Calls;
  readonly events: Event[];
  /** The registry of a host. */
  registry(host: string): Backend;
  /** Makes an image (for several platforms an index) and puts it at `host`. */
  base(host: string, name: string, images: BaseOptions | readonly BaseOptions[]): Promise<Published>;
  build(
    options: Partial<BuildOptions> & { readonly text?: string; readonly files?: Record<string, string> },
  ): Promise<BuildResult>;
  /** The one image of a build, as it lies in the store or where it was pushed. */
  image(result: BuildResult, place?: Place): Promise<ImageConfig>;
  /** Paths of each layer that the build made, bottom first. */
  layers(result: BuildResult, place?: Place): Promise<string[][]>;
  /** Writes files into a folder of the room; the folder's path. */
  directory(name: string, files: Readonly<Record<string, string>>): string;
  close(): Promise<void>;
}

/** Opens a room. */
export async function openBuildRoom(
  options: { readonly signal?: AbortSignal; readonly storePath?: string } = {},
): Promise<BuildRoomForTests> {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-build-'));
  const store = await openStore(options.storePath ?? join(folder, 'store'));
  const hosts = new Map<string, Backend>();
  const calls: Calls = [];
  const events: Event[] = [];
  const task = createTask({ signal: options.signal, onEvent: (event) => events.push(event) });
  const local: Place = { registry: createLayoutRegistry(store), host: '', repository: '' };
  const registry = (host: string): Backend => {
    const known = hosts.get(host) ?? createMemoryRegistry();
    hosts.set(host, known);
    return known;
  };
  const layouts: Store[] = [];
  const room = {
    store,
    task,
    insecure: [],
    clients: {
      registry: (host: string) => recording(registry(host), calls),
      login: async () => '',
      logout: async () => false,
      close: () => undefined,
    },
    openLayout: async (path: string) => {
      const layout = await openStore(path, { create: false, shared: true });
      layouts.push(layout);
      return layout;
    },
  };
  const resolved = (result: BuildResult, place: Place) =>
    resolveImage(place, result.digest, parsePlatform(result.images[0]?.platform ?? ''));
  return {
    folder,
    store,
    local,
    calls,
    events,
    registry,
    base: (host, name, images) => putImage({ registry: registry(host), host, repository: name }, images),
    build: ({ text, files, ...more }) =>
      buildImage(
        {
          context: { kind: 'files', files: files ?? {} },
          ...(text === undefined ? {} : { dockerfile: { text } }),
          ...more,
        },
        room,
      ),
    image: async (result, place = local) => (await resolved(result, place)).config.value,
    layers: async (result, place = local) => {
      const { image } = await resolved(result, place);
      return Promise.all(
        image.layers.map(async (layer) => {
          const bytes = decompressByContent(place.registry.openBlob(place.repository, layer.descriptor));
          return (await tocOf(bytes, layer.diffId)).entries.map((entry) => entry.path);
        }),
      );
    },
    directory: (name, files) => {
      const path = join(folder, name);
      mkdirSync(path, { recursive: true });
      for (const [file, text] of Object.entries(files)) {
        mkdirSync(join(path, dirname(file)), { recursive: true });
        writeFileSync(join(path, file), text);
        chmodSync(join(path, file), 0o644);
      }
      return path;
    },
    close: async () => {
      for (const layout of layouts) await layout.close();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Makes images and stores them under `latest` of a place. */
export async function putImage(place: Place, images: BaseOptions | readonly BaseOptions[]): Promise<Published> {
  const list = Array.isArray(images) ? (images as readonly BaseOptions[]) : [images as BaseOptions];
  const published = await Promise.all(
    list.map(async (image) => publishImage(await imageOf(place, image), { oci: true })),
  );
  for (const { config, manifest } of published) {
    await pushBytes(place, config.bytes, config.descriptor);
    await place.registry.putManifest(place.repository, manifest);
  }
  const [only] = published;
  const result =
    only !== undefined && published.length === 1
      ? { root: only.manifest, images: published }
      : publishIndex(published, { oci: true });
  await place.registry.putManifest(place.repository, result.root, 'latest');
  return result;
}

async function pushBytes(place: Place, bytes: Uint8Array, descriptor: Published['root']['descriptor']): Promise<void> {
  await place.registry.pushBlob(place.repository, descriptor, async function* () {
    yield bytes;
  });
}

async function imageOf(place: Place, options: BaseOptions): Promise<Image> {
  const platform: Platform = parsePlatform(options.platform ?? 'linux/amd64');
  const start = scratchConfig(platform);
  const layers = [];
  for (const entries of options.layers ?? []) {
    const blobs = createMemoryBlobs();
    const { layer } = await writeLayer(entries, { blobs, compression: 'gzip', epoch: 0 }, createTask());
    await place.registry.pushBlob(place.repository, layer.descriptor, () => blobs.open(layer.descriptor));
    layers.push(layer);
  }
  const config: ImageConfig = {
    ...start,
    config: options.config ?? start.config,
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
    history: layers.map((_, position) => ({ created: '2020-01-01T00:00:00Z', created_by: `base ${position}` })),
    ...options.more,
  };
  return { config, layers };
}

/** What a failure says, for tables: `CODE: message`. */
export async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    return `${code}: ${message}`;
  }
  return 'no error';
}

/** A test in a room of its own. */
export function roomTest(title: string, run: (room: BuildRoomForTests) => Promise<void>): void {
  test(title, async () => {
    const room = await openBuildRoom();
    try {
      await run(room);
    } finally {
      await room.close();
    }
  });
}

/** A base with a user `app` (7:8), for tests that need any. */
export const base = { layers: [[folderOf('etc'), fileOf('etc/passwd', 'app:x:7:8::/:/bin/sh\n')]] };

/** Names of the layers that were written. */
export function written(events: readonly Event[]): string[] {
  return events.flatMap((event) =>
    event.kind === 'start' && event.name.startsWith('writing layer') ? [event.name] : [],
  );
}

/** How the units of work of a name ended. */
export function outcomes(events: readonly Event[], name: RegExp): string[] {
  const ids = events.flatMap((event) => (event.kind === 'start' && name.test(event.name) ? [event.id] : []));
  return events.flatMap((event) => (event.kind === 'end' && ids.includes(event.id) ? [event.outcome] : []));
}
