import type { Bounds, Clock } from '../clock.ts';
import type { ErrorCode } from '../errors.ts';
import type { FaultNature, Patience } from './patience.ts';

/** Why a try failed. */
export interface Fault {
  /** For counting: one of a small set, e.g. `HTTP 502`. */
  readonly kind: string;
  /** For people. */
  readonly reason: string;
  /** What can be done about it. */
  readonly hint: string;
  readonly nature: FaultNature;
  /** For how long the server wants to be left alone, in milliseconds. */
  readonly waitMs?: number | undefined;
  /** What it comes to where nothing better follows. */
  readonly code?: ErrorCode;
  /** Somebody else has told the log of it: it only counts. */
  readonly isTold?: boolean;
}

/** What a try came to: a value, which ends the tries, or a fault. */
export type Attempt<T, F extends Fault = Fault> = { readonly value: T } | { readonly fault: F };

export interface RetryBounds extends Bounds {
  /** Told of each try that failed. */
  readonly onFault?: ((fault: Fault) => void) | undefined;
}

export interface RetryContext {
  readonly clock: Clock;
  /** Uniform in [0, 1): jitter for the pauses between two tries. */
  readonly random: () => number;
  readonly patience: Patience;
}

/**
 * Tries at once, then again after each fault, until the patience with it is over, no time is left for another try, or a quota
 * allows none in time. `bounds.deadline` may move on between two tries.
 * @returns what the last try came to.
 * @throws what a try throws; the signal's reason, but never after a try that ended with a value.
 */
export async function retry<T, F extends Fault>(
  { clock, random, patience }: RetryContext,
  tryOnce: () => Promise<Attempt<T, F>>,
  bounds: RetryBounds,
): Promise<Attempt<T, F>> {
  for (let tries = 1; ; tries++) {
    const attempt = await tryOnce();
    if ('value' in attempt) return attempt;
    bounds.signal.throwIfAborted();
    const { fault } = attempt;
    bounds.onFault?.(fault);
    const leftMs = bounds.deadline - clock.now();
    const { nature, waitMs = 0 } = fault;
    const isForbidden = nature === 'quota' && waitMs >= leftMs;
    if (patience.isOver(nature) || leftMs < SHORTEST_TRY_MS || isForbidden) return attempt;
    // The server asks for more time than there is: it may be back sooner.
    const isLong = nature === 'long pause' || waitMs >= leftMs;
    const pauseMs = isLong ? LONGEST_BACKOFF_MS : backoffMs(tries, random);
    // Towards the end pauses grow shorter again: what comes back in time has to be seen in time.
    const ms = Math.max(isLong ? 0 : waitMs, Math.min(pauseMs, leftMs / 2));
    await clock.sleep(ms, bounds.signal);
  }
}

/** With less time left, another try is of no use. */
const SHORTEST_TRY_MS = 250;
const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 3_000;

/** Milliseconds after so many tries: they double from 250 up to 3,000, of which jitter takes up to half away. */
function backoffMs(tries: number, random: () => number): number {
  return Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (tries - 1)) * (1 - random() / 2);
}

/** A pause longer than this, in milliseconds, is not waited for: the server is asked again sooner, for a while. */
const LONGEST_WAIT_MS = 60_000;

/** The nature of an answer that may be another the next time, by what its Retry-After asks for. */
export function natureOf(retryAfterMs = 0): FaultNature {
  return retryAfterMs > LONGEST_WAIT_MS ? 'long pause' : 'passing';
}

/** HTTP statuses that may be others the next time. */
export function isTransientStatus(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/**
 * What a Retry-After header asks for, in milliseconds: it is a number of seconds, or a date; then the Date header of
 * the same answer says what "now" means to the server.
 */
export function parseRetryAfter(retryAfter = '', date = ''): number | undefined {
  const value = retryAfter.trim();
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const untilMs = Date.parse(value) - Date.parse(date);
  return Number.isNaN(untilMs) ? undefined : Math.max(0, untilMs);
}
