// A Dockerfile's text in, its stages of typed instructions out, or the first error with its lines. Nothing is looked up and
// nothing is expanded here. Dockerfile reference, "Format"; BuildKit's front end where it differs.
import { type SourceFile, type SourceRange, WherryError } from '../errors.ts';
import { given } from './given.ts';
import type { ArgInstruction, Dockerfile, FromInstruction, Instruction, ParseWarning, Stage } from './instruction.ts';
import { parseStageName } from './names.ts';
import { checkSyntax, findCheck, findSyntax } from './syntax/directives.ts';
import { type LineReader, openLines, readBody, readLogicalLine, trimLineEnd } from './syntax/lines.ts';
import { splitInstruction } from './syntax/split.ts';
import type { Statement } from './syntax/statement.ts';
import { invalid } from './typed/arguments.ts';
import { checkTrigger, heredocsOf } from './typed/onbuild.ts';
import { readInstruction } from './typed/table.ts';
import { trim } from './words/space.ts';

/**
 * Parses and types a whole Dockerfile; `name` is what errors call it. DOCKERFILE_INVALID with the range of the instruction
 * and `dockerfile parse error on line N: <reason>`, or without a range where the file as a whole is wrong.
 */
export function parseDockerfile(text: string | Uint8Array, name: string): Dockerfile {
  const source = decode(text);
  const file: SourceFile = { name, text: source.text };
  if (source.text === '') throw invalid('the Dockerfile cannot be empty');
  const syntax = findSyntax(source.text);
  if (syntax !== undefined) {
    located(
      () => lineRange(file, syntax.line),
      () => checkSyntax(syntax.value),
    );
  }
  const reader = openLines(source.text);
  const draft: Draft = { globalArgs: [], stages: [], warnings: [] };
  let count = 0;
  for (const statement of statements(reader, { file, damaged: source.damaged, warnings: draft.warnings })) {
    count++;
    located(
      () => statement.range,
      () => place(draft, readInstruction(statement)),
    );
  }
  if (count === 0) throw invalid('file with no instructions');
  if (draft.stages.length === 0) throw invalid('dockerfile contains no stages to build');
  const directives = { escape: reader.escape, ...given({ syntax: syntax?.value, check: findCheck(source.text) }) };
  return { file, directives, ...draft };
}

/**
 * Types one ONBUILD trigger: text of one instruction, as in `config.OnBuild`. It has the place `range` (the FROM that brings
 * it). DOCKERFILE_INVALID also for FROM, MAINTAINER and ONBUILD.
 */
export function parseTrigger(text: string, range: SourceRange): Instruction {
  const origin: Origin = { file: range.file, damaged: false, warnings: [], range };
  const [statement, ...others] = statements(openLines(text), origin);
  return located(
    () => range,
    () => {
      if (statement === undefined || others.length > 0) throw invalid('onbuild trigger should be a single expression');
      checkTrigger(statement.name);
      const instruction = readInstruction(statement);
      if (instruction.kind === 'FROM') throw invalid("FROM isn't allowed as an ONBUILD trigger");
      return instruction;
    },
  );
}

interface Draft {
  readonly globalArgs: ArgInstruction[];
  readonly stages: (Stage & { readonly instructions: Instruction[] })[];
  readonly warnings: ParseWarning[];
}

function place(draft: Draft, instruction: Instruction | FromInstruction): void {
  if (instruction.kind === 'FROM') {
    const { alias } = instruction;
    const name = alias === undefined ? undefined : parseStageName(alias);
    if (name !== undefined && draft.stages.some((stage) => stage.name === name))
      draft.warnings.push({
        rule: 'DuplicateStageName',
        message: `Duplicate stage name "${name}", stage names should be unique`,
        range: instruction.range,
      });
    draft.stages.push({ index: draft.stages.length, ...given({ name }), from: instruction, instructions: [] });
    return;
  }
  const stage = draft.stages.at(-1);
  if (stage !== undefined) stage.instructions.push(instruction);
  else if (instruction.kind === 'ARG') draft.globalArgs.push(instruction);
  else throw invalid('no build stage in current context', 'Begin with FROM; only ARG may stand before it.');
}

interface Origin {
  readonly file: SourceFile;
  /** The bytes were not UTF-8. */
  readonly damaged: boolean;
  readonly warnings: ParseWarning[];
  /** The place of everything that is read, when it is not where it is read. */
  readonly range?: SourceRange;
}

function* statements(reader: LineReader, origin: Origin): Generator<Statement> {
  for (;;) {
    const statement = located(
      () => rangeOf(reader, origin),
      () => readStatement(reader, origin),
    );
    if (statement === undefined) return;
    yield statement;
  }
}

function readStatement(reader: LineReader, origin: Origin): Statement | undefined {
  const line = readLogicalLine(reader);
  if (line === undefined) return undefined;
  const { escape } = reader;
  const text = trim(line.text);
  if (line.emptyContinuation) origin.warnings.push(emptyContinuation(text, rangeOf(reader, origin)));
  const parts = splitInstruction(text, escape);
  const heads = heredocsOf(parts, text, escape);
  const heredocs = heads.map((head) => ({ ...head, body: readBody(reader, head.name, head.chomp) }));
  if (origin.damaged && [text, ...heredocs.map((heredoc) => heredoc.body)].some((part) => part.includes('\ufffd'))) {
    throw invalid('the instruction is not valid UTF-8', 'Save the Dockerfile as UTF-8.');
  }
  const { text: whole, comments } = line;
  return { ...parts, text, line: whole, escape, heredocs, range: rangeOf(reader, origin), comments };
}

/** From the first line of the instruction to the line that was read last. */
function rangeOf(reader: LineReader, origin: Origin): SourceRange {
  if (origin.range !== undefined) return origin.range;
  const last = Math.max(reader.first, reader.next);
  const length = trimLineEnd(reader.lines[last - 1] ?? '').length;
  return { file: origin.file, start: { line: reader.first, character: 0 }, end: { line: last, character: length } };
}

function lineRange(file: SourceFile, line: number): SourceRange {
  const text = file.text.split('\n', line).at(-1) ?? '';
  return { file, start: { line, character: 0 }, end: { line, character: trimLineEnd(text).length } };
}

function emptyContinuation(text: string, range: SourceRange): ParseWarning {
  // BuildKit points at the line where the instruction ends.
  const start = { line: range.end.line, character: 0 };
  return {
    rule: 'NoEmptyContinuation',
    message: `Empty continuation line found in: ${text}`,
    range: { ...range, start },
  };
}

/** Gives the errors of `work` their line and range. */
function located<T>(range: () => SourceRange, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof WherryError) || error.range !== undefined) throw error;
    const { code, hint, detail, cause } = error;
    const message = `dockerfile parse error on line ${range().start.line}: ${error.message}`;
    throw new WherryError(code, message, { hint, detail, cause, range: range() });
  }
}

/** The text without byte order mark; damaged when it was bytes that are not UTF-8. */
function decode(text: string | Uint8Array): { readonly text: string; readonly damaged: boolean } {
  if (typeof text === 'string') return { text: text.replace(/^\ufeff/, ''), damaged: false };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(text), damaged: false };
  } catch {
    return { text: new TextDecoder('utf-8').decode(text), damaged: true };
  }
}
