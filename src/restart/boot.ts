// Which boot a report shows. Only a boot after the restart was sent can prove it, and the baseline may come from a lagging replica,
// so it may miss an earlier boot. The first matching row applies:
//
// | start_date | boot |
// | --- | --- |
// | none | none |
// | within SAME_BOOT_MS of one seen before the restart was sent | known |
// | later than its own report, by more than the node's clock was set back | contradictory |
// | earlier than the baseline's start_date and the baseline's report, though the node's clock was not set back | before |
// | up longer by the report than since the restart was sent, plus TOLERANCE_MS | before; new if the node's clock was set (see below) |
// | any other | new |
//
// Four dates come from the node: start_date and the date of the report (`reportedAt`), of this answer and of the baseline. The node's clock
// may be wrong, but only differences matter. The time since the restart was sent is by the local clock, and `nodeSetBackMs` compares the
// node's clock with the controller's: positive if it was set back, negative if forward; unknown counts as not set.
//
// If the node's clock was set forward, a boot after the restart seems long past. It counts as new if start_date is later than the baseline's
// report, the node's clock was set since then, and start_date did not move by the same amount. If it did, an agent may have recomputed the
// date of the old boot.

import type { Instance } from '../controller/instance.ts';
import { compareInstants, type Instant, millisecondsBetween } from '../dates.ts';
import { CLOCK_STEP_MS, nodeSetBackMs } from './ordering.ts';

/** The instance right before the restart was sent. The proof must differ from it. */
export interface Baseline {
  readonly instance: Instance;
  /** When the answer that showed it arrived, in milliseconds on the clock's scale. */
  readonly answeredAt: number;
  readonly startDate: Instant;
  /** Every boot seen before the restart was sent: none of them can be a boot after it. */
  readonly knownStartDates: readonly Instant[];
}

export type Boot = 'none' | 'known' | 'contradictory' | 'before' | 'new';

/** An agent may recompute the date of one boot repeatedly, in whole seconds. No VM stops and boots within this time. */
const SAME_BOOT_MS = 1_000;
/** How much later than the report a date in whole seconds can look. */
const ROUNDING_MS = 2_000;
/** The total error from a controller that updates late, dates in whole seconds, and a smaller clock change. */
const TOLERANCE_MS = 20_000;

/** @param sinceSentMs the time from sending the restart until the report was first seen. */
export function bootOf(instance: Instance, baseline: Baseline, sinceSentMs: number): Boot {
  const { startDate, reportedAt } = instance;
  if (startDate === undefined) return 'none';
  if (baseline.knownStartDates.some((known) => isAbout(startDate, known))) return 'known';
  const setBackMs = nodeSetBackMs(instance, baseline.instance, sinceSentMs) ?? 0;
  const uptimeMs = reportedAt && millisecondsBetween(startDate, reportedAt);
  if (uptimeMs !== undefined && uptimeMs < -ROUNDING_MS - Math.max(0, setBackMs)) return 'contradictory';
  if (isEarlier(startDate, baseline) && setBackMs <= CLOCK_STEP_MS) return 'before';
  if (uptimeMs === undefined) return 'new';
  const before = baseline.instance.reportedAt;
  const isAfterBaseline = before !== undefined && compareInstants(startDate, before) > 0;
  const wasClockSet = Math.abs(setBackMs) > CLOCK_STEP_MS;
  const isRecomputed =
    Math.abs(millisecondsBetween(baseline.startDate, startDate) + setBackMs) <= TOLERANCE_MS;
  const onlySeemsOld = isAfterBaseline && wasClockSet && !isRecomputed;
  return uptimeMs > sinceSentMs + TOLERANCE_MS && !onlySeemsOld ? 'before' : 'new';
}

/** If the clock was set back after that boot, the baseline's date is later than its own report: then only the report counts. */
function isEarlier(
  startDate: Instant,
  { startDate: known, instance: { reportedAt = known } }: Baseline,
): boolean {
  return compareInstants(startDate, known) < 0 && compareInstants(startDate, reportedAt) < 0;
}

function isAbout(date: Instant, known: Instant): boolean {
  return Math.abs(millisecondsBetween(date, known)) <= SAME_BOOT_MS;
}
