import { seconds } from '../clock.ts';
import type { RestartReply, WriteBounds } from '../controller/controller.ts';
import type { Instance, Target } from '../controller/instance.ts';
import { ActionError, asActionError } from '../errors.ts';
import type { RestartContext } from './context.ts';
import { takeBaseline } from './preflight.ts';
import { learn, NO_RHYTHM, type Observation } from './rhythm.ts';
import type { PollInterval } from './schedule.ts';
import { type Baseline, describeState } from './verdict.ts';
import { watch } from './watch.ts';

// The restart of one VM. First the preflight: find the instance, check that it can be restarted, and remember what it was like
// before. Then the gate, if there is one, may hold the restart up; after that the preflight is repeated. Then the request is
// sent, at most once. Then the instance is watched until one answer proves the restart, or the time is over.

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

/** How the restart of one VM ended, with all that is known of it. */
export interface Outcome {
  /** `false`: none was sent, or the controller refused it; `unknown`: sent, or may have been, but not verified. */
  readonly restarted: 'true' | 'false' | 'unknown';
  /** The instance before the restart; undefined where it never came to that. */
  readonly before: Instance | undefined;
  /** The instance as last seen. */
  readonly last: Instance | undefined;
  /** From sending the restart to verifying it. */
  readonly durationMs: number | undefined;
  readonly moments: Moments;
  readonly error: ActionError | undefined;
}

/**
 * When what came to pass, in milliseconds on the clock's scale: the first look, the first question to the gate and its last
 * word, the restart's sending, and its proof. What is absent did not come to pass.
 */
export type Moments = Readonly<
  Partial<Record<'started' | 'heldUp' | 'cleared' | 'sent' | 'verified', number>>
>;

/** What is known before anything was asked. */
export const NOTHING_DONE: Outcome = {
  restarted: 'false',
  before: undefined,
  last: undefined,
  durationMs: undefined,
  moments: {},
  error: undefined,
};

type Draft = { -readonly [K in keyof Outcome]: Outcome[K] };

/** Restarts one VM and proves that it came back. Never throws: what goes wrong is part of the outcome. */
export async function restart(job: RestartJob, context: RestartContext): Promise<Outcome> {
  const record: Draft = { ...NOTHING_DONE };
  try {
    await restartAndProve(job, context, record);
  } catch (error) {
    record.error = explainCancellation(asActionError(error), record.restarted);
  }
  return record;
}

async function restartAndProve(job: RestartJob, context: RestartContext, record: Draft): Promise<void> {
  const { clock, log, signal } = context;
  const onSeen = (instance: Instance) => {
    record.last = instance;
  };
  let rhythm = NO_RHYTHM;
  const onLook = (observation: Observation) => {
    rhythm = learn(rhythm, observation);
  };

  mark(record, 'started', clock.now());
  const { baseline, deadline } = await prepare(job, context, { record, onSeen, onLook });
  if (job.dryRun)
    return log.info(`Dry run: nothing was changed. Would restart ${describeRequest(job, baseline.instance)}`);

  log.info(`Restarting ${describeRequest(job, baseline.instance)}`);
  // What was true before the last try left is from before the restart: tries that never left are no sending.
  let sentAt = 0;
  const onDeparture = () => {
    sentAt = clock.now();
    mark(record, 'sent', sentAt);
  };
  onDeparture();
  const { instanceId } = baseline.instance;
  const reply = await send(job, { context, record, instanceId, bounds: { deadline, signal, onDeparture } });
  const watching = { baseline, reply, sentAt, deadline, pollInterval: job.pollInterval, rhythm, onSeen };
  const instance = await watch(context, watching);

  record.restarted = 'true';
  mark(record, 'verified', clock.now());
  record.durationMs = clock.now() - sentAt;
  log.info(`Restarted and verified in ${seconds(record.durationMs)}: ${describeState(instance)}`);
}

function mark(record: Draft, moment: keyof Moments, at: number): void {
  record.moments = { ...record.moments, [moment]: at };
}

interface Preparing {
  readonly record: Draft;
  readonly onSeen: (instance: Instance) => void;
  readonly onLook: (observation: Observation) => void;
}

/** Takes the baseline, and takes it anew as long as the gate holds the restart up: the restart's own time stands still then. */
async function prepare(
  job: RestartJob,
  context: RestartContext,
  { record, onSeen, onLook }: Preparing,
): Promise<{ baseline: Baseline; deadline: number }> {
  const { clock, log, gate } = context;
  let [target, deadline]: [Target, number] = [job.target, clock.now() + job.timeoutMs];
  for (;;) {
    const baseline = await takeBaseline(context, { target, deadline, onSeen, onLook });
    record.before = baseline.instance;
    log.info(`Before: ${describeState(baseline.instance)}`);
    if (gate === undefined) return { baseline, deadline };

    const askedAt = clock.now();
    if (record.moments.heldUp === undefined) mark(record, 'heldUp', askedAt);
    const isOpen = await (job.dryRun ? gate.rehearse(baseline.instance) : gate.isOpen(baseline.instance));
    mark(record, 'cleared', clock.now());
    deadline += clock.now() - askedAt;
    if (isOpen) return { baseline, deadline };
    // What was found by another name might be somebody else by now.
    target = { by: 'instance_id', id: baseline.instance.instanceId };
  }
}

interface Sending {
  readonly context: RestartContext;
  readonly record: Draft;
  readonly instanceId: string;
  readonly bounds: WriteBounds;
}

/** Sends the restart, and keeps the record truthful about it: from the first byte on, "not sent" has to be proved. */
async function send(
  job: RestartJob,
  { context, record, instanceId, bounds }: Sending,
): Promise<RestartReply> {
  const { vncPassword, usbDevice } = job;
  const { controller, log } = context;
  record.restarted = 'unknown';
  try {
    const reply = await controller.restartInstance({ instanceId, vncPassword, usbDevice }, bounds);
    log.info(
      reply.kind === 'accepted'
        ? 'The controller accepted the restart'
        : `Unclear whether the restart was taken, looking for evidence: ${reply.reason}`,
    );
    return reply;
  } catch (error) {
    // The controller throws an ActionError only where nothing was carried out.
    if (error instanceof ActionError) record.restarted = 'false';
    throw error;
  }
}

function describeRequest({ vncPassword, usbDevice }: RestartJob, { instanceId, nodeId }: Instance): string {
  const vnc = vncPassword === undefined ? '' : ', setting a VNC password';
  const usb = usbDevice === undefined ? '' : `, attaching USB device "${usbDevice}"`;
  return `instance ${instanceId} on node ${nodeId ?? 'unknown'}${vnc}${usb}`;
}

/** A cancelled step has to say what it leaves behind. */
function explainCancellation(error: ActionError, restarted: Outcome['restarted']): ActionError {
  if (error.code !== 'cancelled') return error;
  const left =
    restarted === 'false'
      ? 'No restart had been sent.'
      : 'The restart had been sent, or may have been, and is not verified: the VM may still restart.';
  return new ActionError('cancelled', `${error.message} ${left}`, { cause: error });
}
