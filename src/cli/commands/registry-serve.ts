// `wherry registry serve`: prints the URL, serves until it is interrupted; that is its normal end.
import { serve } from '../../index.ts';
import { note, print, type Session } from '../session.ts';

export async function run(session: Session): Promise<void> {
  const { flags, signal } = session;
  const [address, root, htpasswd] = [flags.text('addr'), flags.text('root'), flags.text('htpasswd')];
  const server = await serve({
    env: session.env,
    readOnly: flags.on('read-only'),
    ...(address === undefined ? {} : { address }),
    ...(root === undefined ? {} : { root }),
    ...(htpasswd === undefined ? {} : { htpasswd }),
  });
  try {
    await print(session, `${server.url}\n`);
    if (session.stderr.isTTY === true) note(session, 'Listening; Ctrl+C stops it.');
    await new Promise<void>((resolve) =>
      signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
    );
  } finally {
    await server.close();
  }
}
