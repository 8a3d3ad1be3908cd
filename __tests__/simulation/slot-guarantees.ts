import { readsIncompleteLists } from './fitting-codes.ts';
import type { Check } from './guarantees.ts';
import type { StepRecord, TrueRunner, VmRecord } from './record.ts';
import type { Period } from './recorder.ts';
import { jobsPlannedIn, type Scenario } from './scenario.ts';
import { START } from './stage.ts';

/*
 * Guarantees about several VMs together, checked against what really happened: how many are restarted at once, in which order, and what
 * the outputs say about them.
 */

type StepCheck = Check<StepRecord>;

/**
 * A VM is in progress from its last request to its end. Earlier requests were not carried out, and the slot may have been released in
 * between; the same holds for the last one if it was certainly not carried out.
 */
const tooManyAtOnce: StepCheck = (run) => {
  const { slots } = limitsOf(run);
  const stretches = run.vms.flatMap(({ outcome, posts, endedAt }) => {
    const last = outcome.restarted === 'false' ? undefined : posts.at(-1);
    return last === undefined ? [] : [{ from: last.departedAt, until: endedAt }];
  });
  const most = Math.max(
    0,
    ...stretches.map(({ from }) => stretches.filter((one) => one.from <= from && one.until > from).length),
  );
  return most > slots ? `${most} VMs were in progress at once, ${slots} are allowed` : undefined;
};

interface Limits {
  /** VMs in progress at once. */
  readonly slots: number;
  /** After more failures than this, no VM is started. */
  readonly mostFailures: number;
}

export function limitsOf({ vms, scenario: { step } }: StepRecord): Limits {
  return {
    slots: Math.max(1, amountOf(step.maxParallel, vms.length)),
    mostFailures: amountOf(step.maxFailures, vms.length),
  };
}

/** A number, or a share, rounded down. */
function amountOf(text: string, vms: number): number {
  return text.endsWith('%') ? Math.floor((Number(text.slice(0, -1)) * vms) / 100) : Number(text);
}

const startedAfterFailures: StepCheck = (run) => {
  const { mostFailures } = limitsOf(run);
  const failedAt = run.vms.filter(hasFailed).map(({ endedAt }) => endedAt);
  const late = run.vms.find(
    ({ tries: [begunAt = 0] }) => failedAt.filter((at) => at < begunAt).length > mostFailures,
  );
  return late && `${late.name} was started after too many failures`;
};

/** A sweep restarts VMs with dead runners: those that do not come back do not count. */
function hasFailed({ outcome: { error }, scenario: { pool } }: VmRecord): boolean {
  if (error === undefined || error.code === 'cancelled') return false;
  return !(pool?.isSweep && error.code === 'runner_not_back');
}

/** A VM is left out only after too many failures. */
const leftWithoutReason: StepCheck = (run) => {
  const hasFailedTooOften = run.vms.filter(hasFailed).length > limitsOf(run).mostFailures;
  const left = run.vms.find(({ outcome }) => outcome.leftAlone?.why === 'not started');
  return left && !hasFailedTooOften ? `${left.name} was not started though few had failed` : undefined;
};

const BAD_TARGET: readonly (string | undefined)[] = ['instance_not_found', 'ambiguous_target'];

/** A target that does not exist or is ambiguous fails before any restart is sent. */
const sentBeforeAllWereRead: StepCheck = ({ vms, posts, named }) => {
  const firstAt = Math.min(...posts.map(({ departedAt }) => departedAt));
  const late = vms.find(
    ({ outcome: { error }, instanceId, endedAt }) =>
      BAD_TARGET.includes(error?.code) && !named.has(instanceId) && endedAt > firstAt,
  );
  return late && `a restart was sent before ${late.name} had failed`;
};

const restartedThoughLeftAlone: StepCheck = ({ vms, posts, named }) => {
  const restarted = vms.find(
    (vm) => vm.outcome.leftAlone !== undefined && vm.posts.some(({ reply }) => reply === 'accepted'),
  );
  if (restarted !== undefined) return `${restarted.name} was left alone, but restarted`;
  return posts.some(({ instanceId }) => !named.has(instanceId))
    ? 'a VM was restarted that no target names'
    : undefined;
};

const namedTwice: StepCheck = ({ vms }) => {
  const ids = vms.filter(({ outcome }) => outcome.error === undefined).map(({ instanceId }) => instanceId);
  return new Set(ids).size < ids.length ? 'a VM is in the results twice' : undefined;
};

/** Besides `idle_for`: the time to notice that a job ended, and to read the VM again. */
const READY_AFTER_MS = 120_000;
/** From one VM's end to the next request: VM and runner are read again. */
const HANDOVER_MS = 30_000;
const STEP_MS = 5_000;

/**
 * No VM with an idle runner waits while a slot is free. A VM whose runner has a job takes no slot. A runner that takes one job may be waited
 * for because it can still register; with a drain, a VM waits for its job in its slot.
 */
const slotLeftFree: StepCheck = (run) => {
  const { scenario, suspensions, startedAt, posts } = run;
  const { takesOneJob = false, saysEphemeral = false, drain } = scenario.pool ?? {};
  if (takesOneJob || saysEphemeral || drain !== undefined) return undefined;
  if (suspensions.length > 0 || isQuotaUsedUp(run) || run.vms.some(readsIncompleteLists)) return undefined;
  const firstAt = Math.min(...posts.map(({ departedAt }) => departedAt));
  const settledAt = startedAt + scenario.faultsEndAfterMs;
  const late = run.vms.find(({ runners, tries: [begunAt] }) => {
    if (begunAt === undefined) return false;
    const jobs = runners.flatMap((one) => one.jobs).filter(({ startedAt: at }) => at < begunAt);
    // A runner that registers again has to be seen without a job from then on.
    const registeredAt = runners.flatMap(({ absences }) => absences.map(({ until }) => until));
    const overAt = Math.max(
      ...jobs.map((job) => shownUntil(job, scenario)),
      ...registeredAt.filter((at) => at < begunAt),
    );
    const shownAt = Math.max(overAt, knownFrom(run, begunAt));
    const readyAt =
      Math.max(firstAt, settledAt, shownAt) + (scenario.runner?.idleForMs ?? 0) + READY_AFTER_MS;
    return longestFreeMs(run, { from: readyAt, until: begunAt }) > HANDOVER_MS;
  });
  return late && `${late.name} waited for a slot though one was free`;
};

function isQuotaUsedUp({ vms }: StepRecord): boolean {
  return vms.some(({ faults }) => faults.has('quota used up'));
}

/** When GitHub shows the jobs again, and has said on which runner each is that began before then. */
function knownFrom({ vms, scenario }: StepRecord, until: number): number {
  const { hidesRunnerMs = 0, jobsAway, habits } = scenario.runner ?? {};
  const planned = scenario.vms.flatMap(jobsPlannedIn).map(({ afterMs }) => START + afterMs);
  const real = vms
    .flatMap(({ runners }) => runners.flatMap(({ jobs }) => jobs))
    .map(({ startedAt }) => startedAt);
  const begins = [...planned, ...real].filter((at) => at < until);
  const awayUntil = START + (jobsAway === undefined ? 0 : jobsAway.afterMs + jobsAway.forMs);
  return Math.max(awayUntil, ...begins.map((at) => at + hidesRunnerMs + (habits?.jobsLagMs ?? 0)));
}

/** How long GitHub may show a job: longer if its VM was stopped during the job. */
function shownUntil({ endsAt, killedAt }: Job, { runner }: Scenario): number {
  const { idleLagMs = 0, jobsLagMs = 0, sessionMs = 0 } = runner?.habits ?? {};
  return Math.max(endsAt, killedAt === undefined ? endsAt : killedAt + sessionMs) + idleLagMs + jobsLagMs;
}

type Job = TrueRunner['jobs'][number];

/** The longest time without interruption that a slot was free. */
function longestFreeMs(run: StepRecord, { from, until }: Period): number {
  const { slots } = limitsOf(run);
  let [longestMs, freeMs] = [0, 0];
  for (let moment = from; moment < until; moment += STEP_MS) {
    freeMs = inProgressAt(run, moment) < slots ? freeMs + STEP_MS : 0;
    longestMs = Math.max(longestMs, freeMs);
  }
  return longestMs;
}

/** The number of VMs whose restart had left and that were not done. */
function inProgressAt({ vms }: StepRecord, moment: number): number {
  return vms.filter(({ posts: [first], endedAt }) => {
    return first !== undefined && first.departedAt <= moment && endedAt > moment;
  }).length;
}

const wrongResults: StepCheck = ({ vms, outputs }) => {
  const results: { instance_id: string; outcome: string }[] = JSON.parse(outputs['results'] ?? '');
  if (JSON.stringify(results.map(({ outcome }) => outcome)) !== JSON.stringify(vms.map(kindOf)))
    return 'results do not match the outcomes of the VMs';
  const remaining = new Set((outputs['remaining'] ?? '').split('\n').filter(Boolean));
  const isWrong = results.some(({ instance_id: id }, index) => {
    const { restarted, leftAlone } = vms[index]?.outcome ?? {};
    const isNotMeant = leftAlone?.why === 'needless' || leftAlone?.why === 'not running';
    return id !== '' && remaining.has(id) === (restarted === 'true' || isNotMeant);
  });
  return isWrong ? 'remaining does not match the VMs that were not restarted' : undefined;
};

/** The `outcome` of a VM that `results` should have. */
function kindOf({ outcome: { leftAlone, restarted, error }, posts }: VmRecord): string {
  if (leftAlone !== undefined) return leftAlone.why === 'not started' ? 'not_started' : 'skipped';
  if (restarted === 'unknown') return 'unknown';
  const wasCancelled = error?.code === 'cancelled';
  if (wasCancelled && posts.length === 0) return 'not_started';
  if (error !== undefined && !(wasCancelled && restarted === 'true')) return 'failed';
  return restarted === 'true' ? 'restarted' : 'not_started';
}

export const STEP_CHECKS: readonly StepCheck[] = [
  tooManyAtOnce,
  startedAfterFailures,
  leftWithoutReason,
  sentBeforeAllWereRead,
  restartedThoughLeftAlone,
  namedTwice,
  slotLeftFree,
  wrongResults,
];
