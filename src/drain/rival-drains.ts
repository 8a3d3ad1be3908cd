// Drains of other steps on the same runner: a drain waits until they end or expire.
//
// Two drains that begin at the same moment do not see each other. So each reads the labels again after it has added its own marks. The drain
// whose owner (`RUNID-UNIXTIME`) sorts first keeps the runner. The other one gives way: it removes its marks, and waits.

import { ActionError } from '../errors.ts';
import type { LabelsReading } from '../github/runner-labels.ts';
import { type Drain, liveMarks, type Mark } from './drain-labels.ts';
import { type DrainAccess, forRequests, readUnlessGone } from './label-changes.ts';

/** Time between two reads while another drain holds the runner: in milliseconds. */
const WHILE_HELD_MS = 15_000;
/** The same while two drains decide which of them keeps it. */
const WHILE_UNDECIDED_MS = 5_000;

/**
 * Without an owner: waits until no other drain holds the runner. With the owner of a drain that has added its marks: waits until the other
 * drains have given way, or until one of them sorts first and so keeps the runner.
 * @param access its deadline limits the wait.
 * @returns the labels, which show other drains only if one of those keeps the runner; undefined if the runner is gone.
 * @throws ActionError `runner_busy` if another drain lasts beyond the deadline.
 */
export async function untilDecided(
  access: DrainAccess,
  { id, name, owner = '' }: Pick<Drain, 'id' | 'name'> & Partial<Pick<Drain, 'owner'>>,
): Promise<LabelsReading | undefined> {
  const { clock, log, deadline, signal } = access;
  const hasMarks = owner !== '';
  for (let isLogged = hasMarks; ; isLogged = true) {
    const seen = await readUnlessGone(forRequests(access), { id, name });
    if (seen === undefined) return undefined;
    const rivals = rivalsOf(owner, seen);
    const [rival] = rivals;
    if (rival === undefined || rivals.some((mark) => mark.owner < owner)) return seen;
    const leftMs = deadline - clock.now();
    if (leftMs <= 0) throw drainedByOther(name, rival);
    if (!isLogged)
      log.info(`Runner "${name}" is drained by run ${rival.runId}; waiting for that drain to end`);
    await clock.sleep(Math.min(hasMarks ? WHILE_UNDECIDED_MS : WHILE_HELD_MS, leftMs), signal);
  }
}

/** The labels of other drains that are still running. */
export function rivalsOf(owner: string, seen: LabelsReading): Mark[] {
  return liveMarks(seen).filter((mark) => mark.owner !== owner);
}

function drainedByOther(name: string, { runId, label }: Mark): ActionError {
  const message = `Runner "${name}" is drained by run ${runId} (label ${label}), and still was when busy_timeout expired. No restart was sent.`;
  const hint = 'Wait until that run has ended (with concurrency), or raise busy_timeout.';
  return new ActionError('runner_busy', message, { hint });
}
