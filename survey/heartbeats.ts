import type { Instant } from '../src/dates.ts';
import { groupSightings, median, type Sighting } from './sightings.ts';

/** How the reports of one node's agent come; times in milliseconds. */
export interface Heartbeat {
  /** Different reports that were seen. */
  readonly reports: number;
  /** The usual time from one to the next; undefined where no two were seen. */
  readonly periodMs: number | undefined;
  readonly shortestMs: number | undefined;
  readonly longestMs: number | undefined;
  /** How far off each may be: a share of the period; undefined where too few were seen. */
  readonly jitter: number | undefined;
  /** Reports that should have come, and were not seen. */
  readonly missed: number;
  /** Reports out of turn. */
  readonly extra: number;
  /** Whose dates tell: the agent's, or where those are missing the controller's. */
  readonly by: 'timestamp' | 'ts';
}

/** A gap is a missed report's if it is so many times as long as usual, and of a report out of turn if so many times. */
const MISSED = 1.75;
const EXTRA = 0.4;
/** To tell the jitter takes so many gaps. */
const FEWEST_GAPS = 4;
const MANY_GAPS = 8;

/** Of each node, by its ID. All VMs of a node are in the same reports: the one that was seen most often tells. */
export function heartbeatsOf(sightings: readonly Sighting[]): Map<string, Heartbeat> {
  const nodes = groupSightings(sightings, ({ nodeId }) => nodeId);
  return new Map([...nodes].map(([nodeId, group]) => [nodeId, heartbeatOf(group)]));
}

function heartbeatOf(sightings: readonly Sighting[]): Heartbeat {
  const hasTimestamps = sightings.some(({ instance }) => instance.reportedAt !== undefined);
  const by = hasTimestamps ? 'timestamp' : 'ts';
  const instances = groupSightings(sightings, ({ instanceId }) => instanceId);
  const dates = [...instances.values()].map((group) =>
    datesOf(group.map(({ instance }) => (hasTimestamps ? instance.reportedAt : instance.updatedAt))),
  );
  const longest = dates.reduce((most, one) => (one.length > most.length ? one : most), []);
  return { ...describeGaps(gapsBetween(longest)), reports: longest.length, by };
}

/** In order, each once, in milliseconds: answers that step back bring nothing new. */
function datesOf(instants: readonly (Instant | undefined)[]): number[] {
  const all = instants.flatMap((instant) =>
    instant === undefined ? [] : [Number(instant.epochNanoseconds / 1_000n) / 1_000],
  );
  return [...new Set(all)].sort((a, b) => a - b);
}

function gapsBetween(dates: readonly number[]): number[] {
  return dates.slice(1).map((date, index) => date - (dates[index] ?? date));
}

function describeGaps(gaps: readonly number[]): Omit<Heartbeat, 'reports' | 'by'> {
  const usual = median(gaps);
  if (usual === undefined)
    return {
      periodMs: undefined,
      shortestMs: undefined,
      longestMs: undefined,
      jitter: undefined,
      missed: 0,
      extra: 0,
    };
  const regular = gaps.filter((gap) => gap >= EXTRA * usual && gap <= MISSED * usual);
  const missed = gaps.filter((gap) => gap > MISSED * usual);
  const periodMs = regular.reduce((sum, gap) => sum + gap, 0) / regular.length;
  return {
    periodMs,
    shortestMs: Math.min(...gaps),
    longestMs: Math.max(...gaps),
    jitter: jitterOf(regular, periodMs),
    missed: missed.reduce((sum, gap) => sum + Math.round(gap / usual) - 1, 0),
    extra: gaps.filter((gap) => gap < EXTRA * usual).length,
  };
}

/**
 * Of evenly spread numbers, the few that were seen do not reach as far as all: that is made up for. Of many, the shortest and the longest
 * are left out: one report that came otherwise than the others must not tell for all.
 */
function jitterOf(gaps: readonly number[], periodMs: number): number | undefined {
  if (gaps.length < FEWEST_GAPS) return undefined;
  const leftOut = gaps.length < MANY_GAPS ? 0 : 1;
  const sorted = [...gaps].sort((a, b) => a - b).slice(leftOut, gaps.length - leftOut);
  const halfRange = ((sorted.at(-1) ?? 0) - (sorted[0] ?? 0)) / 2;
  return (halfRange / periodMs) * ((gaps.length + 1) / (sorted.length - 1));
}
