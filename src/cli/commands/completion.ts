// `wherry completion SHELL`: the script on standard output.
import { completionOf } from '../completion.ts';
import { print, type Session } from '../session.ts';

export async function run(session: Session): Promise<void> {
  await print(session, completionOf(session.operands[0] ?? ''));
}
