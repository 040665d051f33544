import { join } from 'node:path';
import { type CopySource, selectCopy } from '../context/select.ts';
import { emptyTree, type FileTree } from '../context/tree.ts';
import { lookupOwner } from '../context/users.ts';
import { applyChmod } from '../dockerfile/chmod.ts';
import { unreachable, withRange } from '../errors.ts';
import { type Image, type ImageLayer, imageOf } from '../image/image.ts';
import { applyEntries, type LayerTree } from '../layer/tree.ts';
import type { FileEntry } from '../tar/entry.ts';
import { checkAborted, inEvent, type Task } from '../task.ts';
import { type ContextRoom, openNamedContext } from './context.ts';
import type { LayerFormat, LayerShelf } from './layers.ts';
import type { ContextSource } from './options.ts';
import { openGit, openUrl } from './remote.ts';
import type { BaseImage, CopyStep, PlannedStage, SourceRoot, Step, StepSource } from './step.ts';
import { userFiles, workdirEntries } from './workdir.ts';

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
    const image = imageOf(stage.config, layers);
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
        step.kind === 'copy'
          ? await this.#copyEntries(step, table)
          : await workdirEntries(step, await table(), this.#room.format.epoch);
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
    const owner =
      step.chown === undefined || step.chown === '' ? undefined : lookupOwner(step.chown, await userFiles(users));
    const chmod = step.chmod;
    return selectCopy({
      sources,
      destination: step.destination,
      workdir: step.workdir,
      target,
      parents: step.parents,
      madeTime: this.#room.format.epoch,
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

  async #source(source: StepSource): Promise<CopySource> {
    switch (source.kind) {
      case 'path':
        return { kind: 'path', tree: await this.#root(source.root), path: source.path, origin: originOf(source.root) };
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
        return openUrl(source, this.#room);
      case 'git':
        return openGit(source, this.#room);
      default:
        return unreachable(source);
    }
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

/** What a tree is called in messages. */
function originOf(root: SourceRoot): string {
  switch (root.kind) {
    case 'context':
      return 'the build context';
    case 'stage':
      return `stage "${root.stage.name}"`;
    case 'image':
      return `image "${root.image.name}"`;
    case 'tree':
      return `build context "${root.name}"`;
    default:
      return unreachable(root);
  }
}
