import type { Random } from '../simulator/random.ts';
import { DEFAULT_WORLD, type WorldOptions } from '../simulator/world.ts';

/** Everything that goes wrong in one run, and when it stops; times in milliseconds. */
export interface Malice {
  readonly world: Omit<WorldOptions, 'startsAt'>;
  readonly replicas: { readonly count: number; readonly lagMs: number };
  readonly network: NetworkMalice;
  /** From here on, counted from the start, nothing goes wrong any more. */
  readonly healsAfterMs: number;
  readonly events: readonly WorldEvent[];
  /** Somebody else restarted the VM so long before the start. */
  readonly restartedBeforeMs: number | undefined;
  readonly identity: 'none' | 'root_token' | 'api_key';
  readonly sessionTtlMs: number;
  readonly cancelAfterMs: number | undefined;
  readonly timeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly pollInterval: 'auto' | number;
}

/** Rates are shares of all requests. */
export interface NetworkMalice {
  readonly refused: number;
  readonly hangsConnecting: number;
  readonly lostThere: number;
  readonly lostBack: number;
  readonly cut: number;
  /** Answered by something in between, with one of these, without the controller's knowledge ... */
  readonly storm: number;
  /** ... or after the controller has carried it out. */
  readonly lateStorm: number;
  /** One way. */
  readonly latencyMs: number;
  readonly slow: number;
}

export interface WorldEvent {
  readonly kind: 'silence' | 'busy' | 'clock' | 'foreign restart' | 'doom' | 'terminate';
  readonly afterMs: number;
  readonly forMs: number;
}

const SECOND = 1_000;
/** The world's history before the step begins. */
export const PRELUDE_MS = 60 * SECOND;

/** Draws a world's malice, each kind with a rate of its own, and most of them often not at all. */
export function drawMalice(random: Random, seed: number): Malice {
  const rate = (most: number) => (random.next() < 0.5 ? 0 : random.next() * most);
  const pick = <T>(...values: readonly T[]): T => values[Math.floor(random.next() * values.length)] as T;
  const timeoutMs = pick(30, 60, 120, 300) * SECOND;
  const heartbeatMs = pick(1, 5, 5, 5, 10) * SECOND;
  return {
    timeoutMs,
    requestTimeoutMs: pick(1, 3, 10) * SECOND,
    pollInterval: pick<'auto' | number>('auto', 'auto', 500, 5_000),
    healsAfterMs: random.next() < 0.3 ? 0 : random.next() * timeoutMs,
    identity: pick('none', 'root_token', 'api_key'),
    // No shorter than the longest request: a session that ends on the way to the controller looks like no session at all.
    sessionTtlMs: pick(300, 60, 20) * SECOND,
    cancelAfterMs: random.next() < 0.1 ? random.next() * timeoutMs : undefined,
    world: {
      ...DEFAULT_WORLD,
      ...{ seed, vms: 2, nodes: 1, heartbeatMs, heartbeatJitter: rate(0.5) },
      ...{ stopMs: random.between(100, 3_000), startMs: random.between(100, 3_000), pickUpMs: rate(5_000) },
      controllerVersion: pick('1.50.1', '1.50.1', '1.48.0', '1.46.0', '1.44.0'),
    },
    replicas: { count: pick(1, 1, 2, 3), lagMs: rate(30 * SECOND) },
    network: {
      ...{ refused: rate(0.3), hangsConnecting: rate(0.1), lostThere: rate(0.3), lostBack: rate(0.3) },
      ...{
        cut: rate(0.2),
        storm: rate(0.4),
        lateStorm: rate(0.2),
        latencyMs: pick(1, 20, 200),
        slow: rate(0.2),
      },
    },
    restartedBeforeMs: random.next() < 0.3 ? random.next() * PRELUDE_MS : undefined,
    events: Array.from({ length: Math.floor(random.next() ** 2 * 4) }, () => ({
      kind: pick('silence', 'busy', 'clock', 'foreign restart', 'doom', 'terminate'),
      afterMs: random.next() * timeoutMs * 0.7,
      forMs: random.next() ** 2 * 60 * SECOND,
    })),
  };
}
