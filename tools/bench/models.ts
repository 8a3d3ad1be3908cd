import type { Delivery, SentRequest } from '../../__tests__/simulation/network.ts';
import { createStage, START, type Stage, WHOLE } from '../../__tests__/simulation/stage.ts';
import type { Random } from '../../simulator/random.ts';
import { DEFAULT_WORLD, type WorldOptions } from '../../simulator/world.ts';

/** A kind of world to measure in; times in milliseconds. */
export interface Model {
  readonly name: string;
  readonly world: Partial<WorldOptions>;
  readonly replicas: { readonly count: number; readonly lagMs: number };
  /** The network delay in one direction, plus or minus a fifth. */
  readonly networkMs: number;
}

export const STEADY: Model = {
  name: 'steady heartbeat of 5 s',
  world: { heartbeatMs: 5_000, heartbeatJitter: 0 },
  replicas: { count: 1, lagMs: 0 },
  networkMs: 1,
};

function steadyBut(name: string, world: Partial<WorldOptions>, others: Partial<Model> = {}): Model {
  return { ...STEADY, name, world: { ...STEADY.world, ...world }, ...others };
}

/** The first model is how most agents behave. */
export const MODELS: readonly Model[] = [
  STEADY,
  steadyBut('jitter of 20 %', { heartbeatJitter: 0.2 }),
  steadyBut('every other task reported early', { earlyReports: 0.5 }),
  steadyBut('10 % of reports lost', { lostReports: 0.1 }),
  steadyBut('two replicas, one 2 s behind', {}, { replicas: { count: 2, lagMs: 2_000 } }),
  steadyBut('two replicas, one 10 s behind', {}, { replicas: { count: 2, lagMs: 10_000 } }),
  steadyBut('heartbeat of 1 s', { heartbeatMs: 1_000 }),
  steadyBut('heartbeat of 30 s', { heartbeatMs: 30_000 }),
  steadyBut('50 ms away', {}, { networkMs: 50 }),
  steadyBut('300 ms away', {}, { networkMs: 300 }),
];

/** Two VMs per node, the most that Apple's license allows. */
const VMS_PER_NODE = 2;

export function worldOf(
  { world }: Model,
  { vms = VMS_PER_NODE, ...rest }: Pick<WorldOptions, 'seed' | 'startsAt'> & { readonly vms?: number },
): WorldOptions {
  return { ...DEFAULT_WORLD, ...world, vms, nodes: Math.ceil(vms / VMS_PER_NODE), ...rest };
}

/** The minimum age of a world when the step begins: twice the longest heartbeat. In milliseconds. */
const PRELUDE_MS = 60_000;

/** The stage of one world of a model, up to the moment when its history begins. */
export function stageOf(
  model: Model,
  {
    random,
    seed,
    vms = VMS_PER_NODE,
  }: { readonly random: Random; readonly seed: number; readonly vms?: number },
): Stage {
  const { startsAt: _, ...world } = worldOf(model, { seed, startsAt: 0, vms });
  return createStage({
    ...{ world, replicas: model.replicas, random, preludeMs: PRELUDE_MS * (1 + random.next()) },
    deliveryOf: createDeliveries(model, random),
  });
}

const SECOND_MS = 1_000;

/**
 * When the step begins: not when the controller's clock turns to a new second. Then the step's first answer would show that moment, much
 * better than a real step can know it.
 */
export function beginOf(random: Random): number {
  return START + SECOND_MS * random.fork('part of a second').next();
}

/** Lets the world's history pass. @returns when the step begins. */
export async function passHistory({ time }: Stage, random: Random): Promise<number> {
  const beginsAt = beginOf(random);
  await time.run(time.clock.sleep(beginsAt - time.now(), new AbortController().signal));
  return beginsAt;
}

/** No request or answer is lost; reads keep their connection, the restart gets its own. */
function createDeliveries({ networkMs }: Model, random: Random): (request: SentRequest) => Delivery {
  let isConnected = false;
  const trip = () => networkMs * random.between(0.8, 1.2);
  return ({ method }) => {
    const connectMs = isConnected && method === 'GET' ? 0 : trip() + trip();
    if (method === 'GET') isConnected = true;
    return { ...WHOLE, connectMs, thereMs: trip(), backMs: trip() };
  };
}
