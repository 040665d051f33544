// ONBUILD: another instruction, kept as text. Its line is cut at once, so that mistakes show now; its flags and arguments
// are typed when it is triggered. Dockerfile reference, "ONBUILD"; messages are BuildKit's.
import type { OnbuildInstruction } from '../instruction.ts';
import { findHeredocs, type HeredocHead } from '../syntax/heredoc.ts';
import { parseJsonForm, splitInstruction } from '../syntax/split.ts';
import type { Parts, Statement } from '../syntax/statement.ts';
import { trimStart } from '../words/space.ts';
import { atLeastOne, baseOf, invalid, refuseFlags } from './arguments.ts';
import { splitPairs } from './pairs.ts';

/** ONBUILD. */
export function readOnbuild(statement: Statement): OnbuildInstruction {
  const { name, rest } = splitInstruction(statement.rest, statement.escape);
  checkLine(name.toUpperCase(), rest, statement.escape);
  if (name === '') throw atLeastOne('ONBUILD');
  refuseFlags(statement);
  checkTrigger(name);
  // White space at the end stays: the config is BuildKit's byte for byte.
  const line = statement.line.replace(/^\s*ONBUILD[\t\n\f\r ]*/i, '');
  const trigger = statement.heredocs.reduce((text, heredoc) => `${text}\n${heredoc.body}${heredoc.name}`, line);
  return { ...baseOf(statement), kind: 'ONBUILD', trigger };
}

/** Refuses the instructions that cannot be triggers. */
export function checkTrigger(name: string): void {
  const upper = name.toUpperCase();
  if (upper === 'ONBUILD') throw invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (upper === 'FROM' || upper === 'MAINTAINER') throw invalid(`${upper} isn't allowed as an ONBUILD trigger`);
}

/** The heredocs that an instruction has: ADD, COPY and RUN in their list and shell forms, also behind ONBUILD. */
export function heredocsOf(parts: Parts, line: string, escape: string): HeredocHead[] {
  const inner = parts.name.toUpperCase() === 'ONBUILD' ? splitInstruction(parts.rest, escape) : parts;
  if (!/^(?:ADD|COPY|RUN)$/i.test(inner.name) || !line.includes('<<')) return [];
  return isJsonForm(inner.rest) ? [] : findHeredocs(line);
}

function isJsonForm(text: string): boolean {
  return trimStart(text).startsWith('[') && parseJsonForm(text) !== undefined;
}

function checkLine(name: string, rest: string, escape: string): void {
  if (/^(?:ADD|COPY|VOLUME|CMD|ENTRYPOINT|RUN|SHELL)$/.test(name)) parseJsonForm(rest);
  else if (name === 'HEALTHCHECK') parseJsonForm(rest.replace(/^\S*/, ''));
  else if (name === 'ENV' || name === 'LABEL') splitPairs(rest, escape, name);
}
