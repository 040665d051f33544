// `wherry copy`: any place → any place.
import { copy, WherryError } from '../../index.ts';
import { commonOptions, note, print, type Session, withProgress } from '../session.ts';

export async function run(session: Session): Promise<void> {
  const [source = '', destination = ''] = session.operands;
  const platform = session.flags.text('platform');
  const common = commonOptions(session, { store: true, network: true });
  const takesStdout = /^(oci|docker)-archive:-(:|$)/.test(destination);
  if (takesStdout && session.stdout.isTTY === true)
    throw new WherryError('ARGUMENT_INVALID', `Cannot write "${destination}": standard output is a terminal`, {
      hint: 'Give a file, or pipe standard output.',
    });
  const options = { ...common, ...(platform === undefined ? {} : { platform }) };
  const { reference } = await withProgress(session, 'Copying', (onEvent) =>
    copy(source, destination, { ...options, onEvent }),
  );
  if (takesStdout) note(session, reference);
  else await print(session, `${reference}\n`);
}
