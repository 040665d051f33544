// The tags of a repository, in the order of their versions, perhaps of one version range.
import { WherryError } from '../errors.ts';
import { sortTags, tagsInRange } from '../image/tags.ts';
import { formatReference, parseReference } from '../oci/reference.ts';
import { type CommonOptions, inSession } from './session.ts';

/**
 * Tags of a repository at its registry, oldest version first. `range` is an npm-style version range (`^20`); it counts
 * only tags with exactly `suffix` after their numbers (default none). @throws NAME_UNKNOWN, UNAUTHORIZED
 */
export async function tags(
  repository: string,
  options: CommonOptions & { readonly range?: string; readonly suffix?: string } = {},
): Promise<{ readonly repository: string; readonly tags: readonly string[] }> {
  const reference = parseReference(repository);
  const { registry, repository: path } = reference;
  const name = formatReference({ registry, repository: path });
  if (repository.includes('@') || /:[^/]*$/.test(repository.replace(/^\[[^/]*$/, '')))
    throw new WherryError('REFERENCE_INVALID', `Cannot list tags of "${repository}": it names one of them already`, {
      hint: `Write "${name}".`,
    });
  return inSession(options, async (session) => {
    const found: string[] = [];
    for await (const tag of session.clients.registry(registry).tags(path)) found.push(tag);
    return {
      repository: name,
      tags: options.range === undefined ? sortTags(found) : tagsInRange(found, options.range, options.suffix),
    };
  });
}
