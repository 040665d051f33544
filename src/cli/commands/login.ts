// `wherry login`: user and password from flags, standard input or a prompt; the library checks and saves them.
import { login, WherryError } from '../../index.ts';
import { askHidden, askLine, readAll } from '../prompt.ts';
import { note, type Session } from '../session.ts';

export async function run(session: Session): Promise<void> {
  const { flags, stdin } = session;
  const registry = session.operands[0] ?? 'docker.io';
  const fromStdin = flags.on('password-stdin');
  const given = flags.text('password');
  if (fromStdin && given !== undefined)
    throw new WherryError('ARGUMENT_INVALID', '--password and --password-stdin exclude each other');
  if (given !== undefined)
    note(session, 'warning: a password on the command line can be seen by others: use --password-stdin');
  const isTerminal = stdin.isTTY === true && session.stderr.isTTY === true;
  const username =
    flags.text('username') ?? (isTerminal && !fromStdin ? await askLine('Username: ', session) : undefined);
  if (username === undefined || username === '')
    throw new WherryError('ARGUMENT_INVALID', 'Cannot log in: no user name', { hint: 'Add -u NAME.' });
  const password = fromStdin
    ? (await readAll(stdin)).replace(/\r?\n$/, '')
    : (given ?? (isTerminal ? await askHidden('Password: ', session) : undefined));
  if (password === undefined || password === '')
    throw new WherryError('ARGUMENT_INVALID', 'Cannot log in: no password', {
      hint: 'Pipe it in with --password-stdin.',
    });
  const { savedTo } = await login(registry, {
    username,
    password,
    signal: session.signal,
    env: session.env,
    insecure: flags.list('insecure'),
  });
  note(session, `Logged in to ${registry}; saved to ${savedTo}`);
}
