// Whiteouts: names in a layer that say what of the layers below is gone (image spec, layer.md, "Whiteouts").
import { WherryError } from '../errors.ts';
import { shortened } from './name.ts';

/**
 * What a whiteout's name says. `path` is what is gone, or for `opaque` the directory whose lower content is gone.
 * `metadata` is a file of aufs that old layers carry by mistake: it says nothing, and is no file either.
 */
export interface Whiteout {
  readonly kind: 'opaque' | 'removed' | 'metadata';
  readonly path: string;
}

const prefix = '.wh.';
const metadataPrefix = '.wh..wh.';
const opaqueName = '.wh..wh..opq';

/**
 * The whiteout that a path of a layer is, or undefined for any other path.
 * @throws ARCHIVE_INVALID for `.wh.` alone, `.wh..`, `.wh...`, and for a whiteout that is a directory
 */
export function whiteoutOf(path: string): Whiteout | undefined {
  if (!path.includes(prefix)) return undefined;
  const components = path.split('/');
  const last = components.pop() ?? '';
  const parent = components.join('/');
  for (const component of components) {
    if (component.startsWith(metadataPrefix) && component !== opaqueName) return { kind: 'metadata', path };
    if (component.startsWith(prefix)) throw invalid(path, 'a whiteout cannot be a directory');
  }
  if (!last.startsWith(prefix)) return undefined;
  if (last === opaqueName) return { kind: 'opaque', path: parent };
  if (last.startsWith(metadataPrefix)) return { kind: 'metadata', path };
  const name = last.slice(prefix.length);
  if (name === '' || name === '.' || name === '..') throw invalid(path, 'it names nothing');
  return { kind: 'removed', path: parent === '' ? name : `${parent}/${name}` };
}

/** The path in a layer that says it; inverse of `whiteoutOf`. */
export function formatWhiteout(whiteout: Whiteout): string {
  if (whiteout.kind === 'metadata') return whiteout.path;
  if (whiteout.kind === 'opaque') return whiteout.path === '' ? opaqueName : `${whiteout.path}/${opaqueName}`;
  const slash = whiteout.path.lastIndexOf('/') + 1;
  return `${whiteout.path.slice(0, slash)}${prefix}${whiteout.path.slice(slash)}`;
}

function invalid(path: string, state: string): WherryError {
  return new WherryError('ARCHIVE_INVALID', `Cannot read whiteout "${shortened(path)}": ${state}`);
}
