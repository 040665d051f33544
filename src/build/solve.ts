// Conducts rooms 4 to 6: planned stages → images. A step needs no bytes of the layers below, only their tables: so all
// layers are written at the same time, as far as the limits allow, and only the result waits for them.
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { readArchiveTree } from '../context/archive.ts';
import { openDirectory } from '../context/directory.ts';
import { checkoutGit } from '../context/git.ts';
import { type CopySource, selectCopy } from '../context/select.ts';
import { emptyTree, type FileTree, resolveInTree } from '../context/tree.ts';
import { lookupOwner } from '../context/users.ts';
import { applyChmod } from '../dockerfile/chmod.ts';
import { unreachable, WherryError, withRange } from '../errors.ts';
import type { Image, ImageLayer } from '../image/image.ts';
import { applyEntries, type LayerTree, textOf } from '../layer/tree.ts';
import { createDigester } from '../oci/digest.ts';
import { openArchive } from '../tar/decompress.ts';
import type { FileEntry } from '../tar/entry.ts';
import { checkAborted, inEvent, type Task } from '../task.ts';
import { type ContextRoom, fetchFile, openNamedContext } from './context.ts';
import type { LayerFormat, LayerShelf } from './layers.ts';
import type { ContextSource } from './options.ts';
import type { BaseImage, CopyStep, PlannedStage, SourceRoot, Step, StepSource, WorkdirStep } from './step.ts';

/** What solving needs. */
export interface SolveRoom extends ContextRoom {
  readonly task: Task;
  readonly shelf: LayerShelf;
  readonly format: LayerFormat;
  readonly context: FileTree;
}

/** A stage that is done: its image, and its root file system as a tree whose contents can be read. */
export interface SolvedStage {
  readonly image: Image;
  tree(): Promise<LayerTree | undefined>;
}

/** A stage whose steps are planned into entries, while layers may still be written. */
interface Underway {
  readonly layers: readonly Promise<ImageLayer>[];
  /** The root file system as it will be: a table without contents of unwritten layers. */
  readonly table: () => Promise<LayerTree | undefined>;
}

/** Solves stages, each once, also when several platforms share one. */
export class Solver {
  readonly #room: SolveRoom;
  readonly #stages = new Map<string, Promise<Underway>>();
  readonly #trees = new Map<string, Promise<FileTree>>();

  constructor(room: SolveRoom) {
    this.#room = room;
  }

  /** The stage's image; waits for all its layers. On a failure nothing is left running. */
  async solve(stage: PlannedStage): Promise<SolvedStage> {
    const underway = await this.#stage(stage);
    const layers = await Promise.all(underway.layers);
    const rootfs = { type: 'layers' as const, diff_ids: layers.map((layer) => layer.diffId) };
    const last = stage.config.history.findLast((entry) => entry.created !== undefined)?.created;
    const image: Image = {
      config: { ...stage.config, ...(last === undefined ? {} : { created: last }), rootfs },
      layers,
    };
    return { image, tree: () => this.#room.shelf.tree(layers) };
  }

  #stage(stage: PlannedStage): Promise<Underway> {
    const known = this.#stages.get(stage.key) ?? this.#start(stage);
    this.#stages.set(stage.key, known);
    return known;
  }

  async #start(stage: PlannedStage): Promise<Underway> {
    const base = await this.#base(stage);
    const layers = [...base.layers];
    let table = base.table;
    for (const step of stage.steps) {
      checkAborted(this.#room.task);
      try {
        const made = await this.#step(step, table);
        made.layer.catch(() => undefined);
        layers.push(made.layer.catch((error) => Promise.reject(withRange(error, step.range))));
        layers.at(-1)?.catch(() => undefined);
        const below = table;
        table = lazy(async () => applyEntries(await below(), made.entries));
      } catch (error) {
        throw withRange(error, step.range);
      }
    }
    return { layers, table };
  }

  async #base(stage: PlannedStage): Promise<Underway> {
    const base = stage.base;
    switch (base.kind) {
      case 'scratch':
        return { layers: [], table: async () => undefined };
      case 'stage':
        return this.#stage(base.stage);
      case 'image': {
        const layers = base.image.resolved.image.layers;
        return {
          layers: layers.map((layer) => Promise.resolve(layer)),
          table: lazy(() => this.#room.shelf.tree(layers)),
        };
      }
      case 'tree': {
        const tree = await this.#named(base.name, base.source);
        const sources: CopySource[] = [{ kind: 'tree', tree }];
        const entries = await selectCopy({
          sources,
          destination: '/',
          workdir: '/',
          target: emptyTree,
          parents: false,
          exclude: [],
          archives: 'keep',
          instruction: 'COPY',
          spool: (name) => this.#spool(name),
        });
        const { layer } = await this.#room.shelf.begin(entries, this.#room.format, {
          title: `context ${base.name}`,
          noCache: false,
        });
        return { layers: [layer], table: lazy(async () => applyEntries(undefined, entries)) };
      }
      default:
        return unreachable(base);
    }
  }

  /** Plans a step's entries and starts to write its layer. */
  async #step(
    step: Step,
    table: () => Promise<LayerTree | undefined>,
  ): Promise<{ entries: readonly FileEntry[]; layer: Promise<ImageLayer> }> {
    return inEvent(this.#room.task, { name: step.title, range: step.range }, async (_, finish) => {
      const entries =
        step.kind === 'copy' ? await this.#copyEntries(step, table) : await this.#workdirEntries(step, table);
      const { layer, cached } = await this.#room.shelf.begin(entries, this.#room.format, {
        title: step.title,
        noCache: step.noCache,
      });
      if (cached) finish('cached');
      return { entries, layer };
    });
  }

  async #copyEntries(step: CopyStep, table: () => Promise<LayerTree | undefined>): Promise<FileEntry[]> {
    const target = step.link ? emptyTree : ((await table()) ?? emptyTree);
    const sources = (await Promise.all(step.sources.map((source) => this.#source(source)))) satisfies CopySource[];
    const users = step.link ? undefined : await table();
    const owner = step.chown === undefined || step.chown === '' ? undefined : lookupOwner(step.chown, userFiles(users));
    const chmod = step.chmod;
    return selectCopy({
      sources,
      destination: step.destination,
      workdir: step.workdir,
      target,
      parents: step.parents,
      exclude: step.exclude,
      archives: step.instruction === 'ADD' && step.unpack ? 'extract' : 'keep',
      instruction: step.instruction,
      spool: (name) => this.#spool(name),
      ...(owner === undefined ? {} : { owner }),
      ...(chmod === undefined
        ? {}
        : {
            mode: (mode: number, isDirectory: boolean) => applyChmod(chmod, mode, isDirectory),
            ...(chmod.kind === 'octal' ? { parentMode: chmod.mode } : {}),
          }),
    });
  }

  async #workdirEntries(step: WorkdirStep, table: () => Promise<LayerTree | undefined>): Promise<FileEntry[]> {
    const tree = (await table()) ?? emptyTree;
    const resolved = resolveInTree(tree, step.path.slice(1));
    const found = tree.lookup(resolved);
    if (found?.type === 'directory') return [];
    if (found !== undefined)
      throw new WherryError(
        'COPY_FAILED',
        `Cannot make working directory "${step.path}": it is a ${found.type} in the image`,
      );
    const owner = ownerOfUser(step.user, tree);
    const entries: FileEntry[] = [];
    const names = resolved.split('/');
    for (let count = 1; count <= names.length; count++) {
      const path = names.slice(0, count).join('/');
      const parent = tree.lookup(path);
      if (parent !== undefined && parent.type !== 'directory')
        throw new WherryError(
          'COPY_FAILED',
          `Cannot make working directory "${step.path}": "/${path}" is a ${parent.type} in the image`,
        );
      entries.push(
        parent ?? { path, type: 'directory', mode: 0o755, ...owner, size: 0, mtime: this.#room.format.epoch },
      );
    }
    return entries;
  }

  async #source(source: StepSource): Promise<CopySource> {
    switch (source.kind) {
      case 'path':
        return { kind: 'path', tree: await this.#root(source.root), path: source.path };
      case 'heredoc': {
        const bytes = Buffer.from(source.text);
        return {
          kind: 'file',
          name: source.name,
          entry: {
            path: source.name,
            type: 'file',
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: bytes.byteLength,
            mtime: this.#room.format.epoch,
            content: { kind: 'bytes', bytes },
          },
        };
      }
      case 'url':
        return this.#url(source);
      case 'git': {
        const directory = join(await this.#room.store.temporary(), 'git');
        const { root } = await checkoutGit(source.source, directory, {
          keepGitDir: source.keepGitDir,
          signal: this.#room.task.signal,
          ...(source.checksum === undefined ? {} : { checksum: source.checksum }),
        });
        return { kind: 'tree', tree: openDirectory(root) };
      }
      default:
        return unreachable(source);
    }
  }

  async #url(source: StepSource & { kind: 'url' }): Promise<CopySource> {
    if (source.checksum !== undefined && !/^sha256:[0-9a-f]{64}$/.test(source.checksum))
      throw new WherryError('DOCKERFILE_INVALID', `invalid checksum "${source.checksum}" for URL`, {
        hint: 'Write --checksum=sha256:<64 hex digits>.',
      });
    const path = join(await this.#room.store.temporary(), 'download');
    const { size, mtime } = await fetchFile(source.url, path, this.#room);
    const digester = createDigester();
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }))
      digester.update(chunk as Uint8Array);
    const digest = digester.digest();
    if (source.checksum !== undefined && digest !== source.checksum)
      throw new WherryError(
        'CHECKSUM_MISMATCH',
        `digest mismatch for ${source.url.replace(/\?.*$/, '')}: ${digest} (expected: ${source.checksum})`,
        { hint: 'The file at that URL is not the one the Dockerfile expects.' },
      );
    if (source.unpack && (await openArchive(createReadStream(path))) !== undefined)
      return { kind: 'tree', tree: await readArchiveTree(createReadStream(path), `${path}.tree`) };
    const segments = new URL(source.url).pathname.split('/');
    const name = decodeURIComponent(segments.at(-1) ?? '') || '__unnamed__';
    if (name.includes('/') || name === '.' || name === '..')
      throw new WherryError('DOCKERFILE_INVALID', `Cannot name the file of "${source.url}"`, {
        hint: 'Give a destination that does not end with "/".',
      });
    return {
      kind: 'file',
      name,
      entry: {
        path: name,
        type: 'file',
        mode: 0o600,
        uid: 0,
        gid: 0,
        size,
        mtime,
        digest,
        content: { kind: 'file', path },
      },
    };
  }

  async #root(root: SourceRoot): Promise<FileTree> {
    switch (root.kind) {
      case 'context':
        return this.#room.context;
      case 'stage':
        return this.#once(
          `stage ${root.stage.key}`,
          async () => (await (await this.solve(root.stage)).tree()) ?? emptyTree,
        );
      case 'image':
        return this.#image(root.image);
      case 'tree':
        return this.#named(root.name, root.source);
      default:
        return unreachable(root);
    }
  }

  #image(image: BaseImage): Promise<FileTree> {
    return this.#once(
      `image ${image.resolved.manifest.descriptor.digest}`,
      async () => (await this.#room.shelf.tree(image.resolved.image.layers)) ?? emptyTree,
    );
  }

  #named(name: string, source: ContextSource): Promise<FileTree> {
    return this.#once(`named ${name}`, () => openNamedContext(source, this.#room));
  }

  #once(key: string, open: () => Promise<FileTree>): Promise<FileTree> {
    const known = this.#trees.get(key) ?? open();
    this.#trees.set(key, known);
    return known;
  }

  async #spool(name: string): Promise<string> {
    return join(await this.#room.store.temporary(), name.replace(/[^A-Za-z0-9._-]/g, '_').slice(-64));
  }
}

/** A value that is computed when it is first asked for. */
function lazy<T>(compute: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined;
  return () => (value ??= compute());
}

function userFiles(tree: LayerTree | undefined): { readonly passwd?: string; readonly group?: string } {
  const passwd = tree === undefined ? undefined : textOf(tree, 'etc/passwd');
  const group = tree === undefined ? undefined : textOf(tree, 'etc/group');
  return { ...(passwd === undefined ? {} : { passwd }), ...(group === undefined ? {} : { group }) };
}

/** Owner of a directory that WORKDIR makes; a USER that the image does not know counts as root, as in BuildKit. */
function ownerOfUser(user: string, tree: FileTree): { readonly uid: number; readonly gid: number } {
  if (user === '') return { uid: 0, gid: 0 };
  try {
    return lookupOwner(user, userFiles(tree as LayerTree));
  } catch {
    return { uid: 0, gid: 0 };
  }
}
