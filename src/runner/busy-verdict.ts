import type { Job } from './jobs.ts';
import type { RunnerSnapshot } from './snapshot.ts';

/** The unbroken run of snapshots that showed no job; undefined where the last one did not. */
export interface IdleStretch {
  /** When the first of them was there, on the clock's scale. */
  readonly since: number;
  /** When the last of them was there. */
  readonly until: number;
}

/**
 * `idle`: no job was seen for as long as is asked for; `settling`: none is seen, but not for long enough; `unknown`: GitHub
 * gave no usable answer.
 */
export type BusyVerdict = 'idle' | 'settling' | 'busy' | 'unknown';

export interface BusyJudgement {
  readonly verdict: BusyVerdict;
  readonly idleStretch: IdleStretch | undefined;
  /** For how much longer no job must be seen: in milliseconds. */
  readonly leftMs: number;
}

/** What was seen before, and for how long no job must have been seen: in milliseconds. */
export interface BusyHistory {
  readonly idleStretch: IdleStretch | undefined;
  readonly idleForMs: number;
}

/** Between two snapshots further apart than this a job may have come and gone, and another have begun: in milliseconds. */
const LONGEST_GAP_MS = 20_000;

/**
 * Decides whether a job runs on the runner, from one snapshot and those before it. Pure.
 * GitHub says "busy" late, so one snapshot without a job says little of jobs that began lately. A busy runner that is offline
 * has lost its job: nobody works on it any more.
 */
export function judgeBusy(
  { idleStretch, idleForMs }: BusyHistory,
  { askedAt, answeredAt, runner }: RunnerSnapshot,
): BusyJudgement {
  const notIdle = { idleStretch: undefined, leftMs: idleForMs };
  if (runner === undefined) return { verdict: 'unknown', ...notIdle };
  if (runner !== 'gone' && runner.isOnline && runner.isBusy) return { verdict: 'busy', ...notIdle };
  const isUnbroken = idleStretch !== undefined && askedAt - idleStretch.until <= LONGEST_GAP_MS;
  const since = isUnbroken ? idleStretch.since : answeredAt;
  // A first look has no time behind it: it is enough where no time is asked for.
  const leftMs = idleForMs - (isUnbroken ? askedAt - since : 0);
  const verdict = leftMs <= 0 ? 'idle' : 'settling';
  return { verdict, idleStretch: { since, until: answeredAt }, leftMs };
}

/**
 * What the jobs in progress say of the runner: the job that runs on it; `none`; `unreadable` where the token may not read
 * them; undefined where GitHub gave no usable answer.
 */
export type JobFinding = Job | 'none' | 'unreadable' | undefined;

/**
 * The verdict on a runner that shows no job, once the jobs were read, too. Pure. One source that shows a job is enough;
 * what cannot be read for good is left out; what is not known now has to be asked again.
 */
export function judgeWithJobs(verdict: BusyVerdict, finding: JobFinding): BusyVerdict {
  if (finding === undefined) return 'unknown';
  return finding === 'none' || finding === 'unreadable' ? verdict : 'busy';
}
