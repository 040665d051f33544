// The whole river, once: options → Dockerfile → plan → solved stages → documents → outputs.
import type { RegistryClients } from '../../registry/client/client.ts';
import { createLayoutRegistry } from '../../registry/layout.ts';
import { parseDockerfile } from '../dockerfile/parse.ts';
import { WherryError } from '../errors.ts';
import type { Image, Place } from '../image/image.ts';
import { formatPlatform, hostPlatform, isSamePlatform, normalizePlatform, type Platform } from '../oci/platform.ts';
import type { Store } from '../store/store.ts';
import { inEvent, type Task } from '../task.ts';
import { epochOf, globalArguments, undeclaredArguments } from './arguments.ts';
import { resolveLayout, resolveReference } from './bases.ts';
import { openMainContext } from './context.ts';
import { LayerShelf } from './layers.ts';
import type { BuildOptions, BuildResult, ImageOutputOptions, Output } from './options.ts';
import { type BuiltImages, publish, stageConfigs, writeOutput } from './output.ts';
import { plan, targetIndex } from './plan.ts';
import { type SolvedStage, Solver } from './solve.ts';

/** What a build needs beside its options. */
export interface BuildRoom {
  readonly store: Store;
  readonly clients: RegistryClients;
  readonly task: Task;
  readonly insecure: readonly string[];
  /** Opens a layout that somebody else made; it is closed after the build. */
  openLayout(path: string): Promise<Store>;
}

const storeOutput: Output = { kind: 'image', push: false, options: { ociMediaTypes: true, compression: 'gzip' } };

/** Executes a Dockerfile and writes its outputs. Errors carry a code, and a range where they are about an instruction. */
export async function buildImage(options: BuildOptions, room: BuildRoom): Promise<BuildResult> {
  const outputs = options.outputs === undefined || options.outputs.length === 0 ? [storeOutput] : options.outputs;
  const built = await solveAll(options, imageOptions(outputs), room);
  const outputRoom = { ...room, local: localPlace(room.store), shelf: built.shelf, epoch: built.epoch };
  const references: string[] = [];
  const main = publish(built.images, imageOptions(outputs));
  for (const output of outputs) {
    const published = 'options' in output ? publish(built.images, output.options) : main;
    if ('options' in output) await stageConfigs(published, room.store);
    references.push(...(await writeOutput(output, built.images, published, outputRoom)));
  }
  const { digest, mediaType, size } = main.root.descriptor;
  const configDigest = main.root.kind === 'manifest' ? { configDigest: main.root.value.config.digest } : {};
  const images = main.images.map((image, position) => ({
    platform: formatPlatform(built.images.solved[position]?.platform ?? hostPlatform()),
    digest: image.manifest.descriptor.digest,
    configDigest: image.config.descriptor.digest,
    layers: image.layers.map((layer) => layer.descriptor.digest),
  }));
  return {
    digest,
    mediaType,
    size,
    ...configDigest,
    references: references.length > 0 ? [...new Set(references)] : [digest],
    images,
  };
}

/** The options of the first image output: they name the digest that a build prints. @throws UNSUPPORTED */
function imageOptions(outputs: readonly Output[]): ImageOutputOptions {
  const [first, ...others] = outputs.flatMap((output) => ('options' in output ? [output.options] : []));
  if (first === undefined) return { ociMediaTypes: true, compression: 'gzip' };
  for (const { compression, compressionLevel } of others)
    if (compression !== first.compression || compressionLevel !== first.compressionLevel)
      throw new WherryError('UNSUPPORTED', 'Cannot write outputs with different compression of their layers', {
        hint: 'Layers are written once: give all outputs the same compression, or build twice.',
      });
  return first;
}

function localPlace(store: Store): Place {
  return { registry: createLayoutRegistry(store), host: '', repository: '' };
}

async function solveAll(
  options: BuildOptions,
  image: ImageOutputOptions,
  room: BuildRoom,
): Promise<{ images: BuiltImages; shelf: LayerShelf; epoch: number }> {
  const context = await inEvent(room.task, { name: '[internal] load build definition' }, () =>
    openMainContext(options, room),
  );
  const dockerfile = parseDockerfile(context.dockerfile.text, context.dockerfile.name);
  for (const warning of dockerfile.warnings)
    room.task.emit({ kind: 'warning', rule: warning.rule, message: warning.message, range: warning.range });
  const buildArgs = options.buildArgs ?? {};
  const undeclared = undeclaredArguments(dockerfile, buildArgs);
  if (undeclared.length > 0)
    room.task.emit({
      kind: 'warning',
      message: `One or more build-args [${undeclared.join(' ')}] were not consumed: no ARG declares them`,
    });
  const target = targetIndex(dockerfile, options.target);
  const platforms = uniquePlatforms(options.platforms ?? []);
  const targetName = dockerfile.stages[target]?.name ?? 'default';
  const shelf = new LayerShelf(room.store, localPlace(room.store), room.task);
  const baseRoom = { ...room, pull: options.pull ?? false };
  let solver: Solver | undefined;
  let epoch = 0;
  const solved = await settleAll(
    (platforms.length === 0 ? [hostPlatform()] : platforms).map(async (platform) => {
      const globals = globalArguments(dockerfile, {
        buildArgs,
        buildPlatform: hostPlatform(),
        targetPlatform: platform,
        targetName,
      });
      epoch = epochOf(options.timestamp, globals, buildArgs);
      const planned = await plan({
        dockerfile,
        globals,
        buildArgs,
        target,
        platform,
        epoch,
        namedContexts: options.namedContexts ?? {},
        platformGiven: platforms.length > 0,
        severalPlatforms: platforms.length > 1,
        noCache: options.noCache ?? false,
        noCacheFilter: options.noCacheFilter ?? [],
        warn: (warning) => room.task.emit({ kind: 'warning', ...warning }),
        resolveBase: (source, wanted) =>
          source.kind === 'layout'
            ? room.openLayout(source.path).then((layout) => resolveLayout(layout, source.selector, wanted))
            : resolveReference(source.reference, wanted, baseRoom),
      });
      solver ??= new Solver({
        ...room,
        shelf,
        context: context.tree,
        format: {
          compression: image.compression,
          epoch,
          ...(image.compressionLevel === undefined ? {} : { level: image.compressionLevel }),
        },
      });
      const stage = withLabels(await solver.solve(planned), options.labels ?? {});
      return {
        platform: normalizePlatform({
          os: stage.image.config.os,
          architecture: stage.image.config.architecture,
          ...(stage.image.config.variant === undefined ? {} : { variant: stage.image.config.variant }),
        }),
        stage,
      };
    }),
    () => shelf.idle(),
  );
  const index = buildArgs['BUILDKIT_MULTI_PLATFORM'] === '1' || buildArgs['BUILDKIT_MULTI_PLATFORM'] === 'true';
  return { images: { solved, annotations: options.annotations ?? [], tags: options.tags ?? [], index }, shelf, epoch };
}

/** All results, or the first error once nothing is running any more. */
async function settleAll<T>(work: readonly Promise<T>[], idle: () => Promise<void>): Promise<T[]> {
  try {
    return await Promise.all(work);
  } catch (error) {
    await Promise.allSettled(work);
    await idle();
    throw error;
  }
}

function uniquePlatforms(platforms: readonly Platform[]): Platform[] {
  return platforms.filter(
    (platform, position) => platforms.findIndex((other) => isSamePlatform(other, platform)) === position,
  );
}

/** `--label` comes last, after every LABEL. */
function withLabels(stage: SolvedStage, labels: Readonly<Record<string, string>>): SolvedStage {
  if (Object.keys(labels).length === 0) return stage;
  const { config } = stage.image;
  const image: Image = {
    ...stage.image,
    config: { ...config, config: { ...config.config, Labels: { ...config.config.Labels, ...labels } } },
  };
  return { image, tree: stage.tree };
}
