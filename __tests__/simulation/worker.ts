import { parentPort, workerData } from 'node:worker_threads';
import { brokenFleetPromises } from './fleet-promises.ts';
import { runFleet } from './fleet-run.ts';
import { checkSeed, type SeedResult } from './replay.ts';
import { count, countFleet, startTally, type Tally } from './tally.ts';

/** The seeds of one job: from the first up to, and without, the last. */
export interface SeedRange {
  readonly from: number;
  readonly to: number;
  /** Whether they are worlds of fleets. */
  readonly areFleets: boolean;
}

export interface RangeReport {
  readonly tally: Tally;
  readonly failures: readonly SeedResult[];
}

// Nobody reads stacks here, and they take a tenth of the time.
Error.stackTraceLimit = 0;

const { from, to, areFleets }: SeedRange = workerData;
const tally = startTally();
const failures: SeedResult[] = [];
for (let seed = from; seed < to; seed++) {
  const broken = areFleets ? await checkFleet(seed) : await checkOne(seed);
  if (broken.length > 0) failures.push({ seed, broken, run: undefined });
}

async function checkOne(seed: number): Promise<readonly string[]> {
  const { run, broken } = await checkSeed(seed);
  if (run !== undefined) count(tally, run);
  return broken;
}

async function checkFleet(seed: number): Promise<readonly string[]> {
  const run = await runFleet(seed);
  countFleet(tally, run);
  return brokenFleetPromises(run);
}

parentPort?.postMessage({ tally, failures } satisfies RangeReport);
