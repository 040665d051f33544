// `wherry save`: store → one archive.
import { save, WherryError } from '../../index.ts';
import { commonOptions, type Session, withProgress } from '../session.ts';

export async function run(session: Session): Promise<void> {
  const { flags } = session;
  const output = flags.text('output') ?? '-';
  if (output === '-' && session.stdout.isTTY === true)
    throw new WherryError('ARGUMENT_INVALID', 'Cannot write an archive to standard output: it is a terminal', {
      hint: 'Add -o FILE, or pipe standard output.',
    });
  const platform = flags.text('platform');
  const options = {
    ...commonOptions(session, { store: true, network: false }),
    output,
    format: flags.text('format') === 'oci' ? ('oci' as const) : ('docker' as const),
  };
  await withProgress(session, 'Saving', (onEvent) =>
    save(session.operands, { ...options, onEvent, ...(platform === undefined ? {} : { platform }) }),
  );
}
