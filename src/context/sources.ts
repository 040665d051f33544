// One source word of COPY or ADD → the things it names. Literal words and the literal head of a pattern follow symlinks
// inside the root; the rest of a pattern is matched by Go's rules, and what matches is not entered further.
import { didYouMean, WherryError } from '../errors.ts';
import type { IgnoredBy } from './ignore.ts';
import { cleanPath, goMatch, hasWildcard, type PathPattern, PatternSyntaxError } from './pattern.ts';
import type { CopyItem, CopySource } from './request.ts';
import { joinPath, parentOf } from './table.ts';
import { type FileTree, resolveInTree } from './tree.ts';

type PathSource = Extract<CopySource, { kind: 'path' }>;

/** The items of a path source, in the order of their paths. @throws SOURCE_NOT_FOUND for a literal word that names nothing */
export function expandSource(
  source: PathSource,
  how: { readonly parents: boolean; readonly isArchive: boolean },
): CopyItem[] {
  const { root, include } = how.parents ? splitPivot(source.path) : { root: source.path, include: undefined };
  if (include !== undefined && !hasWildcard(root) && !hasWildcard(include)) requireEntry(source, `${root}/${include}`);
  const found = hasWildcard(root) ? expandPattern(source, root) : [normalize(root)];
  return found.flatMap((path) => {
    const resolved = resolveInTree(source.tree, path);
    const entry = source.tree.lookup(resolved);
    if (entry === undefined) throw notFound(source, path, resolved);
    // What is kept lies below the root: a file that a pattern for the root matches has nothing below it.
    if (include !== undefined && entry.type !== 'directory') return [];
    const name = path.slice(path.lastIndexOf('/') + 1);
    const item = { tree: source.tree, path: resolved, name, entry, isContents: true, isArchive: how.isArchive };
    return [include === undefined ? item : { ...item, include }];
  });
}

/** --parents: what is left of the first `/./` is where the copy begins, what is right of it is kept. */
function splitPivot(path: string): { readonly root: string; readonly include: string } {
  const at = path.indexOf('/./');
  const [root, kept] = at < 0 ? ['/', path] : [path.slice(0, at), path.slice(at + 3)];
  return { root, include: cleanPath(`/${kept}`).slice(1) };
}

function normalize(path: string): string {
  return cleanPath(`/${path}`).slice(1);
}

function requireEntry(source: PathSource, path: string): void {
  const resolved = resolveInTree(source.tree, normalize(path));
  if (source.tree.lookup(resolved) === undefined) throw notFound(source, normalize(path), resolved);
}

function expandPattern(source: PathSource, written: string): string[] {
  const parts = normalize(written).split('/');
  const firstWild = parts.findIndex(hasWildcard);
  const head = resolveInTree(source.tree, parts.slice(0, firstWild).join('/'));
  const matches = parts.slice(firstWild).map((part) => segmentPattern(part, written));
  const found: string[] = [];
  const walk = (dir: string, depth: number): void => {
    const pattern = matches[depth];
    if (pattern === undefined) return;
    for (const name of source.tree.list(dir)) {
      if (!pattern(name)) continue;
      const path = joinPath(dir, name);
      if (depth === matches.length - 1) found.push(path);
      else if (source.tree.lookup(path)?.type === 'directory') walk(path, depth + 1);
    }
  };
  walk(head, 0);
  return found;
}

function segmentPattern(part: string, written: string): PathPattern {
  try {
    return goMatch(part);
  } catch (cause) {
    if (!(cause instanceof PatternSyntaxError)) throw cause;
    throw new WherryError('COPY_FAILED', `Cannot copy "${written}": ${cause.message}`, {
      hint: 'Write "[[]" for a plain "[".',
      cause,
    });
  }
}

function notFound(source: PathSource, path: string, resolved: string): WherryError {
  const origin = source.origin ?? 'the build context';
  return new WherryError('SOURCE_NOT_FOUND', `Cannot copy from ${origin}: "/${path}": not found`, {
    hint:
      ignoredHint(source.tree, [path, resolved]) ??
      linkHint(source.tree, path, origin) ??
      nearestHint(source.tree, resolved, origin),
  });
}

function ignoredHint(tree: FileTree, paths: readonly string[]): string | undefined {
  const { ignoredBy } = tree as FileTree & { readonly ignoredBy?: (path: string) => IgnoredBy | undefined };
  if (ignoredBy === undefined) return undefined;
  for (const path of paths) {
    const found = ignoredBy(path);
    if (found)
      return `It is excluded by ${found.file} line ${found.rule.line} ("${found.rule.text}"); add "!${path}" below that line to keep it.`;
  }
  return undefined;
}

/** Where a symlink is on the way: it is followed in the tree alone. */
function linkHint(tree: FileTree, path: string, origin: string): string | undefined {
  const parts = path.split('/');
  for (let depth = 1; depth <= parts.length; depth++) {
    const head = parts.slice(0, depth).join('/');
    const entry = tree.lookup(head);
    if (entry?.type === 'symlink')
      return `"/${head}" is a symbolic link to "${entry.link}": links are followed inside ${origin} and never out of it.`;
  }
  return undefined;
}

/** Names the existing thing that was most likely meant: the same name in another case, or the deepest directory that exists. */
function nearestHint(tree: FileTree, path: string, origin: string): string {
  let dir = path;
  do dir = parentOf(dir);
  while (dir !== '' && tree.lookup(dir)?.type !== 'directory');
  const wanted = path.slice(dir === '' ? 0 : dir.length + 1).split('/')[0] ?? '';
  const names = tree.list(dir);
  const near = nearestName(wanted, names);
  if (near !== undefined) return `Did you mean "/${joinPath(dir, near)}"?`;
  const shown = names
    .slice(0, 8)
    .map((name) => `"${name}"`)
    .join(', ');
  const place = dir === '' ? `the root of ${origin}` : `"/${dir}" of ${origin}`;
  return names.length === 0
    ? `There is nothing in ${place}.`
    : `In ${place} there ${names.length === 1 ? 'is' : 'are'} ${shown}${names.length > 8 ? ', …' : ''}.`;
}

function nearestName(wanted: string, names: readonly string[]): string | undefined {
  const hint = didYouMean(wanted, names);
  return names.find((name) => hint === ` (did you mean ${name}?)`);
}
