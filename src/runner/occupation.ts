import { BUSY_LAG_MS, type Reading } from './reading.ts';

/** The unbroken run of readings that showed no job; undefined where the last one did not. */
export interface Calm {
  /** When the first of them was there, on the clock's scale. */
  readonly since: number;
  /** When the last of them was there. */
  readonly until: number;
}

/**
 * `idle`: it is safe to say so; `settling`: no job is seen, but one that began lately might not be seen yet; `unknown`:
 * GitHub gave no usable answer.
 */
export type Occupation = 'idle' | 'settling' | 'busy' | 'unknown';

/** Between two readings further apart than this a job may have come and gone, and another have begun: in milliseconds. */
const LONGEST_GAP_MS = 20_000;

/**
 * Decides whether a job runs on the runner, from one reading and those before it. Pure.
 * GitHub may say "not busy" for a minute after a job began, so it takes a minute of such readings to know of all jobs that
 * began before it. A busy runner that is offline has lost its job: nobody works on it any more.
 */
export function judgeOccupation(
  calm: Calm | undefined,
  { askedAt, answeredAt, runner }: Reading,
): { occupation: Occupation; calm: Calm | undefined } {
  if (runner === undefined) return { occupation: 'unknown', calm: undefined };
  if (runner !== 'gone' && runner.isOnline && runner.isBusy) return { occupation: 'busy', calm: undefined };
  const isUnbroken = calm !== undefined && askedAt - calm.until <= LONGEST_GAP_MS;
  const since = isUnbroken ? calm.since : answeredAt;
  return {
    occupation: askedAt - since >= BUSY_LAG_MS ? 'idle' : 'settling',
    calm: { since, until: answeredAt },
  };
}
