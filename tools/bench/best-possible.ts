import type { InstanceRecord, World } from '../../simulator/world.ts';

interface BestOptions {
  /** When the step begins, on the world's scale. */
  readonly beginsAt: number;
  /** How many VMs are in progress at once. */
  readonly slots: number;
}

/**
 * How long the fleet takes for a step that knows everything at once and needs no time for requests, in milliseconds. It sends the first
 * restarts when it begins, and each further one at the moment when the controller could first have shown the restart that held its slot. No
 * step that relies on the controller's answers can be faster with the same number of slots and the same order of VMs.
 * @param world in its initial state; this function changes it.
 */
export function bestPossibleMs(world: World, { beginsAt, slots }: BestOptions): number {
  world.advanceTo(beginsAt);
  const waiting = world.records.map(({ instanceId }) => instanceId);
  const underWay = new Set<string>();
  let endedAt = beginsAt;
  const begin = () => {
    const next = waiting.shift();
    if (next === undefined) return;
    const reply = world.restart(next);
    if (!reply.ok) throw new Error(reply.message);
    underWay.add(next);
  };
  world.onReport = (record) => {
    if (!hasBootedSince(record, beginsAt) || !underWay.delete(record.instanceId)) return;
    endedAt = world.now;
    begin();
  };
  for (let slot = 0; slot < slots; slot++) begin();
  while (underWay.size > 0) world.advanceTo(world.now + SECOND_MS);
  return endedAt - beginsAt;
}

/** Whether the report shows it. */
function hasBootedSince({ report }: InstanceRecord, at: number): boolean {
  return report !== undefined && report.vm.power === 'running' && report.vm.bootedAt >= at;
}

/** How far each iteration advances the world. */
const SECOND_MS = 1_000;
