import { playStep } from '../../__tests__/simulation/play-step.ts';
import { CONTROLLER_ORIGIN, START, type Stage } from '../../__tests__/simulation/stage.ts';
import { createRandom, type Random } from '../../simulator/random.ts';
import { type Model, passHistory, stageOf } from './models.ts';
import type { Policy } from './policies.ts';

/** The measurements of one restart. */
export interface Figures {
  /** From when the controller could first have shown the verified restart until the step knew it, in milliseconds. */
  readonly delayMs: number;
  readonly requests: number;
}

/** How long before the step, at most, another client restarts another VM on the node. */
const NEIGHBOR_MS = 20_000;

interface Setup {
  readonly model: Model;
  readonly policy: Policy;
}

/** One restart by the real step, in the seed's world: the same for every policy. */
export async function simulateRestart(seed: number, { model, policy }: Setup): Promise<Figures> {
  const random = createRandom(seed ^ 0x5eed);
  const stage = stageOf(model, { random, seed });
  const { time, world, requests } = stage;
  const [record] = world.records;
  if (record === undefined) throw new Error('the world is empty');
  disturb(stage, { model, random });
  const aheadMs = random.between(-1e9, 1e9);
  await passHistory(stage, random);

  const pollInterval = policy.interval(createRandom(seed ^ 0xba5e));
  const clock = { ...time.clock, now: () => time.now() + aheadMs };
  const inputs = { controller_url: CONTROLLER_ORIGIN, instance_id: record.instanceId };
  const { outcome, outputs, endedAt } = await playStep({ ...stage, clock }, inputs, {
    change: (read) => ({ ...read, pollInterval }),
  });
  if (outputs['restarted'] !== 'true')
    throw new Error(`seed ${seed}, ${model.name}: ${outcome.error?.message}`);
  world.advanceTo(time.now());
  return { delayMs: endedAt - aheadMs - (record.report?.since ?? Number.NaN), requests: requests.length };
}

/** Another client's restart of a neighbor also causes an early report, outside the heartbeat. And another replica may answer first. */
function disturb(stage: Stage, { model, random }: { readonly model: Model; readonly random: Random }): void {
  const { time, world, replicas } = stage;
  const [, neighbor] = world.records;
  if (neighbor === undefined) throw new Error('the world is too small');
  const disturbedAt = START - random.next() * NEIGHBOR_MS;
  if (model.world.earlyReports !== undefined)
    time.at(disturbedAt, () => void replicas.change(time.now(), (one) => one.restart(neighbor.instanceId)));
  if (random.next() < 0.5) replicas.view(time.now());
}
