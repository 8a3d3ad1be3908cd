// What the labels of drains say (pure). A drain replaces each custom label with a mark: LABEL.drained-RUNID-END.

import { ActionError } from '../errors.ts';
import type { LabelsReading } from '../github/runner-labels.ts';
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

/** A drain of a runner. */
export interface Drain {
  /** The runner's ID. */
  readonly id: number;
  readonly name: string;
  /** `RUNID-UNIXTIME`, as in the marks. */
  readonly owner: string;
  /** The labels that it replaces. */
  readonly names: readonly string[];
}

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

type Labels = Pick<LabelsReading, 'labels'>;

/**
 * @param expiresAt by GitHub's clock, in milliseconds since 1970.
 * @throws ActionError `github_api_failed` if no step could recognize a label of this owner.
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

/** The label that the label of a drain has replaced; any other label itself. */
export function originalOf(label: string): string {
  return markFrom(label)?.original ?? label;
}

export function isMark(label: string): boolean {
  return markFrom(label) !== undefined;
}

/** Whether the label with the mark is short enough for GitHub, and a URL can name the label itself. */
export function isReplaceable(name: string, owner: string): boolean {
  const isShort = !isDescription(name) && markOf(name, owner).length <= LONGEST_LABEL;
  return isShort && !UNREMOVABLE.includes(name);
}

// ---- the labels that a runner has ----

/** The names among these that the runner has as labels. */
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

/** The labels of expired drains; none while any drain of the runner is still running. */
export function expiredMarks(seen: LabelsReading): Mark[] {
  return liveMarks(seen).length === 0 ? marksIn(seen) : [];
}

/** Whether only other drains hold the runner: it lost this one's labels when it registered again, and another step has drained it since. */
export function isTakenOver({ owner }: Drain, seen: Labels): boolean {
  return marksIn(seen).length > 0 && marksOf(owner, seen).length === 0;
}

/**
 * GitHub's reads may lag behind its writes. So a read can still show a label that this drain has already removed, or the mark of an earlier
 * drain of that label, and not yet show this drain's own mark. Returns this drain's marks for those labels.
 */
export function doubtfulMarks({ owner, names }: Drain, seen: LabelsReading): Mark[] {
  const others = marksIn(seen).filter((mark) => mark.owner !== owner);
  const before = [...seen.labels, ...others.map(({ original: name }) => ({ name, type: 'custom' }) as const)];
  return shownOf(names, { labels: before }).flatMap((name) => markFrom(markOf(name, owner)) ?? []);
}
