// The differences between what BuildKit made and what this project makes.
import type { LayerEntry, Outcome } from './outcome.ts';

/** A difference; values as JSON with sorted keys, `absent` where there is none. */
export interface Difference {
  /** Such as `config.Env`, `history 2`, `layer 1 /etc/passwd mode`. */
  readonly where: string;
  readonly want: string;
  readonly got: string;
}

/** Differences in config, history and layers, in this order; [] when there is none. */
export function differences(want: Outcome, got: Outcome): Difference[] {
  return [
    ...compareValues('base', want.base, got.base),
    ...compareFields('config.', want.config, got.config),
    ...compareLists('history', want.history, got.history),
    ...compareLayers(want.layers, got.layers),
  ];
}

/** JSON with sorted keys; `undefined`, null and empty objects and lists count as absent, as Go's omitempty has it. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || value === undefined) return 'absent';
  if (typeof value !== 'object') return JSON.stringify(value);
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}

function compareValues(where: string, want: unknown, got: unknown): Difference[] {
  if (isAbsent(want) && isAbsent(got)) return [];
  const [a, b] = [canonical(want), canonical(got)];
  return a === b ? [] : [{ where, want: a, got: b }];
}

function compareFields(where: string, want: object, got: object): Difference[] {
  const [a, b] = [new Map(Object.entries(want)), new Map(Object.entries(got))];
  return [...new Set([...a.keys(), ...b.keys()])]
    .sort()
    .flatMap((key) => compareValues(`${where}${key}`, a.get(key), b.get(key)));
}

function compareLists(where: string, want: readonly unknown[], got: readonly unknown[]): Difference[] {
  const length = Math.max(want.length, got.length);
  return Array.from({ length }, (_, position) =>
    compareValues(`${where} ${position + 1}`, want[position], got[position]),
  ).flat();
}

function compareLayers(want: Outcome['layers'], got: Outcome['layers']): Difference[] {
  const length = Math.max(want.length, got.length);
  const count =
    want.length === got.length ? [] : [{ where: 'layers', want: String(want.length), got: String(got.length) }];
  const byPath = (entries: readonly LayerEntry[] = []): Record<string, LayerEntry> =>
    Object.fromEntries(entries.map((entry) => [entry.path, entry]));
  return [
    ...count,
    ...Array.from({ length }, (_, position) =>
      compareEntries(position + 1, byPath(want[position]), byPath(got[position])),
    ).flat(),
  ];
}

function compareEntries(
  layer: number,
  want: Record<string, LayerEntry>,
  got: Record<string, LayerEntry>,
): Difference[] {
  const paths = [...new Set([...Object.keys(want), ...Object.keys(got)])].sort();
  return paths.flatMap((path) => {
    const [a, b] = [want[path], got[path]];
    if (a === undefined || b === undefined)
      return [{ where: `layer ${layer} ${path}`, want: canonical(a?.type), got: canonical(b?.type) }];
    return compareFields(`layer ${layer} ${path} `, a, b);
  });
}
