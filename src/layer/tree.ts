// A stack of layers as one file tree (image spec, layer.md, "Applying"). Trees are persistent: a layer on top shares
// with the tree below all directories that it does not touch, and never changes it.

import type { FileTree } from '../context/tree.ts';
import { resolveInTree } from '../context/tree.ts';
import { type Content, compareNames, type FileEntry } from '../tar/entry.ts';
import { whiteoutOf } from '../tar/whiteout.ts';
import { streamContent } from './content.ts';
import { createDraft, emptyRoot, lookupNode, type Node } from './draft.ts';
import type { Toc, TocEntry } from './toc.ts';

/** The root file system that a stack of layers makes. Hard links are files that share an `inode`. */
export interface LayerTree extends FileTree {
  /** Of no meaning outside of src/layer. */
  readonly root: Node;
}

/** Longest file that `textOf` reads. */
const maxText = 1024 * 1024;

/**
 * A layer on top of `below` (nothing: an empty root). `openContent` says where a file's bytes are; it is asked once for
 * each file, and must do no work before the content is opened.
 * @throws ARCHIVE_INVALID for a layer that cannot be applied: a parent is no directory, a hard link has no target
 */
export function stackTree(
  below: LayerTree | undefined,
  toc: Toc,
  openContent: (entry: TocEntry) => Content,
): LayerTree {
  const draft = createDraft(below?.root ?? emptyRoot, toc.diffId);
  for (const entry of toc.entries) {
    if (entry.whiteout !== undefined) draft.whiteout({ kind: entry.whiteout, path: entry.path });
    else {
      const { offset: _offset, whiteout: _whiteout, ...fields } = entry;
      draft.put(entry.type === 'file' ? { ...fields, content: openContent(entry) } : fields);
    }
  }
  return treeOf(draft.root);
}

let planned = 0;

/** As `stackTree` for a layer that is planned and not written yet: entries as `writeLayer` takes them. */
export function applyEntries(below: LayerTree | undefined, entries: Iterable<FileEntry>): LayerTree {
  const draft = createDraft(below?.root ?? emptyRoot, `planned-${++planned}`);
  for (const { inode: _inode, ...entry } of entries) {
    const whiteout = entry.type === 'file' && entry.path.includes('.wh.') ? whiteoutOf(entry.path) : undefined;
    if (whiteout === undefined) draft.put(entry);
    else if (whiteout.kind !== 'metadata') draft.whiteout({ kind: whiteout.kind, path: whiteout.path });
  }
  return treeOf(draft.root);
}

function treeOf(root: Node): LayerTree {
  return {
    root,
    lookup: (path) => lookupNode(root, path)?.entry,
    list(path) {
      const names = [...(lookupNode(root, path)?.children?.keys() ?? [])];
      return names.sort(compareNames);
    },
  };
}

/**
 * Text of a small file such as etc/passwd, its symlinks followed inside the tree; undefined when there is no such file or
 * it is larger than 1 MiB. Reads no layer where the table of contents holds the text.
 */
export async function textOf(tree: LayerTree, path: string): Promise<string | undefined> {
  const entry = lookupNode(tree.root, resolveInTree(tree, path))?.entry;
  if (entry?.type !== 'file' || entry.size > maxText) return undefined;
  if (entry.text !== undefined) return Buffer.from(entry.text, 'base64').toString();
  const parts: Uint8Array[] = [];
  for await (const piece of streamContent(entry)) parts.push(Uint8Array.from(piece));
  return Buffer.concat(parts).toString();
}
