// Image references: text ⇄ registry, repository, tag, digest. The grammar of distribution/reference with Docker's
// normalisation (`redis` → docker.io/library/redis:latest).
import { WherryError } from '../errors.ts';
import { type Digest, parseDigest } from './digest.ts';

/** A full name of an image: at least one of `tag` and `digest` is set; the digest decides what is pulled. */
export interface Reference {
  /** Host with port, as written; Docker Hub is `docker.io`. */
  readonly registry: string;
  /** Path below the registry, e.g. `library/redis`. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const repositoryPattern = new RegExp(`^${component}(?:/${component})*$`);
const label = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const registryPattern = new RegExp(`^(?:${label}(?:\\.${label})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?$`);
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** True for a valid repository path. */
export function isRepository(text: string): boolean {
  return text.length <= 255 && repositoryPattern.test(text);
}

/** True for a valid tag. */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** Text → Reference, normalised; the tag is `latest` where neither tag nor digest is given. @throws REFERENCE_INVALID */
export function parseReference(text: string): Reference {
  const fail = (why: string, hint?: string): WherryError =>
    new WherryError('REFERENCE_INVALID', `invalid reference format: "${text}": ${why}`, { hint });
  if (text === '') throw fail('it is empty');
  if (/^[0-9a-f]{64}$/.test(text))
    throw fail('64 hex digits are an image id, not a name', 'Use name@sha256:… instead.');
  if (/^[a-z]+:\/\//.test(text))
    throw fail('a reference has no scheme', `Write "${text.replace(/^[a-z]+:\/\//, '')}".`);
  const at = text.indexOf('@');
  const named = at < 0 ? text : text.slice(0, at);
  let digest: Digest | undefined;
  if (at >= 0) {
    try {
      digest = parseDigest(text.slice(at + 1));
    } catch (cause) {
      throw new WherryError(
        'REFERENCE_INVALID',
        `invalid reference format: "${text}": digest "${text.slice(at + 1)}" is not valid`,
        { cause },
      );
    }
  }
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const hasTag = colon >= 0 && !(named.startsWith('[') && !named.includes('/'));
  const name = hasTag ? named.slice(0, colon) : named;
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && !isTag(tag)) throw fail(`tag "${tag}" is not valid`);
  const { registry, repository } = splitName(name);
  if (repository !== repository.toLowerCase()) {
    const lower = repository.toLowerCase();
    const written = `${name.slice(0, name.length - lower.length)}${lower}${text.slice(name.length)}`;
    throw fail('repository name must be lowercase', repositoryPattern.test(lower) ? `Write "${written}".` : undefined);
  }
  if (!registryPattern.test(registry) || (/^\[f[cde][0-9a-f]*:/i.test(registry) && !registry.includes(']')))
    throw fail(`registry "${registry}" is not valid`);
  if (!repositoryPattern.test(repository)) throw fail(`repository "${repository}" is not valid`);
  if (repository.length > 255) throw fail('repository is longer than 255 characters');
  return {
    registry,
    repository,
    ...(tag === undefined ? (digest === undefined ? { tag: 'latest' } : {}) : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

function splitName(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isHost = slash >= 0 && (first === 'localhost' || /[.:]/.test(first) || first.toLowerCase() !== first);
  const registry = isHost && first !== 'index.docker.io' ? first : 'docker.io';
  const repository = isHost ? name.slice(slash + 1) : name;
  return {
    registry,
    repository: registry === 'docker.io' && !repository.includes('/') ? `library/${repository}` : repository,
  };
}

/** Reference → `registry/repository[:tag][@digest]`, all of it. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}

/** Reference → as a user writes it: without `docker.io/` and `library/`. */
export function formatFamiliar(reference: Reference): string {
  const full = formatReference(reference);
  return full.replace(/^docker\.io\/(?:library\/(?=[^/]+$))?/, '');
}

/** What a registry is asked for: the digest if there is one, else the tag. */
export function selectorOf(reference: Reference): string {
  return reference.digest ?? reference.tag ?? 'latest';
}
