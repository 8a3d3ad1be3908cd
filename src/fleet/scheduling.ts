// Which VM may go next: the state of each VM, and its transitions. All pure; slots.ts acts on it.
//
// | state        | the VM                                              | leaves it by                                    |
// | ------------ | --------------------------------------------------- | ----------------------------------------------- |
// | `preparing`  | is looked up and checked                            | `arrive` → waiting                              |
// | `waiting`    | is at its gate; its runner may have a job           | `queue` → queued; `defer` → deferred            |
// | `queued`     | needs nothing but a slot                            | a free slot → holding; `wait` (a job) → waiting |
// | `deferred`   | the same, but all queued VMs go first               | as queued                                       |
// | `holding`    | has a slot; no restart of it may have been carried out | `depart` → restarting; `wait` → waiting      |
// | `restarting` | its restart was sent; it runs to its end            | `arrive` (certainly not carried out) → holding  |
// | `dismissed`  | must not start any more, as too many have failed    |                                                 |
// | `ended`      | is over                                             |                                                 |
// | `failed`     | is over                                             |                                                 |
//
// In every state except the last two, `end` → ended and `fail` → failed. Queued VMs get slots first, then deferred VMs, each in the order of
// the targets, and only once no VM is preparing: failures before sending should come before the first restart. Once too many VMs have
// failed, every VM that is neither restarting nor over is dismissed.

export type SlotState =
  | 'preparing'
  | 'waiting'
  | 'queued'
  | 'deferred'
  | 'holding'
  | 'restarting'
  | 'dismissed'
  | 'ended'
  | 'failed';

export type SlotEvent = 'arrive' | 'queue' | 'defer' | 'wait' | 'depart' | 'end' | 'fail';

/** What happens to one VM, by its index. */
export interface SlotStep {
  readonly index: number;
  readonly event: SlotEvent;
}

const ENDS = { end: 'ended', fail: 'failed' } as const;

/** An event that is not listed changes nothing. */
const TRANSITIONS: Readonly<Record<SlotState, Readonly<Partial<Record<SlotEvent, SlotState>>>>> = {
  preparing: { arrive: 'waiting', ...ENDS },
  waiting: { queue: 'queued', defer: 'deferred', ...ENDS },
  queued: { wait: 'waiting', ...ENDS },
  deferred: { wait: 'waiting', ...ENDS },
  holding: { depart: 'restarting', wait: 'waiting', ...ENDS },
  restarting: { arrive: 'holding', ...ENDS },
  dismissed: ENDS,
  ended: {},
  failed: {},
};

/** The states after an event: of its VM, and of the VMs that therefore get a slot or are dismissed. */
export function advance(
  states: readonly SlotState[],
  { index, event }: SlotStep,
  limits: SlotLimits,
): readonly SlotState[] {
  const moved = states.map((state, at) => (at === index ? (TRANSITIONS[state][event] ?? state) : state));
  return hasTooManyFailures(moved, limits) ? moved.map(dismiss) : grant(moved, limits);
}

function dismiss(state: SlotState): SlotState {
  return state === 'restarting' || state === 'ended' || state === 'failed' ? state : 'dismissed';
}

function grant(states: readonly SlotState[], { slots }: SlotLimits): readonly SlotState[] {
  if (!haveAllArrived(states)) return states;
  let free = slots - states.filter(holdsSlot).length;
  const grantTo = (some: SlotState) => (state: SlotState) =>
    state === some && free-- > 0 ? 'holding' : state;
  return states.map(grantTo('queued')).map(grantTo('deferred'));
}

/** Whether it needs nothing but a slot. */
export function isInQueue(state: SlotState): boolean {
  return state === 'queued' || state === 'deferred';
}

export function holdsSlot(state: SlotState): boolean {
  return state === 'holding' || state === 'restarting';
}

export function haveAllArrived(states: readonly SlotState[]): boolean {
  return !states.includes('preparing');
}

export function countFailed(states: readonly SlotState[]): number {
  return states.filter((state) => state === 'failed').length;
}

/** Whether too many have failed for a new restart to start. */
export function hasTooManyFailures(states: readonly SlotState[], { mostFailures }: SlotLimits): boolean {
  return countFailed(states) > mostFailures;
}

// ---- limits ----

/** A number, or a share (0 to 1) of all VMs. */
export type Amount = { readonly count: number } | { readonly share: number };

export interface SlotLimits {
  /** VMs that may hold a slot at the same time. */
  readonly slots: number;
  /** When more VMs than this have failed, no new restart starts. */
  readonly mostFailures: number;
}

/** Shares are rounded down; there is always one slot. */
export function limitsFor(
  vms: number,
  { maxParallel, maxFailures }: { readonly maxParallel: Amount; readonly maxFailures: Amount },
): SlotLimits {
  return { slots: Math.max(1, amountOf(maxParallel, vms)), mostFailures: amountOf(maxFailures, vms) };
}

/** A dry run checks every VM, however many fail. */
export function limitsForDryRun(limits: SlotLimits): SlotLimits {
  return { ...limits, mostFailures: Number.POSITIVE_INFINITY };
}

/** Percentages are whole numbers: rounding errors must not cost one. */
function amountOf(amount: Amount, vms: number): number {
  return 'count' in amount ? amount.count : Math.floor((Math.round(amount.share * 100) * vms) / 100);
}
