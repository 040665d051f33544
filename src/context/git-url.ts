// Git URLs: text → where a repository is and what of it is wanted. The forms, query parameters and messages are those of
// BuildKit's Dockerfile front end (Dockerfile reference, "ADD <git ref>"; build context "Git repositories").
import { WherryError } from '../errors.ts';

/** A repository, and what of it is wanted. */
export interface GitSource {
  /** What `git fetch` is given: without fragment and query. */
  readonly remote: string;
  /** Branch, tag, `refs/…` or full commit; absent for the default branch. */
  readonly ref?: string;
  /** Directory inside the repository, cleaned, without `/` in front; absent for its root. */
  readonly subdir?: string;
  /** The commit (or the head of its digits) that must be found. */
  readonly checksum?: string;
  readonly keepGitDir?: boolean;
  /** Default true. */
  readonly submodules?: boolean;
  readonly mtime?: 'checkout' | 'commit';
  /** `checksum` is the commit to fetch; `ref` is not compared with it. */
  readonly fetchByCommit?: boolean;
}

/**
 * The git source that a text names, or undefined when it is no git URL. With `context`, `github.com/owner/name` is one.
 * @throws ARGUMENT_INVALID for a git URL whose query is wrong
 */
export function parseGitUrl(text: string, options: { readonly context?: boolean } = {}): GitSource | undefined {
  if (text.startsWith('./') || text.startsWith('../')) return undefined;
  const isShort = options.context === true && text.startsWith('github.com/');
  const parts = isShort
    ? splitUrl(`https://${text}`)
    : /^[A-Za-z0-9]+:\/\//.test(text)
      ? splitUrl(text)
      : splitScp(text);
  if (parts === undefined) return undefined;
  if (!isShort && /^https?:/i.test(parts.remote) && !parts.path.endsWith('.git')) return undefined;
  const colon = parts.fragment.indexOf(':');
  const ref = colon < 0 ? parts.fragment : parts.fragment.slice(0, colon);
  const subdir = colon < 0 ? '' : cleanSubdir(parts.fragment.slice(colon + 1));
  return withQuery(
    { remote: parts.remote, ...(ref === '' ? {} : { ref }), ...(subdir === '' ? {} : { subdir }) },
    parts.query,
  );
}

interface Parts {
  readonly remote: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly fragment: string;
}

function splitUrl(text: string): Parts | undefined {
  const match = /^((?:https?|ssh|git):\/\/[^/?#]+([^?#]*))(?:\?([^#]*))?(?:#(.*))?$/is.exec(text);
  if (!match) return undefined;
  return {
    remote: match[1] ?? '',
    path: decode(match[2] ?? ''),
    query: new URLSearchParams(match[3] ?? ''),
    fragment: decode(match[4] ?? ''),
  };
}

/** `user@host:path`, as scp writes it. */
function splitScp(text: string): Parts | undefined {
  const match = /^([A-Za-z0-9_-]+@[A-Za-z0-9.-]+:([^?#]*))(?:\?([^#]*))?(?:#(.*))?$/s.exec(text);
  if (!match) return undefined;
  return {
    remote: match[1] ?? '',
    path: match[2] ?? '',
    query: new URLSearchParams(match[3] ?? ''),
    fragment: match[4] ?? '',
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw invalid(`invalid URL escape in "${text}"`, cause);
  }
}

function invalid(message: string, cause?: unknown): WherryError {
  return new WherryError('ARGUMENT_INVALID', message, {
    hint: 'A git URL is "https://host/path.git#ref:subdir" or "…git?ref=…&subdir=…".',
    cause,
  });
}

function cleanSubdir(text: string): string {
  const done: string[] = [];
  for (const name of text.split('/')) {
    if (name === '..') done.pop();
    else if (name !== '' && name !== '.') done.push(name);
  }
  return done.join('/');
}

const flags = ['submodules', 'keep-git-dir', 'fetch-by-commit'];
const keys = [...flags, 'ref', 'tag', 'branch', 'subdir', 'checksum', 'commit', 'mtime'];

function withQuery(source: GitSource, query: URLSearchParams): GitSource {
  const values = new Map<string, string>();
  for (const key of new Set(query.keys())) {
    const all = query.getAll(key);
    const value = all[0] ?? '';
    if (all.length > 1) throw invalid(`query "${key}" has multiple values`);
    if (value === '' && !flags.includes(key)) throw invalid(`query "${key}" has no value`);
    if (!keys.includes(key)) throw invalid(`unexpected query "${key}"`);
    values.set(key, value);
  }
  const ref = refOf(source, values);
  const subdir = values.has('subdir') ? cleanSubdir(values.get('subdir') ?? '') : source.subdir;
  if (source.subdir !== undefined && source.subdir !== subdir)
    throw invalid(`subdir conflicts: "${source.subdir}" vs "${values.get('subdir')}"`);
  const mtime = values.get('mtime');
  if (mtime !== undefined && mtime !== 'checkout' && mtime !== 'commit')
    throw invalid(`invalid mtime value: "${mtime}" (must be "checkout" or "commit")`);
  const checksum = values.get('commit') ?? values.get('checksum');
  const [keepGitDir, submodules, fetchByCommit] = ['keep-git-dir', 'submodules', 'fetch-by-commit'].map((key) =>
    flagOf(values, key),
  );
  return {
    remote: source.remote,
    ...(ref === undefined ? {} : { ref }),
    ...(subdir === undefined || subdir === '' ? {} : { subdir }),
    ...(checksum === undefined ? {} : { checksum }),
    ...(keepGitDir === undefined ? {} : { keepGitDir }),
    ...(submodules === undefined ? {} : { submodules }),
    ...(mtime === undefined ? {} : { mtime }),
    ...(fetchByCommit === undefined ? {} : { fetchByCommit }),
  };
}

/** Fragment, `ref`, `tag` and `branch` may name the same ref only. */
function refOf(source: GitSource, values: ReadonlyMap<string, string>): string | undefined {
  const full = (prefix: string, name: string | undefined): string | undefined =>
    name === undefined || name.startsWith(prefix) ? name : prefix + name;
  const tag = full('refs/tags/', values.get('tag'));
  const branch = full('refs/heads/', values.get('branch'));
  if (tag !== undefined && branch !== undefined) throw invalid('branch conflicts with tag');
  let ref = source.ref;
  for (const other of [values.get('ref'), tag, branch]) {
    if (other === undefined) continue;
    if (ref !== undefined && ref !== other) throw invalid(`ref conflicts: "${ref}" vs "${other}"`);
    ref = other;
  }
  return ref;
}

/** As Go's strconv.ParseBool; a bare `?flag` is true. */
function flagOf(values: ReadonlyMap<string, string>, key: string): boolean | undefined {
  const value = values.get(key);
  if (value === undefined) return undefined;
  if (['', '1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false;
  throw invalid(`invalid ${key} value: "${value}"`);
}
