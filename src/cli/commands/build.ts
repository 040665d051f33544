// `wherry build`: the flags become BuildOptions, the result goes to standard output, --metadata-file and --iidfile.
import { type BuildResult, build, formatReference } from '../../index.ts';
import { parseBuild, type RequestedBuild } from '../flags/build-options.ts';
import { writeResultFile } from '../result-file.ts';
import { commonOptions, note, print, type Session, withProgress } from '../session.ts';

export async function run(session: Session): Promise<void> {
  const { flags, env, stdin, stdout } = session;
  const requested = parseBuild(flags, session.operands[0] ?? '', { env, stdin, isTerminal: stdout.isTTY === true });
  const common = commonOptions(session, { store: true, network: true });
  const insecure = [...(common.insecure ?? []), ...requested.insecure];
  const result = await withProgress(session, 'Building', (onEvent) =>
    build({ ...requested.options, ...common, insecure, onEvent }),
  );
  const iidFile = flags.text('iidfile') ?? '';
  if (iidFile !== '') await writeResultFile(iidFile, result.configDigest ?? result.digest);
  const metadataFile = flags.text('metadata-file') ?? '';
  if (metadataFile !== '')
    await writeResultFile(metadataFile, `${JSON.stringify(metadataOf(result, requested), undefined, 2)}\n`);
  const lines = result.references.length === 0 ? [result.digest] : result.references;
  if (requested.takesStdout) for (const line of lines) note(session, line);
  else await print(session, lines.map((line) => `${line}\n`).join(''));
}

/** The keys of buildx's metadata file that apply here. */
function metadataOf(result: BuildResult, requested: RequestedBuild): Readonly<Record<string, unknown>> {
  const { digest, mediaType, size, configDigest } = result;
  const outputs = requested.options.outputs ?? [];
  const names = [
    ...(requested.options.tags ?? []),
    ...outputs.flatMap((output) => ('names' in output ? (output.names ?? []) : [])),
  ];
  return {
    ...(configDigest === undefined ? {} : { 'containerimage.config.digest': configDigest }),
    'containerimage.descriptor': { mediaType, digest, size },
    'containerimage.digest': digest,
    ...(names.length === 0 ? {} : { 'image.name': [...new Set(names.map(formatReference))].join(',') }),
  };
}
