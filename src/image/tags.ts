// Tags in the order of their versions, and the newest one of a range. Tags are not semver (`20`, `20.11-alpine`,
// `v1.2.3`): a tag is cut into its numbers and its suffix, and semver compares only tags of one suffix.
import semverCompare from 'semver/functions/compare.js';
import semverSatisfies from 'semver/functions/satisfies.js';
import semverValidRange from 'semver/ranges/valid.js';
import { WherryError } from '../errors.ts';
import { compareNames } from '../tar/entry.ts';

/** A tag that is a version. */
interface VersionTag {
  readonly tag: string;
  /** Three numbers, the missing ones 0. */
  readonly version: string;
  /** How many numbers the tag has: `20` stands for more than `20.11.1`. */
  readonly precision: number;
  /** What follows the numbers, e.g. `-alpine`. */
  readonly suffix: string;
}

function versionOf(tag: string): VersionTag | undefined {
  const match = /^v?(\d{1,15})(?:\.(\d{1,15}))?(?:\.(\d{1,15}))?([-_+.][A-Za-z0-9_.-]*)?$/.exec(tag);
  if (match === null) return undefined;
  const numbers = match
    .slice(1, 4)
    .filter((part) => part !== undefined)
    .map(Number);
  if (numbers.some((number) => !Number.isSafeInteger(number))) return undefined;
  const [major = 0, minor = 0, patch = 0] = numbers;
  return { tag, version: `${major}.${minor}.${patch}`, precision: numbers.length, suffix: match[4] ?? '' };
}

/**
 * Tags that satisfy a semver range, oldest first. Only tags with exactly `suffix` after their numbers count ("" by
 * default), so `^20` does not find `20.1-alpine` or `21.0-rc.1`. @throws ARGUMENT_INVALID for a bad range
 */
export function tagsInRange(tags: Iterable<string>, range: string, suffix = ''): string[] {
  if (semverValidRange(range) === null)
    throw new WherryError('ARGUMENT_INVALID', `Cannot read version range "${range}"`, {
      hint: 'Write it as npm does, e.g. "^20", ">=1.2 <2" or "1.x".',
    });
  const versions = [...tags]
    .flatMap((tag) => versionOf(tag) ?? [])
    .filter((item) => item.suffix === suffix && semverSatisfies(item.version, range));
  return versions.sort(compareVersions).map((item) => item.tag);
}

function compareVersions(a: VersionTag, b: VersionTag): number {
  return semverCompare(a.version, b.version) || b.precision - a.precision || compareNames(a.tag, b.tag);
}

/** All tags: versions first, grouped by suffix and oldest first, then the rest by name. */
export function sortTags(tags: Iterable<string>): string[] {
  const all = [...tags];
  const versions = all.flatMap((tag) => versionOf(tag) ?? []);
  const rest = all.filter((tag) => versionOf(tag) === undefined).sort(compareNames);
  return [
    ...versions.sort((a, b) => compareNames(a.suffix, b.suffix) || compareVersions(a, b)).map((item) => item.tag),
    ...rest,
  ];
}
