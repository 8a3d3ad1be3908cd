import { createHash } from 'node:crypto';
import type { GitHubWorld, SimulatedRunner } from './github-world.ts';
import type { Json, Reaction, SeenRequest } from './replies.ts';

/** Where GitHub's API is on the simulator, as on a GitHub Enterprise Server. */
export const GITHUB_API_PATH = '/api/v3';

/** GitHub as it is at `now`, in milliseconds. */
export interface GitHubState {
  readonly github: GitHubWorld;
  readonly now: number;
}

/** The runners belong to this organisation, this repository and this enterprise, and to nobody else; all jobs are the repository's. */
const JOBS_ROUTE = /^\/repos\/octo-org\/app\/actions\/runs(?:\/(\d+)\/jobs)?$/;
const ROUTE =
  /^\/(?:repos\/octo-org\/app|orgs\/octo-org|enterprises\/octo-corp)\/actions\/runners(?:\/(\d+|registration-token))?$/;
/** How long a registration token lasts. */
const HOUR_MS = 3_600_000;

/** What GitHub answers to a request below {@link GITHUB_API_PATH}. */
export function reactAsGitHub({ github, now }: GitHubState, request: SeenRequest): Reaction {
  github.world.advanceTo(now);
  const url = new URL(request.path.slice(GITHUB_API_PATH.length), 'http://github');
  const [path, tail] = ROUTE.exec(url.pathname) ?? [];
  const refusal = refuse(github, request);
  if (refusal !== undefined) return refusal;
  const [isAboutJobs, runId] = JOBS_ROUTE.exec(url.pathname) ?? [];
  if (isAboutJobs !== undefined) return reactToJobs(github, { url, request, runId });
  if (path === undefined) return answer(github, 404, { message: 'Not Found' });
  switch (`${request.method} ${tail === undefined ? 'all' : tail.replace(/^\d+$/, 'one')}`) {
    case 'GET all':
      return list(github, { url, request });
    case 'GET one':
      return one(github, { id: Number(tail), request });
    case 'DELETE one':
      return dismiss(github, Number(tail));
    case 'POST registration-token':
      return registrationToken(github);
    default:
      return answer(github, 404, { message: 'Not Found' });
  }
}

/** What `config.sh` of a new runner takes. */
function registrationToken(github: GitHubWorld): Reaction {
  if (!github.charge()) return exhausted(github);
  const expires_at = new Date(github.world.now + HOUR_MS).toISOString();
  return answer(github, 201, { token: 'SIMULATEDREGISTRATIONTOKEN', expires_at });
}

function dismiss(github: GitHubWorld, id: number): Reaction {
  if (!github.charge()) return exhausted(github);
  const result = github.dismiss(id);
  if (result === 'unknown') return answer(github, 404, { message: 'Not Found' });
  if (result === 'busy') return answer(github, 422, { message: `Runner ${id} is currently running a job` });
  return { ...answer(github, 204, ''), body: '' };
}

function refuse(github: GitHubWorld, { headers }: SeenRequest): Reaction | undefined {
  const { token, deniedToken } = github.options;
  const [, given] = /^(?:token|bearer) (\S+)$/i.exec(headers.authorization ?? '') ?? [];
  if (given !== undefined && given === deniedToken) {
    const denied = answer(github, 403, { message: 'Resource not accessible by integration' });
    return {
      ...denied,
      headers: { ...denied.headers, 'x-accepted-github-permissions': 'administration=read' },
    };
  }
  if (given !== undefined && (token === undefined || given === token)) return undefined;
  return answer(github, 401, { message: 'Bad credentials' });
}

interface Asked {
  readonly url: URL;
  readonly request: SeenRequest;
}

function list(github: GitHubWorld, { url, request }: Asked): Reaction {
  const { filtersByName = true } = github.options;
  const name = filtersByName ? url.searchParams.get('name') : null;
  const found = shifted(github).filter((runner) => name === null || runner.name === name);
  return page(
    github,
    { url, request },
    { key: 'runners', all: found.map((each) => runnerBody(github, each)) },
  );
}

/** The runners as the list has them now: where pages shift, each comes first in turn. */
function shifted({ runners, options, world }: GitHubWorld): readonly SimulatedRunner[] {
  const { pagesShiftEveryMs } = options;
  if (pagesShiftEveryMs === undefined) return runners;
  const by = Math.floor(world.now / pagesShiftEveryMs) % Math.max(1, runners.length);
  return [...runners.slice(by), ...runners.slice(0, by)];
}

interface Listed {
  /** What the list is called in the answer. */
  readonly key: string;
  readonly all: readonly Json[];
}

/** The page that is asked for. */
function page(github: GitHubWorld, { url, request }: Asked, { key, all }: Listed): Reaction {
  const number = (name: string, fallback: number) => Number(url.searchParams.get(name) ?? fallback);
  const perPage = Math.min(github.options.mostOnPage ?? 100, number('per_page', 30));
  const from = (number('page', 1) - 1) * perPage;
  const items = all.slice(from, from + perPage);
  const reaction = conditional(github, request, { total_count: all.length, [key]: items });
  if (from + perPage >= all.length) return reaction;
  return { ...reaction, headers: { ...reaction.headers, link: linkToNext({ url, request }) } };
}

interface AskedForJobs extends Asked {
  /** Undefined where the runs themselves are asked for. */
  readonly runId: string | undefined;
}

/** A machine of GitHub's own, and the first of the runs on such. */
const HOSTED = { runner_id: 1_000_000, runner_name: 'GitHub Actions 1' };
const FIRST_OTHER_RUN_ID = 1_001;

/** The runs in progress, the newest first; or the jobs of one of them. */
function reactToJobs(github: GitHubWorld, { url, request, runId }: AskedForJobs): Reaction {
  const { showsJobs = true, otherRuns = 0 } = github.options;
  if (request.method !== 'GET' || !showsJobs)
    return answer(github, 403, { message: 'Resource not accessible by integration' });
  const own = github.runners.flatMap((runner) =>
    runner.jobs.filter((job) => github.isListed(job)).map((job) => ({ job, runner })),
  );
  const runs = own.map(({ job }) => job.runId).sort((a, b) => b - a);
  const others = Array.from({ length: otherRuns }, (_, index) => FIRST_OTHER_RUN_ID + otherRuns - index - 1);
  const all = [...runs, ...others].map((id) => ({ id, name: 'CI', status: 'in_progress' }));
  if (runId === undefined) return page(github, { url, request }, { key: 'workflow_runs', all });
  const mine = own.filter(({ job }) => job.runId === Number(runId));
  const jobs = mine.map(({ job, runner }) =>
    jobBody(job.runId, { runner_id: job.runnerId, runner_name: runner.name }),
  );
  const hosted = others.includes(Number(runId)) ? [jobBody(Number(runId), HOSTED)] : [];
  return page(github, { url, request }, { key: 'jobs', all: [...jobs, ...hosted] });
}

function jobBody(runId: number, runner: typeof HOSTED): Json {
  const { runner_id, runner_name } = runner;
  return { id: runId * 10 + 1, run_id: runId, name: 'build', status: 'in_progress', runner_id, runner_name };
}

/** Absolute, as GitHub's are, and with everything that was asked for. */
function linkToNext({ url, request }: Asked): string {
  const next = new URL(`http://${request.headers.host}${GITHUB_API_PATH}${url.pathname}${url.search}`);
  next.searchParams.set('page', String(Number(url.searchParams.get('page') ?? 1) + 1));
  return `<${next.href}>; rel="next"`;
}

function one(github: GitHubWorld, { id, request }: { id: number; request: SeenRequest }): Reaction {
  const runner = github.runners.find((each) => each.id === id);
  return runner === undefined
    ? conditional(github, request, undefined)
    : conditional(github, request, runnerBody(github, runner));
}

/** An answer that is the same as the one that the client has costs nothing. */
function conditional(github: GitHubWorld, { headers }: SeenRequest, body: Json | undefined): Reaction {
  const etag = `W/"${createHash('sha256')
    .update(JSON.stringify(body ?? null))
    .digest('hex')}"`;
  if (body !== undefined && headers['if-none-match'] === etag) {
    return { ...answer(github, 304, ''), body: '', headers: { ...limits(github), etag } };
  }
  if (!github.charge()) return exhausted(github);
  if (body === undefined) return answer(github, 404, { message: 'Not Found' });
  const reaction = answer(github, 200, body);
  return { ...reaction, headers: { ...reaction.headers, etag } };
}

function exhausted(github: GitHubWorld): Reaction {
  return answer(github, 403, { message: 'API rate limit exceeded for user ID 1.' });
}

function answer(github: GitHubWorld, status: number, body: Json): Reaction {
  const headers = { 'content-type': 'application/json; charset=utf-8', ...limits(github) };
  return { status, headers, body: JSON.stringify(body) };
}

function limits({ quota, used, resetAt, world }: GitHubWorld): Record<string, string> {
  return {
    'x-ratelimit-limit': String(quota),
    'x-ratelimit-remaining': String(quota - used),
    'x-ratelimit-used': String(used),
    'x-ratelimit-reset': String(Math.ceil(resetAt / 1_000)),
    date: new Date(world.now).toUTCString(),
  };
}

function runnerBody(github: GitHubWorld, runner: SimulatedRunner): Json {
  const labels = ['self-hosted', 'macOS', 'ARM64'].map((name, index) => ({
    id: index + 5,
    name,
    type: 'read-only',
  }));
  return {
    id: runner.id,
    name: runner.name,
    os: 'macos',
    runner_group_id: 1,
    status: github.isShownOnline(runner) ? 'online' : 'offline',
    busy: github.isShownBusy(runner),
    ephemeral: runner.isEphemeral,
    labels,
  };
}
