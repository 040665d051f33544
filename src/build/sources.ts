// The words of a COPY or ADD → what they name: a path of a tree, a URL, a git repository; the stage that `--from` names.
import { parseGitUrl } from '../context/git.ts';
import type { AddInstruction, Stage } from '../dockerfile/instruction.ts';
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
  if (git !== undefined) {
    const { keepGitDir = git.keepGitDir ?? false } = instruction;
    if (git.keepGitDir !== undefined && git.keepGitDir !== keepGitDir)
      throw new WherryError('DOCKERFILE_INVALID', 'inconsistent keep-git-dir configuration', {
        hint: `The flag says ${keepGitDir}, the URL ${git.keepGitDir}.`,
      });
    return { kind: 'git', source: git, keepGitDir, ...verified };
  }
  if (/^https?:\/\//.test(source))
    return { kind: 'url', url: source, unpack: instruction.unpack === true, ...verified };
  if (checksum !== undefined) throw new WherryError('DOCKERFILE_INVALID', 'checksum requires HTTP(S) or Git sources');
  return { kind: 'path', root: { kind: 'context' }, path: source };
}

/**
 * Index of the stage that `--from` names in `stage`, by number or by name (case ignored); undefined where it is no stage.
 * @throws DOCKERFILE_INVALID for the stage itself and for a later one
 */
export function stageOfFrom(from: string, stage: Stage, stages: readonly Stage[]): number | undefined {
  const isNumber = /^[0-9]+$/.test(from);
  const name = from.toLowerCase();
  const earlier = stages.findLast((other) => other.name === name && other.index < stage.index);
  const index = isNumber ? Number(from) : earlier?.index;
  if (isNumber && Number(from) >= stages.length)
    throw new WherryError('DOCKERFILE_INVALID', `invalid stage index ${from}`, {
      hint: `Stages are counted from 0: the last one is ${stages.length - 1}. Names are safer (FROM … AS NAME).`,
    });
  if (index === stage.index || (index === undefined && stage.name === name))
    throw new WherryError('DOCKERFILE_INVALID', `circular dependency detected on stage: ${stage.name ?? stage.index}`, {
      hint: 'A stage copies from the stages above it, from images and from named contexts.',
    });
  if (index === undefined ? stages.some((other) => other.name === name) : index > stage.index)
    throw new WherryError(
      'DOCKERFILE_INVALID',
      `cannot copy from stage "${from}", it needs to be defined before current stage "${stage.name ?? stage.index}"`,
      { hint: 'Move that stage up: a stage copies from the stages above it.' },
    );
  return index;
}
