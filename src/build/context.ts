// Build contexts: a directory, a stream, a git or http(s) URL, in-memory files → the tree that COPY reads, and the
// Dockerfile's text (Dockerfile reference, "Build context"; reference/dockerfile.md §1.15 and §2.1 for ignore files).
import { constants, createReadStream, createWriteStream } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { download } from '../../registry/client/http.ts';
import { readArchiveTree } from '../context/archive.ts';
import { openDirectory } from '../context/directory.ts';
import { checkoutGit, parseGitUrl } from '../context/git.ts';
import { type IgnoreMatcher, parseIgnoreFile } from '../context/ignore.ts';
import { memoryTree } from '../context/memory.ts';
import { emptyTree, type FileTree, resolveInTree } from '../context/tree.ts';
import { didYouMean, isError, reasonOf, WherryError } from '../errors.ts';
import { streamContent } from '../layer/content.ts';
import type { Store } from '../store/store.ts';
import { openArchive } from '../tar/decompress.ts';
import { inEvent, type Task } from '../task.ts';
import type { BuildOptions, ContextSource } from './options.ts';

/** What opening a context needs. */
export interface ContextRoom {
  readonly store: Store;
  readonly task: Task;
  readonly insecure: readonly string[];
}

/** The main context and the Dockerfile that was found for it. */
export interface MainContext {
  readonly dockerfile: { readonly name: string; readonly text: Uint8Array };
  readonly tree: FileTree;
}

/** A Dockerfile larger than this is refused. */
const maxDockerfileSize = 16 * 1024 * 1024;

/** Opens the main context, finds the Dockerfile, and applies its ignore file. */
export async function openMainContext(options: BuildOptions, room: ContextRoom): Promise<MainContext> {
  const given = options.dockerfile;
  const early = typeof given === 'object' ? await readGiven(given, room) : undefined;
  const source = options.context;
  if (source.kind === 'directory')
    return openDirectoryContext(source.path, typeof given === 'string' ? given : undefined, early, room);
  const opened = await openSource(source, room);
  if ('text' in opened) {
    if (typeof given === 'string')
      throw new WherryError(
        'ARGUMENT_INVALID',
        `Cannot use Dockerfile "${given}": the context is itself a lone Dockerfile`,
        { hint: 'Leave out -f, or give a directory or an archive as the context.' },
      );
    return { dockerfile: early ?? { name: 'Dockerfile', text: opened.text }, tree: emptyTree };
  }
  const dockerfile = early ?? (await findInTree(opened.tree, typeof given === 'string' ? given : undefined));
  if (source.kind !== 'files') return { dockerfile, tree: opened.tree };
  const ignore = await ignoreInTree(opened.tree, dockerfile.name);
  return { dockerfile, tree: memoryTree(source.files, ignore === undefined ? {} : { ignore }) };
}

/** Opens a named context that is a tree of files; a directory's own `.dockerignore` applies. */
export async function openNamedContext(source: ContextSource, room: ContextRoom): Promise<FileTree> {
  if (source.kind !== 'directory') {
    const opened = await openSource(source, room);
    if ('text' in opened)
      throw new WherryError('ARCHIVE_INVALID', 'Cannot use build context: it is neither a directory nor an archive');
    return opened.tree;
  }
  const root = await existingDirectory(source.path);
  const ignore = await ignoreFile([join(root, '.dockerignore')]);
  return openDirectory(root, { digests: room.store.stats, ...(ignore === undefined ? {} : { ignore }) });
}

async function readGiven(
  given: Exclude<BuildOptions['dockerfile'], string | undefined>,
  room: ContextRoom,
): Promise<MainContext['dockerfile']> {
  if ('text' in given) return { name: 'Dockerfile', text: Buffer.from(given.text) };
  if ('stream' in given) return { name: 'Dockerfile', text: await readAll(given.stream, 'Dockerfile') };
  const path = join(await room.store.temporary(), 'dockerfile');
  await fetchFile(given.url, path, room);
  return {
    name: basename(new URL(given.url).pathname) || 'Dockerfile',
    text: await readAll(createReadStream(path), given.url),
  };
}

async function readAll(stream: AsyncIterable<Uint8Array | string>, name: string): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    size += bytes.byteLength;
    if (size > maxDockerfileSize)
      throw new WherryError('TOO_LARGE', `Cannot read "${name}": a Dockerfile has at most ${maxDockerfileSize} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

async function existingDirectory(path: string): Promise<string> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')
      throw new WherryError('CONTEXT_NOT_FOUND', `unable to prepare context: path "${path}" not found`, {
        hint: 'The last argument of build is the context: a directory, "-", or a URL.',
      });
    throw unreadable(path, cause);
  });
  if (!found.isDirectory())
    throw new WherryError('CONTEXT_NOT_FOUND', `unable to prepare context: "${path}" is not a directory`, {
      hint: 'To use an archive or a lone Dockerfile, pipe it in: wherry build - < FILE',
    });
  await access(path, constants.R_OK | constants.X_OK).catch((cause) => {
    throw unreadable(path, cause);
  });
  return resolve(path);
}

function unreadable(path: string, cause: unknown): WherryError {
  return new WherryError('IO_FAILED', `unable to prepare context: cannot read "${path}": ${reasonOf(cause)}`, {
    hint: 'Give the user that builds the right to read it, or build from another directory.',
    cause,
  });
}

async function openDirectoryContext(
  path: string,
  given: string | undefined,
  early: MainContext['dockerfile'] | undefined,
  room: ContextRoom,
): Promise<MainContext> {
  const root = await existingDirectory(path);
  const dockerfilePath = early === undefined ? await findDockerfile(root, given) : undefined;
  const dockerfile = early ?? {
    name: given ?? basename(dockerfilePath ?? ''),
    text: await readAll(createReadStream(dockerfilePath ?? ''), given ?? 'Dockerfile'),
  };
  const ignore = await ignoreFile([
    ...(dockerfilePath === undefined ? [] : [`${dockerfilePath}.dockerignore`]),
    join(root, '.dockerignore'),
  ]);
  return {
    dockerfile,
    tree: openDirectory(root, { digests: room.store.stats, ...(ignore === undefined ? {} : { ignore }) }),
  };
}

async function findDockerfile(root: string, given: string | undefined): Promise<string> {
  const candidates = given === undefined ? [join(root, 'Dockerfile'), join(root, 'dockerfile')] : [resolve(given)];
  for (const candidate of candidates) {
    const found = await stat(candidate).catch(() => undefined);
    if (found?.isFile() || found?.isFIFO() || found?.isCharacterDevice()) return candidate;
    if (found?.isDirectory())
      throw new WherryError(
        'DOCKERFILE_NOT_FOUND',
        `failed to read dockerfile: "${given ?? candidate}" is a directory`,
      );
  }
  throw new WherryError(
    'DOCKERFILE_NOT_FOUND',
    `failed to read dockerfile: open ${given ?? 'Dockerfile'}: no such file or directory`,
    {
      hint:
        given === undefined
          ? 'Name the Dockerfile with -f, or give the directory that has one as the context.'
          : 'The path after -f is relative to the working directory.',
    },
  );
}

/** The first of these files that exists, parsed. */
async function ignoreFile(paths: readonly string[]): Promise<IgnoreMatcher | undefined> {
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'EISDIR') return undefined;
      throw new WherryError('IO_FAILED', `Cannot read "${path}": ${reasonOf(error)}`, {
        hint: 'It says which files belong to the context: without it nothing can be built.',
        cause: error,
      });
    });
    if (text !== undefined) return parseIgnoreFile(text, basename(path));
  }
  return undefined;
}

/** A context that has to be fetched or unpacked: its tree, or the text of a lone Dockerfile. */
async function openSource(
  source: Exclude<ContextSource, { kind: 'directory' }>,
  room: ContextRoom,
): Promise<{ readonly tree: FileTree } | { readonly text: Uint8Array }> {
  if (source.kind === 'files') return { tree: memoryTree(source.files) };
  const directory = await room.store.temporary();
  if (source.kind === 'git') return { tree: await openGit(source.url, directory, room) };
  const raw = join(directory, 'context');
  if (source.kind === 'http') await fetchFile(source.url, raw, room);
  else
    await inEvent(room.task, { name: '[internal] reading build context from a stream' }, () =>
      pipeline(source.stream, createWriteStream(raw), { signal: room.task.signal }),
    );
  const archive = await openArchive(createReadStream(raw));
  if (archive === undefined) return { text: await readAll(createReadStream(raw), 'Dockerfile') };
  return { tree: await readArchiveTree(createReadStream(raw), join(directory, 'tree')) };
}

async function openGit(url: string, directory: string, room: ContextRoom): Promise<FileTree> {
  const source = parseGitUrl(url, { context: true });
  if (source === undefined)
    throw new WherryError('ARGUMENT_INVALID', `Cannot use "${url}" as a context: it is not a git URL`);
  return inEvent(room.task, { name: `[internal] load git source ${url.replace(/\/\/[^/@]*@/, '//')}` }, async () => {
    const { root } = await checkoutGit(source, join(directory, 'git'), { signal: room.task.signal });
    return openDirectory(root);
  });
}

/** A downloaded file's facts. */
export interface FetchedFile {
  readonly size: number;
  /** Seconds since 1970, of Last-Modified; 0 without. */
  readonly mtime: number;
}

/** Downloads an http(s) URL into a new file. @throws DOWNLOAD_FAILED */
export async function fetchFile(url: string, path: string, room: ContextRoom): Promise<FetchedFile> {
  const shown = url.replace(/\/\/[^/@]*@/, '//').replace(/\?.*$/, '');
  return inEvent(room.task, { name: shown }, async (id) => {
    const response = await download(url, { task: room.task, insecureHosts: room.insecure });
    if (response.status < 200 || response.status >= 400) {
      response.body.destroy();
      throw new WherryError('DOWNLOAD_FAILED', `invalid response status ${response.status}`, {
        hint: `The server answered so for "${shown}".`,
      });
    }
    const length = response.headers.get('content-length');
    const total = length === undefined ? undefined : Number(length);
    let size = 0;
    const counted = async function* (body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
      for await (const chunk of body) {
        size += chunk.byteLength;
        room.task.emit({ kind: 'progress', id, current: size, ...(total === undefined ? {} : { total }) });
        yield chunk;
      }
    };
    const ended = (cause?: unknown): WherryError =>
      new WherryError(
        'DOWNLOAD_FAILED',
        `Cannot download "${shown}": it ended after ${size} bytes${total === undefined ? '' : ` of ${total}`}`,
        { cause, hint: 'Try again.' },
      );
    await pipeline(Readable.from(counted(response.body), { objectMode: false }), createWriteStream(path), {
      signal: room.task.signal,
    }).catch((error: unknown) => {
      throw isError(error, 'NETWORK_FAILED') ? ended(error) : error;
    });
    if (total !== undefined && size !== total && response.headers.get('content-encoding') === undefined) throw ended();
    const modified = Date.parse(response.headers.get('last-modified') ?? '');
    return { size, mtime: Number.isNaN(modified) ? 0 : Math.floor(modified / 1000) };
  });
}

async function findInTree(tree: FileTree, given: string | undefined): Promise<MainContext['dockerfile']> {
  for (const name of given === undefined ? ['Dockerfile', 'dockerfile'] : [given]) {
    const text = await readInTree(tree, name);
    if (text !== undefined) return { name, text };
  }
  throw new WherryError(
    'DOCKERFILE_NOT_FOUND',
    `failed to read dockerfile: open ${given ?? 'Dockerfile'}: no such file or directory${given === undefined ? '' : didYouMean(given, tree.list(''))}`,
    {
      hint: 'The path after -f is relative to the context.',
    },
  );
}

async function ignoreInTree(tree: FileTree, dockerfile: string): Promise<IgnoreMatcher | undefined> {
  for (const name of [`${dockerfile}.dockerignore`, '.dockerignore']) {
    const text = await readInTree(tree, name);
    if (text !== undefined) return parseIgnoreFile(Buffer.from(text).toString(), name);
  }
  return undefined;
}

async function readInTree(tree: FileTree, name: string): Promise<Uint8Array | undefined> {
  const entry = tree.lookup(resolveInTree(tree, name));
  if (entry?.type !== 'file' || entry.content === undefined) return undefined;
  return readAll(streamContent(entry), name);
}
