// The jobs of one workflow run, and the runners that they ran on: this is how `used_by_job` finds VMs.

import type { RetryBounds } from '../http/retry.ts';
import { type Job, type JobsPlace, jobsQuestion } from './jobs.ts';
import { fitsText } from './runner-names.ts';

export interface RunJobs {
  /** Of each name, those of the highest attempt. */
  readonly jobs: readonly Job[];
  /** GitHub's clock when it answered, in milliseconds since 1970: what the age of a job counts from. */
  readonly readAt: number | undefined;
}

/** Reads the jobs of all attempts of a run. @throws ActionError as the GitHub client does. */
export async function readRunJobs(place: JobsPlace, runId: number, bounds: RetryBounds): Promise<RunJobs> {
  const question = { ...jobsQuestion(place, { runId, filter: 'all' }), input: 'run_id' };
  const { items, date } = await place.client.askForList({ ...bounds, ...question });
  return { jobs: latestOf(items), readAt: date };
}

/** After "Re-run failed jobs" a job is there once per attempt that ran it. */
function latestOf(jobs: readonly Job[]): Job[] {
  const attempts = new Map<string, number>();
  for (const { name, attempt } of jobs) attempts.set(name, Math.max(attempt, attempts.get(name) ?? 0));
  return jobs.filter(({ name, attempt }) => attempts.get(name) === attempt);
}

// ---- which of them ran on a runner; pure ----

/** A job that GitHub shows on a self-hosted runner. */
export interface JobOnRunner extends Job {
  readonly runnerName: string;
}

/** Why a job names no VM. */
export type WithoutRunner =
  /** Its condition was false. */
  | 'skipped'
  /** It was cancelled, or has not begun, before a runner took it. */
  | 'never started'
  | 'hosted by GitHub'
  /** It runs, but GitHub does not say where. */
  | 'runner not shown';

export interface JobSelection {
  readonly onRunners: readonly JobOnRunner[];
  readonly others: readonly { readonly job: Job; readonly why: WithoutRunner }[];
  /** Skipped jobs of a matrix that was never expanded, e.g. `test (${{ matrix.os }})`: their real names are not known. */
  readonly unexpanded: readonly Job[];
}

/** The job that the step itself runs in. */
export interface OwnJob {
  /** Undefined if the environment does not say. */
  readonly runId: number | undefined;
  readonly runnerName: string | undefined;
}

/** The jobs whose names fit one of the patterns, where `*` is any text; never the step's own. */
export function selectJobs(jobs: readonly Job[], patterns: readonly string[], own: OwnJob): JobSelection {
  const isWanted = ({ name }: Job) => patterns.some((pattern) => fitsText(pattern.split('*'), name));
  const wanted = jobs.filter((job) => isWanted(job) && !isOwnJob(job, own));
  return {
    onRunners: wanted.filter(isOnRunner),
    others: wanted.flatMap((job) => (isOnRunner(job) ? [] : [{ job, why: whyWithout(job) }])),
    unexpanded: jobs.filter(({ name, conclusion }) => conclusion === 'skipped' && name.includes('${{')),
  };
}

/** Whether the step runs in this job. */
export function isOwnJob({ runId, runnerName, status }: Job, own: OwnJob): boolean {
  const isSameRunner = runnerName !== undefined && runnerName === own.runnerName;
  return runId === own.runId && isSameRunner && status === 'in_progress';
}

const HOSTED_GROUP = 'GitHub Actions';

function isOnRunner(job: Job): job is JobOnRunner {
  return job.runnerName !== undefined && job.runnerGroup !== HOSTED_GROUP;
}

function whyWithout({ conclusion, runnerGroup, status }: Job): WithoutRunner {
  if (conclusion === 'skipped') return 'skipped';
  if (runnerGroup === HOSTED_GROUP) return 'hosted by GitHub';
  return status === 'in_progress' ? 'runner not shown' : 'never started';
}
