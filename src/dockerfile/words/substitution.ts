// What a modifier of `${name…}` does with the variable's value: defaults, alternatives, errors, trimming and replacing.
// Dockerfile reference, "Environment replacement".
import { invalid } from './cursor.ts';
import { compilePattern, replaceMatches, trimPrefix, trimSuffix } from './pattern.ts';

interface Substitution {
  readonly name: string;
  readonly value: string | undefined;
  /** What stands between the modifier and `}`, expanded. */
  readonly word: string;
}

/** The result of `${name<modifier>word}`. DOCKERFILE_INVALID for `?` without a value and for unknown modifiers. */
export function modify(modifier: string, { name, value, word }: Substitution): string {
  const present = value !== undefined && (value !== '' || !modifier.startsWith(':'));
  switch (modifier) {
    case '-':
    case ':-':
      return present ? value : word;
    case '+':
    case ':+':
      return present ? word : '';
    case '?':
    case ':?':
      if (present) return value;
      throw invalid(`${name}: ${word || `is not allowed to be ${value === undefined ? 'unset' : 'empty'}`}`);
    case '#':
    case '%':
      return trim(modifier, value ?? '', word);
    default:
      throw invalid(`unsupported modifier (${modifier}) in substitution`);
  }
}

function trim(modifier: '#' | '%', value: string, word: string): string {
  const longest = word.startsWith(modifier);
  const pattern = compilePattern(longest ? word.slice(1) : word);
  return modifier === '#' ? trimPrefix(value, pattern, longest) : trimSuffix(value, pattern, longest);
}

/** The result of `${name/pattern/by}` and, with `all`, `${name//pattern/by}`. */
export function replace(
  value: string,
  { pattern, by, all }: { readonly pattern: string; readonly by: string; readonly all: boolean },
): string {
  return replaceMatches(value, compilePattern(pattern), { by, all });
}
