// Whether the runners in one VM leave it free for a restart: a state machine over what GitHub shows. Pure; gate.ts does the reading.
//
// The gate reads two sources: the runners every few seconds, and the jobs in progress, which cost many requests, only once per idle stretch
// (an unbroken series of reads in which no runner shows a job) and once more right before the restart.
// The VM is busy if any of its runners is.
//
// | state       | what is known                                                   | what comes next                        |
// | ----------- | --------------------------------------------------------------- | -------------------------------------- |
// | unread      | nothing yet                                                     | read the runners                       |
// | unknown     | GitHub gave no usable answer, or one that says too little       | read again, until the limit            |
// | busy        | a source shows a job                                            | as when_busy says                      |
// | online      | a sweep, and a runner is online                                 | leave the VM alone                     |
// | registering | no runner, but the VM has just booted: one may register         | read the runners again                 |
// | unconfirmed | no runner shows a job; the jobs are unread in this idle stretch | read the jobs                          |
// | absent      | one read showed that an ephemeral runner is gone                | read the runners again: pages shift    |
// | settling    | no source shows a job, but not yet for all of idle_for          | read the runners again                 |
// | idle        | no source shows a job, for long enough                          | the restart, after a last read of each |
//
// | event, and what it shows             | new state                                          | idle stretch        |
// | ------------------------------------ | -------------------------------------------------- | ------------------- |
// | runners: no answer                   | unknown                                            | ends                |
// | runners: one online, in a sweep      | online                                             | ends                |
// | runners: one with a job              | busy                                               | ends                |
// | runners: an offline one with a job,  | as if it had no job, until the jobs are read       | goes on             |
// | and the jobs source sees all its     |                                                    |                     |
// | jobs                                 |                                                    |                     |
// | runners: none with a job             | unconfirmed while the jobs are unread, else        | begins at first, or |
// |                                      | settling or idle                                   | after a gap, or     |
// |                                      |                                                    | with a new runner   |
// | runners: the ephemeral ones are gone | as above, without idle_for, but only after two     | begins with the     |
// | after a job, or long after the boot  | reads (absent after the first)                     | absence             |
// | runners: a persistent one with a job | as for "none with a job", but idle_for counts as   | as for "none with   |
// | is gone                              | at least 30 s: it may be shown again               | a job"              |
// | runners: no ephemeral one, otherwise | registering                                        | ends                |
// | jobs: one on a runner                | busy                                               | ends                |
// | jobs: any other, while busy          | busy                                               |                     |
// | jobs: no answer, or one job that may | unknown                                            | goes on, with jobs  |
// | be on one of these runners; or any   |                                                    | unread              |
// | job without a runner, while an       |                                                    |                     |
// | offline runner shows one             |                                                    |                     |
// | jobs: unreadable, and an offline     | busy                                               | ends                |
// | runner shows a job                   |                                                    |                     |
// | jobs: none, or unreadable            | absent, settling or idle; unchanged if no stretch  | goes on, with jobs  |
// |                                      | is under way                                       | read                |
//
// If two rows apply, the more specific one decides.
//
// `afterRunners` implements the rows `runners`, `afterJobs` the rows `jobs`:
//
// | in the table                                  | in the code                                                         |
// | --------------------------------------------- | ------------------------------------------------------------------- |
// | an offline runner with a job                  | `canBeCleared`; until the jobs decide, the stretch `isDoubtful`     |
// | the ephemeral runners are gone                | `wereEphemeral`; "after a job, or long after": `isAbsenceCertain`   |
// | how long the stretch must last                | `idleForMsOf`                                                       |
// | the last column: begins, or goes on           | `extendOrBegin`; a new state without a stretch ends it              |
// | unconfirmed, absent, settling or idle         | `stateOfStretch`                                                    |
// | any job without a runner, while an offline... | `doubted`                                                           |

import type { Job } from '../github/job.ts';
import type { Runner } from '../github/runner.ts';
import type { JobFinding } from './job-finding.ts';
import type { GateRules } from './runner-options.ts';
import type { VmBoot } from './vm-boot.ts';

/** One read of the runners in a VM; times in milliseconds on the clock's scale. Its contents were true at some time in between. */
export interface RunnersReading {
  readonly askedAt: number;
  readonly answeredAt: number;
  /** All registered runners; empty if none is registered. Undefined if GitHub gave no usable answer. */
  readonly runners: readonly Runner[] | undefined;
  /** Registrations that this step saw before, as last shown, and that are gone. */
  readonly gone: readonly Runner[];
}

/** An unbroken series of reads in which no runner showed a job; moments on the clock's scale. */
export interface IdleStretch {
  /** When the first of these reads was answered. */
  readonly since: number;
  /** When the last of them was answered. */
  readonly until: number;
  /** In milliseconds: for how much longer the reads must show no job; at most 0 once it is enough. */
  readonly leftMs: number;
  /** The IDs of the registrations in these reads; `gone` if all runners are gone and were ephemeral. */
  readonly registrations: readonly number[] | 'gone';
  readonly reads: number;
  /** The result for the jobs, if they were read since the stretch began. */
  readonly jobs: 'unread' | 'none' | 'unreadable';
  /** Whether the last read showed an offline runner with a job. */
  readonly isDoubtful: boolean;
}

export type Occupancy =
  | { readonly kind: 'unread' | 'online' | 'registering' }
  | {
      readonly kind: 'unknown';
      readonly about: 'runners' | 'jobs';
      /** A job in progress that may be on one of these runners: GitHub does not name its runner. */
      readonly job?: Job;
      /** As in {@link JobFinding}. */
      readonly finalFrom?: number;
      readonly refused?: string;
      readonly stretch: IdleStretch | undefined;
    }
  | {
      readonly kind: 'busy';
      /** What the jobs source showed: the job, or that it lists none; `unread` if it was not read since a runner showed a job. */
      readonly job: Job | 'none' | 'unreadable' | 'unread';
    }
  | { readonly kind: 'unconfirmed' | 'absent' | 'settling' | 'idle'; readonly stretch: IdleStretch };

export type OccupancyEvent =
  | { readonly kind: 'runners'; readonly reading: RunnersReading }
  | { readonly kind: 'jobs'; readonly finding: JobFinding };

export interface OccupancyRules
  extends Pick<GateRules, 'idleForMs'>,
    Partial<Pick<GateRules, 'whenBusy' | 'seesAllJobs' | 'isSweep' | 'isEphemeral'>> {
  readonly boot?: Pick<VmBoot, 'at' | 'registersWithinMs' | 'hadJob'>;
}

export const UNREAD: Occupancy = { kind: 'unread' };

/** In milliseconds. A longer gap between two reads ends an idle stretch: a job may have run in between, and another one may have begun. */
const LONGEST_GAP_MS = 20_000;

/** The state after an event, by the table above. */
export function nextOccupancy(state: Occupancy, event: OccupancyEvent, rules: OccupancyRules): Occupancy {
  return event.kind === 'runners'
    ? afterRunners(state, event.reading, rules)
    : afterJobs(state, event.finding);
}

/** Whether a runner takes one job per registration. What GitHub says overrides the input. */
export function takesOneJob({ ephemeral }: Runner, rules: Pick<OccupancyRules, 'isEphemeral'>): boolean {
  return ephemeral ?? rules.isEphemeral === true;
}

// ---- after a read of the runners ----

function afterRunners(state: Occupancy, reading: RunnersReading, rules: OccupancyRules): Occupancy {
  const { runners, gone } = reading;
  if (runners === undefined) return { kind: 'unknown', about: 'runners', stretch: undefined };
  if (rules.isSweep && runners.some(({ isOnline }) => isOnline)) return { kind: 'online' };
  const before = stretchOf(state);
  const working = rules.whenBusy === 'ignore' ? [] : runners.filter(({ isBusy }) => isBusy);
  if (working.some((runner) => !canBeCleared(runner, before, rules))) return { kind: 'busy', job: 'unread' };

  const isAbsent = runners.length === 0 && wereEphemeral(gone, rules);
  if (isAbsent && !isAbsenceCertain(reading, rules)) return { kind: 'registering' };
  const registrations = isAbsent ? ('gone' as const) : runners.map(({ id }) => id);
  const stretch = extendOrBegin(before, { ...reading, registrations }, rules);
  return stateOfStretch({ ...stretch, isDoubtful: working.length > 0 });
}

/** Whether the jobs source can still show that the runner has no job: an offline runner may have lost it. */
function canBeCleared(
  { isOnline }: Runner,
  stretch: IdleStretch | undefined,
  { seesAllJobs = false }: OccupancyRules,
): boolean {
  return !isOnline && seesAllJobs && stretch?.jobs !== 'unreadable';
}

function wereEphemeral(gone: readonly Runner[], rules: OccupancyRules): boolean {
  return gone.length === 0 ? rules.isEphemeral === true : gone.every((one) => takesOneJob(one, rules));
}

/**
 * Whether no runner is about to register: one has had its job since the boot, or the time to register is over. A registration that was never
 * seen online may be from an earlier boot, so it is no sign that a runner has had its job.
 */
function isAbsenceCertain(
  { askedAt, gone }: RunnersReading,
  { boot = UNKNOWN_BOOT }: OccupancyRules,
): boolean {
  const hadJob = boot.hadJob || gone.some(({ isOnline }) => isOnline);
  return hadJob || askedAt - boot.at >= boot.registersWithinMs;
}

const UNKNOWN_BOOT = { at: 0, registersWithinMs: Number.POSITIVE_INFINITY, hadJob: false };

/** How long a persistent runner that was last shown with a job must be gone, in milliseconds: GitHub may show it again. */
const GONE_WITH_JOB_MS = 30_000;

function idleForMsOf({ registrations, gone }: FreeReading, rules: OccupancyRules): number {
  if (registrations === 'gone') return 0;
  const mayReturn = gone.some((one) => one.isBusy && !takesOneJob(one, rules));
  return Math.max(rules.idleForMs, mayReturn && rules.whenBusy !== 'ignore' ? GONE_WITH_JOB_MS : 0);
}

interface FreeReading extends RunnersReading {
  readonly registrations: IdleStretch['registrations'];
}

/**
 * A stretch lasts from the answer to its first read until the request of its last one. So a single read lasts no time, which is enough for
 * an `idle_for` of 0.
 */
function extendOrBegin(
  before: IdleStretch | undefined,
  reading: FreeReading,
  rules: OccupancyRules,
): IdleStretch {
  const { askedAt, answeredAt, registrations } = reading;
  const wantedMs = idleForMsOf(reading, rules);
  if (
    before !== undefined &&
    askedAt - before.until <= LONGEST_GAP_MS &&
    hasNoNew(before.registrations, registrations)
  ) {
    const leftMs = wantedMs - (askedAt - before.since);
    return { ...before, until: answeredAt, leftMs, reads: before.reads + 1 };
  }
  const nothingRead = {
    reads: 1,
    jobs: rules.whenBusy === 'ignore' ? 'none' : 'unread',
    isDoubtful: false,
  } as const;
  return { since: answeredAt, until: answeredAt, leftMs: wantedMs, registrations, ...nothingRead };
}

/** Whether no runner has registered since. A new registration may already have a job; one that is gone does not matter. */
function hasNoNew(before: IdleStretch['registrations'], now: IdleStretch['registrations']): boolean {
  if (before === 'gone' || now === 'gone') return before === now;
  return now.every((id) => before.includes(id));
}

/** Absence counts only after two reads: pages shift while they are read. */
const LEAST_READS_OF_ABSENCE = 2;

function stateOfStretch(stretch: IdleStretch): Occupancy {
  if (stretch.jobs === 'unread') return { kind: 'unconfirmed', stretch };
  if (stretch.registrations === 'gone' && stretch.reads < LEAST_READS_OF_ABSENCE)
    return { kind: 'absent', stretch };
  return { kind: stretch.leftMs <= 0 ? 'idle' : 'settling', stretch };
}

// ---- after a read of the jobs ----

function afterJobs(state: Occupancy, seen: JobFinding): Occupancy {
  const finding = doubted(seen, stretchOf(state));
  if (finding.kind === 'job') return { kind: 'busy', job: finding.job };
  const isAnswer = finding.kind === 'none' || finding.kind === 'unreadable';
  if (state.kind === 'busy') return isAnswer ? { kind: 'busy', job: finding.kind } : state;
  const stretch = stretchOf(state);
  if (!isAnswer) {
    const { kind: _, ...why } = finding;
    return { kind: 'unknown', about: 'jobs', ...why, stretch: stretch && { ...stretch, jobs: 'unread' } };
  }
  if (finding.kind === 'unreadable' && stretch?.isDoubtful) return { kind: 'busy', job: 'unreadable' };
  return stretch === undefined ? state : stateOfStretch({ ...stretch, jobs: finding.kind });
}

/** If a runner is shown offline with a job, any job that GitHub shows without a runner may be that one, whatever its labels. */
function doubted(finding: JobFinding, stretch: IdleStretch | undefined): JobFinding {
  if (finding.kind !== 'none' || finding.unplaced === undefined || !stretch?.isDoubtful) return finding;
  return { kind: 'unassigned', job: finding.unplaced };
}

/** The idle stretch under way; undefined if there is none. */
export function stretchOf(state: Occupancy): IdleStretch | undefined {
  return 'stretch' in state ? state.stretch : undefined;
}
