import type { Clock } from '../../src/clock.ts';

/** Time that advances only when nothing is left to do: hours take milliseconds. */
export interface VirtualTime {
  /** Milliseconds; the same scale as `clock`. */
  now(): number;
  at(time: number, run: () => void): void;
  /** The same for input to the step's process, which waits while the process is suspended. */
  atProcess(time: number, run: () => void): void;
  /** Suspends the step's process from now on, while the world goes on. When it wakes, due work of the kind `first` runs first. */
  suspend(forMs: number, first: Kind): void;
  readonly clock: Clock;
  /** Lets time pass until the work is done. Throws if it waits for something that will never happen. */
  run<T>(work: Promise<T>): Promise<T>;
}

interface Timer {
  readonly time: number;
  readonly run: () => void;
  /** Undefined if it runs even while the process is suspended. */
  readonly kind?: Kind;
}

/** What a process waits for: its own timers, and input from outside. */
export type Kind = 'timer' | 'input';

/** How long after the first kind the other runs when the process wakes: in milliseconds, too short to matter. */
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

  /** The next timer that is due; those of a suspended process wait until it wakes. */
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
      // All microtasks and ticks have run when an immediate runs.
      await new Promise((resolve) => setImmediate(resolve));
      if (isDone) return work;
      const next = takeNext();
      if (next === undefined) throw new Error('the work waits for something that will never happen');
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
