// The labels of drains on a runner: what they say, how they replace the runner's own labels, and how those come back.

import type { Bounds, Clock } from '../clock.ts';
import { ActionError } from '../errors.ts';
import type { LabelsReading, RunnerLabels } from '../github/runner-labels.ts';
import { isDescription } from '../http/json.ts';

/** A step drains at most this many runners at once: GitHub counts a change of labels as five requests. */
export const MOST_DRAINED = 20;

export const MARK = '.drained-';
/** `LABEL.drained-RUNID-END`, with the end in seconds since 1970. A user's label that only contains `.drained` does not have this form. */
const MARKED = /^(.+)\.drained-(\d+)-(\d{10})$/s;
/** GitHub's limit for a label, in characters. */
const LONGEST_LABEL = 256;

/** In a URL, these lead to another path, so no request can remove a label of this name. See github-fetch.ts. */
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

/** A drain of a runner. */
export interface DrainId {
  /** Of the runner. */
  readonly id: number;
  /** `RUNID-UNIXTIME`, as in the labels. */
  readonly owner: string;
}

/**
 * @param expiresAt by GitHub's clock, in milliseconds since 1970.
 * @throws ActionError `github_api_failed` if no step could recognize a label of this owner.
 */
export function ownerOf(runId: string, expiresAt: number): string {
  const owner = `${runId}-${Math.ceil(expiresAt / 1_000)}`;
  if (markFrom(markOf('label', owner))?.owner !== owner) throw unreadable(owner);
  return owner;
}

function markOf(original: string, owner: string): string {
  return `${original}${MARK}${owner}`;
}

/** The labels of expired drains; none while any drain of the runner is still running. */
export function expiredMarks(seen: LabelsReading): Mark[] {
  const marks = marksIn(seen);
  return marks.every((mark) => hasExpired(mark, seen)) ? marks : [];
}

function marksIn({ labels }: Pick<LabelsReading, 'labels'>): Mark[] {
  return labels.flatMap(({ name }) => markFrom(name) ?? []);
}

function markFrom(label: string): Mark | undefined {
  const [, original = '', runId = '', end = ''] = MARKED.exec(label) ?? [];
  if (original === '') return undefined;
  return { label, original, owner: `${runId}-${end}`, runId, expiresAt: Number(end) * 1_000 };
}

/** The label that the label of a drain has replaced; any other label itself. */
export function originalOf(label: string): string {
  return markFrom(label)?.original ?? label;
}

export function isMark(label: string): boolean {
  return markFrom(label) !== undefined;
}

function hasExpired({ expiresAt }: Mark, { date }: LabelsReading): boolean {
  return expiresAt <= date;
}

/** Of drains that are still running. */
export function liveMarks(seen: LabelsReading): Mark[] {
  return marksIn(seen).filter((mark) => !hasExpired(mark, seen));
}

/** Whether only other drains hold the runner: it lost this one's labels when it registered again. */
export function isTakenOver({ owner }: DrainId, seen: Pick<LabelsReading, 'labels'>): boolean {
  const marks = marksIn(seen);
  return marks.length > 0 && marks.every((mark) => mark.owner !== owner);
}

export function customLabels({ labels }: LabelsReading): string[] {
  return labels.filter(({ type }) => type === 'custom').map(({ name }) => name);
}

/** Those of the labels that the runner has. */
export function shownOf(names: Iterable<string>, { labels }: Pick<LabelsReading, 'labels'>): string[] {
  const shown = new Set(labels.map(({ name }) => keyOf(name)));
  return [...names].filter((name) => shown.has(keyOf(name)));
}

/** GitHub ignores case in labels. */
function keyOf(label: string): string {
  return label.toLowerCase();
}

/** Whether the label with the mark is short enough for GitHub, and a URL can name the label itself. */
export function isReplaceable(name: string, owner: string): boolean {
  const isShort = !isDescription(name) && markOf(name, owner).length <= LONGEST_LABEL;
  return isShort && !UNREMOVABLE.includes(name);
}

// ---- reading ----

export interface LabelsAndClock {
  readonly labels: RunnerLabels;
  readonly clock: Clock;
}

/** GitHub may answer 404 for a runner that is registered, for seconds: to a new token, or during an outage. In milliseconds. */
const GONE_AFTER_MS = 10_000;
const ASK_FOR_GONE_EVERY_MS = 2_000;

/**
 * Undefined if the runner is gone: GitHub answered 404 for all of GONE_AFTER_MS.
 * @throws ActionError `github_api_failed` if the deadline comes before that.
 */
export async function readSurely(
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

// ---- replacing ----

/** GitHub limits changes more than reads. In milliseconds. */
const ADD_AGAIN_MS = 5_000;

/** Labels of a runner to replace. */
export interface Replacement extends DrainId {
  readonly names: readonly string[];
  /** The runner's labels by now. */
  readonly seen: LabelsReading;
  /** Called once if GitHub does not show a mark that it confirmed. */
  readonly onUnshown: () => void;
}

/** @throws ActionError `github_api_failed` */
export async function addMarks(
  { labels }: LabelsAndClock,
  { id, owner, names }: Pick<Replacement, 'id' | 'owner' | 'names'>,
  bounds: Bounds,
): Promise<void> {
  for (const name of names) await labels.add(id, markOf(name, owner), bounds);
}

/** Whatever GitHub shows: its reads may lag behind its writes. @throws ActionError `github_api_failed` */
export async function removeMarks(
  { labels }: LabelsAndClock,
  { id, owner, names }: Pick<Replacement, 'id' | 'owner' | 'names'>,
  bounds: Bounds,
): Promise<void> {
  for (const name of names) await labels.remove(id, markOf(name, owner), bounds);
}

/**
 * Removes the labels whose marks GitHub shows, and adds the other marks first. It does not remove a label before: a change that GitHub
 * confirmed may not have happened, and then no step could restore the label. It ends only when GitHub shows the result: a runner that
 * registers again in the meantime gets its labels back without their marks, and a removal takes those labels away, too.
 * @returns false if the runner is gone.
 * @throws ActionError `github_api_failed` if the deadline comes before that.
 */
export async function replaceLabels(
  api: LabelsAndClock,
  { id, owner, names, seen, onUnshown }: Replacement,
  bounds: Bounds,
): Promise<boolean> {
  const removed = new Set<string>();
  let additions = 0;
  let removals = 0;
  for (
    let now: LabelsReading | undefined = seen;
    now !== undefined;
    now = await readSurely(api, id, bounds)
  ) {
    const { marked, unmarked } = replacedIn(now, { owner, names, removed });
    if (marked.length + unmarked.length === 0) return true;
    // GitHub's reads may lag behind its writes.
    if (marked.some((name) => removed.has(name))) await pause(api.clock, beforeNext(++removals), bounds);
    for (const name of marked) {
      await api.labels.remove(id, name, bounds);
      removed.add(name);
    }
    if (unmarked.length === 0) continue;
    if (additions++ === 1) onUnshown();
    if (additions > 1) await pause(api.clock, ADD_AGAIN_MS, bounds);
    await addMarks(api, { id, owner, names: unmarked }, bounds);
  }
  return false;
}

/** @returns the labels that are still to be removed, because they have marks, and those whose marks are still to be added. */
function replacedIn(
  now: LabelsReading,
  { owner, names, removed }: Pick<Replacement, 'owner' | 'names'> & { readonly removed: ReadonlySet<string> },
): Record<'marked' | 'unmarked', readonly string[]> {
  const marks = names.map((name) => markOf(name, owner));
  const shownMarks = new Set(shownOf(marks, now));
  const isMarked = (name: string) => shownMarks.has(markOf(name, owner));
  const there = new Set(shownOf(names, now));
  return {
    marked: [...there].filter(isMarked),
    unmarked: names.filter((name) => !isMarked(name) && (there.has(name) || removed.has(name))),
  };
}

// ---- restoring ----

/** Labels of drains to restore. */
export interface DueMarks {
  /** Of the runner. */
  readonly id: number;
  readonly due: (seen: LabelsReading) => readonly Mark[];
  /** Marks that may be there even if the first read does not show them. */
  readonly doubtful?: ((seen: LabelsReading) => readonly Mark[]) | undefined;
  /** Labels that were restored before. A late removal may have taken them away since. */
  readonly restored?: readonly string[] | undefined;
  /** A change that GitHub did not answer may still be made until then: on the clock's scale. */
  readonly unsureUntil?: number;
}

export function ownMarks({ id, owner }: DrainId): DueMarks {
  return { id, due: (seen) => marksIn(seen).filter((mark) => mark.owner === owner) };
}

/**
 * GitHub's reads may lag behind its writes: a label that the drain has replaced may be gone although a read shows it, or shows the mark of
 * another drain that held it before; and its own mark may be there although the read does not show it.
 */
export function doubtfulMarks(
  { owner, names }: Pick<Replacement, 'owner' | 'names'>,
  seen: LabelsReading,
): Mark[] {
  const others = marksIn(seen).filter((mark) => mark.owner !== owner);
  const before = [...seen.labels, ...others.map(({ original: name }) => ({ name, type: 'custom' }) as const)];
  return shownOf(names, { labels: before }).flatMap((name) => markFrom(markOf(name, owner)) ?? []);
}

/** Between two of the first reads that should show what was changed: in milliseconds. */
const READ_AGAIN_MS = 1_000;
const FIRST_READS = 10;
/** The same later: each time, the labels are changed again, and GitHub limits changes. In milliseconds. */
const READ_LATER_MS = 15_000;

/**
 * Brings back the labels that drains replaced, except those that another drain still holds: they come back with that one. It ends
 * only when GitHub shows the result: a change that GitHub confirmed, or answered with 404, may not have happened, and two
 * drains that end together may each have left a label to the other. Doubtful marks are removed, and their labels added, whatever the first
 * read shows: both change nothing if they are restored already.
 * @returns the labels that are back; undefined if the runner is gone.
 * @throws ActionError `github_api_failed` if the deadline comes before that.
 */
export async function restoreLabels(
  api: LabelsAndClock,
  { id, due, doubtful = () => [], restored = [], unsureUntil = Number.NEGATIVE_INFINITY }: DueMarks,
  bounds: Bounds,
): Promise<readonly string[] | undefined> {
  const { labels, clock } = api;
  const originals = new Set(restored);
  for (let reads = 1; ; reads++) {
    const seen = await readSurely(api, id, bounds);
    if (seen === undefined) return undefined;
    const doubts = reads === 1 ? doubtful(seen) : [];
    const marks = distinct([...due(seen), ...doubts]);
    for (const { original } of marks) originals.add(original);
    const lost = lostOf(originals, withoutOriginals(seen, doubts), marks);
    const isRestored = marks.length + lost.length === 0;
    if (isRestored && clock.now() >= unsureUntil) return [...originals];
    if (isRestored || reads > 1) await pause(clock, beforeNext(reads), bounds);
    await bringBack(labels, { id, lost, marks }, bounds);
  }
}

interface Return {
  readonly id: number;
  /** Labels to add ... */
  readonly lost: readonly string[];
  /** ... before these are removed. */
  readonly marks: readonly Mark[];
}

async function bringBack(labels: RunnerLabels, { id, lost, marks }: Return, bounds: Bounds): Promise<void> {
  for (const name of lost) await labels.add(id, name, bounds);
  for (const { label } of marks) await labels.remove(id, label, bounds);
}

function beforeNext(reads: number): number {
  return reads > FIRST_READS ? READ_LATER_MS : READ_AGAIN_MS;
}

/** @throws ActionError `github_api_failed` if there is no time left for it. */
async function pause(clock: Clock, ms: number, { deadline, signal }: Bounds): Promise<void> {
  if (clock.now() + ms > deadline) throw notChanged();
  await clock.sleep(ms, signal);
}

function distinct(marks: readonly Mark[]): Mark[] {
  return [...new Map(marks.map((mark) => [keyOf(mark.label), mark])).values()];
}

function withoutOriginals(seen: LabelsReading, marks: readonly Mark[]): LabelsReading {
  const originals = new Set(marks.map(({ original }) => keyOf(original)));
  return { ...seen, labels: seen.labels.filter(({ name }) => !originals.has(keyOf(name))) };
}

/** The labels that are not there, and that no other drain holds. */
function lostOf(originals: Iterable<string>, seen: LabelsReading, due: readonly Mark[]): string[] {
  const isDue = ({ label }: Mark) => due.some((mark) => mark.label === label);
  const held = liveMarks(seen).filter((mark) => !isDue(mark));
  const there = new Set(shownOf(originals, seen));
  const isHeld = (name: string) => held.some(({ original }) => keyOf(original) === keyOf(name));
  return [...originals].filter((name) => !there.has(name) && !isHeld(name));
}

function unreadable(owner: string): ActionError {
  const message = `The labels of a drain would end in "${MARK}${owner}", and no later step could recognize them. No label was changed.`;
  const hint =
    'Check GITHUB_RUN_ID, which must be a number, and the clock of the server that GITHUB_API_URL names.';
  return new ActionError('github_api_failed', message, { hint });
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
