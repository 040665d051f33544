// ADD of URLs and of git repositories: what is fetched becomes a source like any other (Dockerfile reference, "ADD").
import { join } from 'node:path';
import { openDirectory } from '../context/directory.ts';
import { checkoutGit } from '../context/git.ts';
import type { CopySource } from '../context/select.ts';
import { WherryError } from '../errors.ts';
import { digestOfContent } from '../layer/content.ts';
import type { FileEntry } from '../tar/entry.ts';
import { type ContextRoom, fetchFile } from './context.ts';
import type { StepSource } from './step.ts';

/** Downloads a URL: one file of mode 0600, named by the URL. @throws DOWNLOAD_FAILED, CHECKSUM_MISMATCH */
export async function openUrl(source: StepSource & { kind: 'url' }, room: ContextRoom): Promise<CopySource> {
  const { url, checksum, unpack } = source;
  if (checksum !== undefined && !/^sha256:[0-9a-f]{64}$/.test(checksum))
    throw new WherryError('DOCKERFILE_INVALID', `invalid checksum "${checksum}" for URL`, {
      hint: 'Write --checksum=sha256:<64 hex digits>.',
    });
  const name = nameOf(url);
  const path = join(await room.store.temporary(), 'download');
  const { size, mtime } = await fetchFile(url, path, room);
  const content = { kind: 'file' as const, path };
  const file: FileEntry = { path: name, type: 'file', mode: 0o600, uid: 0, gid: 0, size, mtime, content };
  const digest = await digestOfContent(file);
  if (checksum !== undefined && digest !== checksum)
    throw new WherryError(
      'CHECKSUM_MISMATCH',
      `digest mismatch for ${url.replace(/\?.*$/, '')}: ${digest} (expected: ${checksum})`,
      { hint: 'The file at that URL is not the one the Dockerfile expects.' },
    );
  return { kind: 'file', name, unpack, entry: { ...file, digest } };
}

function nameOf(url: string): string {
  let name = '';
  try {
    name = decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '');
  } catch (cause) {
    throw new WherryError('DOCKERFILE_INVALID', `Cannot download "${url}": it is not a valid URL`, { cause });
  }
  if (/[/\0]/.test(name) || name === '.' || name === '..')
    throw new WherryError('DOCKERFILE_INVALID', `Cannot name the file of "${url}"`, {
      hint: 'The last part of the URL is its name.',
    });
  return name || '__unnamed__';
}

/** Checks a repository out: its tree without `.git`, unless that is to be kept. */
export async function openGit(source: StepSource & { kind: 'git' }, room: ContextRoom): Promise<CopySource> {
  const { root } = await checkoutGit(source.source, join(await room.store.temporary(), 'git'), {
    keepGitDir: source.keepGitDir,
    signal: room.task.signal,
    ...(source.checksum === undefined ? {} : { checksum: source.checksum }),
  });
  return { kind: 'tree', tree: openDirectory(root) };
}
