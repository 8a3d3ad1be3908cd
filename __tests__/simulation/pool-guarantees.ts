import type { ErrorCode } from '../../src/errors.ts';
import { DAMAGES } from './damaged-answers.ts';
import type { GitHubReading } from './github-readings.ts';
import type { Check } from './guarantees.ts';
import { endOfDrain, type PoolMoment, type TruePool } from './pool-record.ts';
import { ADDED_LABEL, OTHER_RUN, RUN_ID } from './pool-scenario.ts';
import type { StepRecord, TrueRunner, VmRecord } from './record.ts';
import { LONGEST_READING_MS } from './runner-guarantees.ts';
import { limitsOf } from './slot-guarantees.ts';
import { START } from './stage.ts';

/*
 * Guarantees about a pool between jobs: no job is killed that GitHub showed, an absent runner counts as gone only with good reason, and no
 * runner stays drained.
 */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Whether the code fits what happened in the pool. */
export function fitsPool(code: ErrorCode, { scenario: { pool }, faults, endedAt }: VmRecord): boolean {
  if (pool === undefined) return false;
  const { takesOneJob, hasWrongScope, isSweep, drain } = pool;
  const { refused, token } = drain ?? {};
  const isRefused = refused !== undefined && endedAt >= START + refused.afterMs;
  switch (code) {
    case 'runner_not_found':
      return hasWrongScope || takesOneJob;
    case 'github_api_failed':
      // A list whose pages keep shifting while they are read may never be whole.
      return isSweep || isRefused || (takesOneJob && faults.has('pages that shift'));
    case 'permission_denied':
      return isRefused;
    case 'authentication_failed':
      return token !== undefined && endedAt >= START + token.expiresAfterMs;
    case 'runner_busy':
      return drain?.foreign !== undefined || drain?.other !== undefined;
    default:
      return false;
  }
}

/** The state of the pool each time the VM's restart left. */
function momentsOf({ pool, instanceId }: VmRecord): readonly PoolMoment[] {
  return (pool?.moments ?? []).filter((moment) => moment.instanceId === instanceId);
}

function isGuarded({ scenario: { runner, pool } }: VmRecord): boolean {
  return runner?.whenBusy !== 'ignore' || pool?.isSweep === true;
}

type TrueJob = TrueRunner['jobs'][number];

/** No job is killed that either source had shown. */
const killedPoolJob: Check = (run) => {
  if (!isGuarded(run)) return undefined;
  const isShown = (runner: TrueRunner, job: TrueJob) =>
    run.posts.some(({ departedAt }) =>
      runner.readings.some((reading) => {
        const isInTime = reading.at <= departedAt && reading.madeAt >= job.startedAt;
        return (
          isInTime && reading.showsJob && !reading.isNo && shows(reading, { job, runner, run, departedAt })
        );
      }),
    );
  return run.runners.some((runner) => runner.jobs.some((job) => job.isKilledByUs && isShown(runner, job)))
    ? 'a job was killed though GitHub had shown it'
    : undefined;
};

interface KilledJob {
  readonly job: TrueJob;
  readonly runner: TrueRunner;
  readonly run: VmRecord;
  readonly departedAt: number;
}

/** Whether a reading that shows a job on the runner showed this one, and the step could know that before the restart left. */
function shows(
  { about, at, madeAt, runIds }: GitHubReading,
  { job, runner, run, departedAt }: KilledJob,
): boolean {
  switch (about) {
    case 'runner': {
      // For a while after a job, GitHub still shows the runner busy with that one: after a killed one, until its session is over.
      const idleLagMs = run.scenario.runner?.habits.idleLagMs ?? 0;
      const before = runner.jobs.filter(({ startedAt }) => startedAt < job.startedAt);
      return !before.some(({ endsAt, heldUntil = endsAt + idleLagMs }) => heldUntil >= madeAt);
    }
    case 'runs':
      // It says nothing about runners: with several VMs, another one may be about to read the jobs of that run.
      return runIds.includes(job.runId) && (run.isAlone || at < departedAt - LONGEST_READING_MS);
    case 'jobs':
      return runIds.includes(job.runId);
  }
}

/** If a one-job runner was not registered when the restart left, no job can have been killed. */
const killedUnregistered: Check = (run) => {
  const { runners, scenario } = run;
  if (!scenario.pool?.takesOneJob || !isGuarded(run)) return undefined;
  const wasAbsent = momentsOf(run).some(({ isRegistered }) => !isRegistered);
  return wasAbsent && runners.flatMap(({ jobs }) => jobs).some(({ isKilledByUs }) => isKilledByUs)
    ? 'a job was killed on a VM whose runner was not registered when the restart left'
    : undefined;
};

/** The least time for a runner to register after a boot. */
const REGISTERS_WITHIN_MS = 5 * MINUTE;
/** By then the agent has reported a boot. The blur is for dates in whole seconds. */
const REPORTED_MS = 40 * SECOND;
const BLUR_MS = 3 * SECOND;

/** Whether the VM's boot was known and its runner could still register. */
function isFresh({ scenario }: VmRecord, { at, bootedAt = Number.NEGATIVE_INFINITY }: PoolMoment): boolean {
  const withinMs = Math.max(REGISTERS_WITHIN_MS, scenario.runner?.runnerTimeoutMs ?? 0);
  return at - bootedAt > REPORTED_MS && at - bootedAt < withinMs - BLUR_MS;
}

/** Only first attempts: a repeated one may see the step's own boot. */
function firstMoments(run: VmRecord): readonly PoolMoment[] {
  return momentsOf(run).slice(0, 1);
}

/** A sweep leaves fresh VMs alone. */
const sweptFresh: Check = (run) =>
  run.scenario.pool?.isSweep && firstMoments(run).some((moment) => isFresh(run, moment))
    ? 'a fresh VM was swept'
    : undefined;

/** A sweep does not restart a VM whose runner takes jobs, even if GitHub shows all runners offline. */
const sweptOnline: Check = (run) =>
  run.scenario.pool?.isSweep &&
  firstMoments(run).some(
    ({ isListening, registrations, runnersOfVms }) => isListening && registrations > 1 && runnersOfVms > 1,
  )
    ? 'a VM was swept whose runner was online'
    : undefined;

/** A registered runner does not count as gone after one read: a list whose pages shift can miss it. */
const goneAfterOneRead: Check = (run) => {
  const { scenario } = run;
  const [runner] = run.runners;
  if (!scenario.pool?.takesOneJob || !isGuarded(run) || scenario.pool.hasWrongScope) return undefined;
  const isUnseen = firstMoments(run).some(
    ({ at, isListening }) =>
      isListening &&
      !runner?.readings.some((reading) => reading.about === 'runner' && reading.at <= at && !reading.isNo),
  );
  return isUnseen ? 'a runner counted as gone after one read' : undefined;
};

/** While a VM boots, its runner's absence proves nothing, unless a job has ended on it since. */
const goneWhileBooting: Check = (run) => {
  const { scenario } = run;
  const [runner] = run.runners;
  if (!scenario.pool?.takesOneJob || !isGuarded(run)) return undefined;
  const isEarly = firstMoments(run).some((moment) => {
    const hadRunner = runner?.begins.some(
      (begunAt) => begunAt >= (moment.bootedAt ?? 0) && begunAt <= moment.at,
    );
    return !moment.isRegistered && !hadRunner && isFresh(run, moment);
  });
  return isEarly ? 'a VM was restarted while its runner was about to register' : undefined;
};

/** In a scope without any of the runners no VM is free, unless a job of the run confirms the names. */
const wrongScopeFree: Check = ({ scenario: { pool }, posts }) =>
  pool?.hasWrongScope && pool.usedByJob === undefined && posts.length > 0
    ? 'a restart left though the scope was wrong'
    : undefined;

/** A VM that booted after its last job is not restarted again, and one that had no job is not restarted. */
const restartedWithoutJob: Check = (run) => {
  const { scenario, pool, instanceId, posts } = run;
  if (scenario.pool?.usedByJob === undefined || pool === undefined || posts.length === 0) return undefined;
  const own = pool.runners.filter((one) => one.instanceId === instanceId);
  const usedUntil = own.flatMap((runner) => runner.usedUntil);
  if (usedUntil.length === 0) return 'a VM was restarted that no job had used';
  const lastUntil = Math.max(...usedUntil);
  const [moment] = firstMoments(run);
  const bootedAt = moment?.bootedAt ?? Number.NEGATIVE_INFINITY;
  const isLater = bootedAt > lastUntil + LAG_MS && (moment?.at ?? 0) - bootedAt > REPORTED_MS;
  // An answer that lost the date on which the job ended does not say which came first.
  const mayLackDate = Object.keys(DAMAGES).some((damage) => run.faults.has(damage));
  return isLater && !mayLackDate ? 'a VM was restarted that had booted since its job' : undefined;
};

/** A VM whose job ended after its last boot is not skipped as one that was restarted since. */
const skippedUsed: Check = ({ scenario, pool, instanceId, boots, outcome, endedAt }) => {
  if (scenario.pool?.usedByJob === undefined || outcome.leftAlone?.why !== 'needless') return undefined;
  const bootedAt = boots.findLast(({ at }) => at <= endedAt)?.at ?? Number.NEGATIVE_INFINITY;
  const own = pool?.runners.filter((one) => one.instanceId === instanceId) ?? [];
  // GitHub may not have shown the runner of a later job; then a warning says so.
  if (pool?.warnings.some((line) => line.includes('names no VM'))) return undefined;
  return own.some(({ usedUntil }) => usedUntil.some((at) => at > bootedAt && at <= endedAt - LAG_MS))
    ? 'a VM was skipped that a job had used since its boot'
    : undefined;
};

/** How much too late GitHub may show the end of a job. */
const LAG_MS = 45 * SECOND;

export const POOL_VM_CHECKS: readonly Check[] = [
  killedPoolJob,
  killedUnregistered,
  sweptFresh,
  sweptOnline,
  goneAfterOneRead,
  goneWhileBooting,
  wrongScopeFree,
  restartedWithoutJob,
  skippedUsed,
];

type PoolCheck = (run: StepRecord, pool: TruePool) => string | undefined;

/** How long after its end, at most, GitHub may not list a job yet: the shortest takes 5 s. */
const LISTED_MS = 25 * SECOND;

/**
 * A step that succeeds has every VM among its results that a job of the run used, as far as GitHub showed that, or warns. A VM that has
 * booted since may be another one by now.
 */
const missedUsed: PoolCheck = ({ scenario, outcome, vms, startedAt, faults }, { runners, warnings }) => {
  if (scenario.pool?.usedByJob === undefined || outcome.error !== undefined) return undefined;
  // A damaged answer may lack a name.
  if (Object.keys(DAMAGES).some((damage) => faults.has(damage))) return undefined;
  const missed = runners.find(({ instanceId, usedUntil, boots }) => {
    const isUsed = usedUntil.some(
      (until) => until <= startedAt - LISTED_MS && !boots.some((at) => at >= until - LAG_MS),
    );
    return isUsed && vms.every((vm) => vm.instanceId !== instanceId);
  });
  const isWarned = warnings.some((line) => /names no VM|in no live instance|cannot restart/.test(line));
  return missed && !isWarned ? `the step missed ${missed.name}, which a job had used` : undefined;
};

// ---- labels ----

/**
 * Whether a warning says that the runner's labels are left to someone else. A step's own failure does not count: its post step tries again.
 * The runner's name may contain a secret, which the log hides.
 */
function isWarned(warnings: readonly string[], { id }: TruePool['runners'][number]): boolean {
  const says =
    /labels .*(were not restored(?!.* Its post step tries again)|A step with drain restores them)/i;
  return warnings.some((line) => says.test(line) && line.includes(`(ID ${id})`));
}

const drainedAfterAll: PoolCheck = (_run, { runners, warnings }) => {
  const left = runners.find((runner) => runner.isDrained && !isWarned(warnings, runner));
  return left && `${left.name} stayed drained`;
};

/** The same for the other step and its post step, unless its machine was lost. */
const drainedByOther: PoolCheck = (_run, { runners, other }) => {
  if (other === undefined || other.isLost) return undefined;
  const left = runners.find(
    (runner) =>
      runner.labels.some((label) => label.includes(`.drained-${OTHER_RUN}-`)) &&
      !isWarned(other.warnings, runner),
  );
  return left && `${left.name} stayed drained by another step`;
};

/** No drain lasts longer than an installation token, so a warning is not enough. */
const drainedTooLong: PoolCheck = ({ scenario, endedAt }, { runners }) => {
  const { isInstallation, expiresAfterMs = 0 } = scenario.pool?.drain?.token ?? {};
  if (!isInstallation || endedAt < START + expiresAfterMs) return undefined;
  const left = runners.find(({ isDrained }) => isDrained);
  return left && `${left.name} was drained until the installation token expired`;
};

/** A label that others added is still there at the end, unless the runner has registered again. */
const foreignLabelGone: PoolCheck = ({ scenario, vms }, { runners }) => {
  const { added, reset } = scenario.pool?.drain ?? {};
  // The VM may be none of the step's: it booted before, and registers while the step runs.
  const hasBooted = ({ boots }: TruePool['runners'][number]) =>
    scenario.pool?.atBoot !== 'keep' && boots.some((at) => at >= START - REGISTERS_WITHIN_MS);
  const isOver = (afterMs: number) => vms.every(({ endedAt }) => endedAt < START + afterMs);
  const one = runners[added?.vm ?? -1];
  if (added === undefined || one === undefined || isOver(added.afterMs)) return undefined;
  // A drain may still hold it, where its machine was lost or its token has expired: it comes back once that drain expires.
  const isThere = one.labels.some(
    (label) => label === ADDED_LABEL || label.startsWith(`${ADDED_LABEL}.drained-`),
  );
  const isReset = reset?.vm === added.vm && reset.afterMs >= added.afterMs;
  return !isReset && !hasBooted(one) && !isThere ? 'a label of others was removed' : undefined;
};

/** Nothing ends a drain of another step before it expires. */
const undoneByUs: PoolCheck = (_run, { removed }) => {
  const early = removed.find(
    ({ label, at }) => !label.includes(`.drained-${RUN_ID}-`) && (endOfDrain(label) ?? 0) > at,
  );
  return early && `another step's drain was undone on ${early.runner.name}`;
};

/** What a list shows of drains that have expired is restored, or a warning names the runner. */
const expiredLeft: PoolCheck = (_run, { shownExpired, runners, warnings }) => {
  const left = shownExpired.find(({ runner, label }) =>
    runners.some((one) => one.id === runner.id && one.labels.includes(label) && !isWarned(warnings, one)),
  );
  return left && `${left.runner.name} kept labels of an expired drain`;
};

const MOST_DRAINED = 20;

/** How many runners the VMs with a slot may have. */
function runnersWithSlot(run: StepRecord): number {
  const perVm = run.scenario.pool?.vms.map(({ moreRunners }) => 1 + moreRunners.length) ?? [];
  return limitsOf(run).slots * Math.max(...perVm);
}

const tooManyDrained: PoolCheck = (run, { mostDrained, runners, warnings }) => {
  // A runner whose labels could not be restored in time, e.g. because of a rate limit, is still drained when its VM's slot goes to another.
  const left = runners.filter((runner) => isWarned(warnings, runner)).length;
  const most = Math.min(MOST_DRAINED, runnersWithSlot(run) + left);
  return mostDrained > most ? `${mostDrained} runners were drained at once, ${most} are allowed` : undefined;
};

/** A registration sets the labels: by then the step has drained the runner again, or read it for the last time before the restart. */
const DRAINED_AGAIN_MS = 30 * SECOND;

/** No drain lasts longer with an installation token. */
const TOKEN_MS = 50 * MINUTE;

/** A runner stays drained until the restart leaves. */
const undrainedRestart: PoolCheck = (run, { moments }) => {
  const { scenario, vms } = run;
  const { pool, runner, step } = scenario;
  // Those beyond the limit are restarted without a drain.
  if (runnersWithSlot(run) > MOST_DRAINED) return undefined;
  if (pool?.drain === undefined || pool.takesOneJob || pool.hasWrongScope) return undefined;
  if (runner?.whenBusy === 'ignore') return undefined;
  const { token, readsLagMs: lagMs = 0 } = pool.drain;
  const { isInstallation = false } = token ?? {};
  const restartMs = step.timeoutMs + (runner?.runnerTimeoutMs ?? 0) + (runner?.idleForMs ?? 0);
  const until = isInstallation ? START + TOKEN_MS - restartMs : Number.POSITIVE_INFINITY;
  const early = moments.find(
    ({ isRegistered, isDrained, registeredAt, at }) =>
      isRegistered && !isDrained && at - registeredAt > DRAINED_AGAIN_MS + lagMs && at <= until,
  );
  const vm = vms.find(({ instanceId }) => instanceId === early?.instanceId);
  return early && `${vm?.name} was restarted while it was not drained`;
};

const POOL_CHECKS: readonly PoolCheck[] = [
  missedUsed,
  drainedAfterAll,
  drainedByOther,
  drainedTooLong,
  undoneByUs,
  expiredLeft,
  foreignLabelGone,
  tooManyDrained,
  undrainedRestart,
];

export const POOL_STEP_CHECKS: readonly Check<StepRecord>[] = POOL_CHECKS.map(
  (check) => (run) => run.pool && check(run, run.pool),
);
