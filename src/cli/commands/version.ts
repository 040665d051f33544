// `wherry version`: read from package.json, without loading the library.
import { readFileSync } from 'node:fs';
import { print, printJson, type Session } from '../session.ts';

/** The package's version. */
export function readVersion(): string {
  // From dist/src/cli/commands to the package's root.
  const text = readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

export async function run(session: Session): Promise<void> {
  const version = readVersion();
  if (session.flags.on('json'))
    return printJson(session, {
      version,
      node: process.version,
      platform: process.platform,
      architecture: process.arch,
    });
  await print(session, `wherry ${version} (node ${process.version}, ${process.platform}/${process.arch})\n`);
}
