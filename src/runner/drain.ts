// Keeps new jobs away from a runner while its VM waits for its job and restarts: each custom label is replaced by one that names
// its owner and its end, e.g. `macos` by `macos.drained-9001-1764410000`. GitHub keeps that state, and nothing else does.
//
// | label                          | when a drain begins               | when it ends                                             |
// | ------------------------------ | --------------------------------- | -------------------------------------------------------- |
// | `macos`                        | becomes this drain's              | stays                                                    |
// | this drain's                   | stays                             | becomes `macos`, or is removed if another drain holds it |
// | another drain's, expired       | becomes `macos`, then this drain's | stays                                                   |
// | another drain's, still running | is waited for                     | stays                                                    |
//
// The new label is added before the old one is removed, one by one, so that labels of other owners stay untouched.

import { type Bounds, type Clock, seconds } from '../clock.ts';
import { ActionError, asActionError } from '../errors.ts';
import { isRecord, parseJson } from '../http/json.ts';
import type { Log } from '../log.ts';
import type { LabelsReading, Runner, RunnerLabels } from './runners.ts';

/** A runner whose labels have to be restored. */
interface Drained {
  readonly id: number;
  readonly name: string;
  /** `RUNID-UNIXTIME`, as the labels have it. */
  readonly owner: string;
}

/** What a killed step leaves for its post step. It holds no secret. */
export type DrainState = readonly Drained[];

export interface DrainOptions {
  readonly labels: RunnerLabels;
  /** GITHUB_RUN_ID. */
  readonly runId: string;
  /** The labels expire after this long, in case nothing is left to restore them: in milliseconds. */
  readonly lifeMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Called before each drain's first change, and after each restoring. @throws if it cannot be saved. */
  readonly saveState: (state: DrainState) => void;
}

/** All drains of a step: they share a name and an end. */
export interface Drains {
  /**
   * Waits for the drains of other steps, and then drains the runner: again if it has registered since, which gave it back its labels.
   * @throws ActionError `runner_busy` if another drain lasts beyond the deadline, `invalid_input` if the runner has no custom label.
   */
  drain(runner: Runner, bounds: Bounds): Promise<void>;
  /** Restores the labels of a runner that was drained. Never throws: what cannot be restored is a warning. */
  restore(id: number, forMs: number): Promise<void>;
}

/** GitHub counts a change of labels as five requests. */
const MOST_DRAINS = 20;
const ASK_AGAIN_MS = 15_000;
/** What GitHub may take to answer when the wait for another drain is over. */
const LEAST_MS = 10_000;

/** @param left what a killed step has left behind. */
export function createDrains(options: DrainOptions, left: DrainState = []): Drains {
  const { labels, clock, log, saveState } = options;
  const drained = new Map(left.map((each) => [each.id, each]));

  async function drain(runner: Runner, bounds: Bounds): Promise<void> {
    const { id, name, ephemeral } = runner;
    if (ephemeral) return log.info(`Runner "${name}" is not drained: it takes one job only`);
    const known = drained.get(id);
    if (known !== undefined && isMarked(runner, known)) return;
    const seen = await untilUnclaimed(options, { id, name, owner: known?.owner }, bounds);
    if (seen === undefined) return;
    const changes = { ...bounds, deadline: enoughUntil(clock, bounds) };
    const names = await plainLabels(labels, { id, ...seen }, changes);
    if (known !== undefined) return replaceLabels(known, names, changes);
    if (names.length === 0) throw withoutLabel(name);
    if (drained.size >= MOST_DRAINS)
      return log.info(`Runner "${name}" is not drained: ${MOST_DRAINS} others are, the most at once`);
    const owner = `${options.runId}-${Math.ceil((seen.date + options.lifeMs) / 1_000)}`;
    drained.set(id, { id, name, owner });
    saveState([...drained.values()]);
    await replaceLabels({ id, name, owner }, names, changes);
  }

  async function replaceLabels(
    { id, name, owner }: Drained,
    names: readonly string[],
    changes: Bounds,
  ): Promise<void> {
    if (names.length === 0) return;
    for (const label of names) {
      await labels.add(id, `${label}${MARK}${owner}`, changes);
      await labels.remove(id, label, changes);
    }
    log.info(
      `Runner "${name}" is drained of ${names.join(', ')}: jobs that ask for none of that still come to it`,
    );
  }

  async function restore(id: number, forMs: number): Promise<void> {
    const known = drained.get(id);
    if (known === undefined) return;
    const { signal } = new AbortController();
    try {
      await restoreLabels(labels, known, { deadline: clock.now() + forMs, signal });
      drained.delete(id);
      saveState([...drained.values()]);
      log.info(`The labels of runner "${known.name}" are restored`);
    } catch (error) {
      log.warning(
        `The labels of runner "${known.name}" (ID ${id}) were not restored within ${seconds(forMs)}. Replace each that ends in ${MARK}${known.owner} by what stands before that. ${asActionError(error).message}`,
      );
    }
  }

  return { drain, restore };
}

/** A request that begins at the deadline has time for its answer. */
function enoughUntil(clock: Clock, { deadline }: Bounds): number {
  return Math.max(deadline, clock.now() + LEAST_MS);
}

interface ToDrain extends Pick<Runner, 'id' | 'name'> {
  /** Of the labels that it has from this step; undefined if it was not drained before. */
  readonly owner: string | undefined;
}

/** Undefined if the runner is gone. */
async function untilUnclaimed(
  { labels, clock, log }: DrainOptions,
  { id, name, owner }: ToDrain,
  bounds: Bounds,
): Promise<LabelsReading | undefined> {
  for (let isTold = false; ; isTold = true) {
    const seen = await labels.read(id, { ...bounds, deadline: enoughUntil(clock, bounds) });
    const claim = seen && marksIn(seen).find((mark) => mark.owner !== owner && !hasExpired(mark, seen));
    if (claim === undefined) return seen;
    const leftMs = bounds.deadline - clock.now();
    if (leftMs <= 0) throw claimed(name, claim);
    if (!isTold) log.info(`Runner "${name}" is drained by run ${claim.runId}; waiting for that to end`);
    await clock.sleep(Math.min(ASK_AGAIN_MS, leftMs), bounds.signal);
  }
}

/** The labels of a runner, as they were read. */
interface SeenLabels extends LabelsReading {
  readonly id: number;
}

/** The custom labels, after restoring those that an expired drain left behind. */
async function plainLabels(api: RunnerLabels, seen: SeenLabels, bounds: Bounds): Promise<string[]> {
  const expired = expiredMarks(seen);
  await undo(api, { id: seen.id, marks: expired }, bounds);
  const plain = seen.labels.filter(({ name, type }) => type === 'custom' && markFrom(name) === undefined);
  const names = new Set([...plain.map(({ name }) => name), ...expired.map(({ original }) => original)]);
  return [...names].filter((name) => name.length <= LONGEST_PLAIN);
}

interface MarksOf {
  /** Of the runner. */
  readonly id: number;
  readonly marks: readonly Mark[];
}

export async function undo(api: RunnerLabels, { id, marks }: MarksOf, bounds: Bounds): Promise<void> {
  for (const { original, label } of marks) {
    await api.add(id, original, bounds);
    await api.remove(id, label, bounds);
  }
}

/** A label that another drain holds, too, comes back with that one. */
async function restoreLabels(api: RunnerLabels, { id, owner }: Drained, bounds: Bounds): Promise<void> {
  const seen = await api.read(id, bounds);
  if (seen === undefined) return;
  const marks = marksIn(seen);
  const held = marks.filter((mark) => mark.owner !== owner && !hasExpired(mark, seen));
  for (const mark of marks.filter((each) => each.owner === owner)) {
    const isHeld = held.some(({ original }) => original === mark.original);
    await (isHeld ? api.remove(id, mark.label, bounds) : undo(api, { id, marks: [mark] }, bounds));
  }
}

/** How long to keep trying to restore a runner's labels, in milliseconds; and after a cancellation. */
export const RESTORE_MS = 30_000;
export const RESTORE_AFTER_CANCELLATION_MS = 5_000;

/** The post step: restores what the step has left. */
export async function restoreLeft(state: string, options: DrainOptions): Promise<void> {
  const left = stateFrom(parseJson(state));
  const drains = createDrains(options, left);
  await Promise.all(left.map(({ id }) => drains.restore(id, RESTORE_MS)));
}

function stateFrom(state: unknown): DrainState {
  return (Array.isArray(state) ? state : []).flatMap((each: unknown) => {
    const { id, name, owner } = isRecord(each) ? each : {};
    const isWhole = typeof id === 'number' && typeof name === 'string' && typeof owner === 'string';
    return isWhole ? [{ id, name, owner }] : [];
  });
}

// ---- labels ----

const MARK = '.drained-';
/** Run ID and end, in seconds since 1970. A label that a user named `.drained` does not have this form. */
const MARKED = /^(.+)\.drained-(\d+)-(\d{10})$/s;
/** A label has 256 characters at most; a run ID has up to 20, and its mark 12 more. */
const LONGEST_PLAIN = 256 - MARK.length - 32;

/** A label of a drain. */
interface Mark {
  readonly label: string;
  readonly original: string;
  /** `RUNID-UNIXTIME`. */
  readonly owner: string;
  readonly runId: string;
  /** By GitHub's clock, in milliseconds since 1970. */
  readonly expiresAt: number;
}

/** None while another drain of the runner is still running. */
export function expiredMarks(seen: LabelsReading): Mark[] {
  const marks = marksIn(seen);
  return marks.every((mark) => hasExpired(mark, seen)) ? marks : [];
}

function marksIn({ labels }: Pick<LabelsReading, 'labels'>): Mark[] {
  return labels.flatMap(({ name }) => markFrom(name) ?? []);
}

/** Whether it was last shown with labels of this drain. */
function isMarked(runner: Pick<Runner, 'labels'>, { owner }: Drained): boolean {
  return marksIn(runner).some((mark) => mark.owner === owner);
}

function markFrom(label: string): Mark | undefined {
  const [, original = '', runId = '', end = ''] = MARKED.exec(label) ?? [];
  if (original === '') return undefined;
  return { label, original, owner: `${runId}-${end}`, runId, expiresAt: Number(end) * 1_000 };
}

function hasExpired({ expiresAt }: Mark, { date }: LabelsReading): boolean {
  return expiresAt <= date;
}

function withoutLabel(name: string): ActionError {
  const message = `Runner "${name}" has no custom label, so it cannot be drained: jobs that ask for its default labels would come all the same.`;
  const hint = 'Give the runner a custom label and let the jobs ask for it (runs-on), or leave out drain.';
  return new ActionError('invalid_input', message, { hint });
}

function claimed(name: string, { runId, label }: Mark): ActionError {
  const message = `Runner "${name}" is drained by run ${runId} (label ${label}), and was until busy_timeout. No restart was sent.`;
  const hint = 'Let that run end first (concurrency), or raise busy_timeout.';
  return new ActionError('runner_busy', message, { hint });
}
