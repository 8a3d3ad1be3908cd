import { playStep } from '../../__tests__/simulation/play-step.ts';
import { CONTROLLER_ORIGIN } from '../../__tests__/simulation/stage.ts';
import { createRandom } from '../../simulator/random.ts';
import { World } from '../../simulator/world.ts';
import { bestPossibleMs } from './best-possible.ts';
import { passHistory, STEADY, stageOf } from './models.ts';

/** A fleet, and how many of its VMs may be in progress at once, as in the input `max_parallel`. */
export interface FleetSize {
  readonly vms: number;
  readonly maxParallel: string;
}

/** The measurements of one fleet's restart; times in milliseconds. */
export interface FleetFigures {
  /** From the start of the step to its end. */
  readonly wallMs: number;
  /** The same for a step that knows everything at once: see best-possible.ts. */
  readonly bestMs: number;
  /** Requests that read, and requests that restart. */
  readonly reads: number;
  readonly restarts: number;
  /** For each VM, from when the controller could first have shown the verified restart until the step knew it. */
  readonly delaysMs: readonly number[];
}

/** Restarts one fleet with the real step, in the seed's world, on virtual time. */
export async function simulateFleet(seed: number, { vms, maxParallel }: FleetSize): Promise<FleetFigures> {
  const random = createRandom(seed ^ 0x5eed);
  const stage = stageOf(STEADY, { random, seed, vms });
  const { world, requests } = stage;
  const beginsAt = await passHistory(stage, random);
  const inputs = { controller_url: CONTROLLER_ORIGIN, external_id: 'runner-*', max_parallel: maxParallel };
  const played = await playStep(stage, inputs);
  if (played.outcome.error !== undefined) throw played.outcome.error;
  if (played.outcome.vms.length !== vms)
    throw new Error(`${played.outcome.vms.length} of ${vms} VMs were found`);
  world.advanceTo(played.endedAt);
  const slots = slotsFor(vms, maxParallel);
  const methods = requests.map(({ request }) => request.method);
  return {
    wallMs: played.endedAt - beginsAt,
    bestMs: bestPossibleMs(new World(world.options), { beginsAt, slots }),
    reads: methods.filter((method) => method === 'GET').length,
    restarts: methods.filter((method) => method === 'POST').length,
    delaysMs: played.outcome.vms.map(({ proof, moments: { verified = Number.NaN } }) => {
      const report = world.records.find(({ instanceId }) => instanceId === proof?.instanceId)?.report;
      if (report === undefined) throw new Error('a VM was not restarted');
      return verified - report.since;
    }),
  };
}

/** A number, or a share, rounded down. */
function slotsFor(vms: number, maxParallel: string): number {
  const share = Number(maxParallel.replace('%', '')) / 100;
  return maxParallel.endsWith('%') ? Math.max(1, Math.floor(share * vms)) : Number(maxParallel);
}
