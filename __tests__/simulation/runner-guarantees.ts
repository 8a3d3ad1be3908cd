import { FITTING } from './fitting-codes.ts';
import type { GitHubReading } from './github-readings.ts';
import type { Check } from './guarantees.ts';
import type { TrueRunner, VmRecord } from './run.ts';

/*
 * Guarantees about the GitHub runner. A job that no source shows yet is sometimes killed, and no client could know. So the checks use what
 * the step was shown: for each restart that left, the answers of both sources that had reached the step by then.
 */

/** The guarded runner, and when restarts left; undefined if the step does not guard the runner. */
function guarded({ runner, posts, tries, scenario }: VmRecord) {
  if (runner === undefined || scenario.runner === undefined || scenario.runner.whenBusy === 'ignore')
    return undefined;
  return { runner, departures: posts.map(({ departedAt }) => departedAt), tries, ...scenario.runner };
}

/** No restart leaves if either source showed a job at its last read, or the runners source did within `idle_for`. */
export const killedJob: Check = (run) => {
  const { runner, departures, idleForMs } = guarded(run) ?? {};
  if (runner === undefined || departures === undefined || idleForMs === undefined) return undefined;
  const isShown = departures.some((departedAt) => {
    return showedRunnerBusy(runner, { departedAt, idleForMs }) || showedJob(runner, departedAt);
  });
  return isShown ? 'a restart left though a source showed a job' : undefined;
};

interface Departure {
  readonly departedAt: number;
  readonly idleForMs: number;
}

function showedRunnerBusy(runner: TrueRunner, { departedAt, idleForMs }: Departure): boolean {
  const readings = readingsAt(runner, 'runner', departedAt);
  const last = readings.at(-1)?.at ?? departedAt;
  return readings.some(({ madeAt, showsJob }, index) => {
    return showsJob && (madeAt >= last - idleForMs || index === readings.length - 1);
  });
}

/** Whether the last list of runs has one with a job on the runner, unless a later read of that run's jobs showed that it was over. */
function showedJob(runner: TrueRunner, departedAt: number): boolean {
  const pages = readingsAt(runner, 'runs', departedAt);
  const jobs = readingsAt(runner, 'jobs', departedAt);
  return lastLists(pages).some(({ runIds, at: listedAt }) =>
    runIds.some((runId) => {
      return !jobs.some(
        (reading) => reading.at >= listedAt && reading.runIds.includes(runId) && !reading.showsJob,
      );
    }),
  );
}

/** All pages of the last list of each status. */
function lastLists(pages: readonly GitHubReading[]): GitHubReading[] {
  const firstPages = new Map<string, number>();
  return pages.toReversed().filter(({ list, page }) => {
    const firstPage = firstPages.get(list) ?? Number.POSITIVE_INFINITY;
    firstPages.set(list, Math.min(page, firstPage));
    return page < firstPage;
  });
}

/** What had reached the step by then, except refusals. */
function readingsAt({ readings }: TrueRunner, about: GitHubReading['about'], until: number): GitHubReading[] {
  return readings.filter((reading) => reading.about === about && reading.at <= until && !reading.isNo);
}

/** Before a restart leaves, the runner was read at least twice, over at least `idle_for`. */
export const hasty: Check = (run) => {
  const { runner, departures, idleForMs } = guarded(run) ?? {};
  if (runner === undefined || departures === undefined || idleForMs === undefined) return undefined;
  const isHasty = departures.some((departedAt) => {
    const readings = readingsAt(runner, 'runner', departedAt);
    const [first, last] = [readings[0], readings.at(-1)];
    return first === undefined || last === undefined || readings.length < 2 || last.at - first.at < idleForMs;
  });
  return isHasty ? 'a restart without reading the runner for long enough' : undefined;
};

/** Both sources are read before every attempt of the restart, whether it left or not. */
export const blindTry: Check = (run) => {
  const { runner, tries } = guarded(run) ?? {};
  if (runner === undefined || tries === undefined) return undefined;
  const isAsked = (readings: readonly GitHubReading[]) =>
    tries.every((until, index) => {
      const since = tries[index - 1] ?? Number.NEGATIVE_INFINITY;
      return readings.some(({ at }) => at > since && at <= until);
    });
  const ofRunner = runner.readings.filter(({ about, isNo }) => about === 'runner' && !isNo);
  if (!isAsked(ofRunner)) return 'an attempt of the restart without reading the runner again';
  // A source that refused is read again as well.
  return isAsked(runner.readings.filter(({ about }) => about === 'runs'))
    ? undefined
    : 'an attempt of the restart without reading the jobs again';
};

/** How long a reading counts, plus how long its answer may take to arrive: in milliseconds. */
const READING_COUNTS_MS = 21_000;

/** The restart leaves soon after the runner was read, even if the process was suspended in between. */
export const staleReading: Check = ({ runner, posts, scenario }) => {
  if (runner === undefined || scenario.runner?.whenBusy === 'ignore') return undefined;
  const isStale = posts.some(({ departedAt }) => {
    const readAt = readingsAt(runner, 'runner', departedAt).at(-1)?.at ?? Number.NEGATIVE_INFINITY;
    return departedAt - readAt > READING_COUNTS_MS;
  });
  return isStale ? 'a restart left long after the runner was last read' : undefined;
};

/**
 * A VM is skipped only because of a job, with `when_busy: skip`; or because it is not running and only a pattern matched it. Then no
 * restart was sent, or none was carried out.
 */
export const idleSkip: Check = (run) => {
  const { outcome, runner, scenario } = run;
  if (outcome.leftAlone !== 'skipped') return undefined;
  const isShown = run.faults.has('wrong GitHub data') || (runner !== undefined && runner.jobs.length > 0);
  const hasJob = scenario.runner?.whenBusy === 'skip' && isShown;
  const isDown = run.fitsOnlyPattern && FITTING.not_running(run);
  return (hasJob || isDown) && outcome.restarted === 'false'
    ? undefined
    : 'a VM was skipped without a reason';
};

/** A VM that only a pattern matches is skipped if it is not running. */
export const failedForPattern: Check = ({ outcome: { error, restarted }, fitsOnlyPattern, tries }) =>
  error?.code === 'not_running' && fitsOnlyPattern && restarted === 'false' && tries.length === 0
    ? 'a VM that only a pattern matches failed because it is not running'
    : undefined;

/** `runner_status` is empty if the step did not wait for the runner. */
export const idleClaim: Check = ({ outputs, scenario }) =>
  scenario.runner?.waitsForRunner === false && outputs['runner_status'] !== ''
    ? 'runner_status though the step did not wait for the runner'
    : undefined;

/** `online` is claimed only of a runner that has started working since the verified boot. */
export const wrongClaim: Check = ({ outcome, runner, boots, posts }) => {
  const { status } = outcome.runner ?? {};
  if (runner === undefined || (status !== 'online' && status !== 'probably_online')) return undefined;
  const sentAt = posts[0]?.departedAt ?? Number.POSITIVE_INFINITY;
  const isBack = runner.begins.some((at) => at >= sentAt);
  // Each further boot leaves GitHub a newer session, which it remembers for minutes.
  const isClaimed = status === 'online' || boots.filter(({ at }) => at >= sentAt).length === 1;
  return isBack || !isClaimed ? undefined : `"${status}" of a runner that takes no job`;
};

/** How long GitHub may remember a runner's old session, which hides that it is back; and how long the step may then take to see it. */
const REMEMBERED_MS = 360_000;
const SEEN_WITHIN_MS = 60_000;

/** The step does not give up on a runner that came back in time. */
export const lostRunner: Check = ({ outcome, runner, scenario, endedAt, startedAt, faults }) => {
  if (runner === undefined || scenario.runner === undefined) return undefined;
  const isQuotaUsedUp = runner.isQuotaUsedUp || faults.has('quota used up');
  if (outcome.error?.code !== 'runner_not_back' || !runner.isListening || isQuotaUsedUp) return undefined;
  const isPatient = scenario.runner.runnerTimeoutMs > REMEMBERED_MS + SEEN_WITHIN_MS;
  const backAt = runner.begins.at(-1) ?? endedAt;
  const settledAt = Math.max(backAt, startedAt + scenario.faultsEndAfterMs);
  const isInTime = settledAt < endedAt - SEEN_WITHIN_MS;
  return isPatient && isInTime ? 'the step gave up on a runner that had come back' : undefined;
};
