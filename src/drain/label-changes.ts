// Replaces the labels of a runner with a drain's marks, and brings them back. Both end only when GitHub shows the result.
//
// | GitHub sometimes                                         | so                                                                      |
// | -------------------------------------------------------- | ----------------------------------------------------------------------- |
// | shows labels as they were before the last change         | a change counts once a read shows it; until then, it is made again      |
// | confirms a change, but does not make it                  | a label is removed only once a read shows its mark                      |
// | makes a change seconds after the request failed          | restoring goes on until `unsureUntil`, and restores such a label, too   |
// | answers 404 for a registered runner, for some seconds    | a runner counts as gone only after GONE_AFTER_MS (`readUnlessGone`)     |
// | lets others change labels in between                     | labels are added and removed one by one; the whole set is never written |
//
// Changes can be repeated safely: adding a label that is there, or removing one that is not, does nothing.

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

/** What draining needs: here, the deadline limits only the wait for another drain. See {@link forRequests}. */
export interface DrainAccess extends LabelAccess {
  /** The input `timeout`: how long GitHub may give no usable answer about the labels, in milliseconds. */
  readonly patienceMs: number;
}

/** The shortest time for requests, in milliseconds: enough to find out that a runner is gone. */
const SHORTEST_MS = 30_000;

/** Gives the next requests a deadline of their own, because that of the wait for another drain may have passed, or may be an hour away. */
export function forRequests(access: DrainAccess): LabelAccess {
  const { clock, patienceMs } = access;
  return { ...access, deadline: clock.now() + Math.max(patienceMs, SHORTEST_MS) };
}

type RunnerIdentity = Pick<Drain, 'id' | 'name'>;

/**
 * A runner counts as gone once GitHub has answered 404 for this long, in milliseconds. For some seconds, GitHub may answer 404 for a registered
 * runner, too: to a new token, or during an outage.
 */
export const GONE_AFTER_MS = 10_000;
const CONFIRM_GONE_EVERY_MS = 2_000;

/**
 * Reads the labels; undefined if the runner is gone.
 * @throws ActionError `github_api_failed` if GitHub answers 404, and the deadline comes before GONE_AFTER_MS.
 */
export async function readUnlessGone(
  access: LabelAccess,
  runner: RunnerIdentity,
): Promise<LabelsReading | undefined> {
  const { labels, clock, deadline, signal } = access;
  for (let goneSince: number | undefined; ; ) {
    const seen = await labels.read(runner.id, { deadline, signal });
    if (seen !== undefined) return seen;
    const now = clock.now();
    goneSince ??= now;
    if (now - goneSince >= GONE_AFTER_MS) return undefined;
    if (now + CONFIRM_GONE_EVERY_MS > deadline)
      throw githubFailed(
        `GitHub answered HTTP 404 for ${describe(runner)}, but not for long enough to prove that it is gone.`,
      );
    await clock.sleep(CONFIRM_GONE_EVERY_MS, signal);
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

/** A drain's marks, for {@link changeEach}. */
export function allMarks({ id, owner, names }: Drain): Pick<Drain, 'id' | 'names'> {
  return { id, names: names.map((name) => markOf(name, owner)) };
}

// ---- replacing ----

/** The pause before marks are added again, in milliseconds: GitHub limits changes more than reads. */
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
 * The third row occurs if the runner registers again: it gets its labels back without marks, and a removal that was just sent removes one.
 * @param seen the labels in the last read.
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
  for (
    let now: LabelsReading | undefined = seen;
    now !== undefined;
    now = await readUnlessGone(access, drain)
  ) {
    const shown = shownOf(names, now);
    const isMarked = (label: string) => shownOf([markOf(label, owner)], now).length > 0;
    const marked = shown.filter(isMarked);
    const unmarked = names.filter(
      (label) => !isMarked(label) && (shown.includes(label) || removed.has(label)),
    );
    if (marked.length + unmarked.length === 0) return true;
    if (marked.some((label) => removed.has(label))) await pause(access, drain, pauseAfter(++removals));
    await changeEach(access, 'remove', { id, names: marked });
    for (const label of marked) removed.add(label);
    if (unmarked.length === 0) continue;
    if (additions++ === 1)
      access.log.info(
        `GitHub confirmed new labels of runner "${name}" but does not show them; adding them again`,
      );
    if (additions > 1) await pause(access, drain, ADD_AGAIN_MS);
    await changeEach(access, 'add', allMarks({ ...drain, names: unmarked }));
  }
  return false;
}

// ---- restoring ----

/** A runner, and which of its labels to restore. */
export interface DueMarks extends RunnerIdentity {
  /** The marks in a read whose labels to restore. */
  readonly due: (seen: LabelsReading) => readonly Mark[];
  /** Marks that may be on the runner even if the first read does not show them. The labels that they replace may be missing even if that read shows them. */
  readonly doubtful?: ((seen: LabelsReading) => readonly Mark[]) | undefined;
  /** Labels that were restored before. A late removal may have taken them away since. */
  readonly restored?: readonly string[] | undefined;
  /** GitHub may make an unanswered change until this time on the clock's scale. */
  readonly unsureUntil?: number | undefined;
}

/**
 * Brings back the labels that drains replaced, except those that another drain still holds: that drain restores them when it ends. Two
 * drains that end together may each leave a label to the other, so this reads until all labels are there. Doubtful marks are removed and
 * their labels added whatever the first read shows: if they are restored already, that changes nothing.
 * @returns the labels that are back; undefined if the runner is gone.
 * @throws ActionError `github_api_failed` if the deadline comes before that.
 */
export async function restoreLabels(
  access: LabelAccess,
  { id, name, due, doubtful = () => [], restored = [], unsureUntil = Number.NEGATIVE_INFINITY }: DueMarks,
): Promise<readonly string[] | undefined> {
  const originals = new Set(restored);
  for (let reads = 1; ; reads++) {
    const seen = await readUnlessGone(access, { id, name });
    if (seen === undefined) return undefined;
    const doubts = reads === 1 ? doubtful(seen) : [];
    const marks = distinct([...due(seen), ...doubts]);
    for (const { original } of marks) originals.add(original);
    const missing = missingOf(originals, seen, { marks, doubts });
    const isRestored = marks.length + missing.length === 0;
    if (isRestored && access.clock.now() >= unsureUntil) return [...originals];
    if (isRestored || reads > 1) await pause(access, { id, name }, pauseAfter(reads));
    await changeEach(access, 'add', { id, names: missing });
    await changeEach(access, 'remove', { id, names: marks.map(({ label }) => label) });
  }
}

function distinct(marks: readonly Mark[]): Mark[] {
  return [...new Map(marks.map((mark) => [keyOf(mark.label), mark])).values()];
}

/** The labels to add: those that the read does not show for certain, and that no other drain holds. */
function missingOf(
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

/** The pause after each of the first reads that should show a change: in milliseconds. */
const FIRST_PAUSE_MS = 1_000;
const FIRST_READS = 10;
/** The pause after later reads, in milliseconds: after each pause, the labels are changed again, and GitHub limits changes. */
const LATER_PAUSE_MS = 15_000;

function pauseAfter(reads: number): number {
  return reads > FIRST_READS ? LATER_PAUSE_MS : FIRST_PAUSE_MS;
}

/** @throws ActionError `github_api_failed` if the deadline comes before the end of the pause. */
async function pause(
  { clock, deadline, signal }: LabelAccess,
  runner: RunnerIdentity,
  ms: number,
): Promise<void> {
  if (clock.now() + ms > deadline)
    throw githubFailed(
      `GitHub still shows the labels of ${describe(runner)} as they were before the change.`,
    );
  await clock.sleep(ms, signal);
}

function describe({ id, name }: RunnerIdentity): string {
  return `runner "${name}" (ID ${id})`;
}

export function githubFailed(message: string): ActionError {
  const hint = "Check githubstatus.com and the runner's labels on GitHub, then run the step again.";
  return new ActionError('github_api_failed', message, { hint });
}
