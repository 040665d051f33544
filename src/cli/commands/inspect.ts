// `wherry inspect`: an image in any place. A summary, or JSON; --raw and --config print the document's own bytes.
import { type Inspection, inspect } from '../../index.ts';
import { formatBytes, formatTable } from '../format.ts';
import { commonOptions, print, printJson, type Session } from '../session.ts';
import { harmless } from '../terminal.ts';

export async function run(session: Session): Promise<void> {
  const { flags } = session;
  const platform = flags.text('platform');
  const wanted = { raw: flags.on('raw'), config: flags.on('config'), ...(platform === undefined ? {} : { platform }) };
  const found = await inspect(session.operands[0] ?? '', {
    ...commonOptions(session, { store: true, network: true }),
    ...wanted,
  });
  if (found.text !== undefined) return print(session, found.text);
  if (flags.on('json')) return printJson(session, found);
  await print(session, summaryOf(found));
}

function summaryOf(found: Inspection): string {
  const { manifest, config } = found;
  const facts: (readonly [string, string])[] = [
    ['Name', found.reference],
    ['Digest', found.digest],
    ['Media type', found.mediaType],
    ['Size', sizeOf(found)],
    ...(found.platforms === undefined ? [] : [['Platforms', found.platforms.join(', ')] as const]),
  ];
  const platform = [field(config, 'os'), field(config, 'architecture'), field(config, 'variant')]
    .filter((part) => part !== '')
    .join('/');
  if (platform !== '') facts.push([found.platforms === undefined ? 'Platform' : 'Shown here', platform]);
  for (const [title, key] of [
    ['Created', 'created'],
    ['Author', 'author'],
  ] as const)
    facts.push([title, field(config, key)]);
  const settings = record(record(config)['config']);
  for (const key of ['User', 'WorkingDir', 'Entrypoint', 'Cmd', 'StopSignal']) facts.push([key, textOf(settings[key])]);
  for (const key of ['ExposedPorts', 'Volumes']) facts.push([key, Object.keys(record(settings[key])).join(', ')]);
  const env = settings['Env'];
  if (Array.isArray(env)) for (const line of env) facts.push(['Env', String(line)]);
  for (const [key, value] of Object.entries(record(settings['Labels'])))
    facts.push(['Label', `${key}=${textOf(value)}`]);
  for (const [key, value] of Object.entries(record(record(manifest)['annotations'])))
    facts.push(['Annotation', `${key}=${textOf(value)}`]);
  const lines = facts
    .filter(([, value]) => value !== '')
    .map(([title, value]) => `${`${title}:`.padEnd(14)}${harmless(value)}\n`);
  return `${lines.join('')}${tableOf(manifest)}`;
}

/** What an image takes in a registry; of an index only itself is known. */
function sizeOf({ manifest, size }: Inspection): string {
  const { config, layers } = record(manifest);
  if (!Array.isArray(layers)) return formatBytes(size);
  const parts = [config, ...layers].map((each) => Number(record(each)['size']));
  const total = parts.reduce((sum, each) => sum + each, size);
  return `${formatBytes(total)} in ${layers.length} layer${layers.length === 1 ? '' : 's'}`;
}

/** The layers of a manifest, or the images of an index. */
function tableOf(manifest: unknown): string {
  const { layers, manifests } = record(manifest);
  const rows = (list: readonly unknown[]): readonly string[][] =>
    list.map((each) => [
      textOf(record(each)['digest']),
      formatBytes(Number(record(each)['size'])),
      textOf(record(each)['mediaType']),
    ]);
  if (Array.isArray(layers) && layers.length > 0)
    return `\n${formatTable(['LAYER', 'SIZE', 'MEDIA TYPE'], rows(layers))}`;
  if (Array.isArray(manifests) && manifests.length > 0)
    return `\n${formatTable(['MANIFEST', 'SIZE', 'MEDIA TYPE'], rows(manifests))}`;
  return '';
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function field(value: unknown, key: string): string {
  return textOf(record(value)[key]);
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
