/** The action's source of time. Everything that waits is passed a clock, so that tests control time. */
export interface Clock {
  /** Milliseconds on a monotonic scale; only differences mean anything. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const wake = () => {
        signal.removeEventListener('abort', stop);
        resolve();
      };
      const stop = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(wake, Math.max(0, ms));
      signal.addEventListener('abort', stop, { once: true });
    }),
};

/** The limits of an operation: `deadline` is on the clock's scale, in milliseconds. */
export interface Bounds {
  readonly deadline: number;
  /** Aborts with the error to report. */
  readonly signal: AbortSignal;
}

/** How long an operation may take: `ms` milliseconds, or until `signal` aborts. */
export interface Limit {
  readonly ms: number;
  readonly signal: AbortSignal;
}

/** For work that no signal stops. */
export const NEVER = new AbortController().signal;

/** The reason for stopping a timer whose work is done. Created once, because errors are expensive to create. */
const WORK_IS_OVER = new DOMException('the work is over', 'AbortError');

/** If a timer is this late, the process was suspended. In milliseconds. */
const LATE_MS = 250;
/** Time to read what arrived meanwhile: in milliseconds. */
const READ_MS = 50;

/** Throws once the limit is reached. If the process was suspended past it, an answer that already arrived gets a moment to be read. */
async function overAfter(clock: Clock, { ms, signal }: Limit): Promise<never> {
  const dueAt = clock.now() + ms;
  await clock.sleep(ms, signal);
  if (clock.now() - dueAt > LATE_MS) await clock.sleep(READ_MS, signal);
  throw new DOMException('the time allowed is over', 'TimeoutError');
}

/**
 * Runs `work` and stops waiting for it once its limit is reached, even if it ignores its signal. Rejects with a `TimeoutError` after
 * `ms` (see {@link isTimeout}), and with the signal's reason after an abort.
 */
export async function within<T>(
  clock: Clock,
  { ms, signal }: Limit,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const [stopTimer, stopWork] = [new AbortController(), new AbortController()];
  const pass = () => stopTimer.abort(signal.reason);
  signal.addEventListener('abort', pass);
  const limit = overAfter(clock, { ms, signal: stopTimer.signal });
  try {
    return await Promise.race([limit, work(stopWork.signal)]);
  } finally {
    signal.removeEventListener('abort', pass);
    stopTimer.abort(WORK_IS_OVER);
    stopWork.abort(WORK_IS_OVER);
  }
}

/** Stops waiting for `work` when `signal` aborts; the work goes on. Rejects with the signal's reason then. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const stop = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    return await Promise.race([aborted.promise, work]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

export function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}

/** Formats milliseconds, e.g. `5.1 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Formats the milliseconds left, in whole seconds: `4 min 10 s`, `35 s`. */
export function minutes(ms: number): string {
  const left = Math.max(0, Math.ceil(ms / 1_000));
  const [whole, rest] = [Math.floor(left / 60), left % 60];
  const parts = [...(whole > 0 ? [`${whole} min`] : []), ...(rest > 0 || whole === 0 ? [`${rest} s`] : [])];
  return parts.join(' ');
}
