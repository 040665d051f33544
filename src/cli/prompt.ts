// Questions on a terminal: a line, or a line that is not shown; and all of standard input as text.
import { createInterface } from 'node:readline/promises';
import type { Readable } from 'node:stream';
import { Writable } from 'node:stream';
import { WherryError } from '../errors.ts';
import type { Session } from './session.ts';

const limit = 64 * 1024;

/** Asks on standard error; the answer without its newline. @throws ABORTED */
export function askLine(question: string, session: Session): Promise<string> {
  return ask(
    question,
    session,
    new Writable({ write: (chunk, _, done) => void session.stderr.write(String(chunk), () => done()) }),
  );
}

/** As `askLine`, but nothing of the answer is shown. */
export async function askHidden(question: string, session: Session): Promise<string> {
  session.stderr.write(question);
  const answer = await ask('', session, new Writable({ write: (_chunk, _encoding, done) => done() }));
  session.stderr.write('\n');
  return answer;
}

async function ask(question: string, session: Session, output: Writable): Promise<string> {
  const lines = createInterface({ input: session.stdin, output, terminal: true });
  try {
    // In raw mode Ctrl+C is a key, and end of input closes without an answer.
    const closed = new Promise<never>((_, reject) => {
      const interrupted = (): void => reject(new WherryError('ABORTED', 'Interrupted'));
      lines.once('SIGINT', interrupted);
      lines.once('close', interrupted);
    });
    return await Promise.race([lines.question(question, { signal: session.signal }), closed]);
  } finally {
    lines.close();
  }
}

/** All of a stream as text. @throws TOO_LARGE above 64 KiB */
export async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.byteLength;
    if (size > limit)
      throw new WherryError('TOO_LARGE', 'Cannot read a password: standard input is longer than 64 KiB');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}
