import type { GitHubWorld, SimulatedRunner } from '../../simulator/github-world.ts';
import type { SentRequest } from './network.ts';
import { GITHUB_ORIGIN } from './stage.ts';

/*
 * What an answer of GitHub tells about the runners in the VMs: the checker compares what the step did with what it was shown.
 */

/** What an answer of GitHub showed of one runner or its jobs, as it reached the step. */
export interface GitHubLook {
  readonly runner: SimulatedRunner;
  readonly about: 'runner' | 'runs' | 'jobs';
  /** Of a list of runs: the status that was asked for. */
  readonly list: string;
  /** Whether it showed a job on the runner when GitHub made it. Damaged, it may not have told. */
  readonly showsJob: boolean;
  /** Of the runner's jobs: the runs that a list of runs names, or the one that is asked about. */
  readonly runIds: readonly number[];
  /** When it arrived, and when GitHub made it: in milliseconds. */
  readonly at: number;
  readonly madeAt: number;
  /** It said no. */
  readonly isNo: boolean;
}

export function isForGitHub({ origin }: SentRequest): boolean {
  return origin === GITHUB_ORIGIN;
}

export function subjectOf(path: string): GitHubLook['about'] {
  if (path.includes('/actions/runners')) return 'runner';
  return path.includes('/jobs') ? 'jobs' : 'runs';
}

/**
 * What GitHub's answer to a request shows at this moment of each runner that it is about.
 * @param body what it says; undefined where it is damaged, and tells nothing.
 */
export function looksIn(path: string, github: GitHubWorld, body: string | undefined): GitHubLook[] {
  const about = subjectOf(path);
  const asked = runIdsIn(path);
  const list = new URLSearchParams(path.split('?')[1]).get('status') ?? '';
  const now = { at: github.world.now, madeAt: github.world.now, isNo: false, list };
  return github.runners
    .filter((runner) => isAbout(path, runner) && (about !== 'runner' || isIn(body, runner)))
    .map((runner) => {
      if (body === undefined) return { ...now, runner, about, showsJob: false, runIds: asked };
      if (about === 'runner') return { ...now, runner, about, showsJob: isBusy(github, runner), runIds: [] };
      const listed = listedRuns(github, runner, about === 'runs' ? list : '');
      const runIds = about === 'runs' ? listed : asked;
      return { ...now, runner, about, showsJob: runIds.some((id) => listed.includes(id)), runIds };
    });
}

/** Not where another runner is asked for, by its ID or its name. */
function isAbout(path: string, { id, name }: SimulatedRunner): boolean {
  const [, askedId] = /\/runners\/(\d+)/.exec(path) ?? [];
  const askedName = new URLSearchParams(path.split('?')[1]).get('name');
  return (askedId === undefined || Number(askedId) === id) && (askedName === null || askedName === name);
}

/** The runner may be on another page. What has not changed since the last answer is not sent again. */
function isIn(body: string | undefined, { name }: SimulatedRunner): boolean {
  return body === undefined || body === '' || body.includes(`"name":"${name}"`);
}

function isBusy(github: GitHubWorld, runner: SimulatedRunner): boolean {
  return github.isShownBusy(runner);
}

/** Runs of that status, or of any, with a job in progress on it. A job of an earlier registration has lost its runner. */
function listedRuns(github: GitHubWorld, runner: SimulatedRunner, status: string): number[] {
  const own = runner.jobs.filter((job) => job.runnerId === runner.id && github.isListed(job));
  const isWanted = (runId: number) => {
    const run = github.runs.all.find(({ id }) => id === runId);
    return run !== undefined && (status === '' || github.runs.runStatusOf(run) === status);
  };
  return own.map(({ runId }) => runId).filter(isWanted);
}

/** The run that is asked about. */
function runIdsIn(path: string): number[] {
  const [, runId] = /\/runs\/(\d+)\//.exec(path) ?? [];
  return runId === undefined ? [] : [Number(runId)];
}
