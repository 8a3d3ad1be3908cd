import type { Clock } from '../clock.ts';

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

/** How long an unbroken run of faults of one nature is retried: in milliseconds. */
interface Allowance {
  /** Before the server's first good answer. */
  readonly atFirstMs: number;
  /** After it: then the inputs are known to be right. */
  readonly laterMs: number;
}

/** An attempt to connect takes no longer than this, in milliseconds. */
export const LONGEST_CONNECT_MS = 20_000;

const ENDLESS_MS = Number.POSITIVE_INFINITY;

const ALLOWANCES: Readonly<Record<FaultNature, Allowance>> = {
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

/** Two faults further apart than this are not one run: the process was suspended, or no answer came in between. In milliseconds. */
const LONGEST_PAUSE_IN_RUN_MS = 30_000;

/** Decides when a server's faults are final. One for each server, for the whole step. */
export interface RetryBudget {
  /** The server has given a good answer. */
  renew(): void;
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

interface FaultRun {
  readonly since: number;
  readonly until: number;
  /** An unreachable server and one with bad answers are counted separately. */
  readonly isUnreachable: boolean;
}

/** @param hadGoodAnswer the server has given a good answer before. */
export function createRetryBudget(clock: Pick<Clock, 'now'>, hadGoodAnswer = false): RetryBudget {
  let isTrusted = hadGoodAnswer;
  /** The unbroken run of faults: when its first and its last fault came. */
  let run: FaultRun | undefined;
  return {
    apart: () => createRetryBudget(clock, isTrusted),
    renew() {
      isTrusted = true;
      run = undefined;
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
