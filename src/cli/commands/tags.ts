// `wherry tags`: the tags of a repository, one a line, oldest version first.
import { tags } from '../../index.ts';
import { commonOptions, print, printJson, type Session } from '../session.ts';

export async function run(session: Session): Promise<void> {
  const [range, suffix] = [session.flags.text('range'), session.flags.text('suffix')];
  const options = { ...(range === undefined ? {} : { range }), ...(suffix === undefined ? {} : { suffix }) };
  const found = await tags(session.operands[0] ?? '', {
    ...commonOptions(session, { store: true, network: true }),
    ...options,
  });
  if (session.flags.on('json')) await printJson(session, found);
  else await print(session, found.tags.map((tag) => `${tag}\n`).join(''));
}
