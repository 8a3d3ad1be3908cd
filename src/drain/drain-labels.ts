// Reads and writes the marks of drains (pure). A mark is a label of the form `LABEL.drained-RUNID-UNIXTIME`: it replaces LABEL until the drain
// ends, and the drain expires at UNIXTIME by GitHub's clock. `RUNID-UNIXTIME` is the owner.

import { ActionError } from '../errors.ts';
import type { LabelsReading } from '../github/runner-labels.ts';
import { isDescription } from '../http/json.ts';

/** A step drains at most this many runners at once: GitHub's rate limit counts a change of labels like five reads. */
export const MOST_DRAINED = 20;

export const MARK = '.drained-';
/** A user's own label may contain `.drained-`, but is unlikely to have this form. */
const MARKED = /^(.+)\.drained-(\d+)-(\d{10})$/s;
/** GitHub's limit for a label, in characters. */
const LONGEST_LABEL = 256;

/** A URL that ends in one of these names is the URL of something else, so no request can remove such a label. See github-fetch.ts. */
const UNREMOVABLE = ['', '.', '..'];

export interface Drain {
  /** The runner's ID. */
  readonly id: number;
  /** The runner's name. */
  readonly name: string;
  readonly owner: string;
  /** The names of the labels that it replaces. */
  readonly names: readonly string[];
}

export interface Mark {
  /** The whole label. */
  readonly label: string;
  /** The label that it replaces. */
  readonly original: string;
  readonly owner: string;
  readonly runId: string;
  /** By GitHub's clock, in milliseconds since 1970. */
  readonly expiresAt: number;
}

type Labels = Pick<LabelsReading, 'labels'>;

/**
 * @param expiresAt by GitHub's clock, in milliseconds since 1970.
 * @throws ActionError `github_api_failed` if no step could recognize the marks of this owner.
 */
export function ownerOf(runId: string, expiresAt: number): string {
  const owner = `${runId}-${Math.ceil(expiresAt / 1_000)}`;
  if (markFrom(markOf('label', owner))?.owner === owner) return owner;
  const message = `The labels of a drain would end in "${MARK}${owner}", and no later step could recognize them. No label was changed.`;
  const hint =
    'Check GITHUB_RUN_ID, which must be a number, and the clock of the server that GITHUB_API_URL names.';
  throw new ActionError('github_api_failed', message, { hint });
}

export function markOf(original: string, owner: string): string {
  return `${original}${MARK}${owner}`;
}

function markFrom(label: string): Mark | undefined {
  const [, original = '', runId = '', end = ''] = MARKED.exec(label) ?? [];
  if (original === '') return undefined;
  return { label, original, owner: `${runId}-${end}`, runId, expiresAt: Number(end) * 1_000 };
}

/** The label that a mark replaces; any other label is returned as it is. */
export function originalOf(label: string): string {
  return markFrom(label)?.original ?? label;
}

export function isMark(label: string): boolean {
  return markFrom(label) !== undefined;
}

/** Whether the label's mark is short enough for GitHub, and a request can remove the label. */
export function isReplaceable(name: string, owner: string): boolean {
  // A description stands for a label that was too long to keep.
  const isShort = !isDescription(name) && markOf(name, owner).length <= LONGEST_LABEL;
  return isShort && !UNREMOVABLE.includes(name);
}

// ---- the labels that a runner has ----

/** Which of these names the runner has as labels. */
export function shownOf(names: Iterable<string>, { labels }: Labels): string[] {
  const shown = new Set(labels.map(({ name }) => keyOf(name)));
  return [...names].filter((name) => shown.has(keyOf(name)));
}

/** GitHub ignores case in labels. */
export function keyOf(label: string): string {
  return label.toLowerCase();
}

function marksIn({ labels }: Labels): Mark[] {
  return labels.flatMap(({ name }) => markFrom(name) ?? []);
}

export function marksOf(owner: string, seen: Labels): Mark[] {
  return marksIn(seen).filter((mark) => mark.owner === owner);
}

/** The marks of drains that are still running. */
export function liveMarks(seen: LabelsReading): Mark[] {
  return marksIn(seen).filter(({ expiresAt }) => expiresAt > seen.date);
}

/** The marks of expired drains; none while any drain of the runner is still running. */
export function expiredMarks(seen: LabelsReading): Mark[] {
  return liveMarks(seen).length === 0 ? marksIn(seen) : [];
}

/** Whether the runner has only marks of other drains: it lost this drain's marks when it registered again, and then another step drained it. */
export function isTakenOver({ owner }: Drain, seen: Labels): boolean {
  return marksIn(seen).length > 0 && marksOf(owner, seen).length === 0;
}

/**
 * This drain's marks that may be on the runner although the read does not show them. A read that lags behind still shows the label that such a
 * mark has replaced, or an earlier drain's mark of it.
 */
export function doubtfulMarks({ owner, names }: Drain, seen: LabelsReading): Mark[] {
  const others = marksIn(seen).filter((mark) => mark.owner !== owner);
  const before = [...seen.labels, ...others.map(({ original: name }) => ({ name, type: 'custom' }) as const)];
  return shownOf(names, { labels: before }).flatMap((name) => markFrom(markOf(name, owner)) ?? []);
}
