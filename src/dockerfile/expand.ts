// Words of a Dockerfile in, their text with the variables' values out: the whole word, split words (EXPOSE), and the bodies
// of COPY's heredocs. Dockerfile reference, "Environment replacement".
import { isError, WherryError } from '../errors.ts';
import { goQuote } from './quote.ts';
import type { Rules } from './words/cursor.ts';
import { type Lexed, lex } from './words/lexer.ts';

/** The escape character of the file, and a listener for names without a value. */
export interface ExpandOptions {
  readonly escape: '\\' | '`';
  readonly onUndefined?: ((name: string) => void) | undefined;
}

/** The word without quotes and with variables replaced. DOCKERFILE_INVALID: `failed to process "<word>": <reason>`. */
export function expandWord(word: string, env: ReadonlyMap<string, string>, options: ExpandOptions): string {
  return processed(word, { ...options, variables: env }).text;
}

/** Like `expandWord`, but unquoted white space, also that of values, separates words. */
export function expandWords(word: string, env: ReadonlyMap<string, string>, options: ExpandOptions): string[] {
  return [...processed(word, { ...options, variables: env }).words];
}

/** A heredoc's body with variables replaced: quotes stay, `\` is the escape character whatever the file's is. */
export function expandHeredoc(
  body: string,
  env: ReadonlyMap<string, string>,
  options: Pick<ExpandOptions, 'onUndefined'> = {},
): string {
  return processed(body, { ...options, escape: '\\', variables: env, plainQuotes: true }).text;
}

function processed(word: string, rules: Rules): Lexed {
  try {
    return lex(word, rules);
  } catch (error) {
    if (!isError(error, 'DOCKERFILE_INVALID')) throw error;
    throw new WherryError(error.code, `failed to process ${goQuote(word)}: ${error.message}`, { hint: error.hint });
  }
}
