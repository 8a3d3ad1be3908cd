import type { Instance } from '../controller/instance.ts';
import { type Instant, millisecondsBetween, shifted } from '../dates.ts';

// What two answers reveal about other machines' clocks that were set between them. Four clocks are involved: the node's (`vminfo.timestamp`), the
// controller's (`ts`), that of the server that answered (HTTP Date), and the local one, which is monotonic. How much time passed on
// each of them shows which one was set.

/** If two clocks disagree by more than this about how much time passed, one of them was set: in milliseconds. */
export const CLOCK_STEP_MS = 10_000;

/**
 * How far the node's clock was set back since the baseline (negative: set forward), compared with the controller's.
 * @param sinceSentMs used instead if a controller writes no dates.
 * @returns undefined if that is unknown: without one of the controller's dates, the baseline may have been old when it was taken.
 */
export function nodeSetBackMs(report: Instance, baseline: Instance, sinceSentMs: number): number | undefined {
  const forNodeMs = passed(baseline.reportedAt, report.reportedAt);
  if (forNodeMs === undefined) return undefined;
  if ((baseline.updatedAt === undefined) !== (report.updatedAt === undefined)) return undefined;
  const forControllerMs = passed(baseline.updatedAt, report.updatedAt) ?? sinceSentMs;
  return forControllerMs - forNodeMs;
}

/** An answer, and when it came, in milliseconds on the local clock. */
export interface Answered {
  readonly answeredAt: number;
  readonly instance: Instance;
}

/**
 * How far all the other clocks were set back together, as happens if controller and node are one machine. HTTP Date and both dates of
 * the record must agree: a replica whose clock is behind shows the new report with the dates of the others.
 * @returns undefined if they were not.
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
