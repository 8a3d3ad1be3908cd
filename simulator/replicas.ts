import { World } from './world.ts';

/** A controller's replicas: reads may meet one that lags behind, writes reach the world at once. */
export interface Replicas {
  /** What the replica whose turn it is takes for the world. */
  view(now: number): World;
  /** Does something to the world, and later to each lagging replica's picture of it. */
  change<T>(now: number, change: (world: World) => T): T;
}

export interface ReplicaOptions {
  readonly world: World;
  /** How many replicas there are; all but the first lag behind. */
  readonly count: number;
  readonly lagMs: number;
}

export function createReplicas({ world, count, lagMs }: ReplicaOptions): Replicas {
  const twins = Array.from({ length: count - 1 }, () => createTwin(world, lagMs));
  let turn = 0;
  return {
    view(now) {
      world.advanceTo(now);
      const twin = twins[(turn++ % count) - 1];
      return twin === undefined ? world : twin.view(now);
    },
    change(now, change) {
      world.advanceTo(now);
      for (const twin of twins) twin.remember(now, change);
      return change(world);
    },
  };
}

/** The same world as it was `lagMs` ago: the same options and the same changes at the same times give the same history. */
function createTwin({ options }: World, lagMs: number) {
  const twin = new World(options);
  const changes: { at: number; change: (world: World) => unknown }[] = [];
  return {
    remember(at: number, change: (world: World) => unknown) {
      changes.push({ at, change });
    },
    view(now: number): World {
      for (let next = changes[0]; next !== undefined && next.at + lagMs <= now; next = changes[0]) {
        twin.advanceTo(next.at);
        next.change(twin);
        changes.shift();
      }
      twin.advanceTo(now - lagMs);
      return twin;
    },
  };
}
