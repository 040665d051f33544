// Docker's credential programs (`docker-credential-X`): one process for each verb, the server's key or a JSON document on
// stdin, the answer on stdout. A program that fails is an error for its registry: never a reason to go on without it.
import { spawn } from 'node:child_process';
import { WherryError } from '../../../src/errors.ts';
import { printable } from '../wire/message.ts';

/** What a program keeps for a server. `<token>` as user name marks an identity token. */
export interface StoredCredential {
  readonly username: string;
  readonly secret: () => string;
}

/** A program to run: `name` is X of `docker-credential-X`; `from` says where that name is written. */
export interface CredentialProgram {
  readonly name: string;
  readonly from: string;
  readonly env: NodeJS.ProcessEnv;
}

const maxOutput = 1024 * 1024;
const timeout = 30_000;

/** Asks for the credentials of a server; undefined where the program has none. @throws CREDENTIALS_FAILED */
export async function getFromProgram(program: CredentialProgram, key: string): Promise<StoredCredential | undefined> {
  const { status, output } = await run(program, 'get', key);
  if (status !== 0) {
    if (/^(credentials not found in native keychain|no credentials (server URL|username))$/.test(output.trim()))
      return undefined;
    throw failed(program, `get "${key}"`, `it ended with status ${status}${saying(output)}`);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(output);
  } catch {
    throw failed(program, `get "${key}"`, 'its answer is not JSON');
  }
  const { Username: username, Secret: secret } = (answer ?? {}) as {
    readonly Username?: unknown;
    readonly Secret?: unknown;
  };
  if (typeof username !== 'string' || typeof secret !== 'string')
    throw failed(program, `get "${key}"`, 'its answer has no Username and Secret');
  return secret === '' ? undefined : { username, secret: () => secret };
}

/** Saves credentials for a server. @throws CREDENTIALS_FAILED */
export async function storeInProgram(program: CredentialProgram, key: string, item: StoredCredential): Promise<void> {
  const input = JSON.stringify({ ServerURL: key, Username: item.username, Secret: item.secret() });
  const { status, output } = await run(program, 'store', input);
  // The output may repeat the input: only its status is told.
  if (status !== 0)
    throw failed(
      program,
      `store "${key}"`,
      `it ended with status ${status}${output.includes(item.secret()) ? '' : saying(output)}`,
    );
}

/** Forgets the credentials of a server; false where there were none. @throws CREDENTIALS_FAILED */
export async function eraseInProgram(program: CredentialProgram, key: string): Promise<boolean> {
  const { status, output } = await run(program, 'erase', key);
  if (status !== 0 && !output.includes('credentials not found'))
    throw failed(program, `erase "${key}"`, `it ended with status ${status}${saying(output)}`);
  return status === 0;
}

function saying(output: string): string {
  const text = printable(output, 200);
  return text === '' ? '' : `: ${text}`;
}

function failed(program: CredentialProgram, action: string, why: string, cause?: unknown): WherryError {
  return new WherryError(
    'CREDENTIALS_FAILED',
    `Cannot ${action} by program "docker-credential-${program.name}": ${why}`,
    {
      hint: `It is named in ${program.from}.`,
      cause,
    },
  );
}

/** Runs the program without a shell. Its stderr is dropped: some programs write secrets there. */
async function run(
  program: CredentialProgram,
  verb: string,
  input: string,
): Promise<{ status: number; output: string }> {
  const what = `${verb} credentials`;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(program.name)) throw failed(program, what, 'this name is not allowed');
  const child = spawn(`docker-credential-${program.name}`, [verb], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: program.env,
    timeout,
    killSignal: 'SIGKILL',
    windowsHide: true,
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) =>
      code === null ? reject(new Error(`it was ended by ${signal}`)) : resolve(code),
    );
  });
  child.stdin.on('error', () => {}); // A program that does not read its input tells by its status.
  child.stdin.end(input);
  const chunks: Buffer[] = [];
  let size = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.byteLength;
    if (size > maxOutput) child.kill('SIGKILL');
    else chunks.push(chunk);
  });
  try {
    const status = await ended;
    if (size > maxOutput) throw new Error('its answer is too long');
    return { status, output: Buffer.concat(chunks).toString('utf8') };
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const why = size > maxOutput ? 'its answer is too long' : missing ? 'it is not in PATH' : (cause as Error).message;
    throw failed(program, what, why, cause);
  }
}
