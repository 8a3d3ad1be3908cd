// Drains of other steps on the same runner: a drain waits until they end or expire.
//
// Two drains that begin at the same moment do not see each other. So each reads the labels again once its own are there. The one whose owner
// sorts first keeps the runner. The other gives way: it removes its labels, and waits as for any other drain.

import type { Bounds } from '../clock.ts';
import { ActionError } from '../errors.ts';
import type { Runner } from '../github/runner.ts';
import type { LabelsReading } from '../github/runner-labels.ts';
import type { Log } from '../log.ts';
import { type DrainId, type LabelsAndClock, liveMarks, type Mark, readSurely } from './drain-labels.ts';

export interface Patience {
  /** How long GitHub may give no usable answer about the labels, in milliseconds. */
  readonly patienceMs?: number | undefined;
}

interface WaitOptions extends LabelsAndClock, Patience {
  readonly log: Log;
}

/** The default of `timeout`, in milliseconds. */
const DEFAULT_PATIENCE_MS = 300_000;
/** In milliseconds: enough to find out that a runner is gone. */
const LEAST_PATIENCE_MS = 30_000;

/** Bounds for requests about labels. They do not use the deadline of the wait for another drain, which may have passed or be far away. */
export function forRequests(
  { clock, patienceMs = DEFAULT_PATIENCE_MS }: Pick<WaitOptions, 'clock' | 'patienceMs'>,
  { signal }: Bounds,
): Bounds {
  return { deadline: clock.now() + Math.max(patienceMs, LEAST_PATIENCE_MS), signal };
}

const ASK_AGAIN_MS = 15_000;

/**
 * Undefined if the runner is gone.
 * @throws ActionError `runner_busy` if another drain lasts beyond the deadline.
 */
export async function untilUnclaimed(
  options: WaitOptions,
  { id, name }: Pick<Runner, 'id' | 'name'>,
  bounds: Bounds,
): Promise<LabelsReading | undefined> {
  const { clock, log } = options;
  for (let isLogged = false; ; isLogged = true) {
    const seen = await readSurely(options, id, forRequests(options, bounds));
    const [rival] = seen === undefined ? [] : liveMarks(seen);
    if (rival === undefined) return seen;
    const leftMs = bounds.deadline - clock.now();
    if (leftMs <= 0) throw drainedByOther(name, rival);
    if (!isLogged)
      log.info(`Runner "${name}" is drained by run ${rival.runId}; waiting for that drain to end`);
    await clock.sleep(Math.min(ASK_AGAIN_MS, leftMs), bounds.signal);
  }
}

/** Time between two reads while two drains decide which of them keeps the runner: in milliseconds. */
const ASK_RIVAL_MS = 5_000;

/**
 * Whether this drain keeps the runner, which has its labels now: yes, once no other drain has labels there; no, if the owner of another one
 * sorts first. Waits until that is decided.
 * @returns the labels, too; undefined if the runner is gone.
 * @throws ActionError `runner_busy` if another drain was there first and lasts beyond the deadline.
 */
export async function untilDecided(
  options: WaitOptions,
  { id, name, owner }: DrainId & Pick<Runner, 'name'>,
  bounds: Bounds,
): Promise<{ readonly isKept: boolean; readonly seen: LabelsReading | undefined }> {
  const { clock } = options;
  for (;;) {
    const seen = await readSurely(options, id, forRequests(options, bounds));
    const rivals = seen === undefined ? [] : liveMarks(seen).filter((mark) => mark.owner !== owner);
    const [rival] = rivals;
    if (rival === undefined) return { isKept: true, seen };
    if (rivals.some((mark) => mark.owner < owner)) return { isKept: false, seen };
    const leftMs = bounds.deadline - clock.now();
    if (leftMs <= 0) throw drainedByOther(name, rival);
    await clock.sleep(Math.min(ASK_RIVAL_MS, leftMs), bounds.signal);
  }
}

function drainedByOther(name: string, { runId, label }: Mark): ActionError {
  const message = `Runner "${name}" is drained by run ${runId} (label ${label}), and still was when busy_timeout expired. No restart was sent.`;
  const hint = 'Let that run end first (concurrency), or raise busy_timeout.';
  return new ActionError('runner_busy', message, { hint });
}
