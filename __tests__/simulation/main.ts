import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { readOptions } from '../../simulator/command-line.ts';
import { describeIdleTable, IDLE_FOR_MS, type IdleRow, measureIdleRow } from './idle-table.ts';
import { checkSeed, describeFailure } from './replay.ts';
import { describe, merge, startTally } from './tally.ts';
import type { RangeReport, SeedRange } from './worker.ts';

const USAGE = `Runs the real step in simulated worlds, and checks every guarantee.

Usage: npm run simulate -- [options]

  --runs N      number of worlds (default 1000)
  --seed S      seed of the first world (default: random); the other worlds count up from it
  --jobs J      worlds at a time (default: one per core)
  --show        print each run, moment by moment
  --pairs       list the pairs of faults that never happened in one run
  --fleets      worlds with 2 to 12 VMs per step, instead of one
  --pools       worlds with VMs between jobs: one-job runners, sweeps, used_by_job, drain
  --idle-table  instead, measure how many jobs are lost for each idle_for, with --runs restarts per cell`;

const MOST = 2 ** 32;
const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean' } as const;
const { runs, first, jobs, isShown, listsPairs, measuresIdle, areFleets, arePools } = readOptions(
  USAGE,
  {
    runs: TEXT,
    seed: TEXT,
    jobs: TEXT,
    show: FLAG,
    pairs: FLAG,
    fleets: FLAG,
    pools: FLAG,
    'idle-table': FLAG,
  },
  (
    { show = false, pairs = false, fleets = false, pools = false, 'idle-table': idleTable = false },
    number,
  ) => ({
    runs: number('runs', 1_000, { min: 1, max: MOST }),
    first: number('seed', Math.floor(Math.random() * (MOST / 2)), { min: 0, max: MOST }),
    jobs: number('jobs', availableParallelism(), { min: 1, max: 256 }),
    isShown: show,
    listsPairs: pairs,
    measuresIdle: idleTable,
    areFleets: fleets,
    arePools: pools,
  }),
);
/** How many failures are explained in full; the others are only listed. */
const MOST_EXPLAINED = 3;

if (measuresIdle) await measureIdle(first, runs);
else if (isShown) await show(first, runs);
else await simulate();

/** Prints how many jobs are lost because no source showed them. */
async function measureIdle(from: number, number: number): Promise<void> {
  const rows: IdleRow[] = [];
  for (const readsJobs of [true, false]) {
    for (const idleForMs of IDLE_FOR_MS)
      rows.push(await measureIdleRow({ idleForMs, readsJobs }, { first: from, runs: number }));
  }
  for (const line of describeIdleTable(rows)) console.log(line);
  const restarts = rows.map((row) => row.restarts);
  console.log(
    `\njobs lost per 1,000 restarts; ${Math.min(...restarts)} to ${Math.max(...restarts)} restarts in each cell, ${number} worlds from seed ${from}`,
  );
}

/** Prints whole runs, moment by moment. */
async function show(from: number, number: number): Promise<void> {
  for (let seed = from; seed < from + number; seed++) {
    const { broken, run } = await checkSeed(seed, { log: console.log, isFleet: areFleets, isPool: arePools });
    const ends = run?.vms.map(({ outcome }) => `${outcome.restarted} ${outcome.error?.code ?? ''}`.trim());
    console.log(`\nseed ${seed}: ${ends?.join(', ')}`);
    console.log(broken.length === 0 ? 'every guarantee holds' : `broken: ${broken.join('; ')}`);
  }
}

async function simulate(): Promise<void> {
  const startedAt = performance.now();
  const reports = await Promise.all(Array.from({ length: jobs }, (_, job) => work(seedsOf(job))));
  const seconds = (performance.now() - startedAt) / 1_000;
  const tally = startTally();
  for (const report of reports) merge(tally, report.tally);
  const failures = reports.flatMap((report) => report.failures);

  for (const line of describe(tally, { listsPairs })) console.log(line);
  const explained = failures.slice(0, MOST_EXPLAINED);
  for (const failure of explained)
    console.log(`\n${await describeFailure(failure, { isFleet: areFleets, isPool: arePools })}`);
  for (const { seed, broken } of failures.slice(explained.length)) {
    console.log(`\nseed ${seed}: ${broken.join('; ')}`);
  }
  const rate = Math.round(tally.runs / seconds);
  console.log(`\n${tally.runs} runs from seed ${first} in ${seconds.toFixed(1)} s: ${rate} per second`);
  console.log(`${tally.runs - failures.length} kept every guarantee, ${failures.length} did not`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

/** The range of seeds of one job. */
function seedsOf(job: number): SeedRange {
  const [from, to] = [Math.floor((runs * job) / jobs), Math.floor((runs * (job + 1)) / jobs)];
  return { from: first + from, to: first + to, areFleets, arePools };
}

function work(seeds: SeedRange): Promise<RangeReport> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: seeds });
    worker.once('message', resolve).once('error', reject);
  });
}
