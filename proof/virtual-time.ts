import type { Clock } from '../src/clock.ts';

/** A time that passes only when there is nothing left to do: hours take milliseconds. */
export interface VirtualTime {
  /** Milliseconds; the same scale as `clock`. */
  now(): number;
  at(time: number, run: () => void): void;
  readonly clock: Clock;
  /** Lets time pass until the work is done. Throws where it waits for something that will never come. */
  run<T>(work: Promise<T>): Promise<T>;
}

interface Timer {
  readonly time: number;
  readonly run: () => void;
}

export function createVirtualTime(start: number): VirtualTime {
  let now = start;
  const timers: Timer[] = [];

  function at(time: number, callback: () => void): void {
    const due = Math.max(time, now);
    const index = timers.findLastIndex((other) => other.time <= due);
    timers.splice(index + 1, 0, { time: due, run: callback });
  }

  function sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      at(now + ms, () => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
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
      const next = timers.shift();
      if (next === undefined) throw new Error('the work waits for something that will never come');
      now = next.time;
      next.run();
    }
  }

  return { now: () => now, at, clock: { now: () => now, sleep }, run };
}
