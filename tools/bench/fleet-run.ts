import { createVirtualTime } from '../../__tests__/simulation/virtual-time.ts';
import type { SeenRequest } from '../../simulator/controller-api.ts';
import { createRandom } from '../../simulator/random.ts';
import { createReplicas } from '../../simulator/replicas.ts';
import { World } from '../../simulator/world.ts';
import { limitsFor } from '../../src/fleet/scheduling.ts';
import type { StepOutcome, VmOutcome } from '../../src/fleet/step-outcome.ts';
import { type Inputs, readInputs } from '../../src/inputs/inputs.ts';
import { run } from '../../src/main.ts';
import { bestPossibleMs } from './best-possible.ts';
import { STEADY, worldOf } from './models.ts';
import { createNetwork, PRELUDE_MS, SILENT, START } from './testbed.ts';

/** A fleet, and how many of it may be under way at once: as the input `max_parallel` has it. */
export interface FleetSize {
  readonly vms: number;
  readonly maxParallel: string;
}

/** What the restart of one fleet took; times in milliseconds. */
export interface FleetFigures {
  /** From the start of the step to its end. */
  readonly wallMs: number;
  /** The same for a step that knows all at once: see best-possible.ts. */
  readonly bestMs: number;
  /** Requests that read, and requests that restart. */
  readonly looks: number;
  readonly restarts: number;
  /** For each VM, from when the controller could first have shown the verified restart until the step knew it. */
  readonly delaysMs: readonly number[];
}

/** One fleet by the real step, in the world that the seed gives, on virtual time. */
export async function simulateFleet(seed: number, { vms, maxParallel }: FleetSize): Promise<FleetFigures> {
  const random = createRandom(seed ^ 0x5eed);
  const time = createVirtualTime(START);
  const world = new World(worldOf(STEADY, { seed, startsAt: START, vms }));
  const replicas = createReplicas({ world, ...STEADY.replicas });
  const methods: string[] = [];
  const onRequest = ({ method }: SeenRequest) => void methods.push(method);
  const network = createNetwork({ model: STEADY, random, time, replicas, onRequest });
  const beginsAt = START + PRELUDE_MS * (1 + random.next());
  const signal = new AbortController().signal;
  await time.run(time.clock.sleep(beginsAt - START, signal));

  const inputs = inputsFor(maxParallel);
  const dispatchers = { openReader: () => network, openWriter: () => network };
  const host = { terminal: SILENT, clock: time.clock, random: random.next, signal, dispatchers };
  const outcome = await time.run(run(inputs, host));
  const endedAt = time.now();
  world.advanceTo(endedAt);
  return {
    wallMs: endedAt - beginsAt,
    bestMs: bestPossibleMs(new World(world.options), { beginsAt, places: slotsFor(vms, inputs) }),
    looks: methods.filter((method) => method === 'GET').length,
    restarts: methods.filter((method) => method === 'POST').length,
    delaysMs: membersOf(outcome, vms).map((member) => delayOf(member, world)),
  };
}

const CONTROLLER = 'http://controller.example:8090';

function inputsFor(maxParallel: string): Inputs {
  const environment = {
    INPUT_CONTROLLER_URL: CONTROLLER,
    INPUT_EXTERNAL_ID: 'runner-*',
    INPUT_MAX_PARALLEL: maxParallel,
  };
  return readInputs(environment, SILENT.mask);
}

function slotsFor(vms: number, inputs: Inputs): number {
  return limitsFor(vms, inputs).slots;
}

function membersOf(outcome: StepOutcome, vms: number): readonly VmOutcome[] {
  if (outcome.error !== undefined) throw outcome.error;
  if (outcome.vms.length !== vms) throw new Error(`${outcome.vms.length} of ${vms} VMs were found`);
  return outcome.vms;
}

function delayOf({ name, proof, moments: { verified = Number.NaN } }: VmOutcome, world: World): number {
  const report = world.records.find(({ instanceId }) => instanceId === proof?.instanceId)?.report;
  if (report === undefined) throw new Error(`${name} was not restarted`);
  return verified - report.since;
}
