import type { ErrorCode } from '../../src/errors.ts';
import { DAMAGES } from './damaged-answers.ts';
import { lateEnd, lateRestart, noLastPoll, silence } from './end-guarantees.ts';
import { LASTING_EVENTS, newNameOf } from './events.ts';
import { DENIED, FITTING, isHealthy } from './fitting-codes.ts';
import { lateGuest, lostGuest, wrongUp } from './guest-guarantees.ts';
import { deadlineOf, isCertain, isRejected, limitOf, SHORTEST_TRY_MS, sendBy, wakingAt } from './limits.ts';
import { fitsPool, POOL_STEP_CHECKS, POOL_VM_CHECKS } from './pool-guarantees.ts';
import type { StepRecord, VmRecord } from './record.ts';
import type { RestartPost, TrueReport } from './recorder.ts';
import { REQUEST_FAULTS } from './request-faults.ts';
import {
  blindTry,
  cutList,
  failedForPattern,
  hasty,
  idleClaim,
  idleSkip,
  killedJob,
  lostRunner,
  staleReading,
  wrongClaim,
} from './runner-guarantees.ts';
import { MISTAKES, type Scenario } from './scenario.ts';
import { STEP_CHECKS } from './slot-guarantees.ts';
import { START } from './stage.ts';

/*
 * Each guarantee is a check. Most are about one VM, and hold for each VM of a step: they compare what the step said with what really
 * happened (a VmRecord, see record.ts), and say in words what is broken. Those about its end are in end-guarantees.ts, those about its
 * runner and its guest in runner-guarantees.ts and guest-guarantees.ts, and those about several VMs in slot-guarantees.ts. Which error codes
 * fit is in fitting-codes.ts. A new fault or event needs a change here only if the step cannot keep a guarantee because of it.
 */

/** Describes how a VM, or a whole step, broke a guarantee; undefined if it kept it. */
export type Check<Of = VmRecord> = (run: Of) => string | undefined;

/** The guarantees that a run broke, in words; empty if it kept all. */
export function brokenGuarantees(run: StepRecord): string[] {
  const isPool = run.scenario.pool !== undefined;
  const ofVms = run.vms.flatMap((vm) =>
    [...VM_CHECKS, ...(isPool ? POOL_VM_CHECKS : [])].flatMap((check) => {
      const broken = check(vm);
      return broken === undefined ? [] : [vm.isAlone ? broken : `${vm.name}: ${broken}`];
    }),
  );
  return [...ofVms, ...[leak, ...STEP_CHECKS, ...POOL_STEP_CHECKS].flatMap((check) => check(run) ?? [])];
}

// ---- no false success ----

/** A boot is distinguishable from the step's own only if it is at least this much older. */
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
 * Whether no client could distinguish the boot from the step's own. The age of a report is unknown when it is first seen, so a boot
 * that the step did not request looks like its own, unless the VM had been running, when the report was made, for longer than the
 * restart had been in flight. If the node's clock was set in the meantime, its dates do not say when that boot was.
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
  posts.filter(({ reply }) => reply === 'accepted').length > 1
    ? 'more than one restart was carried out'
    : undefined;

// ---- no false failure ----

/** The longest pause between two attempts, and the longest Retry-After in the simulation. */
const PAUSE_MS = 3_000;
const LONGEST_RETRY_AFTER_MS = 20_000;
const HEARTBEATS = 3;

/** The VM was up again in time, and the step could have seen it. */
const falseFailure: Check = (run) => {
  const { outcome, cancelledAt } = run;
  if (outcome.error === undefined || outcome.restarted === 'true') return undefined;
  if (cancelledAt !== undefined || !run.isUp) return undefined;
  const isCarriedOut = run.boots.some(({ isOurs }) => isOurs);
  // An Error that lasts is a failure.
  if (!isCarriedOut || wasDownForLong(run)) return undefined;
  // If the node's clock was set, the step's own boot can look like an earlier one.
  if (clockSettings(run) > 1 || hasDateOfOldBoot(run) || looksRecomputed(run) || isRefusedForLong(run))
    return undefined;
  return hadTimeToSee(run) ? 'false failure: all was well again in time' : undefined;
};

/** If the step was suspended past the deadline, it has one last poll, which can take this long. */
const LAST_POLL_MS = 1_500;

function hadTimeToSee(run: VmRecord): boolean {
  const deadline = deadlineOf(run);
  const wakingMs = wakingAt(run, deadline);
  if (wakingMs === undefined) return settledAt(run) + allowanceMs(run) < deadline;
  // A new session takes three more requests.
  const pollTripMs =
    (run.scenario.step.identity === 'api_key' ? 4 : 1) * SLOWEST_TRIP * run.scenario.network.latencyMs;
  return settledAt(run) + reportMs(run) < wakingMs && pollTripMs < LAST_POLL_MS;
}

/** Connecting, the request and the answer, each up to 1.5 times the usual latency. */
const SLOWEST_TRIP = 4.5;

/** After a good answer, refusals by the controller or a gateway are retried this long before they are final. */
const REFUSED_MS = 30_000;

/** Whether the controller or a gateway gave nothing but refusals for that long. */
function isRefusedForLong({ faults, endedAt, askedSince = endedAt }: VmRecord): boolean {
  return [...DENIED, 'long pause'].some((fault) => faults.has(fault)) && endedAt - askedSince >= REFUSED_MS;
}

const UNREACHED: readonly (ErrorCode | undefined)[] = [
  'authentication_failed',
  'permission_denied',
  'protocol_error',
  'controller_unreachable',
];
/** Faults that the step may treat as final at once, or soon, before the first good answer. */
const BELIEVED = [...DENIED, ...Object.keys(DAMAGES), ...MISTAKES, 'long pause', 'session ended'];

/** A controller that could not be reached for this long, before its first good answer, may be given up: in milliseconds. */
const UNREACHABLE_MS = 37_000;
/** Attempts to connect that got no answer. */
const HANGS = ['hanging handshake', 'hangs connecting'];

function wasUnreachable({ faults, startedAt, endedAt, scenario }: VmRecord): boolean {
  const { faultsEndAfterMs, step, events } = scenario;
  const restarts = events.filter(
    ({ kind, afterMs }) => kind === 'controller restart' && afterMs < faultsEndAfterMs,
  );
  const reachableAfterMs = Math.max(
    faultsEndAfterMs,
    ...restarts.map(({ afterMs, forMs }) => afterMs + forMs),
  );
  // An attempt that began before that may fail after it.
  const isStill = endedAt <= startedAt + reachableAfterMs + step.requestTimeoutMs + PAUSE_MS;
  const hasHung = HANGS.some((fault) => faults.has(fault));
  return hasHung && endedAt - startedAt >= UNREACHABLE_MS && isStill;
}

/** Whether the controller asked for a long pause. */
function mayGiveUpEarly(run: VmRecord): boolean {
  return run.faults.has('long pause') && isHeldOffForLong(run);
}

/** The step must not give up on the controller while it has time left and nothing is final yet. */
const impatience: Check = (run) => {
  const { outcome, posts, faults, endedAt, hadGoodAnswer, askedSince = endedAt } = run;
  const post = posts.at(-1);
  if (!UNREACHED.includes(outcome.error?.code)) return undefined;
  // The controller or a gateway refused the restart.
  if (post !== undefined && (isRejected(post) || (isCertain(post) && !isRepeatable(post)))) return undefined;
  if (mayGiveUpEarly(run)) return undefined;
  const spareMs = faults.has('Retry-After') ? LONGEST_RETRY_AFTER_MS : SHORTEST_TRY_MS;
  if (endedAt + spareMs >= sendBy(run)) return undefined;
  if (hadGoodAnswer && endedAt - askedSince < REFUSED_MS)
    return 'a fault that could pass was treated as final';
  const isBelieved = hadGoodAnswer
    ? isRefusedForLong(run) || faults.has('session ended')
    : BELIEVED.some((fault) => faults.has(fault)) || wasUnreachable(run);
  return isBelieved ? undefined : 'the step gave up on the controller before the timeout';
};

/** Whether every attempt of the restart got such an answer: the answers to reads in between do not matter. */
function isHeldOffForLong({ posts, endedAt }: VmRecord): boolean {
  const since = posts[0]?.answer?.at ?? endedAt;
  return posts.every(isRepeatable) && endedAt - since >= REFUSED_MS;
}

function isRepeatable({ answer }: RestartPost): boolean {
  return answer?.status === 401 || answer?.status === 429;
}

/** How long the step may take to report a fault that only a person can fix. */
const MISTAKE_MS = 30_000;

/** Whether a handshake hung: without a good answer, that looks like a controller that cannot be reached. */
function hasHung({ faults }: VmRecord): boolean {
  return faults.has('hanging handshake');
}

const slowMistake: Check = (run) => {
  const { scenario, endedAt, faults } = run;
  const startedAt = START + scenario.startsAfterMs;
  if (scenario.mistake === undefined || scenario.mistake.forMs < endedAt - startedAt) return undefined;
  // A suspended process learns nothing in the meantime.
  const isAlone =
    scenario.suspension === undefined &&
    !hasHung(run) &&
    !Object.keys(REQUEST_FAULTS).some((fault) => faults.has(fault)) &&
    !faults.has('controller restart');
  const isLate = endedAt > limitOf(run, startedAt + MISTAKE_MS);
  return isAlone && isLate ? 'a mistake was reported late' : undefined;
};

/** Whether the node's clock was set back so that a boot after the restart has the same date (in whole seconds) as one before it. */
function hasDateOfOldBoot(run: VmRecord): boolean {
  const old = run.reports.filter(({ bootedAt }) => bootedAt < sentAt(run));
  return run.reports.some(
    ({ bootedAt, startDateMs }) =>
      bootedAt >= sentAt(run) && old.some((report) => isSameDate(report.startDateMs, startDateMs)),
  );
}

/**
 * Whether the node's clock was set by about the time between an older boot and one after the restart. An agent may compute the date of one
 * boot again with the clock that was set, so the new date may be that of the older boot.
 */
function looksRecomputed(run: VmRecord): boolean {
  const old = run.reports.filter(({ bootedAt }) => bootedAt < sentAt(run));
  const errorOf = ({ timestampMs, at }: TrueReport) => timestampMs - at;
  return run.reports.some((report) =>
    old.some((before) => {
      const setMs = errorOf(report) - errorOf(before);
      const unexplainedMs = report.startDateMs - before.startDateMs - setMs;
      return (
        report.bootedAt >= sentAt(run) &&
        Math.abs(setMs) > SET_MS &&
        Math.abs(unexplainedMs) <= FOREIGN_BLUR_MS
      );
    }),
  );
}

/** A clock that is off by more than before was set: in milliseconds. */
const SET_MS = 10_000;

/** Dates are whole seconds, and that of one boot may wander by a second. */
function isSameDate(one: number | undefined, other: number | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && Math.abs(one - other) <= 1_000);
}

function clockSettings({ scenario: { events, faultsEndAfterMs } }: VmRecord): number {
  return events.filter(({ kind, afterMs }) => kind === 'clock' && afterMs < faultsEndAfterMs).length;
}

const LONG_MS = 30_000;

/** Whether the agent reported the VM as down for that long. */
function wasDownForLong({ outcome, reports, endedAt }: VmRecord): boolean {
  if (outcome.error?.code !== 'vm_failed') return false;
  let downSince = Number.POSITIVE_INFINITY;
  for (const report of reports) {
    if (report.at - downSince >= LONG_MS) return true;
    downSince = isHealthy(report) ? Number.POSITIVE_INFINITY : Math.min(downSince, report.at);
  }
  return endedAt - downSince >= LONG_MS;
}

/** When the last fault ended, or the VM booted for the last time. */
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

/** Once all faults are over: how long it takes until a report is made, a replica has it, and a poll reads it. */
function allowanceMs(run: VmRecord): number {
  const { step, network } = run.scenario;
  const pollMs = step.pollInterval === 'auto' ? 0 : step.pollInterval;
  const pauseMs = run.faults.has('Retry-After') ? LONGEST_RETRY_AFTER_MS : PAUSE_MS;
  const roundTripMs = 6 * network.latencyMs;
  // A request over a dead connection is lost; the next one opens a new connection.
  const isInVain = run.faults.has('dead connection') || run.faults.has('hanging handshake');
  const deadMs = isInVain ? step.requestTimeoutMs + PAUSE_MS : 0;
  return reportMs(run) + step.requestTimeoutMs + pauseMs + pollMs + roundTripMs + deadMs;
}

function reportMs({ scenario }: VmRecord): number {
  return (scenario.world.datelessMs ?? 0) + HEARTBEATS * heartbeatMs(scenario) + scenario.replicas.lagMs;
}

function heartbeatMs({ world: { heartbeatMs, heartbeatJitter } }: Scenario): number {
  return heartbeatMs * (1 + heartbeatJitter);
}

// ---- it does not restart itself ----

/** Once an answer has shown the name of the VM that the step runs in, the step sends no restart. */
const selfRestart: Check = ({ posts, ownVmNamedAt = Number.POSITIVE_INFINITY }) =>
  posts.some(({ departedAt }) => departedAt > ownVmNamedAt)
    ? 'it restarted the machine that it runs on'
    : undefined;

// ---- outputs are true ----

const untruth: Check = (run) => {
  const { restarted, error } = run.outcome;
  const { posts, scenario } = run;
  if (scenario.step.dryRun && posts.length > 0) return 'a dry run sent a restart';
  if (restarted === 'false' && posts.some(({ reply }) => reply === 'accepted'))
    return '"false" though the controller accepted the restart';
  if (restarted === 'false' && !posts.every((post) => isCertain(post, scenario)))
    return '"false" though the controller may have accepted the restart';
  if (restarted === 'unknown' && posts.length === 0) return '"unknown" though nothing was ever sent';
  // After another client's boot, a refused restart can look as if it was carried out.
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

/** After any other error, guest_status may be empty. */
const GUEST_STATUS_DUE: readonly (ErrorCode | undefined)[] = [undefined, 'guest_not_up', 'runner_not_back'];

/** A signal may come while the list is read for the names that the first answer lacks. */
function isStateDue({ isAlone, outcome: { error }, scenario: { world } }: VmRecord): boolean {
  const { oneLacks = [] } = world;
  const lacksNames = oneLacks.includes('external_id') || oneLacks.includes('name');
  return isAlone && !(error?.code === 'cancelled' && lacksNames);
}

const missingOutput: Check = (run) => {
  const { outcome, outputs, posts, answersSeen, scenario, isAlone } = run;
  const { restarted, error } = outcome;
  const isKnown = answersSeen > 0 && scenario.step.targetBy === 'instance_id';
  const due = [
    ...(isKnown ? ['instance_id', ...(isStateDue(run) ? ['instance_state'] : [])] : []),
    ...(posts.length > 0 ? ['previous_start_date'] : []),
    ...(restarted === 'true' ? ['start_date', 'duration'] : []),
    // A VM that failed while the step waited for the guest may have no status.
    ...(restarted === 'true' && isAlone && !scenario.guest ? ['status'] : []),
    ...(restarted === 'true' && scenario.runner?.waitsForRunner && error === undefined
      ? ['runner_status']
      : []),
    ...(restarted === 'true' && scenario.guest && GUEST_STATUS_DUE.includes(error?.code)
      ? ['guest_status']
      : []),
    ...(error === undefined ? [] : ['error_code']),
  ];
  const missing = [isAlone ? 'restarted' : 'outcome', ...due].filter((name) => !outputs[name]);
  return missing.length > 0 ? `outputs are missing: ${missing.join(', ')}` : undefined;
};

/** The outputs have the external ID as of the last answer. If it was changed before the report that proves the restart, that shows the new one. */
const oldName: Check = (run) => {
  const { outputs, scenario, instanceId, renamedAt, faults } = run;
  const report = run.outcome.restarted === 'true' ? claimedReport(run) : undefined;
  if (report === undefined || renamedAt === undefined) return undefined;
  const isDamaged = Object.keys(DAMAGES).some((damage) => faults.has(damage));
  const isShown = scenario.world.oneLacks?.includes('external_id') !== true && !isDamaged;
  const isEarlier = renamedAt + scenario.replicas.lagMs < report.at;
  return isEarlier && isShown && outputs['external_id'] !== newNameOf(instanceId)
    ? 'the outputs have the external ID from before it was changed'
    : undefined;
};

// ---- nothing leaks ----

/** Common encodings of a secret. Listed independently of the step's own list, so that gaps in that one are found. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const encodings = ['base64', 'base64url', 'hex'] as const;
  const unpadded = bytes.toString('base64').replace(/=+$/, '');
  return [secret, unpadded, encodeURIComponent(secret), ...encodings.map((form) => bytes.toString(form))];
}

const leak: Check<StepRecord> = ({ secrets, written, misdirected }) => {
  if (secrets.flatMap(formsOf).some((form) => written.includes(form))) return 'a secret was written';
  if (/^\s*::|##\[/m.test(written)) return 'something written would act as a workflow command';
  return misdirected.length > 0
    ? 'a request went elsewhere, or carried credentials meant for another server'
    : undefined;
};

const VM_CHECKS: readonly Check[] = [
  falseSuccess,
  secondRestart,
  falseFailure,
  impatience,
  slowMistake,
  lateRestart,
  lateEnd,
  noLastPoll,
  silence,
  selfRestart,
  untruth,
  wrongCode,
  missingOutput,
  oldName,
  blindTry,
  staleReading,
  killedJob,
  cutList,
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
