import { type Asked, answer, charged, conditional, done, notFound, page } from './github-answers.ts';
import { endOf, type JobPlan, type Run, type RunJob } from './github-runs.ts';
import type { GitHubWorld } from './github-world.ts';
import { fieldsOf, type Json, type Reaction, text } from './replies.ts';

/** The rest of the path after `/repos/OWNER/REPO/actions/`. */
export interface AskedOfActions extends Asked {
  readonly repository: string;
  readonly tail: string;
}

/** Answers requests about workflow runs and their jobs. */
export function reactToActions(asked: AskedOfActions): Reaction {
  const { tail, request } = asked;
  if (request.method === 'POST') return change(asked);
  if (request.method !== 'GET') return notFound(asked);
  if (tail === 'runs') return listRuns(asked);
  const [, jobId] = /^jobs\/(\d+)$/.exec(tail) ?? [];
  if (jobId !== undefined) return oneJob(asked, Number(jobId));
  const [, runId, attempt, isAboutJobs] = /^runs\/(\d+)(?:\/attempts\/(\d+))?(\/jobs)?$/.exec(tail) ?? [];
  if (runId === undefined) return notFound(asked);
  const run = visibleRuns(asked).find(({ id }) => id === Number(runId));
  if (run === undefined || Number(attempt ?? 1) > run.attempt) return conditional(asked, undefined);
  if (isAboutJobs === undefined) return conditional(asked, runBody(asked.github, run));
  return listJobs(asked, { run, attempt: attempt === undefined ? undefined : Number(attempt) });
}

function visibleRuns({ github, repository }: AskedOfActions): Run[] {
  const { now } = github.world;
  return github.runs.all.filter((run) => run.repository === repository && run.appearsAt <= now);
}

/** The newest first; `status` can be a conclusion as well. */
function listRuns(asked: AskedOfActions): Reaction {
  const wanted = asked.url.searchParams.get('status');
  const all = visibleRuns(asked)
    .sort((a, b) => b.id - a.id)
    .map((run) => runBody(asked.github, run))
    .filter(({ status, conclusion }) => wanted === null || wanted === status || wanted === conclusion);
  return page(asked, { key: 'workflow_runs', all });
}

function listJobs(asked: AskedOfActions, { run, attempt }: { run: Run; attempt: number | undefined }) {
  const { github, url } = asked;
  const isLatest = (job: RunJob) =>
    github.options.latestListsEveryName === true
      ? run.jobs.findLast(({ plan }) => plan.name === job.plan.name) === job
      : job.attempt === run.attempt;
  const filter = url.searchParams.get('filter');
  const isWanted = (job: RunJob) =>
    attempt === undefined ? filter === 'all' || isLatest(job) : job.attempt === attempt;
  const all = run.jobs.filter(isWanted).map((job) => jobBody(github, job));
  return page(asked, { key: 'jobs', all });
}

function oneJob(asked: AskedOfActions, id: number): Reaction {
  const job = visibleRuns(asked)
    .flatMap(({ jobs }) => jobs)
    .find((one) => one.id === id);
  return conditional(asked, job && jobBody(asked.github, job));
}

/** Cancels a run, reruns its failed jobs, or starts another run. */
function change(asked: AskedOfActions): Reaction {
  const { github, tail } = asked;
  const exhausted = charged(asked);
  if (exhausted !== undefined) return exhausted;
  if (/^workflows\/[^/]+\/dispatches$/.test(tail)) return dispatch(asked);
  const [, runId, verb] = /^runs\/(\d+)\/(cancel|rerun-failed-jobs)$/.exec(tail) ?? [];
  const run = visibleRuns(asked).find(({ id }) => id === Number(runId));
  if (run === undefined) return notFound(asked);
  if (verb === 'cancel') github.runs.cancel(run);
  else github.runs.rerunFailed(run);
  return answer(asked, verb === 'cancel' ? 202 : 201, {});
}

const MOST_JOBS = 100;
const DEFAULT_JOB_SECONDS = 60;

/** `workflow_dispatch`: a run of `inputs.jobs` jobs of `inputs.seconds` each, for runners with `inputs.labels` (separated by commas). */
function dispatch(asked: AskedOfActions): Reaction {
  const inputs = fieldsOf(JSON.stringify(fieldsOf(asked.request.body)['inputs'] ?? {}));
  const number = (name: string, fallback: number) => Number(inputs[name] ?? fallback);
  const count = Math.min(MOST_JOBS, number('jobs', 1));
  const forMs = number('seconds', DEFAULT_JOB_SECONDS) * 1_000;
  if (!(count >= 1 && forMs >= 0))
    return answer(asked, 422, { message: 'jobs and seconds have to be numbers' });
  const labels = (text(inputs['labels']) || 'self-hosted').split(',').map((label) => label.trim());
  const plan = (index: number): JobPlan => ({ name: `test (${index + 1})`, labels, forMs });
  const jobs = Array.from({ length: Math.floor(count) }, (_, index) => plan(index));
  asked.github.runs.add({ repository: asked.repository, jobs });
  return done(asked);
}

function runBody(github: GitHubWorld, run: Run) {
  const status = github.runs.runStatusOf(run);
  const latest = run.jobs.filter(({ attempt }) => attempt === run.attempt);
  const conclusion = status === 'completed' ? conclusionOf(latest) : null;
  return {
    id: run.id,
    name: 'CI',
    status,
    conclusion,
    run_attempt: run.attempt,
    created_at: date(run.createdAt),
  };
}

/** The conclusion of its worst job. */
function conclusionOf(jobs: readonly RunJob[]): string {
  const found = new Set(jobs.map(({ conclusion }) => conclusion));
  const order = ['failure', 'cancelled', 'success'] as const;
  return order.find((one) => found.has(one)) ?? 'skipped';
}

function jobBody(github: GitHubWorld, job: RunJob): Json {
  const { plan, execution, endedUnbegunAt } = job;
  const status = github.runs.statusOf(job);
  const hasBegun = execution !== undefined && (status === 'in_progress' || status === 'completed');
  const begunAt = hasBegun ? execution.startedAt : endedUnbegunAt;
  const endedAt = execution === undefined ? endedUnbegunAt : endOf(execution);
  return {
    id: job.id,
    run_id: job.run.id,
    run_attempt: job.attempt,
    name: plan.name,
    status,
    conclusion: status === 'completed' ? job.conclusion : null,
    labels: [...(plan.labels ?? ['self-hosted'])],
    ...(hasBegun ? runnerFields(github, job) : NO_RUNNER),
    created_at: date(job.queuedAt),
    started_at: begunAt === undefined ? null : date(begunAt),
    completed_at: status === 'completed' && endedAt !== undefined ? date(endedAt) : null,
  };
}

const NO_RUNNER = { runner_id: null, runner_name: null, runner_group_id: null, runner_group_name: null };

function runnerFields({ world }: GitHubWorld, { plan, execution }: RunJob) {
  const isHidden = execution !== undefined && world.now < execution.startedAt + (plan.hidesRunnerMs ?? 0);
  if (execution === undefined || isHidden) return NO_RUNNER;
  return {
    runner_id: execution.runnerId,
    runner_name: plan.spelledRunner ?? execution.runnerName,
    runner_group_id: 1,
    runner_group_name: execution.groupName,
  };
}

function date(moment: number): string {
  return new Date(Math.floor(moment / 1_000) * 1_000).toISOString().replace('.000', '');
}
