// Archives that are declared as data: the bases' layers and the tars of the golden cases.
import { pack } from 'tar-stream';

/** A member of an archive. A path that ends in `/` is a directory; with `symlink` or `hardlink` it is a link. */
export interface DeclaredEntry {
  readonly path: string;
  readonly text?: string;
  readonly symlink?: string;
  readonly hardlink?: string;
  readonly fifo?: boolean;
  /** Octal. Default 755 for directories, 777 for symlinks, else 644. */
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
}

type Kind = 'directory' | 'symlink' | 'link' | 'fifo' | 'file';

function kindOf(entry: DeclaredEntry): Kind {
  if (entry.symlink !== undefined) return 'symlink';
  if (entry.hardlink !== undefined) return 'link';
  if (entry.fifo === true) return 'fifo';
  return entry.path.endsWith('/') ? 'directory' : 'file';
}

const defaultModes: Readonly<Record<Kind, string>> = {
  directory: '755',
  symlink: '777',
  link: '644',
  fifo: '644',
  file: '644',
};

/** Entries → an uncompressed tar; the same bytes every time. */
export async function packEntries(entries: readonly DeclaredEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const entry of entries) {
    const type = kindOf(entry);
    const linkname = entry.symlink ?? entry.hardlink;
    const header = {
      name: entry.path,
      type,
      mode: Number.parseInt(entry.mode ?? defaultModes[type], 8),
      uid: entry.uid ?? 0,
      gid: entry.gid ?? 0,
      mtime: new Date(1_500_000_000_000),
      ...(linkname === undefined ? {} : { linkname }),
    };
    archive.entry(header, entry.text ?? '');
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
