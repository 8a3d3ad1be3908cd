import type { Clock } from '../../src/clock.ts';

/** A time that passes only when there is nothing left to do: hours take milliseconds. */
export interface VirtualTime {
  /** Milliseconds; the same scale as `clock`. */
  now(): number;
  at(time: number, run: () => void): void;
  /** The same for what comes in at the step's process: while that is suspended, it has to wait. */
  atProcess(time: number, run: () => void): void;
  /** Suspends the step's process from now on: the world goes on without it. When it wakes, one kind of what is due comes first. */
  suspend(forMs: number, first: Kind): void;
  readonly clock: Clock;
  /** Lets time pass until the work is done. Throws where it waits for something that will never come. */
  run<T>(work: Promise<T>): Promise<T>;
}

interface Timer {
  readonly time: number;
  readonly run: () => void;
  /** Undefined for what does not depend on whether the process is awake. */
  readonly kind?: Kind;
}

/** What a process waits for: its own timers, and what comes in from outside. */
export type Kind = 'timer' | 'input';

/** How long after the first kind the other comes, when the process wakes: in milliseconds, too short to matter. */
const SECOND_KIND_MS = 0.001;

export function createVirtualTime(start: number): VirtualTime {
  let now = start;
  let awakeAt = start;
  let firstKind: Kind = 'timer';
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
      if (next?.kind === undefined || next.time >= awakeAt) return next;
      add({ ...next, time: awakeAt + (next.kind === firstKind ? 0 : SECOND_KIND_MS) });
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
      add({ time: now + ms, run: wake, kind: 'timer' });
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
    atProcess: (time, callback) => add({ time, run: callback, kind: 'input' }),
    suspend: (forMs, first) => {
      firstKind = first;
      awakeAt = Math.max(awakeAt, now + forMs);
    },
    clock: { now: () => now, sleep },
    run,
  };
}
