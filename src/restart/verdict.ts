// Whether the restart is proved, from one answer and the earlier ones. Pure. The steps, and the modules with their rules:
//
// 1. An answer that is older than an earlier one proves nothing (ordering.ts), unless all clocks were set back.
// 2. A VM that looks failed for long enough has failed (see the end).
// 3. The restart is proved once all conditions hold in one answer: the VM runs, and its boot is a new one (boot.ts).

import { minutes } from '../clock.ts';
import { type Instance, isTerminal, looksFailed, runningConditions } from '../controller/instance.ts';
import { shifted } from '../dates.ts';
import { type Baseline, bootOf } from './boot.ts';
import { allSetBackMs, datesOf, isDated, isNewer, isOlder, type Observation, setBackBy } from './ordering.ts';

/** What later verdicts need from the answers since the restart was sent. */
export interface History {
  readonly baseline: Baseline;
  /** When the restart was sent. */
  readonly sentAt: number;
  /** The newest report seen, at first the baseline's. */
  readonly newest: Instance;
  /** When the newest report was first seen. */
  readonly newestAt: number;
  readonly failure: FailureRun | undefined;
}

/**
 * A condition that does not hold yet:
 * - `presence`: the controller lists the instance.
 * - `newer answer`: the answer is not older than an earlier one.
 * - `dated answer`: the answer says how old it is.
 * - `instance_state`, `status`: the VM runs.
 * - `start_date`: it shows a boot that was unknown before.
 * - `new boot`: that boot came after the restart was sent.
 * - `sound dates`: the dates of the answer do not contradict each other.
 */
type Condition =
  | 'presence'
  | 'newer answer'
  | 'dated answer'
  | 'instance_state'
  | 'status'
  | 'start_date'
  | 'new boot'
  | 'sound dates';

/** A condition that does not hold yet, and what the answer showed instead. */
export interface Unmet {
  readonly condition: Condition;
  readonly seen: string;
}

export type Verdict =
  | { readonly kind: 'restarted'; readonly instance: Instance }
  | { readonly kind: 'pending'; readonly unmet: readonly Unmet[] }
  | { readonly kind: 'failed'; readonly reason: string };

/** @param sentAt when the restart was sent, in milliseconds on the clock's scale. */
export function startHistory(baseline: Baseline, sentAt: number): History {
  return { baseline, sentAt, newest: baseline.instance, newestAt: sentAt, failure: undefined };
}

/** Judges an answer, given those before it. */
export function judge(before: History, observation: Observation): { verdict: Verdict; history: History } {
  const { instance } = observation;
  const history = followClocks(before, observation);
  if (instance !== undefined && isOutdated(instance, history)) {
    const failure = afterOlderAnswer(history.failure, observation, instance);
    return { verdict: pending('newer answer', datesOf(instance)), history: { ...history, failure } };
  }
  const failure = afterAnswer(history.failure, observation, history.newest);
  const next = { ...withNewest(history, observation), failure };
  return { verdict: judgeCurrent(next, observation), history: next };
}

/** Compares with the baseline, too: if the node's clock was set back, a report from before it may seem newer than the newest. */
function isOutdated(instance: Instance, { newest, baseline }: History): boolean {
  return isOlder(instance, newest) || isOlder(instance, baseline.instance);
}

/** If all clocks were set back since the newest report, shifts the known dates as if that had happened before. */
function followClocks(history: History, { answeredAt, instance }: Observation): History {
  if (instance === undefined || !isOutdated(instance, history)) return history;
  const { baseline, newest, newestAt } = history;
  const isFirst = newest === baseline.instance;
  const last = { answeredAt: isFirst ? baseline.answeredAt : newestAt, instance: newest };
  const ms = allSetBackMs(last, { answeredAt, instance });
  if (ms === undefined) return history;
  const startDate = shifted(baseline.startDate, -ms);
  const again = { ...baseline, startDate, instance: setBackBy(ms, baseline.instance) };
  return { ...history, baseline: again, newest: instance, newestAt: answeredAt };
}

function withNewest(history: History, { answeredAt, instance }: Observation): History {
  if (instance === undefined || !isNewer(instance, history.newest)) return history;
  return { ...history, newest: instance, newestAt: answeredAt };
}

function judgeCurrent(history: History, observation: Observation): Verdict {
  const { failure } = history;
  const { instance } = observation;
  if (failure !== undefined && isFinalFailure(failure, observation))
    return { kind: 'failed', reason: describeTrouble(instance) };
  if (instance === undefined) return pending('presence', 'not listed');
  const unmet = unmetConditions(history, instance);
  return unmet.length > 0 ? { kind: 'pending', unmet } : { kind: 'restarted', instance };
}

/** The three conditions of a proved restart, and the checks that this restart caused the boot. */
function unmetConditions({ baseline, sentAt, newestAt }: History, instance: Instance): Unmet[] {
  const running = runningConditions(instance);
  // An answer that is not newer shows the newest report again, so its time counts from when that was first seen.
  const boot = bootOf(instance, baseline, newestAt - sentAt);
  const isOtherBoot = boot === 'new' || boot === 'before';
  return [
    ...unmetIf(!running.instance_state, 'instance_state', instance.state),
    ...unmetIf(!running.status, 'status', instance.status),
    ...unmetIf(boot === 'none' || boot === 'known', 'start_date', instance.startDateText),
    ...unmetIf(isOtherBoot && !isDated(instance, baseline.instance), 'dated answer', undefined),
    ...unmetIf(boot === 'before', 'new boot', instance.startDateText),
    ...unmetIf(boot === 'contradictory', 'sound dates', instance.startDateText),
  ];
}

function unmetIf(isUnmet: boolean, condition: Condition, seen: string | undefined): Unmet[] {
  return isUnmet ? [{ condition, seen: seen ?? 'none' }] : [];
}

function pending(condition: Condition, seen: string): Verdict {
  return { kind: 'pending', unmet: [{ condition, seen }] };
}

// ---- words ----

/** One answer in a few words, e.g. `instance_state "Started", status "running", start_date 2024-10-13T10:51:34Z`. */
export function describeState({ state, status, startDateText }: Instance): string {
  return `instance_state "${state}", status "${status ?? 'none'}", start_date ${startDateText ?? 'none'}`;
}

/** For errors: the state as last seen, and the instance's message, which may explain it. */
export function describeTrouble(instance: Instance | undefined): string {
  if (instance === undefined) return 'the controller does not list the instance';
  const { message } = instance;
  return `${describeState(instance)}${message === undefined ? '' : `, message (may be left over) '${message}'`}`;
}

const UNMET: Readonly<Record<Condition, (seen: string) => string>> = {
  presence: () => 'the controller does not list the instance',
  'newer answer': (seen) => `the answer is older than one seen before (of ${seen})`,
  'dated answer': () => 'the answer does not say how old it is',
  instance_state: (seen) =>
    seen === 'Error'
      ? `instance_state is "Error", which is a failure if it lasts for ${minutes(FAILED_AFTER_MS)}`
      : `instance_state is "${seen}", not "Started"`,
  status: (seen) => `status is "${seen}", not "running"`,
  start_date: (seen) => `start_date is ${seen}, not a new one`,
  'new boot': (seen) => `start_date ${seen} belongs to a boot before the restart was sent`,
  'sound dates': (seen) => `start_date ${seen} is later than the report that shows it`,
};

/** A condition that does not hold yet, in words. */
export function describeUnmet({ condition, seen }: Unmet): string {
  return UNMET[condition](seen);
}

// ---- when a VM that looks failed has failed ----
//
// During a successful restart, controllers before 1.47 briefly show Error, or no instance at all; before 1.49, an instance in Error can have
// the status `deleted`. So one answer is not enough: a run of answers counts. It must last, and newer reports must confirm it.
//
// | answer | effect on the run |
// | --- | --- |
// | not older: looks well | ends it |
// | not older: looks failed, or is absent | begins it, or continues it |
// | the same, in an answer that took GAP_MS or longer | restarts it: the VM may have been well in the meantime |
// | the same, with a newer report, or absent | also confirms it |
// | older than an earlier one: looks well | restarts it: a short failure would look the same |
// | older than an earlier one: looks failed | none |
//
// Terminating and Terminated are final: two such answers are enough, whatever the answers between them show.

/** An unbroken run of answers that showed the VM failed. */
export interface FailureRun {
  /** When it began, in milliseconds on the clock's scale. */
  readonly since: number;
  /** Answers after the first that showed a newer report. The same report again confirms nothing. */
  readonly confirmations: number;
  /** Answers with Terminating or Terminated. */
  readonly terminal: number;
}

/** A failure that lasts this long is final: in milliseconds. */
const FAILED_AFTER_MS = 30_000;
const CONFIRMATIONS = 2;
/** Two heartbeats: in milliseconds. */
const GAP_MS = 10_000;

/** After an answer that is older than an earlier one. */
export function afterOlderAnswer(
  run: FailureRun | undefined,
  { answeredAt }: Observation,
  older: Instance,
): FailureRun | undefined {
  if (run === undefined || looksFailed(older)) return run;
  return { ...run, since: answeredAt, confirmations: 0 };
}

/** After any other answer. @param newest the newest report before it. */
export function afterAnswer(
  run: FailureRun | undefined,
  observation: Observation,
  newest: Instance,
): FailureRun | undefined {
  const { askedAt, answeredAt, instance } = observation;
  if (instance !== undefined && !looksFailed(instance)) return undefined;
  const terminal = (run?.terminal ?? 0) + (instance !== undefined && isTerminal(instance) ? 1 : 0);
  const isGap = answeredAt - askedAt >= GAP_MS;
  if (run === undefined || isGap) return { since: answeredAt, confirmations: 0, terminal };
  const isConfirmed = instance === undefined || isNewer(instance, newest);
  return { since: run.since, confirmations: run.confirmations + (isConfirmed ? 1 : 0), terminal };
}

export function isFinalFailure(
  { since, confirmations, terminal }: FailureRun,
  { askedAt }: Observation,
): boolean {
  return terminal > 1 || (confirmations >= CONFIRMATIONS && askedAt - since >= FAILED_AFTER_MS);
}
