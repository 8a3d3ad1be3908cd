import type { Clock } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import { type ActionError, isTransient } from '../errors.ts';
import type { Runner } from '../github/runner.ts';
import { fillPattern, fitsPattern, hasValues, isExact, type NamePattern } from '../github/runner-names.ts';
import { findRunners, runnerNotFound, type Sought } from '../github/runner-search.ts';
import type { RunnerList, Runners, SharedBounds } from '../github/runners.ts';
import { UnusableAnswer } from '../http/json.ts';
import type { RetryBounds } from '../http/retry.ts';
import { createProgressLog, type FailedAttempt, type Log, type ProgressLog } from '../log.ts';
import type { JobFinding, JobReader } from './job-finding.ts';
import type { RunnersReading } from './occupancy.ts';

/** Time between two reads of the runners: in milliseconds. */
export const READ_EVERY_MS = 5_000;
/** The same while a one-job runner is about to leave or register: its VM is out of service until a read shows that. */
export const READ_ONE_JOB_EVERY_MS = 2_000;
export const LONGEST_READ_MS = 15_000;
/** The time for a read that begins at the deadline, or shortly before it. */
export const LAST_READ_MS = 1_500;

/** When a read that begins now must end: by the deadline, but with enough time to get an answer. */
export function readUntil(now: number, deadline: number): number {
  return Math.max(Math.min(now + LONGEST_READ_MS, deadline), now + LAST_READ_MS);
}

/** The runners in one VM, as GitHub shows them: a set, followed across registrations. */
export interface VmRunners {
  readonly sought: Sought;
  /** Every registration seen so far, as last shown. */
  readonly seen: readonly Runner[];
  /** Finds them by name. @throws ActionError if the name is ambiguous, or if GitHub gives no answer in time. */
  find(deadline: number): Promise<RunnersReading>;
  /** One read, which ends by `until` with or without an answer. @throws ActionError if GitHub's refusal is final. */
  read(until: number): Promise<RunnersReading>;
  /** The same for the reads of a wait: a list that many VMs share may answer them. */
  readShared(until: number, pace?: SharedBounds['pace']): Promise<RunnersReading>;
  /** Reads the runners, and looks up a job in progress on one of them. The rest as in `read`. */
  readJobs(until: number): Promise<JobFinding>;
  /** The error that no such runner is registered, with a list of existing runners. */
  missing(deadline: number): Promise<ActionError>;
  /** The reason why a read last got no usable answer. */
  lastFault(): FailedAttempt | undefined;
  /** The VM has booted again: a runner that was online before says nothing about this boot. */
  forgetOnline(): void;
}

export interface VmRunnersOptions {
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
  const { runners, jobs, sought, onNew, clock, log, signal } = options;
  const { name: pattern } = sought;
  const registrations = createRegistrations(onNew);
  // Each source has its own, because answers from one source must not hide that the other gives none.
  const github = { log, now: clock.now, sentAt: undefined, server: 'GitHub' };
  const progress = createProgressLog({ ...github, about: 'the runner' });
  const jobsProgress = createProgressLog({ ...github, about: 'the jobs in progress' });
  let lastFault: FailedAttempt | undefined;

  /** One read ends soon, but others follow: the step does not give up at its end. */
  function faultsOf({ fault }: ProgressLog): ProgressLog['fault'] {
    return (failed) => {
      lastFault = failed;
      fault({ ...failed, leftMs: undefined });
    };
  }

  const onFault = faultsOf(progress);
  let answeredAt = clock.now();

  async function timed(ask: () => Promise<readonly Runner[] | undefined>): Promise<RunnersReading> {
    const askedAt = clock.now();
    const found = (await ask())?.map(withMissedJob);
    if (found !== undefined) {
      progress.answered();
      registrations.remember(found);
      answeredAt = clock.now();
    }
    return { askedAt, answeredAt: clock.now(), runners: found, gone: registrations.gone };
  }

  /** A list for other VMs may have shown a job since the last read for this one. */
  function withMissedJob(runner: Runner): Runner {
    const shownAt = runners.shownBusyAt(runner.id) ?? Number.NEGATIVE_INFINITY;
    return { ...runner, isBusy: runner.isBusy || shownAt > answeredAt };
  }

  const boundsUntil = (deadline: number) => ({ deadline, signal, onFault });

  function current(
    getRunner: Runners['getRunner'],
    bounds: SharedBounds,
  ): Promise<readonly Runner[] | undefined> {
    // Until one is known, an ambiguous name is an error.
    if (isExact(pattern) && registrations.seen.length === 0)
      return findRunners(runners, sought, bounds).catch(orNothing);
    const { registered } = registrations;
    const search = { pattern, registered, list: runners.listRunners, getRunner, bounds };
    return currentRunners(search).catch(orNothing);
  }

  async function jobNow(deadline: number): Promise<JobFinding> {
    const bounds = { deadline, signal, onFault: faultsOf(jobsProgress) };
    const finding = await jobs.read(() => ownerOf(pattern, registrations.seen), bounds);
    if (finding.kind !== 'no answer') jobsProgress.answered();
    return finding;
  }

  return {
    sought,
    get seen() {
      return registrations.seen;
    },
    find(deadline) {
      return timed(() => findRunners(runners, sought, boundsUntil(deadline)).catch(orNothingUsable));
    },
    read: (until) => timed(() => current(runners.getRunner, { ...boundsUntil(until), pace: 'now' })),
    readShared: (until, pace) => timed(() => current(runners.pollRunner, { ...boundsUntil(until), pace })),
    readJobs: async (until) => (await jobNow(until).catch(orNothing)) ?? { kind: 'no answer' },
    async missing(deadline) {
      return runnerNotFound(sought, (await runners.listAll(boundsUntil(deadline))).runners);
    },
    lastFault: () => lastFault,
    forgetOnline: registrations.forgetOnline,
  };
}

/** The registrations seen so far, as last shown. */
function createRegistrations(onNew: (runner: Runner) => void) {
  const byId = new Map<number, Runner>();
  /** The IDs in the last read. */
  let registered: ReadonlySet<number> = new Set();
  return {
    get seen(): Runner[] {
      return [...byId.values()];
    },
    get registered() {
      return registered;
    },
    get gone(): Runner[] {
      return [...byId.values()].filter(({ id }) => !registered.has(id));
    },
    remember(found: readonly Runner[]): void {
      for (const runner of found) {
        if (!byId.has(runner.id)) onNew(runner);
        byId.set(runner.id, runner);
      }
      registered = new Set(found.map(({ id }) => id));
    },
    forgetOnline(): void {
      for (const [id, runner] of byId) byId.set(id, { ...runner, isOnline: false });
    },
  };
}

/** For finding their jobs. */
function ownerOf(pattern: NamePattern, seen: readonly Runner[]) {
  const labels = seen.map((runner) => runner.labels.map(({ name }) => name));
  return { pattern, ids: new Set(seen.map(({ id }) => id)), labels };
}

/** How to read the runners once some are known. */
interface RunnerSearch {
  readonly pattern: NamePattern;
  readonly registered: ReadonlySet<number>;
  readonly list: Runners['listRunners'];
  readonly getRunner: Runners['getRunner'];
  readonly bounds: SharedBounds;
}

/**
 * If only one name matches, reads the runner by its ID; if that is gone, by name, because it may have registered again. The newest of several
 * counts. Otherwise reads the list, because others may have registered; pages shift, so it reads missing runners by their IDs.
 */
async function currentRunners(search: RunnerSearch): Promise<readonly Runner[]> {
  const { pattern, registered, list, bounds } = search;
  if (isExact(pattern)) {
    const known = await runnersById(registered, search);
    if (known.length > 0) return known;
    const named = await list(pattern, bounds);
    return named.sort((a, b) => b.id - a.id).slice(0, 1);
  }
  const listed = await list(pattern, bounds);
  const missing = registered.difference(new Set(listed.map(({ id }) => id)));
  const found = await runnersById(missing, search);
  return [...listed, ...found].sort((a, b) => a.id - b.id);
}

/** A runner with a changed name is another runner. */
async function runnersById(
  ids: Iterable<number>,
  { pattern, getRunner, bounds }: RunnerSearch,
): Promise<Runner[]> {
  const found = await Promise.all([...ids].map((id) => getRunner(id, bounds)));
  return found.filter((one) => one !== undefined).filter(({ name }) => fitsPattern(pattern, name));
}

/** A transient error counts as no answer. @throws all other errors. */
function orNothing(error: unknown): undefined {
  return isTransient(error) ? undefined : orNothingUsable(error);
}

function orNothingUsable(error: unknown): undefined {
  if (error instanceof UnusableAnswer) return undefined;
  throw error;
}

// ---- the runners of all live VMs ----

/** Reads all live VMs of the controller, whether the step restarts them or not. */
export type LiveInstances = (bounds: RetryBounds) => Promise<readonly Instance[]>;

/** What the runners of all live VMs reveal about one of them. */
export interface Pool {
  /**
   * Whether name and scope are right: a runner in the scope matches `runner_name` for some live VM. Only then can an absent runner count as
   * gone; with a wrong scope, every runner would.
   */
  isScopeProved(bounds: RetryBounds): Promise<boolean>;
  /**
   * Whether GitHub shows the runners of all live VMs offline, and there are several: that is more likely a fault of GitHub or the network.
   * Undefined if the list is missing or incomplete: a runner that it lacks may be online, or one more that is offline.
   */
  isAllOffline(bounds: RetryBounds): Promise<boolean | undefined>;
}

export interface PoolOptions {
  readonly nameTemplate: string;
  readonly runners: Runners;
  readonly liveInstances: LiveInstances;
}

export function createPool({ nameTemplate, runners, liveInstances }: PoolOptions): Pool {
  let isScopeProved = false;
  const listNow = (bounds: RetryBounds) => runners.listAll({ ...bounds, pace: 'now' });

  async function ofLiveVms({ runners: all, whyIncomplete }: RunnerList, bounds: RetryBounds) {
    const live = (await liveInstances(bounds)).filter((instance) => hasValues(instance, nameTemplate));
    const patterns = live.map((instance) => fillPattern(nameTemplate, instance));
    const fitting = all.filter(({ name }) => patterns.some((pattern) => fitsPattern(pattern, name)));
    isScopeProved ||= fitting.length > 0;
    return { fitting, isWhole: () => patterns.every((pattern) => whyIncomplete(pattern) === undefined) };
  }

  return {
    isScopeProved: async (bounds) =>
      isScopeProved || (await ofLiveVms(await listNow(bounds), bounds)).fitting.length > 0,
    async isAllOffline(bounds) {
      const list = await listNow(bounds).catch(orNothing);
      if (list === undefined) return undefined;
      const { fitting, isWhole } = await ofLiveVms(list, bounds);
      if (fitting.some(({ isOnline }) => isOnline)) return false;
      return isWhole() ? fitting.length > 1 : undefined;
    },
  };
}
