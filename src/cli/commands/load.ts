// `wherry load`: one archive → store; prints the names.
import { load, WherryError } from '../../index.ts';
import { commonOptions, print, type Session, withProgress } from '../session.ts';

export async function run(session: Session): Promise<void> {
  const input = session.flags.text('input') ?? '-';
  if (input === '-' && session.stdin.isTTY === true)
    throw new WherryError('ARGUMENT_INVALID', 'Cannot read an archive from standard input: it is a terminal', {
      hint: 'Add -i FILE, or pipe an archive in.',
    });
  const common = commonOptions(session, { store: true, network: false });
  const names = await withProgress(session, 'Loading', (onEvent) => load({ ...common, input, onEvent }));
  await print(session, names.map((name) => `${name}\n`).join(''));
}
