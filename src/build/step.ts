// The planned units: a stage with everything expanded, and its steps, each of which makes one layer. Plain data; what a
// step will read is named, not opened.

import type { GitSource } from '../context/git.ts';
import type { Chmod } from '../dockerfile/chmod.ts';
import type { SourceRange } from '../errors.ts';
import type { Place, UnlayeredConfig } from '../image/image.ts';
import type { ResolvedImage } from '../image/resolve.ts';
import type { Platform } from '../oci/platform.ts';
import type { ContextSource } from './options.ts';

/** An image that a stage is based on or copied from. */
export interface BaseImage {
  /** As the user wrote it. */
  readonly name: string;
  readonly place: Place;
  readonly resolved: ResolvedImage;
}

/** A stage that the target needs. Two with the same key give the same layers. */
export interface PlannedStage {
  /** Digest of all that decides the layers. */
  readonly key: string;
  /** Name for people: `AS name`, or `stage-0`. */
  readonly name: string;
  readonly platform: Platform;
  readonly base: StageBase;
  readonly steps: readonly Step[];
  /** The finished config, but for its layers: history is complete. */
  readonly config: UnlayeredConfig;
}

export type StageBase =
  | { readonly kind: 'scratch' }
  | { readonly kind: 'stage'; readonly stage: PlannedStage }
  | { readonly kind: 'image'; readonly image: BaseImage }
  /** A named context that is a tree of files: the stage is that tree. */
  | { readonly kind: 'tree'; readonly name: string; readonly source: ContextSource };

/** Makes one layer. */
export type Step = CopyStep | WorkdirStep;

interface StepFacts {
  /** As progress shows it: `[build 2/3] COPY a b`. */
  readonly title: string;
  readonly range: SourceRange;
  /** True when its result must not be looked up in the cache. */
  readonly noCache: boolean;
}

/** COPY and ADD, expanded. */
export interface CopyStep extends StepFacts {
  readonly kind: 'copy';
  readonly instruction: 'COPY' | 'ADD';
  readonly sources: readonly StepSource[];
  /** As written, expanded. */
  readonly destination: string;
  readonly workdir: string;
  readonly chown?: string;
  readonly chmod?: Chmod;
  readonly link: boolean;
  readonly parents: boolean;
  readonly exclude: readonly string[];
  /** Whether local archives are unpacked. */
  readonly unpack: boolean;
}

/** What a COPY or ADD reads. */
export type StepSource =
  | { readonly kind: 'path'; readonly root: SourceRoot; readonly path: string }
  | { readonly kind: 'heredoc'; readonly name: string; readonly text: string }
  | { readonly kind: 'url'; readonly url: string; readonly checksum?: string; readonly unpack: boolean }
  | { readonly kind: 'git'; readonly source: GitSource; readonly keepGitDir: boolean; readonly checksum?: string };

/** The tree that a path is of. */
export type SourceRoot =
  | { readonly kind: 'context' }
  | { readonly kind: 'stage'; readonly stage: PlannedStage }
  | { readonly kind: 'image'; readonly image: BaseImage }
  | { readonly kind: 'tree'; readonly name: string; readonly source: ContextSource };

/** WORKDIR: the directory with its parents, owned by `user` where it is new. */
export interface WorkdirStep extends StepFacts {
  readonly kind: 'workdir';
  /** Absolute, clean. */
  readonly path: string;
  /** USER at this point; "" is root. */
  readonly user: string;
}
