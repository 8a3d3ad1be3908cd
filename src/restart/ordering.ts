import type { Instance } from '../controller/instance.ts';
import { compareInstants, type Instant, millisecondsBetween } from '../dates.ts';

/** One answer of the controller about an instance; moments are milliseconds on the clock's scale. */
export interface Observation {
  readonly askedAt: number;
  /** The process may have been suspended since it asked. */
  readonly answeredAt: number;
  /** Undefined if the controller does not list it. */
  readonly instance: Instance | undefined;
}

/**
 * Whether `a` was made before `b`: by the node's clock (`vminfo.timestamp`) and the controller's (`ts`), as far as
 * both carry them. A node's clock may step back and two controllers' clocks may differ: one that says "later" is
 * believed.
 */
export function isOlder(a: Instance, b: Instance): boolean {
  const signs = orderings(a, b);
  return signs.some((sign) => sign < 0) && !signs.some((sign) => sign > 0);
}

/** Whether either clock says that `a` was made after `b`. */
export function isNewer(a: Instance, b: Instance): boolean {
  return orderings(a, b).some((sign) => sign > 0);
}

function orderings(a: Instance, b: Instance): number[] {
  const pairs = [
    [a.reportedAt, b.reportedAt],
    [a.updatedAt, b.updatedAt],
  ];
  return pairs.flatMap(([left, right]) => (left && right ? [compareInstants(left, right)] : []));
}

/** The dates that an answer carries, for people. */
export function ageOf({ reportedAt, updatedAt }: Instance): string {
  return [reportedAt, updatedAt].flatMap((date) => date?.text ?? []).join(' and ');
}

/**
 * Whether the age of `a` can be told from that of `b`; where `b` has no date either, nothing is lost. A report that lacks its own
 * time, though one before had it, was damaged on its way: how old its boot was then cannot be told.
 */
export function isComparable(a: Instance, b: Instance): boolean {
  if (a.reportedAt === undefined && b.reportedAt !== undefined) return false;
  // Without an ordering, `b` has no date of the node here.
  return orderings(a, b).length > 0 || b.updatedAt === undefined;
}

/** When the clocks of node and controller drift apart by more between two answers, one of them was set. */
const CLOCK_STEP_MS = 10_000;
/** What a clock that was set by less, dates in whole seconds and a controller that updates late can blur, all together. */
const BOOT_TOLERANCE_MS = 2 * CLOCK_STEP_MS;

export interface Elapsed {
  /** From sending the restart to first seeing the report: it was made before that. */
  readonly sinceSentMs: number;
  readonly baseline: Instance;
}

/**
 * Whether the boot is from before the restart was sent, which a baseline from a replica that lags behind may not know of: when
 * the report was made, the VM had run for longer than the restart is on its way. All these dates are the node's, so its
 * clock may be off; but if it was set since the baseline, a later date may be of either. An earlier one is not: set back, the
 * clock would have made the report look as early. That it was set cannot be told where only one of the two carries the controller's date:
 * the baseline may have been old when it was taken.
 */
export function isBootBefore(instance: Instance, { sinceSentMs, baseline }: Elapsed): boolean {
  const { startDate, reportedAt, updatedAt } = instance;
  if (startDate === undefined || reportedAt === undefined || baseline.reportedAt === undefined) return false;
  const byNodeMs = millisecondsBetween(baseline.reportedAt, reportedAt);
  const byControllerMs = passedForController(baseline.updatedAt, updatedAt) ?? sinceSentMs;
  const isTold = (baseline.updatedAt === undefined) === (updatedAt === undefined);
  const wasClockSet = isTold && Math.abs(byNodeMs - byControllerMs) > CLOCK_STEP_MS;
  const isAfterBaseline = compareInstants(startDate, baseline.reportedAt) > 0;
  const hadRunMs = millisecondsBetween(startDate, reportedAt);
  return hadRunMs > sinceSentMs + BOOT_TOLERANCE_MS && !(isAfterBaseline && wasClockSet);
}

/** Undefined for a controller that writes no dates. */
function passedForController(before: Instant | undefined, after: Instant | undefined): number | undefined {
  return before === undefined || after === undefined ? undefined : millisecondsBetween(before, after);
}
