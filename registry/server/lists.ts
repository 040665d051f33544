// Handlers for lists (distribution spec, end-8, end-12; Docker's catalog). A list that goes on has a `Link` to its next
// page, in which `last` names the last entry of this one.
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { formatEndpoint } from '../endpoint.ts';
import type { Of } from './blobs.ts';
import { answerJson, type Exchange } from './exchange.ts';

/** Entries on a page at most, whatever is asked for. */
const maxPage = 10_000;
const maxReferrers = 4 * 1024 * 1024;

export async function listTags(exchange: Exchange, endpoint: Of<'list-tags'>): Promise<void> {
  const { names, next } = await pageOf(exchange.backend.tags(endpoint.repository), endpoint);
  answerJson(
    exchange,
    { name: endpoint.repository, tags: names },
    linkTo(next, (page) => formatEndpoint({ ...endpoint, ...page }).path),
  );
}

export async function listRepositories(exchange: Exchange, endpoint: Of<'list-repositories'>): Promise<void> {
  const { names, next } = await pageOf(exchange.backend.repositories(), endpoint);
  answerJson(
    exchange,
    { repositories: names },
    linkTo(next, (page) => formatEndpoint({ ...endpoint, ...page }).path),
  );
}

interface Page {
  readonly count: number;
  readonly last: string;
}

async function pageOf(
  all: AsyncIterable<string>,
  { count = maxPage, last }: { readonly count?: number; readonly last?: string },
): Promise<{ names: string[]; next: Page | undefined }> {
  const limit = Math.min(count, maxPage);
  const after = last === undefined ? undefined : Buffer.from(last);
  const names: string[] = [];
  for await (const name of all) {
    if (after !== undefined && Buffer.compare(Buffer.from(name), after) <= 0) continue;
    const end = names.at(-1);
    if (names.length === limit) return { names, next: end === undefined ? undefined : { count: limit, last: end } };
    names.push(name);
  }
  return { names, next: undefined };
}

function linkTo(next: Page | undefined, pathOf: (page: Page) => string): { link?: string } {
  return next === undefined ? {} : { link: `<${pathOf(next)}>; rel="next"` };
}

export async function listReferrers(exchange: Exchange, endpoint: Of<'list-referrers'>): Promise<void> {
  const { repository, digest, artifactType } = endpoint;
  const all = [...(await exchange.backend.referrers(repository, digest, artifactType))].sort((a, b) =>
    a.digest < b.digest ? -1 : 1,
  );
  const { manifests, isCut } = referrersPage(all, exchange.url.searchParams.get('last') ?? '');
  const last = manifests.at(-1)?.digest;
  const next = new URL(formatEndpoint(endpoint).path, exchange.url);
  if (last !== undefined) next.searchParams.set('last', last);
  answerJson(
    exchange,
    { schemaVersion: 2, mediaType: mediaTypes.index, manifests },
    {
      'content-type': mediaTypes.index,
      ...(artifactType === undefined ? {} : { 'oci-filters-applied': 'artifactType' }),
      ...(isCut ? { link: `<${next.pathname}${next.search}>; rel="next"` } : {}),
    },
  );
}

/** As many as fit into what clients read at once, after the one that ended the page before. */
function referrersPage(all: readonly Descriptor[], last: string): { manifests: readonly Descriptor[]; isCut: boolean } {
  const rest = all.filter((entry) => entry.digest > last);
  let size = 1000;
  const end = rest.findIndex((entry, position) => {
    size += Buffer.byteLength(JSON.stringify(entry)) + 1;
    return position > 0 && size > maxReferrers;
  });
  return end < 0 ? { manifests: rest, isCut: false } : { manifests: rest.slice(0, end), isCut: true };
}
