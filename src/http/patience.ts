import type { Clock } from '../clock.ts';

/**
 * What kind of fault it is, by who can mend it:
 * - `passing`: it may heal by itself (refused, reset, silent, 5xx).
 * - `quota`: the server counts requests, and takes none before the time that it names.
 * - `long pause`: the server asks to be left alone for more than a minute.
 * - `denial`: GitHub does not know the token, or does not let it see something (401, 403, 404), as with a token that was just made.
 * - `refusal`: the server answered, and said no (3xx or 4xx). It may be a gateway that is just starting.
 * - `mistake`: most likely an input or the network's set-up is wrong (TLS, a name that does not exist, a page that is no API).
 *   The same can come from a server that is in trouble.
 */
export type FaultNature = 'passing' | 'quota' | 'long pause' | 'denial' | 'refusal' | 'mistake';

/** For how long faults of a nature, and nothing else, are put up with: in milliseconds. */
interface PatienceLimit {
  /** As long as the server has given no good answer. */
  readonly atFirstMs: number;
  /** Once it has: then the inputs are right. */
  readonly laterMs: number;
}

const ENDLESS_MS = Number.POSITIVE_INFINITY;

const LIMITS: Readonly<Record<FaultNature, PatienceLimit>> = {
  passing: { atFirstMs: ENDLESS_MS, laterMs: ENDLESS_MS },
  quota: { atFirstMs: ENDLESS_MS, laterMs: ENDLESS_MS },
  'long pause': { atFirstMs: 30_000, laterMs: 30_000 },
  denial: { atFirstMs: 10_000, laterMs: 30_000 },
  refusal: { atFirstMs: 0, laterMs: 30_000 },
  // With one more try, which takes 10 s at the most by default, it is over within 30 s.
  mistake: { atFirstMs: 15_000, laterMs: ENDLESS_MS },
};

/** Between two faults further apart nobody asked (the process was suspended, say), or there was no answer: in milliseconds. */
const LONGEST_GAP_MS = 30_000;

/** Decides when a server's faults have to be believed. One for each server, for the whole step. */
export interface Patience {
  /** The server has given a good answer. */
  renew(): void;
  /** Takes note of a fault. True: it has to be believed, another try is of no use. */
  isOver(nature: FaultNature): boolean;
  /** For another kind of request, whose faults last or pass by themselves. */
  apart(): Patience;
}

/** @param hadGoodAnswer the server has given a good answer before. */
export function createPatience(clock: Clock, hadGoodAnswer = false): Patience {
  let isTrusted = hadGoodAnswer;
  /** The unbroken run of faults: when the first of them was there, and the last. */
  let run: { readonly since: number; readonly until: number } | undefined;
  return {
    apart: () => createPatience(clock, isTrusted),
    renew() {
      isTrusted = true;
      run = undefined;
    },
    isOver(nature) {
      const { atFirstMs, laterMs } = LIMITS[nature];
      const limitMs = isTrusted ? laterMs : atFirstMs;
      if (limitMs === ENDLESS_MS) {
        run = undefined;
        return false;
      }
      const now = clock.now();
      const since = run !== undefined && now - run.until <= LONGEST_GAP_MS ? run.since : now;
      run = { since, until: now };
      return now - since >= limitMs;
    },
  };
}
