// One instruction between text and type: cut into name, flags and rest, with its heredocs, its place and its comments.
import type { SourceRange } from '../../errors.ts';
import type { Heredoc } from '../instruction.ts';

/** A logical line: continuations joined, comments inside dropped. */
export interface LogicalLine {
  readonly text: string;
  readonly comments: readonly string[];
  /** True when a continuation line was blank. */
  readonly emptyContinuation: boolean;
}

/** An instruction's text, cut. */
export interface Parts {
  /** As written. */
  readonly name: string;
  /** Words that begin with `--`, without quotes. */
  readonly flags: readonly string[];
  /** What follows, trimmed. */
  readonly rest: string;
}

/** An instruction that is not typed yet. */
export interface Statement extends Parts {
  /** The logical line, trimmed. */
  readonly text: string;
  /** The logical line with the white space at its ends. */
  readonly line: string;
  readonly escape: '\\' | '`';
  readonly heredocs: readonly Heredoc[];
  readonly range: SourceRange;
  readonly comments: readonly string[];
}
