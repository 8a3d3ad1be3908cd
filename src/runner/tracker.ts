import type { Clock } from '../clock.ts';
import { isTransient } from '../errors.ts';
import type { Log } from '../log.ts';
import { createProgressLog } from '../log.ts';
import type { JobFinding } from './busy-verdict.ts';
import { type JobsSource, jobOn } from './jobs.ts';
import { describePattern } from './runner-names.ts';
import type { Runner, Runners } from './runners.ts';
import { findRunners, type Sought } from './runners.ts';
import type { RunnerSnapshot } from './snapshot.ts';

/** Time between two looks at the runner: in milliseconds. */
export const LOOK_EVERY_MS = 5_000;
const LONGEST_LOOK_MS = 15_000;
/** What a look may take that begins at the deadline, or shortly before. */
export const LAST_LOOK_MS = 1_500;

/** When a look has to end that begins now: in time for the deadline, but not before it could have got an answer. */
export function lookUntil(now: number, deadline: number): number {
  return Math.max(Math.min(now + LONGEST_LOOK_MS, deadline), now + LAST_LOOK_MS);
}

/** Keeps an eye on the runner of one name, across registrations. */
export interface Tracker {
  /** Looks it up by its name, once. @throws ActionError where it is not the only one, or GitHub gives no answer by then. */
  find(deadline: number): Promise<RunnerSnapshot>;
  /** One look, which ends by `until` with or without an answer. @throws ActionError where GitHub says no for good. */
  look(until: number): Promise<RunnerSnapshot>;
  /** The same for a look that is followed by others: it may be taken from a list that many runners share. */
  glance(until: number): Promise<RunnerSnapshot>;
  /** Looks for a job in progress on it; the same holds as for a look. */
  findJob(until: number): Promise<JobFinding>;
}

export interface TrackerOptions {
  readonly runners: Runners;
  readonly jobs: JobsSource;
  readonly sought: Sought;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export function createTracker({ runners, jobs, sought, clock, log, signal }: TrackerOptions): Tracker {
  let id: number | undefined;
  const journal = createProgressLog({ log, now: clock.now, sentAt: undefined, server: 'GitHub' });
  const onFault = journal.fault;

  async function read(ask: () => Promise<Runner | 'gone' | undefined>): Promise<RunnerSnapshot> {
    const askedAt = clock.now();
    const runner = await ask();
    if (runner !== undefined) journal.answered();
    if (runner !== undefined) id = runner === 'gone' ? undefined : runner.id;
    return { askedAt, answeredAt: clock.now(), runner };
  }

  /** By its ID; where that is gone by its name, as it may have registered anew. */
  async function current(deadline: number, byId: Runners['getRunner']): Promise<Runner | 'gone'> {
    const bounds = { deadline, signal, onFault };
    const known = id === undefined ? undefined : await byId(id, bounds);
    if (known !== undefined) return known;
    const [newest] = (await runners.listRunners(sought.name, bounds)).sort((a, b) => b.id - a.id);
    return newest ?? 'gone';
  }

  async function jobNow(deadline: number): Promise<JobFinding> {
    const running = await jobs.runningJobs({ deadline, signal, onFault });
    journal.answered();
    if ('refused' in running) return 'unreadable';
    return jobOn(running, { id, name: describePattern(sought.name) }) ?? 'none';
  }

  return {
    find: (deadline) =>
      read(async () => (await findRunners(runners, sought, { deadline, signal, onFault }))[0]),
    look: (until) => read(() => current(until, runners.getRunner).catch(passOver)),
    glance: (until) => read(() => current(until, runners.glanceAt).catch(passOver)),
    findJob: (until) => jobNow(until).catch(passOver),
  };
}

/** What more time might heal is no answer yet. @throws all else. */
function passOver(error: unknown): undefined {
  if (isTransient(error)) return undefined;
  throw error;
}
