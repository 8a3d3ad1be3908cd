// Which of two answers is the newer one. The controller runs in replicas, so an older answer can follow a newer one. An answer carries
// two dates: the node's, of its report (`vminfo.timestamp`), and the controller's, of its record (`ts`). A node's clock may step back,
// and the clocks of two controllers may differ, so any date that says "later" is believed:
//
// | one of the two dates | the other | answer is |
// | --- | --- | --- |
// | earlier | earlier, the same, or missing | older |
// | later | any | newer |
// | the same, or missing | the same, or missing | neither |

import type { Instance } from '../controller/instance.ts';
import { compareInstants, type Instant, millisecondsBetween, shifted } from '../dates.ts';

/** One answer of the controller about an instance; moments are milliseconds on the clock's scale. */
export interface Observation {
  readonly askedAt: number;
  /** The process may have been suspended since it asked. */
  readonly answeredAt: number;
  /** Undefined if the controller does not list it. */
  readonly instance: Instance | undefined;
}

/** Whether `a` was made before `b`. */
export function isOlder(a: Instance, b: Instance): boolean {
  const signs = comparisons(a, b);
  return signs.some((sign) => sign < 0) && !signs.some((sign) => sign > 0);
}

/** Whether `a` was made after `b`. */
export function isNewer(a: Instance, b: Instance): boolean {
  return comparisons(a, b).some((sign) => sign > 0);
}

/** Compares the dates that both carry: negative if that of `a` is earlier. */
function comparisons(a: Instance, b: Instance): number[] {
  const pairs = [
    [a.reportedAt, b.reportedAt],
    [a.updatedAt, b.updatedAt],
  ];
  return pairs.flatMap(([left, right]) => (left && right ? [compareInstants(left, right)] : []));
}

/** The dates that an answer carries, for messages. */
export function datesOf({ reportedAt, updatedAt }: Instance): string {
  return [reportedAt, updatedAt].flatMap((date) => date?.text ?? []).join(' and ');
}

/**
 * Whether `a` carries a date that can be compared with `b`; also true if `b` has no date. A report that lacks its own time, though an
 * earlier one had it, was damaged in transit: how long its VM had run is unknown.
 */
export function isDated(a: Instance, b: Instance): boolean {
  if (a.reportedAt === undefined && b.reportedAt !== undefined) return false;
  return comparisons(a, b).length > 0 || b.updatedAt === undefined;
}

// ---- which clock was set between two answers ----
//
// Four clocks are involved: the node's (`vminfo.timestamp`), the controller's (`ts`), that of the server that answered (HTTP Date), and
// the local one, which is monotonic. How much time passed on each of them shows which one was set.

/** If two clocks disagree by more than this about how much time passed, one of them was set: in milliseconds. */
export const CLOCK_STEP_MS = 10_000;

/**
 * How far the node's clock was set back since the baseline (negative: set forward), compared with the controller's.
 * @param sinceSentMs used instead if the controller writes no dates.
 * @returns undefined if that is unknown: without one of the controller's dates, the baseline may have been old when it was taken.
 */
export function nodeSetBackMs(report: Instance, baseline: Instance, sinceSentMs: number): number | undefined {
  const forNodeMs = passed(baseline.reportedAt, report.reportedAt);
  if (forNodeMs === undefined) return undefined;
  if ((baseline.updatedAt === undefined) !== (report.updatedAt === undefined)) return undefined;
  const forControllerMs = passed(baseline.updatedAt, report.updatedAt) ?? sinceSentMs;
  return forControllerMs - forNodeMs;
}

/** An answer and its arrival time, in milliseconds on the local clock. */
export interface Answered {
  readonly answeredAt: number;
  readonly instance: Instance;
}

/**
 * How far all the other clocks were set back together, as happens if controller and node are one machine. HTTP Date and both dates of
 * the record must have been set back by the same time. If only HTTP Date was, the answer may come from a replica whose clock is behind.
 * @returns undefined if they were not set back.
 */
export function allSetBackMs(before: Answered, after: Answered): number | undefined {
  const passedMs = after.answeredAt - before.answeredAt;
  const [dateBefore, dateAfter] = [before.instance.answeredAtMs, after.instance.answeredAtMs];
  const forNodeMs = passed(before.instance.reportedAt, after.instance.reportedAt);
  const forControllerMs = passed(before.instance.updatedAt, after.instance.updatedAt);
  if (dateBefore === undefined || dateAfter === undefined) return undefined;
  if (forNodeMs === undefined || forControllerMs === undefined) return undefined;
  const setBackMs = passedMs - (dateAfter - dateBefore);
  const isConfirmed = [forNodeMs, forControllerMs].every(
    (forClockMs) => Math.abs(passedMs - forClockMs - setBackMs) <= CLOCK_STEP_MS,
  );
  return setBackMs > CLOCK_STEP_MS && isConfirmed ? setBackMs : undefined;
}

/** The same report, with the dates that it would have had if the clocks had been set back before. */
export function setBackBy(ms: number, instance: Instance): Instance {
  const { reportedAt, updatedAt } = instance;
  return {
    ...instance,
    reportedAt: reportedAt && shifted(reportedAt, -ms),
    updatedAt: updatedAt && shifted(updatedAt, -ms),
  };
}

function passed(before: Instant | undefined, after: Instant | undefined): number | undefined {
  return before === undefined || after === undefined ? undefined : millisecondsBetween(before, after);
}
