import { parentPort, workerData } from 'node:worker_threads';
import { checkSeed, type SeedResult } from './replay.ts';
import { count, startTally, type Tally } from './tally.ts';

/** The seeds of one job: from the first up to, and without, the last. */
export interface Shift {
  readonly from: number;
  readonly to: number;
}

export interface ShiftReport {
  readonly tally: Tally;
  readonly failures: readonly SeedResult[];
}

// Stacks are told to nobody here, and take a tenth of the time.
Error.stackTraceLimit = 0;

const { from, to }: Shift = workerData;
const tally = startTally();
const failures: SeedResult[] = [];
for (let seed = from; seed < to; seed++) {
  const { run, broken } = await checkSeed(seed);
  if (run !== undefined) count(tally, run);
  if (broken.length > 0) failures.push({ seed, broken, run: undefined });
}
parentPort?.postMessage({ tally, failures } satisfies ShiftReport);
