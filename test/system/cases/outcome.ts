// What a build made, as data that can be compared: the image's config, its history, and the entries of the layers above
// its base. Times are left out, and so are digests of the compressed blobs.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import type { Base } from './bases.ts';

/** An entry of a layer. */
export interface LayerEntry {
  readonly path: string;
  readonly type: string;
  readonly mode: string;
  readonly owner: string;
  /** A file's digest. */
  readonly digest?: string;
  /** A symlink's target. */
  readonly link?: string;
  /** The first path of a file that has several. */
  readonly linkedTo?: string;
  readonly xattrs?: Readonly<Record<string, string>>;
}

export interface Outcome {
  /** The base that the image begins with; absent for scratch. */
  readonly base?: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly history: readonly Readonly<Record<string, unknown>>[];
  readonly layers: readonly (readonly LayerEntry[])[];
}

interface Descriptor {
  readonly digest: string;
  readonly platform?: { readonly architecture?: string };
}

/** An image's config blob. */
export interface ConfigDocument {
  readonly config?: Record<string, unknown>;
  readonly rootfs: { readonly diff_ids?: readonly string[] };
  readonly history?: readonly Record<string, unknown>[] | null;
  readonly [key: string]: unknown;
}

/** Replaces the parts of a text that differ from run to run, such as addresses. */
export type Normalize = (text: string) => string;

/** Reads the first image of an OCI layout directory. */
export async function readOutcome(layout: string, bases: readonly Base[], normalize: Normalize): Promise<Outcome> {
  const json = <T>(path: string): T => JSON.parse(readFileSync(join(layout, path), 'utf8')) as T;
  const blobPath = (digest: string): string => `blobs/${digest.replace(':', '/')}`;
  let manifest: { manifests?: Descriptor[]; config?: Descriptor; layers?: Descriptor[] } = json('index.json');
  while (manifest.manifests !== undefined) {
    const entry = manifest.manifests.find(({ platform }) => platform?.architecture !== 'unknown');
    manifest = json(blobPath(entry?.digest ?? ''));
  }
  const document = json<ConfigDocument>(blobPath(manifest.config?.digest ?? ''));
  const blobs = (manifest.layers ?? []).map(({ digest }) => readFileSync(join(layout, blobPath(digest))));
  return outcomeOf(document, blobs, { bases, normalize });
}

/** Config document and the layers' blobs → outcome. */
export async function outcomeOf(
  document: ConfigDocument,
  blobs: readonly Buffer[],
  { bases, normalize }: { readonly bases: readonly Base[]; readonly normalize: Normalize },
): Promise<Outcome> {
  const diffIds = document.rootfs.diff_ids ?? [];
  const base = bases
    .filter((each) => each.diffIds.length > 0 && each.diffIds.every((diffId, position) => diffIds[position] === diffId))
    .sort((a, b) => b.diffIds.length - a.diffIds.length)[0];
  const layers: LayerEntry[][] = [];
  for (const blob of blobs.slice(base?.diffIds.length ?? 0)) layers.push(await readLayer(blob));
  const { config, rootfs: _, history, created: __, ...rest } = document;
  const facts = {
    ...(base === undefined ? {} : { base: base.name }),
    config: { ...rest, ...config },
    history: (history ?? []).map(({ created, ...line }) => line),
    layers,
  };
  return JSON.parse(normalize(JSON.stringify(facts))) as Outcome;
}

async function readLayer(blob: Buffer): Promise<LayerEntry[]> {
  const tar = blob[0] === 0x1f && blob[1] === 0x8b ? gunzipSync(blob) : blob;
  const entries = new Map<string, LayerEntry>();
  const links: { readonly path: string; readonly target: string }[] = [];
  const clean = (path: string): string => `/${path.replace(/^(\.?\/)+/, '').replace(/\/$/, '')}`;
  const archive = extract();
  Readable.from([tar]).pipe(archive);
  for await (const member of archive) {
    const {
      name,
      type,
      mode = 0,
      uid = 0,
      gid = 0,
      linkname,
      pax,
    } = member.header as typeof member.header & { pax?: Record<string, string> };
    const chunks: Buffer[] = [];
    for await (const chunk of member) chunks.push(chunk as Buffer);
    const path = clean(name);
    // An overlay marks new directories as opaque, which says nothing where none was replaced.
    if (path === '/' || path === '/.' || path.endsWith('/.wh..wh..opq')) continue;
    if (type === 'link') {
      links.push({ path, target: clean(linkname ?? '') });
      continue;
    }
    const xattrs = Object.entries(pax ?? {}).filter(([key]) => key.startsWith('SCHILY.xattr.'));
    entries.set(path, {
      path,
      type: type ?? 'file',
      mode: (mode & 0o7777).toString(8),
      owner: `${uid}:${gid}`,
      ...(type === 'file' ? { digest: createHash('sha256').update(Buffer.concat(chunks)).digest('hex') } : {}),
      ...(type === 'symlink' ? { link: linkname ?? '' } : {}),
      ...(xattrs.length === 0 ? {} : { xattrs: Object.fromEntries(xattrs) }),
    });
  }
  return withLinks(entries, links);
}

/** Hard links become files again: which of the names is the link depends on the archive's order. */
function withLinks(
  entries: ReadonlyMap<string, LayerEntry>,
  links: readonly { readonly path: string; readonly target: string }[],
): LayerEntry[] {
  const groups = new Map<string, string[]>();
  for (const { path, target } of links) groups.set(target, [...(groups.get(target) ?? [target]), path]);
  const result = new Map(entries);
  for (const [target, paths] of groups) {
    const file = entries.get(target) ?? { path: target, type: 'missing', mode: '0', owner: '' };
    const [first = target] = [...paths].sort();
    for (const path of paths) result.set(path, { ...file, path, linkedTo: first });
  }
  return [...result.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
