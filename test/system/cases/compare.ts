// The differences between what BuildKit made and what this project makes, one line each.
import type { LayerEntry, Outcome } from './outcome.ts';

/** Lines such as `config.Env: ["a=1"] | ["a=2"]`, BuildKit's value first; [] when there is none. */
export function differences(want: Outcome, got: Outcome): string[] {
  return [
    ...compareValues('base', want.base, got.base),
    ...compareFields('config.', want.config, got.config),
    ...compareLists('history', want.history, got.history),
    ...compareLayers(want.layers, got.layers),
  ];
}

/** JSON with sorted keys; `undefined`, null and empty objects and lists count as absent, as Go's omitempty has it. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'absent';
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}

function compareValues(where: string, want: unknown, got: unknown): string[] {
  if (isAbsent(want) && isAbsent(got)) return [];
  const [a, b] = [canonical(want), canonical(got)];
  return a === b ? [] : [`${where}: ${a} | ${b}`];
}

function compareFields(where: string, want: object, got: object): string[] {
  const [a, b] = [new Map(Object.entries(want)), new Map(Object.entries(got))];
  return [...new Set([...a.keys(), ...b.keys()])]
    .sort()
    .flatMap((key) => compareValues(`${where}${key}`, a.get(key), b.get(key)));
}

function compareLists(where: string, want: readonly unknown[], got: readonly unknown[]): string[] {
  const length = Math.max(want.length, got.length);
  return Array.from({ length }, (_, position) =>
    compareValues(`${where} ${position + 1}`, want[position], got[position]),
  ).flat();
}

function compareLayers(want: Outcome['layers'], got: Outcome['layers']): string[] {
  const length = Math.max(want.length, got.length);
  const count = want.length === got.length ? [] : [`layers: ${want.length} | ${got.length}`];
  const byPath = (entries: readonly LayerEntry[] = []): Record<string, LayerEntry> =>
    Object.fromEntries(entries.map((entry) => [entry.path, entry]));
  return [
    ...count,
    ...Array.from({ length }, (_, position) =>
      compareEntries(position + 1, byPath(want[position]), byPath(got[position])),
    ).flat(),
  ];
}

function compareEntries(layer: number, want: Record<string, LayerEntry>, got: Record<string, LayerEntry>): string[] {
  const paths = [...new Set([...Object.keys(want), ...Object.keys(got)])].sort();
  return paths.flatMap((path) => {
    const [a, b] = [want[path], got[path]];
    if (a === undefined || b === undefined)
      return [`layer ${layer} ${path}: ${a?.type ?? 'missing'} | ${b?.type ?? 'missing'}`];
    return compareFields(`layer ${layer} ${path} `, a, b);
  });
}
