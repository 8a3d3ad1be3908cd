import { type Clock, within } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import type { Gate } from '../restart/outcome.ts';
import type { RunnerGate } from '../runner/gate.ts';
import type { Places } from './places.ts';

export interface FleetGateOptions {
  readonly places: Places;
  /** The VM's place among the targets. */
  readonly index: number;
  /** Lets the VM pass only while its runner has no job; undefined where there is none to look after. */
  readonly runnerGate: RunnerGate | undefined;
  readonly clock: Clock;
  /** Aborts with the error to report, or with `LeftAlone` where the VM's turn never comes. */
  readonly signal: AbortSignal;
  /** Makes sure that VM and runner are no other target's. @throws ActionError */
  readonly claim: (instance: Instance) => void;
}

/** The gate of one VM of a fleet. */
export interface FleetGate extends Gate {
  /** Whether it has let the VM pass. */
  readonly hasLetPass: boolean;
}

/** A baseline that had to wait for longer than this is taken anew: in milliseconds. */
const FRESH_MS = 500;
/** So often an idle runner is looked at, as long as its VM waits for its turn: in milliseconds. */
const LOOK_EVERY_MS = 5_000;

/**
 * Holds the restart of one VM up until all have come to their gates, its runner has no job, and it has a place. Who had to wait looks
 * at its VM once more, and asks again with the place that it has. Who turns out to be in use gives its place back meanwhile.
 */
export function createFleetGate(options: FleetGateOptions): FleetGate {
  const { runnerGate, claim } = options;
  let hasLetPass = false;
  return {
    startsTime: true,
    get hasLetPass() {
      return hasLetPass;
    },
    async isOpen(instance) {
      claim(instance);
      const isOpen = await hasWayAndPlace(options, instance);
      hasLetPass ||= isOpen;
      return isOpen;
    },
    async rehearse(instance) {
      claim(instance);
      return (await runnerGate?.rehearse(instance)) ?? true;
    },
  };
}

/**
 * False where it took so long that the VM has to be looked at anew. Only who has a place is looked at by itself on GitHub: hundreds that
 * are ready would be too many questions at once.
 */
async function hasWayAndPlace(options: FleetGateOptions, instance: Instance): Promise<boolean> {
  const { places, index, runnerGate, clock, signal, claim } = options;
  const cameAt = clock.now();
  await waitFor(options, places.arrive(index));
  signal.throwIfAborted();
  claim(instance);
  if (!places.has(index)) {
    if (runnerGate !== undefined && runnerGate.verdict() !== 'idle') await runnerGate.untilIdle(instance);
    signal.throwIfAborted();
    if (!(await takePlace(options)) || clock.now() - cameAt > FRESH_MS) return false;
  }
  if (runnerGate !== undefined && !(await runnerGate.isOpen(instance))) return false;
  signal.throwIfAborted();
  return true;
}

/** False where the runner got a job meanwhile: then the VM waits in the queue no more. */
async function takePlace(options: FleetGateOptions): Promise<boolean> {
  const { places, index, runnerGate } = options;
  const turn = places.take(index);
  for (;;) {
    if (await comesWithin(options, turn)) return true;
    if (runnerGate === undefined || (await runnerGate.stillIdle())) continue;
    places.giveBack(index);
    return false;
  }
}

async function waitFor(options: FleetGateOptions, event: Promise<void>): Promise<void> {
  while (!(await comesWithin(options, event)));
}

async function comesWithin({ clock, signal }: FleetGateOptions, event: Promise<void>): Promise<boolean> {
  try {
    await within(clock, { ms: LOOK_EVERY_MS, signal }, () => event);
    return true;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'TimeoutError') return false;
    throw error;
  }
}
