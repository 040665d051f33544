// Layers and where their bytes and tables of contents are: what the store has is never fetched again, what it lacks is
// fetched once. New layers are looked up by their plan's key first: same list of entries, same layer (DESIGN §1.3).
import { lstatSync } from 'node:fs';
import { isError } from '../errors.ts';
import type { ImageLayer, Place } from '../image/image.ts';
import { transferBlob } from '../image/transfer.ts';
import { digestOfContent } from '../layer/content.ts';
import type { Layer } from '../layer/layer.ts';
import { contentInLayer, openLayerTar } from '../layer/tarfile.ts';
import { encodeToc, parseToc, type Toc, tocOf } from '../layer/toc.ts';
import { type LayerTree, stackTree } from '../layer/tree.ts';
import { writeLayer } from '../layer/write.ts';
import { createDigester, type DiffId, type Digest } from '../oci/digest.ts';
import { compressionOf } from '../oci/media-types.ts';
import type { Store } from '../store/store.ts';
import { decompress } from '../tar/decompress.ts';
import type { FileEntry } from '../tar/entry.ts';
import { inEvent, type Task } from '../task.ts';

/** How new layers are written. */
export interface LayerFormat {
  readonly compression: 'gzip' | 'none';
  readonly level?: number;
  readonly epoch: number;
}

/** Bumped whenever the same entries would give other bytes: part of every key. */
const formatVersion = 1;

/** Layers of one store, for one build. */
export class LayerShelf {
  readonly #store: Store;
  readonly #local: Place;
  readonly #task: Task;
  readonly #tocs = new Map<DiffId, Promise<Toc>>();
  readonly #tars = new Map<DiffId, Promise<string>>();
  readonly #blobs = new Map<Digest, Promise<void>>();
  readonly #writes = new Map<Digest, Promise<Layer>>();
  readonly #running = new Set<Promise<unknown>>();

  constructor(store: Store, local: Place, task: Task) {
    this.#store = store;
    this.#local = local;
    this.#task = task;
  }

  /** Resolves when no layer is being written any more, whatever came of them. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
  }

  /** Brings a layer's blob into the store unless it is there. */
  fetch(layer: ImageLayer): Promise<void> {
    return once(this.#blobs, layer.descriptor.digest, async () => {
      if ((await this.#store.blobs.size(layer.descriptor.digest)) !== undefined) return;
      const sources = layer.origin === undefined ? [] : [layer.origin];
      await this.#task.limits.network(() => transferBlob(layer.descriptor, sources, this.#local, this.#task));
    });
  }

  /** A layer's table of contents: from the store, else computed from its blob. */
  toc(layer: ImageLayer): Promise<Toc> {
    return once(this.#tocs, layer.diffId, async () => {
      const records = this.#store.records('toc');
      const stored = await records.get(layer.diffId);
      if (stored !== undefined) {
        try {
          return parseToc(stored);
        } catch (error) {
          if (!isError(error, 'STORE_INVALID')) throw error;
        }
      }
      await this.fetch(layer);
      const toc = await inEvent(
        this.#task,
        { name: `reading ${layer.descriptor.digest.slice(0, 19)}`, total: layer.descriptor.size },
        () => tocOf(this.#uncompressed(layer), layer.diffId),
      );
      await records.put(layer.diffId, encodeToc(toc));
      return toc;
    });
  }

  #uncompressed(layer: ImageLayer): AsyncIterable<Uint8Array> {
    return decompress(this.#store.blobs.open(layer.descriptor), compressionOf(layer.descriptor.mediaType) ?? 'none');
  }

  /** The layers as one tree, on top of `below`. Contents are read from the uncompressed tar when they are opened. */
  async tree(layers: readonly ImageLayer[], below?: LayerTree): Promise<LayerTree | undefined> {
    let tree = below;
    const tocs = await Promise.all(layers.map((layer) => this.toc(layer)));
    for (const [position, layer] of layers.entries()) {
      const toc = tocs[position];
      if (toc !== undefined)
        tree = stackTree(
          tree,
          toc,
          contentInLayer(() => this.#tar(layer)),
        );
    }
    return tree;
  }

  /** Path of a layer's uncompressed tar, made when the first of its files is read. */
  #tar(layer: ImageLayer): Promise<string> {
    return once(this.#tars, layer.diffId, async () => {
      await this.fetch(layer);
      // With the session's other temporary files: a copy that is in the cache never reads it again.
      return openLayerTar({ directory: await this.#store.temporary(), blobs: this.#store.blobs, layer });
    });
  }

  /**
   * Entries → layer: from the cache where the same list was written before; else its writing begins. The returned
   * promise of `layer` settles when it is written; `cached` is known at once.
   */
  async begin(
    entries: readonly FileEntry[],
    format: LayerFormat,
    options: { readonly title: string; readonly noCache: boolean },
  ): Promise<{ readonly layer: Promise<Layer>; readonly cached: boolean }> {
    const digested = options.noCache ? undefined : await this.#digested(entries);
    if (digested === undefined) return { layer: this.#writeNew(entries, format, options.title), cached: false };
    const key = keyOf(digested, format);
    const found = await this.#find(key);
    if (found !== undefined) return { layer: Promise.resolve(found), cached: true };
    return { layer: once(this.#writes, key, () => this.#writeNew(digested, format, options.title)), cached: false };
  }

  async #find(key: Digest): Promise<Layer | undefined> {
    const record = await this.#store.records('layer').get(key);
    if (record === undefined) return undefined;
    try {
      const { diffId, descriptor } = JSON.parse(Buffer.from(record).toString()) as Layer;
      if ((await this.#store.blobs.size(descriptor.digest)) !== descriptor.size) return undefined;
      if ((await this.#store.records('toc').get(diffId)) === undefined) return undefined;
      return { diffId, descriptor };
    } catch {
      return undefined;
    }
  }

  /**
   * The entries with every content's digest, when that is cheaper than writing the layer: most digests are known, or
   * little is to be read. Otherwise undefined: one pass that writes and digests is best.
   */
  async #digested(entries: readonly FileEntry[]): Promise<readonly FileEntry[] | undefined> {
    let all = 0;
    let missing = 0;
    for (const entry of entries) {
      if (entry.type !== 'file') continue;
      all += entry.size + 4096;
      if (entry.digest === undefined) missing += entry.size + 4096;
    }
    if (missing > 1024 * 1024 && missing > all / 4) return undefined;
    const result: FileEntry[] = [];
    for (const entry of entries)
      result.push(
        entry.type === 'file' && entry.digest === undefined
          ? { ...entry, digest: await digestOfContent(entry) }
          : entry,
      );
    return result;
  }

  #writeNew(entries: readonly FileEntry[], format: LayerFormat, title: string): Promise<Layer> {
    const written = this.#writeUnder(entries, format, title);
    this.#running.add(written);
    written.catch(() => undefined).finally(() => this.#running.delete(written));
    return written;
  }

  #writeUnder(entries: readonly FileEntry[], format: LayerFormat, title: string): Promise<Layer> {
    const total = entries.reduce(
      (sum, entry) => sum + 512 + Math.ceil((entry.type === 'file' ? entry.size : 0) / 512) * 512,
      1024,
    );
    return inEvent(this.#task, { name: `writing layer of ${title}`, total }, async (id) => {
      const onBytes = (current: number): void =>
        this.#task.emit({ kind: 'progress', id, current: Math.min(current, total), total });
      const readAt = Date.now();
      const { layer, toc } = await writeLayer(entries, { ...format, blobs: this.#store.blobs, onBytes }, this.#task);
      this.#remember(entries, toc, readAt);
      await this.#store.records('toc').put(layer.diffId, encodeToc(toc));
      const record = {
        diffId: layer.diffId,
        descriptor: layer.descriptor,
        format: { version: formatVersion, ...format },
      };
      await this.#store.records('layer').put(keyOf(toc.entries, format), Buffer.from(JSON.stringify(record)));
      this.#tocs.set(layer.diffId, Promise.resolve(toc));
      return layer;
    });
  }

  /** Notes the digests of local files for the next build. A file that changed since `readAt` is not kept. */
  #remember(entries: readonly FileEntry[], toc: Toc, readAt: number): void {
    let position = 0;
    for (const entry of entries) {
      // Both are in one order, but the table leaves out what is no file of the tree.
      if (toc.entries[position]?.path !== entry.path) continue;
      const digest = toc.entries[position++]?.digest;
      if (
        entry.content?.kind !== 'file' ||
        entry.content.offset !== undefined ||
        entry.digest !== undefined ||
        digest === undefined
      )
        continue;
      const state = lstatSync(entry.content.path, { bigint: true, throwIfNoEntry: false });
      if (state !== undefined) this.#store.stats.set(entry.content.path, state, { digest, readAt });
    }
  }
}

/** Digest of a layer's plan: every entry as it will be written, in order. */
function keyOf(entries: readonly FileEntry[], format: LayerFormat): Digest {
  const { compression, level = null, epoch } = format;
  const digester = createDigester();
  let text = JSON.stringify({ version: formatVersion, compression, level, epoch });
  for (const entry of entries) {
    text += `\n${lineOf(entry, epoch)}`;
    if (text.length < 64 * 1024) continue;
    digester.update(Buffer.from(text));
    text = '';
  }
  digester.update(Buffer.from(text));
  return digester.digest();
}

function lineOf(entry: FileEntry, epoch: number): string {
  const { path, type, mode, uid, gid, link = null, deviceMajor = 0, deviceMinor = 0 } = entry;
  const xattrs = Object.entries(entry.xattrs ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const content = type === 'file' ? [entry.size, entry.digest ?? null] : [];
  const mtime = Math.floor(Math.min(entry.mtime, epoch));
  return JSON.stringify([path, type, mode, uid, gid, mtime, link, deviceMajor, deviceMinor, xattrs, ...content]);
}

/** One run for each key; a failed run is forgotten, so that a retry may work. */
function once<K, V>(running: Map<K, Promise<V>>, key: K, work: () => Promise<V>): Promise<V> {
  const known = running.get(key);
  if (known !== undefined) return known;
  const started = work();
  running.set(key, started);
  started.catch(() => running.delete(key));
  return started;
}
