// A git repository → files on disk, by the `git` command: no shell, no prompt, nothing of the host's configuration and
// hooks, and only the protocols that a URL may name. What is checked out does not depend on the umask.
import { chmod, lstat, lutimes, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, WherryError } from '../errors.ts';
import { createGit, type Git, withoutPassword } from './git-command.ts';
import type { GitSource } from './git-url.ts';

export { type GitSource, parseGitUrl } from './git-url.ts';

/** What a checkout may be told beside its source. */
export interface CheckoutOptions {
  /** Keeps `.git` at the root; nothing is kept with a subdir. */
  readonly keepGitDir?: boolean;
  /** The commit (or the head of its digits) that must be found: `--checksum`. */
  readonly checksum?: string;
  /** Value of the Authorization header for the repository's own host, e.g. of a secret. */
  readonly authorization?: string;
  readonly signal: AbortSignal;
}

/** What was checked out. */
export interface Checkout {
  /** The directory with the files: `dir`, or the subdir in it. */
  readonly root: string;
  /** Full commit. */
  readonly commit: string;
  /** Seconds since 1970 of the commit. */
  readonly commitTime: number;
}

/**
 * Checks a source out into `dir`, which is made and must be empty. Files are 644 or 755; their time is the commit's, so that
 * the same commit gives the same layer, unless the URL says `mtime=checkout`.
 * @throws DOWNLOAD_FAILED, SOURCE_NOT_FOUND (no such ref or subdir), CHECKSUM_MISMATCH, ARGUMENT_INVALID, ABORTED
 */
export async function checkoutGit(source: GitSource, dir: string, options: CheckoutOptions): Promise<Checkout> {
  const checksum = checksumOf(source, options);
  if (source.ref !== undefined && !isRefName(source.ref))
    throw new WherryError('ARGUMENT_INVALID', `invalid git ref: "${source.ref}"`);
  if (source.remote.startsWith('-'))
    throw new WherryError('ARGUMENT_INVALID', `invalid git remote: "${source.remote}"`);
  await mkdir(dir, { recursive: true });
  const git = createGit(dir, { remote: source.remote, authorization: options.authorization, signal: options.signal });
  const wanted = await findCommit(git, source, checksum);
  await git.run(['init', '-q', ...(wanted.object.length === 64 ? ['--object-format=sha256'] : []), '.']);
  await git.run(['remote', 'add', 'origin', withoutPassword(source.remote)]);
  await fetchCommit(git, source, wanted);
  const commit = (await git.run(['rev-parse', '--verify', `${wanted.object}^{commit}`])).trim();
  if (checksum !== undefined && !commit.startsWith(checksum) && !wanted.object.startsWith(checksum))
    throw mismatch(checksum, commit);
  await git.run([
    'checkout',
    '-q',
    '-f',
    ...(wanted.branch === undefined ? ['--detach', commit] : ['-B', wanted.branch, commit]),
    '--',
  ]);
  if (source.submodules !== false) await updateSubmodules(git, dir);
  const commitTime = Number((await git.run(['show', '-s', '--format=%ct', commit])).trim());
  const keep = (options.keepGitDir ?? source.keepGitDir ?? false) && source.subdir === undefined;
  const root = await enterSubdir(source, dir);
  await settle(root, { keepGit: keep, time: source.mtime === 'checkout' ? undefined : commitTime });
  return { root, commit, commitTime };
}

function checksumOf(source: GitSource, options: CheckoutOptions): string | undefined {
  const { checksum = source.checksum } = options;
  if (options.checksum !== undefined && source.checksum !== undefined && options.checksum !== source.checksum)
    throw new WherryError('ARGUMENT_INVALID', `checksum mismatch "${options.checksum}" != "${source.checksum}"`);
  if (checksum !== undefined && !/^[0-9a-f]{1,64}$/.test(checksum))
    throw new WherryError('ARGUMENT_INVALID', `invalid checksum "${checksum}" for Git URL, expected hex commit hash`);
  return checksum;
}

function mismatch(checksum: string, found: string): WherryError {
  return new WherryError('CHECKSUM_MISMATCH', `expected checksum to match ${checksum}, got ${found}`, {
    hint: 'The ref has moved, or the checksum is of another commit.',
  });
}

/** git's own rules for names (git-check-ref-format), as far as they protect the command line. */
function isRefName(text: string): boolean {
  return !/^-|[\0-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\/$|^\//.test(text);
}

function isCommit(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

interface Wanted {
  /** Full name of the object: a commit or an annotated tag. */
  readonly object: string;
  /** Full ref where it was found. */
  readonly ref?: string;
  /** Short name of the branch, when it is one. */
  readonly branch?: string;
}

/** Asks the remote what the ref is: a full ref, a branch before a tag of the same name, or the default branch. */
async function findCommit(git: Git, source: GitSource, checksum: string | undefined): Promise<Wanted> {
  if (source.fetchByCommit && checksum !== undefined && isCommit(checksum)) return { object: checksum };
  const name = source.ref ?? 'HEAD';
  if (isCommit(name)) {
    if (checksum !== undefined && !name.startsWith(checksum)) throw mismatch(checksum, name);
    return { object: name };
  }
  const lines = (await git.run(['ls-remote', '--symref', '--', source.remote, name, `${name}^{}`]))
    .split('\n')
    .map((line) => line.split('\t'));
  const objects = new Map(
    lines.filter(([object = '']) => isCommit(object)).map(([object = '', ref = '']) => [ref, object]),
  );
  const head = lines.find(([value, ref]) => ref === 'HEAD' && value?.startsWith('ref: '))?.[0]?.slice(5);
  const bare = name.replace(/^refs\//, '');
  const candidates =
    source.ref === undefined
      ? ['HEAD']
      : [
          `refs/${bare}`,
          `refs/heads/${name.replace(/^refs\/heads\//, '')}`,
          `refs/tags/${name.replace(/^refs\/tags\//, '')}`,
          ...(name === 'HEAD' ? ['HEAD'] : []),
        ];
  const ref = candidates.find((candidate) => objects.has(candidate));
  const object = ref === undefined ? undefined : objects.get(ref);
  if (ref === undefined || object === undefined) {
    const known = [...objects.keys()].slice(0, 5).join(', ');
    throw new WherryError('SOURCE_NOT_FOUND', `repository does not contain ref ${name}`, {
      hint:
        known === '' ? `Look at the names with: git ls-remote ${withoutPassword(source.remote)}` : `There is ${known}.`,
    });
  }
  if (checksum !== undefined && !object.startsWith(checksum) && objects.get(`${ref}^{}`)?.startsWith(checksum) !== true)
    throw mismatch(checksum, objects.get(`${ref}^{}`) ?? object);
  const full = ref === 'HEAD' ? head : ref;
  const branch = full?.startsWith('refs/heads/') ? full.slice('refs/heads/'.length) : undefined;
  return { object, ref, ...(branch === undefined ? {} : { branch }) };
}

const refusal =
  /shallow|--depth|not our ref|unadvertised|couldn't find remote ref|git cat-file ended|Not a valid object|bad object/i;

/** Fetches as little as the server allows: one commit by its name, else its ref, else everything. */
async function fetchCommit(git: Git, source: GitSource, wanted: Wanted): Promise<void> {
  const target = wanted.ref?.startsWith('refs/tags/') ? `+${wanted.ref}:${wanted.ref}` : undefined;
  const attempts: string[][] = [
    ['--depth=1', '--no-tags', '--', source.remote, target ?? wanted.object],
    ...(wanted.ref === undefined ? [] : [['--depth=1', '--no-tags', '--', source.remote, target ?? wanted.ref]]),
    ['--tags', '--', source.remote, '+refs/heads/*:refs/remotes/origin/*', '+refs/*:refs/wherry/*'],
  ];
  for (const [index, attempt] of attempts.entries()) {
    try {
      await git.run(['fetch', '-q', '-u', '--no-recurse-submodules', ...attempt]);
      await git.run(['cat-file', '-e', wanted.object]);
      return;
    } catch (error) {
      // A server may refuse single commits or shallow clones: then the next attempt asks for more.
      if (index < attempts.length - 1 && refusal.test(messageOf(error))) continue;
      if (/git cat-file ended|not our ref|Not a valid object|bad object/.test(messageOf(error)))
        throw new WherryError('SOURCE_NOT_FOUND', `repository does not contain ref ${wanted.object}`, { cause: error });
      throw error;
    }
  }
}

async function updateSubmodules(git: Git, dir: string): Promise<void> {
  if ((await lstat(join(dir, '.gitmodules')).catch(() => undefined))?.isFile() !== true) return;
  try {
    await git.run(['submodule', '--quiet', 'update', '--init', '--recursive', '--depth=1']);
  } catch (error) {
    if (!refusal.test(messageOf(error)) && !/did not contain|unable to checkout/i.test(messageOf(error))) throw error;
    await git.run(['submodule', '--quiet', 'update', '--init', '--recursive']);
  }
}

/** The subdir in `dir`; each part must be a real directory, so that no symlink of the repository leads out. */
async function enterSubdir(source: GitSource, dir: string): Promise<string> {
  let root = dir;
  for (const name of (source.subdir ?? '').split('/')) {
    if (name === '') continue;
    root = join(root, name);
    const found = name === '..' || name === '.git' ? undefined : await lstat(root).catch(() => undefined);
    if (found?.isDirectory() !== true)
      throw new WherryError(
        'SOURCE_NOT_FOUND',
        `invalid subdir ${source.subdir}: "${name}" is ${found === undefined ? 'not there' : 'no directory'}`,
        { hint: `Give a directory of ${withoutPassword(source.remote)}.` },
      );
  }
  return root;
}

/** Removes `.git`, sets modes to 755 and 644 and times to the commit's, from the leaves up. */
async function settle(
  dir: string,
  how: { readonly keepGit: boolean; readonly time: number | undefined },
): Promise<void> {
  for (const item of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, item.name);
    if (item.name === '.git' && !how.keepGit) await rm(path, { recursive: true, force: true });
    else if (item.isDirectory()) await settle(path, how);
    else {
      if (item.isFile()) await chmod(path, fileMode((await lstat(path)).mode));
      if (how.time !== undefined) await lutimes(path, how.time, how.time);
    }
  }
  await chmod(dir, 0o755);
  if (how.time !== undefined) await lutimes(dir, how.time, how.time);
}

function fileMode(mode: number): number {
  if (mode & 0o100) return 0o755;
  return mode & 0o200 ? 0o644 : 0o444;
}
