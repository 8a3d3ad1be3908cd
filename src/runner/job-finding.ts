// Reads the jobs in progress for all VMs, and finds those that run on one VM's runners.

import { type Clock, seconds } from '../clock.ts';
import { originalOf } from '../drain/drain-labels.ts';
import type { Job } from '../github/job.ts';
import type { JobsSource, Refusal } from '../github/jobs.ts';
import { fitsPattern, type NamePattern } from '../github/runner-names.ts';
import type { RetryBounds } from '../http/retry.ts';
import type { Log } from '../log.ts';

/** What the jobs in progress say about the runners in one VM. */
export type JobFinding =
  /** A job runs on one of them. */
  | { readonly kind: 'job'; readonly job: Job }
  /** A job may run on one of them: GitHub does not name its runner, and either its runner ID or its labels fit a runner in this VM. */
  | { readonly kind: 'unassigned'; readonly job: Job }
  /** No job on them. `unplaced`: a job in progress whose runner GitHub does not name; neither ID nor labels fit a runner in this VM. */
  | { readonly kind: 'none'; readonly unplaced?: Job }
  /** The tokens cannot read the jobs. */
  | { readonly kind: 'unreadable' }
  | {
      readonly kind: 'no answer';
      /** If GitHub refused the tokens: another refusal after this time on the clock's scale makes the jobs `unreadable`. */
      readonly finalFrom?: number;
      /** GitHub's answer, if it refused the tokens. */
      readonly refused?: string;
    };

/** The runner group of GitHub-hosted runners. */
export const HOSTED = 'GitHub Actions';

/** The runners to find jobs for. */
export interface JobOwner {
  readonly pattern: NamePattern;
  /** The IDs of all registrations seen so far. */
  readonly ids: ReadonlySet<number>;
  /** The names of the labels of each runner seen so far. */
  readonly labels: readonly (readonly string[])[];
}

/**
 * Finds a job of the runners. The name decides, because a runner's ID is unique only within its repository, organization or enterprise, and
 * changes when the runner registers again. A job without a runner name is theirs if both ID and labels fit, and may be theirs if one of the
 * two does. Pure.
 */
export function findJob(jobs: readonly Job[], { pattern, ids, labels }: JobOwner): JobFinding {
  const named = jobs.find(({ runnerName }) => runnerName !== undefined && fitsPattern(pattern, runnerName));
  if (named !== undefined) return { kind: 'job', job: named };
  const nameless = jobs.filter(({ runnerName, runnerGroup }) => {
    return runnerName === undefined && runnerGroup !== HOSTED;
  });
  const isNumbered = ({ runnerId }: Job) => runnerId !== undefined && ids.has(runnerId);
  const isLabeled = (job: Job) => fitsLabels(job, labels);
  const certain = nameless.find((job) => isNumbered(job) && isLabeled(job));
  if (certain !== undefined) return { kind: 'job', job: certain };
  const possible = nameless.find((job) => isNumbered(job) || isLabeled(job));
  if (possible !== undefined) return { kind: 'unassigned', job: possible };
  const [unplaced] = nameless;
  return { kind: 'none', ...(unplaced && { unplaced }) };
}

/** GitHub gives a job to a runner that has all of the job's labels; case does not matter. */
function fitsLabels(job: Job, runners: readonly (readonly string[])[]): boolean {
  const wanted = job.labels.map((label) => label.toLowerCase());
  return runners.some((labels) => {
    // A job may have asked for a label that a drain has replaced since.
    const own = new Set(labels.map((label) => originalOf(label).toLowerCase()));
    // Every runner has labels, so none means that they could not be read: then any job may fit.
    return own.size === 0 || wanted.every((label) => own.has(label));
  });
}

/** Once GitHub has given nothing but refusals for this long, in milliseconds, the step decides without the jobs. */
const REFUSED_FOR_MS = 30_000;
/** Refusals that are further apart than this belong to different series: in milliseconds. */
const LONGEST_PAUSE_MS = 30_000;

/** Reads the jobs for the runners of all VMs. */
export interface JobReader {
  /**
   * Sends the request even if GitHub refused the last one. A refusal counts as no answer until GitHub has only refused for a while.
   * @param owner called after the jobs were read, because runners may register in the meantime.
   * @throws ActionError as the source does.
   */
  read(owner: () => JobOwner, bounds: RetryBounds): Promise<JobFinding>;
}

export function createJobReader(jobs: JobsSource, { clock, log }: { clock: Clock; log: Log }): JobReader {
  /** The latest refusals, with no other answer in between: the times of the first and of the last one. */
  let series: { readonly since: number; readonly until: number } | undefined;
  /** Whether the refusals are final, so that the runners alone decide. */
  let isOff = false;
  let hasWarned = false;

  function refuse({ refused, isFinal, isPartial = false }: Refusal): JobFinding {
    const now = clock.now();
    // A partial refusal is never final: the gate reads the jobs again until one of its limits ends the wait.
    if (isPartial) {
      isOff = false;
      series = undefined;
      return { kind: 'no answer', refused };
    }
    const since = series === undefined || now - series.until > LONGEST_PAUSE_MS ? now : series.since;
    series = { since, until: now };
    isOff ||= isFinal || now - since >= REFUSED_FOR_MS;
    if (!isOff) return { kind: 'no answer', finalFrom: since + REFUSED_FOR_MS, refused };
    if (!hasWarned && !isFinal) log.warning(describeRefusal(refused));
    hasWarned = true;
    return { kind: 'unreadable' };
  }

  return {
    async read(owner, bounds) {
      try {
        const running = await jobs.runningJobs(bounds);
        if ('refused' in running) return refuse(running);
        isOff = false;
        series = undefined;
        return findJob(running, owner());
      } catch (error) {
        series = undefined;
        throw error;
      }
    },
  };
}

function describeRefusal(refused: string): string {
  return `GitHub has refused to list the jobs in progress for ${seconds(REFUSED_FOR_MS)}: ${refused}. Only the runners themselves now show whether a job runs, and GitHub may show that a minute late: such a job would be killed. Give jobs_token or github_token "Actions: read".`;
}
