// A layer that is being put on top of a tree: entries and whiteouts in the archive's order → a new root. Directories are
// copied the first time that the layer changes something in them, and shared with the tree below otherwise.
import { type FileTree, resolveInTree } from '../context/tree.ts';
import { isError, messageOf, WherryError } from '../errors.ts';
import type { FileEntry } from '../tar/entry.ts';
import { shortened } from '../tar/name.ts';

/** An entry of a tree; `text` as in the table of contents that it comes from. */
export interface LayerEntry extends FileEntry {
  readonly text?: string;
}

/** A path of a tree. Frozen once the draft that made it is done. */
export interface Node {
  readonly entry: LayerEntry;
  /** Only of directories. */
  readonly children?: ReadonlyMap<string, Node>;
}

interface DraftNode extends Node {
  entry: LayerEntry;
  children?: Map<string, DraftNode>;
  /** The draft that may change this node. */
  draft?: object;
  /** Given by the draft's layer itself, so that its whiteouts do not mean it. */
  own?: boolean;
  /** No content of the layers below is left in it. */
  opaque?: boolean;
}

/** What a layer does to the tree below it. */
export interface Draft {
  readonly root: Node;
  /** @throws ARCHIVE_INVALID when a parent is no directory or a hard link has no target */
  put(entry: LayerEntry): void;
  whiteout(whiteout: { readonly kind: 'opaque' | 'removed'; readonly path: string }): void;
}

const impliedDirectory = (path: string): LayerEntry => ({
  path,
  type: 'directory',
  mode: 0o755,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0,
});

export const emptyRoot: Node = { entry: impliedDirectory(''), children: new Map() };

/** The node at a path, no symlink followed. */
export function lookupNode(root: Node, path: string): Node | undefined {
  if (path === '') return root;
  let node: Node | undefined = root;
  for (let start = 0; node !== undefined && start <= path.length; ) {
    const slash = path.indexOf('/', start);
    const end = slash < 0 ? path.length : slash;
    node = node.children?.get(path.slice(start, end));
    start = end + 1;
  }
  return node;
}

/** Starts a layer on top of `below`. `id` makes the inodes of its hard links its own. */
export function createDraft(below: Node, id: string): Draft {
  const draft = {};
  const root = copyOf(below as DraftNode, draft);
  const view: FileTree = { lookup: (path) => lookupNode(root, path)?.entry, list: () => [] };
  /** The directory that was used last, by its name in the archive: archives are sorted. */
  let recent: { readonly name: string; readonly node: DraftNode } = { name: '', node: root };

  const ownedChild = (parent: DraftNode, name: string, child: DraftNode): DraftNode => {
    const owned = copyOf(child, draft);
    if (owned !== child) parent.children?.set(name, owned);
    return owned;
  };

  /** The directory of this name, symlinks followed inside the root. Missing ones are made, or end the search. */
  const directory = (name: string, make: boolean, asked: string): DraftNode | undefined => {
    if (recent.name === name) return recent.node;
    let node = root;
    let here = '';
    for (const component of name === '' ? [] : name.split('/')) {
      here = here === '' ? component : `${here}/${component}`;
      let child = node.children?.get(component);
      if (child?.entry.type === 'symlink') return followed(name, make, asked);
      if (child === undefined) {
        if (!make) return undefined;
        child = { entry: impliedDirectory(here), children: new Map(), draft, own: true };
        node.children?.set(component, child);
      }
      if (child.children === undefined) {
        if (!make) return undefined;
        throw invalid(asked, `"/${shortened(here)}" is not a directory`);
      }
      node = ownedChild(node, component, child);
    }
    recent = { name, node };
    return node;
  };
  const followed = (name: string, make: boolean, asked: string): DraftNode | undefined => {
    let target: string;
    try {
      target = resolveInTree(view, name);
    } catch (error) {
      throw isError(error) ? invalid(asked, messageOf(error)) : error;
    }
    if (target === name) throw invalid(asked, `"/${shortened(name)}" is not a directory`);
    return directory(target, make, asked);
  };

  const put = (entry: LayerEntry): void => {
    if (entry.path === '') {
      root.entry = entry;
      return;
    }
    const [parentName, name] = splitPath(entry.path);
    const parent = directory(parentName, true, entry.path);
    if (parent?.children === undefined) return;
    const path = parent.entry.path === '' ? name : `${parent.entry.path}/${name}`;
    const here = path === entry.path ? entry : { ...entry, path };
    const existing = parent.children.get(name);
    if (here.type === 'directory' && existing?.children !== undefined) {
      const node = ownedChild(parent, name, existing);
      node.entry = here;
      node.own = true;
      return;
    }
    const final = here.type === 'hardlink' ? linked(here) : here;
    if (existing !== undefined) recent = { name: '', node: root };
    parent.children.set(name, {
      entry: final,
      draft,
      own: true,
      ...(here.type === 'directory' ? { children: new Map() } : {}),
    });
  };

  /** A hard link → the file that it is another name of. */
  const linked = (entry: LayerEntry): LayerEntry => {
    const [parentName, name] = splitPath(entry.link ?? '');
    const kept = recent;
    const parent = directory(parentName, false, entry.path);
    recent = kept;
    const target = parent?.children?.get(name);
    if (parent === undefined || target === undefined || target.children !== undefined)
      throw invalid(entry.path, `it is a hard link to "/${shortened(entry.link ?? '')}", which is not a file`);
    const inode = target.entry.inode ?? `${id}:${target.entry.path}`;
    if (target.entry.inode === undefined) ownedChild(parent, name, target).entry = { ...target.entry, inode };
    return { ...target.entry, path: entry.path, inode };
  };

  const whiteout = ({ kind, path }: Parameters<Draft['whiteout']>[0]): void => {
    recent = { name: '', node: root };
    if (kind === 'opaque') {
      const node = directory(path, false, path);
      if (node !== undefined) prune(node);
      return;
    }
    const [parentName, name] = splitPath(path);
    const parent = directory(parentName, false, path);
    const existing = parent?.children?.get(name);
    if (parent?.children !== undefined && existing !== undefined) drop(parent.children, name, existing);
  };

  const prune = (node: DraftNode): void => {
    if (node.opaque === true || node.children === undefined) return;
    for (const [name, child] of node.children) drop(node.children, name, child);
    node.opaque = true;
  };

  /** Removes a child as far as it comes from the layers below. */
  const drop = (children: Map<string, DraftNode>, name: string, child: DraftNode): void => {
    if (child.draft === draft && child.children !== undefined) {
      prune(child);
      if (child.own === true || child.children.size > 0) {
        if (child.own !== true) child.entry = impliedDirectory(child.entry.path);
        return;
      }
    } else if (child.draft === draft && child.own === true) return;
    children.delete(name);
  };

  return { root, put, whiteout };
}

/** The node itself when the draft may change it, else a copy that it may. */
function copyOf(node: DraftNode, draft: object): DraftNode {
  if (node.draft === draft) return node;
  return { entry: node.entry, draft, ...(node.children === undefined ? {} : { children: new Map(node.children) }) };
}

function splitPath(path: string): readonly [parent: string, name: string] {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? ['', path] : [path.slice(0, slash), path.slice(slash + 1)];
}

function invalid(path: string, state: string): WherryError {
  return new WherryError('ARCHIVE_INVALID', `Cannot apply layer entry "/${shortened(path)}": ${state}`);
}
