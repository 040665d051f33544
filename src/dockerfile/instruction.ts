// The nouns of a Dockerfile: stages of typed instructions, each with the source range that errors and warnings show.
// Words that may hold `$variables` are kept as written (type `Word`): they are expanded when the stage's environment is
// known (src/build), by `expandWord`. Dockerfile reference; BuildKit's front end where it differs.
import type { SourceFile, SourceRange } from '../errors.ts';

/** Text that is expanded later: quotes, escapes and `$` as written. */
export type Word = string;

/** A parsed Dockerfile. */
export interface Dockerfile {
  readonly file: SourceFile;
  readonly directives: Directives;
  /** ARGs before the first FROM, in order. */
  readonly globalArgs: readonly ArgInstruction[];
  readonly stages: readonly Stage[];
  /** Findings of the parser itself, such as NoEmptyContinuation. */
  readonly warnings: readonly ParseWarning[];
}

/** Parser directives at the head of the file. */
export interface Directives {
  /** The whole value, e.g. `docker/dockerfile:1`. */
  readonly syntax?: string;
  readonly escape: '\\' | '`';
  /** Value of `# check=…`. */
  readonly check?: string;
}

export interface ParseWarning {
  /** A build check's name. */
  readonly rule: string;
  readonly message: string;
  readonly range: SourceRange;
}

/** One FROM and what follows it. */
export interface Stage {
  readonly index: number;
  /** Lower-cased name of `AS name`. */
  readonly name?: string;
  readonly from: FromInstruction;
  readonly instructions: readonly Instruction[];
}

interface Base {
  readonly range: SourceRange;
  /** The instruction as one line: continuations joined, as written (without heredoc bodies). */
  readonly text: string;
  /** Comment lines directly before it, without `#`. */
  readonly comments: readonly string[];
}

/** Any instruction but FROM. */
export type Instruction =
  | AddInstruction
  | ArgInstruction
  | CmdInstruction
  | CopyInstruction
  | EntrypointInstruction
  | EnvInstruction
  | ExposeInstruction
  | HealthcheckInstruction
  | LabelInstruction
  | MaintainerInstruction
  | OnbuildInstruction
  | RunInstruction
  | ShellInstruction
  | StopsignalInstruction
  | UserInstruction
  | VolumeInstruction
  | WorkdirInstruction;

export interface FromInstruction extends Base {
  readonly kind: 'FROM';
  readonly image: Word;
  readonly platform?: Word;
  /** As written (its casing is a build check). */
  readonly alias?: string;
}

/** A name and perhaps a value. */
export interface KeyValue {
  readonly key: Word;
  readonly value: Word;
}

export interface ArgInstruction extends Base {
  readonly kind: 'ARG';
  readonly args: readonly { readonly key: string; readonly value?: Word }[];
}

export interface EnvInstruction extends Base {
  readonly kind: 'ENV';
  readonly pairs: readonly KeyValue[];
  /** `ENV key value` without `=`. */
  readonly legacy: boolean;
}

export interface LabelInstruction extends Base {
  readonly kind: 'LABEL';
  readonly pairs: readonly KeyValue[];
  readonly legacy: boolean;
}

/** A command: `exec` is the JSON form; a shell string is given to SHELL. */
export type Command =
  | { readonly form: 'exec'; readonly args: readonly string[] }
  | { readonly form: 'shell'; readonly script: string };

export interface CmdInstruction extends Base {
  readonly kind: 'CMD';
  readonly command: Command;
}

export interface EntrypointInstruction extends Base {
  readonly kind: 'ENTRYPOINT';
  readonly command: Command;
}

export interface ShellInstruction extends Base {
  readonly kind: 'SHELL';
  readonly args: readonly string[];
}

/** A heredoc: `body` keeps its line endings; leading tabs are still there when `chomp` is set. */
export interface Heredoc {
  /** The delimiter without quotes. */
  readonly name: string;
  readonly body: string;
  /** False when the delimiter was quoted. */
  readonly expand: boolean;
  /** `<<-` */
  readonly chomp: boolean;
  readonly descriptor: number;
}

/** What COPY and ADD share. */
interface Copying extends Base {
  /** Paths, wildcards, URLs; heredoc words are not among them. */
  readonly sources: readonly Word[];
  readonly heredocs: readonly Heredoc[];
  readonly destination: Word;
  readonly chown?: Word;
  readonly chmod?: Word;
  readonly link: boolean;
  readonly parents: boolean;
  readonly exclude: readonly string[];
}

export interface CopyInstruction extends Copying {
  readonly kind: 'COPY';
  /** As written; not expanded. */
  readonly from?: string;
}

export interface AddInstruction extends Copying {
  readonly kind: 'ADD';
  readonly checksum?: Word;
  readonly keepGitDir?: boolean;
  readonly unpack?: boolean;
}

export interface RunInstruction extends Base {
  readonly kind: 'RUN';
  readonly command: Command;
  /** Set when the whole command is one heredoc: its script, chomped; `shebang` when it begins with `#!`. */
  readonly script?: { readonly name: string; readonly body: string; readonly shebang: boolean };
  readonly heredocs: readonly Heredoc[];
  readonly mounts: readonly Mount[];
  readonly network?: string;
  readonly security?: string;
  readonly devices: readonly string[];
}

/**
 * A `--mount`: options as written, keys lower-cased and checked, values not yet expanded. Where `type`, `sharing` or a
 * boolean holds a variable, it has its default here: `expandMount` gives what the mount really is.
 */
export interface Mount {
  /** The flag's value as written. */
  readonly text: string;
  readonly type: 'bind' | 'cache' | 'tmpfs' | 'secret' | 'ssh';
  readonly target?: Word;
  readonly source?: Word;
  readonly from?: string;
  readonly readonly?: boolean;
  readonly id?: Word;
  readonly sharing?: 'shared' | 'private' | 'locked';
  readonly mode?: Word;
  readonly uid?: Word;
  readonly gid?: Word;
  readonly size?: Word;
  readonly required?: boolean;
  readonly env?: Word;
}

export interface WorkdirInstruction extends Base {
  readonly kind: 'WORKDIR';
  readonly path: Word;
}

export interface UserInstruction extends Base {
  readonly kind: 'USER';
  readonly user: Word;
}

export interface ExposeInstruction extends Base {
  readonly kind: 'EXPOSE';
  readonly ports: readonly Word[];
}

export interface VolumeInstruction extends Base {
  readonly kind: 'VOLUME';
  readonly paths: readonly Word[];
}

export interface StopsignalInstruction extends Base {
  readonly kind: 'STOPSIGNAL';
  readonly signal: Word;
}

export interface MaintainerInstruction extends Base {
  readonly kind: 'MAINTAINER';
  readonly name: string;
}

/** Durations are nanoseconds. `test` is `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", script]`. */
export interface HealthcheckInstruction extends Base {
  readonly kind: 'HEALTHCHECK';
  readonly test: readonly string[];
  readonly interval?: number;
  readonly timeout?: number;
  readonly startPeriod?: number;
  readonly startInterval?: number;
  readonly retries?: number;
}

export interface OnbuildInstruction extends Base {
  readonly kind: 'ONBUILD';
  /** The trigger's text as it goes into `config.OnBuild`, heredoc bodies included. */
  readonly trigger: string;
}
