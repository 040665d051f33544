// A stage's state and an instruction → the state after it. One function for each instruction (BuildKit's dispatch;
// reference: Dockerfile reference).
import { posix } from 'node:path';
import { expandWord, expandWords } from '../dockerfile/expand.ts';
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
import { unreachable, WherryError, withRange } from '../errors.ts';
import type { Healthcheck } from '../oci/config.ts';
import { compareNames } from '../tar/entry.ts';
import { givenValue } from './arguments.ts';
import { dispatchCopy, type ResolveSources } from './dispatch-copy.ts';
import { healthcheckText, plainList, quotedList } from './history.ts';
import { type StageFacts, type StageState, withRun, withStep } from './stage.ts';
import type { Step } from './step.ts';

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

function dispatchArg(state: StageState, instruction: ArgInstruction, facts: StageFacts): StageState {
  const environment = new Map(state.environment);
  const words: string[] = [];
  for (const { key, value } of instruction.args) {
    const given = givenValue(facts.buildArgs, key);
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
  const labels = new Map(Object.entries(state.config.config.Labels ?? {}));
  const words: string[] = [];
  for (const pair of instruction.pairs) {
    const key = expandWord(pair.key, state.environment, { escape: facts.escape });
    const value = expandWord(pair.value, state.environment, { escape: facts.escape });
    labels.set(key, value);
    words.push(`${key}=${value}`);
  }
  return withRun(state, { Labels: Object.fromEntries(labels) }, `LABEL ${words.join(' ')}`, facts);
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
