import type { Instance } from '../src/controller/instance.ts';
import { compareInstants, millisecondsBetween } from '../src/dates.ts';
import { isOlder } from '../src/restart/ordering.ts';

/** How often to look, by what was seen so far. */
export interface Pace {
  /** The newest answer about the instance that is followed. */
  readonly newest: Instance | undefined;
  /** Whether the last look brought a report that is newer than all before. */
  readonly hasNews: boolean;
  /** Whether any answer was older than one before it. */
  readonly hasSteppedBack: boolean;
  /** The shortest time between two reports: in milliseconds. */
  readonly shortestGapMs: number;
}

export const START_PACE: Pace = {
  newest: undefined,
  hasNews: false,
  hasSteppedBack: false,
  shortestGapMs: Number.POSITIVE_INFINITY,
};

const PAUSE_MS = 500;
/** Where replicas lag behind, it is to be seen by how much; and reports that come fast are to be seen, too. */
const SHORTEST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
/** A controller that takes long to answer is not to be kept busy: a pause is so many times as long. */
const PAUSE_FACTOR = 3;
/** Less than this is no heartbeat: the record was touched otherwise. */
const SHORTEST_GAP_MS = 100;

/** What is known after one more look. Pure. */
export function learnPace(before: Pace, instance: Instance | undefined): Pace {
  const { newest, hasSteppedBack, shortestGapMs } = before;
  if (instance === undefined) return { ...before, hasNews: false };
  if (newest !== undefined && isOlder(instance, newest))
    return { ...before, hasNews: false, hasSteppedBack: true };
  const gapMs = gapBetween(newest, instance);
  const isGap = gapMs !== undefined && gapMs >= SHORTEST_GAP_MS;
  return {
    newest: instance,
    hasNews: gapMs !== undefined && gapMs > 0,
    hasSteppedBack,
    shortestGapMs: isGap ? Math.min(shortestGapMs, gapMs) : shortestGapMs,
  };
}

function gapBetween(before: Instance | undefined, after: Instance): number | undefined {
  const [from, to] = [before?.reportedAt ?? before?.updatedAt, after.reportedAt ?? after.updatedAt];
  if (from === undefined || to === undefined || compareInstants(from, to) > 0) return undefined;
  return millisecondsBetween(from, to);
}

/** How long to wait until the next look, after one that took so long: in milliseconds. */
export function pauseAfter({ hasSteppedBack, shortestGapMs }: Pace, tookMs: number): number {
  const wantedMs = hasSteppedBack ? SHORTEST_PAUSE_MS : Math.min(PAUSE_MS, shortestGapMs / 4);
  return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, wantedMs, PAUSE_FACTOR * tookMs));
}
