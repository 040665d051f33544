// `wherry logout`: forgets what `login` saved.
import { logout } from '../../index.ts';
import { note, type Session } from '../session.ts';

export async function run(session: Session): Promise<void> {
  const registry = session.operands[0] ?? 'docker.io';
  const removed = await logout(registry, { signal: session.signal, env: session.env });
  note(session, removed ? `Logged out of ${registry}` : `There were no credentials for ${registry}`);
}
