// Whether a job runs on the runners in one VM: a state machine over what GitHub shows. Pure; gate.ts does the reading.
//
// Two sources are read. The runners are read every few seconds. The jobs in progress cost many requests, so they are read once
// per idle stretch (an unbroken run of reads in which no runner shows a job), and once more right before the restart.
// The VM is busy if any of its runners is.
//
// | state       | what is known                                                  | what comes next                          |
// | ----------- | -------------------------------------------------------------- | ---------------------------------------- |
// | unread      | nothing yet                                                    | read the runners                         |
// | unknown     | GitHub gave no usable answer about the runners, or the jobs    | read again, until patience ends          |
// | busy        | a source shows a job                                           | what when_busy says                      |
// | unconfirmed | no runner shows a job; the jobs are unread in this idle stretch | read the jobs                            |
// | settling    | no source shows a job, but not for all of idle_for yet         | read the runners again                   |
// | idle        | no source has shown a job for all of idle_for                  | the restart, after a last read of each   |
//
// | event                    | new state                                                          | idle stretch              |
// | ------------------------ | ------------------------------------------------------------------ | ------------------------- |
// | runners: no answer       | unknown                                                            | ends                      |
// | runners: one has a job   | busy                                                               | ends                      |
// | runners: none has a job  | unconfirmed if the jobs are unread in this stretch, else settling or idle | begins, or goes on |
// | jobs: no answer          | unknown                                                            | goes on, with jobs unread |
// | jobs: one on a runner    | busy                                                               | ends                      |
// | jobs: none or unreadable | settling or idle; if the state was busy or unknown, it stays       | goes on, with jobs read   |

import type { Job } from './jobs.ts';
import type { JobFinding, RunnersReading } from './vm-runners.ts';

/** An unbroken run of reads in which no runner showed a job; moments on the clock's scale. */
export interface IdleStretch {
  /** When the first of these reads was answered. */
  readonly since: number;
  /** When the last of them was answered. */
  readonly until: number;
  /** For how much longer no job must be seen: in milliseconds; not above 0 once it is enough. */
  readonly leftMs: number;
  /** Whether the jobs were read since it began, and showed none on these runners. */
  readonly areJobsRead: boolean;
}

export type Occupancy =
  | { readonly kind: 'unread' }
  | {
      readonly kind: 'unknown';
      readonly about: 'runners' | 'jobs';
      readonly stretch: IdleStretch | undefined;
    }
  /** With the job that the jobs source showed; undefined if only a runner showed that there is one. */
  | { readonly kind: 'busy'; readonly job: Job | undefined }
  | { readonly kind: 'unconfirmed' | 'settling' | 'idle'; readonly stretch: IdleStretch };

export type OccupancyEvent =
  | { readonly kind: 'runners'; readonly reading: RunnersReading }
  | { readonly kind: 'jobs'; readonly finding: JobFinding };

export interface OccupancyRules {
  /** For how long no job must have been seen: in milliseconds. */
  readonly idleForMs: number;
}

export const UNREAD: Occupancy = { kind: 'unread' };

/** Between two reads further apart than this a job may have come and gone, and another have begun: in milliseconds. */
const LONGEST_GAP_MS = 20_000;

/** The state after an event. Pure. */
export function nextOccupancy(state: Occupancy, event: OccupancyEvent, rules: OccupancyRules): Occupancy {
  return event.kind === 'runners'
    ? afterRunners(state, event.reading, rules)
    : afterJobs(state, event.finding);
}

/** An offline runner with a job has lost it: its connection to GitHub is gone. */
function afterRunners(state: Occupancy, reading: RunnersReading, rules: OccupancyRules): Occupancy {
  const { runners } = reading;
  if (runners === undefined) return { kind: 'unknown', about: 'runners', stretch: undefined };
  if (runners.some(({ isOnline, isBusy }) => isOnline && isBusy)) return { kind: 'busy', job: undefined };
  return withoutJob(continued(stretchOf(state), reading, rules));
}

function afterJobs(state: Occupancy, finding: JobFinding): Occupancy {
  const stretch = stretchOf(state);
  if (finding === undefined) {
    const unread = stretch && { ...stretch, areJobsRead: false };
    return { kind: 'unknown', about: 'jobs', stretch: unread };
  }
  if (finding !== 'none' && finding !== 'unreadable') return { kind: 'busy', job: finding };
  return stretch === undefined ? state : withoutJob({ ...stretch, areJobsRead: true });
}

function stretchOf(state: Occupancy): IdleStretch | undefined {
  return 'stretch' in state ? state.stretch : undefined;
}

/** From the first answer to the last question: a first read has no time behind it, which is enough for an `idle_for` of 0. */
function continued(
  before: IdleStretch | undefined,
  { askedAt, answeredAt }: RunnersReading,
  { idleForMs }: OccupancyRules,
): IdleStretch {
  if (before === undefined || askedAt - before.until > LONGEST_GAP_MS)
    return { since: answeredAt, until: answeredAt, leftMs: idleForMs, areJobsRead: false };
  return { ...before, until: answeredAt, leftMs: idleForMs - (askedAt - before.since) };
}

function withoutJob(stretch: IdleStretch): Occupancy {
  if (!stretch.areJobsRead) return { kind: 'unconfirmed', stretch };
  return { kind: stretch.leftMs <= 0 ? 'idle' : 'settling', stretch };
}
