// The jobs source. GitHub's runners API shows late that a runner is busy, and sometimes shows it idle during a job. The jobs of a repository
// say on which runner each of them runs. So this module reads the runs that are not completed, then the jobs of each. That requires
// another permission, so it can use another token.

import type { Clock } from '../clock.ts';
import { ActionError, isTransient } from '../errors.ts';
import type { RetryBounds } from '../http/retry.ts';
import type { Log } from '../log.ts';
import type { GitHubClient, List } from './github-client.ts';
import { type Job, readJobs, readRuns, type WorkflowRun } from './job.ts';
import type { Memory } from './octokit.ts';
import type { RepositoryScope } from './scope.ts';

/** GitHub refused every token for this read. */
export interface Refusal {
  /** e.g. `github_token: HTTP 403 ("Resource not accessible by integration")`. */
  readonly refused: string;
  /** Whether later reads cannot succeed, either. */
  readonly isFinal: boolean;
  /** Whether GitHub answered another part of the read, so that it does not refuse everything. */
  readonly isPartial?: boolean;
}

/** The jobs source: the jobs that are in progress. */
export interface JobsSource {
  /** All jobs that are in progress now. @throws ActionError as {@link GitHubClient} describes. */
  runningJobs(bounds: RetryBounds): Promise<readonly Job[] | Refusal>;
}

/** The jobs of this many runs are read at the same time: GitHub allows 100 concurrent requests, and a read must not take long. */
const AT_ONCE = 16;

/** The repository whose jobs are read, and the client to read them with. */
interface JobsOrigin {
  readonly client: GitHubClient;
  readonly repository: RepositoryScope;
}

/** Reads the jobs of one repository. A refusal does not stop later reads. If a read runs out of time, the next one continues it. */
export function createJobsSource(origin: JobsOrigin, { clock, log }: JobsContext): JobsSource {
  const requests = createJobRequests(origin);
  const kept = createKeptJobs(clock);
  let isLogged = false;

  /** To the debug log, because a warning follows once the refusals are final. */
  function logOnce({ refused }: Refusal): void {
    if (!isLogged)
      log.debug(`GitHub does not show the workflow runs (${refused}). ${JOBS_ACCESS.permission}`);
    isLogged = true;
  }

  async function jobsOf(runs: readonly WorkflowRun[], bounds: RetryBounds): Promise<Job[]> {
    const found = new Map<WorkflowRun, readonly Job[]>();
    kept.begin();
    try {
      await forEachAtOnce(runs, async (run) => {
        const jobs = kept.get(run) ?? (await askForJobs(requests.jobs, run.id, bounds));
        kept.keep(run, jobs);
        found.set(run, jobs);
      });
    } catch (error) {
      const progress = `the jobs of ${found.size} of ${runs.length} workflow runs`;
      if (found.size > 0 && isTransient(error))
        log.info(`GitHub has given ${progress} so far; the next read continues from there`);
      throw error;
    }
    kept.finish();
    return [...found.values()].flat();
  }

  return {
    async runningJobs(bounds) {
      const runs = await askForRuns(requests.runs, bounds);
      if ('refused' in runs) {
        logOnce(runs);
        return runs;
      }
      return (await jobsOf(runs, bounds)).filter(isRunning);
    },
  };
}

/** A job that has a runner counts as running, whatever its status, until it is completed. */
function isRunning({ status, runnerName, runnerId }: Job): boolean {
  return status === 'in_progress' || (status !== 'completed' && (runnerName ?? runnerId) !== undefined);
}

// ---- what is kept ----

/** How long to keep the parts of an incomplete read: in milliseconds. */
const KEPT_MS = 90_000;
/** How long to keep them once the read is complete: in milliseconds. The read right before the restart requests all older ones again. */
const KEPT_AFTER_MS = 10_000;

/**
 * Keeps the jobs by run, so that a read that ran out of time resumes where it stopped. A run that has changed since is read again. Nothing is
 * kept of a read that was complete in one call. If it took several calls, its newest parts are kept for some seconds, so that the read right
 * before the restart does not take as long again.
 */
function createKeptJobs(clock: Pick<Clock, 'now'>) {
  const kept = new Map<string, { readonly jobs: readonly Job[]; readonly readAt: number }>();
  let isResumed = false;
  let isComplete = true;
  const keyOf = ({ id, state }: WorkflowRun) => `${id} ${state}`;
  return {
    begin(): void {
      const oldest = clock.now() - (isComplete ? KEPT_AFTER_MS : KEPT_MS);
      for (const [key, { readAt }] of kept) if (readAt < oldest) kept.delete(key);
      isResumed = kept.size > 0;
      isComplete = false;
    },
    get(run: WorkflowRun): readonly Job[] | undefined {
      return kept.get(keyOf(run))?.jobs;
    },
    keep(run: WorkflowRun, jobs: readonly Job[]): void {
      const before = kept.get(keyOf(run));
      if (before?.jobs !== jobs) kept.set(keyOf(run), { jobs, readAt: clock.now() });
    },
    finish(): void {
      if (!isResumed) kept.clear();
      isComplete = true;
    },
  };
}

interface JobsContext {
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Pick<Log, 'info' | 'debug'>;
}

/** The jobs source if it is unknown which repository's jobs to read. */
export function createNoJobsSource(log: Pick<Log, 'info'>): JobsSource {
  let isLogged = false;
  return {
    async runningJobs() {
      if (!isLogged)
        log.info('GITHUB_REPOSITORY is not set, so only the runner itself shows whether a job runs');
      isLogged = true;
      return { refused: 'GITHUB_REPOSITORY is not set', isFinal: true };
    },
  };
}

// ---- one run ----

export interface RunJobs {
  /** For each name, the jobs of the highest attempt. */
  readonly jobs: readonly Job[];
  /** GitHub's clock when it answered, in milliseconds since 1970, to compute how long ago a job ended. */
  readonly readAt: number | undefined;
}

/** Reads the jobs of all attempts of a run. @throws ActionError as the GitHub client does. */
export async function readRunJobs(origin: JobsOrigin, runId: number, bounds: RetryBounds): Promise<RunJobs> {
  const question = jobsQuestion(origin, runId, 'all');
  const access = { ...question.access, input: 'run_id' };
  const { items, date } = await origin.client.askForList({ ...bounds, ...question, access });
  return { jobs: latestOf(items), readAt: date };
}

/** Keeps the highest attempt of each name: after "Re-run failed jobs", a job appears once per attempt that ran it. */
function latestOf(jobs: readonly Job[]): Job[] {
  const attempts = new Map<string, number>();
  for (const { name, attempt } of jobs) attempts.set(name, Math.max(attempt, attempts.get(name) ?? 0));
  return jobs.filter(({ name, attempt }) => attempts.get(name) === attempt);
}

// ---- requests ----

/**
 * A run's status follows its least advanced job: with one job in progress and another one queued it is `queued`. So this reads the runs of
 * every status except `completed`, and the status of each job decides.
 */
const OTHER_STATUSES = ['queued', 'pending', 'waiting', 'requested'] as const;

async function askForRuns(
  ask: JobRequests['runs'],
  bounds: RetryBounds,
): Promise<readonly WorkflowRun[] | Refusal> {
  const first = await ask('in_progress', bounds);
  if ('said' in first) return { refused: first.said, isFinal: false };
  const others = OTHER_STATUSES.map((status) => ask(status, bounds));
  // A run that changes its status while the lists are read may be missing from all of them.
  const lists = [first, ...(await allOf(others)), await ask('in_progress', bounds)];
  const runs = new Map<number, WorkflowRun>();
  for (const list of lists) {
    if ('said' in list) return { refused: list.said, isFinal: false, isPartial: true };
    requireComplete(list, 'workflow runs', bounds);
    for (const run of list.items) runs.set(run.id, run);
  }
  return [...runs.values()];
}

/** @throws ActionError, transient, if the run is gone: it was deleted, so the next read will not list it. */
async function askForJobs(
  ask: JobRequests['jobs'],
  runId: number,
  bounds: RetryBounds,
): Promise<readonly Job[]> {
  const list = await ask(runId, bounds);
  if ('items' in list) {
    requireComplete(list, `jobs of run ${runId}`, bounds);
    return list.items;
  }
  const message = `A workflow run that GitHub had just listed is gone (${list.said}).`;
  throw new ActionError('github_api_failed', message, { isTransient: true });
}

/** @throws ActionError, transient, if the list is cut off: what it lacks may be a job on the runner. */
function requireComplete(
  { items, total, isCut }: List<unknown>,
  what: string,
  { onFault }: RetryBounds,
): void {
  if (!isCut) return;
  const reason = `its list of ${what} ends after ${items.length}${total > items.length ? ` of ${total}` : ''}`;
  onFault?.({ kind: 'incomplete list', reason, hint: TOO_MANY, nature: 'passing' });
  throw new ActionError('github_api_failed', `GitHub cannot be queried: ${reason}.`, {
    hint: TOO_MANY,
    isTransient: true,
  });
}

const TOO_MANY = 'Cancel runs that are no longer needed, or set when_busy: ignore.';

type JobRequests = ReturnType<typeof createJobRequests>;

/** The requests, which remember GitHub's earlier answers. */
function createJobRequests(origin: JobsOrigin) {
  const { owner, repo } = origin.repository;
  const ofRuns: Memory<readonly WorkflowRun[]> = new Map();
  const ofJobs: Memory<readonly Job[]> = new Map();
  return {
    runs: (status: string, bounds: RetryBounds) =>
      origin.client.askForList({
        ...bounds,
        route: 'GET /repos/{owner}/{repo}/actions/runs',
        parameters: { owner, repo, status, exclude_pull_requests: true },
        access: { ...JOBS_ACCESS, subject: `the workflow runs of repository ${owner}/${repo}` },
        read: readRuns,
        otherAnswers: REFUSED_JOBS,
        memory: ofRuns,
      }),
    jobs: (runId: number, bounds: RetryBounds) => {
      const question = jobsQuestion(origin, runId, 'latest');
      return origin.client.askForList({ ...bounds, ...question, otherAnswers: REFUSED_JOBS, memory: ofJobs });
    },
  };
}

/** @param filter whether to read the jobs of the last attempt, or of all attempts. */
function jobsQuestion({ repository: { owner, repo } }: JobsOrigin, runId: number, filter: 'latest' | 'all') {
  return {
    route: 'GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs',
    parameters: { owner, repo, run_id: runId, filter },
    access: { ...JOBS_ACCESS, subject: `the jobs of run ${runId} of repository ${owner}/${repo}` },
    read: (data: unknown) => readJobs(data, runId),
  };
}

const JOBS_ACCESS = {
  permission:
    'The token needs "Actions: read" for that repository; in a workflow: permissions: actions: read.',
  input: 'the name of the repository',
};
/** These lead to a decision without the jobs. HTTP 401 does not: a token that GitHub does not know cannot read the runners, either. */
const REFUSED_JOBS = [403, 404];

/** Works on AT_ONCE items at the same time; begins no other once one has failed. */
async function forEachAtOnce<T extends object>(
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const rest = [...items];
  async function workThrough(): Promise<void> {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) {
      await work(item).catch((error: unknown) => {
        rest.length = 0;
        throw error;
      });
    }
  }
  await allOf(Array.from({ length: AT_ONCE }, workThrough));
}

/** All results. If a task throws, waits for the other tasks first, so that none continues unnoticed. */
async function allOf<T>(tasks: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(tasks);
  return Promise.all(tasks);
}
