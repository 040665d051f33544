// The entries of a layout's index.json as repositories: `repository:tag` is a tag, an entry with the annotation
// `dev.wherry.repository` an untagged manifest. Pure; the repository "" is the view of any layout: every name is a tag.
import { WherryError } from '../src/errors.ts';
import { annotations } from '../src/oci/annotations.ts';
import type { Descriptor } from '../src/oci/descriptor.ts';
import type { Digest } from '../src/oci/digest.ts';
import { isRepository, isTag } from '../src/oci/reference.ts';

/** Where an entry belongs. */
interface Place {
  readonly repository: string;
  readonly tag?: string;
}

/** What is known of an entry by its annotations alone. */
function placeOf(entry: Descriptor): Place {
  const name = entry.annotations?.[annotations.refName];
  if (name === undefined) return { repository: entry.annotations?.[annotations.repository] ?? '' };
  const colon = name.lastIndexOf(':');
  const tag = name.slice(colon + 1);
  return colon > 0 && isTag(tag) ? { repository: name.slice(0, colon), tag } : { repository: '', tag: name };
}

/** True for a path of the registry protocol, with or without a host in front, and for "". */
function isLayoutRepository(repository: string): boolean {
  if (repository === '' || isRepository(repository)) return true;
  const slash = repository.indexOf('/');
  return (
    slash > 0 &&
    /^(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?$/.test(repository.slice(0, slash)) &&
    isRepository(repository.slice(slash + 1))
  );
}

/** The tag of an entry, as its repository sees it; undefined for none. */
export function tagOf(entry: Descriptor, repository: string): string | undefined {
  return repository === '' ? entry.annotations?.[annotations.refName] : placeOf(entry).tag;
}

/** The entries of a repository; for "" all. */
export function entriesOf(entries: readonly Descriptor[], repository: string): readonly Descriptor[] {
  return repository === '' ? entries : entries.filter((entry) => isIn(entry, repository));
}

function isIn(entry: Descriptor, repository: string): boolean {
  return repository === '' || placeOf(entry).repository === repository;
}

/** All repositories with an entry but "". */
export function repositoriesIn(entries: readonly Descriptor[]): ReadonlySet<string> {
  return new Set(entries.map((entry) => placeOf(entry).repository).filter((repository) => repository !== ''));
}

/** What is stored of a manifest, and how. */
export interface Change {
  readonly repository: string;
  readonly descriptor: Descriptor;
  readonly tag?: string | undefined;
  /** A manifest whose last tag goes stays in its repository. */
  readonly keepUntagged: boolean;
  /** Manifests that need no entry of their own any more. */
  readonly covered?: ReadonlySet<Digest>;
}

/** The entries after a manifest was put. */
export function withManifest(entries: readonly Descriptor[], change: Change): readonly Descriptor[] {
  const { repository, descriptor, tag, covered } = change;
  const isUntagged = (entry: Descriptor): boolean => isIn(entry, repository) && tagOf(entry, repository) === undefined;
  const isCovered = (entry: Descriptor): boolean => isUntagged(entry) && covered?.has(entry.digest) === true;
  if (tag === undefined) {
    if (entries.some((entry) => isIn(entry, repository) && entry.digest === descriptor.digest)) return entries;
    return [...entries.filter((entry) => !isCovered(entry)), untagged(descriptor, repository)];
  }
  const isReplaced = (entry: Descriptor): boolean => isUntagged(entry) && entry.digest === descriptor.digest;
  const rest = withoutTag(entries, change).filter((entry) => !isCovered(entry) && !isReplaced(entry));
  const name = repository === '' ? tag : `${repository}:${tag}`;
  return [...rest, { ...descriptor, annotations: { [annotations.refName]: name } }];
}

/** The entries without one tag. */
export function withoutTag(
  entries: readonly Descriptor[],
  { repository, tag, keepUntagged }: Pick<Change, 'repository' | 'tag' | 'keepUntagged'>,
): readonly Descriptor[] {
  const own = entriesOf(entries, repository);
  const gone = new Set(own.filter((entry) => tagOf(entry, repository) === tag));
  const kept = entries.filter((entry) => !gone.has(entry));
  if (!keepUntagged) return kept;
  const still = new Set(own.filter((entry) => !gone.has(entry)).map((entry) => entry.digest));
  return [
    ...kept,
    ...[...gone].filter((entry) => !still.has(entry.digest)).map((entry) => untagged(entry, repository)),
  ];
}

/** The entries without one manifest: also its tags go. */
export function withoutManifest(
  entries: readonly Descriptor[],
  repository: string,
  digest: Digest,
): readonly Descriptor[] {
  const gone = new Set(entriesOf(entries, repository).filter((entry) => entry.digest === digest));
  return entries.filter((entry) => !gone.has(entry));
}

function untagged(entry: Descriptor, repository: string): Descriptor {
  const { annotations: _, ...rest } = entry;
  return repository === '' ? rest : { ...rest, annotations: { [annotations.repository]: repository } };
}

/** Refuses what is no name of a repository in a layout. @throws NAME_INVALID */
export function checkRepository(repository: string): void {
  if (!isLayoutRepository(repository))
    throw new WherryError('NAME_INVALID', `Cannot use repository "${repository}": it is not a valid name`);
}

/** Strings ordered by their bytes. */
export function sortedByBytes(texts: Iterable<string>): readonly string[] {
  return [...texts].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
