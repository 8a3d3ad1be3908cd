import { parentPort, workerData } from 'node:worker_threads';
import { checkSeed, type SeedResult } from './replay.ts';
import { count, startTally, type Tally } from './tally.ts';

/** The seeds of one job, without `to`. */
export interface SeedRange {
  readonly from: number;
  readonly to: number;
  /** Whether they are worlds of fleets. */
  readonly areFleets: boolean;
  /** Whether they are worlds of pools. */
  readonly arePools: boolean;
}

export interface RangeReport {
  readonly tally: Tally;
  readonly failures: readonly SeedResult[];
}

// Stacks are not used here, and they take a tenth of the time.
Error.stackTraceLimit = 0;

const { from, to, areFleets, arePools }: SeedRange = workerData;
const tally = startTally();
const failures: SeedResult[] = [];
for (let seed = from; seed < to; seed++) {
  const { run, broken } = await checkSeed(seed, { isFleet: areFleets, isPool: arePools });
  if (run !== undefined) count(tally, run);
  if (broken.length > 0) failures.push({ seed, broken, run: undefined });
}

parentPort?.postMessage({ tally, failures } satisfies RangeReport);
