// Restores the labels of one drained runner: within three minutes, or within five seconds after a cancellation.

import { type Bounds, type Limit, minutes, NEVER, unlessAborted, within } from '../clock.ts';
import { asActionError } from '../errors.ts';
import { doubtfulMarks, MARK, marksOf } from './drain-labels.ts';
import type { DrainRecords, SavedDrain } from './drain-records.ts';
import {
  type DueMarks,
  GONE_AFTER_MS,
  githubFailed,
  type LabelAccess,
  restoreLabels,
} from './label-changes.ts';

/** `signal` is the step's: once it aborts, only RESTORE_AFTER_CANCELLATION_MS is left. */
export interface RestoreContext extends Omit<LabelAccess, 'deadline'> {
  readonly records: DrainRecords;
  /** Whether GitHub lists the runner. Only for the post step, which is the last chance: only this proves to it that a runner is gone. */
  readonly isListed?: ((id: number, bounds: Bounds) => Promise<boolean>) | undefined;
}

/** How long to try to restore a runner's labels, in milliseconds: GitHub's rate limits may allow no request for a minute or two. */
const RESTORE_MS = 180_000;
/** The same after a cancellation. */
const RESTORE_AFTER_CANCELLATION_MS = 5_000;
/** The share of either limit that may be spent on waiting for a drain's change in progress. */
const SHARE_FOR_CHANGE = 0.7;
/** GitHub may make a change this long after the connection was lost. In milliseconds. */
const LATE_CHANGE_MS = 2_000;
/** If restoring ends this long after its limit, the process was suspended. In milliseconds. */
const SUSPENDED_MS = 2_000;

/** Does nothing if the runner is not drained. Never throws: if it cannot restore the labels, it writes a warning. */
export async function restoreRunner(context: RestoreContext, id: number): Promise<void> {
  const { records, signal } = context;
  const held = records.held(id);
  if (held === undefined) return;
  const isDone = !signal.aborted && (await tryToRestore(context, held.drain, { ms: RESTORE_MS, signal }));
  if (!isDone) await tryToRestore(context, held.drain, { ms: RESTORE_AFTER_CANCELLATION_MS, signal: NEVER });
}

/** @returns false if a cancellation cut it off. */
async function tryToRestore(context: RestoreContext, drain: SavedDrain, limit: Limit): Promise<boolean> {
  const { records, clock, log } = context;
  const { id, name } = drain;
  const startedAt = clock.now();
  try {
    const restored = await unlessAborted(limit.signal, restoreUnlessSuspended(context, drain, limit));
    log.info(
      restored === undefined
        ? `Runner "${name}" is no longer registered, so it has no labels to restore`
        : `The labels of runner "${name}" are restored`,
    );
    records.end(drain, restored);
  } catch (error) {
    if (limit.signal.aborted) return false;
    const after = minutes(clock.now() - startedAt);
    log.warning(
      `The labels of runner "${name}" (ID ${id}) were not restored: ${whatNow(context, drain, after)} ${asActionError(error).message}`,
    );
  }
  return true;
}

function whatNow({ isListed }: RestoreContext, { owner }: SavedDrain, after: string): string {
  if (isListed === undefined) return `the step gave up after ${after}. Its post step tries again.`;
  return `the post step gave up after ${after}. For each label that ends in ${MARK}${owner}, first add it without that ending, then remove the one with it.`;
}

/** Tries once more if the process was suspended past the limit, because it may have had hardly any time to ask GitHub. */
async function restoreUnlessSuspended(context: RestoreContext, drain: SavedDrain, limit: Limit) {
  const { clock } = context;
  const startedAt = clock.now();
  try {
    return await restoreOnce(context, drain, limit);
  } catch (error) {
    if (clock.now() - startedAt < limit.ms + SUSPENDED_MS) throw error;
    return restoreOnce(context, drain, limit);
  }
}

/** @returns as {@link restoreLabels}. */
async function restoreOnce(context: RestoreContext, drain: SavedDrain, { ms, signal }: Limit) {
  const { clock, isListed = async () => false } = context;
  const { id } = drain;
  const bounds = { deadline: clock.now() + ms, signal };
  if (drain.isGone && !(await isListed(id, bounds))) return undefined;
  await untilAnswered(context, id, { ms: ms * SHARE_FOR_CHANGE, signal });
  for (;;) {
    const restored = await restoreLabels({ ...context, ...bounds }, dueMarks(context, drain, bounds));
    if (restored !== undefined || !(await isListed(id, bounds))) return restored;
    if (clock.now() + GONE_AFTER_MS > bounds.deadline)
      throw githubFailed('GitHub lists the runner, but answers HTTP 404 to requests for this runner.');
  }
}

/** Waits for a drain's change in progress: its answer decides what there is to restore. */
async function untilAnswered({ records, clock }: RestoreContext, id: number, limit: Limit): Promise<void> {
  const change = records.changeOf(id);
  if (change === undefined) return;
  await within(clock, limit, () => change).catch(() => {
    throw githubFailed('GitHub has not answered the last change of the labels.');
  });
}

function dueMarks({ records, clock }: RestoreContext, drain: SavedDrain, { deadline }: Bounds): DueMarks {
  const { id, name, owner, restored } = drain;
  const isUnsure = records.held(id)?.kind === 'unsure';
  const isInDoubt = records.mayLag(id);
  return {
    ...{ id, name, restored, due: (seen) => marksOf(owner, seen) },
    doubtful(seen) {
      const doubts = isInDoubt ? doubtfulMarks(drain, seen) : [];
      // The post step then checks the runner again.
      if (doubts.length > 0) records.doubt(id);
      return doubts;
    },
    unsureUntil: isUnsure ? Math.min(clock.now() + LATE_CHANGE_MS, deadline - LATE_CHANGE_MS) : undefined,
  };
}
