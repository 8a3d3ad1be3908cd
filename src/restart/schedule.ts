// When to poll the VM. With `auto`, polls are about a second apart, and are timed to come right after a report:
//
// 1. Heartbeats are whole seconds apart, so all reports arrive in the same part of the second. A poll right after that part shows a new report
//    at once.
// 2. Which part that is has to be learned from the answers. At any time, it is known only to lie within some range of times, the open range. A
//    poll whose answer arrives in the middle of the open range rules out one half of it (see the end of this file).
// 3. If a report is due before such a poll, the poll comes at the end of the open range instead, where it shows the report.
// 4. Without dates to learn from, polls are simply a second apart. After minutes without a report, they become less frequent.
//
// The timing of polls does not affect the verdict, which applies the same rules to all answers.

import type { Instance } from '../controller/instance.ts';
import type { Instant } from '../dates.ts';
import { isOlder, type Observation } from './ordering.ts';

/** `auto`, or a fixed time between two polls in milliseconds, or a function that draws such a time for each. */
export type PollInterval = 'auto' | number | (() => number);

/** Moments are milliseconds on the clock's scale. */
export interface Progress {
  readonly sentAt: number;
  /** When the last poll began; at first, when the restart was sent. */
  readonly lastPollAt: number;
  readonly timing: ReportTiming;
}

/** When to poll next, on the clock's scale. Pure. poll.ts applies the deadline. */
export function nextPollAt(pollInterval: PollInterval, progress: Progress): number {
  return pollInterval === 'auto' ? nextInStep(progress) : progress.lastPollAt + pauseOf(pollInterval);
}

function pauseOf(pollInterval: number | (() => number)): number {
  return typeof pollInterval === 'number' ? pollInterval : pollInterval();
}

const SECOND_MS = 1_000;
const SHORTEST_PAUSE_MS = 300;
/** A poll is planned this much later, because it may reach the controller sooner than usual: in milliseconds. */
const ARRIVAL_MARGIN_MS = 10;
/** If the open range is no longer than this, in milliseconds, narrowing it would gain nothing. */
const WELL_KNOWN_MS = 50;

/** Inside this function, moments are arrival times of answers. A poll begins one round trip earlier. */
function nextInStep({ sentAt, lastPollAt, timing }: Progress): number {
  const { tripMs, aheadMs, gapMs } = timing;
  const arrival = arrivalOf(timing);
  const silentMs = lastPollAt - Math.max(sentAt, arrival?.to ?? sentAt);
  if (arrival === undefined) return lastPollAt + SECOND_MS + calmMs(silentMs);

  const earliest = lastPollAt + SHORTEST_PAUSE_MS + calmMs(silentMs) + tripMs;
  const isKnown = arrival.to - arrival.from <= WELL_KNOWN_MS;
  const due = { at: arrival.to + ARRIVAL_MARGIN_MS, everyMs: isKnown ? SECOND_MS : gapMs };
  const dueAt = firstFrom(earliest, due);
  const middleAt = firstFrom(earliest, { at: (aheadMs.from + aheadMs.to) / 2, everyMs: SECOND_MS });
  const isForLearning = !isKnown && middleAt + SHORTEST_PAUSE_MS <= dueAt;
  return (isForLearning ? middleAt : dueAt) - tripMs;
}

/** Something that happens at regular intervals; `at` is one of its moments. */
interface Recurring {
  readonly at: number;
  readonly everyMs: number;
}

function firstFrom(earliest: number, { at, everyMs }: Recurring): number {
  return at + Math.ceil((earliest - at) / everyMs) * everyMs;
}

const MINUTE_MS = 60_000;
const MOST_CALM_MS = 4_000;

/** How much longer pauses are after a silence: by a second after two minutes, by two after three, and so on. */
function calmMs(silentMs: number): number {
  return Math.min(MOST_CALM_MS, Math.max(0, Math.floor(silentMs / MINUTE_MS) - 1) * SECOND_MS);
}

// ---- what answers say about when reports arrive ----
//
// 1. Each answer carries the HTTP header Date: the controller's time, truncated to whole seconds. So the arrival time of an answer shows how
//    far the local clock is ahead of the controller's, to within one second.
// 2. The next answer shows it again, and the intersection of both ranges remains. If it arrives in the middle of the open range, half of the
//    range is ruled out, because the header either turned to a new second or did not. Example: the local clock is known to be 300 to 700 ms
//    ahead. The next answer is timed to arrive at 12:00:10.500 local time. If its header says 12:00:10, the local clock is at most 500 ms ahead;
//    if it says 12:00:09, at least 500 ms.
// 3. A report carries the controller's date (`ts`). With the difference between the clocks, that gives the local time when the report
//    arrived.
//
// Only differences between the controller's dates matter, so no clock has to be right. The answer's travel time is part of the difference
// between the clocks: an event at the controller counts from when an answer can report it here.

/** From one value to another, in milliseconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface ReportTiming {
  /** The round trip of the fastest answer. */
  readonly tripMs: number;
  /** The instance as of the newest report. */
  readonly newest: Instance | undefined;
  /** How far the local clock may be ahead of the controller's. */
  readonly aheadMs: Span;
  /** The shortest time between two reports, in whole seconds, because heartbeats are set in whole seconds. */
  readonly gapMs: number;
}

const DEFAULT_HEARTBEAT_MS = 5_000;
const ANY: Span = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

/** The state before the first answer. */
export const NO_TIMING: ReportTiming = {
  tripMs: Number.POSITIVE_INFINITY,
  newest: undefined,
  aheadMs: ANY,
  gapMs: DEFAULT_HEARTBEAT_MS,
};

/** The state after one more answer. An answer older than an earlier one comes from a lagging replica. Pure. */
export function learn(before: ReportTiming, { askedAt, answeredAt, instance }: Observation): ReportTiming {
  const { newest, aheadMs } = before;
  const tripMs = Math.min(before.tripMs, answeredAt - askedAt);
  const isOutdated = newest !== undefined && instance !== undefined && isOlder(instance, newest);
  if (instance === undefined || isOutdated) return { ...before, tripMs };
  return {
    tripMs,
    newest: instance,
    aheadMs: narrow(
      narrow(aheadMs, aheadByHeader(instance, answeredAt)),
      aheadByReport(instance, answeredAt),
    ),
    gapMs: shortestGap(before, instance),
  };
}

/** When the newest report arrived, within a second; undefined if dates are missing, or contradict each other. */
export function arrivalOf({ newest, aheadMs }: ReportTiming): Span | undefined {
  // Rounded down: sums of fractions are not exact.
  const openMs = Math.floor(aheadMs.to - aheadMs.from);
  if (newest?.updatedAt === undefined || openMs > SECOND_MS) return undefined;
  const madeAtMs = millisecondsOf(newest.updatedAt);
  return { from: madeAtMs + aheadMs.from, to: madeAtMs + aheadMs.to };
}

function aheadByHeader({ answeredAtMs }: Instance, answeredAt: number): Span {
  if (answeredAtMs === undefined) return ANY;
  return { from: answeredAt - answeredAtMs - SECOND_MS, to: answeredAt - answeredAtMs };
}

/** A report arrived before the answer that shows it. */
function aheadByReport({ updatedAt }: Instance, answeredAt: number): Span {
  return updatedAt === undefined ? ANY : { from: ANY.from, to: answeredAt - millisecondsOf(updatedAt) };
}

/** The intersection; if the ranges do not overlap, the range between them. */
function narrow(a: Span, b: Span): Span {
  const [from, to] = [Math.max(a.from, b.from), Math.min(a.to, b.to)];
  return { from: Math.min(from, to), to: Math.max(from, to) };
}

/** A time below half a second is not a heartbeat: the controller may change a record without a report. */
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
