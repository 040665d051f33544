// The tags of a repository, in the order of their versions, perhaps of one version range.
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
  return inSession(options, async (session) => {
    const found: string[] = [];
    for await (const tag of session.clients.registry(reference.registry).tags(reference.repository)) found.push(tag);
    const { registry, repository: path } = reference;
    return {
      repository: formatReference({ registry, repository: path }),
      tags: options.range === undefined ? sortTags(found) : tagsInRange(found, options.range, options.suffix),
    };
  });
}
