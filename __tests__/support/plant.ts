import { afterEach, jest } from '@jest/globals';
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

interface Search {
  readonly bug: string;
  /** How many worlds to play at most. */
  readonly most: number;
  /** Plays the world of a seed. @returns what it broke. */
  readonly play: (seed: number) => Promise<readonly string[]>;
  readonly isFound: (broken: string) => boolean;
}

/**
 * Plays worlds until one breaks as the bug should. Begins at the first world, or, for a bug that only rare worlds show, shortly before one
 * that is known to (planted-bug-starts.json; `SHOW_RUNS=1` prints where a bug is found).
 * @returns everything that broke.
 */
export async function searchWorlds({ bug, most, play, isFound }: Search): Promise<readonly string[]> {
  const known: Readonly<Record<string, number>> = starts;
  const start = known[bug] ?? 1;
  const broken: string[] = [];
  let seed = start;
  for (; seed < start + most && !broken.some(isFound); seed++) broken.push(...(await play(seed)));
  if (process.env['SHOW_RUNS']) process.stderr.write(`FOUND ${seed - 1} | ${bug}\n`);
  return broken;
}
