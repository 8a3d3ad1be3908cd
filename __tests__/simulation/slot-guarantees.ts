import type { Check } from './guarantees.ts';
import type { StepRecord, TrueRunner, VmRecord } from './run.ts';
import type { Scenario } from './scenario.ts';

/*
 * What holds for several VMs together, checked by what really happened: how many are restarted at once, in which order, and what the
 * outputs say of all of them.
 */

type StepCheck = Check<StepRecord>;

/**
 * A VM is under way from its last request to its end: one before that was not carried out, and the slot may have been given back. So it
 * may where even the last was certainly not carried out.
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
  return most > slots ? `${most} VMs were under way at once, ${slots} are allowed` : undefined;
};

interface Limits {
  /** VMs under way at once. */
  readonly slots: number;
  /** After more failures than these no VM is begun. */
  readonly mostFailures: number;
}

export function limitsOf({ vms, scenario: { step } }: StepRecord): Limits {
  return {
    slots: Math.max(1, amountOf(step.maxParallel, vms.length)),
    mostFailures: amountOf(step.maxFailures, vms.length),
  };
}

/** A number, or a share that is rounded down. */
function amountOf(text: string, vms: number): number {
  return text.endsWith('%') ? Math.floor((Number(text.slice(0, -1)) * vms) / 100) : Number(text);
}

const begunAfterFailures: StepCheck = (run) => {
  const { mostFailures } = limitsOf(run);
  const failedAt = run.vms.filter(hasFailed).map(({ endedAt }) => endedAt);
  const late = run.vms.find(
    ({ tries: [begunAt = 0] }) => failedAt.filter((at) => at < begunAt).length > mostFailures,
  );
  return late && `${late.name} was begun after too many failures`;
};

function hasFailed({ outcome: { error } }: VmRecord): boolean {
  return error !== undefined && error.code !== 'cancelled';
}

/** A VM whose turn never came: only after too many failures. */
const leftWithoutReason: StepCheck = (run) => {
  const hasFailedTooOften = run.vms.filter(hasFailed).length > limitsOf(run).mostFailures;
  const left = run.vms.find(({ outcome }) => outcome.leftAlone === 'not_started');
  return left && !hasFailedTooOften ? `${left.name} was not started though few had failed` : undefined;
};

const UNFIT: readonly (string | undefined)[] = ['instance_not_found', 'ambiguous_target'];

/** What was never fit fails before anything is sent to any. */
const begunBeforeAllWereRead: StepCheck = ({ vms, posts, named }) => {
  const firstAt = Math.min(...posts.map(({ departedAt }) => departedAt));
  const late = vms.find(
    ({ outcome: { error }, instanceId, endedAt }) =>
      UNFIT.includes(error?.code) && !named.has(instanceId) && endedAt > firstAt,
  );
  return late && `a restart was sent before ${late.name} had failed`;
};

const restartOfWhatWasLeft: StepCheck = ({ vms, posts, named }) => {
  const restarted = vms.find(
    (vm) => vm.outcome.leftAlone !== undefined && vm.posts.some(({ reply }) => reply === 'taken'),
  );
  if (restarted !== undefined) return `${restarted.name} was left alone, and yet restarted`;
  return posts.some(({ instanceId }) => !named.has(instanceId))
    ? 'a VM was restarted that no target names'
    : undefined;
};

const namedTwice: StepCheck = ({ vms }) => {
  const ids = vms.filter(({ outcome }) => outcome.error === undefined).map(({ instanceId }) => instanceId);
  return new Set(ids).size < ids.length ? 'a VM is twice among the results' : undefined;
};

/**
 * By then what began and ended on a runner is known, the runner was seen without a job for as long as is asked for, and the VM was read
 * again: beside `idle_for`.
 */
const READY_AFTER_MS = 120_000;
/** From one VM's end to the request of the next: VM and runner are read again. */
const HANDOVER_MS = 30_000;
const STEP_MS = 5_000;

/** A VM that waits for its job takes no slot: while one is free, no VM waits for it whose runner has long had no job. So idle ones go first. */
const slotLeftFree: StepCheck = (run) => {
  const { scenario, suspensions, startedAt, posts } = run;
  if (suspensions.length > 0 || isGitHubSilent(run)) return undefined;
  const firstAt = Math.min(...posts.map(({ departedAt }) => departedAt));
  const settledAt = startedAt + scenario.faultsEndAfterMs;
  const late = run.vms.find(({ runner, tries: [begunAt] }) => {
    if (begunAt === undefined) return false;
    const jobs = (runner?.jobs ?? []).filter(({ startedAt: at }) => at < begunAt);
    const overAt = Math.max(...jobs.map((job) => shownUntil(job, scenario)));
    const readyAt = Math.max(firstAt, settledAt, overAt) + (scenario.runner?.idleForMs ?? 0) + READY_AFTER_MS;
    return longestFreeMs(run, { from: readyAt, until: begunAt }) > HANDOVER_MS;
  });
  return late && `${late.name} waited for a slot though one was free`;
};

/** Whether GitHub answers too little to know which runner is idle: its quota is used up, or a job in progress has no runner yet. */
function isGitHubSilent({ vms, scenario: { runner } }: StepRecord): boolean {
  return (runner?.hidesRunnerMs ?? 0) > 0 || vms.some(({ faults }) => faults.has('quota used up'));
}

/** For how long GitHub may show a job: longer if its VM was stopped under it. */
function shownUntil({ endsAt, killedAt }: Job, { runner }: Scenario): number {
  const { idleLagMs = 0, jobsLagMs = 0, sessionMs = 0 } = runner?.habits ?? {};
  return Math.max(endsAt, killedAt === undefined ? endsAt : killedAt + sessionMs) + idleLagMs + jobsLagMs;
}

type Job = TrueRunner['jobs'][number];

interface Stretch {
  readonly from: number;
  readonly until: number;
}

/** For how long a slot was free without a break. */
function longestFreeMs(run: StepRecord, { from, until }: Stretch): number {
  const { slots } = limitsOf(run);
  let [longestMs, freeMs] = [0, 0];
  for (let moment = from; moment < until; moment += STEP_MS) {
    freeMs = underWayAt(run, moment) < slots ? freeMs + STEP_MS : 0;
    longestMs = Math.max(longestMs, freeMs);
  }
  return longestMs;
}

/** VMs whose restart had left, and which had not come to their end. */
function underWayAt({ vms }: StepRecord, moment: number): number {
  return vms.filter(({ posts: [first], endedAt }) => {
    return first !== undefined && first.departedAt <= moment && endedAt > moment;
  }).length;
}

const wrongResults: StepCheck = ({ vms, outputs }) => {
  const results: { instance_id: string; outcome: string }[] = JSON.parse(outputs['results'] ?? '');
  if (JSON.stringify(results.map(({ outcome }) => outcome)) !== JSON.stringify(vms.map(kindOf)))
    return 'results are not what came of the VMs';
  const remaining = new Set((outputs['remaining'] ?? '').split('\n').filter(Boolean));
  const isWrong = results.some(({ instance_id: id }, index) => {
    const { restarted, skippedAs } = vms[index]?.outcome ?? {};
    return id !== '' && remaining.has(id) === (restarted === 'true' || skippedAs !== undefined);
  });
  return isWrong ? 'remaining is not what was not restarted' : undefined;
};

/** What came of a VM, as `results` has it. */
function kindOf({ outcome: { leftAlone, restarted, error }, posts }: VmRecord): string {
  if (leftAlone !== undefined) return leftAlone;
  if (restarted === 'unknown') return 'unknown';
  const wasCancelled = error?.code === 'cancelled';
  if (wasCancelled && posts.length === 0) return 'not_started';
  if (error !== undefined && !(wasCancelled && restarted === 'true')) return 'failed';
  return restarted === 'true' ? 'restarted' : 'not_started';
}

export const STEP_CHECKS: readonly StepCheck[] = [
  tooManyAtOnce,
  begunAfterFailures,
  leftWithoutReason,
  begunBeforeAllWereRead,
  restartOfWhatWasLeft,
  namedTwice,
  slotLeftFree,
  wrongResults,
];
