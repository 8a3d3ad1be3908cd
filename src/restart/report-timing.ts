import type { Instance } from '../controller/instance.ts';
import type { Instant } from '../dates.ts';
import { isOlder, type Observation } from './ordering.ts';

// What answers tell about when reports come:
//
// 1. Each answer carries the HTTP header Date: the controller's time, cut to whole seconds. So the moment when an answer came
//    tells how far the local clock is ahead of the controller's. One second of that is left open.
// 2. The next answer tells it again. What only one of the two allows is ruled out. If the header turned to a new second, or did
//    not, in the middle of what was open, half of it is ruled out.
// 3. A report carries the controller's date of it (`ts`). With the difference between the clocks, that gives the local time when
//    the report came.
//
// Only differences of foreign dates count, so no clock has to be right. The way back from the controller is part of the difference
// between the clocks: what happens at the controller counts from when an answer can tell it here.

/** From one value to another, in milliseconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface ReportTiming {
  /** How long the quickest answer took, there and back. */
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

/** What is known after one more answer. An answer that is older than one before comes from a replica that lags behind. Pure. */
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

/** When the newest report came, within a second; undefined where there are no dates that tell, or they contradict each other. */
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

/** What both allow; if they contradict each other, what lies between them. */
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
