import type { Instance } from '../src/controller/instance.ts';
import type { Exchange, Series } from './notebook.ts';

/** An instance as one answer showed it. Moments are milliseconds on the clock's scale. */
export interface Sighting {
  readonly instance: Instance;
  readonly series: Series;
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** In the order of the answers. */
export function sightingsIn(exchanges: readonly Exchange[]): Sighting[] {
  return exchanges.flatMap(({ answer, series, askedAt, answeredAt }) =>
    (answer?.instances ?? []).map((instance) => ({ instance, series, askedAt, answeredAt })),
  );
}

/** By whatever names them, such as the instance's ID; those without a name are left out. */
export function groupSightings(
  sightings: readonly Sighting[],
  nameOf: (instance: Instance) => string | undefined,
): Map<string, Sighting[]> {
  const groups = new Map<string, Sighting[]>();
  for (const sighting of sightings) {
    const name = nameOf(sighting.instance);
    if (name === undefined) continue;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [sighting]);
    else group.push(sighting);
  }
  return groups;
}

/** The middle one of some numbers; undefined where there are none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}
