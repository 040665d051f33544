// Paths of the distribution protocol: which part is the repository and which the name of a thing in it. Matched from the
// right: `/v2/a/blobs/b/manifests/x` is manifest `x` of repository `a/blobs/b`.

/** What a path names, before the method says what is to be done with it. Names are not checked yet. */
export type Place =
  | { readonly kind: 'ping' | 'list-repositories' }
  | {
      readonly kind: 'blob' | 'manifest' | 'upload' | 'uploads' | 'tags' | 'referrers';
      readonly repository: string;
      readonly name: string;
    };

/** A URL's path → what it names; undefined for a path that is none of the protocol's. */
export function placeOf(pathname: string): Place | undefined {
  if (pathname === '/v2' || pathname === '/v2/') return { kind: 'ping' };
  if (!pathname.startsWith('/v2/')) return undefined;
  const parts = pathname.slice('/v2/'.length).split('/').map(decoded);
  if (parts.length === 1 && parts[0] === '_catalog') return { kind: 'list-repositories' };
  if (parts.at(-1) === '') {
    return parts.at(-2) === 'uploads' && parts.at(-3) === 'blobs' && parts.length > 3
      ? { kind: 'uploads', repository: parts.slice(0, -3).join('/'), name: '' }
      : undefined;
  }
  const [name = '', word, before] = [parts.at(-1), parts.at(-2), parts.at(-3)];
  const repository = parts.slice(0, -2).join('/');
  if (name === 'uploads' && word === 'blobs' && parts.length > 2) return { kind: 'uploads', repository, name: '' };
  if (word === 'uploads' && before === 'blobs' && parts.length > 3)
    return { kind: 'upload', repository: parts.slice(0, -3).join('/'), name };
  if (parts.length < 3) return undefined;
  if (word === 'tags') return name === 'list' ? { kind: 'tags', repository, name } : undefined;
  if (word === 'blobs') return { kind: 'blob', repository, name };
  if (word === 'manifests') return { kind: 'manifest', repository, name };
  if (word === 'referrers') return { kind: 'referrers', repository, name };
  return undefined;
}

/** A slash or a broken escape inside a part stays encoded, which no grammar accepts. */
function decoded(part: string): string {
  try {
    const text = decodeURIComponent(part);
    return text.includes('/') ? part : text;
  } catch {
    return part;
  }
}
