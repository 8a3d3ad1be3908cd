import type { Instance } from '../src/controller/instance.ts';
import { millisecondsBetween } from '../src/dates.ts';
import type { Exchange } from './notebook.ts';
import { groupSightings, type Sighting } from './sightings.ts';

/** By how much a clock is ahead of another (negative: behind), and how far off that may be: in milliseconds. */
export interface ClockOffset {
  readonly aheadMs: number;
  readonly giveOrTakeMs: number;
}

const SECOND_MS = 1_000;

/**
 * How far the controller's clock is ahead of this machine's. The header Date is cut to whole seconds, and an answer is made between the
 * question and its arrival: each answer allows for a span, and what all of them allow for is what is left.
 * @returns undefined where there is no such header, or the answers contradict each other by more than that (several clocks).
 */
export function controllerOffset(
  exchanges: readonly Exchange[],
  epochAtZeroMs: number,
): ClockOffset | undefined {
  const spans = exchanges.flatMap(({ answer, askedAt, answeredAt }) => {
    if (answer?.dateMs === undefined) return [];
    const [asked, answered] = [askedAt + epochAtZeroMs, answeredAt + epochAtZeroMs];
    return [{ from: answer.dateMs - answered, to: answer.dateMs + SECOND_MS - asked }];
  });
  if (spans.length === 0) return undefined;
  const from = spans.reduce((most, span) => Math.max(most, span.from), Number.NEGATIVE_INFINITY);
  const to = spans.reduce((least, span) => Math.min(least, span.to), Number.POSITIVE_INFINITY);
  if (from > to + SECOND_MS) return undefined;
  return { aheadMs: (from + to) / 2, giveOrTakeMs: Math.abs(to - from) / 2 };
}

/**
 * How far each node's clock is ahead of the controller's, by the node's ID. A report carries the node's time of it, and the controller's
 * of when it came in: the quickest one tells. What even that one took cannot be told: by so much the clock may be further ahead.
 */
export function nodeOffsets(sightings: readonly Sighting[]): Map<string, ClockOffset> {
  const offsets = new Map<string, ClockOffset>();
  for (const [nodeId, group] of groupSightings(sightings, ({ nodeId: id }) => id)) {
    const leads = group.flatMap(({ instance }) => leadOf(instance));
    if (leads.length === 0) continue;
    const [aheadMs, least] = [Math.max(...leads), Math.min(...leads)];
    offsets.set(nodeId, { aheadMs, giveOrTakeMs: aheadMs - least });
  }
  return offsets;
}

function leadOf({ reportedAt, updatedAt }: Instance): number[] {
  return reportedAt === undefined || updatedAt === undefined
    ? []
    : [millisecondsBetween(updatedAt, reportedAt)];
}
