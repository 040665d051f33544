// Room 3: Dockerfile + arguments + platform → the stages that the target needs, each with its base and its steps, all
// words expanded. Stages that the target does not need are never looked at (Dockerfile reference, "FROM", "Multi-stage").
import { expandWord } from '../dockerfile/expand.ts';
import type {
  AddInstruction,
  CopyInstruction,
  Dockerfile,
  Instruction,
  ParseWarning,
  Stage,
} from '../dockerfile/instruction.ts';
import { parseTrigger } from '../dockerfile/parse.ts';
import { didYouMean, WherryError, withRange } from '../errors.ts';
import { platformOf, scratchConfig } from '../image/image.ts';

import { formatPlatform, isSamePlatform, normalizePlatform, type Platform, parsePlatform } from '../oci/platform.ts';
import type { GlobalArguments } from './arguments.ts';
import { dispatch } from './dispatch.ts';
import { contextEntry } from './history.ts';
import { keyOfStage } from './key.ts';
import { createNameTable, type NameTable, type ResolveBase } from './names.ts';
import type { NamedContext } from './options.ts';
import { addSource, copySource, stageOfFrom } from './sources.ts';
import { type StageFacts, type StageState, startStage } from './stage.ts';
import type { BaseImage, PlannedStage, SourceRoot, StageBase, Step, StepSource } from './step.ts';

/** Everything a plan depends on. */
export interface PlanInput {
  readonly dockerfile: Dockerfile;
  readonly globals: GlobalArguments;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly namedContexts: Readonly<Record<string, NamedContext>>;
  /** Index of the stage to build. */
  readonly target: number;
  readonly platform: Platform;
  /** False when the user named no platform: then a base of another platform is adopted. */
  readonly platformGiven: boolean;
  readonly severalPlatforms: boolean;
  readonly epoch: number;
  readonly noCache: boolean;
  readonly noCacheFilter: readonly string[];
  /** Takes what a build check finds. */
  warn(warning: ParseWarning): void;
  readonly resolveBase: ResolveBase;
}

/** A planned stage, and what a stage `FROM` it goes on with. */
interface StagePlan {
  readonly planned: PlannedStage;
  readonly state: StageState;
}

/** Index of the requested stage (name, case ignored), or of the last one. @throws TARGET_NOT_FOUND */
export function targetIndex(dockerfile: Dockerfile, target: string | undefined): number {
  const last = dockerfile.stages.length - 1;
  if (target === undefined || target === '') return last;
  const found = dockerfile.stages.findLastIndex((stage) => stage.name === target.toLowerCase());
  if (found >= 0) return found;
  const names = dockerfile.stages.flatMap((stage) => stage.name ?? []);
  throw new WherryError('TARGET_NOT_FOUND', `target stage "${target}" could not be found${didYouMean(target, names)}`, {
    hint: names.length === 0 ? 'No stage of the Dockerfile has a name.' : `Stages: ${names.join(', ')}.`,
  });
}

/** Plans the target stage and all that it needs. Errors point into the Dockerfile. */
export async function plan(input: PlanInput): Promise<PlannedStage> {
  return (await new Planner(input).stage(input.target)).planned;
}

/** Plans each stage once, on demand. */
class Planner {
  readonly #input: PlanInput;
  readonly #stages = new Map<number, Promise<StagePlan>>();
  readonly #names: NameTable;

  constructor(input: PlanInput) {
    this.#input = input;
    this.#names = createNameTable(input.namedContexts, input.resolveBase);
  }

  stage(index: number): Promise<StagePlan> {
    const known = this.#stages.get(index);
    if (known !== undefined) return known;
    const stage = this.#input.dockerfile.stages[index];
    if (stage === undefined) throw new RangeError(`no stage ${index}`);
    const made = this.#plan(stage);
    this.#stages.set(index, made);
    return made;
  }

  async #plan(stage: Stage): Promise<StagePlan> {
    try {
      const platform = this.#platformOf(stage);
      const replaced = stage.name === undefined ? undefined : this.#names.context(stage.name, platform);
      const base = await this.#base(stage, replaced, platform);
      const triggers = base.triggers.map((text) => parseTrigger(text, stage.from.range));
      const instructions = replaced === undefined ? [...triggers, ...stage.instructions] : [];
      return await this.#dispatchAll(stage, base, instructions, triggers.length);
    } catch (error) {
      throw withRange(error, stage.from.range);
    }
  }

  #platformOf(stage: Stage): Platform {
    if (stage.from.platform === undefined) return this.#input.platform;
    const text = expandWord(stage.from.platform, this.#input.globals, {
      escape: this.#input.dockerfile.directives.escape,
    });
    if (text === '')
      throw new WherryError('DOCKERFILE_INVALID', `empty platform value from expression ${stage.from.platform}`);
    return parsePlatform(text);
  }

  /** What FROM names, the state it starts with, and the triggers of what it is based on. */
  async #base(
    stage: Stage,
    replaced: NamedContext | undefined,
    platform: Platform,
  ): Promise<{ base: StageBase; state: StageState; triggers: readonly string[] }> {
    if (replaced !== undefined) return this.#contextBase(stage.name ?? '', replaced, platform);
    const name = expandWord(stage.from.image, this.#input.globals, {
      escape: this.#input.dockerfile.directives.escape,
    });
    if (name === '')
      throw new WherryError('DOCKERFILE_INVALID', `base name (${stage.from.image}) should not be blank`, {
        hint: 'Give the ARG a default, or pass it with --build-arg.',
      });
    const earlier = this.#input.dockerfile.stages.findLast((other) => other.index < stage.index && other.name === name);
    if (earlier !== undefined) {
      const parent = await this.stage(earlier.index);
      const config = parent.state.config;
      return {
        base: { kind: 'stage', stage: parent.planned },
        state: startStage(config, parent.state.environment),
        triggers: config.config.OnBuild ?? [],
      };
    }
    if (name === 'scratch')
      return {
        base: { kind: 'scratch' },
        state: startStage(scratchConfig(this.#input.platform)),
        triggers: [],
      };
    const context = this.#names.context(name, platform);
    if (context !== undefined) return this.#contextBase(name, context, platform);
    const image = await this.#names.image(name, platform);
    this.#checkPlatform(name, image, platform, stage);
    return this.#imageBase(image, stage);
  }

  async #contextBase(
    name: string,
    context: NamedContext,
    platform: Platform,
  ): Promise<{ base: StageBase; state: StageState; triggers: readonly string[] }> {
    if (context.kind === 'image' || context.kind === 'layout')
      return this.#imageBase(await this.#names.contextImage(context, platform), undefined);
    return {
      base: { kind: 'tree', name, source: context },
      state: startStage({
        ...scratchConfig(platform),
        history: [contextEntry(name, this.#input.epoch)],
      }),
      triggers: [],
    };
  }

  /** A lone manifest is taken whatever its platform is: the user should know. */
  #checkPlatform(name: string, image: BaseImage, platform: Platform, stage: Stage): void {
    const found = platformOf(image.resolved.image.config);
    const adopts = !this.#input.platformGiven && stage.from.platform === undefined;
    if (adopts || isSamePlatform(found, platform)) return;
    this.#input.warn({
      rule: 'InvalidBaseImagePlatform',
      message: `Base image ${name} was pulled with platform "${formatPlatform(found)}", expected "${formatPlatform(platform)}" for current build`,
      range: stage.from.range,
    });
  }

  #imageBase(
    image: BaseImage,
    stage: Stage | undefined,
  ): { base: StageBase; state: StageState; triggers: readonly string[] } {
    const config = image.resolved.image.config;
    const { created: _created, rootfs: _rootfs, ...kept } = config;
    // The config takes the target's platform; without one, that of the base, unless FROM itself named another.
    const adopts = !this.#input.platformGiven && stage?.from.platform === undefined;
    const { os, architecture, variant } = adopts ? normalizePlatform(platformOf(config)) : this.#input.platform;
    const { variant: __, ...rest } = kept;
    const started = { ...rest, os, architecture, ...(variant === undefined ? {} : { variant }) };
    return { base: { kind: 'image', image }, state: startStage(started), triggers: config.config.OnBuild ?? [] };
  }

  async #dispatchAll(
    stage: Stage,
    start: { base: StageBase; state: StageState },
    instructions: readonly Instruction[],
    triggers: number,
  ): Promise<StagePlan> {
    const name = stage.name ?? `stage-${stage.index}`;
    const filtered = this.#input.noCacheFilter.some(
      (filter) => filter.toLowerCase() === stage.name || filter === String(stage.index),
    );
    const facts: StageFacts = {
      globals: this.#input.globals,
      buildArgs: this.#input.buildArgs,
      escape: this.#input.dockerfile.directives.escape,
      epoch: this.#input.epoch,
      noCache: this.#input.noCache || filtered,
    };
    // Sources are looked up first, all at once, so that independent stages and images are resolved at the same time.
    await Promise.all(
      instructions.map((instruction) =>
        instruction.kind === 'COPY' && instruction.from !== undefined
          ? this.#root(instruction.from, stage).catch(() => undefined)
          : undefined,
      ),
    );
    let state = start.state;
    const titles: string[] = [];
    for (const [position, instruction] of instructions.entries()) {
      const before = state.steps.length;
      state = await dispatch(state, instruction, facts, (copying, expanded) => this.#sources(copying, expanded, stage));
      if (state.steps.length > before)
        titles.push(`${position < triggers ? 'ONBUILD ' : ''}${titleOf(instruction.text)}`);
    }
    const total = titles.length + (start.base.kind === 'image' ? 1 : 0);
    const steps = state.steps.map(
      (step, position): Step => ({
        ...step,
        title: this.#title(stage, titles[position] ?? '', position + (start.base.kind === 'image' ? 2 : 1), total),
      }),
    );
    const planned = { name, platform: this.#input.platform, base: start.base, steps, config: state.config };
    return { planned: { ...planned, key: keyOfStage(planned) }, state };
  }

  #title(stage: Stage, text: string, number: number, total: number): string {
    const platform = this.#input.severalPlatforms ? `${formatPlatform(this.#input.platform)} ` : '';
    const name = this.#input.dockerfile.stages.length === 1 ? '' : `${stage.name ?? `stage-${stage.index}`} `;
    return `[${platform}${name}${String(number).padStart(String(total).length)}/${total}] ${text}`;
  }

  async #sources(
    instruction: CopyInstruction | AddInstruction,
    expanded: {
      readonly sources: readonly string[];
      readonly heredocs: readonly { readonly name: string; readonly text: string }[];
      readonly checksum?: string;
    },
    stage: Stage,
  ): Promise<readonly StepSource[]> {
    const root: SourceRoot =
      instruction.kind === 'COPY' && instruction.from !== undefined
        ? await this.#root(instruction.from, stage)
        : { kind: 'context' };
    const { checksum } = expanded;
    if (checksum !== undefined && expanded.sources.length + expanded.heredocs.length > 1)
      throw new WherryError('DOCKERFILE_INVALID', "checksum can't be specified for multiple sources");
    const named = expanded.sources.map((source) =>
      instruction.kind === 'ADD' ? addSource(instruction, source, checksum) : copySource(root, source),
    );
    return [...named, ...expanded.heredocs.map((heredoc): StepSource => ({ kind: 'heredoc', ...heredoc }))];
  }

  /** What `--from` names: stage index, stage name, scratch, named context, image. */
  async #root(from: string, stage: Stage): Promise<SourceRoot> {
    const earlier = stageOfFrom(from, stage, this.#input.dockerfile.stages);
    if (earlier !== undefined) return { kind: 'stage', stage: (await this.stage(earlier)).planned };
    if (from === 'scratch') return { kind: 'tree', name: from, source: { kind: 'files', files: {} } };
    const context = this.#names.context(from, this.#input.platform);
    if (context === undefined) return { kind: 'image', image: await this.#names.image(from, this.#input.platform) };
    if (context.kind === 'image' || context.kind === 'layout')
      return { kind: 'image', image: await this.#names.contextImage(context, this.#input.platform) };
    return { kind: 'tree', name: from, source: context };
  }
}

/** The instruction's line with its name in upper case, on one line. */
function titleOf(text: string): string {
  return text
    .trim()
    .replace(/^\S+/, (name) => name.toUpperCase())
    .replace(/\s+/g, ' ');
}
