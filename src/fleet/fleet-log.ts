// The log lines about several VMs together.

import { type Clock, minutes } from '../clock.ts';
import { createProgressLog, type Log } from '../log.ts';
import type { Occupancy } from '../runner/occupancy.ts';
import { holdsSlot, isInQueue, type SlotLimits, type SlotState } from './slots.ts';
import {
  countKinds,
  KIND_WORDS,
  listNames,
  numberOfVms,
  resultKindOf,
  type StepOutcome,
  type VmOutcome,
} from './step-outcome.ts';

export function describeFleet(vms: number, { slots, mostFailures }: SlotLimits): string {
  const most = mostFailures === 0 ? 'the first failure' : `more than ${numberOfFailures(mostFailures)}`;
  return `${numberOfVms(vms)}, at most ${slots} at a time; after ${most} no new restart starts`;
}

function numberOfFailures(failures: number): string {
  return failures === 1 ? '1 failure' : `${failures} failures`;
}

export function describeDryRun(vms: number): string {
  return `Dry run: ${numberOfVms(vms)} to check; nothing is changed`;
}

/** How one VM ended. Undefined if it succeeded, and if it never started: those VMs are listed together at the end. */
export function describeEnd(outcome: VmOutcome): string | undefined {
  const { error, leftAlone } = outcome;
  if (neverStarted(outcome)) return undefined;
  const ending = KIND_WORDS[resultKindOf(outcome)];
  if (error !== undefined) return `${ending}: ${error.code}: ${error.message}`;
  return leftAlone && `${ending}: ${leftAlone.message}`;
}

/** A VM that a dry run has checked is `not_started`, too, but has neither an error nor a reason to be left alone. */
function neverStarted(outcome: VmOutcome): boolean {
  const { error, leftAlone } = outcome;
  return resultKindOf(outcome) === 'not_started' && (error !== undefined || leftAlone !== undefined);
}

export function describeTooManyFailures(failed: number, { mostFailures }: SlotLimits): string {
  return `${numberOfFailures(failed)}, more than max_failures (${mostFailures}) allows: no new restart starts`;
}

const MOST_NOT_STARTED = 10;

/** Undefined if every VM was started. */
export function describeNotStarted({ vms }: StepOutcome): string | undefined {
  const names = vms.filter(neverStarted).map(({ name }) => name);
  if (names.length === 0) return undefined;
  return `Not started: ${numberOfVms(names.length)}: ${listNames(names, MOST_NOT_STARTED)}`;
}

// ---- the progress line ----

export interface VmProgress {
  readonly state: SlotState;
  /** What is known about it so far. */
  readonly known: VmOutcome;
  /** The state of its runners; undefined if they are not read yet, or not at all. */
  readonly runner: Occupancy['kind'] | undefined;
}

interface FleetProgress {
  readonly vms: readonly VmProgress[];
  readonly slots: number;
  /** Milliseconds on the clock's scale. */
  readonly now: number;
}

const PROGRESS_EVERY_MS = 10_000;

/** Logs the progress every ten seconds, less often while it does not change. @returns a function that stops it. */
export function logProgress(
  { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
  progressNow: () => FleetProgress,
): () => void {
  const lines = createProgressLog({ log, now: clock.now, sentAt: undefined });
  const stop = new AbortController();
  const until = AbortSignal.any([signal, stop.signal]);
  const repeat = async () => {
    for (;;) {
      await clock.sleep(PROGRESS_EVERY_MS, until);
      lines.note('progress', describeProgress(progressNow()));
    }
  };
  // The loop ends only by a rejected sleep, when it is stopped or the step is canceled.
  repeat().catch(() => {});
  return () => stop.abort();
}

const PROBLEMS = ['failed', 'unknown', 'skipped', 'not_started'] as const;

/** e.g. `12 of 40 done, 3 in progress, 2 failed, 23 to go, about 4 min left`. */
export function describeProgress(progress: FleetProgress): string {
  const { vms } = progress;
  const counts = countKinds(vms.filter(isEnded).map(({ known }) => known));
  const leftMs = estimateMs(progress);
  const parts = [
    `${counts.restarted} of ${vms.length} done`,
    describeInProgress(vms.filter(isInProgress)),
    ...PROBLEMS.filter((kind) => counts[kind] > 0).map((kind) => `${counts[kind]} ${KIND_WORDS[kind]}`),
    describeToGo(vms.filter(isToGo)),
    ...(leftMs === undefined ? [] : [`about ${roughly(leftMs)} left`]),
  ];
  return parts.join(', ');
}

function isEnded({ state }: VmProgress): boolean {
  return state === 'ended' || state === 'failed';
}

function isInProgress({ state }: VmProgress): boolean {
  return holdsSlot(state);
}

function isToGo(vm: VmProgress): boolean {
  return !isEnded(vm) && !isInProgress(vm);
}

function describeInProgress(vms: readonly VmProgress[]): string {
  const rebooted = vms.filter(({ known }) => known.restarted === 'true');
  if (rebooted.length === 0) return `${vms.length} in progress`;
  const missing = rebooted.some(({ runner }) => runner !== undefined)
    ? 'runner not back yet'
    : 'guest not up yet';
  return `${vms.length} in progress (${rebooted.length} rebooted, ${missing})`;
}

const MOST_BUSY = 3;

/** Includes why runners block VMs: no other line explains why a fleet makes no progress. */
function describeToGo(vms: readonly VmProgress[]): string {
  const waiting = vms.filter(({ state }) => state === 'waiting');
  const busy = waiting.filter(({ runner }) => runner === 'busy');
  const busyNames = busy.map(({ known }) => known.name);
  const settling = waiting.filter(({ runner }) => runner === 'settling').length;
  const unknown = waiting.filter(({ runner }) => runner === 'unknown').length;
  const reasons = [
    ...(settling > 0 ? [`${settling} idle, but not yet for idle_for`] : []),
    ...(busy.length > 0 ? [`${busy.length} with a job: ${listNames(busyNames, MOST_BUSY)}`] : []),
    ...(unknown > 0 ? [`${unknown} about which GitHub gives no usable answer`] : []),
  ];
  return `${vms.length} to go${reasons.length === 0 ? '' : ` (${reasons.join('; ')})`}`;
}

/** A VM in progress that has taken this many times as long as the others makes an estimate useless. */
const OVERDUE = 2;

/** Estimates from the VMs restarted so far. Undefined if there are none, if the step waits for jobs, or if one VM takes far longer. */
function estimateMs({ vms, slots, now }: FleetProgress): number | undefined {
  const tookMs = vms.flatMap(({ known }) => (known.restarted === 'true' ? durationOf(known) : []));
  const toGo = vms.filter(isToGo);
  const inProgress = vms.filter(isInProgress);
  const waitsForJobs = toGo.some(({ state }) => !isInQueue(state));
  if (tookMs.length === 0 || waitsForJobs || toGo.length + inProgress.length === 0) return undefined;
  const meanMs = tookMs.reduce((sum, ms) => sum + ms, 0) / tookMs.length;
  const elapsedMs = inProgress.map(({ known }) => now - (beginningOf(known) ?? now));
  if (elapsedMs.some((ms) => ms > OVERDUE * meanMs)) return undefined;
  const leftMs = [...elapsedMs.map((ms) => Math.max(0, meanMs - ms)), ...toGo.map(() => meanMs)];
  const sharedMs = leftMs.reduce((sum, ms) => sum + ms, 0) / slots;
  return Math.max(sharedMs, ...leftMs);
}

/** The time from its start to its end, or nothing before its end. */
function durationOf(vm: VmOutcome): number[] {
  const beganAt = beginningOf(vm);
  return beganAt === undefined || vm.endedAt === undefined ? [] : [vm.endedAt - beganAt];
}

function beginningOf({ moments: { gateAnswered, sent } }: VmOutcome): number | undefined {
  return gateAnswered ?? sent;
}

const MINUTE_MS = 60_000;
const STEP_MS = 10_000;

/** In tens of seconds below a minute and a half, otherwise in minutes. */
function roughly(ms: number): string {
  const stepMs = ms < 1.5 * MINUTE_MS ? STEP_MS : MINUTE_MS;
  return minutes(Math.max(1, Math.round(ms / stepMs)) * stepMs);
}
