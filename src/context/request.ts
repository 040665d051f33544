// What room 4 is told: a COPY or ADD with expanded words, and the single things that its sources turn out to be.
import type { FileEntry } from '../tar/entry.ts';
import type { FileTree } from './tree.ts';

/** Where the files of one source word come from. */
export type CopySource =
  /** A path or pattern, expanded, as written, below the root of `tree`. `origin` names the tree in messages, e.g. `the build context`;
   * a tree that has `ignoredBy` (a directory, memory) tells why something is not there. */
  | { readonly kind: 'path'; readonly tree: FileTree; readonly path: string; readonly origin?: string }
  /** One file under a name: a heredoc (0644), or a download (0600). `unpack` lets an archive be extracted. */
  | { readonly kind: 'file'; readonly name: string; readonly entry: FileEntry; readonly unpack?: boolean }
  /** The contents of a whole tree: a git checkout. */
  | { readonly kind: 'tree'; readonly tree: FileTree };

/** A COPY or ADD whose words are expanded. */
export interface CopyRequest {
  readonly instruction: 'COPY' | 'ADD';
  readonly sources: readonly CopySource[];
  /** As written: "" and "." are the working directory, a trailing "/" or "/." means a directory. */
  readonly destination: string;
  /** Absolute. */
  readonly workdir: string;
  /** The root file system below; `emptyTree` for --link. */
  readonly target: FileTree;
  /** --chown: of all that is copied or made. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** --chmod: mode → mode, of all but symlinks and what archives hold. */
  readonly mode?: ((mode: number, isDirectory: boolean) => number) | undefined;
  /** Octal --chmod: also the mode of directories that are made on the way. Default 0755. */
  readonly parentMode?: number | undefined;
  readonly parents: boolean;
  readonly exclude: readonly string[];
  /** ADD extracts archives among `path` sources, unless --unpack=false. */
  readonly archives: 'extract' | 'keep';
  /** A path for a temporary file that outlives the use of the entries. */
  readonly spool: (name: string) => Promise<string>;
  /** Time of directories that are made on the way, in seconds. Default 0. */
  readonly madeTime?: number | undefined;
}

/** One thing to copy: an entry of a tree, with the name it takes inside a directory. */
export interface CopyItem {
  readonly tree: FileTree;
  /** Where it is, symlinks followed. */
  readonly path: string;
  /** Its name as written, or as matched; "" for the root. */
  readonly name: string;
  readonly entry: FileEntry;
  /** A directory's top takes the destination's metadata (COPY of paths), not its own (a git checkout). */
  readonly isContents: boolean;
  readonly isArchive: boolean;
  /** --parents: only what matches is copied. */
  readonly include?: string;
}
