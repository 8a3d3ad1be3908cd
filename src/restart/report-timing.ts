import type { Instance } from '../controller/instance.ts';
import type { Instant } from '../dates.ts';
import { isOlder, type Observation } from './ordering.ts';

// What answers reveal about when reports arrive:
//
// 1. Each answer carries the HTTP header Date: the controller's time, cut to whole seconds. So the arrival time of an answer
//    shows how far the local clock is ahead of the controller's, to within one second.
// 2. The next answer shows it again. What only one of the two allows is ruled out. If it arrives in the middle of the open range,
//    half of the range is ruled out, because the header either turned to a new second or did not.
// 3. A report carries the controller's date of it (`ts`). With the difference between the clocks, that gives the local time when
//    the report arrived.
//
// Only differences between the controller's dates matter, so no clock has to be right. The answer's travel time is part of the
// difference between the clocks: what happens at the controller counts from when an answer can report it here.

/** From one value to another, in milliseconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface ReportTiming {
  /** The round trip of the quickest answer. */
  readonly tripMs: number;
  /** The instance as of the newest report. */
  readonly newest: Instance | undefined;
  /** How far the clock may be ahead of the controller's. */
  readonly aheadMs: Span;
  /** The shortest time between two reports, in whole seconds: that is what heartbeats are set in. */
  readonly gapMs: number;
}

const SECOND_MS = 1_000;
const DEFAULT_HEARTBEAT_MS = 5_000;
const ANY: Span = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

/** What is known before the first answer. */
export const NO_TIMING: ReportTiming = {
  tripMs: Number.POSITIVE_INFINITY,
  newest: undefined,
  aheadMs: ANY,
  gapMs: DEFAULT_HEARTBEAT_MS,
};

/** What is known after one more answer. An answer older than an earlier one comes from a lagging replica. Pure. */
export function learn(before: ReportTiming, { askedAt, answeredAt, instance }: Observation): ReportTiming {
  const { newest, aheadMs } = before;
  const tripMs = Math.min(before.tripMs, answeredAt - askedAt);
  const isOutdated = newest !== undefined && instance !== undefined && isOlder(instance, newest);
  if (instance === undefined || isOutdated) return { ...before, tripMs };
  return {
    tripMs,
    newest: instance,
    aheadMs: narrow(narrow(aheadMs, toldByHeader(instance, answeredAt)), toldByReport(instance, answeredAt)),
    gapMs: shortestGap(before, instance),
  };
}

/** When the newest report came, within a second; undefined if dates are missing, or contradict each other. */
export function arrivalOf({ newest, aheadMs }: ReportTiming): Span | undefined {
  // Rounded down: sums of fractions are not exact.
  const openMs = Math.floor(aheadMs.to - aheadMs.from);
  if (newest?.updatedAt === undefined || openMs > SECOND_MS) return undefined;
  const madeAtMs = millisecondsOf(newest.updatedAt);
  return { from: madeAtMs + aheadMs.from, to: madeAtMs + aheadMs.to };
}

function toldByHeader({ answeredAtMs }: Instance, answeredAt: number): Span {
  if (answeredAtMs === undefined) return ANY;
  return { from: answeredAt - answeredAtMs - SECOND_MS, to: answeredAt - answeredAtMs };
}

/** A report came before the answer that shows it. */
function toldByReport({ updatedAt }: Instance, answeredAt: number): Span {
  return updatedAt === undefined ? ANY : { from: ANY.from, to: answeredAt - millisecondsOf(updatedAt) };
}

/** What both allow; if they contradict each other, the range between them. */
function narrow(a: Span, b: Span): Span {
  const [from, to] = [Math.max(a.from, b.from), Math.min(a.to, b.to)];
  return { from: Math.min(from, to), to: Math.max(from, to) };
}

/** Less than half a second is no heartbeat: the controller may touch a record without a report. */
function shortestGap({ newest, gapMs }: ReportTiming, { updatedAt }: Instance): number {
  if (newest?.updatedAt === undefined || updatedAt === undefined) return gapMs;
  const latestMs = millisecondsOf(updatedAt) - millisecondsOf(newest.updatedAt);
  const wholeMs = Math.round(latestMs / SECOND_MS) * SECOND_MS;
  return wholeMs > 0 ? Math.min(gapMs, wholeMs) : gapMs;
}

/** Since the Unix epoch, to the microsecond. */
function millisecondsOf({ epochNanoseconds }: Instant): number {
  return Number(epochNanoseconds / 1_000n) / 1_000;
}
