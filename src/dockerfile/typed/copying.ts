// COPY and ADD. Dockerfile reference, "COPY", "ADD"; messages are BuildKit's.
import { expandWord } from '../expand.ts';
import { given } from '../given.ts';
import type { AddInstruction, CopyInstruction, Heredoc } from '../instruction.ts';
import { parseFlags } from '../syntax/flags.ts';
import { parseHeredocWord } from '../syntax/heredoc.ts';
import { parseJsonForm, splitBlanks } from '../syntax/split.ts';
import type { Statement } from '../syntax/statement.ts';
import { baseOf, invalid } from './arguments.ts';

type Paths = Pick<CopyInstruction, 'sources' | 'heredocs' | 'destination'>;

/** COPY. */
export function readCopy(statement: Statement): CopyInstruction {
  const words = wordsOf(statement, 'COPY');
  const flags = parseFlags(statement.flags, {
    from: 'text',
    chown: 'text',
    chmod: 'text',
    link: 'boolean',
    parents: 'boolean',
    exclude: 'list',
  });
  const paths = pathsOf(statement, words, 'COPY');
  const { link = false, parents = false, exclude } = flags;
  if (flags.from) checkFrom(flags.from, statement.escape);
  const settings = given({ from: flags.from || undefined, ...ownerAndMode(flags) });
  return { ...baseOf(statement), kind: 'COPY', ...paths, link, parents, exclude, ...settings };
}

/** ADD. */
export function readAdd(statement: Statement): AddInstruction {
  const words = wordsOf(statement, 'ADD');
  const flags = parseFlags(statement.flags, {
    chown: 'text',
    chmod: 'text',
    link: 'boolean',
    'keep-git-dir': 'boolean',
    checksum: 'text',
    unpack: 'boolean',
    exclude: 'list',
  });
  const paths = pathsOf(statement, words, 'ADD');
  const { link = false, exclude, unpack, 'keep-git-dir': keepGitDir } = flags;
  const settings = given({ ...ownerAndMode(flags), checksum: flags.checksum || undefined, keepGitDir, unpack });
  return { ...baseOf(statement), kind: 'ADD', ...paths, link, parents: false, exclude, ...settings };
}

/** An empty value counts as none. */
function ownerAndMode(flags: { readonly chown: string | undefined; readonly chmod: string | undefined }): {
  readonly chown: string | undefined;
  readonly chmod: string | undefined;
} {
  return { chown: flags.chown || undefined, chmod: flags.chmod || undefined };
}

interface Words {
  readonly words: readonly string[];
  readonly json: boolean;
}

function wordsOf(statement: Statement, name: string): Words {
  const array = parseJsonForm(statement.rest);
  const words = array ?? splitBlanks(statement.rest);
  if (words.length < 2) {
    throw invalid(
      `${name} requires at least two arguments, but only one was provided. Destination could not be determined`,
      `Write ${name} source destination.`,
    );
  }
  return { words, json: array !== undefined };
}

function pathsOf(statement: Statement, { words, json }: Words, name: string): Paths {
  const destination = words.at(-1) ?? '';
  const sources: string[] = [];
  const heredocs: Heredoc[] = [];
  if (!json && parseHeredocWord(destination) !== undefined)
    throw invalid(`${name} cannot accept a heredoc as a destination`);
  for (const word of words.slice(0, -1)) {
    const head = json ? undefined : parseHeredocWord(word);
    if (head === undefined) sources.push(word);
    // Of two heredocs with one name, both get the last body.
    else
      heredocs.push({
        ...head,
        body: statement.heredocs.findLast((heredoc) => heredoc.name === head.name)?.body ?? '',
      });
  }
  return { sources, heredocs, destination };
}

function checkFrom(from: string, escape: '\\' | '`'): void {
  if (expandWord(from, new Map(), { escape }) === from) return;
  throw invalid(
    'variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround',
  );
}
