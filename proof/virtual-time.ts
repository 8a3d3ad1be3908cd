import type { Clock } from '../src/clock.ts';

/** A time that passes only when there is nothing left to do: hours take milliseconds. */
export interface VirtualTime {
  /** Milliseconds; the same scale as `clock`. */
  now(): number;
  at(time: number, act: () => void): void;
  readonly clock: Clock;
  /** Lets time pass until the work is done. Throws where it waits for something that will never come. */
  run<T>(work: Promise<T>): Promise<T>;
}

interface Appointment {
  readonly time: number;
  readonly act: () => void;
}

export function createVirtualTime(start: number): VirtualTime {
  let now = start;
  const agenda: Appointment[] = [];

  function at(time: number, act: () => void): void {
    const due = Math.max(time, now);
    const index = agenda.findLastIndex((other) => other.time <= due);
    agenda.splice(index + 1, 0, { time: due, act });
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
      const next = agenda.shift();
      if (next === undefined) throw new Error('the work waits for something that will never come');
      now = next.time;
      next.act();
    }
  }

  return { now: () => now, at, clock: { now: () => now, sleep }, run };
}
