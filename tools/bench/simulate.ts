import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { MODELS } from './models.ts';
import { POLICIES } from './policies.ts';
import { type Figures, simulateRestart } from './restart.ts';
import { type Summary, summarize } from './statistics.ts';

/** One model and one policy, by their positions in the lists; and the seeds of the worlds. */
interface Batch {
  readonly model: number;
  readonly policy: number;
  readonly firstSeed: number;
  readonly runs: number;
}

/** The results of a policy in a model. */
export interface Result extends Summary {
  readonly model: string;
  readonly policy: string;
  /** Delays at each percentile, in milliseconds. */
  readonly percentilesMs: readonly number[];
}

/** Runs every policy in the same worlds of every model, on all cores. */
export async function simulateAll({ firstSeed, runs }: Pick<Batch, 'firstSeed' | 'runs'>): Promise<Result[]> {
  const batches = MODELS.flatMap((_, model) =>
    POLICIES.map((_, policy): Batch => ({ model, policy, firstSeed, runs })),
  );
  const results: Result[] = [];
  const waiting = [...batches.entries()];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, batch] = next;
      results[index] = resultOf(batch, await inWorker(batch));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return results;
}

function inWorker(batch: Batch): Promise<Figures[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: batch });
    worker.once('message', resolve).once('error', reject);
  });
}

function resultOf({ model, policy }: Batch, figures: readonly Figures[]): Result {
  const delays = figures.map(({ delayMs }) => delayMs).sort((a, b) => a - b);
  const percentilesMs = Array.from({ length: 101 }, (_, percent) => {
    return Math.round(delays[Math.min(delays.length - 1, Math.floor((percent / 100) * delays.length))] ?? 0);
  });
  const names = { model: MODELS[model]?.name ?? '', policy: POLICIES[policy]?.name ?? '' };
  return { ...names, ...summarize(figures), percentilesMs };
}

async function simulateBatch({ model, policy, firstSeed, runs }: Batch): Promise<Figures[]> {
  const setup = { model: MODELS[model], policy: POLICIES[policy] };
  if (setup.model === undefined || setup.policy === undefined) throw new Error('no such model or policy');
  const figures: Figures[] = [];
  for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
    figures.push(await simulateRestart(seed, { model: setup.model, policy: setup.policy }));
  }
  return figures;
}

if (!isMainThread && parentPort !== null) parentPort.postMessage(await simulateBatch(workerData as Batch));
