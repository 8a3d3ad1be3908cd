// For `used_by_job`: which jobs of a workflow run are meant, and on which self-hosted runners they ran. Pure.

import type { Job } from '../github/job.ts';
import { HOSTED } from '../runner/job-finding.ts';
import { fits } from './targets.ts';

/** A job that GitHub shows on a self-hosted runner. */
export interface JobOnRunner extends Job {
  readonly runnerName: string;
}

/** Why a job names no VM. */
export type WithoutRunner =
  /** Its condition was false. */
  | 'skipped'
  /** No runner has taken it: it was canceled before, or has not begun. */
  | 'never started'
  | 'hosted by GitHub'
  /** It is in progress, but GitHub does not say on which runner. */
  | 'runner not shown';

export interface JobSelection {
  readonly onRunners: readonly JobOnRunner[];
  readonly others: readonly { readonly job: Job; readonly why: WithoutRunner }[];
  /** Skipped jobs of a matrix that was never expanded, e.g. `test (${{ matrix.os }})`: their real names are unknown. */
  readonly unexpanded: readonly Job[];
}

/** The job that the step itself runs in. */
export interface OwnJob {
  /** Undefined if the environment does not say. */
  readonly runId: number | undefined;
  readonly runnerName: string | undefined;
}

/** Selects the jobs whose names match one of the patterns, in which `*` matches any text; never the step's own job. */
export function selectJobs(jobs: readonly Job[], patterns: readonly string[], own: OwnJob): JobSelection {
  const isWanted = ({ name }: Job) => patterns.some((pattern) => fits(pattern, name));
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

function isOnRunner(job: Job): job is JobOnRunner {
  return job.runnerName !== undefined && job.runnerGroup !== HOSTED;
}

function whyWithout({ conclusion, runnerGroup, status }: Job): WithoutRunner {
  if (conclusion === 'skipped') return 'skipped';
  if (runnerGroup === HOSTED) return 'hosted by GitHub';
  return status === 'in_progress' ? 'runner not shown' : 'never started';
}
