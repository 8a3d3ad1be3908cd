// The jobs source. GitHub's runners API learns late that a runner is busy, and at times forgets it; the jobs of a repository
// say on which runner each of them runs. So the runs in progress are read, then the jobs of each. This takes its own permission.

import { ActionError } from '../errors.ts';
import { isRecord, text, UnusableAnswer } from '../http/json.ts';
import type { RetryBounds } from '../http/retry.ts';
import type { Log } from '../log.ts';
import { type GitHubClient, isRequestError, type Question } from './github-client.ts';
import { isSameName } from './runner-names.ts';
import { describeScope, type RepositoryScope } from './scope.ts';

/** A job as GitHub reports it: what this action uses of it, checked field by field. */
export interface Job {
  readonly runId: number;
  /** 1 for the first attempt of its run. */
  readonly attempt: number;
  readonly name: string;
  /** `in_progress`, `completed`, `queued`, `waiting`, `requested` or `pending`. */
  readonly status: string;
  /** Of a completed job, e.g. `success`, `failure`, `cancelled`, `skipped`. */
  readonly conclusion: string | undefined;
  /** When it ended by GitHub's clock, in milliseconds since 1970. */
  readonly completedAt: number | undefined;
  /** What it asks of its runner (`runs-on`). */
  readonly labels: readonly string[];
  /** Of the runner that it runs on; either may be missing. */
  readonly runnerId: number | undefined;
  readonly runnerName: string | undefined;
  /** `GitHub Actions` for a runner hosted by GitHub. */
  readonly runnerGroup: string | undefined;
}

/** Knows the jobs that are in progress. */
export interface JobsSource {
  /**
   * All that are in progress now; `unreadable` where nobody may read them for this step.
   * @throws ActionError as {@link GitHubClient.octokitFor} tells.
   */
  runningJobs(bounds: RetryBounds): Promise<readonly Job[] | 'unreadable'>;
}

/** The job that runs on the runner, if one does. Where a job lacks its runner's ID, or the runner's is not known, the name decides. */
export function jobOn(
  jobs: readonly Job[],
  { id, name }: { readonly id: number | undefined; readonly name: string },
): Job | undefined {
  return jobs.find(({ runnerId, runnerName }) => {
    if (runnerId !== undefined && id !== undefined) return runnerId === id;
    return runnerName !== undefined && isSameName(runnerName, name);
  });
}

const PER_PAGE = 100;
/** Matrix jobs have long names. */
const LONGEST_NAME = 1_000;
/** A run has fewer jobs than these hold. */
const MOST_PAGES = 100;
/** So many runs are asked for their jobs at a time: GitHub wants few requests at once, and a look must not take long. */
const AT_ONCE = 8;

/** Where jobs are read, and with what. */
interface Source {
  readonly client: GitHubClient;
  readonly repository: RepositoryScope;
}

/** The jobs of one repository. What the token may not read, and what is too much to read, it tells once. */
export function createJobsSource(source: Source, log: Pick<Log, 'info'>): JobsSource {
  const where = describeScope(source.repository);
  let access: 'untried' | 'granted' | 'denied' = 'untried';
  let hasToldOfMany = false;

  /** Undefined where the token may not read them. Once it could, a no is no matter of its permissions. */
  async function readRuns(bounds: RetryBounds): Promise<Runs | undefined> {
    if (access === 'denied') return undefined;
    const runs = await requestRuns(source, {
      ...bounds,
      otherAnswers: access === 'granted' ? [] : [403, 404],
    });
    access = typeof runs === 'number' ? 'denied' : 'granted';
    if (typeof runs !== 'number') return runs;
    log.info(
      `github_token may not read the workflow runs of ${where} (HTTP ${runs}; it takes "Actions: read"): whether a job runs, only the runner itself can tell`,
    );
    return undefined;
  }

  return {
    async runningJobs(bounds) {
      const runs = await readRuns(bounds);
      if (runs === undefined) return 'unreadable';
      if (!hasToldOfMany && runs.total > PER_PAGE) {
        hasToldOfMany = true;
        log.info(
          `${runs.total} runs are in progress in ${where}: only the jobs of the newest ${PER_PAGE} are read`,
        );
      }
      return readJobsOf(runs.ids, (runId) => readJobs(source, runId, bounds));
    },
  };
}

/** What there is to know of jobs where the step runs for no repository. */
export function createNoJobsSource(log: Pick<Log, 'info'>): JobsSource {
  let hasTold = false;
  return {
    async runningJobs() {
      if (!hasTold)
        log.info('GITHUB_REPOSITORY is not set: whether a job runs, only the runner itself can tell');
      hasTold = true;
      return 'unreadable';
    },
  };
}

// ---- requests ----

interface Runs {
  /** The newest first. */
  readonly ids: readonly number[];
  /** How many there are, these included. */
  readonly total: number;
}

/** The runs in progress; or the status where it is one of the other answers. */
async function requestRuns(
  { client, repository }: Source,
  question: RetryBounds & Pick<Question, 'otherAnswers'>,
): Promise<Runs | number> {
  const { owner, repo } = repository;
  const subject = `the workflow runs of ${describeScope(repository)}`;
  const { rest } = client.octokitFor({ ...question, readData: requireRuns, subject });
  const selection = { status: 'in_progress', per_page: PER_PAGE, exclude_pull_requests: true } as const;
  try {
    const { data } = await rest.actions.listWorkflowRunsForRepo({ owner, repo, ...selection });
    return runsFrom(data);
  } catch (error) {
    if (isRequestError(error)) return error.status;
    throw error;
  }
}

async function readJobsOf(
  runIds: readonly number[],
  read: (runId: number) => Promise<Job[]>,
): Promise<Job[]> {
  const jobs: Job[] = [];
  for (let from = 0; from < runIds.length; from += AT_ONCE)
    jobs.push(...(await allOf(runIds.slice(from, from + AT_ONCE).map(read))).flat());
  return jobs;
}

/** @throws ActionError, transient, where the run is gone by now: it was deleted, which takes that it has ended. */
async function readJobs(source: Source, runId: number, bounds: RetryBounds): Promise<Job[]> {
  const jobs: Job[] = [];
  let pages = 0;
  try {
    for await (const { data } of pagesOfJobs(source, runId, bounds)) {
      jobs.push(...data.map((job) => jobFrom(job, runId)).filter(({ status }) => status === 'in_progress'));
      if (++pages === MOST_PAGES) break;
    }
    return jobs;
  } catch (error) {
    if (!isRequestError(error)) throw error;
    const message = 'A workflow run is gone that GitHub has just listed.';
    throw new ActionError('github_api_failed', message, { isTransient: true });
  }
}

function pagesOfJobs(
  { client, repository }: Source,
  runId: number,
  bounds: RetryBounds,
): AsyncIterable<{ readonly data: readonly unknown[] }> {
  const { owner, repo } = repository;
  const subject = `the jobs of a run of ${describeScope(repository)}`;
  const octokit = client.octokitFor({ ...bounds, readData: requireJobs, otherAnswers: [404], subject });
  const selection = { run_id: runId, filter: 'latest', per_page: PER_PAGE } as const;
  return octokit.paginate.iterator(octokit.rest.actions.listJobsForWorkflowRun, {
    owner,
    repo,
    ...selection,
  });
}

/** Every result. What one throws is thrown once none is under way any more. */
async function allOf<T>(tasks: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(tasks);
  return Promise.all(tasks);
}

// ---- answers ----

/** @throws UnusableAnswer where there is no list of runs, or one of them has no ID. */
function requireRuns(data: unknown): unknown {
  runsFrom(data);
  return data;
}

function runsFrom(data: unknown): Runs {
  const { workflow_runs: runs, total_count: total } = isRecord(data) ? data : {};
  if (!Array.isArray(runs)) throw new UnusableAnswer('it answered without a list of workflow runs');
  if (runs.length > PER_PAGE) throw new UnusableAnswer('it answered with more runs than were asked for');
  const ids = runs.map((run: unknown) => {
    const id = isRecord(run) ? run['id'] : undefined;
    if (typeof id !== 'number') throw new UnusableAnswer('it answered with a workflow run that lacks its id');
    return id;
  });
  return { ids, total: typeof total === 'number' ? total : ids.length };
}

/** The list alone, as octokit's paginate might take another one for it. @throws UnusableAnswer where a job cannot be read. */
function requireJobs(data: unknown): unknown[] {
  const jobs: unknown = isRecord(data) ? data['jobs'] : undefined;
  if (!Array.isArray(jobs)) throw new UnusableAnswer('it answered without a list of jobs');
  for (const job of jobs) {
    const status = isRecord(job) ? text(job, 'status') : undefined;
    if (status === undefined) throw new UnusableAnswer('it answered with a job that lacks its status');
  }
  return jobs;
}

function jobFrom(data: unknown, runId: number): Job {
  const fields = isRecord(data) ? data : {};
  const { runner_id: id, run_attempt: attempt, labels } = fields;
  const completedAt = Date.parse(text(fields, 'completed_at') ?? '');
  return {
    ...{
      runId,
      attempt: typeof attempt === 'number' ? attempt : 1,
      name: text(fields, 'name', LONGEST_NAME) ?? '',
    },
    ...{ status: text(fields, 'status') ?? '', conclusion: text(fields, 'conclusion') },
    completedAt: Number.isNaN(completedAt) ? undefined : completedAt,
    labels: (Array.isArray(labels) ? labels : []).filter((label) => typeof label === 'string'),
    // GitHub writes 0 where it has no ID for a runner.
    runnerId: typeof id === 'number' && id > 0 ? id : undefined,
    ...{ runnerName: text(fields, 'runner_name'), runnerGroup: text(fields, 'runner_group_name') },
  };
}
