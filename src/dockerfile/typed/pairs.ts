// ENV, LABEL and ARG: names and values. Dockerfile reference, "ENV", "LABEL", "ARG".
import type { ArgInstruction, EnvInstruction, KeyValue, LabelInstruction } from '../instruction.ts';
import { goQuote } from '../quote.ts';
import { splitOnce, splitQuoted } from '../syntax/split.ts';
import type { Statement } from '../syntax/statement.ts';
import { atLeastOne, baseOf, invalid, refuseFlags } from './arguments.ts';

interface Pairs {
  readonly pairs: readonly KeyValue[];
  readonly legacy: boolean;
}

/** ENV. */
export function readEnv(statement: Statement): EnvInstruction {
  return { ...baseOf(statement), kind: 'ENV', ...readPairs(statement, 'ENV') };
}

/** LABEL. */
export function readLabel(statement: Statement): LabelInstruction {
  return { ...baseOf(statement), kind: 'LABEL', ...readPairs(statement, 'LABEL') };
}

/** ARG. Its flags mean nothing, as in BuildKit. */
export function readArg(statement: Statement): ArgInstruction {
  const words = splitQuoted(statement.rest, statement.escape);
  if (words.length === 0) throw atLeastOne('ARG');
  const args = words.map((word) => {
    const equals = word.indexOf('=');
    if (equals === 0) throw invalid('ARG names can not be blank');
    return equals < 0 ? { key: word } : { key: word.slice(0, equals), value: word.slice(equals + 1) };
  });
  return { ...baseOf(statement), kind: 'ARG', args };
}

function readPairs(statement: Statement, name: 'ENV' | 'LABEL'): Pairs {
  const found = splitPairs(statement.rest, statement.escape, name);
  refuseFlags(statement);
  if (found.pairs.length === 0) throw atLeastOne(name);
  if (found.pairs.some((pair) => pair.key === '')) throw invalid(`${name} names can not be blank`);
  return found;
}

/** The pairs of ENV and LABEL. DOCKERFILE_INVALID for words without `=`. */
export function splitPairs(rest: string, escape: string, name: 'ENV' | 'LABEL'): Pairs {
  const words = splitQuoted(rest, escape);
  const legacy = words[0]?.includes('=') === false;
  return { pairs: legacy ? [legacyPair(rest, name)] : words.map(pairOf), legacy };
}

function pairOf(word: string): KeyValue {
  const equals = word.indexOf('=');
  if (equals < 0) {
    throw invalid(
      `Syntax error - can't find = in ${goQuote(word)}. Must be of the form: name=value`,
      'Quote a value that has spaces: name="a value".',
    );
  }
  return { key: word.slice(0, equals), value: word.slice(equals + 1) };
}

/** `ENV name value`: the value is all that follows. */
function legacyPair(rest: string, name: string): KeyValue {
  const [key, value] = splitOnce(rest);
  if (value === undefined) throw invalid(`${name} must have two arguments`, `Write ${name} name=value.`);
  return { key, value };
}
