// `wherry images`: what the store has, as a table or JSON.
import { images } from '../../index.ts';
import { formatAge, formatBytes, formatTable, shortDigest } from '../format.ts';
import { commonOptions, print, printJson, type Session } from '../session.ts';

export async function run(session: Session): Promise<void> {
  const found = await images(commonOptions(session, { store: true, network: false }));
  if (session.flags.on('json')) return printJson(session, found);
  const digest = session.flags.on('no-trunc') ? (text: string): string => text : shortDigest;
  const rows = found.map((image) => [
    image.name,
    digest(image.digest),
    image.platforms.join(','),
    formatAge(image.created, Date.now()),
    formatBytes(image.size),
  ]);
  await print(session, formatTable(['NAME', 'DIGEST', 'PLATFORM', 'CREATED', 'SIZE'], rows));
}
