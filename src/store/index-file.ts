// A layout's two files of JSON: `oci-layout` and `index.json` (image spec, image-layout.md). What is unknown in them is
// kept. They are replaced as a whole; reading needs no lock.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { WherryError } from '../errors.ts';
import { annotations } from '../oci/annotations.ts';
import { type Descriptor, descriptorFrom, objectFrom } from '../oci/descriptor.ts';
import { mediaTypes } from '../oci/media-types.ts';
import { ioError, isSystemError, readIfThere, writeAtomically } from './files.ts';

/** index.json as it was read: what it says, and where its entries come from (unknown fields included). */
interface IndexFile {
  readonly fields: Record<string, unknown>;
  readonly entries: readonly Descriptor[];
  /** The JSON of each entry. */
  readonly sources: ReadonlyMap<Descriptor, unknown>;
}

/** Reads and replaces index.json; keeps what it read for as long as the file does not change. */
export interface IndexAccess {
  read(): Promise<readonly Descriptor[]>;
  /** Only under the store's lock. Nothing is written when `change` returns what it was given. */
  change(change: (entries: readonly Descriptor[]) => readonly Descriptor[]): Promise<void>;
}

/** Access to `root/index.json`. Errors: STORE_INVALID naming the file, IO_FAILED */
export function createIndexAccess(root: string, temporary: () => Promise<string>): IndexAccess {
  const path = join(root, 'index.json');
  let kept: { readonly stamp: string; readonly index: IndexFile } | undefined;
  const read = async (): Promise<IndexFile> => {
    const stamp = await stampOf(path);
    if (kept !== undefined && kept.stamp === stamp) return kept.index;
    const index = parseIndexFile(await readIfThere(path), path);
    // Kept only if the bytes surely belong to the stamp.
    kept = (await stampOf(path)) === stamp ? { stamp, index } : undefined;
    return index;
  };
  return {
    read: async () => (await read()).entries,
    change: async (change) => {
      const index = await read();
      const entries = change(index.entries);
      if (entries === index.entries) return;
      const manifests = entries.map((entry) => index.sources.get(entry) ?? entry);
      const text = JSON.stringify({ ...index.fields, manifests });
      await writeAtomically(path, Buffer.from(text), { temporary: await temporary(), durable: true });
    },
  };
}

async function stampOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) return '';
    throw ioError(cause, 'read', path);
  }
}

function parseIndexFile(bytes: Uint8Array | undefined, path: string): IndexFile {
  if (bytes === undefined) throw damaged(path, 'it is missing');
  try {
    const fields = objectFrom(parseJson(bytes, path), `"${path}"`);
    if (fields['schemaVersion'] !== 2) throw damaged(path, 'schemaVersion is not 2');
    const manifests = fields['manifests'] ?? [];
    if (!Array.isArray(manifests)) throw damaged(path, '"manifests" is not a list');
    const sources = new Map<Descriptor, unknown>(
      manifests.map((item, position) => [descriptorFrom(item, `"${path}": manifests[${position}]`), item]),
    );
    return { fields, entries: [...sources.keys()], sources };
  } catch (cause) {
    if (cause instanceof WherryError && cause.code === 'STORE_INVALID') throw cause;
    throw damaged(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** Checks `root/oci-layout`; false where it is missing. Errors: STORE_INVALID, IO_FAILED */
export async function hasLayoutFile(root: string): Promise<boolean> {
  const path = join(root, 'oci-layout');
  const bytes = await readIfThere(path);
  if (bytes === undefined) return false;
  const fields = parseJson(bytes, path);
  const version =
    typeof fields === 'object' && fields !== null && 'imageLayoutVersion' in fields
      ? fields.imageLayoutVersion
      : undefined;
  if (typeof version !== 'string') throw damaged(path, 'it has no imageLayoutVersion');
  if (!/^1\./.test(version)) throw damaged(path, `layout version "${version}" is not supported`);
  return true;
}

/** Writes `root/oci-layout`. */
export async function writeLayoutFile(root: string, temporary: string): Promise<void> {
  await writeAtomically(join(root, 'oci-layout'), Buffer.from('{"imageLayoutVersion":"1.0.0"}'), { temporary });
}

/** Writes an index.json without entries, unless there is one. Only under the store's lock. */
export async function writeEmptyIndex(root: string, temporary: string): Promise<void> {
  const path = join(root, 'index.json');
  if ((await stampOf(path)) !== '') return;
  await writeAtomically(
    path,
    Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] })),
    { temporary, durable: true },
  );
}

function parseJson(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw damaged(path, 'it is not valid JSON', cause);
  }
}

function damaged(path: string, why: string, cause?: unknown): WherryError {
  return new WherryError('STORE_INVALID', `Cannot read "${path}": ${why}`, {
    cause,
    hint: 'Restore this file, or use another store (WHERRY_STORE).',
  });
}

/** The name of an entry, if it has one. */
export function nameOf(entry: Descriptor): string | undefined {
  return entry.annotations?.[annotations.refName];
}

/** The descriptor as the entry of a name; without a name the same without one. */
export function withName(descriptor: Descriptor, name: string | undefined): Descriptor {
  const { annotations: before, ...rest } = descriptor;
  const { [annotations.refName]: _, ...others } = before ?? {};
  const after = { ...others, ...(name === undefined ? {} : { [annotations.refName]: name }) };
  return Object.keys(after).length === 0 ? rest : { ...rest, annotations: after };
}

/** True for text that may be an entry's name. */
export function isName(text: string): boolean {
  return (
    text.length > 0 &&
    text.length <= 1024 &&
    /^[A-Za-z0-9_][^\s\u0000-\u0020\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$/.test(text)
  );
}
