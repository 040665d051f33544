// The distribution spec's endpoints as values: URL ⇄ Endpoint, one grammar for client and server (spec, "Endpoints").
// `parseEndpoint` turns a method and a URL into an Endpoint; `formatEndpoint` is its inverse. Names are matched from the
// right, since a repository may be called `a/blobs/b`, and are checked before anything is looked up.
import { WherryError } from '../src/errors.ts';
import { type Algorithm, type Digest, parseDigest } from '../src/oci/digest.ts';
import { isRepository, isTag } from '../src/oci/reference.ts';
import { type Place, placeOf } from './path.ts';

/** One request of the protocol. Numbers are those of the spec's endpoint table. */
export type Endpoint =
  /** end-1 */
  | { readonly kind: 'ping' }
  /** end-2; `head` for HEAD */
  | { readonly kind: 'get-blob'; readonly repository: string; readonly digest: Digest; readonly head: boolean }
  /** end-3 */
  | { readonly kind: 'get-manifest'; readonly repository: string; readonly selector: string; readonly head: boolean }
  /** end-4a, end-4b (`digest`), end-11 (`mount`, perhaps `from`); `algorithm` announces what the digest will be made with */
  | {
      readonly kind: 'start-upload';
      readonly repository: string;
      readonly digest?: Digest;
      readonly mount?: Digest;
      readonly from?: string;
      readonly algorithm?: Algorithm;
    }
  /** end-5 */
  | { readonly kind: 'patch-upload'; readonly repository: string; readonly session: string }
  /** end-6 */
  | { readonly kind: 'finish-upload'; readonly repository: string; readonly session: string; readonly digest: Digest }
  /** end-13 */
  | { readonly kind: 'get-upload'; readonly repository: string; readonly session: string }
  /** end-14 */
  | { readonly kind: 'cancel-upload'; readonly repository: string; readonly session: string }
  /** end-7; `tags` are further tags for a manifest that is put by digest */
  | {
      readonly kind: 'put-manifest';
      readonly repository: string;
      readonly selector: string;
      readonly tags?: readonly string[];
    }
  /** end-8a, end-8b */
  | { readonly kind: 'list-tags'; readonly repository: string; readonly count?: number; readonly last?: string }
  /** end-9 */
  | { readonly kind: 'delete-manifest'; readonly repository: string; readonly selector: string }
  /** end-10 */
  | { readonly kind: 'delete-blob'; readonly repository: string; readonly digest: Digest }
  /** end-12a, end-12b */
  | {
      readonly kind: 'list-referrers';
      readonly repository: string;
      readonly digest: Digest;
      readonly artifactType?: string;
    }
  /** Docker's catalog, not in the spec */
  | { readonly kind: 'list-repositories'; readonly count?: number; readonly last?: string };

type Kind = Endpoint['kind'];
const kindsByMethod: Readonly<Record<Place['kind'], Readonly<Record<string, Kind>>>> = {
  ping: { GET: 'ping', HEAD: 'ping' },
  'list-repositories': { GET: 'list-repositories', HEAD: 'list-repositories' },
  blob: { GET: 'get-blob', HEAD: 'get-blob', DELETE: 'delete-blob' },
  manifest: { GET: 'get-manifest', HEAD: 'get-manifest', PUT: 'put-manifest', DELETE: 'delete-manifest' },
  uploads: { POST: 'start-upload' },
  upload: { GET: 'get-upload', PATCH: 'patch-upload', PUT: 'finish-upload', DELETE: 'cancel-upload' },
  tags: { GET: 'list-tags', HEAD: 'list-tags' },
  referrers: { GET: 'list-referrers', HEAD: 'list-referrers' },
};

const maxTagParameters = 100;

/**
 * Method and URL → Endpoint; undefined for a path that is none of the protocol's. Nothing of the result needs another
 * check: repositories, tags, digests and session names fit their grammars.
 * @throws NAME_INVALID, DIGEST_INVALID, MANIFEST_UNKNOWN (a tag that cannot exist is read or deleted), MANIFEST_INVALID
 * (it is written), BLOB_UPLOAD_UNKNOWN, ARGUMENT_INVALID (`n`), UNSUPPORTED (the path has no such method)
 */
export function parseEndpoint(method: string, url: URL): Endpoint | undefined {
  const place = placeOf(url.pathname);
  if (place === undefined) return undefined;
  const kinds = kindsByMethod[place.kind];
  const kind = Object.hasOwn(kinds, method) ? kinds[method] : undefined;
  if ('repository' in place && !isRepository(place.repository))
    throw new WherryError(
      'NAME_INVALID',
      `Cannot use repository "${shortened(place.repository)}": it is not a valid name`,
      {
        hint: 'Names are lower-case letters and digits, separated by single ".", "_" or "-", in parts separated by "/".',
      },
    );
  if (kind === undefined) {
    const allow = Object.keys(kinds).join(', ');
    throw new WherryError(
      'UNSUPPORTED',
      `Cannot ${shortened(method)} "${shortened(url.pathname)}": allowed are ${allow}`,
      { detail: { allow } },
    );
  }
  return 'repository' in place
    ? endpointBelow(kind, method === 'HEAD', { ...place, query: url.searchParams })
    : pagedOrPing(kind, url.searchParams);
}

function pagedOrPing(kind: Kind, query: URLSearchParams): Endpoint {
  return kind === 'list-repositories' ? { kind, ...pageOf(query) } : { kind: 'ping' };
}

interface Named {
  readonly repository: string;
  readonly name: string;
  readonly query: URLSearchParams;
}

function endpointBelow(kind: Kind, head: boolean, { repository, name, query }: Named): Endpoint {
  switch (kind) {
    case 'get-blob':
      return { kind, repository, digest: parseDigest(name), head };
    case 'delete-blob':
      return { kind, repository, digest: parseDigest(name) };
    case 'get-manifest':
      return { kind, repository, selector: selectorFrom(name, kind), head };
    case 'delete-manifest':
      return { kind, repository, selector: selectorFrom(name, kind) };
    case 'put-manifest': {
      const tags = query
        .getAll('tag')
        .slice(0, maxTagParameters)
        .map((tag) => (isTag(tag) ? tag : badTag(tag, kind)));
      return { kind, repository, selector: selectorFrom(name, kind), ...(tags.length === 0 ? {} : { tags }) };
    }
    case 'start-upload':
      return startUpload(repository, query);
    case 'finish-upload':
      return { kind, repository, session: sessionFrom(name), digest: parseDigest(query.get('digest') ?? '') };
    case 'patch-upload':
    case 'get-upload':
    case 'cancel-upload':
      return { kind, repository, session: sessionFrom(name) };
    case 'list-tags':
      return { kind, repository, ...pageOf(query) };
    case 'list-referrers': {
      const artifactType = query.get('artifactType');
      return { kind, repository, digest: parseDigest(name), ...(artifactType ? { artifactType } : {}) };
    }
    case 'ping':
    case 'list-repositories':
      return pagedOrPing(kind, query);
  }
}

function startUpload(repository: string, query: URLSearchParams): Endpoint {
  const [digest, mount, from, algorithm] = [
    query.get('digest'),
    query.get('mount'),
    query.get('from'),
    query.get('digest-algorithm'),
  ];
  if (from && !isRepository(from))
    throw new WherryError('NAME_INVALID', `Cannot mount from repository "${shortened(from)}": it is not a valid name`);
  return {
    kind: 'start-upload',
    repository,
    ...(digest === null ? {} : { digest: parseDigest(digest) }),
    ...(mount === null ? {} : { mount: parseDigest(mount) }),
    ...(mount === null || !from ? {} : { from }),
    ...(algorithm === null ? {} : { algorithm: algorithmFrom(algorithm) }),
  };
}

function algorithmFrom(text: string): Algorithm {
  switch (text) {
    case 'sha256':
    case 'sha512':
    case 'blake3':
      return text;
    default:
      throw new WherryError('DIGEST_INVALID', `Cannot use digest algorithm "${shortened(text)}": it is not supported`, {
        hint: 'Supported are sha256, sha512 and blake3.',
      });
  }
}

function selectorFrom(text: string, kind: 'get-manifest' | 'put-manifest' | 'delete-manifest'): string {
  if (text.includes(':')) return parseDigest(text);
  return isTag(text) ? text : badTag(text, kind);
}

function badTag(text: string, kind: 'get-manifest' | 'put-manifest' | 'delete-manifest'): never {
  const code = kind === 'put-manifest' ? 'MANIFEST_INVALID' : 'MANIFEST_UNKNOWN';
  throw new WherryError(code, `Cannot use tag "${shortened(text)}": it is not a valid tag`, {
    hint: 'Tags are 1 to 128 letters, digits, "_", "." and "-", and start with a letter, a digit or "_".',
  });
}

function sessionFrom(text: string): string {
  if (!/^[A-Za-z0-9_=-]{1,128}$/.test(text))
    throw new WherryError('BLOB_UPLOAD_UNKNOWN', 'Cannot continue upload: its session is unknown');
  return text;
}

function pageOf(query: URLSearchParams): { readonly count?: number; readonly last?: string } {
  const [n, last] = [query.get('n'), query.get('last')];
  if (n !== null && !/^[0-9]{1,15}$/.test(n))
    throw new WherryError('ARGUMENT_INVALID', `Cannot list "${shortened(n)}" entries: n is not a whole number`);
  return { ...(n === null ? {} : { count: Number(n) }), ...(last ? { last } : {}) };
}

/** Method and path (with its query) of an endpoint, below a registry's root: the path starts with `/v2/`. */
export function formatEndpoint(endpoint: Endpoint): { readonly method: string; readonly path: string } {
  switch (endpoint.kind) {
    case 'ping':
      return { method: 'GET', path: '/v2/' };
    case 'get-blob':
      return { method: endpoint.head ? 'HEAD' : 'GET', path: pathOf(endpoint.repository, 'blobs', endpoint.digest) };
    case 'delete-blob':
      return { method: 'DELETE', path: pathOf(endpoint.repository, 'blobs', endpoint.digest) };
    case 'get-manifest':
      return {
        method: endpoint.head ? 'HEAD' : 'GET',
        path: pathOf(endpoint.repository, 'manifests', endpoint.selector),
      };
    case 'put-manifest':
      return {
        method: 'PUT',
        path:
          pathOf(endpoint.repository, 'manifests', endpoint.selector) +
          queryOf((endpoint.tags ?? []).map((tag) => ['tag', tag])),
      };
    case 'delete-manifest':
      return { method: 'DELETE', path: pathOf(endpoint.repository, 'manifests', endpoint.selector) };
    case 'start-upload': {
      const { digest, mount, from, algorithm } = endpoint;
      return {
        method: 'POST',
        path:
          pathOf(endpoint.repository, 'blobs', 'uploads/') +
          queryOf(Object.entries({ digest, mount, from, 'digest-algorithm': algorithm })),
      };
    }
    case 'patch-upload':
      return { method: 'PATCH', path: pathOf(endpoint.repository, 'blobs/uploads', endpoint.session) };
    case 'finish-upload':
      return {
        method: 'PUT',
        path: pathOf(endpoint.repository, 'blobs/uploads', endpoint.session) + queryOf([['digest', endpoint.digest]]),
      };
    case 'get-upload':
      return { method: 'GET', path: pathOf(endpoint.repository, 'blobs/uploads', endpoint.session) };
    case 'cancel-upload':
      return { method: 'DELETE', path: pathOf(endpoint.repository, 'blobs/uploads', endpoint.session) };
    case 'list-tags':
      return {
        method: 'GET',
        path:
          pathOf(endpoint.repository, 'tags', 'list') +
          queryOf(Object.entries({ n: endpoint.count, last: endpoint.last })),
      };
    case 'list-referrers':
      return {
        method: 'GET',
        path:
          pathOf(endpoint.repository, 'referrers', endpoint.digest) +
          queryOf(Object.entries({ artifactType: endpoint.artifactType })),
      };
    case 'list-repositories':
      return {
        method: 'GET',
        path: `/v2/_catalog${queryOf(Object.entries({ n: endpoint.count, last: endpoint.last }))}`,
      };
  }
}

function pathOf(repository: string, word: string, name: string): string {
  return `/v2/${repository}/${word}/${name}`;
}

function queryOf(pairs: readonly (readonly [string, string | number | undefined])[]): string {
  const query = new URLSearchParams();
  for (const [key, value] of pairs) if (value !== undefined) query.append(key, String(value));
  return query.size === 0 ? '' : `?${query}`;
}

function shortened(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
