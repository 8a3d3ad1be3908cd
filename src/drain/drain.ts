// Keeps new jobs away from a runner while its VM waits for its job and restarts: replaces each custom label with one that names its owner
// and its expiry, e.g. `macos` with `macos.drained-9001-1764410000`. GitHub stores that state; for the post step, the step
// also saves which runners it has drained (DrainState).
//
// | label                          | when a drain begins               | when it ends                                             |
// | ------------------------------ | --------------------------------- | -------------------------------------------------------- |
// | `macos`                        | becomes this drain's              | stays                                                    |
// | this drain's                   | stays                             | becomes `macos`, or is removed if another drain holds it |
// | another drain's, expired       | becomes `macos`, then this drain's | stays                                                   |
// | another drain's, still running | the step waits for that drain     | stays                                                    |
//
// A runner that registers with `--replace` while it is drained gets `macos` back, and loses this drain's label: the step replaces `macos` again,
// unless another step has drained the runner in the meantime: then it waits for that drain.
//
// rival-drains.ts waits for other drains, and decides between two that begin at the same moment. drain-labels.ts reads and changes labels.
//
// The step adds the new labels one by one, so that other owners' labels stay untouched. It removes an old label only once GitHub shows the
// new one, so that no label is lost.

import { type Bounds, type Clock, type Limit, minutes, NEVER, unlessAborted, within } from '../clock.ts';
import { ActionError, asActionError, describeCause } from '../errors.ts';
import type { Runner } from '../github/runner.ts';
import type { LabelsReading, RunnerLabels } from '../github/runner-labels.ts';
import type { RunnerList, Runners } from '../github/runners.ts';
import { isRecord, parseJson } from '../http/json.ts';
import { createProgressLog, type FailedAttempt, type Log } from '../log.ts';
import {
  addMarks,
  customLabels,
  type DrainId,
  type DueMarks,
  doubtfulMarks,
  expiredMarks,
  isMark,
  isReplaceable,
  isTakenOver,
  MARK,
  MOST_DRAINED,
  ownerOf,
  ownMarks,
  removeMarks,
  replaceLabels,
  restoreLabels,
  shownOf,
} from './drain-labels.ts';
import { forRequests, type Patience, untilDecided, untilUnclaimed } from './rival-drains.ts';

/** A runner whose labels must be restored. */
interface Drained extends DrainId {
  readonly name: string;
  /** The labels that the step has replaced, as far as known. */
  readonly names: readonly string[];
  /** GitHub did not find it when its labels were to be restored. */
  readonly isGone?: boolean | undefined;
  /** The labels that are back already. The post step checks them again. */
  readonly restored?: readonly string[] | undefined;
}

/** What a killed step leaves for its post step. It contains no secret. */
export type DrainState = readonly Drained[];

export interface DrainOptions extends Patience {
  readonly labels: RunnerLabels;
  /** GITHUB_RUN_ID. */
  readonly runId: string;
  /** In milliseconds: the labels expire after this long, in case neither the step nor its post step restores them. */
  readonly lifeMs: number;
  /** No drain begins later, because the token may expire before its end: on the clock's scale. */
  readonly beginsBy?: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Of the step: once it aborts, little time is left to restore labels. */
  readonly signal: AbortSignal;
  /** Called before each drain's first change, and after each restoration. @throws if it cannot save. */
  readonly saveState: (state: DrainState) => void;
}

/**
 * What a step has left to its post step. The post step is the last chance, so it takes a runner for gone only if GitHub does not list it,
 * either.
 */
interface Left {
  readonly state: DrainState;
  /** @throws ActionError `github_api_failed` */
  isListed(id: number, bounds: Bounds): Promise<boolean>;
}

const NOTHING_LEFT: Left = { state: [], isListed: async () => false };

/** All drains of a step: they share a name and an expiry. */
export interface Drains {
  /**
   * Waits for the drains of other steps, then drains the runner. If this step has drained it already, it does so again only if GitHub shows
   * one of the replaced labels again, or shows labels of other drains but none of this one.
   * @param bounds the deadline limits the wait for other drains; requests have their own.
   * @returns whether the runner has to be read again: it changed labels, or the runner is gone.
   * @throws ActionError `runner_busy` if another drain lasts beyond the deadline, `invalid_input` if the runner has no custom label that can
   * be replaced, `github_api_failed` if GitHub refuses the change or gives no usable answer, `internal_error` if the state cannot be saved.
   */
  drain(runner: Runner, bounds: Bounds): Promise<boolean>;
  /** Restores the labels of a drained runner. Never throws: if it cannot restore them, it writes a warning. */
  restore(id: number): Promise<void>;
}

/** How often a drain begins again because of other drains, and the pause before it does: in milliseconds. */
const MOST_TRIES = 20;
const TRY_AGAIN_MS = 5_000;

export function createDrains(options: DrainOptions, { state, isListed } = NOTHING_LEFT): Drains {
  const { runId, lifeMs, beginsBy = Number.POSITIVE_INFINITY, clock, log, signal } = options;
  const labels = withProgressLog(options, {
    onUnsure: (id) => unsure.add(id),
    onChange: (id) => changedAt.set(id, clock.now()),
  });
  const api = { labels, clock, log };
  /** A runner whose labels GitHub refused to restore is still drained, and counts toward MOST_DRAINED. */
  const drained = new Map(state.map((each) => [each.id, each]));
  const notDrained = new Set<number>();
  /** The drains that are changing labels, by the ID of their runner. */
  const changing = new Map<number, Promise<void>>();
  /**
   * Runners for which GitHub may still make a change: their drain failed, was canceled or was killed, or repeated a request because the
   * first got no answer.
   */
  const unsure = new Set(state.map(({ id }) => id));
  /** When GitHub last confirmed a change of a drain, by the ID of its runner; in the post step, it may have been just now. */
  const changedAt = new Map(state.map(({ id }) => [id, clock.now()]));
  /** Drains that are over, but that the post step checks again: GitHub may make a change late, or show a runner again. */
  const toCheck: Drained[] = [];

  function saveState(): void {
    const gone = toCheck.filter(({ isGone = false }) => isGone).reverse();
    const others = toCheck.filter(({ isGone = false }) => !isGone);
    options.saveState(shortened([...drained.values(), ...others, ...gone]));
  }

  /** A cancellation ends the wait, but not the request that was sent: to restore the labels, the step must know what it changed. */
  function drain(runner: Runner, bounds: Bounds): Promise<boolean> {
    const { id } = runner;
    const work = change(runner, bounds).finally(() => changing.delete(id));
    const fail = () => void unsure.add(id);
    changing.set(
      id,
      work.then(() => {}, fail),
    );
    return unlessAborted(bounds.signal, work);
  }

  async function change(runner: Runner, bounds: Bounds): Promise<boolean> {
    const { id, ephemeral } = runner;
    const known = drained.get(id);
    if (known !== undefined) return drainAgain(runner, known, bounds);
    if (ephemeral) return leaveOut(runner, 'it takes one job only');
    if (new Set([...drained.keys(), ...changing.keys()]).size >= MOST_DRAINED)
      return leaveOut(runner, `${MOST_DRAINED} others are drained already, which is the limit`);
    if (clock.now() > beginsBy)
      return leaveOut(runner, 'the token might expire before its labels are restored');
    return begin(runner, bounds);
  }

  function leaveOut({ id, name }: Runner, reason: string): false {
    if (!notDrained.has(id)) log.info(`Runner "${name}" is not drained: ${reason}`);
    notDrained.add(id);
    return false;
  }

  /** @returns true: finding that out took seconds, so the gate has to read its runners again. */
  function leaveGone(runner: Runner): true {
    leaveOut(runner, 'it is no longer registered');
    return true;
  }

  async function begin(runner: Runner, bounds: Bounds): Promise<boolean> {
    for (let tries = 1; tries <= MOST_TRIES; tries++) {
      const end = await tryToBegin(runner, bounds);
      if (end === 'gone') return leaveGone(runner);
      if (end === 'drained') return true;
      if (tries > 1) await clock.sleep(TRY_AGAIN_MS, bounds.signal);
    }
    throw contradictory(runner);
  }

  /** @returns `again` after changing labels because of another drain: one that has expired, or one that keeps the runner. */
  async function tryToBegin(runner: Runner, bounds: Bounds): Promise<'drained' | 'gone' | 'again'> {
    const { id } = runner;
    const unclaimed = await untilUnclaimed({ ...options, ...api }, runner, bounds);
    if (unclaimed === undefined) return 'gone';
    const owner = ownerOf(runId, unclaimed.date + lifeMs);
    if (expiredMarks(unclaimed).length > 0) {
      await restoreLabels(api, { id, due: expiredMarks }, forRequests(options, bounds));
      return 'again';
    }
    const own = claimFor(runner, unclaimed, owner);
    await addMarks(api, own, forRequests(options, bounds));
    const { isKept, seen } = await untilDecided({ ...options, ...api }, own, bounds);
    if (seen === undefined) return 'gone';
    if (!isKept) {
      await removeMarks(api, own, forRequests(options, bounds));
      // The other drain may have ended since, and left its labels to this one's marks, which are gone now.
      const due = { ...ownMarks(own), restored: own.names };
      forget(own, await restoreLabels(api, due, forRequests(options, bounds)));
      return 'again';
    }
    if (!(await replace(own, seen, forRequests(options, bounds)))) return 'gone';
    log.info(describeDrained(own));
    return 'drained';
  }

  /** Nothing is changed yet. */
  function claimFor({ id, name }: Runner, seen: LabelsReading, owner: string): Drained {
    const custom = customLabels(seen);
    const names = custom.filter((label) => isReplaceable(label, owner));
    const kept = custom.filter((label) => !isReplaceable(label, owner));
    if (names.length === 0) throw withoutLabel(name, kept);
    if (kept.length > 0)
      log.info(
        `Runner "${name}" keeps the labels ${kept.join(', ')}, which cannot be replaced: ${UNREPLACEABLE}`,
      );
    const own = { id, name, owner, names };
    drained.set(id, own);
    try {
      saveState();
    } catch (cause) {
      drained.delete(id);
      throw notSaved(cause);
    }
    return own;
  }

  function replace(own: Drained, seen: LabelsReading, bounds: Bounds): Promise<boolean> {
    const onUnshown = () =>
      log.info(
        `GitHub confirmed new labels of runner "${own.name}" but does not show them; adding them again`,
      );
    return replaceLabels(api, { ...own, seen, onUnshown }, bounds);
  }

  async function drainAgain(runner: Runner, known: Drained, bounds: Bounds): Promise<boolean> {
    const { id, name } = known;
    if (backOf(known, runner).length === 0 && !isTakenOver(known, runner)) return false;
    let seen = await api.labels.read(id, forRequests(options, bounds));
    while (seen !== undefined && isTakenOver(known, seen) && mayLag(id)) {
      await clock.sleep(TRY_AGAIN_MS, bounds.signal);
      seen = await api.labels.read(id, forRequests(options, bounds));
    }
    if (seen === undefined) return false;
    if (isTakenOver(known, seen)) {
      unsure.add(id);
      forget(known, []);
      return begin(runner, bounds);
    }
    const back = backOf(known, seen);
    if (back.length === 0) return false;
    if (!(await replace({ ...known, names: back }, seen, forRequests(options, bounds))))
      return leaveGone(runner);
    log.info(`Runner "${name}" had the labels ${back.join(', ')} again, and is drained of them again`);
    return true;
  }

  async function restore(id: number): Promise<void> {
    const known = drained.get(id);
    if (known === undefined) return;
    const isOver = !signal.aborted && (await tryToRestore(known, { ms: RESTORE_MS, signal }));
    if (!isOver) await tryToRestore(known, { ms: RESTORE_AFTER_CANCELLATION_MS, signal: NEVER });
  }

  /** @returns false if a cancellation cut it off. */
  async function tryToRestore(known: Drained, limit: Limit): Promise<boolean> {
    const { id, name, owner } = known;
    const startedAt = clock.now();
    try {
      const restored = await unlessAborted(limit.signal, restoreUnlessSuspended(known, limit));
      log.info(describeRestored(known, restored));
      forget(known, restored);
    } catch (error) {
      if (limit.signal.aborted) return false;
      log.warning(
        `The labels of runner "${name}" (ID ${id}) were not restored: the step gave up after ${minutes(clock.now() - startedAt)}. For each label that ends in ${MARK}${owner}, add one without that ending, then remove it. ${asActionError(error).message}`,
      );
    }
    return true;
  }

  /** @param restored undefined if GitHub did not find the runner. */
  function forget(known: Drained, restored: readonly string[] | undefined): void {
    const { id, name } = known;
    const names = changedAt.has(id) ? known.names : [];
    drained.delete(id);
    if (restored === undefined) toCheck.push({ ...known, isGone: true });
    else if (unsure.has(id)) toCheck.push({ ...known, names, restored });
    unsure.delete(id);
    changedAt.delete(id);
    try {
      saveState();
    } catch (error) {
      log.info(
        `The post step will check the labels of runner "${name}" again, because the state cannot be saved: ${describeCause(error)}`,
      );
    }
  }

  /** If the process was suspended past the limit, it may hardly have had time to ask GitHub, so it tries once more. */
  async function restoreUnlessSuspended(known: Drained, limit: Limit) {
    const startedAt = clock.now();
    try {
      return await restoreNow(known, limit);
    } catch (error) {
      if (clock.now() - startedAt < limit.ms + SUSPENDED_MS) throw error;
      return restoreNow(known, limit);
    }
  }

  async function restoreNow(known: Drained, { ms, signal: until }: Limit) {
    const { id } = known;
    const bounds = { deadline: clock.now() + ms, signal: until };
    if (known.isGone && !(await isListed(id, bounds))) return undefined;
    const change = changing.get(id);
    if (change !== undefined)
      await within(clock, { ms: ms * SHARE_FOR_CHANGE, signal: until }, () => change).catch(() => {
        throw stillChanging();
      });
    const latest = Math.min(clock.now() + LATE_CHANGE_MS, bounds.deadline - LATE_CHANGE_MS);
    const rest = unsure.has(id) ? { unsureUntil: latest } : {};
    const due = { ...ownMarks(known), restored: known.restored, doubtful: doubtsAbout(known) };
    const restored = await restoreLabels(api, { ...due, ...rest }, bounds);
    if (restored === undefined && (await isListed(id, bounds))) throw hidden();
    return restored;
  }

  /** Whether a read may be from before the last change of this runner's labels. */
  function mayLag(id: number): boolean {
    return clock.now() - (changedAt.get(id) ?? Number.NEGATIVE_INFINITY) <= LONGEST_LAG_MS;
  }

  /** If the first read proves to be doubtful, the post step checks the runner again. */
  function doubtsAbout(known: Drained): NonNullable<DueMarks['doubtful']> {
    const { id } = known;
    if (!mayLag(id)) return () => [];
    return (seen) => {
      const doubts = doubtfulMarks(known, seen);
      if (doubts.length > 0) unsure.add(id);
      return doubts;
    };
  }

  return { drain, restore };
}

/** No environment variable of Windows is longer than 32,767 characters. The post step gets the state in one. */
const LONGEST_STATE = 30_000;

/** In milliseconds: after this time, GitHub's reads show a change. Its replicas lag by a second or two, during an incident by more. */
const LONGEST_LAG_MS = 60_000;

interface OnChanges {
  /** A request of a drain failed: GitHub may carry it out later, after the labels are restored. */
  readonly onUnsure: (id: number) => void;
  /** GitHub confirmed a change of a drain. */
  readonly onChange: (id: number) => void;
}

/**
 * Failed requests are logged, and become a warning if there are only failures for a while.
 * @param on called with the runner's ID.
 */
function withProgressLog({ labels, clock, log }: DrainOptions, on: OnChanges): RunnerLabels {
  const about = 'the labels of a runner';
  const progress = createProgressLog({ log, now: clock.now, sentAt: undefined, server: 'GitHub', about });
  const reporting = (bounds: Bounds, onFault: () => void = () => {}) => ({
    ...bounds,
    onFault(fault: FailedAttempt) {
      progress.fault(fault);
      onFault();
    },
  });
  async function answered<T>(work: Promise<T>): Promise<T> {
    const answer = await work;
    progress.answered();
    return answer;
  }
  async function drainWith(
    id: number,
    bounds: Bounds,
    send: (bounds: Bounds) => Promise<void>,
  ): Promise<void> {
    await answered(send(reporting(bounds, () => on.onUnsure(id))));
    on.onChange(id);
  }
  return {
    read: (id, bounds) => answered(labels.read(id, reporting(bounds))),
    add: (id, label, bounds) =>
      isMark(label)
        ? drainWith(id, bounds, (reported) => labels.add(id, label, reported))
        : answered(labels.add(id, label, reporting(bounds))),
    remove: (id, label, bounds) =>
      isMark(label)
        ? answered(labels.remove(id, label, reporting(bounds)))
        : drainWith(id, bounds, (reported) => labels.remove(id, label, reported)),
  };
}

/** The labels of the drain that the runner has again. */
function backOf({ names }: Drained, { labels }: Pick<Runner, 'labels'>): string[] {
  return shownOf(names, { labels });
}

/** How long to keep trying to restore a runner's labels, in milliseconds: GitHub's rate limits may allow no request for a minute or two. */
const RESTORE_MS = 180_000;
/** The same after a cancellation. */
const RESTORE_AFTER_CANCELLATION_MS = 5_000;
/** The share of either limit that restoring may spend waiting for the answer to a change that was sent before. */
const SHARE_FOR_CHANGE = 0.7;
/** GitHub may make a change this long after the connection was lost. In milliseconds. */
const LATE_CHANGE_MS = 2_000;
/** If restoring ends this long after its limit, the process was suspended. In milliseconds. */
const SUSPENDED_MS = 2_000;

/** What fits into the state, the most important first: without the names of labels if it is too long, and then without the last ones. */
function shortened(state: DrainState): DrainState {
  if (JSON.stringify(state).length <= LONGEST_STATE) return state;
  let length = 0;
  return state
    .map((each) => ({ ...each, names: [] }))
    .filter((each) => {
      length += JSON.stringify(each).length + 1;
      return length <= LONGEST_STATE;
    });
}

/** The post step: restores what the step has left. A runner may have been drained several times, so each drain is restored by itself. */
export async function restoreLeft(
  state: string,
  { runners, ...options }: DrainOptions & { readonly runners: Pick<Runners, 'listAll'> },
): Promise<void> {
  let reading: Promise<RunnerList> | undefined;
  /** One list serves all: after a reset of a large pool, hundreds of runners may have new registrations. */
  async function isListed(id: number, bounds: Bounds): Promise<boolean> {
    reading ??= runners.listAll(bounds).catch((error: unknown) => {
      reading = undefined;
      throw error;
    });
    const list = await reading;
    return list.runners.some((runner) => runner.id === id);
  }
  const left = stateFrom(parseJson(state));
  await Promise.all(left.map((each) => createDrains(options, { state: [each], isListed }).restore(each.id)));
}

function stateFrom(state: unknown): DrainState {
  return (Array.isArray(state) ? state : []).flatMap((each: unknown) => {
    const { id, name, owner, names, isGone, restored } = isRecord(each) ? each : {};
    if (typeof id !== 'number' || typeof name !== 'string' || typeof owner !== 'string') return [];
    const replaced = textsIn(names).filter((label) => isReplaceable(label, owner));
    return [{ id, name, owner, names: replaced, isGone: isGone === true, restored: textsIn(restored) }];
  });
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

function describeDrained({ name, names }: Drained): string {
  return `Runner "${name}" is drained of ${names.join(', ')}: jobs that ask for none of these labels still reach it`;
}

function describeRestored({ name }: Drained, restored: readonly string[] | undefined): string {
  if (restored === undefined)
    return `Runner "${name}" is no longer registered, so it has no labels to restore`;
  return `The labels of runner "${name}" are restored`;
}

function notSaved(cause: unknown): ActionError {
  const message = `The state for the post step cannot be saved, so the runner was not drained: ${describeCause(cause)}.`;
  const hint = 'Check the file that GITHUB_STATE names, and the disk of the machine that runs the step.';
  return new ActionError('internal_error', message, { hint, cause });
}

/** By the date of one answer, another drain's label has expired, and by that of the next one it has not. */
function contradictory({ name }: Runner): ActionError {
  const message = `GitHub's answers contradict each other about the drains of runner "${name}". No restart was sent.`;
  return new ActionError('github_api_failed', message, { hint: 'Check the clocks of the GitHub servers.' });
}

function stillChanging(): ActionError {
  return new ActionError('github_api_failed', 'GitHub has not answered the last change of the labels.');
}

function hidden(): ActionError {
  const message = 'GitHub lists the runner, but answers HTTP 404 when it is asked for it.';
  return new ActionError('github_api_failed', message);
}

const UNREPLACEABLE = 'they are too long, or only dots';

/** @param kept its custom labels. */
function withoutLabel(name: string, kept: readonly string[]): ActionError {
  const why = kept.length === 0 ? '' : ` (${kept.join(', ')}: ${UNREPLACEABLE})`;
  const message = `Runner "${name}" has no custom label that can be replaced${why}, so it cannot be drained: jobs that ask for its default labels would still reach it.`;
  const hint = 'Give the runner a custom label and let the jobs ask for it (runs-on), or leave out drain.';
  return new ActionError('invalid_input', message, { hint });
}
