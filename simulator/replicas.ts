import { World } from './world.ts';

/** A controller's replicas: reads may come from one that lags behind, writes take effect at once. */
export interface Replicas {
  /** The true state. */
  readonly world: World;
  /** The world as the next replica knows it; with sticky connections, as the connection's replica does. */
  view(now: number, connection?: object): World;
  /** Changes the world, and later each lagging replica's copy. */
  change<T>(now: number, change: (world: World) => T): T;
}

export interface ReplicaOptions {
  readonly world: World;
  /** How many replicas there are; all but the first lag behind. */
  readonly count: number;
  readonly lagMs: number;
  /** Each connection stays with one replica. */
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

/** The world as it was `lagMs` ago: the same options and changes at the same times give the same history. */
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
