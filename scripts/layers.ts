// Checks the architecture: imports go to the same place or to one of a lower rank, never round, and each npm dependency
// has one gate. Reads every .ts file below src and registry; prints each line that breaks a rule, and fails then.
import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { filesBelow } from './files.ts';

/** Place → rank. A file belongs to the longest place that its path begins with. */
const ranks: Readonly<Record<string, number>> = {
  'src/errors.ts': 0,
  'src/oci/': 1,
  'src/task.ts': 2,
  'src/tar/': 3,
  'src/dockerfile/': 3,
  'src/store/': 3,
  'registry/': 4,
  'src/context/': 4,
  'src/layer/': 5,
  'src/image/': 6,
  'src/sandbox/': 6,
  'src/build/': 7,
  'registry/server/': 7,
  'src/library/': 8,
  'src/index.ts': 9,
  'src/compose/': 8,
  'src/cli/': 10,
};

/** Who may import a package (or one name of a module): places, and whether only one file of them may. */
interface Gate {
  readonly module: string;
  /** The only names that the gate is about; absent: all. */
  readonly names?: readonly string[];
  readonly places: readonly string[];
  readonly oneFile: boolean;
}

const gates: readonly Gate[] = [
  { module: '@noble/hashes', places: ['src/oci/digest.ts'], oneFile: true },
  { module: 'bcryptjs', places: ['registry/server/htpasswd.ts'], oneFile: true },
  { module: 'fzstd', places: ['src/tar/', 'src/layer/'], oneFile: true },
  { module: 'http-proxy-agent', places: ['registry/client/http.ts'], oneFile: true },
  { module: 'https-proxy-agent', places: ['registry/client/http.ts'], oneFile: true },
  { module: 'minimatch', places: ['src/context/pattern.ts'], oneFile: true },
  { module: 'node-fetch', places: ['registry/client/http.ts'], oneFile: true },
  {
    module: 'node:crypto',
    names: ['createHash', 'hash', 'default', '*'],
    places: ['src/oci/digest.ts'],
    oneFile: true,
  },
  { module: 'node:zlib', places: ['src/tar/', 'src/layer/'], oneFile: false },
  { module: 'p-limit', places: ['src/task.ts'], oneFile: true },
  { module: 'pako', places: ['src/tar/', 'src/layer/'], oneFile: true },
  { module: 'proxy-from-env', places: ['registry/client/http.ts'], oneFile: true },
  { module: 'semver', places: ['src/image/'], oneFile: true },
  { module: 'tar-stream', places: ['src/tar/'], oneFile: false },
  { module: 'xz-decompress', places: ['src/tar/', 'src/layer/'], oneFile: true },
];

interface Import {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  readonly specifier: string;
  /** Imported names; `*` for a namespace, a bare or a dynamic import. */
  readonly names: readonly string[];
}

const problems: string[] = [];

function complain(found: Import, why: string): void {
  problems.push(`${found.file}:${found.line}: ${why}\n    ${found.text}`);
}

/** All imports and re-exports of a file: static, type-only and dynamic. */
function importsOf(file: string): Import[] {
  const source = readFileSync(file, 'utf8');
  const pattern =
    /^[ \t]*(?:import|export)\b([^'"`;=]*?)\bfrom\s*['"]([^'"]+)['"]|^[ \t]*import\s*['"]([^'"]+)['"]|\b(?:import|require)\s*\(\s*['"]([^'"]+)['"]/gm;
  return [...source.matchAll(pattern)].map((match) => {
    const clause = match[1] ?? '';
    const inBraces = /\{([^}]*)\}/.exec(clause)?.[1]?.split(',') ?? [];
    const named = inBraces
      .map(
        (name) =>
          name
            .trim()
            .replace(/^type\s+/, '')
            .split(/\s+as\s+/)[0] ?? '',
      )
      .filter((name) => name !== '');
    const outside = clause
      .replace(/\{[^}]*\}/, '')
      .replace(/^\s*type\b/, '')
      .replace(/[\s,]/g, '');
    const rest = outside === '' ? (named.length === 0 ? ['*'] : []) : [outside.startsWith('*') ? '*' : 'default'];
    const line = source.slice(0, match.index).split('\n').length;
    return {
      file,
      line,
      text: match[0].replace(/\s+/g, ' ').trim(),
      specifier: match[2] ?? match[3] ?? match[4] ?? '',
      names: [...named, ...rest],
    };
  });
}

function placeOf(path: string): string | undefined {
  const places = Object.keys(ranks).filter((place) => (place.endsWith('/') ? path.startsWith(place) : path === place));
  return places.sort((a, b) => b.length - a.length)[0];
}

/** @returns the imported file, for the search for cycles */
function checkRelative(found: Import, files: ReadonlySet<string>): string | undefined {
  const target = join(dirname(found.file), found.specifier);
  if (!files.has(target)) {
    complain(found, `"${target}" is not a source file below src or registry`);
    return undefined;
  }
  const [from, to] = [placeOf(found.file), placeOf(target)];
  if (from === undefined || to === undefined || from === to) return target;
  const [fromRank, toRank] = [ranks[from] ?? 0, ranks[to] ?? 0];
  if (toRank >= fromRank) complain(found, `${from} (rank ${fromRank}) must not import ${to} (rank ${toRank})`);
  return target;
}

function checkPackage(found: Import): Gate | undefined {
  const { specifier, file } = found;
  const gate = gates.find(({ module }) => specifier === module || specifier.startsWith(`${module}/`));
  if (gate === undefined) {
    if (!isBuiltin(specifier)) complain(found, `"${specifier}" has no gate in scripts/layers.ts`);
    return undefined;
  }
  if (gate.names !== undefined && !found.names.some((name) => gate.names?.includes(name))) return undefined;
  const inside = gate.places.some((place) => (place.endsWith('/') ? file.startsWith(place) : file === place));
  if (!inside)
    complain(
      found,
      `only ${gate.places.join(' or ')} may import ${gate.names === undefined ? '' : `${gate.names[0]} of `}"${gate.module}"`,
    );
  return gate;
}

/** Reports each cycle of imports once, by its first file. */
function checkCycles(graph: ReadonlyMap<string, readonly string[]>): void {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const start = path.indexOf(file);
    if (start >= 0) problems.push(`imports go round: ${[...path.slice(start), file].join(' -> ')}`);
    if (start >= 0 || done.has(file)) return;
    path.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
}

function checkGates(users: ReadonlyMap<Gate, ReadonlySet<string>>): void {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies?: Record<string, string> };
  const dependencies = Object.keys(manifest.dependencies ?? {});
  for (const gate of gates) {
    const files = [...(users.get(gate) ?? [])];
    if (gate.oneFile && files.length > 1)
      problems.push(`"${gate.module}" is imported by ${files.length} files, its gate is one: ${files.join(', ')}`);
    if (files.length === 0)
      problems.push(`nothing imports "${gate.module}": its gate in scripts/layers.ts leads nowhere`);
  }
  for (const name of dependencies)
    if (!gates.some((gate) => gate.module === name))
      problems.push(`the dependency "${name}" has no gate in scripts/layers.ts`);
}

function main(): void {
  const files = [...filesBelow('src', '.ts'), ...filesBelow('registry', '.ts')];
  const known = new Set(files);
  const graph = new Map<string, string[]>();
  const users = new Map<Gate, Set<string>>();
  for (const file of files) {
    if (placeOf(file) === undefined) problems.push(`${file}: its folder has no rank in scripts/layers.ts`);
    const targets: string[] = [];
    for (const found of importsOf(file)) {
      if (found.specifier.startsWith('.')) targets.push(...[checkRelative(found, known) ?? []].flat());
      else {
        const gate = checkPackage(found);
        if (gate !== undefined) users.set(gate, (users.get(gate) ?? new Set()).add(file));
      }
    }
    graph.set(file, targets);
  }
  checkCycles(graph);
  checkGates(users);
  for (const problem of problems) console.error(problem);
  console.log(
    `layers: ${files.length} files, ${problems.length === 0 ? 'ranks and gates hold' : `${problems.length} problems`}`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
}

main();
