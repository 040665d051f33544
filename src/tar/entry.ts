// The nouns of a layer: a tar header, and a file entry, which is a header with its content. Both the tar code and those
// who plan a layer (src/context, src/layer) speak of files in these words (image spec, layer.md, "File Types").
import type { Digest } from '../oci/digest.ts';
import { bytesOfName } from './name.ts';

export type EntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo';

/** What a tar header says of one path. */
export interface TarHeader {
  /** Relative to the root, `/` between components, none at either end; the root itself is "". */
  readonly path: string;
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content; 0 for all but files. */
  readonly size: number;
  /** Seconds since 1970, may be negative and may have a fraction. */
  readonly mtime: number;
  /** A symlink's target as it stands; a hardlink's target as a `path`. */
  readonly link?: string;
  readonly deviceMajor?: number;
  readonly deviceMinor?: number;
  /** Extended attributes: name → base64 of the value (values are binary, e.g. security.capability). */
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** Where a file's bytes are. Opening may be repeated. */
export type Content =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** `size` bytes of a local file, from `offset` (default 0). */
  | { readonly kind: 'file'; readonly path: string; readonly offset?: number }
  /** Anything else: `open` gives exactly `size` bytes. */
  | { readonly kind: 'stream'; readonly open: () => AsyncIterable<Uint8Array> };

/** A path of a file table: its header, and for a file its content and, where known, the content's digest. */
export interface FileEntry extends TarHeader {
  readonly digest?: Digest;
  readonly content?: Content;
  /** In a file tree, which never shows hard links as such: the same for all names of one file that has several. */
  readonly inode?: string;
}

/** Orders paths by their bytes, component by component, so that a directory comes before what is below it. */
export function comparePaths(a: string, b: string): number {
  if (a === b) return 0;
  const [x, y] = [a.split('/'), b.split('/')];
  for (let i = 0; ; i++) {
    const [p, q] = [x[i], y[i]];
    if (p === undefined) return -1;
    if (q === undefined) return 1;
    if (p !== q) return compareNames(p, q);
  }
}

/** Orders names by their bytes. */
export function compareNames(a: string, b: string): number {
  // UTF-16 and UTF-8 order differ only where surrogates are: compare bytes only then.
  if (/[\ud800-\uffff]/.test(a) || /[\ud800-\uffff]/.test(b)) return Buffer.compare(bytesOfName(a), bytesOfName(b));
  return a < b ? -1 : a > b ? 1 : 0;
}
