// A stage while it is planned: the run config and the environment that each instruction sees, and the steps and history
// that came of them. Plain data; `dispatch.ts` has what each instruction makes of it.
import { defaultPath, type UnlayeredConfig } from '../image/image.ts';
import type { RunConfig } from '../oci/config.ts';
import type { GlobalArguments } from './arguments.ts';
import { historyEntry } from './history.ts';
import type { Step } from './step.ts';

/** What holds for a whole build of one platform. */
export interface StageFacts {
  readonly globals: GlobalArguments;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly escape: '\\' | '`';
  readonly epoch: number;
  readonly noCache: boolean;
}

/** A stage under way. */
export interface StageState {
  readonly config: UnlayeredConfig;
  /** ENV and ARG values, the later instruction wins. */
  readonly environment: ReadonlyMap<string, string>;
  readonly steps: readonly Step[];
  /** A CMD was in this very stage: ENTRYPOINT then leaves it. */
  readonly hasCmd: boolean;
}

/** A stage at its FROM. A base without PATH gets the default one. */
export function startStage(config: UnlayeredConfig, environment?: ReadonlyMap<string, string>): StageState {
  const { OnBuild: _, ...run } = config.config;
  const env = run.Env ?? [];
  const hasPath = config.os === 'windows' || env.some((pair) => pair.startsWith('PATH='));
  const complete = { ...run, Env: hasPath ? env : [...env, `PATH=${defaultPath}`] };
  return {
    config: { ...config, config: complete },
    environment: environment ?? new Map(complete.Env.map((pair) => splitPair(pair))),
    steps: [],
    hasCmd: false,
  };
}

function splitPair(pair: string): [string, string] {
  const equals = pair.indexOf('=');
  return equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
}

/** The state with some run config changed and one empty-layer history line. */
export function withRun(state: StageState, change: Partial<RunConfig>, line: string, facts: StageFacts): StageState {
  const history = [...state.config.history, historyEntry(line, facts.epoch, true)];
  return { ...state, config: { ...state.config, config: { ...state.config.config, ...change }, history } };
}

/** The state with one more layer-making step and its history line. */
export function withStep(state: StageState, step: Step, line: string, facts: StageFacts): StageState {
  const history = [...state.config.history, historyEntry(line, facts.epoch, false)];
  return { ...state, steps: [...state.steps, step], config: { ...state.config, history } };
}
