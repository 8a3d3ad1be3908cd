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

// The state of one VM's restart while it runs: the time left, the gate's last answer, and the baseline for the proof.

export type OutcomeDraft = { -readonly [K in keyof Outcome]: Outcome[K] };

/** Moments are milliseconds on the clock's scale. */
export interface RestartAttempt {
  readonly job: RestartJob;
  readonly context: RestartContext;
  readonly record: OutcomeDraft;
  /** By its ID once that is known, because another instance may have the external ID later. */
  target: Target;
  /** The time in the gate is added to it. With `startsTimeout`, it is set again when the gate first opens. */
  deadline: number;
  hasPassedGate: boolean;
  timing: ReportTiming;
  /** The newest of the baselines so far. */
  baseline: Baseline | undefined;
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

/** Takes the baseline, and repeats that until the gate opens immediately. */
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

/** A state that has not changed during the wait at the gate is logged once. */
function logBefore({ context: { log }, record: { before } }: RestartAttempt, instance: Instance): void {
  const state = describeState(instance);
  const isLogged = before !== undefined && describeState(before) === state;
  (isLogged ? log.debug : log.info)(`Before: ${state}`);
}

/** If a lagging replica shows an older state than the last baseline, the last one is kept. */
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

/** How much time must be left when the restart is sent, so that it can be proved: this, or a share of the timeout if that is less. */
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
 * The last check, right before the first byte is sent. From here on, the restart may be carried out: the step announces that, and the record
 * says so until a result says otherwise.
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
