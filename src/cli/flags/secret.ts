// --secret and --ssh: parsed and checked now, so that a mistake shows at once. Only RUN reads what they name.
import { statSync } from 'node:fs';
import { WherryError } from '../../errors.ts';
import { parsePairs } from './csv.ts';

/** Where a secret's bytes are. */
export type Secret =
  | { readonly id: string; readonly kind: 'file'; readonly path: string }
  | { readonly id: string; readonly kind: 'env'; readonly variable: string };

/** An agent's socket, or unencrypted key files. */
export interface SshAgent {
  readonly id: string;
  readonly paths: readonly string[];
}

const secretLimit = 500 * 1024;

/** `id=ID[,src=FILE|,env=NAME][,type=file|env]`; without a source the variable ID if it is set, else the file ID. @throws ARGUMENT_INVALID, SOURCE_NOT_FOUND */
export function parseSecret(text: string, env: NodeJS.ProcessEnv): Secret {
  const fail = (why: string): WherryError =>
    new WherryError('ARGUMENT_INVALID', `invalid secret "${text}": ${why}`, {
      hint: 'Want id=ID,src=FILE or id=ID,env=NAME.',
    });
  const pairs = parsePairs(text, '--secret');
  for (const key of pairs.keys())
    if (!['id', 'src', 'source', 'env', 'type'].includes(key)) throw fail(`unexpected key "${key}"`);
  const type = pairs.get('type');
  if (type !== undefined && type !== 'file' && type !== 'env') throw fail(`unsupported secret type "${type}"`);
  const path = pairs.get('src') ?? pairs.get('source');
  const named = pairs.get('env');
  if (path !== undefined && named !== undefined) throw fail('it has both src and env');
  const id = pairs.get('id') ?? '';
  if (id === '') throw fail('it has no id');
  if (type === 'env' && path !== undefined && named === undefined) return { id, kind: 'env', variable: path };
  if (named !== undefined) return { id, kind: 'env', variable: named };
  if (path === undefined && type !== 'file' && env[id] !== undefined) return { id, kind: 'env', variable: id };
  return { id, kind: 'file', path: checkSecretFile(path ?? id, id) };
}

function checkSecretFile(path: string, id: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new WherryError('SOURCE_NOT_FOUND', `Cannot read secret "${id}": no such file: "${path}"`, {
      hint: 'Give src=FILE or env=NAME.',
    });
  if (stat.isFile() && stat.size > secretLimit)
    throw new WherryError('TOO_LARGE', `Cannot read secret "${id}": "${path}" is larger than 500 KiB`);
  return path;
}

/** `default`, `default=SOCKET` or `ID=KEY[,KEY]`; without a path the agent of $SSH_AUTH_SOCK. @throws ARGUMENT_INVALID, SOURCE_NOT_FOUND */
export function parseSsh(text: string, env: NodeJS.ProcessEnv): SshAgent {
  const equals = text.indexOf('=');
  const id = equals < 0 ? text : text.slice(0, equals);
  const given =
    equals < 0
      ? []
      : text
          .slice(equals + 1)
          .split(',')
          .filter((path) => path !== '');
  if (id === '')
    throw new WherryError('ARGUMENT_INVALID', `invalid value for --ssh: "${text}": it has no id`, {
      hint: 'Want default, or ID=SOCKET or ID=KEY.',
    });
  const socket = env['SSH_AUTH_SOCK'] ?? '';
  if (given.length === 0 && socket === '')
    throw new WherryError('ARGUMENT_INVALID', `invalid value for --ssh: "${text}": SSH_AUTH_SOCK is not set`, {
      hint: `Start ssh-agent, or give a socket or key: --ssh ${id}=PATH.`,
    });
  const paths = given.length === 0 ? [socket] : given;
  for (const path of paths)
    if (statSync(path, { throwIfNoEntry: false }) === undefined)
      throw new WherryError('SOURCE_NOT_FOUND', `Cannot use --ssh ${id}: no such file: "${path}"`);
  return { id, paths };
}
