// Whose turn it is. Each VM comes to its gate once it was found fit; with a guard it then waits until its runner has no job. Only when
// all have come so far, or have failed on the way, the first one begins. Then there are always as many under way as there are places.

/** Where a VM stands: `waiting` for its runner's job to end, `ready` once it only needs a place. */
export type Phase = 'preparing' | 'waiting' | 'ready' | 'under way' | 'ended';

export interface Standing {
  readonly phase: Phase;
  readonly hasFailed: boolean;
}

/** A number, or a share (0 to 1) of all. */
export type Amount = { readonly count: number } | { readonly share: number };

export interface TurnLimits {
  /** VMs under way at once. */
  readonly places: number;
  /** Once more have failed than these, none is begun. */
  readonly mostFailures: number;
}

/** A dry run looks at each, however many are not fit. */
export function limitsForDryRun(limits: TurnLimits): TurnLimits {
  return { ...limits, mostFailures: Number.POSITIVE_INFINITY };
}

/** Shares are rounded down; one place there is in any case. */
export function limitsFor(
  vms: number,
  { maxParallel, maxFailures }: { readonly maxParallel: Amount; readonly maxFailures: Amount },
): TurnLimits {
  return { places: Math.max(1, amountOf(maxParallel, vms)), mostFailures: amountOf(maxFailures, vms) };
}

/** Percent are whole: what rounding makes of them must not be one too few. */
function amountOf(amount: Amount, vms: number): number {
  return 'count' in amount ? amount.count : Math.floor((Math.round(amount.share * 100) * vms) / 100);
}

/** Whether too many have failed for another to be begun. Pure. */
export function isOver(standings: readonly Standing[], { mostFailures }: TurnLimits): boolean {
  return standings.filter(({ hasFailed }) => hasFailed).length > mostFailures;
}

/** Whether each VM has come to its gate, or has ended on the way to it. Pure. */
export function haveAllArrived(standings: readonly Standing[]): boolean {
  return standings.every(({ phase }) => phase !== 'preparing');
}

/** Which of the ready ones are to be given a place now: by their index, in the order of the targets. Pure. */
export function whomToBegin(standings: readonly Standing[], limits: TurnLimits): number[] {
  if (!haveAllArrived(standings) || isOver(standings, limits)) return [];
  const taken = standings.filter(({ phase }) => phase === 'under way').length;
  const ready = standings.flatMap(({ phase }, index) => (phase === 'ready' ? [index] : []));
  return ready.slice(0, Math.max(0, limits.places - taken));
}
