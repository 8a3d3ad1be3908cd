import type { Clock } from '../../src/clock.ts';

export interface FakeClock extends Clock {
  /** How long was slept, in order. */
  readonly sleeps: number[];
  /** Lets the time pass that a held sleep waits for. */
  expire(): void;
}

/**
 * Time advances only by sleeps, which end at once. Sleeps for which `hold` is true wait for
 * `expire`: limits that are not to be reached.
 */
export function createFakeClock(hold: (ms: number, signal: AbortSignal) => boolean = () => false): FakeClock {
  let now = 1_000;
  const sleeps: number[] = [];
  const held = new Set<() => void>();
  return {
    sleeps,
    now: () => now,
    sleep(ms, signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      const pass = () => {
        now += Math.max(0, ms);
      };
      if (!hold(ms, signal)) {
        sleeps.push(ms);
        pass();
        return Promise.resolve();
      }
      return new Promise((resolve, reject) => {
        const end = () => {
          pass();
          resolve();
        };
        held.add(end);
        signal.addEventListener('abort', () => {
          held.delete(end);
          reject(signal.reason);
        });
      });
    },
    expire() {
      for (const end of held) end();
      held.clear();
    },
  };
}

/** A clock for a step over real sockets. */
export interface PausingClock extends FakeClock {
  /** That of a step which is never cancelled: hand it to the step. */
  readonly signal: AbortSignal;
}

/**
 * The step's pauses end at once, and are counted. Limits, which have their own signals, are not reached unless the test says so, or
 * no time is left to begin with.
 */
export function createPausingClock(): PausingClock {
  const { signal } = new AbortController();
  return { ...createFakeClock((ms, given) => given !== signal && ms > 0), signal };
}
