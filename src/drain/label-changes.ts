// Replaces the labels of a runner with those of a drain, and brings them back. Both end only when GitHub shows the result.
//
// What GitHub may do, and how both functions allow for it:
//
// | GitHub                                                   | so                                                                      |
// | -------------------------------------------------------- | ----------------------------------------------------------------------- |
// | shows labels as they were before the last change         | a change counts once a read shows it; until then, it is made again      |
// | confirms a change, but does not make it                  | a label is removed only once a read shows its mark                      |
// | makes a change that it did not answer, seconds later     | restoring goes on until `unsureUntil`, and restores such a label, too   |
// | adds a label that is there, or removes one that is not   | any change may be made twice: the second time, it changes nothing       |
// | answers 404 for a runner that is registered, for seconds | a runner counts as gone only after GONE_AFTER_MS (`readSurely`)         |
// | lets others change labels in between                     | labels are added and removed one by one; the whole set is never written |

import type { Bounds, Clock } from '../clock.ts';
import { ActionError } from '../errors.ts';
import type { LabelsReading, RunnerLabels } from '../github/runner-labels.ts';
import type { Log } from '../log.ts';
import { type Drain, keyOf, liveMarks, type Mark, markOf, shownOf } from './drain-labels.ts';

/** Access to the labels of runners. Each request and each wait ends within the bounds. */
export interface LabelAccess extends Bounds {
  readonly labels: RunnerLabels;
  readonly clock: Clock;
  readonly log: Log;
}

/** The same while a drain begins, where the deadline limits only the wait for another drain. */
export interface PatientAccess extends LabelAccess {
  /** The input `timeout`: how long GitHub may give no usable answer about the labels, in milliseconds. */
  readonly patienceMs: number;
}

/** In milliseconds: enough to find out that a runner is gone. */
const LEAST_PATIENCE_MS = 30_000;

/** The same access, with a new deadline for the next requests: the deadline of the wait for another drain may have passed, or may be far off. */
export function forRequests(access: PatientAccess): LabelAccess {
  const { clock, patienceMs } = access;
  return { ...access, deadline: clock.now() + Math.max(patienceMs, LEAST_PATIENCE_MS) };
}

/** GitHub may answer 404 for a runner that is registered, for seconds: to a new token, or during an outage. In milliseconds. */
export const GONE_AFTER_MS = 10_000;
const ASK_FOR_GONE_EVERY_MS = 2_000;

/**
 * Reads the labels; undefined if the runner is gone: GitHub answered 404 for all of GONE_AFTER_MS.
 * @throws ActionError `github_api_failed` if the deadline comes before that.
 */
export async function readSurely(access: LabelAccess, id: number): Promise<LabelsReading | undefined> {
  const { labels, clock, deadline, signal } = access;
  for (let goneSince: number | undefined; ; ) {
    const seen = await labels.read(id, { deadline, signal });
    if (seen !== undefined) return seen;
    const now = clock.now();
    goneSince ??= now;
    if (now - goneSince >= GONE_AFTER_MS) return undefined;
    if (now + ASK_FOR_GONE_EVERY_MS > deadline)
      throw failed(
        'GitHub answered HTTP 404 for the runner, but for too short a time to believe that it is gone.',
      );
    await clock.sleep(ASK_FOR_GONE_EVERY_MS, signal);
  }
}

/** Adds or removes labels one by one, so that other labels stay as they are. @throws ActionError `github_api_failed` */
export async function changeEach(
  { labels, deadline, signal }: LabelAccess,
  change: 'add' | 'remove',
  { id, names }: Pick<Drain, 'id' | 'names'>,
): Promise<void> {
  for (const name of names) await labels[change](id, name, { deadline, signal });
}

/** The marks of a drain, to add or to remove. */
export function allMarks({ id, owner, names }: Drain): Pick<Drain, 'id' | 'names'> {
  return { id, names: names.map((name) => markOf(name, owner)) };
}

// ---- replacing ----

/** GitHub limits changes more than reads. In milliseconds. */
const ADD_AGAIN_MS = 5_000;

/**
 * Repeats reads and changes until GitHub shows the result:
 *
 * | a read shows                                        | what is done      |
 * | --------------------------------------------------- | ----------------- |
 * | the label and its mark                              | remove the label  |
 * | the label without its mark                          | add the mark      |
 * | neither, though this call has removed the label     | add the mark      |
 * | anything else                                       | nothing           |
 *
 * A label is removed only once a read shows its mark: if GitHub had confirmed the mark without adding it, no step could restore the label.
 * A runner that registers again in the meantime gets its labels back without their marks, and a removal takes those labels away, too.
 * @param seen the runner's labels by now.
 * @returns false if the runner is gone.
 * @throws ActionError `github_api_failed` if the deadline comes before GitHub shows the result.
 */
export async function replaceLabels(
  access: LabelAccess,
  drain: Drain,
  seen: LabelsReading,
): Promise<boolean> {
  const { id, name, owner, names } = drain;
  const removed = new Set<string>();
  let additions = 0;
  let removals = 0;
  for (let now: LabelsReading | undefined = seen; now !== undefined; now = await readSurely(access, id)) {
    const shown = shownOf(names, now);
    const isMarked = (label: string) => shownOf([markOf(label, owner)], now).length > 0;
    const marked = shown.filter(isMarked);
    const unmarked = names.filter(
      (label) => !isMarked(label) && (shown.includes(label) || removed.has(label)),
    );
    if (marked.length + unmarked.length === 0) return true;
    if (marked.some((label) => removed.has(label))) await pause(access, beforeNext(++removals));
    await changeEach(access, 'remove', { id, names: marked });
    for (const label of marked) removed.add(label);
    if (unmarked.length === 0) continue;
    if (additions++ === 1)
      access.log.info(
        `GitHub confirmed new labels of runner "${name}" but does not show them; adding them again`,
      );
    if (additions > 1) await pause(access, ADD_AGAIN_MS);
    await changeEach(access, 'add', allMarks({ ...drain, names: unmarked }));
  }
  return false;
}

// ---- restoring ----

/** Labels of drains to restore. */
export interface DueMarks {
  /** The runner's ID. */
  readonly id: number;
  /** The marks in a read whose labels to restore. */
  readonly due: (seen: LabelsReading) => readonly Mark[];
  /** Marks that may be there even if the first read does not show them. The labels that they replace may be gone even if it shows those. */
  readonly doubtful?: ((seen: LabelsReading) => readonly Mark[]) | undefined;
  /** Labels that were restored before. A late removal may have taken them away since. */
  readonly restored?: readonly string[] | undefined;
  /** A change that GitHub did not answer may still be made until then: on the clock's scale. */
  readonly unsureUntil?: number | undefined;
}

/**
 * Brings back the labels that drains replaced, except those that another drain still holds: that drain restores them when it ends. Two
 * drains that end together may each have left a label to the other, so this reads until all labels are there. It removes doubtful marks, and
 * adds their labels, whatever the first read shows: that changes nothing if they are restored already.
 * @returns the labels that are back; undefined if the runner is gone.
 * @throws ActionError `github_api_failed` if the deadline comes before that.
 */
export async function restoreLabels(
  access: LabelAccess,
  { id, due, doubtful = () => [], restored = [], unsureUntil = Number.NEGATIVE_INFINITY }: DueMarks,
): Promise<readonly string[] | undefined> {
  const originals = new Set(restored);
  for (let reads = 1; ; reads++) {
    const seen = await readSurely(access, id);
    if (seen === undefined) return undefined;
    const doubts = reads === 1 ? doubtful(seen) : [];
    const marks = distinct([...due(seen), ...doubts]);
    for (const { original } of marks) originals.add(original);
    const lost = lostOf(originals, seen, { marks, doubts });
    const isRestored = marks.length + lost.length === 0;
    if (isRestored && access.clock.now() >= unsureUntil) return [...originals];
    if (isRestored || reads > 1) await pause(access, beforeNext(reads));
    await changeEach(access, 'add', { id, names: lost });
    await changeEach(access, 'remove', { id, names: marks.map(({ label }) => label) });
  }
}

function distinct(marks: readonly Mark[]): Mark[] {
  return [...new Map(marks.map((mark) => [keyOf(mark.label), mark])).values()];
}

/** The labels that the read does not show, or only in doubt, and that no other drain holds. */
function lostOf(
  originals: Iterable<string>,
  seen: LabelsReading,
  { marks, doubts }: Record<'marks' | 'doubts', readonly Mark[]>,
): string[] {
  const isOriginalOf = (name: string) => (mark: Mark) => keyOf(mark.original) === keyOf(name);
  const certain = seen.labels.filter(({ name }) => !doubts.some(isOriginalOf(name)));
  const others = liveMarks(seen).filter(({ label }) => !marks.some((mark) => mark.label === label));
  const there = new Set(shownOf(originals, { labels: certain }));
  return [...originals].filter((name) => !there.has(name) && !others.some(isOriginalOf(name)));
}

// ---- pauses ----

/** Between two of the first reads that should show what was changed: in milliseconds. */
const READ_AGAIN_MS = 1_000;
const FIRST_READS = 10;
/** The same later: each time, the labels are changed again, and GitHub limits changes. In milliseconds. */
const READ_LATER_MS = 15_000;

function beforeNext(reads: number): number {
  return reads > FIRST_READS ? READ_LATER_MS : READ_AGAIN_MS;
}

/** @throws ActionError `github_api_failed` if there is no time left for it. */
async function pause({ clock, deadline, signal }: LabelAccess, ms: number): Promise<void> {
  if (clock.now() + ms > deadline)
    throw failed('GitHub still shows the labels as they were before the change.');
  await clock.sleep(ms, signal);
}

export function failed(message: string): ActionError {
  return new ActionError('github_api_failed', message);
}
