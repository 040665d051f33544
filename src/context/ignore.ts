// Ordered patterns with `!`, as moby/patternmatcher reads them: the text of an ignore file, or the values of --exclude and
// --parents, → an IgnoreMatcher. The last pattern that matches a path, or an ancestor of it, decides.
import { WherryError } from '../errors.ts';
import { cleanPath, dockerMatch, type PathPattern, PatternSyntaxError } from './pattern.ts';

/** One line of an ignore file, or one value of a flag. */
export interface IgnoreRule {
  /** As written, without white space at the ends. */
  readonly text: string;
  /** 1-based. */
  readonly line: number;
  /** True for `!pattern`. */
  readonly negated: boolean;
  /** Whether exactly this path matches (not an ancestor). */
  readonly matches: PathPattern;
  /** False for directories below which the pattern matches nothing that it does not match above. */
  readonly reaches: (directory: string) => boolean;
}

/** What the rules say of one path; the state of a directory is given to `step` for what lies in it. */
export interface IgnoreState {
  readonly ignored: boolean;
  /** The rule that decided last; undefined when none did. */
  readonly rule: IgnoreRule | undefined;
  /** For each rule: it matched this path or an ancestor. */
  readonly matched: readonly boolean[];
}

/** Rules in order. */
export interface IgnoreMatcher {
  /** Where the rules come from, e.g. `.dockerignore`. */
  readonly name: string;
  readonly rules: readonly IgnoreRule[];
  /** Whether a rule with `!` can match anything below a directory, so that an ignored one must be looked into. */
  mayReinclude(directory: string): boolean;
  /** The state of a path, from its directory's (undefined at the top level). */
  step(path: string, parent: IgnoreState | undefined): IgnoreState;
  /** The state of any path, through its ancestors. The root "" is never ignored. */
  decide(path: string): IgnoreState;
}

/** The rule that hides a path, and the name of its file. */
export interface IgnoredBy {
  readonly rule: IgnoreRule;
  readonly file: string;
}

/** Which rule hides a path; undefined when none does, or without a matcher. */
export function ignoredBy(matcher: IgnoreMatcher | undefined, path: string): IgnoredBy | undefined {
  const state = matcher?.decide(path);
  return matcher !== undefined && state?.ignored && state.rule ? { rule: state.rule, file: matcher.name } : undefined;
}

/** Text of an ignore file → its matcher. @throws IGNORE_FILE_INVALID with the line */
export function parseIgnoreFile(text: string, name: string): IgnoreMatcher {
  const rules: IgnoreRule[] = [];
  const file = { name, text };
  text
    .replace(/^\ufeff/, '')
    .split('\n')
    .forEach((raw, index) => {
      const written = raw.trim();
      if (raw.startsWith('#') || written === '') return;
      const line = index + 1;
      try {
        rules.push(ruleOf(written, cleanRule(written), line));
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        const position = { line, character: 0 };
        throw new WherryError(
          'IGNORE_FILE_INVALID',
          `Cannot read ${name} line ${line}: ${error.message}${error instanceof PatternSyntaxError ? `: ${JSON.stringify(written)}` : ''}`,
          {
            hint:
              error instanceof PatternSyntaxError
                ? 'Close every "[" and do not end a pattern with "\\"; write "\\[" for a plain bracket.'
                : 'Write the pattern that is to be re-included after "!".',
            range: { file, start: position, end: { line, character: raw.length } },
            cause: error,
          },
        );
      }
    });
  return matcherOf(rules, name);
}

/** Values of `--exclude` (or the pattern of `--parents`) → their matcher. @throws COPY_FAILED */
export function parsePatterns(patterns: readonly string[], name: string): IgnoreMatcher {
  const rules: IgnoreRule[] = [];
  patterns.forEach((pattern, index) => {
    const written = pattern.trim();
    if (written === '') return;
    try {
      // Unlike an ignore file's lines, a flag's value keeps its leading slash and is cleaned with its "!".
      rules.push(ruleOf(written, cleanPath(written), index + 1));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new WherryError('COPY_FAILED', `invalid ${name} pattern ${JSON.stringify(pattern)}: ${error.message}`, {
        cause: error,
      });
    }
  });
  return matcherOf(rules, name);
}

function cleanRule(written: string): string {
  const negated = written.startsWith('!');
  const body = negated ? written.slice(1).trim() : written;
  if (body === '') return '!';
  const cleaned = cleanPath(body);
  const relative = cleaned.length > 1 && cleaned.startsWith('/') ? cleaned.slice(1) : cleaned;
  // moby cleans once more with the "!" in front, so that "!/" is a lone "!", which is an error.
  return cleanPath((negated ? '!' : '') + relative);
}

function ruleOf(text: string, cleaned: string, line: number): IgnoreRule {
  if (cleaned === '!') throw new SyntaxError('illegal exclusion pattern: "!"');
  const negated = cleaned.startsWith('!');
  const pattern = negated ? cleaned.slice(1) : cleaned;
  return { text, line, negated, matches: dockerMatch(pattern), reaches: reachOf(pattern) };
}

/** Compares the literal head of the pattern, and its depth unless it has `**` or a class, either of which may match `/`. */
function reachOf(pattern: string): (directory: string) => boolean {
  const segments = pattern.split('/');
  const firstWild = segments.findIndex((segment) => /[*?[\\]/.test(segment));
  const head = firstWild < 0 ? segments : segments.slice(0, firstWild);
  const depth = /\*\*|\[/.test(pattern) ? Number.POSITIVE_INFINITY : segments.length;
  return (directory) => {
    const names = directory === '' ? [] : directory.split('/');
    return names.length < depth && head.slice(0, names.length).every((segment, index) => segment === names[index]);
  };
}

function matcherOf(rules: readonly IgnoreRule[], name: string): IgnoreMatcher {
  const step = (path: string, parent: IgnoreState | undefined): IgnoreState => {
    let ignored = false;
    let rule: IgnoreRule | undefined;
    const matched: boolean[] = [];
    for (const [index, candidate] of rules.entries()) {
      let hit = parent?.matched[index] === true;
      // A rule that cannot change the state is not evaluated, and then does not count for what lies below: so does moby.
      if (!hit && candidate.negated === ignored) hit = candidate.matches(path);
      matched.push(hit);
      if (hit && ignored === candidate.negated) [ignored, rule] = [!candidate.negated, candidate];
    }
    return { ignored, rule, matched };
  };
  const decide = (path: string): IgnoreState => {
    let state: IgnoreState = { ignored: false, rule: undefined, matched: [] };
    if (path === '') return state;
    let end = -1;
    do {
      const isTop = end < 0;
      end = path.indexOf('/', end + 1);
      state = step(end < 0 ? path : path.slice(0, end), isTop ? undefined : state);
    } while (end >= 0);
    return state;
  };
  return {
    name,
    rules,
    mayReinclude: (directory) => rules.some((rule) => rule.negated && rule.reaches(directory)),
    step,
    decide,
  };
}
