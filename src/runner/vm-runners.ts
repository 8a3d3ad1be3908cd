import type { Clock } from '../clock.ts';
import { isTransient } from '../errors.ts';
import type { Log } from '../log.ts';
import { createProgressLog } from '../log.ts';
import { type Job, type JobsSource, jobOn } from './jobs.ts';
import { describePattern } from './runner-names.ts';
import { findRunners, type Runner, type Runners, type Sought } from './runners.ts';

/** One read of the runners in a VM; times in milliseconds on the clock's scale. What it shows was true at some time in between. */
export interface RunnersReading {
  readonly askedAt: number;
  readonly answeredAt: number;
  /** All that are registered; empty if none is. Undefined: GitHub gave no usable answer, so nothing is known. */
  readonly runners: readonly Runner[] | undefined;
}

/**
 * What the jobs in progress say of the runners in a VM: a job that runs on one of them; `none`; `unreadable` if the tokens
 * cannot read them; undefined if GitHub gave no usable answer.
 */
export type JobFinding = Job | 'none' | 'unreadable' | undefined;

/** Time between two reads of the runners: in milliseconds. */
export const READ_EVERY_MS = 5_000;
const LONGEST_READ_MS = 15_000;
/** What a read may take that begins at the deadline, or shortly before. */
export const LAST_READ_MS = 1_500;

/** When a read that begins now has to end: in time for the deadline, but not before it could have got an answer. */
export function readUntil(now: number, deadline: number): number {
  return Math.max(Math.min(now + LONGEST_READ_MS, deadline), now + LAST_READ_MS);
}

/** The runners in one VM, as GitHub shows them: a set, followed across registrations. */
export interface VmRunners {
  /** Finds them by name, once. @throws ActionError if there is none, the name is ambiguous, or GitHub gives no answer by then. */
  find(deadline: number): Promise<RunnersReading>;
  /** One read, which ends by `until` with or without an answer. @throws ActionError if GitHub refuses for good. */
  read(until: number): Promise<RunnersReading>;
  /** The same for a read that is followed by others: a list that many VMs share may answer it. */
  readShared(until: number): Promise<RunnersReading>;
  /** Looks for a job in progress on one of them; otherwise as `read`. */
  readJobs(until: number): Promise<JobFinding>;
}

export interface VmRunnersOptions {
  readonly runners: Runners;
  readonly jobs: JobsSource;
  readonly sought: Sought;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export function createVmRunners({ runners, jobs, sought, clock, log, signal }: VmRunnersOptions): VmRunners {
  let ids: readonly number[] = [];
  const progress = createProgressLog({ log, now: clock.now, sentAt: undefined, server: 'GitHub' });
  const onFault = progress.fault;

  async function timed(ask: () => Promise<readonly Runner[] | undefined>): Promise<RunnersReading> {
    const askedAt = clock.now();
    const found = await ask();
    if (found !== undefined) {
      progress.answered();
      ids = found.map(({ id }) => id);
    }
    return { askedAt, answeredAt: clock.now(), runners: found };
  }

  /** By their IDs; if one is gone by name, as it may have registered again. The newest of several counts. */
  async function current(deadline: number, byId: Runners['getRunner']): Promise<readonly Runner[]> {
    const bounds = { deadline, signal, onFault };
    const known = await Promise.all(ids.map((id) => byId(id, bounds)));
    const registered = known.filter((runner) => runner !== undefined);
    if (registered.length > 0 && registered.length === ids.length) return registered;
    const named = await runners.listRunners(sought.name, bounds);
    return named.sort((a, b) => b.id - a.id).slice(0, 1);
  }

  async function jobNow(deadline: number): Promise<JobFinding> {
    const running = await jobs.runningJobs({ deadline, signal, onFault });
    progress.answered();
    if ('refused' in running) return 'unreadable';
    return jobOn(running, { id: ids[0], name: describePattern(sought.name) }) ?? 'none';
  }

  return {
    find: (deadline) => timed(() => findRunners(runners, sought, { deadline, signal, onFault })),
    read: (until) => timed(() => current(until, runners.getRunner).catch(orUnknown)),
    readShared: (until) => timed(() => current(until, runners.glanceAt).catch(orUnknown)),
    readJobs: (until) => jobNow(until).catch(orUnknown),
  };
}

/** What more time might heal is no answer yet. @throws all else. */
function orUnknown(error: unknown): undefined {
  if (isTransient(error)) return undefined;
  throw error;
}
