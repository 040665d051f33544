// `wherry history`: the steps of an image with their layers, newest first; as JSON in the order of the config.
import { history } from '../../index.ts';
import { formatAge, formatBytes, formatTable, shortDigest } from '../format.ts';
import { commonOptions, print, printJson, type Session } from '../session.ts';
import { truncate } from '../terminal.ts';

export async function run(session: Session): Promise<void> {
  const platform = session.flags.text('platform');
  const options = {
    ...commonOptions(session, { store: true, network: true }),
    ...(platform === undefined ? {} : { platform }),
  };
  const lines = await history(session.operands[0] ?? '', options);
  if (session.flags.on('json')) return printJson(session, lines);
  const whole = session.flags.on('no-trunc');
  const rows = lines
    .toReversed()
    .map((line) => [
      line.digest === undefined ? '-' : whole ? line.digest : shortDigest(line.digest),
      formatAge(line.created, Date.now()),
      formatBytes(line.size),
      whole ? line.createdBy : truncate(line.createdBy.replace(/ # buildkit$/, '').replace(/\s+/g, ' '), 60),
    ]);
  await print(session, formatTable(['LAYER', 'CREATED', 'SIZE', 'CREATED BY'], rows));
}
