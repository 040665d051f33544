// `wherry rm`: names out of the store, with the blobs that nothing else needs.
import { remove } from '../../index.ts';
import { commonOptions, note, print, printJson, type Session } from '../session.ts';

export async function run(session: Session): Promise<void> {
  const removed = await remove(session.operands, commonOptions(session, { store: true, network: false }));
  if (session.flags.on('json')) return printJson(session, removed);
  await print(session, removed.map((each) => `${each.name}\n`).join(''));
  const blobs = removed.reduce((sum, each) => sum + each.deletedBlobs, 0);
  note(session, `${blobs} blob${blobs === 1 ? '' : 's'} deleted`);
}
