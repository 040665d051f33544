// Plans a Dockerfile's text with bases that are at hand, and notes which were asked for.
import { createMemoryRegistry } from '../../registry/memory.ts';
import { globalArguments } from '../../src/build/arguments.ts';
import type { NamedContext } from '../../src/build/options.ts';
import { type PlanInput, plan, targetIndex } from '../../src/build/plan.ts';
import type { BaseImage, PlannedStage } from '../../src/build/step.ts';
import { parseDockerfile } from '../../src/dockerfile/parse.ts';
import { WherryError } from '../../src/errors.ts';
import { resolveImage } from '../../src/image/resolve.ts';
import type { ImageConfig } from '../../src/oci/config.ts';
import { formatPlatform, parsePlatform } from '../../src/oci/platform.ts';
import { formatReference } from '../../src/oci/reference.ts';
import { putImage } from './room.ts';

export interface PlanOptions {
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly target?: string;
  /** Given by the user; without it the build is for linux/amd64. */
  readonly platform?: string;
  readonly contexts?: Readonly<Record<string, NamedContext>>;
  /** Configs by full name; of other names there is no image. */
  readonly bases?: Readonly<Record<string, Partial<ImageConfig>>>;
  readonly noCacheFilter?: readonly string[];
  readonly noCache?: boolean;
}

export interface Planned {
  readonly stage: PlannedStage;
  /** `name platform` of each image that was looked up. */
  readonly asked: readonly string[];
  readonly warnings: readonly string[];
}

/** Plans the target stage of a Dockerfile. */
export async function planText(text: string, options: PlanOptions = {}): Promise<Planned> {
  const dockerfile = parseDockerfile(Buffer.from(text), 'Dockerfile');
  const asked: string[] = [];
  const warnings: string[] = [];
  const target = targetIndex(dockerfile, options.target);
  const platform = parsePlatform(options.platform ?? 'linux/amd64');
  const buildArgs = options.buildArgs ?? {};
  const input: PlanInput = {
    dockerfile,
    buildArgs,
    target,
    platform,
    globals: globalArguments(dockerfile, {
      buildArgs,
      buildPlatform: parsePlatform('linux/amd64'),
      targetPlatform: platform,
      targetName: dockerfile.stages[target]?.name ?? 'default',
    }),
    namedContexts: options.contexts ?? {},
    platformGiven: options.platform !== undefined,
    severalPlatforms: false,
    epoch: 0,
    noCache: options.noCache ?? false,
    noCacheFilter: options.noCacheFilter ?? [],
    warn: (warning) => warnings.push(warning.rule),
    resolveBase: (source, wanted) => {
      const name = source.kind === 'layout' ? `${source.path}:${source.selector}` : formatReference(source.reference);
      asked.push(`${name} ${formatPlatform(wanted)}`);
      return baseOf(name, options.bases ?? {});
    },
  };
  return { stage: await plan(input), asked, warnings };
}

async function baseOf(name: string, bases: Readonly<Record<string, Partial<ImageConfig>>>): Promise<BaseImage> {
  const config = bases[name];
  if (config === undefined) throw new WherryError('MANIFEST_UNKNOWN', `${name}: not found`);
  const place = { registry: createMemoryRegistry(), host: 'registry.example', repository: 'base' };
  await putImage(place, { more: config });
  return { name, place, resolved: await resolveImage(place, 'latest', parsePlatform('linux/amd64')) };
}
