import { theVm } from '../../__tests__/simulation/the-vm.ts';
import { createVirtualTime, type VirtualTime } from '../../__tests__/simulation/virtual-time.ts';
import { createRandom, type Random } from '../../simulator/random.ts';
import { createReplicas } from '../../simulator/replicas.ts';
import { World } from '../../simulator/world.ts';
import type { Inputs } from '../../src/inputs/inputs.ts';
import { run } from '../../src/main.ts';
import type { PollInterval } from '../../src/restart/schedule.ts';
import { type Model, worldOf } from './models.ts';
import type { Policy } from './policies.ts';
import { createNetwork, PRELUDE_MS, SILENT, START } from './testbed.ts';

/** What one restart took. */
export interface Figures {
  /** From when the controller could first have shown the verified restart until the step knew it, in milliseconds. */
  readonly delayMs: number;
  readonly requests: number;
}

/** How long before the step somebody else restarts another VM on the node, at most. */
const NEIGHBOUR_MS = 20_000;

interface Setup {
  readonly model: Model;
  readonly policy: Policy;
}

/** One restart by the real step, in the world that the seed gives: the same for every policy. */
export async function simulateRestart(seed: number, { model, policy }: Setup): Promise<Figures> {
  const random = createRandom(seed ^ 0x5eed);
  const time = createVirtualTime(START);
  const testbed = createTestbed(seed, { model, random, time });
  const aheadMs = random.between(-1e9, 1e9);
  await time.run(time.clock.sleep(testbed.beginsAt - START, new AbortController().signal));

  const dispatchers = { openReader: () => testbed.network, openWriter: () => testbed.network };
  const clock = { ...time.clock, now: () => time.now() + aheadMs };
  const signal = new AbortController().signal;
  const inputs = inputsFor(testbed.instanceId, policy.interval(createRandom(seed ^ 0xba5e)));
  const host = { terminal: SILENT, clock, random: random.next, signal, dispatchers };
  const outcome = theVm(await time.run(run(inputs, host)));
  if (outcome.restarted !== 'true') throw new Error(`seed ${seed}, ${model.name}: ${outcome.error?.message}`);
  return { delayMs: time.now() - testbed.visibleSince(), requests: testbed.requests() };
}

interface TestbedParts {
  readonly model: Model;
  readonly random: Random;
  readonly time: VirtualTime;
}

/** The world, and the way to it. */
function createTestbed(seed: number, { model, random, time }: TestbedParts) {
  const world = new World(worldOf(model, { seed, startsAt: START }));
  const replicas = createReplicas({ world, ...model.replicas });
  const [record, neighbour] = world.records;
  if (record === undefined || neighbour === undefined) throw new Error('the world is too small');
  const beginsAt = START + PRELUDE_MS * (1 + random.next());
  // The neighbour's task is reported early, too: a report out of turn.
  const disturbedAt = beginsAt - random.next() * NEIGHBOUR_MS;
  if (model.world.earlyReports !== undefined)
    time.at(disturbedAt, () => void replicas.change(time.now(), (one) => one.restart(neighbour.instanceId)));
  // Which replica answers the step's first request.
  if (random.next() < 0.5) replicas.view(START);

  let requests = 0;
  const onRequest = () => void requests++;
  return {
    beginsAt,
    instanceId: record.instanceId,
    network: createNetwork({ model, random, time, replicas, onRequest }),
    requests: () => requests,
    visibleSince() {
      world.advanceTo(time.now());
      return record.report?.since ?? Number.NaN;
    },
  };
}

function inputsFor(instanceId: string, pollInterval: PollInterval): Inputs {
  return {
    controllerUrl: new URL('http://controller.example:8090'),
    targets: [{ by: 'instance_id', id: instanceId }],
    maxParallel: { count: 1 },
    maxFailures: { count: 0 },
    vncPassword: undefined,
    usbDevice: undefined,
    dryRun: false,
    headers: {},
    warnings: [],
    proxy: undefined,
    timeoutMs: 300_000,
    requestTimeoutMs: 10_000,
    pollInterval,
    identity: { kind: 'none' },
    ownRunner: { runnerName: undefined, repository: '' },
    runner: undefined,
    tls: { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true },
  };
}
