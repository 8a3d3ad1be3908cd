import { seconds } from '../clock.ts';
import type { RestartReply, WriteBounds } from '../controller/controller.ts';
import type { Instance, Target } from '../controller/instance.ts';
import type { Instant } from '../dates.ts';
import { ActionError, asActionError } from '../errors.ts';
import { createProgressLog } from '../log.ts';
import { LeftAlone, type RestartContext } from './context.ts';
import { isBootBefore, isOlder } from './ordering.ts';
import { type Moments, NOTHING_DONE, type Outcome } from './outcome.ts';
import { takeBaseline } from './preflight.ts';
import { learn, NO_RHYTHM, type Observation, type Rhythm } from './rhythm.ts';
import type { PollInterval } from './schedule.ts';
import { type Baseline, describeState, isKnownBoot } from './verdict.ts';
import { watch } from './watch.ts';

// The restart of one VM:
//
// 1. The preflight finds the instance, checks that it can be restarted, and remembers what it was like before.
// 2. The gate, if there is one, may hold the restart up. After that the preflight is repeated.
// 3. The request is sent. A try that certainly was not carried out is followed by another, before which 1 and 2 are repeated.
// 4. The instance is watched until one answer proves the restart, or the time is over.

export interface RestartJob {
  readonly target: Target;
  readonly vncPassword: string | undefined;
  readonly usbDevice: string | undefined;
  /** From the first request to the verified restart, but for the time that a gate takes. */
  readonly timeoutMs: number;
  readonly pollInterval: PollInterval;
  /** Check everything, change nothing. */
  readonly dryRun: boolean;
}

type Draft = { -readonly [K in keyof Outcome]: Outcome[K] };

/** Restarts one VM and proves that it came back. Never throws: what goes wrong is part of the outcome. */
export async function restart(job: RestartJob, context: RestartContext): Promise<Outcome> {
  const record: Draft = { ...NOTHING_DONE, target: job.target };
  try {
    await restartAndProve(createAttempt(job, context, record));
  } catch (error) {
    if (error instanceof LeftAlone) Object.assign(record, { leftAlone: error.why, leftAloneFor: error.seen });
    else record.error = explainCancellation(asActionError(error), record);
  }
  return record;
}

/** The restart as it goes on; moments are milliseconds on the clock's scale. */
interface RestartAttempt {
  readonly job: RestartJob;
  readonly context: RestartContext;
  readonly record: Draft;
  /** By the ID once it is known: what was found by another name might be somebody else later. */
  target: Target;
  /** Stands still while the gate holds the restart up, or begins when that first lets it pass. */
  deadline: number;
  hasPassed: boolean;
  rhythm: Rhythm;
  /** The newest of the baselines so far. */
  baseline: Baseline | undefined;
  readonly knownStartDates: Instant[];
}

function createAttempt(job: RestartJob, context: RestartContext, record: Draft): RestartAttempt {
  const startedAt = context.clock.now();
  mark(record, 'started', startedAt);
  const deadline = startedAt + job.timeoutMs;
  const nothingSeen = { hasPassed: false, rhythm: NO_RHYTHM, baseline: undefined, knownStartDates: [] };
  return { job, context, record, target: job.target, deadline, ...nothingSeen };
}

async function restartAndProve(attempt: RestartAttempt): Promise<void> {
  const { job, context, record } = attempt;
  const { clock, log } = context;
  const first = await prepare(attempt);
  if (job.dryRun)
    return log.info(`Dry run: nothing was changed. Would restart ${describeRequest(job, first.instance)}`);

  const { baseline, reply, sentAt } = await send(attempt, first);
  const { pollInterval } = job;
  const { rhythm } = attempt;
  const deadline = watchUntil(attempt, reply);
  const onSeen = (instance: Instance) => {
    record.last = instance;
  };
  const instance = await watch(context, { baseline, reply, sentAt, deadline, pollInterval, rhythm, onSeen });

  record.restarted = 'true';
  record.proof = instance;
  mark(record, 'verified', clock.now());
  record.durationMs = clock.now() - sentAt;
  log.info(`Restarted and verified in ${seconds(record.durationMs)}: ${describeState(instance)}`);
}

function mark(record: Draft, moment: keyof Moments, at: number): void {
  record.moments = { ...record.moments, [moment]: at };
}

/** Takes the baseline, and takes it anew as long as the gate holds the restart up. */
async function prepare(attempt: RestartAttempt): Promise<Baseline> {
  const { context, record } = attempt;
  const onSeen = (instance: Instance) => {
    record.last = instance;
    if (instance.startDate !== undefined) attempt.knownStartDates.push(instance.startDate);
  };
  const onLook = (observation: Observation) => {
    attempt.rhythm = learn(attempt.rhythm, observation);
  };
  for (;;) {
    const { target, deadline } = attempt;
    const baseline = newestBaseline(
      attempt,
      await takeBaseline(context, { target, deadline, onSeen, onLook }),
    );
    const { instance } = baseline;
    attempt.target = { by: 'instance_id', id: instance.instanceId };
    record.before = instance;
    context.log.info(`Before: ${describeState(instance)}`);
    context.refuse?.(instance);
    if (await isCleared(attempt, instance)) return baseline;
  }
}

/** A replica that lags behind may show what was true before the last baseline: then that one stays. */
function newestBaseline(attempt: RestartAttempt, taken: Baseline): Baseline {
  const { baseline: before, knownStartDates } = attempt;
  const isOutdated = before !== undefined && isOlder(taken.instance, before.instance);
  attempt.baseline = { ...(isOutdated ? before : taken), knownStartDates: [...knownStartDates] };
  return attempt.baseline;
}

/** Asks the gate; the restart's own time stands still meanwhile. */
async function isCleared(attempt: RestartAttempt, instance: Instance): Promise<boolean> {
  const { job, context, record } = attempt;
  const { clock, gate } = context;
  if (gate === undefined) return true;
  const askedAt = clock.now();
  if (record.moments.heldUp === undefined) mark(record, 'heldUp', askedAt);
  const isOpen = await (job.dryRun ? gate.rehearse(instance) : gate.isOpen(instance));
  mark(record, 'cleared', clock.now());
  attempt.deadline += clock.now() - askedAt;
  if (isOpen && gate.startsTime === true && !attempt.hasPassed)
    attempt.deadline = clock.now() + job.timeoutMs;
  attempt.hasPassed ||= isOpen;
  return isOpen;
}

interface Sent {
  readonly baseline: Baseline;
  readonly reply: RestartReply;
  readonly sentAt: number;
}

/** Sends the restart, and keeps the record truthful: from the first byte on, "not sent" has to be proved. */
async function send(attempt: RestartAttempt, first: Baseline): Promise<Sent> {
  const { job, context, record } = attempt;
  const { vncPassword, usbDevice } = job;
  const { clock, controller, log } = context;
  const { instanceId } = first.instance;
  let [baseline, sentAt, hasBooted] = [first, clock.now(), false];
  refuseIfLate(attempt);
  log.info(`Restarting ${describeRequest(job, first.instance)}`);
  const bounds = boundsFor(attempt, {
    // What was true before the last try left is from before the restart.
    onDeparture() {
      sentAt = clock.now();
      mark(record, 'sent', sentAt);
      context.announce?.({ ...record, restarted: 'unknown' });
      record.restarted = 'unknown';
    },
    onBaseline(again) {
      baseline = again;
    },
    onNewBoot() {
      hasBooted = true;
    },
  });
  try {
    const reply = await controller.restartInstance({ instanceId, vncPassword, usbDevice }, bounds);
    log.info(describeRestartReply(reply));
    return { baseline, reply, sentAt };
  } catch (error) {
    // Whoever answered that nothing was done was wrong.
    if (hasBooted) return { baseline, reply: CARRIED_OUT_NEVERTHELESS, sentAt };
    // The controller throws an ActionError only where nothing was carried out; and the gate is asked only between such tries.
    if (error instanceof ActionError || error instanceof LeftAlone) record.restarted = 'false';
    throw error;
  }
}

const CARRIED_OUT_NEVERTHELESS: RestartReply = {
  kind: 'uncertain',
  reason: 'it was answered as if nothing had been done, but the VM has booted since',
};

interface SendingEvents {
  readonly onDeparture: () => void;
  /** Told of the baseline of each further try. */
  readonly onBaseline: (baseline: Baseline) => void;
  /** Told where the VM has booted since a try had left: there must be no other. */
  readonly onNewBoot: () => void;
}

function boundsFor(
  attempt: RestartAttempt,
  { onDeparture, onBaseline, onNewBoot }: SendingEvents,
): WriteBounds {
  const { clock, log, signal } = attempt.context;
  const journal = createProgressLog({ log, now: clock.now, sentAt: undefined });
  const times = () => ({ deadline: attempt.deadline, sendBy: sendBy(attempt) });
  return {
    ...times(),
    signal,
    onFault: journal.fault,
    onDeparture() {
      refuseIfLate(attempt);
      refuseIfOutdated(attempt);
      onDeparture();
    },
    async beforeRetry() {
      const { baseline: known, record } = attempt;
      const again = await prepare(attempt);
      if (known !== undefined && hasBootedSince(record.moments.sent, { known, again, now: clock.now() })) {
        onNewBoot();
        return undefined;
      }
      onBaseline(again);
      refuseIfLate(attempt);
      return times();
    },
  };
}

interface Baselines {
  readonly known: Baseline;
  readonly again: Baseline;
  readonly now: number;
}

/** Whether the VM has booted since a try was sent that was answered as if nothing had been done. */
function hasBootedSince(sentAt: number | undefined, { known, again, now }: Baselines): boolean {
  if (sentAt === undefined || isKnownBoot(known, again.startDate)) return false;
  return !isBootBefore(again.instance, { sinceSentMs: now - sentAt, baseline: known.instance });
}

/** What has to be left for the proof when the restart is sent: this, or the share of the timeout, whichever is less. */
const PROOF_MS = 10_000;
const PROOF_SHARE = 1 / 5;

function sendBy({ job, deadline }: RestartAttempt): number {
  return deadline - Math.min(PROOF_MS, job.timeoutMs * PROOF_SHARE);
}

function refuseIfLate(attempt: RestartAttempt): void {
  const { context, record } = attempt;
  if (context.clock.now() <= sendBy(attempt)) return;
  const message =
    record.moments.sent === undefined
      ? 'No restart was sent: too little of the timeout was left to prove it.'
      : 'No restart was carried out: it was sent but not taken, and too little of the timeout was left to send it once more.';
  throw new ActionError('timed_out', message, {
    hint: 'Look at the log for what took so long; run the step again, or raise timeout.',
  });
}

/** So long the gate's word counts: in milliseconds. */
const CLEARED_MS = 20_000;

/** Where the process was suspended, or took long to connect, the gate has to be asked anew: this try must not leave. */
function refuseIfOutdated({ context: { clock }, record }: RestartAttempt): void {
  const { cleared = clock.now() } = record.moments;
  if (clock.now() - cleared <= CLEARED_MS) return;
  throw new Error('it took so long that the way may not be free any more, which is looked at again');
}

/** Three heartbeats: by then a restart that was carried out nevertheless has shown. */
const EVIDENCE_MS = 15_000;

function watchUntil({ deadline, context: { clock } }: RestartAttempt, reply: RestartReply): number {
  return reply.kind === 'rejected' ? Math.min(deadline, clock.now() + EVIDENCE_MS) : deadline;
}

function describeRestartReply(reply: RestartReply): string {
  switch (reply.kind) {
    case 'accepted':
      return 'The controller accepted the restart';
    case 'uncertain':
      return `Unclear whether the restart was taken, looking for evidence: ${reply.reason}`;
    case 'rejected':
      return `The restart was rejected, but perhaps only after it was taken; looking for evidence: ${reply.error.message}`;
  }
}

function describeRequest({ vncPassword, usbDevice }: RestartJob, { instanceId, nodeId }: Instance): string {
  const vnc = vncPassword === undefined ? '' : ', setting a VNC password';
  const usb = usbDevice === undefined ? '' : `, attaching USB device "${usbDevice}"`;
  return `instance ${instanceId} on node ${nodeId ?? 'unknown'}${vnc}${usb}`;
}

/** A cancelled step has to say what it leaves behind. */
function explainCancellation(error: ActionError, { restarted, moments }: Outcome): ActionError {
  if (error.code !== 'cancelled') return error;
  const notTaken =
    moments.sent === undefined
      ? 'No restart had been sent.'
      : 'The restart had been sent, but was answered as not taken.';
  if (restarted === 'false')
    return new ActionError('cancelled', `${error.message} ${notTaken}`, { cause: error });
  const left = 'The restart had been sent, or may have been, and is not verified: the VM may still restart.';
  return new ActionError('cancelled', `${error.message} ${left}`, {
    hint: 'Look at the instance before you send another restart.',
    cause: error,
  });
}
