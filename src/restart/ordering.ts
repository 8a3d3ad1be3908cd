import type { Instance } from '../controller/instance.ts';
import { compareInstants } from '../dates.ts';

// Which of two answers is the newer one. The controller runs in replicas, so an older answer can follow a newer one. An answer carries
// two dates: the node's, of its report (`vminfo.timestamp`), and the controller's, of its record (`ts`). A node's clock may step back,
// and the clocks of two controllers may differ, so any date that says "later" is believed:
//
// | one of the two dates | the other | answer is |
// | --- | --- | --- |
// | earlier | earlier, the same, or missing | older |
// | later | any | newer |
// | the same, or missing | the same, or missing | neither |

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

/** Compares the dates that both carry: negative where that of `a` is earlier. */
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
 * Whether `a` carries a date that can be compared with `b`; if `b` has none either, nothing is lost. A report that lacks its own
 * time, though an earlier one had it, was damaged in transit: how long its VM had run is unknown.
 */
export function isDated(a: Instance, b: Instance): boolean {
  if (a.reportedAt === undefined && b.reportedAt !== undefined) return false;
  return comparisons(a, b).length > 0 || b.updatedAt === undefined;
}
