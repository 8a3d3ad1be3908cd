// The labels of drains on a runner: what they say, and how the labels that they replaced come back.

import type { Bounds, Clock } from '../clock.ts';
import { ActionError } from '../errors.ts';
import type { LabelsReading, RunnerLabels } from './runners.ts';

export const MARK = '.drained-';
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

/** Of drains that are still running. */
export function liveMarks(seen: LabelsReading): Mark[] {
  return marksIn(seen).filter((mark) => !hasExpired(mark, seen));
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

/** The labels of a runner, as they were read. */
interface SeenLabels extends LabelsReading {
  readonly id: number;
}

/** The custom labels, after restoring those that an expired drain left behind; undefined if the runner is gone. */
export async function plainLabels(
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

// ---- restoring ----

/** Labels of drains to restore. */
export interface DueMarks {
  /** Of the runner. */
  readonly id: number;
  readonly due: (seen: LabelsReading) => readonly Mark[];
  /** A change that GitHub did not answer may still be made until then: on the clock's scale. */
  readonly unsureUntil?: number;
}

/** A drain of a runner. */
export interface Claim {
  /** Of the runner. */
  readonly id: number;
  /** `RUNID-UNIXTIME`, as in the labels. */
  readonly owner: string;
}

export function ownMarks({ id, owner }: Claim): DueMarks {
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
  { id, due, unsureUntil = Number.NEGATIVE_INFINITY }: DueMarks,
  bounds: Bounds,
): Promise<readonly string[] | undefined> {
  const { labels, clock } = api;
  const originals = new Set<string>();
  for (let reads = 1; ; reads++) {
    const seen = await readSurely(api, id, bounds);
    if (seen === undefined) return undefined;
    const marks = due(seen);
    for (const { original } of marks) originals.add(original);
    const lost = lostOf(originals, seen, marks);
    const isRestored = marks.length + lost.length === 0;
    if (isRestored && clock.now() >= unsureUntil) return [...originals];
    if (isRestored || reads > 1) await pause(clock, bounds);
    for (const name of lost) await labels.add(id, name, bounds);
    for (const { label } of marks) await labels.remove(id, label, bounds);
  }
}

/** @throws ActionError `github_api_failed` if there is no time left for it. */
async function pause(clock: Clock, { deadline, signal }: Bounds): Promise<void> {
  if (clock.now() + READ_AGAIN_MS > deadline) throw notChanged();
  await clock.sleep(READ_AGAIN_MS, signal);
}

/** The labels that are not there, and that no other drain holds. */
function lostOf(originals: Iterable<string>, seen: LabelsReading, due: readonly Mark[]): string[] {
  const isDue = ({ label }: Mark) => due.some((mark) => mark.label === label);
  const held = liveMarks(seen).filter((mark) => !isDue(mark));
  const there = new Set([...seen.labels.map(({ name }) => name), ...held.map(({ original }) => original)]);
  return [...originals].filter((name) => !there.has(name));
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
