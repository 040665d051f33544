// `wherry push`: store → registry.
import { push } from '../../index.ts';
import { commonOptions, print, type Session, withProgress } from '../session.ts';

export async function run(session: Session): Promise<void> {
  const [name = '', to] = session.operands;
  const common = commonOptions(session, { store: true, network: true });
  const { reference } = await withProgress(session, 'Pushing', (onEvent) =>
    push(name, { ...common, onEvent, ...(to === undefined ? {} : { to }) }),
  );
  await print(session, `${reference}\n`);
}
