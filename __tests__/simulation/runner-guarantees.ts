import { FITTING, readsIncompleteLists } from './fitting-codes.ts';
import type { GitHubReading } from './github-readings.ts';
import type { Check } from './guarantees.ts';
import type { TrueRunner, VmRecord } from './record.ts';
import type { Period } from './recorder.ts';
import { START } from './stage.ts';

/*
 * Guarantees about the GitHub runner. A job that no source shows yet is sometimes killed, and no client could know. So the checks use what
 * the step was shown: for each restart that left, the answers of both sources that had reached the step by then.
 */

/**
 * Whether the step reads the jobs of the VM's runners. Those that take one job come and go, and in a wrong scope there are none:
 * pool-guarantees.ts is about these.
 */
function isGuarded({ scenario: { runner, pool } }: VmRecord): boolean {
  const isFound = !pool?.takesOneJob && !pool?.hasWrongScope;
  return runner !== undefined && runner.whenBusy !== 'ignore' && isFound;
}

/** Describes how a restart broke a guarantee about a runner; undefined if it kept it. */
type RunnerCheck = (runner: TrueRunner, departure: Departure) => string | undefined;

interface Departure {
  readonly departedAt: number;
  readonly idleForMs: number;
  readonly isAlone: boolean;
}

/** Applies the check to every runner in the VM, and to every restart that left. */
function forEachRunner(check: RunnerCheck): Check {
  return (run) => {
    const { idleForMs } = run.scenario.runner ?? {};
    if (idleForMs === undefined || !isGuarded(run)) return undefined;
    const { isAlone } = run;
    const departures = run.posts.map(({ departedAt }) => ({ departedAt, idleForMs, isAlone }));
    return run.runners
      .flatMap((runner) => departures.map((departure) => check(runner, departure)))
      .find((broken) => broken !== undefined);
  };
}

/** No restart leaves if either source showed a job at its last read, or the runners source did within `idle_for`. */
export const killedJob: Check = forEachRunner((runner, departure) =>
  showedRunnerBusy(runner, departure) || showedJob(runner, departure)
    ? 'a restart left though a source showed a job'
    : undefined,
);

function showedRunnerBusy(runner: TrueRunner, { departedAt, idleForMs }: Departure): boolean {
  const readings = readingsAt(runner, 'runner', departedAt);
  // A runner that has left GitHub is no longer read: then idle_for ends with the restart.
  const isGone = wasAbsent(runner, { from: departedAt, until: departedAt });
  const last = isGone ? departedAt : (readings.at(-1)?.at ?? departedAt);
  return readings.some(({ madeAt, showsJob }, index) => {
    return showsJob && (madeAt >= last - idleForMs || index === readings.length - 1);
  });
}

/** A read of all jobs ends by then, with or without an answer. */
export const LONGEST_READING_MS = 15_000;

/**
 * Whether the last list of runs has one with a job on the runner, unless a later read of that run's jobs showed that it was over. A list
 * says nothing about runners: with several VMs, another one may be about to read the jobs of that run.
 */
function showedJob(runner: TrueRunner, { departedAt, isAlone }: Departure): boolean {
  const isRead = (reading: GitHubReading) => isAlone || reading.at < departedAt - LONGEST_READING_MS;
  const pages = readingsAt(runner, 'runs', departedAt);
  const jobs = readingsAt(runner, 'jobs', departedAt);
  return lastLists(pages).some((list) =>
    list.runIds.some((runId) => {
      const later = jobs.filter(({ at, runIds }) => at >= list.at && runIds.includes(runId));
      return later.length === 0 ? isRead(list) : later.every(({ showsJob }) => showsJob);
    }),
  );
}

/** The last list of runs of each status is read to its end, whatever it says about its length. Other VMs may be in the middle of one. */
export const cutList: Check = forEachRunner((runner, { departedAt, isAlone }) => {
  const lists = lastLists(readingsAt(runner, 'runs', departedAt));
  const ends = new Map(lists.map(({ list, page, goesOn }) => [`${list} ${page}`, goesOn]));
  const isCut = lists.some(({ list, page, goesOn }) => goesOn && !ends.has(`${list} ${page + 1}`));
  return isAlone && isCut ? 'a restart left though a list of runs was not read to its end' : undefined;
});

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

/** Before a restart leaves, the runner was read at least twice, over at least `idle_for`, since it last registered. */
export const hasty: Check = forEachRunner((runner, { departedAt, idleForMs }) => {
  const ends = runner.absences.map(({ until }) => until).filter((at) => at <= departedAt);
  const registeredAt = Math.max(0, ...ends);
  const readings = readingsAt(runner, 'runner', departedAt).filter(({ madeAt }) => madeAt >= registeredAt);
  const isGone = wasAbsent(runner, { from: departedAt, until: departedAt });
  const isUnseen = readings.length === 0 && departedAt - registeredAt < READING_COUNTS_MS;
  if (isGone || isUnseen) return undefined;
  const [first, last] = [readings[0], readings.at(-1)];
  const isOnce = readings.length < 2 && (idleForMs > 0 || runner.absences.length === 0);
  return first === undefined || last === undefined || isOnce || last.at - first.at < idleForMs
    ? 'a restart without reading the runner for long enough'
    : undefined;
});

function wasAbsent({ absences }: TrueRunner, { from, until }: Period): boolean {
  return absences.some((absence) => absence.from <= until && absence.until >= from);
}

/** Both sources are read before every attempt of the restart, whether it left or not. */
export const blindTry: Check = (run) => {
  if (!isGuarded(run)) return undefined;
  const attempts = run.tries.map((until, index) => {
    return { from: run.tries[index - 1] ?? Number.NEGATIVE_INFINITY, until };
  });
  const isAsked = (readings: readonly GitHubReading[], { from, until }: Period) =>
    readings.some(({ at }) => at > from && at <= until);
  const isUnread = (runner: TrueRunner) => {
    const readings = runner.readings.filter(({ about, isNo }) => about === 'runner' && !isNo);
    return attempts.some((attempt) => !wasAbsent(runner, attempt) && !isAsked(readings, attempt));
  };
  if (run.runners.some(isUnread)) return 'an attempt of the restart without reading the runner again';
  // A source that refused is read again as well.
  const ofRuns = run.runners.flatMap(({ readings }) => readings.filter(({ about }) => about === 'runs'));
  return run.runners.length === 0 || attempts.every((attempt) => isAsked(ofRuns, attempt))
    ? undefined
    : 'an attempt of the restart without reading the jobs again';
};

/** How long a reading counts, plus how long its answer may take to arrive: in milliseconds. */
const READING_COUNTS_MS = 21_000;

/** The restart leaves soon after the runner was read, even if the process was suspended in between. */
export const staleReading: Check = forEachRunner((runner, { departedAt }) => {
  const from = departedAt - READING_COUNTS_MS;
  const readAt = readingsAt(runner, 'runner', departedAt).at(-1)?.at ?? Number.NEGATIVE_INFINITY;
  return readAt < from && !wasAbsent(runner, { from, until: departedAt })
    ? 'a restart left long after the runner was last read'
    : undefined;
});

/**
 * A VM is skipped only because of a job, with `when_busy: skip`; or because it is not running and only a pattern matched it. Then no
 * restart was sent, or none was carried out.
 */
export const idleSkip: Check = (run) => {
  const { outcome, runners, scenario } = run;
  const { leftAlone } = outcome;
  if (leftAlone === undefined || leftAlone.why === 'not started') return undefined;
  const isShown = run.faults.has('wrong GitHub data') || runners.some(({ jobs }) => jobs.length > 0);
  const hasJob = scenario.runner?.whenBusy === 'skip' && isShown;
  const isDown = run.fitsOnlyPattern && FITTING.not_running(run);
  // A sweep skips VMs whose runner is fine; used_by_job those that no job has used since they booted.
  const isNeedless = scenario.pool?.isSweep === true || scenario.pool?.usedByJob !== undefined;
  return (hasJob || isDown || isNeedless) && outcome.restarted === 'false'
    ? undefined
    : 'a VM was skipped without a reason';
};

/** A VM that only a pattern matches is skipped if it is not running, unless a job has used it. */
export const failedForPattern: Check = ({
  outcome: { error, restarted },
  fitsOnlyPattern,
  tries,
  scenario,
}) =>
  error?.code === 'not_running' &&
  fitsOnlyPattern &&
  scenario.pool?.usedByJob === undefined &&
  restarted === 'false' &&
  tries.length === 0
    ? 'a VM that only a pattern matches failed because it is not running'
    : undefined;

/** `runner_status` is empty if the step did not wait for the runner. */
export const idleClaim: Check = ({ outputs, scenario }) =>
  scenario.runner?.waitsForRunner === false && outputs['runner_status'] !== ''
    ? 'runner_status though the step did not wait for the runner'
    : undefined;

/**
 * Whether every runner is as it should be that was last shown online before the restart; if none was, whether one of them is. Those that
 * GitHub calls ephemeral may come back under other names: they are counted.
 */
function areBack(run: VmRecord, isBack: (runner: TrueRunner) => boolean): boolean {
  const { runners } = run;
  const sentAt = lastSentAt(run);
  const areCounted = run.scenario.runner?.isEphemeral === true;
  const shownAt = Math.max(
    ...runners.flatMap((runner) => readingsAt(runner, 'runner', sentAt).map(({ madeAt }) => madeAt)),
  );
  const online = runners.filter((runner) => {
    const last = readingsAt(runner, 'runner', sentAt).at(-1);
    // One that has left GitHub since it was last shown is not known to come back. One that is counted may leave unseen.
    const until = areCounted ? shownAt : sentAt;
    return last?.showsOnline && !wasAbsent(runner, { from: last.madeAt, until });
  });
  if (online.length === 0) return runners.some(isBack);
  return areCounted ? runners.filter(isBack).length >= online.length : online.every(isBack);
}

function lastSentAt({ posts }: Pick<VmRecord, 'posts'>): number {
  return posts.at(-1)?.departedAt ?? Number.POSITIVE_INFINITY;
}

/** A step that ignores jobs restarts even if it could read no list: then it does not know which runners were online. */
function mayKnowNone(run: VmRecord): boolean {
  if (isGuarded(run)) return false;
  const readings = run.runners.flatMap((runner) => readingsAt(runner, 'runner', lastSentAt(run)));
  return readsIncompleteLists(run) || readings.every(({ isDamaged }) => isDamaged);
}

/** `online` is claimed only of runners that have started working since the verified boot. */
export const wrongClaim: Check = (run) => {
  const { outcome, runners, boots, posts } = run;
  const { status } = outcome.runner ?? {};
  if (runners.length === 0 || (status !== 'online' && status !== 'probably_online')) return undefined;
  const sentAt = posts[0]?.departedAt ?? Number.POSITIVE_INFINITY;
  const hasBegun = ({ begins }: TrueRunner) => begins.some((at) => at >= sentAt);
  const isBack = areBack(run, hasBegun) || (mayKnowNone(run) && runners.some(hasBegun));
  // Each further boot leaves GitHub a newer session, which it remembers for minutes.
  const isClaimed = status === 'online' || boots.filter(({ at }) => at >= sentAt).length === 1;
  return isBack || !isClaimed ? undefined : `"${status}" of a runner that takes no job`;
};

/** How long GitHub may remember a runner's old session, which hides that it is back; and how long the step may then take to see it. */
const REMEMBERED_MS = 360_000;
const SEEN_WITHIN_MS = 60_000;

/**
 * Whether the VM had booted so shortly before the restart that GitHub still showed the registration of the boot before. Under another name,
 * that looks like a second runner in the VM, which never comes back.
 */
function hasStaleRegistration({ scenario: { pool, runner }, boots, posts }: VmRecord): boolean {
  const { staleMs = 0, loginMs = 0 } = runner?.habits ?? {};
  const sentAt = lastSentAt({ posts });
  const isRecent = boots.some(({ at, isOurs }) => !isOurs && sentAt - at < staleMs + loginMs);
  return pool?.atBoot === 'random name' && isRecent;
}

/** The step does not give up on runners that came back in time. */
export const lostRunner: Check = (run) => {
  const { outcome, runners, scenario, endedAt, startedAt, faults } = run;
  const [first] = runners;
  if (first === undefined || scenario.runner === undefined) return undefined;
  // GitHub shows all runners offline, or the step asks for another scope's.
  if (scenario.pool?.outage !== undefined || scenario.pool?.hasWrongScope) return undefined;
  if (hasStaleRegistration(run)) return undefined;
  const isQuotaUsedUp = first.isQuotaUsedUp || faults.has('quota used up');
  if (outcome.error?.code !== 'runner_not_back' || isQuotaUsedUp) return undefined;
  if (readsIncompleteLists(run) || mayKnowNone(run)) return undefined;
  const isPatient = scenario.runner.runnerTimeoutMs > REMEMBERED_MS + SEEN_WITHIN_MS;
  const tokenEndsAt = START + (scenario.pool?.drain?.token?.expiresAfterMs ?? Number.POSITIVE_INFINITY);
  const isInTime = ({ isListening, begins }: TrueRunner) => {
    const settledAt = Math.max(begins.at(-1) ?? endedAt, startedAt + scenario.faultsEndAfterMs);
    return isListening && settledAt < Math.min(endedAt, tokenEndsAt) - SEEN_WITHIN_MS;
  };
  // A VM whose jobs are ignored may not use the newest list that was read for another VM.
  const isMissed = (runner: TrueRunner) =>
    readingsAt(runner, 'runner', lastSentAt(run)).some(({ showsOnline }) => showsOnline) && !isInTime(runner);
  if (!isGuarded(run) && runners.some(isMissed)) return undefined;
  return isPatient && areBack(run, isInTime) ? 'the step gave up on a runner that had come back' : undefined;
};
