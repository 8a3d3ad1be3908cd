// For `used_by_job`: from the jobs whose names match, via the runners that they ran on, to the live instances that these runners are in.
//
// | the jobs                                          | the result                                                          |
// | ------------------------------------------------- | ------------------------------------------------------------------- |
// | none matches                                      | `job_not_found`; if a skipped matrix was never expanded, so its     |
// |                                                   | real names are unknown: a warning and nothing to restart            |
// | none ran on a self-hosted runner                  | nothing to restart, and a line that says why                        |
// | a runner is in no live instance                   | a warning; `instance_not_found` if that is true for all runners     |
// | a runner may be in several live instances         | `ambiguous_target` for each of them                                 |
// | the VM has booted since its last job ended        | it is skipped, because it was already restarted                     |

import { type Clock, minutes } from '../clock.ts';
import { type Instance, isRunning, isTerminal } from '../controller/instance.ts';
import { millisecondsBetween } from '../dates.ts';
import { ActionError } from '../errors.ts';
import type { Job } from '../github/job.ts';
import type { RunJobs } from '../github/jobs.ts';
import type { RetryBounds } from '../http/retry.ts';
import { createProgressLog, type Log } from '../log.ts';
import { LeftAlone } from '../restart/outcome.ts';
import {
  isOwnJob,
  type JobOnRunner,
  type JobSelection,
  type OwnJob,
  selectJobs,
  type WithoutRunner,
} from './job-selection.ts';
import { listNames } from './step-outcome.ts';
import {
  distinctNames,
  type LastJob,
  listUntilFound,
  type Member,
  type ResolvingOptions,
} from './targets.ts';

/** Which jobs' VMs to restart. */
export interface UsedByJob {
  /** Job names as GitHub shows them; `*` matches any text. */
  readonly patterns: readonly string[];
  readonly runId: number;
  readonly own: OwnJob;
}

interface JobLookup extends ResolvingOptions {
  /** The jobs of a run. @throws ActionError */
  readonly readRun: (runId: number, bounds: RetryBounds) => Promise<RunJobs>;
  /** Whether a runner of this name may be in the VM. */
  readonly isRunnerIn: (instance: Instance, runnerName: string) => boolean;
}

/**
 * Finds the VMs that the jobs used. Empty if there is nothing to restart; the log then says why.
 * @throws ActionError `job_not_found`, `instance_not_found`, and the errors of GitHub and the controller.
 */
export async function findVmsUsedByJob(wanted: UsedByJob, lookup: JobLookup): Promise<Member[]> {
  const { log } = lookup;
  const { jobs, selection, ...answered } = await readJobsOfRun(wanted, lookup);
  const { onRunners, others } = selection;
  if (onRunners.length + others.length === 0) {
    explainNoMatch(selection, { wanted, jobs, log });
    return [];
  }
  for (const { job, why } of others) {
    const write = why === 'runner not shown' ? log.warning : log.info;
    write(`Job "${job.name}" names no VM: ${WHY_NO_VM[why]}`);
  }
  if (onRunners.length === 0) return [];
  const locate = (instances: readonly Instance[]) => locateJobs(onRunners, instances, lookup.isRunnerIn);
  const { located, unplaced } = await listUntilFound(lookup, locate, ({ unplaced }) =>
    runnersNotFound(unplaced),
  );
  for (const { instance, jobs } of located) {
    for (const { name, runnerName } of jobs)
      log.info(`Job "${name}" used runner "${runnerName}", which is in VM ${nameOf(instance)}`);
  }
  for (const { name, runnerName } of unplaced)
    log.warning(`Job "${name}" ran on runner "${runnerName}", which is in no live instance.`);
  const problem = runnersNotFound(unplaced);
  if (located.length === 0 && problem !== undefined) throw problem;
  return membersFrom(located, (job) => endOf(job, answered));
}

/** GitHub can show for a while that a job has not begun, or not on which runner it ran. In milliseconds. */
const SHOWN_LATE_MS = 30_000;
const READ_AGAIN_MS = 5_000;

interface SelectedJobs extends AnswerTime {
  readonly jobs: readonly Job[];
  readonly selection: JobSelection;
}

/**
 * Reads the jobs of the run; for a while, again if an answer does not show where each of them ran. If GitHub then gives no usable answer, the
 * last one counts.
 */
async function readJobsOfRun(
  { runId, patterns, own }: UsedByJob,
  { readRun, clock, log, signal, timeoutMs }: JobLookup,
): Promise<SelectedJobs> {
  const progress = createProgressLog({ log, now: clock.now, sentAt: undefined, server: 'GitHub' });
  const bounds = { deadline: clock.now() + timeoutMs, signal, onFault: progress.fault };
  const againUntil = Math.min(clock.now() + SHOWN_LATE_MS, bounds.deadline);
  let run = await readRun(runId, bounds);
  for (;;) {
    const { jobs, total, readAt } = run;
    const answeredAt = clock.now();
    const selection = selectJobs(jobs, patterns, own);
    const problem = problemOf(selection, { listed: jobs.length, total });
    const found = { jobs, selection, readAt, answeredAt };
    if (problem === undefined) return found;
    const next = clock.now() + READ_AGAIN_MS <= againUntil ? await readAgain(problem) : undefined;
    if (next === undefined) {
      if (jobs.length < total) log.warning(`${problem}: the step cannot restart the VMs of the others.`);
      return found;
    }
    run = next;
  }

  async function readAgain(problem: string): Promise<RunJobs | undefined> {
    progress.note('incomplete', `Trying again, this may be temporary: ${problem}`);
    await clock.sleep(READ_AGAIN_MS, signal);
    const deadline = Math.min(bounds.deadline, againUntil + READ_AGAIN_MS);
    return readRun(runId, { ...bounds, deadline }).catch(() => {
      signal.throwIfAborted();
      return undefined;
    });
  }
}

/** What a later answer may show. */
function problemOf(
  { others }: JobSelection,
  { listed, total }: { readonly listed: number; readonly total: number },
): string | undefined {
  if (listed < total) return `GitHub lists ${listed} of the ${total} jobs of the run`;
  const late = others.find(({ why }) => why === 'runner not shown' || why === 'not started');
  return late && `job "${late.job.name}": ${WHY_NO_VM[late.why]}`;
}

// ---- jobs ----

const WHY_NO_VM: Readonly<Record<WithoutRunner, string>> = {
  skipped: 'it was skipped',
  canceled: 'it was canceled before a runner took it',
  'not started': 'no runner has taken it yet',
  'hosted by GitHub': 'it ran on a runner hosted by GitHub',
  'runner not shown': 'GitHub does not show its runner',
};

const MOST_IN_MESSAGE = 20;

interface NoMatch {
  readonly wanted: UsedByJob;
  readonly jobs: readonly Job[];
  readonly log: Log;
}

/** @throws ActionError `job_not_found`, except if a skipped matrix may be what the user meant: that is only a warning. */
function explainNoMatch({ unexpanded }: JobSelection, { wanted, jobs, log }: NoMatch): void {
  const { runId, patterns } = wanted;
  const asked = patterns.map((pattern) => `"${pattern}"`).join(', ');
  const message = `No job of run ${runId} matches used_by_job (${asked})`;
  const [skipped] = unexpanded;
  if (skipped !== undefined) {
    const why = `skipped ones such as "${skipped.name}" have unexpanded matrix names`;
    log.warning(`${message}, but ${why}. Nothing is restarted.`);
    return;
  }
  const others = jobs.filter((job) => !isOwnJob(job, wanted.own));
  const names = [...new Set(others.map(({ name }) => name))];
  const listed = names.length === 0 ? 'It has no other job' : `It has: ${listNames(names, MOST_IN_MESSAGE)}`;
  throw new ActionError('job_not_found', `${message}. ${listed}.`, {
    hint: 'Check used_by_job (case matters) and run_id. Add `needs` to the reset job, because jobs that have not started may not be listed yet. The reset job itself never counts.',
  });
}

interface AnswerTime {
  /** GitHub's clock when it answered, in milliseconds since 1970. */
  readonly readAt: number | undefined;
  /** The same moment on the step's clock. */
  readonly answeredAt: number;
}

/** When the job ended, on the step's clock. Undefined while it is in progress, or if GitHub does not say. */
function endOf({ status, completedAt }: Job, { readAt, answeredAt }: AnswerTime): number | undefined {
  if (status !== 'completed' || completedAt === undefined || readAt === undefined) return undefined;
  return answeredAt - (readAt - completedAt);
}

// ---- VMs ----

/** A VM, and the jobs that ran on its runners. */
interface Located {
  readonly instance: Instance;
  readonly jobs: JobOnRunner[];
  /** The error if one of these runners may also be in another VM. */
  ambiguous: ActionError | undefined;
}

interface Locations {
  readonly located: readonly Located[];
  /** Jobs whose runner is in no live instance. */
  readonly unplaced: readonly JobOnRunner[];
}

function locateJobs(
  jobs: readonly JobOnRunner[],
  instances: readonly Instance[],
  isRunnerIn: JobLookup['isRunnerIn'],
): Locations {
  const live = instances.filter((instance) => !isTerminal(instance));
  const located = new Map<string, Located>();
  const unplaced: JobOnRunner[] = [];
  for (const job of jobs) {
    const candidates = mostLikely(live.filter((instance) => isRunnerIn(instance, job.runnerName)));
    if (candidates.length === 0) unplaced.push(job);
    for (const instance of candidates) {
      const known = located.get(instance.instanceId);
      const vm = known ?? { instance, jobs: [], ambiguous: undefined };
      located.set(instance.instanceId, vm);
      vm.jobs.push(job);
      if (candidates.length > 1) vm.ambiguous ??= mayBeInSeveral(job, candidates);
    }
  }
  return { located: [...located.values()], unplaced };
}

/** If they all have the same external ID and only one of them is running: that one, as for the input `external_id`. */
function mostLikely(fitting: readonly Instance[]): readonly Instance[] {
  const running = fitting.filter(isRunning);
  const areAlike = new Set(fitting.map(({ externalId }) => externalId)).size === 1;
  return areAlike && running.length === 1 ? running : fitting;
}

function mayBeInSeveral({ name, runnerName }: JobOnRunner, candidates: readonly Instance[]): ActionError {
  const ids = candidates.map(({ instanceId }) => instanceId);
  const message = `Runner "${runnerName}" of job "${name}" fits several live instances: ${listNames(ids, MOST_IN_MESSAGE)}.`;
  return new ActionError('ambiguous_target', message, {
    hint: 'Let runner_name contain {instance_id} or {uuid}, or choose names that do not begin with one another.',
  });
}

/** Undefined if every runner is in a live instance. */
function runnersNotFound(unplaced: readonly JobOnRunner[]): ActionError | undefined {
  if (unplaced.length === 0) return undefined;
  const names = [...new Set(unplaced.map(({ runnerName }) => runnerName))];
  const message = `The jobs ran on runners that are in no live instance: ${listNames(names, MOST_IN_MESSAGE)}.`;
  return new ActionError('instance_not_found', message, {
    hint: 'Check runner_name and controller_url. A VM that was terminated since then needs no restart.',
  });
}

function membersFrom(
  located: readonly Located[],
  endOfJob: (job: JobOnRunner) => number | undefined,
): Member[] {
  return distinctNames(
    located.map(({ instance, jobs, ambiguous }) => {
      const { instanceId, externalId } = instance;
      return {
        name: nameOf(instance),
        externalId,
        target: { by: 'instance_id', id: instanceId },
        lastJob: lastJobOf(jobs, endOfJob),
        ...(ambiguous && { error: ambiguous }),
      };
    }),
  );
}

function nameOf({ instanceId, externalId, name }: Instance): string {
  return externalId ?? name ?? instanceId;
}

/** A job without a known end counts as the last one. */
function lastJobOf(
  jobs: readonly JobOnRunner[],
  endOfJob: (job: JobOnRunner) => number | undefined,
): LastJob {
  const ends = jobs.map((job): LastJob => ({ name: job.name, endedAt: endOfJob(job) }));
  return ends.reduce((last, job) => {
    return (job.endedAt ?? Number.POSITIVE_INFINITY) > (last.endedAt ?? Number.POSITIVE_INFINITY)
      ? job
      : last;
  });
}

/** @throws LeftAlone if the VM has booted since its last job ended: then it was already restarted. */
export function refuseIfRestartedSince(
  { endedAt, name }: LastJob,
  instance: Instance,
  clock: Pick<Clock, 'now'>,
): void {
  const { startDate, reportedAt } = instance;
  if (endedAt === undefined || startDate === undefined || reportedAt === undefined) return;
  const bootAgeMs = millisecondsBetween(startDate, reportedAt) + reportAgeMs(instance);
  const jobAgeMs = clock.now() - endedAt;
  if (bootAgeMs >= jobAgeMs) return;
  const seen = `The VM booted ${minutes(bootAgeMs)} ago, and its job "${name}" had ended before that: ${minutes(jobAgeMs)} ago`;
  throw new LeftAlone('needless', seen);
}

/** The answer's date may be off by this much, in milliseconds: a proxy with a clock of its own may have written it. */
const CLOCK_ERROR_MS = 60_000;

/** How old the report was when the controller answered: the agent may have been silent. 0 if the clocks may explain the difference. */
function reportAgeMs({ updatedAt, answeredAtMs }: Instance): number {
  if (updatedAt === undefined || answeredAtMs === undefined) return 0;
  const ageMs = answeredAtMs - Number(updatedAt.epochNanoseconds / 1_000_000n);
  return ageMs > CLOCK_ERROR_MS ? ageMs : 0;
}
