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
// The step adds the new label before it removes the old one, one by one, so that other owners' labels stay untouched.

import { type Bounds, type Clock, seconds } from '../clock.ts';
import { ActionError, asActionError } from '../errors.ts';
import { isRecord, parseJson } from '../http/json.ts';
import type { Log } from '../log.ts';
import type { LabelsReading, Runner, RunnerLabels } from './runners.ts';

/** A runner whose labels must be restored. */
interface Drained {
  readonly id: number;
  readonly name: string;
  /** `RUNID-UNIXTIME`, as in the labels. */
  readonly owner: string;
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
  restore(id: number, forMs: number): Promise<void>;
}

/** GitHub counts a change of labels as five requests. A runner whose restoration GitHub refused counts, too: it is still drained. */
const MOST_DRAINS = 20;
const ASK_AGAIN_MS = 15_000;
/** The time for GitHub's answer after the wait for another drain. */
const LEAST_MS = 10_000;

/** @param left the drains of a killed step. */
export function createDrains(options: DrainOptions, left: DrainState = []): Drains {
  const { labels, beginsBy = Number.POSITIVE_INFINITY, clock, log } = options;
  const drained = new Map(left.map((each): [number, OwnDrain] => [each.id, { ...each, names: [] }]));
  const notDrained = new Set<number>();

  function saveState(): void {
    options.saveState([...drained.values()].map(({ id, name, owner }) => ({ id, name, owner })));
  }

  async function drain(runner: Runner, bounds: Bounds): Promise<boolean> {
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
    const seen = await untilUnclaimed(options, { id, name }, bounds);
    if (seen === undefined) return leaveGone(runner);
    const changes = { ...bounds, deadline: enoughUntil(clock, bounds) };
    const names = await plainLabels(options, { id, ...seen }, changes);
    if (names === undefined) return leaveGone(runner);
    if (names.length === 0) throw withoutLabel(name);
    const owner = `${options.runId}-${Math.ceil((seen.date + options.lifeMs) / 1_000)}`;
    drained.set(id, { id, name, owner, names });
    saveState();
    await replaceLabels(labels, { id, names, owner }, changes);
    log.info(
      `Runner "${name}" is drained of ${names.join(', ')}: jobs that ask for none of these labels still reach it`,
    );
    return true;
  }

  async function drainAgain(runner: Runner, known: OwnDrain, bounds: Bounds): Promise<boolean> {
    const { id, name, owner } = known;
    if (backOf(known, runner).length === 0) return false;
    const changes = { ...bounds, deadline: enoughUntil(clock, bounds) };
    const seen = await labels.read(id, changes);
    const names = seen === undefined ? [] : backOf(known, seen);
    if (names.length === 0) return false;
    await replaceLabels(labels, { id, names, owner }, changes);
    log.info(
      `Runner "${name}" has registered again, with ${names.join(', ')}, and is drained of these labels again`,
    );
    return true;
  }

  async function restore(id: number, forMs: number): Promise<void> {
    const known = drained.get(id);
    if (known === undefined) return;
    const { signal } = new AbortController();
    try {
      const restored = await restoreLabels(options, ownMarks(known), {
        deadline: clock.now() + forMs,
        signal,
      });
      drained.delete(id);
      saveState();
      log.info(describeRestored(known, restored));
    } catch (error) {
      log.warning(
        `The labels of runner "${known.name}" (ID ${id}) were not restored within ${seconds(forMs)}. Replace each that ends in ${MARK}${known.owner} with the part before that. ${asActionError(error).message}`,
      );
    }
  }

  return { drain, restore };
}

/** The labels of the drain that the runner has again. */
function backOf({ names }: OwnDrain, { labels }: Pick<Runner, 'labels'>): string[] {
  return names.filter((name) => labels.some((label) => label.name === name));
}

/** A request that begins at the deadline has time for its answer. */
function enoughUntil(clock: Clock, { deadline }: Bounds): number {
  return Math.max(deadline, clock.now() + LEAST_MS);
}

type LabelsAndClock = Pick<DrainOptions, 'labels' | 'clock'>;

/** GitHub may answer 404 for a runner that is registered, for seconds: to a new token, or during an outage. In milliseconds. */
const GONE_AFTER_MS = 10_000;
const ASK_FOR_GONE_EVERY_MS = 2_000;

/**
 * Undefined if the runner is gone: GitHub answered 404 for all of GONE_AFTER_MS.
 * @throws ActionError `github_api_failed` if the deadline comes before that.
 */
async function readSurely(
  { labels, clock }: LabelsAndClock,
  id: number,
  bounds: Bounds,
): Promise<LabelsReading | undefined> {
  for (let goneSince: number | undefined; ; ) {
    const seen = await labels.read(id, bounds);
    if (seen !== undefined) return seen;
    const now = clock.now();
    goneSince ??= now;
    if (now - goneSince >= GONE_AFTER_MS) return undefined;
    if (now + ASK_FOR_GONE_EVERY_MS > bounds.deadline) throw notShown();
    await clock.sleep(ASK_FOR_GONE_EVERY_MS, bounds.signal);
  }
}

/** Undefined if the runner is gone. */
async function untilUnclaimed(
  { labels, clock, log }: DrainOptions,
  { id, name }: Pick<Runner, 'id' | 'name'>,
  bounds: Bounds,
): Promise<LabelsReading | undefined> {
  for (let isTold = false; ; isTold = true) {
    const changes = { ...bounds, deadline: enoughUntil(clock, bounds) };
    const seen = await readSurely({ labels, clock }, id, changes);
    const claim = seen && marksIn(seen).find((mark) => !hasExpired(mark, seen));
    if (claim === undefined) return seen;
    const leftMs = bounds.deadline - clock.now();
    if (leftMs <= 0) throw claimed(name, claim);
    if (!isTold) log.info(`Runner "${name}" is drained by run ${claim.runId}; waiting for that drain to end`);
    await clock.sleep(Math.min(ASK_AGAIN_MS, leftMs), bounds.signal);
  }
}

/** The labels of a runner, as they were read. */
interface SeenLabels extends LabelsReading {
  readonly id: number;
}

/** The custom labels, after restoring those that an expired drain left behind; undefined if the runner is gone. */
async function plainLabels(
  api: LabelsAndClock,
  seen: SeenLabels,
  bounds: Bounds,
): Promise<string[] | undefined> {
  const { id } = seen;
  const expired = expiredMarks(seen).length > 0;
  const restored = expired ? await restoreLabels(api, { id, due: expiredMarks }, bounds) : [];
  if (restored === undefined) return undefined;
  const plain = seen.labels.filter(({ name, type }) => type === 'custom' && markFrom(name) === undefined);
  const names = new Set([...plain.map(({ name }) => name), ...restored]);
  return [...names].filter((name) => name.length <= LONGEST_PLAIN && !UNREMOVABLE.includes(name));
}

interface Replacing {
  /** Of the runner. */
  readonly id: number;
  readonly names: readonly string[];
  readonly owner: string;
}

async function replaceLabels(api: RunnerLabels, { id, names, owner }: Replacing, bounds: Bounds) {
  for (const name of names) {
    await api.add(id, `${name}${MARK}${owner}`, bounds);
    await api.remove(id, name, bounds);
  }
}

/** Labels of drains to restore. */
export interface DueMarks {
  /** Of the runner. */
  readonly id: number;
  readonly due: (seen: LabelsReading) => readonly Mark[];
}

function ownMarks({ id, owner }: Drained): DueMarks {
  return { id, due: (seen) => marksIn(seen).filter((mark) => mark.owner === owner) };
}

/** Between two reads that should show what was changed: in milliseconds. */
const READ_AGAIN_MS = 1_000;

/**
 * Brings back the labels that drains replaced, except those that another drain still holds: they come back with that one. It ends
 * only when GitHub shows the result: a change that GitHub confirmed, or answered with 404, may not have happened, and two
 * drains that end together may each have left a label to the other.
 * @returns the labels that are back; undefined if the runner is gone.
 */
export async function restoreLabels(
  api: LabelsAndClock,
  { id, due }: DueMarks,
  bounds: Bounds,
): Promise<readonly string[] | undefined> {
  const { labels, clock } = api;
  const originals = new Set<string>();
  for (let reads = 1; ; reads++) {
    const seen = await readSurely(api, id, bounds);
    if (seen === undefined) return undefined;
    const marks = due(seen);
    for (const { original } of marks) originals.add(original);
    const lost = [...originals].filter((name) => isLost(name, seen, marks));
    if (marks.length === 0 && lost.length === 0) return [...originals];
    if (reads > 1) await pause(clock, bounds);
    for (const name of lost) await labels.add(id, name, bounds);
    for (const { label } of marks) await labels.remove(id, label, bounds);
  }
}

/** @throws ActionError `github_api_failed` if there is no time left for it. */
async function pause(clock: Clock, { deadline, signal }: Bounds): Promise<void> {
  if (clock.now() + READ_AGAIN_MS > deadline) throw notChanged();
  await clock.sleep(READ_AGAIN_MS, signal);
}

/** Neither is the label there, nor does another drain hold it that is still running. */
function isLost(name: string, seen: LabelsReading, due: readonly Mark[]): boolean {
  const isDue = ({ label }: Mark) => due.some((mark) => mark.label === label);
  const held = marksIn(seen).filter((mark) => !isDue(mark) && !hasExpired(mark, seen));
  return !seen.labels.some((label) => label.name === name) && !held.some(({ original }) => original === name);
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

/** In a URL these name another place, so no request can remove them. See github-fetch.ts. */
const UNREMOVABLE = ['', '.', '..'];

/** A label of a drain. */
export interface Mark {
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

function marksIn({ labels }: LabelsReading): Mark[] {
  return labels.flatMap(({ name }) => markFrom(name) ?? []);
}

function markFrom(label: string): Mark | undefined {
  const [, original = '', runId = '', end = ''] = MARKED.exec(label) ?? [];
  if (original === '') return undefined;
  return { label, original, owner: `${runId}-${end}`, runId, expiresAt: Number(end) * 1_000 };
}

function hasExpired({ expiresAt }: Mark, { date }: LabelsReading): boolean {
  return expiresAt <= date;
}

function describeRestored({ name }: Drained, restored: readonly string[] | undefined): string {
  if (restored === undefined)
    return `Runner "${name}" is no longer registered, so it has no labels to restore`;
  return `The labels of runner "${name}" are restored`;
}

function notShown(): ActionError {
  const message =
    'GitHub answered HTTP 404 for the runner, but for too short a time to believe that it is gone.';
  return new ActionError('github_api_failed', message);
}

function notChanged(): ActionError {
  return new ActionError(
    'github_api_failed',
    'GitHub still shows the labels as they were before the change.',
  );
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
