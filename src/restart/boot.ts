import type { Instance } from '../controller/instance.ts';
import { compareInstants, type Instant, millisecondsBetween } from '../dates.ts';

// Which boot a report shows. Only one that came after the restart was sent can prove it, and the baseline may come from a replica that
// lags behind, so it may not know of every boot before. The first row that fits counts:
//
// | start_date | boot |
// | --- | --- |
// | none | none |
// | one that was seen before the restart was sent | known |
// | when the report was made, the VM had run for longer than the restart was on its way, and BLUR_MS | before |
// | the same, but it is later than the baseline's report, and the node's clock was set since | new |
// | any other | new |
//
// All these dates are the node's, so its clock may be wrong, but only differences count. If the clock was set forward, a boot after the
// restart looks long ago; but its date is then still later than the baseline's report. That a clock was set shows in how much time
// passed for node and controller.

/** The instance right before the restart was sent: what the proof is compared with. */
export interface Baseline {
  readonly instance: Instance;
  readonly startDate: Instant;
  /** Every boot that was seen before the restart was sent: none of them can be a boot after it. */
  readonly knownStartDates: readonly Instant[];
}

export type Boot = 'none' | 'known' | 'before' | 'new';

/** @param sinceSentMs from sending the restart to first seeing the report: it was made before that. */
export function bootOf(instance: Instance, baseline: Baseline, sinceSentMs: number): Boot {
  const { startDate } = instance;
  if (startDate === undefined) return 'none';
  if (baseline.knownStartDates.some((known) => compareInstants(startDate, known) === 0)) return 'known';
  return isBootBefore({ ...instance, startDate }, baseline.instance, sinceSentMs) ? 'before' : 'new';
}

/** What a controller that updates late, dates in whole seconds and a clock that was set by less can blur, all together. */
const BLUR_MS = 20_000;
/** If more time than this passed for the node than for the controller, or less, one of their clocks was set. */
const CLOCK_STEP_MS = 10_000;

type Booted = Instance & { readonly startDate: Instant };

function isBootBefore(report: Booted, baseline: Instance, sinceSentMs: number): boolean {
  const { startDate, reportedAt } = report;
  if (reportedAt === undefined || baseline.reportedAt === undefined) return false;
  const hadRunMs = millisecondsBetween(startDate, reportedAt);
  const isAfterBaseline = compareInstants(startDate, baseline.reportedAt) > 0;
  return hadRunMs > sinceSentMs + BLUR_MS && !(isAfterBaseline && wasClockSet(report, baseline, sinceSentMs));
}

/** Without both dates of the controller it cannot be told: the baseline may have been old when it was taken. */
function wasClockSet(report: Instance, baseline: Instance, sinceSentMs: number): boolean {
  if ((baseline.updatedAt === undefined) !== (report.updatedAt === undefined)) return false;
  const forNodeMs = passed(baseline.reportedAt, report.reportedAt) ?? 0;
  const forControllerMs = passed(baseline.updatedAt, report.updatedAt) ?? sinceSentMs;
  return Math.abs(forNodeMs - forControllerMs) > CLOCK_STEP_MS;
}

function passed(before: Instant | undefined, after: Instant | undefined): number | undefined {
  return before === undefined || after === undefined ? undefined : millisecondsBetween(before, after);
}
