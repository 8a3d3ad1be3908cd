// The gate of one VM among several: it waits for a slot, and for the VM's runner.

import { type Clock, isTimeout, unlessAborted, within } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import type { Gate } from '../restart/outcome.ts';
import type { RunnerGate } from '../runner/gate.ts';
import { holdsSlot, type Slots } from './slots.ts';

interface SlotGateOptions {
  readonly slots: Slots;
  /** The VM's position among the targets. */
  readonly index: number;
  /** Whether other VMs come first; called once the VM needs only a slot. */
  readonly comesLast: () => boolean;
  /** Lets the VM pass only while its runner has no job; undefined if there is no runner to guard. */
  readonly runnerGate: RunnerGate | undefined;
  readonly clock: Clock;
  /** Aborts with the error to report, or with `LeftAlone` once the VM is dismissed. */
  readonly signal: AbortSignal;
  /** Checks that no other target has this VM or its runner. @throws ActionError */
  readonly checkDuplicate: (instance: Instance) => void;
}

interface SlotGate extends Gate {
  /** Whether it has let the VM pass. */
  readonly hasLetPass: boolean;
}

/** After a longer wait, the VM's record is read again, because it is the baseline for the restart: in milliseconds. */
const FRESH_MS = 500;
/** How often an idle runner is read while its VM is queued: in milliseconds. */
const READ_QUEUED_EVERY_MS = 5_000;

/**
 * Blocks the restart of one VM until all VMs have arrived at their gates, its runner has no job, and it holds a slot. A VM that had to wait
 * keeps its slot while its record is read again. A VM that turns out to be in use gives its slot back.
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
 * False if the VM had to wait, so that its record must be read again. Only a VM that holds a slot calls the runner gate's `passOrWait`, which
 * reads single runners: for hundreds of VMs, that would be too many requests.
 */
async function mayPass(options: SlotGateOptions, instance: Instance): Promise<boolean> {
  const { slots, index, runnerGate, clock, signal, checkDuplicate } = options;
  const arrivedAt = clock.now();
  slots.apply(index, 'arrive');
  await unlessAborted(signal, slots.allArrived);
  checkDuplicate(instance);
  if (!holdsSlot(slots.stateOf(index))) {
    if (runnerGate !== undefined && runnerGate.occupancy() !== 'idle') await runnerGate.untilIdle(instance);
    signal.throwIfAborted();
    if (!(await takeSlot(options)) || clock.now() - arrivedAt > FRESH_MS) return false;
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
