// Reads the runners in one VM from GitHub, and follows them across registrations.

import type { Clock } from '../clock.ts';
import { type ActionError, isTransient } from '../errors.ts';
import type { Runner } from '../github/runner.ts';
import { fitsPattern, isExact } from '../github/runner-names.ts';
import { findRunners, runnerNotFound, type Sought } from '../github/runner-search.ts';
import type { Runners, SharedBounds } from '../github/runners.ts';
import { UnusableAnswer } from '../http/json.ts';
import { createProgressLog, type FailedAttempt, type Log } from '../log.ts';
import type { JobFinding, JobReader } from './job-finding.ts';
import type { RunnersReading } from './occupancy.ts';
import { createRegistrations, type Registrations } from './registrations.ts';

/** Time between two reads of the runners: in milliseconds. */
export const READ_EVERY_MS = 5_000;
/** The same while a one-job runner is about to leave or register: its VM is out of service until a read shows the change. */
export const READ_ONE_JOB_EVERY_MS = 2_000;
export const LONGEST_READ_MS = 15_000;
/** The time for a read that begins at the deadline, or shortly before it. */
export const LAST_READ_MS = 1_500;

/** When a read that begins now must end: by the deadline if that leaves enough time for an answer. */
export function readUntil(now: number, deadline: number): number {
  return Math.max(Math.min(now + LONGEST_READ_MS, deadline), now + LAST_READ_MS);
}

export interface VmRunners {
  readonly sought: Sought;
  readonly registrations: Registrations;
  /** The first read, by name. @throws ActionError if the name is ambiguous, or if GitHub gives no answer in time. */
  find(deadline: number): Promise<RunnersReading>;
  /** One read, which ends by `until` with or without an answer. @throws ActionError if GitHub's refusal is final. */
  read(until: number): Promise<RunnersReading>;
  /** The same for a wait: the answer may come from a list that many VMs share. */
  readShared(until: number, pace?: SharedBounds['pace']): Promise<RunnersReading>;
  /** Reads the jobs in progress, and finds out whether one may be on these runners. Otherwise like `read`. */
  readJobs(until: number): Promise<JobFinding>;
  /** The error that no such runner is registered; it lists those that are. */
  missing(deadline: number): Promise<ActionError>;
  /** Why a read last got no usable answer. */
  lastFault(): FailedAttempt | undefined;
}

interface VmRunnersOptions {
  readonly runners: Runners;
  readonly jobs: JobReader;
  readonly sought: Sought;
  /** Called for each registration when it first appears. */
  readonly onNew: (runner: Runner) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export function createVmRunners(options: VmRunnersOptions): VmRunners {
  const { runners, jobs, sought, clock, signal } = options;
  const registrations = createRegistrations(options.onNew);
  const faults = createFaultLogs(options);
  const boundsUntil = (deadline: number, { onFault } = faults.runners) => ({ deadline, signal, onFault });
  const search = { runners, sought, registrations };
  let answeredAt = clock.now();

  /** Since the last read for this VM, a list for other VMs may have shown a job that this read no longer shows. */
  function withMissedJob(runner: Runner): Runner {
    const shownAt = runners.shownBusyAt(runner.id) ?? Number.NEGATIVE_INFINITY;
    return { ...runner, isBusy: runner.isBusy || shownAt > answeredAt };
  }

  async function timed(ask: () => Promise<readonly Runner[] | undefined>): Promise<RunnersReading> {
    const askedAt = clock.now();
    const found = (await ask())?.map(withMissedJob);
    if (found !== undefined) {
      faults.runners.answered();
      registrations.remember(found);
      answeredAt = clock.now();
    }
    return { askedAt, answeredAt: clock.now(), runners: found, gone: registrations.gone };
  }

  const current = (getRunner: Runners['getRunner'], bounds: SharedBounds) =>
    currentRunners(search, getRunner, bounds).catch(orNothing);

  async function readJobs(deadline: number): Promise<JobFinding> {
    const finding = await jobs.read(() => ownerOf(search), boundsUntil(deadline, faults.jobs));
    if (finding.kind !== 'no answer') faults.jobs.answered();
    return finding;
  }

  return {
    ...{ sought, registrations, lastFault: faults.last },
    find: (deadline) =>
      timed(() => findRunners(runners, sought, boundsUntil(deadline)).catch(orNothingUsable)),
    read: (until) => timed(() => current(runners.getRunner, { ...boundsUntil(until), pace: 'now' })),
    readShared: (until, pace) => timed(() => current(runners.pollRunner, { ...boundsUntil(until), pace })),
    readJobs: async (until) => (await readJobs(until).catch(orNothing)) ?? { kind: 'no answer' },
    missing: async (deadline) =>
      runnerNotFound(sought, (await runners.listAll(boundsUntil(deadline))).runners),
  };
}

/** Each source has its own progress log, because answers from one must not hide that the other gives none. */
function createFaultLogs({ log, clock }: VmRunnersOptions) {
  let last: FailedAttempt | undefined;
  function faultLog(about: string) {
    const server = { server: 'GitHub', about };
    const { answered, fault } = createProgressLog({ log, now: clock.now, sentAt: undefined, ...server });
    function onFault(failed: FailedAttempt): void {
      last = failed;
      // One read ends soon, but others follow: the step does not give up at its end.
      fault({ ...failed, leftMs: undefined });
    }
    return { answered, onFault };
  }
  return { runners: faultLog('the runner'), jobs: faultLog('the jobs in progress'), last: () => last };
}

// ---- reads ----

interface Search {
  readonly runners: Runners;
  readonly sought: Sought;
  readonly registrations: Registrations;
}

/** What identifies the jobs of these runners. */
function ownerOf({ sought, registrations: { everSeen } }: Search) {
  const labels = everSeen.map((runner) => runner.labels.map(({ name }) => name));
  return { pattern: sought.name, ids: new Set(everSeen.map(({ id }) => id)), labels };
}

/**
 * An exact name: reads the runner by its ID. If that is gone, lists runners by name, because it may have registered again; of several, the
 * newest counts. A pattern: reads the list, because more runners may have registered. Runners that the list lacks are read by ID, because its
 * pages may have shifted.
 */
async function currentRunners(
  { runners, sought, registrations: { current, everSeen } }: Search,
  getRunner: Runners['getRunner'],
  bounds: SharedBounds,
): Promise<readonly Runner[]> {
  const { name: pattern } = sought;
  // As long as none is known, findRunners also refuses an ambiguous name.
  if (isExact(pattern) && everSeen.length === 0) return findRunners(runners, sought, bounds);
  /** Leaves out runners that no longer have the name: they may belong to another VM now. */
  async function byId(known: readonly Runner[]): Promise<Runner[]> {
    const found = await Promise.all(known.map(({ id }) => getRunner(id, bounds)));
    return found.filter((one) => one !== undefined).filter(({ name }) => fitsPattern(pattern, name));
  }
  if (isExact(pattern)) {
    const known = await byId(current);
    if (known.length > 0) return known;
    const named = await runners.listRunners(pattern, bounds);
    return named.sort((a, b) => b.id - a.id).slice(0, 1);
  }
  const listed = await runners.listRunners(pattern, bounds);
  const missing = current.filter(({ id }) => !listed.some((one) => one.id === id));
  return [...listed, ...(await byId(missing))].sort((a, b) => a.id - b.id);
}

/** A transient error counts as no answer. @throws all other errors. */
export function orNothing(error: unknown): undefined {
  return isTransient(error) ? undefined : orNothingUsable(error);
}

function orNothingUsable(error: unknown): undefined {
  if (error instanceof UnusableAnswer) return undefined;
  throw error;
}
