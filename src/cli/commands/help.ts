// `wherry help [COMMAND]`: as `wherry COMMAND --help`.
import { helpOf } from '../help.ts';
import { print, type Session } from '../session.ts';

export async function run(session: Session): Promise<void> {
  await print(session, helpOf(session.operands, session.stdout.columns));
}
