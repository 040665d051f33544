// The flags of `wherry build` → BuildOptions: here argv ends. Rules that span several flags are here: --push and outputs,
// who may read standard input, who may write standard output.
import type { Readable } from 'node:stream';
import type { BuildOptions, NamedContext, Output } from '../../build/options.ts';
import { WherryError } from '../../errors.ts';
import { isSamePlatform, type Platform, parsePlatform } from '../../oci/platform.ts';
import { parseReference, type Reference } from '../../oci/reference.ts';
import type { Flags } from '../parse.ts';
import { parseAnnotation } from './annotation.ts';
import { parseBuildContext, parseContext } from './context.ts';
import { parseAddHost, parseBuildArgs, parseLabels } from './key-value.ts';
import { type ParsedOutput, parseOutput } from './output.ts';
import { parseSecret, parseSsh } from './secret.ts';

/** What surrounds the flags. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Readable;
  /** Whether standard output is a terminal, which no archive may go to. */
  readonly isTerminal: boolean;
}

/** The build that the flags ask for, and the registries that its outputs call insecure. */
export interface RequestedBuild {
  readonly options: BuildOptions;
  readonly insecure: readonly string[];
  /** Whether an output writes to standard output, so that nothing else may. */
  readonly takesStdout: boolean;
}

/** Flags and CONTEXT → the build. @throws ARGUMENT_INVALID, UNIMPLEMENTED, REFERENCE_INVALID, SOURCE_NOT_FOUND */
export function parseBuild(flags: Flags, context: string, around: Surroundings): RequestedBuild {
  for (const text of flags.list('secret')) parseSecret(text, around.env);
  for (const text of flags.list('ssh')) parseSsh(text, around.env);
  for (const text of flags.list('add-host')) parseAddHost(text);
  const tags = flags.list('tag').map(parseReference);
  for (const tag of tags)
    if (tag.digest !== undefined)
      throw new WherryError(
        'ARGUMENT_INVALID',
        `invalid tag "${tag.repository}@${tag.digest}": a digest can not be given, it is the result`,
        { hint: 'Leave out what begins with "@".' },
      );
  const parsed = flags.list('output').map(parseOutput);
  const outputs = withPush(
    parsed.map((each) => each.output),
    flags.on('push'),
  );
  checkOutputs(outputs, tags, around.isTerminal);
  const timestamp = timestampOf(flags, parsed);
  const target = flags.text('target') ?? '';
  return {
    options: {
      ...sourcesOf(flags, context, around),
      tags,
      buildArgs: buildArgsOf(flags, around.env),
      namedContexts: namedContextsOf(flags),
      ...(target === '' ? {} : { target }),
      platforms: platformsOf(flags),
      labels: parseLabels(flags.list('label')),
      annotations: [...annotationsOf(parsed), ...flags.list('annotation').flatMap(parseAnnotation)],
      noCache: flags.on('no-cache'),
      noCacheFilter: flags.list('no-cache-filter'),
      pull: flags.on('pull'),
      ...(outputs.length === 0 ? {} : { outputs }),
      ...(timestamp === undefined ? {} : { timestamp }),
    },
    insecure: parsed.filter((each) => each.insecure).flatMap((each) => registriesOf(each.output, tags)),
    takesStdout: outputs.some((output) => 'dest' in output && output.dest === '-'),
  };
}

function sourcesOf(flags: Flags, context: string, around: Surroundings): Pick<BuildOptions, 'context' | 'dockerfile'> {
  const file = flags.text('file') ?? '';
  const source = { context: parseContext(context, around.stdin) };
  if (file === '') return source;
  if (file === '-') {
    if (context === '-')
      throw new WherryError(
        'ARGUMENT_INVALID',
        "invalid argument: can't use stdin for both build context and dockerfile",
        { hint: 'Put the Dockerfile into the tar, or give one of the two as a path.' },
      );
    return { ...source, dockerfile: { stream: around.stdin } };
  }
  return { ...source, dockerfile: /^https?:\/\//i.test(file) ? { url: file } : file };
}

/** As with buildx, SOURCE_DATE_EPOCH of the environment is a build-arg where none is given. */
function buildArgsOf(flags: Flags, env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const epoch = env['SOURCE_DATE_EPOCH'] ?? '';
  return { ...(epoch === '' ? {} : { SOURCE_DATE_EPOCH: epoch }), ...parseBuildArgs(flags.list('build-arg'), env) };
}

function namedContextsOf(flags: Flags): Readonly<Record<string, NamedContext>> {
  return Object.fromEntries(flags.list('build-context').map(parseBuildContext));
}

/** In the order asked for, each once. */
function platformsOf(flags: Flags): readonly Platform[] {
  const platforms: Platform[] = [];
  for (const text of flags.list('platform')) {
    const platform = parsePlatform(text);
    if (!platforms.some((other) => isSamePlatform(other, platform))) platforms.push(platform);
  }
  return platforms;
}

function timestampOf(flags: Flags, parsed: readonly ParsedOutput[]): number | undefined {
  const epochs = new Set(parsed.map((each) => each.timestamp).filter((each) => each !== undefined));
  if (epochs.size > 1)
    throw new WherryError(
      'UNIMPLEMENTED',
      'Cannot give outputs different values of source-date-epoch: not implemented in this version',
      { hint: 'Use --timestamp for all of them.' },
    );
  const text = flags.text('timestamp') ?? [...epochs][0];
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,11}$/.test(text))
    throw new WherryError('ARGUMENT_INVALID', `invalid value for --timestamp: "${text}": want seconds since 1970`);
  return Number(text);
}

function annotationsOf(parsed: readonly ParsedOutput[]): BuildOptions['annotations'] & object {
  const annotations = parsed.flatMap((each) => each.annotations);
  const images = parsed.filter((each) => 'options' in each.output);
  if (annotations.length > 0 && images.length > 1)
    throw new WherryError(
      'UNIMPLEMENTED',
      'Cannot annotate one of several image outputs: not implemented in this version',
      { hint: 'Use --annotation for all of them.' },
    );
  return annotations;
}

/** --push: the image output is pushed as well; where there is none, one is added. */
function withPush(outputs: readonly Output[], push: boolean): readonly Output[] {
  if (!push) return outputs;
  if (outputs.some((output) => output.kind === 'image'))
    return outputs.map((output) => (output.kind === 'image' ? { ...output, push: true } : output));
  return [...outputs, { kind: 'image', push: true, options: { ociMediaTypes: true, compression: 'gzip' } }];
}

function checkOutputs(outputs: readonly Output[], tags: readonly Reference[], isTerminal: boolean): void {
  const onStdout = outputs.filter((output) => 'dest' in output && output.dest === '-');
  if (onStdout.length > 1)
    throw new WherryError('ARGUMENT_INVALID', 'Cannot write two outputs to standard output', {
      hint: 'Give all but one a dest=FILE.',
    });
  for (const output of onStdout) {
    if (output.kind === 'local')
      throw new WherryError('ARGUMENT_INVALID', 'invalid value for --output: type=local needs a directory, not "-"', {
        hint: 'Use type=tar,dest=-.',
      });
    if (output.kind === 'oci' && !output.tar)
      throw new WherryError('ARGUMENT_INVALID', 'invalid value for --output: tar=false needs a directory, not "-"');
    if (isTerminal)
      throw new WherryError(
        'ARGUMENT_INVALID',
        `dest file is required for ${output.kind} exporter. refusing to write to console`,
        { hint: 'Add dest=FILE, or pipe standard output.' },
      );
  }
  const names = outputs
    .filter((output) => output.kind === 'image' && output.push)
    .flatMap((output) => ('names' in output ? (output.names ?? []) : []));
  if (
    outputs.some((output) => output.kind === 'image' && output.push && (output.names ?? []).length === 0) &&
    names.length + tags.length === 0
  )
    throw new WherryError('ARGUMENT_INVALID', 'tag is needed when pushing to registry', {
      hint: 'Add -t registry/repository:tag.',
    });
}

function registriesOf(output: Output, tags: readonly Reference[]): readonly string[] {
  const names = 'names' in output ? (output.names ?? tags) : tags;
  return [...new Set(names.map((name) => name.registry))];
}
