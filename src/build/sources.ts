// The words of a COPY or ADD → what they name: a path of a tree, a URL, a git repository.
import { parseGitUrl } from '../context/git.ts';
import type { AddInstruction } from '../dockerfile/instruction.ts';
import { WherryError } from '../errors.ts';
import type { SourceRoot, StepSource } from './step.ts';

/** A source of COPY. @throws DOCKERFILE_INVALID for URLs */
export function copySource(root: SourceRoot, source: string): StepSource {
  const what = parseGitUrl(source) !== undefined ? 'git ref' : /^https?:\/\//.test(source) ? 'URL' : undefined;
  if (what !== undefined)
    throw new WherryError('DOCKERFILE_INVALID', `source can't be a ${what} for COPY`, {
      hint: `Use ADD ${source} instead.`,
    });
  return { kind: 'path', root, path: source };
}

/** A source of ADD. @throws DOCKERFILE_INVALID for a checksum that cannot be checked */
export function addSource(instruction: AddInstruction, source: string, checksum: string | undefined): StepSource {
  const verified = checksum === undefined ? {} : { checksum };
  const git = parseGitUrl(source);
  if (git !== undefined) return { kind: 'git', source: git, keepGitDir: instruction.keepGitDir ?? false, ...verified };
  if (/^https?:\/\//.test(source))
    return { kind: 'url', url: source, unpack: instruction.unpack === true, ...verified };
  if (checksum !== undefined) throw new WherryError('DOCKERFILE_INVALID', 'checksum requires HTTP(S) or Git sources');
  return { kind: 'path', root: { kind: 'context' }, path: source };
}
