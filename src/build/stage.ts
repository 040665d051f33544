// A stage while it is planned: the run config and the environment that each instruction sees, and the steps and history
// that came of them. One function for each instruction (BuildKit's dispatch; reference/Dockerfile semantics in DESIGN §1).
import { posix } from 'node:path';
import { parseChmod } from '../dockerfile/chmod.ts';
import { expandHeredoc, expandWord, expandWords } from '../dockerfile/expand.ts';
import { parsePorts } from '../dockerfile/expose.ts';
import type {
  AddInstruction,
  ArgInstruction,
  CmdInstruction,
  Command,
  CopyInstruction,
  EntrypointInstruction,
  EnvInstruction,
  ExposeInstruction,
  HealthcheckInstruction,
  Instruction,
  LabelInstruction,
  VolumeInstruction,
  WorkdirInstruction,
} from '../dockerfile/instruction.ts';
import { checkSignal } from '../dockerfile/signal.ts';
import { chomp } from '../dockerfile/syntax/heredoc.ts';
import { unreachable, WherryError, withRange } from '../errors.ts';
import { defaultPath } from '../image/image.ts';
import type { Healthcheck, ImageConfig, RunConfig } from '../oci/config.ts';
import { compareNames } from '../tar/entry.ts';
import type { GlobalArguments } from './arguments.ts';
import { copyText, healthcheckText, historyEntry, plainList, quotedList } from './history.ts';
import type { Step, StepSource } from './step.ts';

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
  readonly config: Omit<ImageConfig, 'rootfs'>;
  /** ENV and ARG values, the later instruction wins. */
  readonly environment: ReadonlyMap<string, string>;
  readonly steps: readonly Step[];
  /** A CMD was in this very stage: ENTRYPOINT then leaves it. */
  readonly hasCmd: boolean;
}

/** Sources of a COPY or ADD, resolved by the plan: expanded words in, what they name out. */
export type ResolveSources = (
  instruction: CopyInstruction | AddInstruction,
  expanded: {
    readonly sources: readonly string[];
    readonly heredocs: readonly { readonly name: string; readonly text: string }[];
    readonly checksum?: string;
  },
) => Promise<readonly StepSource[]>;

/** A stage at its FROM. A base without PATH gets the default one. */
export function startStage(config: Omit<ImageConfig, 'rootfs'>, environment?: ReadonlyMap<string, string>): StageState {
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

/** The state after one instruction. Errors point at its lines. */
export async function dispatch(
  state: StageState,
  instruction: Instruction,
  facts: StageFacts,
  resolveSources: ResolveSources,
): Promise<StageState> {
  try {
    if (instruction.kind === 'COPY' || instruction.kind === 'ADD')
      return await dispatchCopy(state, instruction, facts, resolveSources);
    return dispatchOther(state, instruction, facts);
  } catch (error) {
    throw withRange(error, instruction.range);
  }
}

function dispatchOther(
  state: StageState,
  instruction: Exclude<Instruction, CopyInstruction | AddInstruction>,
  facts: StageFacts,
): StageState {
  const expand = (word: string): string => expandWord(word, state.environment, { escape: facts.escape });
  switch (instruction.kind) {
    case 'ARG':
      return dispatchArg(state, instruction, facts);
    case 'ENV':
      return dispatchEnv(state, instruction, facts);
    case 'LABEL':
      return dispatchLabel(state, instruction, facts);
    case 'WORKDIR':
      return dispatchWorkdir(state, instruction, facts);
    case 'CMD':
      return dispatchCmd(state, instruction, facts);
    case 'ENTRYPOINT':
      return dispatchEntrypoint(state, instruction, facts);
    case 'EXPOSE':
      return dispatchExpose(state, instruction, facts);
    case 'VOLUME':
      return dispatchVolume(state, instruction, facts);
    case 'HEALTHCHECK':
      return dispatchHealthcheck(state, instruction, facts);
    case 'USER': {
      const User = expand(instruction.user);
      return withRun(state, { User }, `USER ${User}`, facts);
    }
    case 'STOPSIGNAL': {
      const StopSignal = expand(instruction.signal);
      checkSignal(StopSignal);
      return withRun(state, { StopSignal }, `STOPSIGNAL ${StopSignal}`, facts);
    }
    case 'SHELL':
      return withRun(state, { Shell: instruction.args }, `SHELL ${plainList(instruction.args)}`, facts);
    case 'MAINTAINER': {
      const next = withRun(state, {}, `MAINTAINER ${instruction.name}`, facts);
      return { ...next, config: { ...next.config, author: instruction.name } };
    }
    case 'ONBUILD':
      return {
        ...state,
        config: {
          ...state.config,
          config: { ...state.config.config, OnBuild: [...(state.config.config.OnBuild ?? []), instruction.trigger] },
        },
      };
    case 'RUN':
      throw new WherryError('UNIMPLEMENTED', 'Cannot execute RUN: this version of wherry does not run commands yet', {
        hint: 'Leave the RUN out, move it to a stage that the target does not need, or COPY its result from a base image.',
      });
    default:
      return unreachable(instruction);
  }
}

/** The state with some run config changed and one empty-layer history line. */
function withRun(state: StageState, change: Partial<RunConfig>, line: string, facts: StageFacts): StageState {
  const history = [...state.config.history, historyEntry(line, facts.epoch, true)];
  return { ...state, config: { ...state.config, config: { ...state.config.config, ...change }, history } };
}

/** The state with one more layer-making step and its history line. */
function withStep(state: StageState, step: Step, line: string, facts: StageFacts): StageState {
  const history = [...state.config.history, historyEntry(line, facts.epoch, false)];
  return { ...state, steps: [...state.steps, step], config: { ...state.config, history } };
}

function dispatchArg(state: StageState, instruction: ArgInstruction, facts: StageFacts): StageState {
  const environment = new Map(state.environment);
  const words: string[] = [];
  for (const { key, value } of instruction.args) {
    const given = Object.hasOwn(facts.buildArgs, key) ? facts.buildArgs[key] : undefined;
    const evaluated =
      given ??
      (value === undefined ? facts.globals.get(key) : expandWord(value, environment, { escape: facts.escape }));
    if (evaluated !== undefined) environment.set(key, evaluated);
    words.push(evaluated === undefined ? key : `${key}=${evaluated}`);
  }
  return withRun({ ...state, environment }, {}, `ARG ${words.join(' ')}`, facts);
}

function dispatchEnv(state: StageState, instruction: EnvInstruction, facts: StageFacts): StageState {
  const environment = new Map(state.environment);
  const env = [...(state.config.config.Env ?? [])];
  const words: string[] = [];
  for (const pair of instruction.pairs) {
    const key = expandWord(pair.key, state.environment, { escape: facts.escape });
    const value = expandWord(pair.value, state.environment, { escape: facts.escape });
    const position = env.findIndex((item) => item.startsWith(`${key}=`));
    if (position < 0) env.push(`${key}=${value}`);
    else env[position] = `${key}=${value}`;
    environment.set(key, value);
    words.push(`${key}=${value}`);
  }
  return withRun({ ...state, environment }, { Env: env }, `ENV ${words.join(' ')}`, facts);
}

function dispatchLabel(state: StageState, instruction: LabelInstruction, facts: StageFacts): StageState {
  const labels: Record<string, string> = { ...state.config.config.Labels };
  const words: string[] = [];
  for (const pair of instruction.pairs) {
    const key = expandWord(pair.key, state.environment, { escape: facts.escape });
    const value = expandWord(pair.value, state.environment, { escape: facts.escape });
    labels[key] = value;
    words.push(`${key}=${value}`);
  }
  return withRun(state, { Labels: labels }, `LABEL ${words.join(' ')}`, facts);
}

function dispatchWorkdir(state: StageState, instruction: WorkdirInstruction, facts: StageFacts): StageState {
  const written = expandWord(instruction.path, state.environment, { escape: facts.escape });
  const path = posix.resolve('/', state.config.config.WorkingDir ?? '/', written);
  const line = `WORKDIR ${written.startsWith('/') ? written : path}`;
  const next = { ...state, config: { ...state.config, config: { ...state.config.config, WorkingDir: path } } };
  if (path === '/') return withRun(next, {}, line, facts);
  const step: Step = {
    kind: 'workdir',
    path,
    user: state.config.config.User ?? '',
    title: instruction.text,
    range: instruction.range,
    noCache: facts.noCache,
  };
  return withStep(next, step, line, facts);
}

function argumentsOf(command: Command, state: StageState): readonly string[] {
  if (command.form === 'exec') return command.args;
  const shell = state.config.config.Shell ?? (state.config.os === 'windows' ? ['cmd', '/S', '/C'] : ['/bin/sh', '-c']);
  return [...shell, command.script];
}

function dispatchCmd(state: StageState, instruction: CmdInstruction, facts: StageFacts): StageState {
  const Cmd = argumentsOf(instruction.command, state);
  return { ...withRun(state, { Cmd, ArgsEscaped: true }, `CMD ${quotedList(Cmd)}`, facts), hasCmd: true };
}

function dispatchEntrypoint(state: StageState, instruction: EntrypointInstruction, facts: StageFacts): StageState {
  const Entrypoint = argumentsOf(instruction.command, state);
  return withRun(
    state,
    { Entrypoint, ...(state.hasCmd ? {} : { Cmd: [] }) },
    `ENTRYPOINT ${quotedList(Entrypoint)}`,
    facts,
  );
}

function dispatchExpose(state: StageState, instruction: ExposeInstruction, facts: StageFacts): StageState {
  const written = [...instruction.ports]
    .sort(compareNames)
    .flatMap((word) => expandWords(word, state.environment, { escape: facts.escape }));
  const ports = written.flatMap((word) => parsePorts(word));
  const ExposedPorts = { ...state.config.config.ExposedPorts, ...Object.fromEntries(ports.map((port) => [port, {}])) };
  return withRun(state, { ExposedPorts }, `EXPOSE ${plainList(ports)}`, facts);
}

function dispatchVolume(state: StageState, instruction: VolumeInstruction, facts: StageFacts): StageState {
  const paths = instruction.paths.map((word) => expandWord(word, state.environment, { escape: facts.escape }));
  if (paths.some((path) => path.trim() === ''))
    throw new WherryError('DOCKERFILE_INVALID', 'VOLUME specified can not be an empty string');
  const Volumes = { ...state.config.config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) };
  return withRun(state, { Volumes }, `VOLUME ${plainList(paths)}`, facts);
}

function dispatchHealthcheck(state: StageState, instruction: HealthcheckInstruction, facts: StageFacts): StageState {
  const check: Healthcheck = {
    Test: instruction.test,
    ...(instruction.interval ? { Interval: instruction.interval } : {}),
    ...(instruction.timeout ? { Timeout: instruction.timeout } : {}),
    ...(instruction.startPeriod ? { StartPeriod: instruction.startPeriod } : {}),
    ...(instruction.startInterval ? { StartInterval: instruction.startInterval } : {}),
    ...(instruction.retries ? { Retries: instruction.retries } : {}),
  };
  return withRun(state, { Healthcheck: check }, `HEALTHCHECK ${healthcheckText(check)}`, facts);
}

async function dispatchCopy(
  state: StageState,
  instruction: CopyInstruction | AddInstruction,
  facts: StageFacts,
  resolveSources: ResolveSources,
): Promise<StageState> {
  const expand = (word: string): string => expandWord(word, state.environment, { escape: facts.escape });
  const sources = instruction.sources.map(expand);
  const destination = expand(instruction.destination);
  const chown = instruction.chown === undefined ? undefined : expand(instruction.chown);
  const chmod = instruction.chmod === undefined ? undefined : expand(instruction.chmod);
  const mode = chmod === undefined || chmod === '' ? undefined : parseChmod(chmod);
  const heredocs = instruction.heredocs.map((heredoc) => {
    const body = heredoc.chomp ? chomp(heredoc.body) : heredoc.body;
    return { name: heredoc.name, text: heredoc.expand ? expandHeredoc(body, state.environment) : body };
  });
  const checksum =
    instruction.kind === 'ADD' && instruction.checksum !== undefined ? expand(instruction.checksum) : undefined;
  const resolved = await resolveSources(instruction, {
    sources,
    heredocs,
    ...(checksum === undefined ? {} : { checksum }),
  });
  const step: Step = {
    kind: 'copy',
    instruction: instruction.kind,
    sources: resolved,
    destination,
    workdir: state.config.config.WorkingDir ?? '/',
    ...(chown === undefined ? {} : { chown }),
    ...(mode === undefined ? {} : { chmod: mode }),
    // BuildKit ignores --link beside --chmod.
    link: instruction.link && mode === undefined,
    parents: instruction.parents,
    exclude: instruction.exclude,
    unpack: instruction.kind === 'ADD' && instruction.unpack !== false,
    title: instruction.text,
    range: instruction.range,
    noCache: facts.noCache,
  };
  const line = copyText({
    instruction: instruction.kind,
    parents: instruction.parents,
    chown,
    chmod,
    sources,
    heredocs: heredocs.map((heredoc) => heredoc.name),
    destination,
  });
  return withStep(state, step, line, facts);
}
