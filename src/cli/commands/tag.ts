// `wherry tag`: another name in the store.
import { tag } from '../../index.ts';
import { commonOptions, type Session } from '../session.ts';

export async function run(session: Session): Promise<void> {
  const [source = '', target = ''] = session.operands;
  await tag(source, target, commonOptions(session, { store: true, network: false }));
}
