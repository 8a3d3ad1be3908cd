import type { Job } from './jobs.ts';
import { fitsPattern, type NamePattern } from './runner-names.ts';

/** What the jobs in progress say of the runners in one VM. */
export type JobFinding =
  /** It runs on one of them. */
  | { readonly kind: 'job'; readonly job: Job }
  /** It may run on one of them: GitHub does not say on which runner it does, and one of these has all of its labels. */
  | { readonly kind: 'unassigned'; readonly job: Job }
  | { readonly kind: 'none' }
  /** The tokens cannot read them. */
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'no answer' };

/** Whose jobs are looked for. */
export interface JobOwner {
  readonly pattern: NamePattern;
  /** Of every registration that was seen. */
  readonly ids: ReadonlySet<number>;
  /** The names of the labels of each runner that was seen. */
  readonly labels: readonly (readonly string[])[];
}

/** The group of the runners that GitHub hosts. */
const HOSTED = 'GitHub Actions';

/**
 * Looks for a job of the runners. The name decides: the number of a runner is unique for its owner only, and changes when the runner
 * registers again. Without a name, the number counts only if the labels fit, too. Pure.
 */
export function findJob(jobs: readonly Job[], { pattern, ids, labels }: JobOwner): JobFinding {
  const named = jobs.find(({ runnerName }) => runnerName !== undefined && fitsPattern(pattern, runnerName));
  if (named !== undefined) return { kind: 'job', job: named };
  const nameless = jobs.filter((job) => {
    return job.runnerName === undefined && job.runnerGroup !== HOSTED && fitsLabels(job, labels);
  });
  const numbered = nameless.find(({ runnerId }) => runnerId !== undefined && ids.has(runnerId));
  if (numbered !== undefined) return { kind: 'job', job: numbered };
  const [unassigned] = nameless;
  return unassigned === undefined ? { kind: 'none' } : { kind: 'unassigned', job: unassigned };
}

/** GitHub gives a job to a runner that has all of its labels, in upper or lower case. */
function fitsLabels(job: Job, runners: readonly (readonly string[])[]): boolean {
  const wanted = job.labels.map((label) => label.toLowerCase());
  return runners.some((labels) => {
    const own = new Set(labels.map((label) => label.toLowerCase()));
    return wanted.every((label) => own.has(label));
  });
}
