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

/** GitHub refused every token for this reading; the next one may succeed. */
export interface Refusal {
  /** e.g. `github_token: HTTP 403 ("Resource not accessible by integration")`. */
  readonly refused: string;
  /** No later reading can succeed. */
  readonly isFinal: boolean;
  /** GitHub answered another part of the reading, so it does not refuse everything. */
  readonly isPartial?: boolean;
}

/** The jobs source: the jobs that are in progress. */
export interface JobsSource {
  /** All jobs that are in progress now. @throws ActionError as {@link GitHubClient} describes. */
  runningJobs(bounds: RetryBounds): Promise<readonly Job[] | Refusal>;
}

/** How many runs' jobs are read at a time: GitHub allows 100 concurrent requests, and a reading must not take long. */
const AT_ONCE = 16;

/** The repository whose jobs are read, and the client. */
interface JobsPlace {
  readonly client: GitHubClient;
  readonly repository: RepositoryScope;
}

/** The jobs of one repository. A refusal is not remembered: each reading asks again. A reading that ran out of time is continued by the next one. */
export function createJobsSource(place: JobsPlace, { clock, log }: JobsContext): JobsSource {
  const requests = createJobRequests(place);
  const kept = createKeptJobs(clock);
  let isLogged = false;

  /** Only a detail, because there is a warning once the refusals are final. */
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

/** A job that has a runner runs there, whatever its status, until it is completed. */
function isRunning({ status, runnerName, runnerId }: Job): boolean {
  return status === 'in_progress' || (status !== 'completed' && (runnerName ?? runnerId) !== undefined);
}

// ---- what is kept ----

/** How long to keep parts of a reading that takes several calls: in milliseconds. */
const KEPT_MS = 90_000;
/** How long to keep them once that reading is complete: in milliseconds. The reading right before the restart asks for all older ones again. */
const KEPT_AFTER_MS = 10_000;

/**
 * The jobs by run, so that a reading that ran out of time resumes where it stopped. A run that has changed since is
 * read again. A reading that was complete in one call is forgotten at once. The newest parts of one that took several calls are kept for a
 * moment, so that the reading right before the restart does not take as long again.
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

/** The jobs source of a step that runs for no repository. */
export function createNoJobsSource(log: Pick<Log, 'info'>): JobsSource {
  let isLogged = false;
  return {
    async runningJobs() {
      if (!isLogged)
        log.info('GITHUB_REPOSITORY is not set: only the runner itself can tell whether a job runs');
      isLogged = true;
      return { refused: 'GITHUB_REPOSITORY is not set', isFinal: true };
    },
  };
}

// ---- one run ----

export interface RunJobs {
  /** For each name, the jobs of the highest attempt. */
  readonly jobs: readonly Job[];
  /** GitHub's clock when it answered, in milliseconds since 1970: the age of a job is measured from here. */
  readonly readAt: number | undefined;
}

/** Reads the jobs of all attempts of a run. @throws ActionError as the GitHub client does. */
export async function readRunJobs(place: JobsPlace, runId: number, bounds: RetryBounds): Promise<RunJobs> {
  const question = jobsQuestion(place, runId, 'all');
  const access = { ...question.access, input: 'run_id' };
  const { items, date } = await place.client.askForList({ ...bounds, ...question, access });
  return { jobs: latestOf(items), readAt: date };
}

/** After "Re-run failed jobs", a job appears once per attempt that ran it. */
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
    requireWhole(list, 'workflow runs', bounds);
    for (const run of list.items) runs.set(run.id, run);
  }
  return [...runs.values()];
}

/** @throws ActionError, transient, if the run no longer exists: it was deleted, so it had ended. */
async function askForJobs(
  ask: JobRequests['jobs'],
  runId: number,
  bounds: RetryBounds,
): Promise<readonly Job[]> {
  const list = await ask(runId, bounds);
  if ('items' in list) {
    requireWhole(list, `jobs of run ${runId}`, bounds);
    return list.items;
  }
  const message = `A workflow run that GitHub had just listed is gone (${list.said}).`;
  throw new ActionError('github_api_failed', message, { isTransient: true });
}

/** @throws ActionError, transient, if the list lacks jobs: one of these may be on the runner. */
function requireWhole({ items, total, isCut }: List<unknown>, what: string, { onFault }: RetryBounds): void {
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

/** The requests, with GitHub's earlier answers to them. */
function createJobRequests(place: JobsPlace) {
  const { owner, repo } = place.repository;
  const ofRuns: Memory<readonly WorkflowRun[]> = new Map();
  const ofJobs: Memory<readonly Job[]> = new Map();
  return {
    runs: (status: string, bounds: RetryBounds) =>
      place.client.askForList({
        ...bounds,
        route: 'GET /repos/{owner}/{repo}/actions/runs',
        parameters: { owner, repo, status, exclude_pull_requests: true },
        access: { ...JOBS_ACCESS, subject: `the workflow runs of repository ${owner}/${repo}` },
        read: readRuns,
        otherAnswers: REFUSED_JOBS,
        memory: ofRuns,
      }),
    jobs: (runId: number, bounds: RetryBounds) => {
      const question = jobsQuestion(place, runId, 'latest');
      return place.client.askForList({ ...bounds, ...question, otherAnswers: REFUSED_JOBS, memory: ofJobs });
    },
  };
}

/** The jobs of a run: those of its last attempt, or of all. */
function jobsQuestion({ repository: { owner, repo } }: JobsPlace, runId: number, filter: 'latest' | 'all') {
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
/** Does not include HTTP 401: a token that GitHub does not know cannot read the runners, either. */
const REFUSED_JOBS = [403, 404];

/** A few at a time; none starts once one has failed. */
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

/** All results. If one throws, waits until none is running, then throws that error. */
async function allOf<T>(tasks: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(tasks);
  return Promise.all(tasks);
}
