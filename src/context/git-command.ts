// The `git` command: no shell, no prompt, nothing of the host's configuration and hooks, and only the protocols that a
// URL may name. Its failures become errors that name the repository, never its password.
import { execFile } from 'node:child_process';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { WherryError } from '../errors.ts';

/** A remote as it may be shown and kept: no user and password in http(s) URLs, no password in others. */
export function withoutPassword(remote: string): string {
  return remote.replace(/^(https?:\/\/)[^/@]*@/i, '$1').replace(/^([a-z]+:\/\/[^/@:]*):[^/@]*@/i, '$1@');
}

/** Runs git in one directory; resolves to its standard output. */
export interface Git {
  /** @throws DOWNLOAD_FAILED, ABORTED */
  run(args: readonly string[]): Promise<string>;
}

/** Variables that the network needs; all other variables of the host stay out. */
const passedOn = [
  'PATH',
  'SSH_AUTH_SOCK',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'ALL_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'all_proxy',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'GIT_SSL_CAINFO',
  'TMPDIR',
  'SystemRoot',
];

/** What git is told beside its arguments. */
export interface GitOptions {
  readonly remote: string;
  /** Value of the Authorization header for the remote's own host. */
  readonly authorization?: string | undefined;
  readonly signal: AbortSignal;
}

/** The command in `dir`. Only a local remote may have local submodules. */
export function createGit(dir: string, options: GitOptions): Git {
  const { remote } = options;
  const isLocal = /^(?:file:|\/)/.test(remote);
  const config: [string, string][] = [
    ['core.hooksPath', devNull],
    ['core.autocrlf', 'false'],
    ['core.fsmonitor', 'false'],
    ['core.attributesFile', devNull],
    ['advice.detachedHead', 'false'],
    ['init.defaultBranch', 'master'],
    ['init.templateDir', ''],
    ['credential.helper', ''],
    ['gc.auto', '0'],
    ['safe.directory', '*'],
  ];
  if (options.authorization !== undefined && /^https?:/i.test(remote))
    config.push([`http.${new URL(remote).origin}/.extraHeader`, `Authorization: ${options.authorization}`]);
  const env: Record<string, string> = {
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: devNull,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_ASKPASS: 'true',
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
    GIT_ALLOW_PROTOCOL: isLocal ? 'file' : 'http:https:ssh:git',
    GIT_CEILING_DIRECTORIES: join(dir, '..'),
    HOME: process.env['HOME'] ?? devNull,
    LC_ALL: 'C',
    GIT_CONFIG_COUNT: `${config.length}`,
  };
  for (const [index, [key, value]] of config.entries())
    Object.assign(env, { [`GIT_CONFIG_KEY_${index}`]: key, [`GIT_CONFIG_VALUE_${index}`]: value });
  for (const name of passedOn) if (process.env[name] !== undefined) env[name] = process.env[name];
  const label = withoutPassword(remote);
  return { run: (args) => runGit(args, { cwd: dir, env, signal: options.signal, label }) };
}

function runGit(
  args: readonly string[],
  how: {
    readonly cwd: string;
    readonly env: Record<string, string>;
    readonly signal: AbortSignal;
    readonly label: string;
  },
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      'git',
      args,
      { cwd: how.cwd, env: how.env, signal: how.signal, maxBuffer: 64 * 1024 * 1024 },
      (cause, stdout, stderr) => {
        if (cause === null) return resolve(stdout);
        if (how.signal.aborted) return reject(new WherryError('ABORTED', 'Interrupted', { cause }));
        if (cause.code === 'ENOENT')
          return reject(
            new WherryError('DOWNLOAD_FAILED', `Cannot fetch "${how.label}": the "git" command is not there`, {
              hint: 'Install git, or give the files as a directory or an archive.',
              cause,
            }),
          );
        const said = stderr
          .trim()
          .split('\n')
          .filter((line) => line !== '')
          .slice(-4)
          .join('; ');
        const reason = (said === '' ? `git ${args[0]} ended with exit status ${String(cause.code)}` : said).replaceAll(
          /(\/\/)[^/@\s]*@/g,
          '$1',
        );
        reject(
          new WherryError('DOWNLOAD_FAILED', `Cannot fetch "${how.label}": ${reason}`, {
            hint: hintOf(stderr),
            cause: new Error(reason),
          }),
        );
      },
    );
  });
}

function hintOf(stderr: string): string | undefined {
  if (/could not read Username|Authentication failed|terminal prompts disabled/.test(stderr))
    return 'The repository needs credentials: use its ssh URL, with a key in the agent.';
  if (/Permission denied \(publickey|Host key verification failed/.test(stderr))
    return 'Check that the ssh agent has the key and that known_hosts has the host.';
  if (/transport '.*' not allowed/.test(stderr)) return 'Only http, https, ssh and git URLs are fetched.';
  return undefined;
}
