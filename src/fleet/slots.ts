// Which VM of several may go next: the state of each VM, and its transitions. VMs are identified by index.
//
// | state        | the VM                                              | leaves it by                                    |
// | ------------ | --------------------------------------------------- | ----------------------------------------------- |
// | `preparing`  | is looked up and checked                            | `arrive` → waiting                              |
// | `waiting`    | is at its gate; its runner may have a job           | `queue` → queued; `defer` → deferred            |
// | `queued`     | needs nothing but a slot                            | a free slot → holding; `wait` (a job) → waiting |
// | `deferred`   | the same, but all queued VMs go first               | as queued                                       |
// | `holding`    | has a slot; has certainly not been restarted yet    | `depart` → restarting; `wait` → waiting         |
// | `restarting` | its restart was sent; it runs to its end            | `arrive` (certainly not carried out) → holding  |
// | `dismissed`  | must not start, because too many have failed        |                                                 |
// | `ended`      | is over                                             |                                                 |
// | `failed`     | is over                                             |                                                 |
//
// In every state except the last two, `end` → ended and `fail` → failed. Queued VMs get slots first, then deferred VMs, each in the order of
// the targets, and only once no VM is preparing: failures before sending should come before the first restart. Once too many VMs have
// failed, every VM that is neither restarting nor over is dismissed.

import { LeftAlone } from '../restart/outcome.ts';

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

/** The states after an event: of its VM, and of the VMs that therefore get a slot or are dismissed. Pure. */
export function advance(
  states: readonly SlotState[],
  { index, event }: { readonly index: number; readonly event: SlotEvent },
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

function haveAllArrived(states: readonly SlotState[]): boolean {
  return !states.includes('preparing');
}

function countFailed(states: readonly SlotState[]): number {
  return states.filter((state) => state === 'failed').length;
}

function hasTooManyFailures(states: readonly SlotState[], { mostFailures }: SlotLimits): boolean {
  return countFailed(states) > mostFailures;
}

// ---- while the step runs ----

/** The states of the VMs of a step. */
export interface Slots {
  readonly states: readonly SlotState[];
  stateOf(index: number): SlotState;
  apply(index: number, event: SlotEvent): void;
  /** Resolves once every VM has reached its gate or ended. */
  readonly allArrived: Promise<void>;
  /** For a VM that is queued or deferred, or holds a slot: resolves once it holds a slot. */
  granted(index: number): Promise<void>;
  /** Aborts with {@link LeftAlone} once the VM is dismissed. */
  dismissalOf(index: number): AbortSignal;
}

export interface SlotsOptions {
  readonly vms: number;
  readonly limits: SlotLimits;
  /** Called once, when more VMs than `mostFailures` have failed. */
  readonly onTooManyFailures: (failed: number) => void;
}

export function createSlots({ vms, limits, onTooManyFailures }: SlotsOptions): Slots {
  const arrival = Promise.withResolvers<void>();
  const grants = Array.from({ length: vms }, () => Promise.withResolvers<void>());
  const dismissals = Array.from({ length: vms }, () => new AbortController());
  let states: readonly SlotState[] = Array<SlotState>(vms).fill('preparing');

  function enter(index: number, state: SlotState): void {
    if (isInQueue(state)) grants[index] = Promise.withResolvers<void>();
    if (state === 'holding') grants[index]?.resolve();
    if (state === 'dismissed') dismissals[index]?.abort(new LeftAlone('not started'));
  }

  return {
    get states() {
      return states;
    },
    stateOf: (index) => existing(states[index]),
    apply(index, event) {
      const before = states;
      states = advance(before, { index, event }, limits);
      for (const [at, state] of states.entries()) if (state !== before[at]) enter(at, state);
      if (haveAllArrived(states)) arrival.resolve();
      if (hasTooManyFailures(states, limits) && !hasTooManyFailures(before, limits))
        onTooManyFailures(countFailed(states));
    },
    allArrived: arrival.promise,
    granted: (index) => existing(grants[index]).promise,
    dismissalOf: (index) => existing(dismissals[index]).signal,
  };
}

function existing<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('there is no such VM');
  return value;
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

export interface LimitOptions {
  readonly maxParallel: Amount;
  readonly maxFailures: Amount;
  /** A dry run checks every VM, however many fail. */
  readonly dryRun: boolean;
}

/** Shares are rounded down, but there is always one slot. @param mostSlots never more slots than this, whatever the user allows. */
export function limitsFor(
  vms: number,
  { maxParallel, maxFailures, dryRun }: LimitOptions,
  mostSlots = Number.POSITIVE_INFINITY,
): SlotLimits {
  return {
    slots: Math.max(1, Math.min(mostSlots, amountOf(maxParallel, vms))),
    mostFailures: dryRun ? Number.POSITIVE_INFINITY : amountOf(maxFailures, vms),
  };
}

/** Computes with whole percentages, so that a rounding error of the share cannot cost a VM. */
function amountOf(amount: Amount, vms: number): number {
  return 'count' in amount ? amount.count : Math.floor((Math.round(amount.share * 100) * vms) / 100);
}
