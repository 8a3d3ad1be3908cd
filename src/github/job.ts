import { type Fields, isRecord, text, UnusableAnswer } from '../http/json.ts';
import { itemsIn } from './github-client.ts';
import { runnerNameIn } from './runner-names.ts';

/** A job as GitHub reports it: the fields that this action uses, each checked. */
export interface Job {
  readonly runId: number;
  /** 1 for the first attempt of its run. */
  readonly attempt: number;
  readonly name: string;
  /** `in_progress`, `completed`, `queued`, `waiting`, `requested` or `pending`. */
  readonly status: string;
  /** For a completed job, e.g. `success`, `failure`, `cancelled`, `skipped`. */
  readonly conclusion: string | undefined;
  /** When it ended by GitHub's clock, in milliseconds since 1970. */
  readonly completedAt: number | undefined;
  /** The labels in its `runs-on`. */
  readonly labels: readonly string[];
  /** GitHub may know its runner without giving both fields. */
  readonly runnerId: number | undefined;
  readonly runnerName: string | undefined;
  /** `GitHub Actions` for GitHub-hosted runners. */
  readonly runnerGroup: string | undefined;
}

/** A workflow run that is not completed. */
export interface WorkflowRun {
  readonly id: number;
  /** Changes with the run: its status, and when it was updated. */
  readonly state: string;
}

/** In characters. The names of matrix jobs are long. */
const LONGEST_NAME = 1_000;

/** Reads one page of a list. @throws UnusableAnswer if there is no list of runs, or if a run has no ID. */
export function readRuns(data: unknown): WorkflowRun[] {
  return itemsIn(data, 'workflow_runs').map((run) => {
    const { id, status, updated_at: updatedAt } = isRecord(run) ? run : {};
    if (typeof id !== 'number') throw new UnusableAnswer('it answered with a workflow run that lacks its id');
    return { id, state: `${status} ${updatedAt}` };
  });
}

/** Reads one page of a list. @throws UnusableAnswer if there is no list of jobs, or if a job has no status. */
export function readJobs(data: unknown, runId: number): Job[] {
  return itemsIn(data, 'jobs').map((job) => readJob(isRecord(job) ? job : {}, runId));
}

function readJob(fields: Fields, runId: number): Job {
  const { runner_id: id, run_attempt: attempt, labels } = fields;
  const status = text(fields, 'status');
  if (status === undefined) throw new UnusableAnswer('it answered with a job that lacks its status');
  const completedAt = Date.parse(text(fields, 'completed_at') ?? '');
  return {
    runId,
    attempt: typeof attempt === 'number' ? attempt : 1,
    name: text(fields, 'name', LONGEST_NAME) ?? '',
    status,
    conclusion: text(fields, 'conclusion'),
    completedAt: Number.isNaN(completedAt) ? undefined : completedAt,
    labels: (Array.isArray(labels) ? labels : []).filter((label) => typeof label === 'string'),
    // GitHub writes 0 if it has no ID for a runner.
    runnerId: typeof id === 'number' && id > 0 ? id : undefined,
    runnerName: runnerNameIn(fields, 'runner_name'),
    runnerGroup: text(fields, 'runner_group_name'),
  };
}
