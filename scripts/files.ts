// Lists source files for the scripts.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of the files below `folder` whose names end so, ordered by name. Symlinks are not followed. */
export function filesBelow(folder: string, ending: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path, ending);
    return entry.isFile() && entry.name.endsWith(ending) ? [path] : [];
  });
}
