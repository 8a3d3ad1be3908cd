import type { Bounds, Clock } from '../clock.ts';
import type { ErrorCode } from '../errors.ts';
import type { FailedAttempt } from '../log.ts';

/** Why an attempt failed. */
export interface Fault extends FailedAttempt {
  readonly nature: FaultNature;
  /** The pause that the server requests, in milliseconds. */
  readonly waitMs?: number | undefined;
  /** The code of the error if this is the last fault; absent: the server gave no usable answer. */
  readonly code?: ErrorCode;
  /** The message of that error, if it is more specific than the reason. */
  readonly message?: string;
  readonly cause?: unknown;
}

/** The result of an attempt: a value, which ends the attempts, or a fault. */
export type Attempt<T> = { readonly value: T } | { readonly fault: Fault };

export interface RetryBounds extends Bounds {
  /** Called after each failed attempt. */
  readonly onFault?: ((fault: Fault) => void) | undefined;
}

interface RetryContext {
  readonly clock: Clock;
  /** Uniform in [0, 1): jitter for the pauses between attempts. */
  readonly random: () => number;
  readonly budget: RetryBudget;
}

/**
 * Makes an attempt, then another after each fault, as {@link createRetries} allows. `isFinal`: the budget for the last fault is spent, so
 * more time would not help.
 * @throws what an attempt throws; the signal's reason, but never after an attempt that returned a value.
 */
export async function retry<T>(
  { clock, random, budget }: RetryContext,
  tryOnce: () => Promise<Attempt<T>>,
  { deadline, signal, onFault }: RetryBounds,
): Promise<{ readonly value: T } | { readonly fault: Fault; readonly isFinal: boolean }> {
  const retries = createRetries({ random, budget });
  for (;;) {
    const startedAt = clock.now();
    const attempt = await tryOnce();
    if ('value' in attempt) return attempt;
    signal.throwIfAborted();
    const { fault } = attempt;
    const now = clock.now();
    const next = retries.after(fault, deadline - now, now - startedAt);
    onFault?.({ ...fault, leftMs: next.kind === 'pause' ? next.leftMs : 0 });
    if (next.kind === 'give up') return { fault, isFinal: next.isFinal };
    await clock.sleep(next.pauseMs, signal);
  }
}

/** Decides after each fault of one request whether and when it is retried. */
export interface Retries {
  /**
   * Call it once per fault.
   * @param timeLeftMs how much time is left for further attempts.
   * @param tookMs how long the attempt took.
   */
  after(fault: Fault, timeLeftMs: number, tookMs?: number): NextTry;
}

type NextTry =
  /** `leftMs`: for how much longer the request is retried. */
  | { readonly kind: 'pause'; readonly pauseMs: number; readonly leftMs: number }
  /** `isFinal`: the budget is spent; otherwise no time is left, or a quota allows no attempt in time. */
  | { readonly kind: 'give up'; readonly isFinal: boolean };

export function createRetries({ random, budget }: Pick<RetryContext, 'random' | 'budget'>): Retries {
  let tries = 0;
  return {
    after({ nature, waitMs = 0 }, timeLeftMs, tookMs) {
      tries++;
      const allowedMs = budget.note(nature, tookMs);
      const isFinal = allowedMs === 0;
      const isForbidden = nature === 'quota' && waitMs >= timeLeftMs;
      if (isFinal || timeLeftMs < SHORTEST_TRY_MS || isForbidden) return { kind: 'give up', isFinal };
      // The server requests a longer pause than the time left: it may be back sooner.
      const isLong = nature === 'long pause' || waitMs >= timeLeftMs;
      const backoff = isLong ? LONGEST_BACKOFF_MS : backoffMs(tries, random);
      // Pauses get shorter toward the deadline, so that a server that recovers in time is noticed in time.
      const pauseMs = Math.max(isLong ? 0 : waitMs, Math.min(backoff, timeLeftMs / 2));
      return { kind: 'pause', pauseMs, leftMs: Math.min(timeLeftMs, allowedMs) };
    },
  };
}

/** With less time left, another attempt is pointless. */
const SHORTEST_TRY_MS = 250;
const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 3_000;

/** The pause in milliseconds after this many attempts: they double from 250 up to 3,000, and jitter shortens them by up to half. */
function backoffMs(tries: number, random: () => number): number {
  return Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (tries - 1)) * (1 - random() / 2);
}

/** A longer pause than this, in milliseconds, is not honored: the request is retried sooner, for a while. */
const LONGEST_WAIT_MS = 60_000;

/** The nature of an answer that may be different next time, from its Retry-After. */
export function natureOf(retryAfterMs = 0): FaultNature {
  return retryAfterMs > LONGEST_WAIT_MS ? 'long pause' : 'passing';
}

/** HTTP statuses that may be different next time. */
export function isTransientStatus(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/**
 * The pause in a Retry-After header, in milliseconds. The header has a number of seconds, or a date; for a date, the Date header of the same
 * answer is the server's current time.
 */
export function parseRetryAfter(retryAfter = '', date = ''): number | undefined {
  const value = retryAfter.trim();
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const untilMs = Date.parse(value) - Date.parse(date);
  return Number.isNaN(untilMs) ? undefined : Math.max(0, untilMs);
}

// ---- how long each kind of fault is retried ----

/**
 * The nature of a fault, by what can fix it:
 * - `passing`: it may clear up by itself (reset, silent, 5xx).
 * - `unreachable`: no connection can be made (refused, no route, no answer to the attempt). The server may be starting.
 * - `quota`: the server limits requests, and accepts none before the time that it states.
 * - `long pause`: the server asks the client to wait for more than a minute.
 * - `denial`: GitHub does not know the token, or denies it access (401, 403, 404), as can happen with a new token.
 * - `refusal`: the server answered with a rejection (3xx or 4xx). It may be a gateway that is still starting.
 * - `mistake`: most likely an input or the network's setup is wrong (TLS, a name that does not exist, a page that is not an
 *   API). A faulty server can cause the same.
 */
export type FaultNature =
  | 'passing'
  | 'unreachable'
  | 'quota'
  | 'long pause'
  | 'denial'
  | 'refusal'
  | 'mistake';

/** An attempt to connect takes no longer than this, in milliseconds. */
export const LONGEST_CONNECT_MS = 20_000;

const ENDLESS_MS = Number.POSITIVE_INFINITY;

/**
 * How long an unbroken run of faults of one nature is retried, in milliseconds: before the server's first good answer, and after it, when
 * the inputs are known to be right.
 */
const ALLOWANCES: Readonly<Record<FaultNature, { readonly atFirstMs: number; readonly laterMs: number }>> = {
  passing: { atFirstMs: ENDLESS_MS, laterMs: ENDLESS_MS },
  // One more attempt takes at most LONGEST_CONNECT_MS after a pause of 3 s: this ends within 60 s.
  unreachable: { atFirstMs: 37_000, laterMs: ENDLESS_MS },
  quota: { atFirstMs: ENDLESS_MS, laterMs: ENDLESS_MS },
  'long pause': { atFirstMs: 30_000, laterMs: 30_000 },
  denial: { atFirstMs: 10_000, laterMs: 30_000 },
  refusal: { atFirstMs: 0, laterMs: 30_000 },
  // With one more attempt, which takes at most 10 s by default, this ends within 30 s.
  mistake: { atFirstMs: 15_000, laterMs: ENDLESS_MS },
};

/** In milliseconds. Two faults further apart than this are not one run: the process was suspended, or no answer arrived in between. */
const LONGEST_PAUSE_IN_RUN_MS = 30_000;

/** Decides when a server's faults are final. One for each server, for the whole step. */
export interface RetryBudget {
  /** The server has given a good answer. */
  renew(): void;
  /** The server has given an answer, good or bad: it can be reached. */
  reached(): void;
  /**
   * Records a fault. Call it once per fault, and pass the result on.
   * @param tookMs how long the attempt took, in milliseconds: it counts if it was spent on connecting.
   * @returns how much longer such faults are retried, in milliseconds; 0 once the fault is final, because another attempt would not
   * help.
   */
  note(nature: FaultNature, tookMs?: number): number;
  /** A separate budget for another kind of request to the same server, whose faults are unrelated. */
  apart(): RetryBudget;
}

/** No fault is final before the deadline: for a server that is known to be right, and if nothing tries again later. */
export const ENDLESS_BUDGET: RetryBudget = {
  apart: () => ENDLESS_BUDGET,
  renew() {},
  reached() {},
  note: () => ENDLESS_MS,
};

interface FaultRun {
  readonly since: number;
  readonly until: number;
  /** An unreachable server and one with bad answers are counted separately. */
  readonly isUnreachable: boolean;
}

/** @param hadGoodAnswer the server has given a good answer before. */
export function createRetryBudget(clock: Pick<Clock, 'now'>, hadGoodAnswer = false): RetryBudget {
  let isTrusted = hadGoodAnswer;
  /** The unbroken run of faults: the times of its first and its last fault. */
  let run: FaultRun | undefined;
  return {
    apart: () => createRetryBudget(clock, isTrusted),
    renew() {
      isTrusted = true;
      run = undefined;
    },
    reached() {
      if (run?.isUnreachable) run = undefined;
    },
    note(nature, tookMs = 0) {
      const { atFirstMs, laterMs } = ALLOWANCES[nature];
      const allowedMs = isTrusted ? laterMs : atFirstMs;
      if (allowedMs === ENDLESS_MS) {
        run = undefined;
        return ENDLESS_MS;
      }
      const now = clock.now();
      const isUnreachable = nature === 'unreachable';
      const isUnbroken = run?.isUnreachable === isUnreachable && now - run.until <= LONGEST_PAUSE_IN_RUN_MS;
      // If it took longer than an attempt may take, the process was suspended.
      const beganAt = isUnreachable ? now - Math.min(tookMs, LONGEST_CONNECT_MS) : now;
      const since = run !== undefined && isUnbroken ? run.since : beganAt;
      run = { since, until: now, isUnreachable };
      return Math.max(0, since + allowedMs - now);
    },
  };
}
