import { pageSize } from '../../simulator/github-answers.ts';
import type { GitHubWorld, SimulatedRunner } from '../../simulator/github-world.ts';
import type { SentRequest } from './network.ts';
import { GITHUB_ORIGIN } from './stage.ts';

/*
 * What GitHub's answers show about the runners in the VMs. The checker compares that with what the step did.
 */

/** What an answer from GitHub showed about one runner or its jobs when it reached the step. */
export interface GitHubReading {
  readonly runner: SimulatedRunner;
  readonly about: 'runner' | 'runs' | 'jobs';
  /** For a list of runs: the status in the request. */
  readonly list: string;
  /** Of a list, from 1. */
  readonly page: number;
  /** Of a list of runs: whether it goes on after the page. */
  readonly goesOn: boolean;
  /** Whether it showed a job on the runner when GitHub made it. A damaged answer may not have. */
  readonly showsJob: boolean;
  /** Whether it showed the runner online then. */
  readonly showsOnline: boolean;
  /** The runs with the runner's jobs that the list contains; or the run in the request. */
  readonly runIds: readonly number[];
  /** When it arrived, and when GitHub made it: in milliseconds. */
  readonly at: number;
  readonly madeAt: number;
  /** GitHub refused. */
  readonly isNo: boolean;
  /** The step may not have been able to read it. */
  readonly isDamaged: boolean;
}

export function isForGitHub({ origin }: SentRequest): boolean {
  return origin === GITHUB_ORIGIN;
}

export function subjectOf(path: string): GitHubReading['about'] {
  if (path.includes('/actions/runners')) return 'runner';
  return path.includes('/jobs') ? 'jobs' : 'runs';
}

/**
 * What GitHub's answer to a request shows at this moment, for each runner that it is about.
 * @param body with which an unchanged answer came first, or empty; undefined if it is damaged and shows nothing
 */
export function readingsIn(path: string, github: GitHubWorld, body: string | undefined): GitHubReading[] {
  const about = subjectOf(path);
  const asked = runIdsIn(path);
  const query = new URLSearchParams(path.split('?')[1]);
  const [list, page] = [query.get('status') ?? '', Number(query.get('page') ?? 1)];
  const goesOn = about === 'runs' && page * pageSize(github, query) < runsOf(github, list).length;
  const common = { list, page, goesOn, isNo: false, isDamaged: body === undefined };
  const now = { ...common, at: github.world.now, madeAt: github.world.now };
  return github.runners
    .filter((runner) => isAbout(path, runner) && (about !== 'runner' || isIn(body, runner)))
    .map((runner) => {
      const showsOnline = about === 'runner' && github.isShownOnline(runner);
      if (body === undefined) return { ...now, runner, about, showsJob: false, showsOnline, runIds: asked };
      if (about === 'runner')
        return { ...now, runner, about, showsJob: isBusy(github, runner), showsOnline, runIds: [] };
      const listed = listedRuns(github, runner, about === 'runs' ? list : '');
      const runIds = about === 'runs' ? listed.filter((id) => hasRun(body, id)) : asked;
      const showsJob = runIds.some((id) => listed.includes(id));
      return { ...now, runner, about, showsJob, showsOnline, runIds };
    });
}

/** False if the request is for another runner, by ID or name. */
function isAbout(path: string, { id, name }: SimulatedRunner): boolean {
  const [, askedId] = /\/runners\/(\d+)/.exec(path) ?? [];
  const askedName = new URLSearchParams(path.split('?')[1]).get('name');
  return (askedId === undefined || Number(askedId) === id) && (askedName === null || askedName === name);
}

/** The runner may be on another page. An unchanged answer has an empty body. */
function isIn(body: string | undefined, { name }: SimulatedRunner): boolean {
  return body === undefined || body === '' || body.includes(`"name":"${name}"`);
}

/** The run may be on another page: it may have begun while the pages were read. */
function hasRun(body: string, id: number): boolean {
  return body === '' || body.includes(`"id":${id},`);
}

function isBusy(github: GitHubWorld, runner: SimulatedRunner): boolean {
  return github.isShownBusy(runner);
}

/** Everything that the list shows. */
function runsOf({ runs, world }: GitHubWorld, status: string) {
  return runs.all.filter((run) => run.appearsAt <= world.now && runs.runStatusOf(run) === status);
}

/** Runs of that status (or any) with a job in progress on the runner. A job of an earlier registration has lost its runner. */
function listedRuns(github: GitHubWorld, runner: SimulatedRunner, status: string): number[] {
  const own = runner.jobs.filter((job) => job.runnerId === runner.id && github.isListed(job));
  const isWanted = (runId: number) => {
    const run = github.runs.all.find(({ id }) => id === runId);
    return run !== undefined && (status === '' || github.runs.runStatusOf(run) === status);
  };
  return own.map(({ runId }) => runId).filter(isWanted);
}

/** The run in the request. */
function runIdsIn(path: string): number[] {
  const [, runId] = /\/runs\/(\d+)\//.exec(path) ?? [];
  return runId === undefined ? [] : [Number(runId)];
}
