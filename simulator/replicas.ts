import { World } from './world.ts';

/** A controller's replicas: reads may meet one that lags behind, writes reach the world at once. */
export interface Replicas {
  /** As it is. */
  readonly world: World;
  /** What the replica whose turn it is takes for the world; where connections are sticky, always the same one for a connection. */
  view(now: number, connection?: object): World;
  /** Does something to the world, and later to each lagging replica's picture of it. */
  change<T>(now: number, change: (world: World) => T): T;
}

export interface ReplicaOptions {
  readonly world: World;
  /** How many replicas there are; all but the first lag behind. */
  readonly count: number;
  readonly lagMs: number;
  /** A connection leads to the replica that it was opened to. */
  readonly areSticky?: boolean;
}

export function createReplicas({ world, count, lagMs, areSticky = false }: ReplicaOptions): Replicas {
  const twins = Array.from({ length: count - 1 }, () => createTwin(world, lagMs));
  const opened = new WeakMap<object, number>();
  let turn = 0;

  function replicaFor(connection: object | undefined): number {
    if (!areSticky || connection === undefined) return turn++ % count;
    const known = opened.get(connection) ?? turn++ % count;
    opened.set(connection, known);
    return known;
  }

  return {
    world,
    view(now, connection) {
      world.advanceTo(now);
      const twin = twins[replicaFor(connection) - 1];
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
