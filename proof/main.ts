import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { explainFailure, judge } from './judge.ts';
import { describe, merge, startTally } from './tally.ts';
import type { Shift, ShiftReport } from './worker.ts';

/** `npm run simulate -- --runs N --seed S --jobs J [--show]`: the real step in simulated worlds, judged by its promises. */
const { values } = parseArgs({
  options: {
    runs: { type: 'string' },
    seed: { type: 'string' },
    jobs: { type: 'string' },
    show: { type: 'boolean' },
  },
});
const runs = Number(values.runs ?? 1_000);
const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const jobs = Number(values.jobs ?? availableParallelism());
/** More would be more of the same. */
const MOST_EXPLAINED = 3;

if (values.show) await show(first, runs);
else await simulate();

/** Tells whole runs, moment by moment. */
async function show(from: number, number: number): Promise<void> {
  for (let seed = from; seed < from + number; seed++) {
    const { broken, run } = await judge(seed, { tell: console.log });
    console.log(`\nseed ${seed}: ${run?.outcome.restarted} ${run?.outcome.error?.code ?? ''}`);
    console.log(broken.length === 0 ? 'every promise kept' : `broken: ${broken.join('; ')}`);
  }
}

async function simulate(): Promise<void> {
  const startedAt = performance.now();
  const shifts = await Promise.all(Array.from({ length: jobs }, (_, job) => work(shiftOf(job))));
  const seconds = (performance.now() - startedAt) / 1_000;
  const tally = startTally();
  for (const shift of shifts) merge(tally, shift.tally);
  const failures = shifts.flatMap((shift) => shift.failures);

  for (const line of describe(tally)) console.log(line);
  for (const failure of failures.slice(0, MOST_EXPLAINED)) console.log(`\n${await explainFailure(failure)}`);
  for (const { seed, broken } of failures.slice(MOST_EXPLAINED)) {
    console.log(`\nseed ${seed}: ${broken.join('; ')}`);
  }
  const rate = Math.round(tally.runs / seconds);
  console.log(`\n${tally.runs} runs from seed ${first} in ${seconds.toFixed(1)} s: ${rate} a second`);
  console.log(`${tally.runs - failures.length} kept every promise, ${failures.length} did not`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

/** Each job gets a stretch of its own of the seeds. */
function shiftOf(job: number): Shift {
  const [from, to] = [Math.floor((runs * job) / jobs), Math.floor((runs * (job + 1)) / jobs)];
  return { from: first + from, to: first + to };
}

function work(shift: Shift): Promise<ShiftReport> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: shift });
    worker.once('message', resolve).once('error', reject);
  });
}
