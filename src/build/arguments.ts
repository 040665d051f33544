// Build arguments: `--build-arg`, ARGs before the first FROM, and the automatic platform arguments → the values that
// FROM lines see and that `ARG name` brings into a stage (Dockerfile reference, "ARG"; BuildKit's precedence).
import { expandWord } from '../dockerfile/expand.ts';
import type { Dockerfile } from '../dockerfile/instruction.ts';
import { WherryError, withRange } from '../errors.ts';
import { formatPlatform, type Platform } from '../oci/platform.ts';

/** What FROM lines see: global ARGs with a value, and the automatic arguments. */
export type GlobalArguments = ReadonlyMap<string, string>;

/** Evaluates the ARGs before the first FROM. `targetName` is the requested stage's, else the last one's. */
export function globalArguments(
  dockerfile: Dockerfile,
  options: {
    readonly buildArgs: Readonly<Record<string, string>>;
    readonly buildPlatform: Platform;
    readonly targetPlatform: Platform;
    readonly targetName: string;
  },
): GlobalArguments {
  const values = new Map<string, string>([
    ...platformArguments('BUILD', options.buildPlatform),
    ...platformArguments('TARGET', options.targetPlatform),
    ['TARGETSTAGE', options.targetName],
  ]);
  for (const name of values.keys()) {
    const given = givenValue(options.buildArgs, name);
    if (given !== undefined) values.set(name, given);
  }
  for (const instruction of dockerfile.globalArgs) {
    for (const { key, value } of instruction.args) {
      try {
        const evaluated =
          givenValue(options.buildArgs, key) ??
          (value === undefined ? undefined : expandWord(value, values, { escape: dockerfile.directives.escape }));
        if (evaluated !== undefined) values.set(key, evaluated);
      } catch (error) {
        throw withRange(error, instruction.range);
      }
    }
  }
  return values;
}

/** The value of a build argument; not what objects have by themselves, such as "constructor". */
export function givenValue(buildArgs: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined;
}

function platformArguments(prefix: string, platform: Platform): [string, string][] {
  return [
    [`${prefix}PLATFORM`, formatPlatform(platform)],
    [`${prefix}OS`, platform.os],
    [`${prefix}OSVERSION`, platform['os.version'] ?? ''],
    [`${prefix}ARCH`, platform.architecture],
    [`${prefix}VARIANT`, platform.variant ?? ''],
  ];
}

/** Arguments that are known without an ARG: they never count as undeclared. */
const builtIn = new Set([
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'FTP_PROXY',
  'NO_PROXY',
  'ALL_PROXY',
  'http_proxy',
  'https_proxy',
  'ftp_proxy',
  'no_proxy',
  'all_proxy',
  'SOURCE_DATE_EPOCH',
  'BUILDPLATFORM',
  'BUILDOS',
  'BUILDOSVERSION',
  'BUILDARCH',
  'BUILDVARIANT',
  'TARGETPLATFORM',
  'TARGETOS',
  'TARGETOSVERSION',
  'TARGETARCH',
  'TARGETVARIANT',
  'TARGETSTAGE',
]);

/** Build arguments that no ARG of the file declares. */
export function undeclaredArguments(dockerfile: Dockerfile, buildArgs: Readonly<Record<string, string>>): string[] {
  const declared = new Set(dockerfile.globalArgs.flatMap((instruction) => instruction.args.map((arg) => arg.key)));
  for (const stage of dockerfile.stages)
    for (const instruction of stage.instructions)
      if (instruction.kind === 'ARG') for (const arg of instruction.args) declared.add(arg.key);
  return Object.keys(buildArgs).filter(
    (name) => !declared.has(name) && !builtIn.has(name) && !name.startsWith('BUILDKIT_'),
  );
}

/** Seconds since 1970 that no new time exceeds: `--timestamp`, else SOURCE_DATE_EPOCH, else 0. @throws ARGUMENT_INVALID */
export function epochOf(
  timestamp: number | undefined,
  globals: GlobalArguments,
  buildArgs: Readonly<Record<string, string>>,
): number {
  if (timestamp !== undefined) return timestamp;
  const text = buildArgs['SOURCE_DATE_EPOCH'] ?? globals.get('SOURCE_DATE_EPOCH') ?? '';
  if (text === '') return 0;
  if (!/^[0-9]{1,11}$/.test(text))
    throw new WherryError('ARGUMENT_INVALID', `invalid SOURCE_DATE_EPOCH: ${text}`, {
      hint: 'Give whole seconds since 1970.',
    });
  return Number(text);
}
