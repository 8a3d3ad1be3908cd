import { type Clock, isTimeout, unlessAborted, within } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import { type Gate, LeftAlone } from '../restart/outcome.ts';
import type { RunnerGate } from '../runner/gate.ts';
import {
  advance,
  countFailed,
  hasTooManyFailures,
  haveAllArrived,
  holdsSlot,
  isInQueue,
  type SlotEvent,
  type SlotLimits,
  type SlotState,
} from './scheduling.ts';

/** The slots of a step with several VMs: wakes waiting VMs as soon as scheduling.ts decides so. VMs are identified by index. */
export interface Slots {
  readonly states: readonly SlotState[];
  stateOf(index: number): SlotState;
  apply(index: number, event: SlotEvent): void;
  /** Resolves once every VM has reached its gate or ended. */
  readonly allArrived: Promise<void>;
  /** Resolves once the VM holds a slot, for a VM that is queued or holds one. */
  granted(index: number): Promise<void>;
  /** Aborts with {@link LeftAlone} once the VM must no longer start. */
  dismissalOf(index: number): AbortSignal;
}

export interface SlotsOptions {
  readonly vms: number;
  readonly limits: SlotLimits;
  /** Called once, when too many VMs have failed for another restart to start. */
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

// ---- the gate ----

export interface SlotGateOptions {
  readonly slots: Slots;
  /** The VM's position among the targets. */
  readonly index: number;
  /** Whether other VMs come first; called once the VM needs only a slot. */
  readonly comesLast: () => boolean;
  /** Lets the VM pass only while its runner has no job; undefined if there is no runner to guard. */
  readonly runnerGate: RunnerGate | undefined;
  readonly clock: Clock;
  /** Aborts with the error to report, or with `LeftAlone` once the VM must no longer start. */
  readonly signal: AbortSignal;
  /** Checks that no other target has this VM or its runner. @throws ActionError */
  readonly checkDuplicate: (instance: Instance) => void;
}

/** The gate of one VM among several. */
export interface SlotGate extends Gate {
  /** Whether it has let the VM pass. */
  readonly hasLetPass: boolean;
}

/** A baseline older than this is replaced: in milliseconds. */
const FRESH_MS = 500;
/** How often an idle runner is read while its VM is queued: in milliseconds. */
const READ_QUEUED_EVERY_MS = 5_000;

/**
 * Blocks the restart of one VM until all have reached their gates, its runner has no job, and it holds a slot. A VM that had to wait
 * is read again, and keeps its slot. A VM that turns out to be in use gives its slot back.
 */
export function createSlotGate(options: SlotGateOptions): SlotGate {
  const { runnerGate, checkDuplicate } = options;
  let hasLetPass = false;
  return {
    startsTimeout: true,
    get hasLetPass() {
      return hasLetPass;
    },
    async passOrWait(instance) {
      checkDuplicate(instance);
      const isOpen = await mayPass(options, instance);
      hasLetPass ||= isOpen;
      return isOpen;
    },
    async rehearse(instance) {
      checkDuplicate(instance);
      return (await runnerGate?.rehearse(instance)) ?? true;
    },
  };
}

/**
 * False if the wait was long enough that the VM must be read again. The step asks GitHub about a single runner only while its VM holds a
 * slot: for hundreds of queued VMs, that would be too many requests.
 */
async function mayPass(options: SlotGateOptions, instance: Instance): Promise<boolean> {
  const { slots, index, runnerGate, clock, signal, checkDuplicate } = options;
  const cameAt = clock.now();
  slots.apply(index, 'arrive');
  await unlessAborted(signal, slots.allArrived);
  checkDuplicate(instance);
  if (!holdsSlot(slots.stateOf(index))) {
    if (runnerGate !== undefined && runnerGate.occupancy() !== 'idle') await runnerGate.untilIdle(instance);
    signal.throwIfAborted();
    if (!(await takeSlot(options)) || clock.now() - cameAt > FRESH_MS) return false;
  }
  if (runnerGate !== undefined && !(await runnerGate.passOrWait(instance))) return false;
  signal.throwIfAborted();
  return true;
}

/** False if the runner got a job while the VM was queued: then the VM leaves the queue. */
async function takeSlot(options: SlotGateOptions): Promise<boolean> {
  const { slots, index, runnerGate, clock, signal } = options;
  slots.apply(index, options.comesLast() ? 'defer' : 'queue');
  const granted = slots.granted(index);
  if (runnerGate === undefined) {
    await unlessAborted(signal, granted);
    return true;
  }
  while (!(await happensWithin(granted, { ms: READ_QUEUED_EVERY_MS, signal }, clock))) {
    if (await runnerGate.stillIdle()) continue;
    slots.apply(index, 'wait');
    return false;
  }
  return true;
}

async function happensWithin(
  event: Promise<void>,
  limit: { readonly ms: number; readonly signal: AbortSignal },
  clock: Clock,
): Promise<boolean> {
  try {
    await within(clock, limit, () => event);
    return true;
  } catch (error) {
    if (!isTimeout(error)) throw error;
    return false;
  }
}
