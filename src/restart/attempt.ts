// The state of one VM's restart while it runs: the time left, the gate's last answer, and the baseline for the proof.

import type { Instance, Target } from '../controller/instance.ts';
import type { Veto } from '../controller/restart-request.ts';
import type { Instant } from '../dates.ts';
import { ActionError } from '../errors.ts';
import type { Baseline } from './boot.ts';
import { isOlder } from './ordering.ts';
import type { Moments, Outcome, RestartContext, RestartJob } from './outcome.ts';
import { type BaselineOptions, takeBaseline } from './preflight.ts';
import { learn, NO_TIMING, type ReportTiming } from './schedule.ts';
import { describeState } from './verdict.ts';

export type OutcomeDraft = { -readonly [K in keyof Outcome]: Outcome[K] };

/** Moments are milliseconds on the clock's scale. */
export interface RestartAttempt {
  readonly job: RestartJob;
  readonly context: RestartContext;
  readonly record: OutcomeDraft;
  /** Names the instance by its own ID once that is known, because another instance may have the external ID later. */
  target: Target;
  /** The gate's time is added to it. With `startsTimeout`, the timeout begins when the gate first opens. */
  deadline: number;
  hasPassedGate: boolean;
  /** What the answers so far say about when reports arrive. */
  timing: ReportTiming;
  /** The newest of the baselines so far. */
  baseline: Baseline | undefined;
  /** All boot dates seen so far. */
  readonly knownStartDates: Instant[];
}

export function startAttempt(job: RestartJob, context: RestartContext, record: OutcomeDraft): RestartAttempt {
  const startedAt = context.clock.now();
  mark(record, 'started', startedAt);
  return {
    ...{ job, context, record, target: job.target },
    ...{ deadline: startedAt + job.timeoutMs, hasPassedGate: false },
    ...{ timing: NO_TIMING, baseline: undefined, knownStartDates: [] },
  };
}

export function mark(record: OutcomeDraft, moment: keyof Moments, at: number): void {
  record.moments = { ...record.moments, [moment]: at };
}

// ---- before each attempt ----

/** Takes a baseline and asks the gate; repeats both until the gate opens without a wait, so that the baseline is up to date. */
export async function prepare(attempt: RestartAttempt): Promise<Baseline> {
  const { context, record } = attempt;
  for (;;) {
    const baseline = await readBaseline(attempt);
    const { instance } = baseline;
    attempt.target = { by: 'instance_id', id: instance.instanceId };
    logBefore(attempt, instance);
    record.before = instance;
    if (instance.unusableHostIp !== undefined)
      context.log.debug(
        `host_ip is ignored: ${instance.unusableHostIp} is neither an IP address nor a host name`,
      );
    context.refuse?.(instance);
    if (await passGate(attempt, instance)) return baseline;
  }
}

/** If the gate had to wait and the state is still the same, the line goes to the debug log. */
function logBefore({ context: { log }, record: { before } }: RestartAttempt, instance: Instance): void {
  const state = describeState(instance);
  const isLogged = before !== undefined && describeState(before) === state;
  (isLogged ? log.debug : log.info)(`Before: ${state}`);
}

/** Keeps the last baseline if a lagging replica shows an older state. */
async function readBaseline(attempt: RestartAttempt): Promise<Baseline> {
  const { context, record, target, deadline, knownStartDates, baseline: before } = attempt;
  const onRead: BaselineOptions['onRead'] = (instance, times) => {
    record.last = instance;
    if (instance.startDate !== undefined) knownStartDates.push(instance.startDate);
    attempt.timing = learn(attempt.timing, { ...times, instance });
  };
  const { startsWithinMs } = attempt.job;
  const taken = await takeBaseline(context, { target, deadline, startsWithinMs, onRead });
  const isOutdated = before !== undefined && isOlder(taken.instance, before.instance);
  attempt.baseline = { ...(isOutdated ? before : taken), knownStartDates: [...knownStartDates] };
  return attempt.baseline;
}

/** Asks the gate. The timeout is paused during that time. */
async function passGate(attempt: RestartAttempt, instance: Instance): Promise<boolean> {
  const { job, context, record } = attempt;
  const { clock, gate } = context;
  if (gate === undefined) return true;
  const askedAt = clock.now();
  if (record.moments.gateAsked === undefined) mark(record, 'gateAsked', askedAt);
  const isOpen = await (job.dryRun ? gate.rehearse(instance) : gate.passOrWait(instance));
  mark(record, 'gateAnswered', clock.now());
  attempt.deadline += clock.now() - askedAt;
  if (isOpen && gate.startsTimeout === true && !attempt.hasPassedGate)
    attempt.deadline = clock.now() + job.timeoutMs;
  attempt.hasPassedGate ||= isOpen;
  return isOpen;
}

// ---- whether the request may still be sent ----

/** How much time must be left to prove the restart when it is sent, in milliseconds; or this share of the timeout, if that is less. */
const PROOF_MS = 10_000;
const PROOF_SHARE = 1 / 5;

/** No restart may be sent after this moment. */
export function sendBy({ job, deadline }: RestartAttempt): number {
  return deadline - Math.min(PROOF_MS, job.timeoutMs * PROOF_SHARE);
}

/** The error if it is too late to send the restart. */
export function tooLateError(attempt: RestartAttempt): ActionError | undefined {
  const { context, record } = attempt;
  if (context.clock.now() <= sendBy(attempt)) return undefined;
  const message =
    record.moments.sent === undefined
      ? 'No restart was sent: too little of the timeout was left to prove it.'
      : 'The restart was sent but not accepted, and too little of the timeout was left to send it again.';
  return new ActionError('timed_out', message, {
    hint: 'See the log for the cause of the delay; then run the step again, or raise timeout.',
  });
}

/** How long the gate's answer stays valid: in milliseconds. */
const GATE_VALID_MS = 20_000;

/**
 * The last check, right before the first byte is sent. From then on, the restart may be carried out: the step announces that, and the record
 * says so until a result proves otherwise.
 * @returns why the request must not be sent now; undefined if it may be.
 */
export function recordDeparture(attempt: RestartAttempt): Veto | undefined {
  const { context, record } = attempt;
  const now = context.clock.now();
  const late = tooLateError(attempt);
  if (late !== undefined) return { kind: 'final', error: late };
  // The process was suspended, or connecting took long: the gate must be asked again.
  if (now - (record.moments.gateAnswered ?? now) > GATE_VALID_MS)
    return { kind: 'try again', reason: OUTDATED, hint: 'See the log for the cause of the delay.' };
  const departing: OutcomeDraft = { ...record, restarted: 'unknown' };
  mark(departing, 'sent', now);
  try {
    context.announce?.(departing);
  } catch (error) {
    return { kind: 'final', error };
  }
  Object.assign(record, departing);
  return undefined;
}

const OUTDATED = 'too much time has passed since the last check of the runner; checking again';
