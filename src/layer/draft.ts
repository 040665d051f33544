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

interface State {
  /** Marks the nodes that this draft may change. */
  readonly draft: object;
  readonly id: string;
  readonly root: DraftNode;
  /** The directory that was used last, by its name in the archive: archives are sorted. */
  recent: { readonly name: string; readonly node: DraftNode };
}

/** Starts a layer on top of `below`. `id` makes the inodes of its hard links its own. */
export function createDraft(below: Node, id: string): Draft {
  const draft = {};
  const root = copyOf(below as DraftNode, draft);
  const state: State = { draft, id, root, recent: { name: '', node: root } };
  return { root, put: (entry) => put(state, entry), whiteout: (what) => applyWhiteout(state, what) };
}

/** How `directory` searches: whether it makes what is missing, and for which entry. */
interface Search {
  readonly make: boolean;
  readonly asked: string;
}

/** The directory of this name, symlinks followed inside the root. Missing ones are made, or end the search. */
function directory(state: State, name: string, { make, asked }: Search): DraftNode | undefined {
  if (state.recent.name === name) return state.recent.node;
  let node = state.root;
  let here = '';
  for (const component of name === '' ? [] : name.split('/')) {
    here = here === '' ? component : `${here}/${component}`;
    let child = node.children?.get(component);
    if (child?.entry.type === 'symlink') return directory(state, followed(state, name, asked), { make, asked });
    if (child === undefined) {
      if (!make) return undefined;
      child = { entry: impliedDirectory(here), children: new Map(), draft: state.draft, own: true };
      node.children?.set(component, child);
    }
    if (child.children === undefined) {
      if (!make) return undefined;
      throw invalid(asked, `"/${shortened(here)}" is not a directory`);
    }
    node = ownedChild(state, node, component);
  }
  state.recent = { name, node };
  return node;
}

/** Where a name leads whose way goes through a symlink. */
function followed(state: State, name: string, asked: string): string {
  const view: FileTree = { lookup: (path) => lookupNode(state.root, path)?.entry, list: () => [] };
  let target: string;
  try {
    target = resolveInTree(view, name);
  } catch (error) {
    throw isError(error) ? invalid(asked, messageOf(error)) : error;
  }
  if (target === name) throw invalid(asked, `"/${shortened(name)}" is not a directory`);
  return target;
}

/** A child that the draft may change. */
function ownedChild({ draft }: State, parent: DraftNode, name: string): DraftNode {
  const child = parent.children?.get(name);
  if (child === undefined) throw new TypeError(`"${parent.entry.path}" has no "${name}"`);
  const owned = copyOf(child, draft);
  if (owned !== child) parent.children?.set(name, owned);
  return owned;
}

function put(state: State, entry: LayerEntry): void {
  if (entry.path === '') {
    state.root.entry = entry;
    return;
  }
  const [parentName, name] = splitPath(entry.path);
  const parent = directory(state, parentName, { make: true, asked: entry.path });
  if (parent?.children === undefined) return;
  const path = parent.entry.path === '' ? name : `${parent.entry.path}/${name}`;
  const here = path === entry.path ? entry : { ...entry, path };
  const existing = parent.children.get(name);
  if (here.type === 'directory' && existing?.children !== undefined) {
    const node = ownedChild(state, parent, name);
    node.entry = here;
    node.own = true;
    return;
  }
  const final = here.type === 'hardlink' ? linked(state, here) : here;
  if (existing !== undefined) state.recent = { name: '', node: state.root };
  const children = here.type === 'directory' ? { children: new Map() } : {};
  parent.children.set(name, { entry: final, draft: state.draft, own: true, ...children });
}

/** A hard link → the file that it is another name of. */
function linked(state: State, entry: LayerEntry): LayerEntry {
  const [parentName, name] = splitPath(entry.link ?? '');
  const { recent } = state;
  const parent = directory(state, parentName, { make: false, asked: entry.path });
  state.recent = recent;
  const target = parent?.children?.get(name);
  if (parent === undefined || target === undefined || target.children !== undefined)
    throw invalid(entry.path, `it is a hard link to "/${shortened(entry.link ?? '')}", which is not a file`);
  const inode = target.entry.inode ?? `${state.id}:${target.entry.path}`;
  if (target.entry.inode === undefined) ownedChild(state, parent, name).entry = { ...target.entry, inode };
  return { ...target.entry, path: entry.path, inode };
}

function applyWhiteout(state: State, { kind, path }: Parameters<Draft['whiteout']>[0]): void {
  state.recent = { name: '', node: state.root };
  const search = { make: false, asked: path };
  if (kind === 'opaque') {
    const node = directory(state, path, search);
    if (node !== undefined) prune(state, node);
    return;
  }
  const [parentName, name] = splitPath(path);
  const parent = directory(state, parentName, search);
  if (parent !== undefined) drop(state, parent, name);
}

function prune(state: State, node: DraftNode): void {
  if (node.opaque === true || node.children === undefined) return;
  for (const name of node.children.keys()) drop(state, node, name);
  node.opaque = true;
}

/** Removes a child as far as it comes from the layers below. */
function drop(state: State, parent: DraftNode, name: string): void {
  const child = parent.children?.get(name);
  if (child === undefined) return;
  if (child.draft === state.draft) {
    prune(state, child);
    if (child.own === true) return;
    if (child.children !== undefined && child.children.size > 0) {
      child.entry = impliedDirectory(child.entry.path);
      return;
    }
  }
  parent.children?.delete(name);
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
