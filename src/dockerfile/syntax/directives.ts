// Parser directives: the comments `# key=value` at the head of a Dockerfile. Dockerfile reference, "Parser directives".
// BuildKit looks for `syntax` and `check` in a pass of their own, with rules that differ from those for `escape`.
import { WherryError } from '../../errors.ts';
import { trimStart } from '../words/space.ts';

/** How far the head of the file goes; mutable. */
export interface DirectiveState {
  done: boolean;
  readonly seen: Set<string>;
}

interface Directive {
  readonly key: 'syntax' | 'escape' | 'check';
  readonly value: string;
}

/** The state at the first line. */
export function directivesBegin(): DirectiveState {
  return { done: false, seen: new Set() };
}

/** The directive on this line, if the head is not over yet. DOCKERFILE_INVALID for a key that comes twice. */
export function readDirective(state: DirectiveState, line: string, comment = '#'): Directive | undefined {
  if (state.done) return undefined;
  const found = line.startsWith(comment) ? keyAndValue(trimStart(line.slice(comment.length))) : undefined;
  if (found === undefined) {
    state.done = true;
    return undefined;
  }
  if (state.seen.has(found.key)) throw invalid(`only one ${found.key} parser directive can be used`);
  state.seen.add(found.key);
  return found;
}

/** The escape character that a directive's value names. */
export function parseEscape(value: string): '\\' | '`' {
  if (value === '\\' || value === '`') return value;
  throw invalid(`invalid escape token '${value}' does not match \` or \\`);
}

/** A directive's value and the number of its line. */
export interface FoundValue {
  readonly value: string;
  readonly line: number;
}

/** The `syntax` of the file in any of its forms: `# syntax=`, `// syntax=`, or a file that is a JSON object. */
export function findSyntax(text: string): FoundValue | undefined {
  return findValue(text, 'syntax', '#') ?? findValue(text, 'syntax', '//') ?? jsonSyntax(text);
}

/** The value of `# check=`. */
export function findCheck(text: string): string | undefined {
  return findValue(text, 'check', '#')?.value;
}

/**
 * Checks that `syntax` (a directive's value or BUILDKIT_SYNTAX) names the Dockerfile language that is built in: an image
 * `docker/dockerfile`, also of a mirror, or `dockerfile.v0`. DOCKERFILE_INVALID for another frontend.
 */
export function checkSyntax(syntax: string): void {
  const image = syntax.split(' ', 1)[0] ?? '';
  if (image === 'dockerfile.v0' || /^(?:[^\s@]+\/)?docker\/dockerfile(?:[-:@][^/]*)?$/.test(image)) return;
  throw new WherryError(
    'DOCKERFILE_INVALID',
    `Cannot build with frontend "${image}": only the Dockerfile language is built in`,
    {
      hint: 'Remove the syntax line, or name docker/dockerfile:1 there.',
    },
  );
}

function keyAndValue(text: string): Directive | undefined {
  const match = /^([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=/.exec(text);
  const key = match?.[1]?.toLowerCase();
  if (match === null || (key !== 'syntax' && key !== 'escape' && key !== 'check')) return undefined;
  const value = text.slice(match[0].length).trim();
  return value === '' ? undefined : { key, value };
}

function findValue(text: string, key: Directive['key'], comment: string): FoundValue | undefined {
  const state = directivesBegin();
  let at = 0;
  for (let line = 1; !state.done && at < text.length; line++) {
    const end = text.indexOf('\n', at);
    const content = text.slice(at, end < 0 ? text.length : end);
    at = end < 0 ? text.length : end + 1;
    if (line === 1 && content.startsWith('#!')) continue;
    const directive = quietly(state, content, comment);
    if (directive?.key === key) return { value: directive.value, line };
  }
  return undefined;
}

/** A key that comes twice ends this pass; the parser's own pass reports it. */
function quietly(state: DirectiveState, line: string, comment: string): Directive | undefined {
  try {
    return readDirective(state, line, comment);
  } catch {
    state.done = true;
    return undefined;
  }
}

function jsonSyntax(text: string): FoundValue | undefined {
  if (!/^[\t\n\r ]*\{/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const syntax = typeof value === 'object' && value !== null && 'syntax' in value ? value.syntax : undefined;
    return typeof syntax === 'string' ? { value: syntax, line: 1 } : undefined;
  } catch {
    return undefined;
  }
}

function invalid(reason: string): WherryError {
  return new WherryError('DOCKERFILE_INVALID', reason);
}
