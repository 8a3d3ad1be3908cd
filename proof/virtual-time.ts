import type { Clock } from '../src/clock.ts';

/** A time that passes only when there is nothing left to do: hours take milliseconds. */
export interface VirtualTime {
  /** Milliseconds; the same scale as `clock`. */
  now(): number;
  at(time: number, run: () => void): void;
  /** The same for what comes in at the step's process: while that is suspended, it has to wait. */
  atProcess(time: number, run: () => void): void;
  /** Suspends the step's process from now on: the world goes on without it. Timers are late then, and before what came in. */
  suspend(forMs: number): void;
  readonly clock: Clock;
  /** Lets time pass until the work is done. Throws where it waits for something that will never come. */
  run<T>(work: Promise<T>): Promise<T>;
}

interface Timer {
  readonly time: number;
  readonly run: () => void;
  /** How long after the process was woken it is run; undefined for what does not depend on that. */
  readonly afterWakingMs?: number;
}

/** Before what came in meanwhile is looked at, timers are: in milliseconds, too short to matter. */
const INPUT_AFTER_MS = 0.001;

export function createVirtualTime(start: number): VirtualTime {
  let now = start;
  let awakeAt = start;
  const timers: Timer[] = [];

  function add(timer: Timer): void {
    const time = Math.max(timer.time, now);
    const index = timers.findLastIndex((other) => other.time <= time);
    timers.splice(index + 1, 0, { ...timer, time });
  }

  /** The next timer, unless it has to wait until the process is awake. */
  function takeNext(): Timer | undefined {
    for (;;) {
      const next = timers.shift();
      if (next?.afterWakingMs === undefined || next.time >= awakeAt) return next;
      add({ ...next, time: awakeAt + next.afterWakingMs });
    }
  }

  function sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      const wake = () => {
        signal.removeEventListener('abort', stop);
        resolve();
      };
      add({ time: now + ms, run: wake, afterWakingMs: 0 });
    });
  }

  async function run<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const finish = () => {
      isDone = true;
    };
    work.then(finish, finish);
    for (;;) {
      // Microtasks and ticks are all through when an immediate comes round.
      await new Promise((resolve) => setImmediate(resolve));
      if (isDone) return work;
      const next = takeNext();
      if (next === undefined) throw new Error('the work waits for something that will never come');
      now = next.time;
      next.run();
    }
  }

  return {
    now: () => now,
    at: (time, callback) => add({ time, run: callback }),
    atProcess: (time, callback) => add({ time, run: callback, afterWakingMs: INPUT_AFTER_MS }),
    suspend: (forMs) => {
      awakeAt = Math.max(awakeAt, now + forMs);
    },
    clock: { now: () => now, sleep },
    run,
  };
}
