import { createRandom, type Random } from '../../simulator/random.ts';
import { drawHabits } from './draw-runner.ts';
import { runOnce } from './run.ts';
import { faultless, type RunnerScenario, type Scenario, type Span } from './scenario.ts';

/*
 * Measures how many jobs a restart kills because no source shows them yet: a table by `idle_for`, with the jobs source and without. The
 * only fault in these worlds is the one measured: GitHub shows a job late, and may stop showing it for a while, as in the other worlds
 * (draw-runner.ts). The jobs are drawn here: half of them wait in a queue and begin within seconds of the end of the previous one; the others
 * begin after minutes.
 */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

export const IDLE_FOR_MS: readonly number[] = [0, 30, 60, 90, 180].map((seconds) => seconds * SECOND);

/** The result of several worlds. */
export interface IdleRow extends IdleSetting {
  readonly restarts: number;
  /** Of these, the restarts that killed a job. */
  readonly lost: number;
  /** The mean time from the start of the step until the restart left, in milliseconds. */
  readonly meanWaitMs: number;
}

interface IdleSetting {
  readonly idleForMs: number;
  readonly readsJobs: boolean;
}

/** Plays this many worlds from the seed on. Each row plays the same seeds, so that rows differ only in their setting. */
export async function measureIdleRow(
  setting: IdleSetting,
  { first, runs }: { readonly first: number; readonly runs: number },
): Promise<IdleRow> {
  let [restarts, lost, waitedMs] = [0, 0, 0];
  for (let seed = first; seed < first + runs; seed++) {
    const run = await runOnce(seed, { change: () => quietWorld(seed, setting) });
    const [post] = run.posts;
    if (post === undefined) continue;
    restarts++;
    if (run.vms[0]?.runners[0]?.jobs.some(({ isKilledByUs }) => isKilledByUs)) lost++;
    waitedMs += post.departedAt - run.startedAt;
  }
  return { ...setting, restarts, lost, meanWaitMs: waitedMs / restarts };
}

function quietWorld(seed: number, { idleForMs, readsJobs }: IdleSetting): Scenario {
  const random = createRandom(seed).fork('idle table');
  const runner: RunnerScenario = {
    nameTemplate: '{name}',
    whenBusy: 'wait',
    idleForMs,
    busyTimeoutMs: 24 * 60 * MINUTE,
    waitsForRunner: false,
    runnerTimeoutMs: 10 * MINUTE,
    habits: drawHabits(random.fork('habits')),
    isEphemeral: false,
    startsAfterBoot: true,
    quota: 5_000,
    showsJobs: readsJobs,
    otherRuns: 1,
    queuesMore: false,
    hidesRunnerMs: 0,
    spellsInUpperCase: false,
    hasNumberTwin: false,
    refusal: undefined,
    misreport: undefined,
    jobsAway: undefined,
    longList: undefined,
    pagesShiftEveryMs: undefined,
  };
  const quiet = faultless(seed);
  const [vm] = quiet.vms;
  const vms = vm === undefined ? [] : [{ ...vm, jobs: drawQueue(random.fork('jobs')) }];
  return { ...quiet, preludeMs: -FROM_MS, vms, runner, network: { ...quiet.network, latencyMs: 50 } };
}

/** Jobs begin from this long before the step begins until this long after it. */
const FROM_MS = -20 * MINUTE;
const UNTIL_MS = 4 * 60 * MINUTE;
/** The longest time from the end of a job to the next queued one, and to any other one; and the longest job. */
const QUEUED_WITHIN_MS = 10 * SECOND;
const OTHERS_WITHIN_MS = 15 * MINUTE;
const LONGEST_JOB_MS = 6 * MINUTE;

function drawQueue(random: Random): Span[] {
  const jobs: Span[] = [];
  let at = FROM_MS + random.fork('first').next() * OTHERS_WITHIN_MS;
  for (let index = 0; at < UNTIL_MS; index++) {
    const own = random.fork(`job ${index}`);
    const forMs = own.next() * LONGEST_JOB_MS;
    jobs.push({ afterMs: at, forMs });
    const isQueued = own.next() < 0.5;
    at += forMs + SECOND + own.next() * (isQueued ? QUEUED_WITHIN_MS : OTHERS_WITHIN_MS);
  }
  return jobs;
}

/** The rows as a table in Markdown, by `idle_for`. */
export function describeIdleTable(rows: readonly IdleRow[]): string[] {
  const cell = (row: IdleRow | undefined) =>
    row === undefined
      ? ''
      : `${((row.lost / row.restarts) * 1_000).toFixed(1)} | ${Math.round(row.meanWaitMs / SECOND)} s`;
  const find = (idleForMs: number, readsJobs: boolean) =>
    rows.find((row) => row.idleForMs === idleForMs && row.readsJobs === readsJobs);
  return [
    '| `idle_for` | lost, with "Actions: read" | wait | lost, without | wait |',
    '| --- | --- | --- | --- | --- |',
    ...IDLE_FOR_MS.map(
      (idleForMs) =>
        `| \`${idleForMs / SECOND}s\` | ${cell(find(idleForMs, true))} | ${cell(find(idleForMs, false))} |`,
    ),
  ];
}
