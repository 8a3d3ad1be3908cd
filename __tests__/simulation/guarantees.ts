import type { ErrorCode } from '../../src/errors.ts';
import { DAMAGES } from './damaged-answers.ts';
import { LASTING_EVENTS } from './events.ts';
import { DENIED, FITTING, isHealthy } from './fitting-codes.ts';
import { guestMs, lateGuest, lostGuest, wrongUp } from './guest-guarantees.ts';
import {
  deadlineOf,
  END_MS,
  isCertain,
  isRejected,
  limitOf,
  SHORTEST_TRY_MS,
  sendBy,
  wakingAt,
} from './limits.ts';
import { fitsPool, POOL_STEP_CHECKS, POOL_VM_CHECKS } from './pool-guarantees.ts';
import type { StepRecord, TrueReport, VmRecord } from './run.ts';
import {
  blindTry,
  failedForPattern,
  hasty,
  idleClaim,
  idleSkip,
  killedJob,
  lostRunner,
  staleLook,
  wrongClaim,
} from './runner-guarantees.ts';
import { MISTAKES, REQUEST_FAULTS, type Scenario } from './scenario.ts';
import { STEP_CHECKS } from './slot-guarantees.ts';
import { START } from './stage.ts';
import type { RestartPost } from './testbed.ts';

/*
 * Each guarantee is a check. Most are about one VM, and hold for each VM of a step: they compare what the step said with what really
 * happened (a VmRecord, see run.ts), and say in words what is broken. Those about its GitHub runner are in runner-guarantees.ts, those about
 * its guest in guest-guarantees.ts, and those about several VMs in slot-guarantees.ts. Which error codes fit is in fitting-codes.ts. A new
 * fault (scenario.ts) or event (events.ts) needs a change here only if the step cannot keep a guarantee because of it.
 */

/** What is broken about a VM, or a whole step, in words; undefined if nothing is. */
export type Check<Of = VmRecord> = (run: Of) => string | undefined;

/** What a signal leaves for the end: in milliseconds. */
const CANCEL_MS = 1_000;

/** The guarantees that a run broke, in words; empty for none. */
export function brokenGuarantees(run: StepRecord): string[] {
  const isPool = run.scenario.pool !== undefined;
  const [checksOfVms, checksOfStep] = isPool
    ? [CHECKS_OF_POOL_VMS, POOL_STEP_CHECKS]
    : [VM_CHECKS, STEP_CHECKS];
  const ofVms = run.vms.flatMap((vm) =>
    checksOfVms.flatMap((check) => {
      const broken = check(vm);
      return broken === undefined ? [] : [vm.isAlone ? broken : `${vm.name}: ${broken}`];
    }),
  );
  return [...ofVms, ...[leak, ...checksOfStep].flatMap((check) => check(run) ?? [])];
}

// ---- no false success ----

/** What a boot before the restart may lack in age to be told from one after it. */
const FOREIGN_BLUR_MS = 20_000;

const falseSuccess: Check = (run) => {
  if (run.outcome.restarted !== 'true') return undefined;
  const report = claimedReport(run);
  if (report === undefined) return 'false success: no report ever said what the proof says';
  if (report.bootedAt >= sentAt(run) || isIndistinguishable(report, run)) return undefined;
  return 'false success: the VM has not booted since the restart was sent';
};

/** The report that showed all three conditions at once. */
function claimedReport({ outcome: { proof: last }, reports }: VmRecord): TrueReport | undefined {
  const milliseconds = (date: { epochNanoseconds: bigint } | undefined) =>
    date && Number(date.epochNanoseconds / 1_000_000n);
  const [startDateMs, timestampMs] = [milliseconds(last?.startDate), milliseconds(last?.reportedAt)];
  return reports.findLast((report) => {
    const isThen = timestampMs === undefined || report.timestampMs === timestampMs;
    return isHealthy(report) && isThen && report.startDateMs === startDateMs;
  });
}

/**
 * What nobody can tell. Nobody knows how old a report was when it was first seen; so a boot that the step had not asked for
 * looks like ours, unless the VM had run, when the report was made, for longer than the restart had been on its way by then.
 * And where the node's clock was set meanwhile, its dates do not say when that boot was.
 */
function isIndistinguishable(report: TrueReport, run: VmRecord): boolean {
  const isOfOthers = run.boots.some(({ at, isOurs }) => at === report.bootedAt && !isOurs);
  const hadRunMs = report.at - report.bootedAt;
  const isRecent = hadRunMs <= run.endedAt - sentAt(run) + FOREIGN_BLUR_MS;
  return isOfOthers && (isRecent || run.faults.has('clock'));
}

function sentAt({ posts }: VmRecord): number {
  return posts[0]?.departedAt ?? Number.POSITIVE_INFINITY;
}

const secondRestart: Check = ({ posts }) =>
  posts.filter(({ reply }) => reply === 'taken').length > 1
    ? 'more than one restart was carried out'
    : undefined;

// ---- no false failure ----

/** The longest pause between two tries, and what a Retry-After of the simulation asks for at most. */
const PAUSE_MS = 3_000;
const LONGEST_RETRY_AFTER_MS = 20_000;
const HEARTBEATS = 3;

/** It was all well again, and there was time enough to see it. */
const falseFailure: Check = (run) => {
  const { outcome, cancelledAt } = run;
  if (outcome.error === undefined || outcome.restarted === 'true') return undefined;
  if (cancelledAt !== undefined || !run.isUp) return undefined;
  const isCarriedOut = run.boots.some(({ isOurs }) => isOurs);
  // An Error that stays for long is a failure.
  if (!isCarriedOut || wasDownForLong(run)) return undefined;
  // Where the node's clock was set, the step's own boot may not look like one.
  if (clockSettings(run) > 1 || hasDateOfOldBoot(run) || isRefusedForLong(run)) return undefined;
  return hadTimeToSee(run) ? 'false failure: all was well again in time' : undefined;
};

/** Where the step was suspended over the deadline, one look is left, which may take so long. */
const LAST_LOOK_MS = 1_500;

function hadTimeToSee(run: VmRecord): boolean {
  const deadline = deadlineOf(run);
  const wakingMs = wakingAt(run, deadline);
  if (wakingMs === undefined) return settledAt(run) + allowanceMs(run) < deadline;
  // A new session takes three requests more.
  const lookMs =
    (run.scenario.step.identity === 'api_key' ? 4 : 1) * SLOWEST_TRIP * run.scenario.network.latencyMs;
  return settledAt(run) + reportMs(run) < wakingMs && lookMs < LAST_LOOK_MS;
}

/** To connect, there and back, each up to half as long again as usual. */
const SLOWEST_TRIP = 4.5;

/** For so long, and nothing else, a refusal by the controller or a gateway may pass once a good answer has come. */
const REFUSED_MS = 30_000;

/** The controller, or what stands before it, said no for so long, and nothing else. */
function isRefusedForLong({ faults, endedAt, askedSince = endedAt }: VmRecord): boolean {
  return [...DENIED, 'long pause'].some((fault) => faults.has(fault)) && endedAt - askedSince >= REFUSED_MS;
}

const UNREACHED: readonly (ErrorCode | undefined)[] = [
  'authentication_failed',
  'permission_denied',
  'protocol_error',
  'controller_unreachable',
];
/** What may be believed at once, or soon, as long as no good answer has come. */
const BELIEVED = [...DENIED, ...Object.keys(DAMAGES), ...MISTAKES, 'long pause', 'session ended'];
/** The step gave the controller up while it had time left, and nothing was final yet. */
const impatience: Check = (run) => {
  const { outcome, posts, faults, endedAt, hadGoodAnswer, askedSince = endedAt } = run;
  const post = posts.at(-1);
  if (!UNREACHED.includes(outcome.error?.code)) return undefined;
  // The controller itself, or what stands before it, refused the restart.
  if (post !== undefined && (isRejected(post) || (isCertain(post) && !isRepeatable(post)))) return undefined;
  if (faults.has('long pause') && isHeldOffForLong(run)) return undefined;
  const spareMs = faults.has('Retry-After') ? LONGEST_RETRY_AFTER_MS : SHORTEST_TRY_MS;
  if (endedAt + spareMs >= sendBy(run)) return undefined;
  if (hadGoodAnswer && endedAt - askedSince < REFUSED_MS) return 'what may have passed was taken for final';
  const isBelieved = hadGoodAnswer
    ? isRefusedForLong(run) || faults.has('session ended')
    : BELIEVED.some((fault) => faults.has(fault));
  return isBelieved ? undefined : 'the controller was given up before the timeout';
};

/** The restart itself was answered so at each try: what the reads in between were answered says nothing of it. */
function isHeldOffForLong({ posts, endedAt }: VmRecord): boolean {
  const since = posts[0]?.answer?.at ?? endedAt;
  return posts.every(isRepeatable) && endedAt - since >= REFUSED_MS;
}

function isRepeatable({ answer }: RestartPost): boolean {
  return answer?.status === 401 || answer?.status === 429;
}

/** For so long a step may go on that only a person can help. */
const MISTAKE_MS = 30_000;

const slowMistake: Check = (run) => {
  const { scenario, endedAt, faults } = run;
  const startedAt = START;
  if (scenario.mistake === undefined || scenario.mistake.forMs < endedAt - startedAt) return undefined;
  // A process that was suspended was told nothing meanwhile.
  const isAlone =
    scenario.suspension === undefined &&
    !Object.keys(REQUEST_FAULTS).some((fault) => faults.has(fault)) &&
    !faults.has('controller restart');
  const isLate = endedAt > limitOf(run, startedAt + MISTAKE_MS);
  return isAlone && isLate ? 'a mistake was told late' : undefined;
};

/** Whether the node's clock was set back so that a boot after the restart has the same date, in seconds, as one before it. */
function hasDateOfOldBoot(run: VmRecord): boolean {
  const old = run.reports.filter(({ bootedAt }) => bootedAt < sentAt(run));
  return run.reports.some(
    ({ bootedAt, startDateMs }) =>
      bootedAt >= sentAt(run) && old.some((report) => report.startDateMs === startDateMs),
  );
}

function clockSettings({ scenario: { events, faultsEndAfterMs } }: VmRecord): number {
  return events.filter(({ kind, afterMs }) => kind === 'clock' && afterMs < faultsEndAfterMs).length;
}

const LONG_MS = 30_000;

/** Whether the agent reported for so long that the VM is down. */
function wasDownForLong({ outcome, reports, endedAt }: VmRecord): boolean {
  if (outcome.error?.code !== 'vm_failed') return false;
  let downSince = Number.POSITIVE_INFINITY;
  for (const report of reports) {
    if (report.at - downSince >= LONG_MS) return true;
    downSince = isHealthy(report) ? Number.POSITIVE_INFINITY : Math.min(downSince, report.at);
  }
  return endedAt - downSince >= LONG_MS;
}

/** When the last thing went wrong, or the VM came up for the last time. */
function settledAt(run: VmRecord): number {
  const { scenario, boots, startedAt, suspensions } = run;
  const { mistake } = scenario;
  const ends = scenario.events.map(({ kind, afterMs, forMs }) => {
    const lasts = LASTING_EVENTS.includes(kind);
    return afterMs < scenario.faultsEndAfterMs && lasts ? afterMs + forMs : 0;
  });
  const endsAfterMs = Math.max(scenario.faultsEndAfterMs, mistake?.forMs ?? 0, ...ends);
  const wakings = suspensions.filter(({ until }) => until < deadlineOf(run)).map(({ until }) => until);
  return Math.max(startedAt + endsAfterMs, ...wakings, ...boots.map(({ at }) => at));
}

/** How long it may take, once all is well, until a report is there, a replica has it, and a look sees it. */
function allowanceMs(run: VmRecord): number {
  const { step, network } = run.scenario;
  const pollMs = step.pollInterval === 'auto' ? 0 : step.pollInterval;
  const pauseMs = run.faults.has('Retry-After') ? LONGEST_RETRY_AFTER_MS : PAUSE_MS;
  const roundTripMs = 6 * network.latencyMs;
  // What still goes over a dead connection is in vain, and the next request then takes a new one.
  const deadMs = run.faults.has('dead connection') ? step.requestTimeoutMs + PAUSE_MS : 0;
  return reportMs(run) + step.requestTimeoutMs + pauseMs + pollMs + roundTripMs + deadMs;
}

function reportMs({ scenario }: VmRecord): number {
  return (scenario.world.datelessMs ?? 0) + HEARTBEATS * heartbeatMs(scenario) + scenario.replicas.lagMs;
}

function heartbeatMs({ world: { heartbeatMs, heartbeatJitter } }: Scenario): number {
  return heartbeatMs * (1 + heartbeatJitter);
}

// ---- it ends ----

const lateEnd: Check = (run) => {
  const { startedAt, endedAt, cancelledAt, scenario, outcome, posts, isAlone } = run;
  // In a fleet a VM that was never begun waits for the others; and one that was may wait for them again.
  const { cleared = startedAt } = outcome.moments;
  const beganAt = isAlone ? startedAt : Math.max(posts.at(-1)?.departedAt ?? endedAt, cleared);
  const deadline = beganAt + scenario.step.timeoutMs + runnerMs(run);
  if (endedAt > limitOf(run, limitOf(run, deadline) + guestMs(run)) + END_MS) return 'it ended late';
  const isCancelledLate = cancelledAt !== undefined && endedAt > cancelledAt + CANCEL_MS;
  return isCancelledLate ? 'it ended late after the signal' : undefined;
};

/** Where a restart is not known to have done anything, there is a last look when the time is over, awake. */
const noLastLook: Check = (run) => {
  const { outcome, lastBegunAt, posts, scenario } = run;
  const post = posts.at(-1);
  if (scenario.runner !== undefined || outcome.restarted !== 'unknown' || post === undefined)
    return undefined;
  const isDue = outcome.error?.code === 'timed_out' || isRejected(post);
  if (!isDue || outcome.error?.code === 'vm_failed' || outcome.error?.code === 'cancelled') return undefined;
  const deadline = deadlineOf(run);
  // A poll that begins at the deadline has its full time if the step sleeps for less than that.
  const wakesAt = wakingAt(run, deadline) ?? deadline;
  const dueAt = wakesAt > deadline + END_MS ? wakesAt : deadline;
  return lastBegunAt < dueAt ? 'there was no last look' : undefined;
};

/** No restart is sent that could not be verified any more. */
const lateRestart: Check = (run) => {
  const { moments } = run.outcome;
  const { heldUp = 0, cleared = heldUp } = moments;
  const latest = sendBy(run) + (run.isAlone ? cleared - heldUp : Math.max(0, cleared - run.startedAt));
  return run.posts.some(({ departedAt }) => departedAt > latest) ? 'a restart was sent too late' : undefined;
};

/** Should the process be killed, it has said before that a restart may have been sent. */
const silence: Check = ({ posts }) =>
  posts.every(({ announced }) => announced === 'unknown')
    ? undefined
    : 'a restart left, and nobody was told before';

/** What it takes to be sure that no job runs, beside `idle_for`: the looks themselves, and the jobs. */
const SETTLING_MS = 60_000;
const LONGEST_GAP_MS = 20_000;

/**
 * What a runner to look after may add: it settles anew after each job, each time that GitHub took one back, and each time that it
 * was not looked at for long. And GitHub may be silent for as long as the restart may take.
 */
function runnerMs({ scenario: { runner, step, vms } }: VmRecord): number {
  if (runner === undefined) return 0;
  const { busyTimeoutMs, runnerTimeoutMs, idleForMs } = runner;
  const jobs = vms.flatMap((vm) => vm.jobs);
  const settlings = 3 + 3 * jobs.length + step.timeoutMs / LONGEST_GAP_MS;
  return busyTimeoutMs + step.timeoutMs + settlings * (idleForMs + SETTLING_MS) + runnerTimeoutMs;
}

// ---- what it says is true ----

const untruth: Check = (run) => {
  const { restarted, error } = run.outcome;
  const { posts, scenario } = run;
  if (scenario.step.dryRun && posts.length > 0) return 'a dry run sent a restart';
  if (restarted === 'false' && posts.some(({ reply }) => reply === 'taken'))
    return '"false" though the controller took the restart';
  if (restarted === 'false' && !posts.every((post) => isCertain(post, scenario)))
    return '"false" though the controller may have taken the restart';
  if (restarted === 'unknown' && posts.length === 0) return '"unknown" though nothing was ever sent';
  // A boot that is not the step's own may look as if the restart had been carried out nevertheless.
  const mayMislead = run.boots.some(({ isOurs }) => !isOurs);
  if (restarted === 'unknown' && !mayMislead && posts.every((post) => isCertain(post)))
    return '"unknown" though the controller refused it';
  const isFailure = restarted === 'true' && error !== undefined && !scenario.runner && !scenario.guest;
  if (isFailure) return 'an error after a restart that was proved';
  const isSuccess = restarted === 'true' || scenario.step.dryRun || run.outcome.leftAlone !== undefined;
  return isSuccess || error !== undefined ? undefined : 'neither success nor an error';
};

const wrongCode: Check = (run) => {
  const code = run.outcome.error?.code;
  if (code === undefined || FITTING[code](run) || fitsPool(code, run)) return undefined;
  return `the code ${code} does not fit`;
};

/** Every other way out after the restart may leave open whether the guest is up. */
const GUEST_TOLD: readonly (ErrorCode | undefined)[] = [undefined, 'guest_not_up', 'runner_not_back'];

const missingOutput: Check = ({ outcome, outputs, posts, answersSeen, scenario, isAlone }) => {
  const { restarted, error } = outcome;
  const isKnown = answersSeen > 0 && scenario.step.targetBy === 'instance_id';
  const due = [
    ...(isKnown ? ['instance_id', ...(isAlone ? ['instance_state'] : [])] : []),
    ...(posts.length > 0 ? ['previous_start_date'] : []),
    ...(restarted === 'true' ? ['start_date', 'duration'] : []),
    // What failed while the guest was waited for may have none any more.
    ...(restarted === 'true' && isAlone && !scenario.guest ? ['status'] : []),
    ...(restarted === 'true' && scenario.runner?.waitsForRunner && error === undefined
      ? ['runner_status']
      : []),
    ...(restarted === 'true' && scenario.guest && GUEST_TOLD.includes(error?.code) ? ['guest_status'] : []),
    ...(error === undefined ? [] : ['error_code']),
  ];
  const missing = [isAlone ? 'restarted' : 'outcome', ...due].filter((name) => !outputs[name]);
  return missing.length > 0 ? `outputs are missing: ${missing.join(', ')}` : undefined;
};

// ---- nothing leaks ----

/** The forms in which secrets usually turn up. Not taken from the step's own list, whose gaps would not be found then. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const encodings = ['base64', 'base64url', 'hex'] as const;
  const unpadded = bytes.toString('base64').replace(/=+$/, '');
  return [secret, unpadded, encodeURIComponent(secret), ...encodings.map((form) => bytes.toString(form))];
}

const leak: Check<StepRecord> = ({ secrets, written, misdirected }) => {
  if (secrets.flatMap(formsOf).some((form) => written.includes(form))) return 'a secret was written';
  if (/^\s*::|##\[/m.test(written)) return 'something written would act as a workflow command';
  return misdirected.length > 0 ? 'a request went elsewhere, or with what is for others' : undefined;
};

const VM_CHECKS: readonly Check[] = [
  falseSuccess,
  secondRestart,
  falseFailure,
  impatience,
  slowMistake,
  lateRestart,
  lateEnd,
  noLastLook,
  silence,
  untruth,
  wrongCode,
  missingOutput,
  blindTry,
  staleLook,
  killedJob,
  hasty,
  idleSkip,
  failedForPattern,
  idleClaim,
  wrongClaim,
  lostRunner,
  wrongUp,
  lostGuest,
  lateGuest,
];

/** What holds of VMs with any kind of runner. */
const CHECKS_OF_POOL_VMS: readonly Check[] = [
  falseSuccess,
  secondRestart,
  silence,
  untruth,
  wrongCode,
  missingOutput,
  idleClaim,
  wrongClaim,
  ...POOL_VM_CHECKS,
];
