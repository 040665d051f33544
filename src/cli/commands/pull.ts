// `wherry pull`: registry → store, one name after the other.
import { pull, WherryError } from '../../index.ts';
import { commonOptions, print, type Session, withProgress } from '../session.ts';

export async function run(session: Session): Promise<void> {
  const allPlatforms = session.flags.on('all-platforms');
  const platform = allPlatforms && !session.flags.given('platform') ? undefined : session.flags.text('platform');
  if (allPlatforms && platform !== undefined)
    throw new WherryError('ARGUMENT_INVALID', '--platform and --all-platforms exclude each other');
  const common = commonOptions(session, { store: true, network: true });
  for (const name of session.operands) {
    const options = { ...common, allPlatforms, ...(platform === undefined ? {} : { platform }) };
    const { reference } = await withProgress(session, 'Pulling', (onEvent) => pull(name, { ...options, onEvent }));
    await print(session, `${reference}\n`);
  }
}
