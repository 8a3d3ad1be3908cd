import { BUSY_LAG_MS, type RunnerSnapshot } from './snapshot.ts';

/** The unbroken run of snapshots that showed no job; undefined where the last one did not. */
export interface IdleStretch {
  /** When the first of them was there, on the clock's scale. */
  readonly since: number;
  /** When the last of them was there. */
  readonly until: number;
}

/**
 * `idle`: it is safe to say so; `settling`: no job is seen, but one that began lately might not be seen yet; `unknown`:
 * GitHub gave no usable answer.
 */
export type BusyVerdict = 'idle' | 'settling' | 'busy' | 'unknown';

/** Between two snapshots further apart than this a job may have come and gone, and another have begun: in milliseconds. */
const LONGEST_GAP_MS = 20_000;

/**
 * Decides whether a job runs on the runner, from one snapshot and those before it. Pure.
 * GitHub may say "not busy" for a minute after a job began, so it takes a minute of such snapshots to know of all jobs that
 * began before it. A busy runner that is offline has lost its job: nobody works on it any more.
 */
export function judgeBusy(
  idleStretch: IdleStretch | undefined,
  { askedAt, answeredAt, runner }: RunnerSnapshot,
): { verdict: BusyVerdict; idleStretch: IdleStretch | undefined } {
  if (runner === undefined) return { verdict: 'unknown', idleStretch: undefined };
  if (runner !== 'gone' && runner.isOnline && runner.isBusy)
    return { verdict: 'busy', idleStretch: undefined };
  const isUnbroken = idleStretch !== undefined && askedAt - idleStretch.until <= LONGEST_GAP_MS;
  const since = isUnbroken ? idleStretch.since : answeredAt;
  return {
    verdict: askedAt - since >= BUSY_LAG_MS ? 'idle' : 'settling',
    idleStretch: { since, until: answeredAt },
  };
}
