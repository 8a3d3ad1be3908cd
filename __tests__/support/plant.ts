import { afterEach, expect, jest } from '@jest/globals';
import starts from './planted-bug-starts.json' with { type: 'json' };

let planted: string[] = [];

/** Replaces some of what a module of `src` exports until the end of the test: import what uses it after that. */
export async function plant<T extends object>(path: string, change: (real: T) => Partial<T>): Promise<void> {
  const real: T = await import(path);
  planted.push(path);
  jest.unstable_mockModule(path, () => ({ ...real, ...change(real) }));
}

afterEach(() => {
  for (const path of planted) jest.unstable_unmockModule(path);
  planted = [];
  jest.resetModules();
});

interface PlantedBug {
  readonly bug: string;
  readonly plantBug: () => Promise<void>;
  /** How many worlds to play at most. */
  readonly most: number;
  readonly kind?: { readonly isFleet?: boolean; readonly isPool?: boolean };
  /** The checker's words for what the bug breaks. */
  readonly found: RegExp | string;
}

/**
 * Plays worlds until one breaks as the bug should. Starts at the first world; for a bug that only rare worlds show, shortly before a world
 * that is known to show it (planted-bug-starts.json; `SHOW_RUNS=1` prints where a bug is found).
 */
export async function expectFound({ bug, plantBug, most, kind = {}, found }: PlantedBug): Promise<void> {
  await plantBug();
  const { checkSeed } = await import('../simulation/replay.ts');
  const known: Readonly<Record<string, number>> = starts;
  const start = known[bug] ?? 1;
  const isFound = (one: string) => (typeof found === 'string' ? one.includes(found) : found.test(one));
  const broken: string[] = [];
  let seed = start;
  for (; seed < start + most && !broken.some(isFound); seed++)
    broken.push(...(await checkSeed(seed, kind)).broken);
  if (process.env['SHOW_RUNS']) process.stderr.write(`FOUND ${seed - 1} | ${bug}\n`);
  const matching = typeof found === 'string' ? expect.stringContaining(found) : expect.stringMatching(found);
  expect(broken).toContainEqual(matching);
}
