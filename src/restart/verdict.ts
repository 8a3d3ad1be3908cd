import { minutes } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import { compareInstants, type Instant } from '../dates.ts';
import { ageOf, isBootBefore, isComparable, isNewer, isOlder, type Observation } from './ordering.ts';

/** The instance right before the restart was sent: what the proof compares with. */
export interface Baseline {
  readonly instance: Instance;
  readonly startDate: Instant;
  /** Every date of a boot that was seen before the restart was sent: none of them can be of a boot after it. */
  readonly knownStartDates: readonly Instant[];
}

/** What was seen since the restart was sent, as far as later answers are judged by it. */
export interface History {
  readonly baseline: Baseline;
  /** When the restart was sent. */
  readonly sentAt: number;
  /** The newest report seen, at first the baseline's. */
  readonly newest: Instance;
  /** When the newest report was first seen. */
  readonly newestAt: number;
  /** The unbroken run of answers that showed the VM failed, if the last one did. */
  readonly trouble: Trouble | undefined;
}

interface Trouble {
  readonly since: number;
  /** Looks after the first that showed a newer report. The same report once more confirms nothing. */
  readonly newerLooks: number;
  /** Looks at Terminating or Terminated: there is no way back from these. */
  readonly terminalLooks: number;
}

/** A condition that does not hold yet, and what stands there instead. */
export interface Unmet {
  readonly condition: 'presence' | 'freshness' | 'instance_state' | 'status' | 'start_date' | 'boot';
  readonly seen: string;
}

export type Verdict =
  | { readonly kind: 'restarted'; readonly instance: Instance }
  | { readonly kind: 'pending'; readonly unmet: readonly Unmet[] }
  | { readonly kind: 'failed'; readonly reason: string };

/** Controllers before 1.47 and 1.49 show Error, absence and `deleted` in passing; longer than this is no passing. */
const FAILED_AFTER_MS = 30_000;
/** Looks after the first that have to confirm it. */
const CONFIRMATIONS = 2;
/** Two heartbeats. While an answer was waited for that long, the VM may have been well, and have failed anew. */
const HEALED_WITHIN_MS = 10_000;

/** @param sentAt when the restart was sent, in milliseconds on the clock's scale. */
export function startHistory(baseline: Baseline, sentAt: number): History {
  return { baseline, sentAt, newest: baseline.instance, newestAt: sentAt, trouble: undefined };
}

/**
 * Decides whether the restart is proved, from one answer and what was seen before it. Pure.
 * The controller runs in replicas, so an older answer can follow a newer one: it proves nothing. All it does is to break
 * a run of answers that showed the VM failed.
 */
export function judge(history: History, sample: Observation): { verdict: Verdict; history: History } {
  const { instance } = sample;
  const { newest, baseline } = history;
  // Where the node's clock was set back, what is older than the baseline may still look younger than the newest.
  const isStale = (one: Instance) => isOlder(one, newest) || isOlder(one, baseline.instance);
  if (instance !== undefined && isStale(instance)) {
    const unmet = [{ condition: 'freshness', seen: ageOf(instance) }] as const;
    return {
      verdict: { kind: 'pending', unmet },
      history: { ...history, trouble: interrupt(history.trouble, { at: sample.answeredAt, instance }) },
    };
  }
  const next = { ...history, ...newestOf(history, sample), trouble: troubleAfter(history, sample) };
  return { verdict: verdictOn(next, sample), history: next };
}

function verdictOn(history: History, sample: Observation): Verdict {
  const { trouble } = history;
  const { askedAt, instance } = sample;
  if (trouble !== undefined && hasFailedForGood(trouble, askedAt))
    return { kind: 'failed', reason: describeTrouble(instance) };
  if (instance === undefined)
    return { kind: 'pending', unmet: [{ condition: 'presence', seen: 'not listed' }] };
  const unmet = unmetConditions(history, instance);
  return unmet.length > 0 ? { kind: 'pending', unmet } : { kind: 'restarted', instance };
}

/** The three conditions of a restart that is proved, which must hold in one answer; and that it is about this restart. */
function unmetConditions({ baseline, sentAt, newestAt }: History, instance: Instance): Unmet[] {
  const { state, status, startDate, startDateText } = instance;
  const isNewBoot = startDate !== undefined && !isKnownBoot(baseline, startDate);
  const isDated = isComparable(instance, baseline.instance);
  // An answer that is not newer shows the newest report once more, so its time counts from when that was first seen.
  const elapsed = { sinceSentMs: newestAt - sentAt, baseline: baseline.instance };
  return [
    ...unmetIf(state !== 'Started', 'instance_state', state),
    ...unmetIf(status !== 'running', 'status', status),
    ...unmetIf(!isNewBoot, 'start_date', startDateText),
    ...unmetIf(isNewBoot && !isDated, 'freshness', undefined),
    ...unmetIf(isNewBoot && isBootBefore(instance, elapsed), 'boot', startDateText),
  ];
}

/** Whether a boot of that date was seen before the restart was sent. */
export function isKnownBoot({ knownStartDates }: Baseline, startDate: Instant): boolean {
  return knownStartDates.some((known) => compareInstants(startDate, known) === 0);
}

function unmetIf(isUnmet: boolean, condition: Unmet['condition'], seen: string | undefined): Unmet[] {
  return isUnmet ? [{ condition, seen: seen ?? 'none' }] : [];
}

/** What an answer changes of the history: nothing, unless it is newer. */
function newestOf(
  { newest }: History,
  { answeredAt, instance }: Observation,
): Partial<Pick<History, 'newest' | 'newestAt'>> {
  const hasNews = instance !== undefined && isNewer(instance, newest);
  return hasNews ? { newest: instance, newestAt: answeredAt } : {};
}

// ---- failure ----

/** After an answer that is no news: a healthy one breaks the run, as a passing failure might look just so. */
function interrupt(
  trouble: Trouble | undefined,
  { at, instance }: { at: number; instance: Instance },
): Trouble | undefined {
  if (trouble === undefined || looksFailed(instance)) return trouble;
  return { ...trouble, since: at, newerLooks: 0 };
}

function troubleAfter(
  { trouble, newest }: History,
  { askedAt, answeredAt, instance }: Observation,
): Trouble | undefined {
  if (instance !== undefined && !looksFailed(instance)) return undefined;
  const { terminalLooks = 0 } = trouble ?? {};
  const isUnbroken = trouble !== undefined && answeredAt - askedAt < HEALED_WITHIN_MS;
  const before = isUnbroken ? trouble : { since: answeredAt, newerLooks: 0, terminalLooks };
  const isNews = isUnbroken && (instance === undefined || isNewer(instance, newest));
  return {
    since: before.since,
    newerLooks: before.newerLooks + (isNews ? 1 : 0),
    terminalLooks: before.terminalLooks + (instance !== undefined && isTerminal(instance) ? 1 : 0),
  };
}

function hasFailedForGood({ since, newerLooks, terminalLooks }: Trouble, askedAt: number): boolean {
  if (terminalLooks > 1) return true;
  return newerLooks >= CONFIRMATIONS && askedAt - since >= FAILED_AFTER_MS;
}

function looksFailed(instance: Instance): boolean {
  return isTerminal(instance) || instance.state === 'Error' || instance.status === 'deleted';
}

export function isTerminal({ state }: Instance): boolean {
  return state === 'Terminating' || state === 'Terminated';
}

// ---- words ----

/** One answer in a few words, e.g. `instance_state "Started", status "running", start_date 2024-10-13T10:51:34Z`. */
export function describeState({ state, status, startDateText }: Instance): string {
  return `instance_state "${state}", status "${status ?? 'none'}", start_date ${startDateText ?? 'none'}`;
}

/** For errors: what was seen, and the message, which may explain it. */
export function describeTrouble(instance: Instance | undefined): string {
  if (instance === undefined) return 'the controller does not list the instance';
  const { message } = instance;
  return `${describeState(instance)}${message === undefined ? '' : `, message (may be left over) '${message}'`}`;
}

/** A condition that does not hold yet, in words. */
export function describeUnmet({ condition, seen }: Unmet): string {
  switch (condition) {
    case 'presence':
      return 'the controller does not list the instance';
    case 'freshness':
      return seen === 'none'
        ? 'the answer does not say how old it is'
        : `the answer is older than one seen before (of ${seen})`;
    case 'instance_state':
      return seen === 'Error'
        ? `instance_state is "Error", which is a failure if it lasts for ${minutes(FAILED_AFTER_MS)}`
        : `instance_state is "${seen}", not "Started"`;
    case 'status':
      return `status is "${seen}", not "running"`;
    case 'start_date':
      return `start_date is ${seen}, not a new one`;
    case 'boot':
      return `start_date ${seen} is of a boot before the restart was sent`;
  }
}
