import type { Clock } from './clock.ts';

// The only poll loop. It serves all waits with a deadline: for the restart, the runner, the job on the runner, the guest.
//
// 1. The first poll begins immediately, or at `firstAt`. Each poll is followed by another at `nextAt`.
// 2. There is always a poll that begins at the deadline, or after it if the process was suspended. It may always take LAST_POLL_MS.
//    A poll that would begin so close to the deadline that it could be cut off is moved to the deadline.
// 3. If a poll at the deadline took longer, the process was suspended during it. One more poll follows, but only one.

/** One poll; moments are milliseconds on the clock's scale. */
export interface PollTime {
  readonly startedAt: number;
  /** When the poll must end, with or without an answer. */
  readonly until: number;
}

export interface PollOptions {
  readonly clock: Clock;
  /** Aborts with the error to throw. */
  readonly signal: AbortSignal;
  /** When the last poll is due. Asked before and after each poll, so it may depend on what was seen; may be infinite. */
  readonly deadline: () => number;
  /** When the next poll should begin, asked after each poll. Later than the deadline means: at the deadline. */
  readonly nextAt: (last: PollTime) => number;
  /** When the first poll begins; at once if absent. */
  readonly firstAt?: number;
  /** The longest time for a poll before the deadline; up to the deadline if absent. In milliseconds. */
  readonly longestMs?: number;
  /** The shortest time for a poll: one that would begin closer to the deadline than this begins at the deadline. In milliseconds. */
  readonly shortestMs?: number;
}

/** How long a poll at the deadline may take beyond it: in milliseconds. */
export const LAST_POLL_MS = 1_500;
/** If a poll at the deadline took this long, the process was suspended during it. */
const SLEPT_MS = LAST_POLL_MS + 500;
const SHORTEST_POLL_MS = 500;

/**
 * Polls until a poll returns a value.
 * @returns the value; undefined if even the poll at the deadline returned none.
 * @throws what a poll throws; the signal's reason.
 */
export async function pollUntil<T>(
  options: PollOptions,
  poll: (time: PollTime) => Promise<T | undefined>,
): Promise<T | undefined> {
  const { clock, signal, deadline, nextAt, longestMs = Number.POSITIVE_INFINITY } = options;
  let lastPolls = 0;
  if (options.firstAt !== undefined) await sleepUntil(options, options.firstAt);
  for (;;) {
    signal.throwIfAborted();
    const startedAt = clock.now();
    const until =
      startedAt >= deadline() ? startedAt + LAST_POLL_MS : Math.min(deadline(), startedAt + longestMs);
    const time = { startedAt, until };
    const found = await poll(time);
    if (found !== undefined) return found;
    const isLast = startedAt >= deadline();
    if (isLast && (++lastPolls > 1 || clock.now() - startedAt < SLEPT_MS)) return undefined;
    await sleepUntil(options, nextAt(time));
  }
}

async function sleepUntil(options: PollOptions, at: number): Promise<void> {
  const { clock, signal, shortestMs = SHORTEST_POLL_MS } = options;
  const deadline = options.deadline();
  const ms = (at + shortestMs > deadline ? deadline : at) - clock.now();
  if (ms > 0) await clock.sleep(ms, signal);
}
