// What follows `wherry build`, and what --build-context names: text → ContextSource or NamedContext. What counts as a git
// URL is BuildKit's rule: a directory of that name wins, then git@, ssh://, git://, github.com/ and http(s)://….git.
import { statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { ContextSource, NamedContext } from '../../build/options.ts';
import { WherryError } from '../../errors.ts';
import { parseDigest } from '../../oci/digest.ts';
import { formatFamiliar, isTag, parseReference } from '../../oci/reference.ts';

/** CONTEXT → where the files come from; `-` is `stdin`. Whether a directory exists is for the build to say. */
export function parseContext(text: string, stdin: Readable): ContextSource {
  if (text === '-') return { kind: 'stream', stream: stdin };
  if (isDirectory(text)) return { kind: 'directory', path: text };
  return parseRemote(text) ?? { kind: 'directory', path: text };
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** A git or http(s) URL; undefined for anything else. */
export function parseRemote(text: string): (ContextSource & { readonly kind: 'git' | 'http' }) | undefined {
  if (/^https?:\/\//i.test(text)) {
    const path = text.replace(/#.*$/s, '').replace(/\?.*$/s, '');
    return path.endsWith('.git') ? { kind: 'git', url: text } : { kind: 'http', url: text };
  }
  if (/^(ssh|git):\/\//i.test(text) || /^[A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+:/.test(text))
    return { kind: 'git', url: text };
  if (/^github\.com\/[^/]+\/[^/]+/.test(text)) return { kind: 'git', url: githubUrl(text) };
  return undefined;
}

/** `github.com/o/r#branch:dir` → an https URL that ends in .git before its fragment. */
function githubUrl(text: string): string {
  const [, path = '', rest = ''] = /^([^#?]*)(.*)$/s.exec(text) ?? [];
  return `https://${path.endsWith('.git') ? path : `${path.replace(/\/$/, '')}.git`}${rest}`;
}

/** `NAME=SOURCE` → the name as it is looked up (familiar, without `:latest`), and the source. @throws ARGUMENT_INVALID, REFERENCE_INVALID */
export function parseBuildContext(text: string): readonly [string, NamedContext] {
  const equals = text.indexOf('=');
  const [name, source] = [text.slice(0, Math.max(equals, 0)), text.slice(equals + 1)];
  if (name === '' || source === '')
    throw new WherryError('ARGUMENT_INVALID', `invalid value for --build-context: "${text}"`, {
      hint: 'Want NAME=SOURCE, e.g. base=docker-image://alpine:3.20 or shared=../shared.',
    });
  return [contextName(name), parseSource(source, text)];
}

function contextName(name: string): string {
  const [plain = '', platform] = name.split('::');
  try {
    const familiar = formatFamiliar(parseReference(plain)).replace(/:latest$/, '');
    return platform === undefined ? familiar : `${familiar}::${platform}`;
  } catch (cause) {
    throw new WherryError('ARGUMENT_INVALID', `invalid context name ${name}`, {
      hint: 'Want the name of a stage, or of an image.',
      cause,
    });
  }
}

function parseSource(source: string, whole: string): NamedContext {
  if (source.startsWith('docker-image://'))
    return { kind: 'image', reference: parseReference(source.slice('docker-image://'.length)) };
  if (source.startsWith('oci-layout://')) return parseLayout(source.slice('oci-layout://'.length), whole);
  if (source.startsWith('target:'))
    throw new WherryError(
      'ARGUMENT_INVALID',
      `invalid value for --build-context: "${whole}": target: is for bake files only`,
    );
  const remote = isDirectory(source) ? undefined : parseRemote(source);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(source)?.[1];
  if (remote === undefined && scheme !== undefined)
    throw new WherryError(
      'ARGUMENT_INVALID',
      `invalid value for --build-context: "${whole}": unknown kind of source "${scheme}://"`,
      { hint: 'Want a directory, a git or http(s) URL, docker-image:// or oci-layout://.' },
    );
  return remote ?? { kind: 'directory', path: source };
}

function parseLayout(text: string, whole: string): NamedContext {
  const at = text.indexOf('@');
  if (at > 0)
    return {
      kind: 'layout',
      path: text.slice(0, at).replace(/:[^/:]*$/, ''),
      selector: parseDigest(text.slice(at + 1)),
    };
  const colon = text.lastIndexOf(':');
  const hasTag = colon > 0 && isTag(text.slice(colon + 1));
  const path = hasTag ? text.slice(0, colon) : text;
  if (path === '' || at === 0)
    throw new WherryError('ARGUMENT_INVALID', `invalid value for --build-context: "${whole}": it names no directory`);
  return { kind: 'layout', path, selector: hasTag ? text.slice(colon + 1) : 'latest' };
}
