// COPY and ADD: a stage's state → the state with one more copy step, every word expanded (Dockerfile reference, "COPY").
import { parseChmod } from '../dockerfile/chmod.ts';
import { expandHeredoc, expandWord } from '../dockerfile/expand.ts';
import type { AddInstruction, CopyInstruction } from '../dockerfile/instruction.ts';
import { chomp } from '../dockerfile/syntax/heredoc.ts';
import { copyText } from './history.ts';
import { type StageFacts, type StageState, withStep } from './stage.ts';
import type { Step, StepSource } from './step.ts';

/** Sources of a COPY or ADD, resolved by the plan: expanded words in, what they name out. */
export type ResolveSources = (
  instruction: CopyInstruction | AddInstruction,
  expanded: {
    readonly sources: readonly string[];
    readonly heredocs: readonly { readonly name: string; readonly text: string }[];
    readonly checksum?: string;
  },
) => Promise<readonly StepSource[]>;

/** The state after a COPY or an ADD. */
export async function dispatchCopy(
  state: StageState,
  instruction: CopyInstruction | AddInstruction,
  facts: StageFacts,
  resolveSources: ResolveSources,
): Promise<StageState> {
  const expand = (word: string): string => expandWord(word, state.environment, { escape: facts.escape });
  const sources = instruction.sources.map(expand);
  const destination = expand(instruction.destination);
  const chown = instruction.chown === undefined ? undefined : expand(instruction.chown);
  const chmod = instruction.chmod === undefined ? undefined : expand(instruction.chmod);
  const mode = chmod === undefined || chmod === '' ? undefined : parseChmod(chmod);
  const heredocs = instruction.heredocs.map((heredoc) => {
    const body = heredoc.chomp ? chomp(heredoc.body) : heredoc.body;
    return { name: heredoc.name, text: heredoc.expand ? expandHeredoc(body, state.environment) : body };
  });
  const checksum =
    instruction.kind === 'ADD' && instruction.checksum !== undefined ? expand(instruction.checksum) : undefined;
  const resolved = await resolveSources(instruction, {
    sources,
    heredocs,
    ...(checksum === undefined ? {} : { checksum }),
  });
  const step: Step = {
    kind: 'copy',
    instruction: instruction.kind,
    sources: resolved,
    destination,
    workdir: state.config.config.WorkingDir ?? '/',
    ...(chown === undefined ? {} : { chown }),
    ...(mode === undefined ? {} : { chmod: mode }),
    // BuildKit ignores --link beside --chmod.
    link: instruction.link && mode === undefined,
    parents: instruction.parents,
    exclude: instruction.exclude,
    unpack: instruction.kind === 'ADD' && instruction.unpack !== false,
    title: instruction.text,
    range: instruction.range,
    noCache: facts.noCache,
  };
  const line = copyText({
    instruction: instruction.kind,
    parents: instruction.parents,
    chown,
    chmod,
    sources,
    heredocs: heredocs.map((heredoc) => heredoc.name),
    destination,
  });
  return withStep(state, step, line, facts);
}
