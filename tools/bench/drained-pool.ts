import { playStep } from '../../__tests__/simulation/play-step.ts';
import {
  CONTROLLER_ORIGIN,
  createStage,
  GITHUB_TOKEN,
  passPrelude,
  START,
  WHOLE,
} from '../../__tests__/simulation/stage.ts';
import type { SimulatedRunner } from '../../simulator/github-runners.ts';
import { createRandom, type Random } from '../../simulator/random.ts';
import { DEFAULT_WORLD } from '../../simulator/world.ts';
import { median, quantile } from './statistics.ts';

/*
 * What it costs to reset a busy pool with `drain`: the runners are persistent, and the queue is never empty. Everything is on virtual time.
 */

/** What the resets of one pool cost; in milliseconds. */
interface Pool {
  /** For each reset, stop, start, boot and registration, with nothing between them. */
  readonly limitsMs: readonly number[];
  /** For each reset, the time without a job on the runner. */
  readonly lostMs: readonly number[];
  readonly jobsKilled: number;
  /** From the start of the step to its end. */
  readonly wallMs: number;
}

interface DrainedPoolRow {
  readonly maxParallel: string;
  readonly pools: number;
  readonly resets: number;
  readonly jobsKilled: number;
  readonly limitMs: number;
  readonly medianLostMs: number;
  readonly p95LostMs: number;
  /** Median for the whole pool. */
  readonly wallMs: number;
}

const VMS = 10;
const MINUTE_MS = 60_000;
const JOB_MS = { min: 5 * MINUTE_MS, max: 15 * MINUTE_MS };
/** More than the pool can run while the step lasts. */
const JOBS = 300;
/** So that the jobs do not end at the same time. */
const PRELUDE_MS = 30 * MINUTE_MS;
const LOGIN_MS = { min: 15_000, max: 35_000 };
const NETWORK_MS = 30;
const LABEL = 'macos-vm';

export async function measureDrainedPools(firstSeed: number, pools: number): Promise<DrainedPoolRow[]> {
  const rows: DrainedPoolRow[] = [];
  for (const maxParallel of ['1', '5']) {
    const played: Pool[] = [];
    for (let seed = firstSeed; seed < firstSeed + pools; seed++)
      played.push(await playOne(seed, maxParallel));
    rows.push(rowOf(maxParallel, played));
  }
  return rows;
}

/** @throws Error if a VM was not reset, or the queue was too short. */
async function playOne(seed: number, maxParallel: string): Promise<Pool> {
  const random = createRandom(seed ^ 0x0d12);
  const loginMs = random.between(LOGIN_MS.min, LOGIN_MS.max);
  const stage = stageOf({ seed, random, loginMs });
  const { github, world, time } = stage;
  await passPrelude(stage);
  const { outcome, endedAt } = await playStep(stage, {
    ...{ controller_url: CONTROLLER_ORIGIN, external_id: 'runner-*', max_parallel: maxParallel },
    ...{ runner_name: '{external_id}', runner_scope: 'octo-org', github_token: GITHUB_TOKEN, drain: 'true' },
  });
  const failed = outcome.vms.find(({ restarted }) => restarted !== 'true');
  if (failed !== undefined) throw new Error(`seed ${seed}, ${failed.name}: ${failed.error?.message}`);
  await time.run(time.clock.sleep(MINUTE_MS, new AbortController().signal));
  world.advanceTo(time.now());
  const { stopMs, startMs } = DEFAULT_WORLD;
  if (!github.runners.every(({ jobs }) => (jobs.at(-1)?.endsAt ?? 0) > time.now()))
    throw new Error(`seed ${seed}: a runner has no job at the end`);
  const killed = github.runners.flatMap(({ jobs }) => jobs.filter(({ killedAt }) => killedAt !== undefined));
  return {
    limitsMs: github.runners.map(() => stopMs + startMs + loginMs),
    lostMs: github.runners.map(lostMsOf),
    jobsKilled: killed.length,
    wallMs: endedAt - START,
  };
}

interface Drawn {
  readonly seed: number;
  readonly random: Random;
  readonly loginMs: number;
}

function stageOf({ seed, random, loginMs }: Drawn) {
  const trip = () => NETWORK_MS * random.between(0.8, 1.2);
  return createStage({
    ...{ world: { seed, vms: VMS }, preludeMs: PRELUDE_MS, random },
    github: { token: GITHUB_TOKEN, habits: { loginMs } },
    runnersIn: ({ externalId = '' }) => [{ name: externalId, labels: [LABEL] }],
    deliveryOf: () => ({ ...WHOLE, connectMs: 0, thereMs: trip(), backMs: trip() }),
    prepare({ github }) {
      const jobs = Array.from({ length: JOBS }, (_, index) => ({
        ...{ name: `test ${index + 1}`, labels: ['self-hosted', LABEL] },
        forMs: random.between(JOB_MS.min, JOB_MS.max),
      }));
      github.runs.add({ jobs });
    },
  });
}

/** The runner's one long pause between two jobs; the others are as short as GitHub takes to assign a job. */
function lostMsOf({ jobs }: SimulatedRunner): number {
  const pauses = jobs.map(({ startedAt }, index) => startedAt - (jobs[index - 1]?.endsAt ?? startedAt));
  return Math.max(...pauses);
}

function rowOf(maxParallel: string, pools: readonly Pool[]): DrainedPoolRow {
  const lost = pools.flatMap(({ lostMs }) => lostMs).sort((a, b) => a - b);
  return {
    ...{ maxParallel, pools: pools.length, resets: lost.length },
    jobsKilled: pools.reduce((sum, pool) => sum + pool.jobsKilled, 0),
    limitMs: median(pools.flatMap(({ limitsMs }) => limitsMs)),
    ...{ medianLostMs: quantile(lost, 0.5), p95LostMs: quantile(lost, 0.95) },
    wallMs: median(pools.map(({ wallMs }) => wallMs)),
  };
}

/** A table in Markdown, in minutes. */
export function tableOfDrainedPools(rows: readonly DrainedPoolRow[]): string {
  return [
    '| VMs at once | resets | jobs killed | minimum | runner time lost per reset | time for the whole pool |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map(
      ({ maxParallel, resets, jobsKilled, limitMs, medianLostMs, p95LostMs, wallMs }) =>
        `| ${maxParallel} | ${resets} | ${jobsKilled} | ${minutes(limitMs)} | ${minutes(medianLostMs)} / ${minutes(p95LostMs)} | ${minutes(wallMs)} |`,
    ),
  ].join('\n');
}

function minutes(ms: number): string {
  return (ms / MINUTE_MS).toFixed(1);
}
