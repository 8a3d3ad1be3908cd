// The restart of one VM:
//
// 1. The preflight (preflight.ts) finds the instance, checks that it can be restarted, and records its state as the baseline.
// 2. The gate, if there is one, may block the restart. After a wait there, the preflight is repeated. `prepare` in attempt.ts does 1 and 2.
// 3. The request is sent. It is sent again only if it certainly was not carried out, and only after 1 and 2 are repeated.
// 4. The instance is polled until one answer proves the restart, or the timeout is reached (watch.ts).

import { seconds } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import type { RestartReply } from '../controller/restart-request.ts';
import { type ActionError, asActionError, explainCancellation } from '../errors.ts';
import { createProgressLog } from '../log.ts';
import {
  mark,
  type OutcomeDraft,
  prepare,
  type RestartAttempt,
  recordDeparture,
  sendBy,
  startAttempt,
  tooLateError,
} from './attempt.ts';
import { type Baseline, bootOf } from './boot.ts';
import { LeftAlone, NOTHING_DONE, type Outcome, type RestartContext, type RestartJob } from './outcome.ts';
import { describeState } from './verdict.ts';
import { watch } from './watch.ts';

/** Restarts one VM and proves that it came back. Never throws: errors are part of the outcome. */
export async function restart(job: RestartJob, context: RestartContext): Promise<Outcome> {
  const record: OutcomeDraft = { ...NOTHING_DONE, target: job.target };
  try {
    await restartAndProve(startAttempt(job, context, record));
  } catch (error) {
    if (error instanceof LeftAlone) record.leftAlone = error;
    else record.error = explainWhatWasSent(asActionError(error), record);
  }
  return record;
}

async function restartAndProve(attempt: RestartAttempt): Promise<void> {
  const { job, context, record } = attempt;
  const { clock, log } = context;
  const first = await prepare(attempt);
  if (job.dryRun)
    return log.info(`Dry run: nothing was changed. Would restart ${describeRequest(job, first.instance)}`);

  const sent = await send(attempt, first);
  log.info(describeRestartReply(sent.reply));
  const { pollInterval } = job;
  const onSeen = (instance: Instance) => {
    record.last = instance;
  };
  const { deadline, timing } = attempt;
  const instance = await watch(context, { ...sent, deadline, pollInterval, timing, onSeen });

  record.restarted = 'true';
  record.proof = instance;
  mark(record, 'verified', clock.now());
  record.durationMs = clock.now() - sent.sentAt;
  log.info(`Restarted and verified in ${seconds(record.durationMs)}: ${describeState(instance)}`);
}

interface Sent {
  /** From before the attempt that was carried out, or may have been. */
  readonly baseline: Baseline;
  readonly reply: RestartReply;
  readonly sentAt: number;
}

/**
 * Repeats the request until the restart has been carried out, or may have been. The record says `unknown` from the moment a request
 * is sent, until its result proves that it was not carried out.
 * @throws the error of the last attempt if none was carried out; errors of the preflight and the gate; the signal's reason.
 */
async function send(attempt: RestartAttempt, first: Baseline): Promise<Sent> {
  const { job, context, record } = attempt;
  const { clock, controller, log, signal } = context;
  const { instanceId } = first.instance;
  const request = { instanceId, vncPassword: job.vncPassword, usbDevice: job.usbDevice };
  const retries = controller.restartRetries();
  const progress = createProgressLog({ log, now: clock.now, sentAt: undefined });
  let [baseline, isAfter401] = [first, false];
  throwIfLate(attempt);
  log.info(`Restarting ${describeRequest(job, first.instance)}`);
  for (;;) {
    const { deadline } = attempt;
    const onDeparture = () => recordDeparture(attempt);
    const result = await controller.tryRestart(request, { deadline, signal, onDeparture, isAfter401 });
    const { sent: sentAt = clock.now() } = record.moments;
    if (result.kind !== 'not carried out') return { baseline, reply: result, sentAt };

    record.restarted = 'false';
    signal.throwIfAborted();
    if (!result.mayRepeat) throw result.error;
    const leftMs = sendBy(attempt) - clock.now();
    const next = retries.after(result.fault, leftMs);
    if (result.because === 'held back') log.info(`The restart was held back: ${result.fault.reason}`);
    else progress.fault({ ...result.fault, leftMs: next.kind === 'pause' ? next.leftMs : 0 });
    if (next.kind === 'give up') throw result.error;
    await clock.sleep(next.pauseMs, signal);

    isAfter401 ||= result.because === 'session ended';
    const again = await prepare(attempt);
    if (hasBootedSince(record.moments.sent, { known: baseline, again, now: clock.now() })) {
      record.restarted = 'unknown';
      return { baseline, reply: CARRIED_OUT_NEVERTHELESS, sentAt };
    }
    baseline = again;
    throwIfLate(attempt);
  }
}

function throwIfLate(attempt: RestartAttempt): void {
  const late = tooLateError(attempt);
  if (late !== undefined) throw late;
}

interface Baselines {
  readonly known: Baseline;
  readonly again: Baseline;
  readonly now: number;
}

/** Whether the VM has booted since a request whose answer said that nothing had been done: that answer was wrong. */
function hasBootedSince(sentAt: number | undefined, { known, again, now }: Baselines): boolean {
  if (sentAt === undefined) return false;
  const boot = bootOf(again.instance, known, now - sentAt);
  return boot === 'new' || boot === 'contradictory';
}

const CARRIED_OUT_NEVERTHELESS: RestartReply = {
  kind: 'uncertain',
  reason: 'the answer said that nothing had been done, but the VM has booted since',
};

// ---- words ----

function describeRestartReply(reply: RestartReply): string {
  switch (reply.kind) {
    case 'accepted':
      return 'The controller accepted the restart';
    case 'uncertain':
      return `It is unclear whether the restart was accepted; looking for a new boot: ${reply.reason}`;
    case 'rejected':
      return `The restart was rejected, possibly after the controller had accepted it; looking for a new boot: ${reply.error.message}`;
  }
}

function describeRequest({ vncPassword, usbDevice }: RestartJob, { instanceId, nodeId }: Instance): string {
  const vnc = vncPassword === undefined ? '' : ', setting a VNC password';
  const usb = usbDevice === undefined ? '' : `, attaching USB device "${usbDevice}"`;
  return `instance ${instanceId} on node ${nodeId ?? 'unknown'}${vnc}${usb}`;
}

function explainWhatWasSent(error: ActionError, { restarted, moments }: Outcome): ActionError {
  if (restarted !== 'false')
    return explainCancellation(
      error,
      'The restart had been sent, or may have been, and is not verified: the VM may still restart.',
      {
        hint: 'Check the instance before you send another: if the node is offline, it may happen up to a day later.',
      },
    );
  return moments.sent === undefined
    ? explainCancellation(error, 'No restart had been sent.')
    : explainCancellation(error, 'The restart had been sent, but was not accepted.');
}
