// Keeps new jobs away from a runner while its VM waits for its job and restarts: replaces each custom label with one that names its owner
// and its expiry, e.g. `macos` with `macos.drained-9001-1764410000`. Only GitHub stores that state.
//
// | label                          | when a drain begins               | when it ends                                             |
// | ------------------------------ | --------------------------------- | -------------------------------------------------------- |
// | `macos`                        | becomes this drain's              | stays                                                    |
// | this drain's                   | stays                             | becomes `macos`, or is removed if another drain holds it |
// | another drain's, expired       | becomes `macos`, then this drain's | stays                                                   |
// | another drain's, still running | the step waits for that drain     | stays                                                    |
//
// A runner that registers with `--replace` while it is drained gets `macos` back, and loses this drain's label: the step replaces `macos` again.
//
// Two drains that begin at the same moment do not see each other. So each reads the labels again once its own are there, and one of them
// gives way: it removes its labels, and waits as for any other drain.
//
// The step adds the new labels before it removes the old ones, one by one, so that other owners' labels stay untouched.

import { type Bounds, type Clock, type Limit, seconds, unlessAborted, within } from '../clock.ts';
import { ActionError, asActionError } from '../errors.ts';
import { isRecord, parseJson } from '../http/json.ts';
import type { Log } from '../log.ts';
import {
  type Claim,
  liveMarks,
  MARK,
  type Mark,
  ownMarks,
  plainLabels,
  readSurely,
  restoreLabels,
} from './drain-labels.ts';
import type { LabelsReading, Runner, RunnerLabels } from './runners.ts';

/** A runner whose labels must be restored. */
interface Drained extends Claim {
  readonly name: string;
}

/** A runner that this step has drained. */
interface OwnDrain extends Drained {
  /** The labels that the step has replaced. */
  readonly names: readonly string[];
}

/** What a killed step leaves for its post step. It contains no secret. */
export type DrainState = readonly Drained[];

export interface DrainOptions {
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

/** All drains of a step: they share a name and an expiry. */
export interface Drains {
  /**
   * Waits for the drains of other steps, then drains the runner. If this step has drained it already, it does so again only if the list
   * shows a replaced label again.
   * @returns whether the runner has to be read again: it changed labels, or the runner is gone.
   * @throws ActionError `runner_busy` if another drain lasts beyond the deadline, `invalid_input` if the runner has no custom label.
   */
  drain(runner: Runner, bounds: Bounds): Promise<boolean>;
  /** Restores the labels of a drained runner. Never throws: if it cannot restore them, it writes a warning. */
  restore(id: number): Promise<void>;
}

/** GitHub counts a change of labels as five requests. A runner whose restoration GitHub refused counts, too: it is still drained. */
const MOST_DRAINS = 20;
const ASK_AGAIN_MS = 15_000;
/** The time for GitHub's answer after the wait for another drain. */
const LEAST_MS = 10_000;

/** @param left the drains of a killed step. */
export function createDrains(options: DrainOptions, left: DrainState = []): Drains {
  const { labels, beginsBy = Number.POSITIVE_INFINITY, clock, log, signal } = options;
  const drained = new Map(left.map((each): [number, OwnDrain] => [each.id, { ...each, names: [] }]));
  const notDrained = new Set<number>();
  /** The drains that are changing labels, by the ID of their runner. */
  const changing = new Map<number, Promise<void>>();
  /** Runners with a drain that failed or was cancelled: GitHub may still make the last change. */
  const unsure = new Set<number>();
  /** Those of them that are restored: the post step checks them again, because GitHub may make that change a minute later. */
  const toCheck = new Map<number, OwnDrain>();

  function saveState(): void {
    options.saveState(
      [...drained.values(), ...toCheck.values()].map(({ id, name, owner }) => ({ id, name, owner })),
    );
  }

  /** A cancellation ends the wait for it, but not the request that was sent: restoring must know what that request has changed. */
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
    if (drained.size >= MOST_DRAINS) return leaveOut(runner, `${MOST_DRAINS} others are, the most at once`);
    if (clock.now() > beginsBy)
      return leaveOut(runner, 'the token might expire before its labels are restored');
    return begin(runner, bounds);
  }

  function leaveOut({ id, name }: Runner, reason: string): false {
    if (!notDrained.has(id)) log.info(`Runner "${name}" is not drained: ${reason}`);
    notDrained.add(id);
    return false;
  }

  /** That took a while: what the gate read before is old. */
  function leaveGone(runner: Runner): true {
    leaveOut(runner, 'it is no longer registered');
    return true;
  }

  async function begin(runner: Runner, bounds: Bounds): Promise<boolean> {
    const { id, name } = runner;
    for (;;) {
      const seen = await untilUnclaimed(options, runner, bounds);
      if (seen === undefined) return leaveGone(runner);
      const own = await claim(runner, seen, withTime(clock, bounds));
      if (own === undefined) return leaveGone(runner);
      if (await isKept(options, own, bounds)) {
        await removeAll(labels, own, withTime(clock, bounds));
        const drainedOf = own.names.join(', ');
        log.info(
          `Runner "${name}" is drained of ${drainedOf}: jobs that ask for none of these labels still reach it`,
        );
        return true;
      }
      await restoreLabels(options, ownMarks(own), withTime(clock, bounds));
      drained.delete(id);
      saveState();
    }
  }

  /** Adds the labels of this drain. Undefined if the runner is gone. */
  async function claim(
    { id, name }: Runner,
    seen: LabelsReading,
    bounds: Bounds,
  ): Promise<OwnDrain | undefined> {
    const names = await plainLabels(options, { id, ...seen }, bounds);
    if (names === undefined) return undefined;
    if (names.length === 0) throw withoutLabel(name);
    const owner = `${options.runId}-${Math.ceil((seen.date + options.lifeMs) / 1_000)}`;
    const own = { id, name, owner, names };
    drained.set(id, own);
    saveState();
    await addMarks(labels, own, bounds);
    return own;
  }

  async function drainAgain(runner: Runner, known: OwnDrain, bounds: Bounds): Promise<boolean> {
    const { id, name, owner } = known;
    if (backOf(known, runner).length === 0) return false;
    const changes = withTime(clock, bounds);
    const seen = await labels.read(id, changes);
    const names = seen === undefined ? [] : backOf(known, seen);
    if (names.length === 0) return false;
    await addMarks(labels, { id, names, owner }, changes);
    await removeAll(labels, { id, names }, changes);
    log.info(
      `Runner "${name}" has registered again, with ${names.join(', ')}, and is drained of these labels again`,
    );
    return true;
  }

  async function restore(id: number): Promise<void> {
    const known = drained.get(id);
    if (known === undefined) return;
    const isOver = !signal.aborted && (await tryToRestore(known, { ms: RESTORE_MS, signal }));
    if (!isOver) await tryToRestore(known, { ms: RESTORE_AFTER_CANCELLATION_MS, signal: NEVER });
  }

  /** @returns false if a cancellation cut it off. */
  async function tryToRestore(known: OwnDrain, limit: Limit): Promise<boolean> {
    const { id, name, owner } = known;
    try {
      const restored = await unlessAborted(limit.signal, restoreNow(known, limit));
      drained.delete(id);
      if (unsure.delete(id)) toCheck.set(id, known);
      saveState();
      log.info(describeRestored(known, restored));
    } catch (error) {
      if (limit.signal.aborted) return false;
      log.warning(
        `The labels of runner "${name}" (ID ${id}) were not restored within ${seconds(limit.ms)}. Replace each that ends in ${MARK}${owner} with the part before that. ${asActionError(error).message}`,
      );
    }
    return true;
  }

  async function restoreNow(known: OwnDrain, { ms, signal: until }: Limit) {
    const { id } = known;
    const deadline = clock.now() + ms;
    const change = changing.get(id);
    if (change !== undefined)
      await within(clock, { ms: ms * SHARE_FOR_CHANGE, signal: until }, () => change).catch(() => {
        throw stillChanging();
      });
    const latest = Math.min(clock.now() + LATE_CHANGE_MS, deadline - LATE_CHANGE_MS);
    const rest = unsure.has(id) ? { unsureUntil: latest } : {};
    return restoreLabels(options, { ...ownMarks(known), ...rest }, { deadline, signal: until });
  }

  return { drain, restore };
}

/** The labels of the drain that the runner has again. */
function backOf({ names }: OwnDrain, { labels }: Pick<Runner, 'labels'>): string[] {
  return names.filter((name) => labels.some((label) => label.name === name));
}

/** A request that begins at the deadline has time for its answer. */
function withTime(clock: Clock, { deadline, signal }: Bounds): Bounds {
  return { deadline: Math.max(deadline, clock.now() + LEAST_MS), signal };
}

type OfRunner = Pick<OwnDrain, 'id' | 'names'>;

async function addMarks(api: RunnerLabels, { id, names, owner }: OfRunner & Claim, bounds: Bounds) {
  for (const name of names) await api.add(id, `${name}${MARK}${owner}`, bounds);
}

async function removeAll(api: RunnerLabels, { id, names }: OfRunner, bounds: Bounds) {
  for (const name of names) await api.remove(id, name, bounds);
}

/** Undefined if the runner is gone. */
async function untilUnclaimed(
  { labels, clock, log }: DrainOptions,
  { id, name }: Pick<Runner, 'id' | 'name'>,
  bounds: Bounds,
): Promise<LabelsReading | undefined> {
  for (let isTold = false; ; isTold = true) {
    const seen = await readSurely({ labels, clock }, id, withTime(clock, bounds));
    const [claim] = seen === undefined ? [] : liveMarks(seen);
    if (claim === undefined) return seen;
    const leftMs = bounds.deadline - clock.now();
    if (leftMs <= 0) throw claimed(name, claim);
    if (!isTold) log.info(`Runner "${name}" is drained by run ${claim.runId}; waiting for that drain to end`);
    await clock.sleep(Math.min(ASK_AGAIN_MS, leftMs), bounds.signal);
  }
}

/** Time between two reads while two drains decide which of them keeps the runner: in milliseconds. */
const ASK_RIVAL_MS = 5_000;

/**
 * Whether the runner is this drain's now that it has its labels. Two drains that begin at the same moment do not see each other before
 * that: then the one whose owner sorts first keeps the runner, once the other has given way.
 * @throws ActionError `runner_busy` if the other does not: it was there first.
 */
async function isKept(
  options: DrainOptions,
  { id, name, owner }: OwnDrain,
  bounds: Bounds,
): Promise<boolean> {
  const { clock } = options;
  for (;;) {
    const seen = await readSurely(options, id, withTime(clock, bounds));
    const rivals = seen === undefined ? [] : liveMarks(seen).filter((mark) => mark.owner !== owner);
    const [rival] = rivals;
    if (rival === undefined) return true;
    if (rivals.some((mark) => mark.owner < owner)) return false;
    const leftMs = bounds.deadline - clock.now();
    if (leftMs <= 0) throw claimed(name, rival);
    await clock.sleep(Math.min(ASK_RIVAL_MS, leftMs), bounds.signal);
  }
}

/** How long to keep trying to restore a runner's labels, in milliseconds; and after a cancellation. */
export const RESTORE_MS = 30_000;
const RESTORE_AFTER_CANCELLATION_MS = 5_000;
/** The part of that for which restoring waits for the answer to a change that was sent before. */
const SHARE_FOR_CHANGE = 0.7;
/** GitHub may make a change this long after the connection was lost. In milliseconds. */
const LATE_CHANGE_MS = 2_000;
const NEVER = new AbortController().signal;

/** The post step: restores what the step has left. */
export async function restoreLeft(state: string, options: DrainOptions): Promise<void> {
  const left = stateFrom(parseJson(state));
  const drains = createDrains(options, left);
  await Promise.all(left.map(({ id }) => drains.restore(id)));
}

function stateFrom(state: unknown): DrainState {
  return (Array.isArray(state) ? state : []).flatMap((each: unknown) => {
    const { id, name, owner } = isRecord(each) ? each : {};
    const isWhole = typeof id === 'number' && typeof name === 'string' && typeof owner === 'string';
    return isWhole ? [{ id, name, owner }] : [];
  });
}

function describeRestored({ name }: Drained, restored: readonly string[] | undefined): string {
  if (restored === undefined)
    return `Runner "${name}" is no longer registered, so it has no labels to restore`;
  return `The labels of runner "${name}" are restored`;
}

function stillChanging(): ActionError {
  return new ActionError('github_api_failed', 'GitHub has not answered the last change of the labels.');
}

function withoutLabel(name: string): ActionError {
  const message = `Runner "${name}" has no custom label that can be replaced, so it cannot be drained: jobs that ask for its default labels would still reach it.`;
  const hint = 'Give the runner a custom label and let the jobs ask for it (runs-on), or leave out drain.';
  return new ActionError('invalid_input', message, { hint });
}

function claimed(name: string, { runId, label }: Mark): ActionError {
  const message = `Runner "${name}" is drained by run ${runId} (label ${label}), and stayed so until busy_timeout expired. No restart was sent.`;
  const hint = 'Let that run end first (concurrency), or raise busy_timeout.';
  return new ActionError('runner_busy', message, { hint });
}
