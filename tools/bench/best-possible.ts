import type { InstanceRecord, World } from '../../simulator/world.ts';

export interface BestOptions {
  /** When the step begins, on the world's scale. */
  readonly beginsAt: number;
  /** VMs that are under way at once. */
  readonly slots: number;
}

/**
 * How long the fleet takes a step that knows all at once, and whose requests take no time: it sends the first restarts as it begins, and
 * each further one in the moment when the controller could first have shown the restart that held its slot. Nothing that goes by what
 * the controller shows can be sooner with as many slots, in the same order of VMs. In milliseconds.
 * @param world as it was at its start; it is used up.
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

/** So far is looked ahead at a time. */
const SECOND_MS = 1_000;
