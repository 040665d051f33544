// Tags and repositories of a registry, page by page (distribution spec, "Listing Tags"; Docker's catalog). Pages are linked
// by the registry: only its own pages are followed, each once.
import { isError, WherryError } from '../../src/errors.ts';
import { isRepository, isTag } from '../../src/oci/reference.ts';
import type { Call, Host } from './host.ts';
import { pullNeed } from './manifests.ts';
import { sessionUrl } from './session.ts';
import { type HttpResponse, printable, readBody } from './wire/message.ts';

const pageSize = 1000;
const maxPage = 4 * 1024 * 1024;
const maxPages = 10_000;
const maxEntries = 1_000_000;

/** Tags of a repository, ordered by bytes. Errors as of `Registry`. */
export async function* listTags(host: Host, repository: string): AsyncGenerator<string> {
  const call: Call = {
    action: `list tags of "${host.name}/${repository}"`,
    need: pullNeed(repository),
    to: { kind: 'list-tags', repository, count: pageSize },
    accept: [200],
    unknown: 'NAME_UNKNOWN',
  };
  yield* await namesOf(host, call, { key: 'tags', isName: isTag });
}

/** Repositories of a registry, ordered by bytes. Errors as of `Registry`. */
export async function* listRepositories(host: Host): AsyncGenerator<string> {
  const call: Call = {
    action: `list repositories of "${host.name}"`,
    need: { repository: '', scopes: ['registry:catalog:*'] },
    to: { kind: 'list-repositories', count: pageSize },
    accept: [200],
  };
  try {
    yield* await namesOf(host, call, { key: 'repositories', isName: isRepository });
  } catch (error) {
    if (!isError(error, 'NAME_UNKNOWN')) throw error;
    throw new WherryError('UNSUPPORTED', `Cannot ${call.action}: it has no catalog`, { cause: error });
  }
}

interface Listed {
  readonly key: 'tags' | 'repositories';
  readonly isName: (text: string) => boolean;
}

/** All pages' names: ordered by bytes, whatever order the registry has, each once. */
async function namesOf(host: Host, call: Call, listed: Listed): Promise<readonly string[]> {
  const names = new Set<string>();
  for await (const page of pagesOf(host, call)) {
    for (const name of namesFrom(page, call, listed)) names.add(name);
    if (names.size > maxEntries) throw new WherryError('TOO_LARGE', `Cannot ${call.action}: there are too many`);
  }
  return [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function namesFrom(page: unknown, call: Call, { key, isName }: Listed): readonly string[] {
  const value = (page as Record<string, unknown> | null)?.[key] ?? [];
  if (!Array.isArray(value))
    throw new WherryError('PROTOCOL_INVALID', `Cannot ${call.action}: the answer has no ${key}`);
  const bad: unknown = value.find((name) => typeof name !== 'string' || !isName(name));
  if (bad !== undefined)
    throw new WherryError(
      'PROTOCOL_INVALID',
      `Cannot ${call.action}: "${printable(String(bad), 100)}" is no valid name`,
    );
  return value as readonly string[];
}

/** The JSON of a call's pages. @throws as `Host.call`, PROTOCOL_INVALID */
export async function* pagesOf(host: Host, call: Call): AsyncGenerator<unknown> {
  const seen = new Set<string>();
  for (let next: Call | undefined = call; next !== undefined; ) {
    const response: HttpResponse = await host.call(next);
    const bytes = await readBody(response, maxPage, `the answer of "${host.name}"`);
    let page: unknown;
    try {
      page = JSON.parse(bytes.toString('utf8'));
    } catch {
      throw new WherryError('PROTOCOL_INVALID', `Cannot ${call.action}: the answer is not JSON`);
    }
    yield page;
    const url = nextPageOf(response);
    if (url === undefined) return;
    if (url.origin !== response.url.origin || seen.has(url.href) || seen.size >= maxPages)
      throw new WherryError('PROTOCOL_INVALID', `Cannot ${call.action}: its pages lead astray`);
    seen.add(url.href);
    next = { ...call, to: { kind: 'url', method: 'GET', url } };
  }
}

/** The URL that `Link: <…>; rel="next"` names. */
function nextPageOf(response: HttpResponse): URL | undefined {
  const link = /<([^>]*)>\s*;[^<]*\brel="?next"?/i.exec(response.headers.get('link') ?? '')?.[1];
  return link === undefined ? undefined : sessionUrl(link, response.url);
}
