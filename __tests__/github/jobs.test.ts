import { beforeEach, describe, expect, test } from '@jest/globals';
import nock from 'nock';
import { ActionError } from '../../src/errors.ts';
import { createGitHub, createToken } from '../../src/github/github-client.ts';
import { createJobsSource, createNoJobsSource, type JobsSource } from '../../src/github/jobs.ts';
import type { Fault, RetryBounds } from '../../src/http/retry.ts';
import { createTransport, type Transport } from '../../src/http/transport.ts';
import { closeNetwork, PLAIN } from '../support/closed-network.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { runningJob, wireJob } from '../support/runners.ts';

// The jobs source in the shapes that GitHub's reference documents.

const ORIGIN = 'https://api.github.example';
const REPOSITORY = { kind: 'repository', owner: 'octo-org', repo: 'app' } as const;
const RUNS = '/repos/octo-org/app/actions/runs';

let clock: FakeClock;
let transport: Transport;
let source: JobsSource;
let connect: (...tokens: string[]) => void;
let bounds: RetryBounds;
let said: string[];
let faults: string[];

beforeEach(() => {
  [said, faults] = [[], []];
  const { signal } = new AbortController();
  clock = createFakeClock((_, given) => given !== signal);
  bounds = { deadline: clock.now() + 60_000, signal, onFault: ({ reason }) => faults.push(reason) };
  const options = { proxy: undefined, tls: PLAIN, requestTimeoutMs: 10_000, clock };
  transport = createTransport({ baseUrl: new URL(ORIGIN), ...options });
  const github = createGitHub({ baseUrl: ORIGIN, transport, clock, random: () => 0, debug: () => {} });
  connect = (...tokens) => {
    const client = github.clientWith(
      tokens.map((token) => createToken(`${token}_token`, `the-${token}-token`)),
    );
    source = createJobsSource(
      { client, repository: REPOSITORY },
      { clock, log: { info: (line) => said.push(line), debug: (line) => said.push(line) } },
    );
  };
  connect('github');
});

closeNetwork(() => transport.close());

const ask = () => source.runningJobs(bounds);
const OTHER_STATUSES = ['queued', 'pending', 'waiting', 'requested'];
const NO_RUNS = { total_count: 0, workflow_runs: [] };
const runsOf = (status: string) =>
  nock(ORIGIN).get(RUNS).query({ status, per_page: 100, exclude_pull_requests: true });
const runsRequest = () => runsOf('in_progress');
/** The lists of runs of every status but completed; those in progress are listed twice. */
function runsAre(inProgress: object, others: Readonly<Record<string, object>> = {}): void {
  runsRequest().times(2).reply(200, inProgress);
  for (const status of OTHER_STATUSES) runsOf(status).reply(200, others[status] ?? NO_RUNS);
}
const jobsRequest = (run: number) =>
  nock(ORIGIN).get(`${RUNS}/${run}/jobs`).query({ filter: 'latest', per_page: 100 });
const runs = (...ids: number[]) => ({
  total_count: ids.length,
  workflow_runs: ids.map((id) => ({ id, name: 'CI', status: 'in_progress' })),
});
const listed = (...jobs: unknown[]) => ({ total_count: jobs.length, jobs });

const JOB = runningJob();

async function failure(asking: Promise<unknown>): Promise<ActionError> {
  const error: unknown = await asking.catch((thrown: unknown) => thrown);
  if (!(error instanceof ActionError)) throw new Error('it did not fail', { cause: error });
  return error;
}

describe('the jobs in progress', () => {
  test('are those of every run in progress', async () => {
    runsAre(runs(18, 17));
    jobsRequest(18).reply(200, listed(wireJob({ runner_id: 7, runner_name: 'other' })));
    jobsRequest(17).reply(200, listed(wireJob()));
    expect(await ask()).toEqual([{ ...JOB, runId: 18, runnerId: 7, runnerName: 'other' }, JOB]);
    expect(said).toEqual([]);
  });

  test('are none if no run is in progress', async () => {
    runsAre(runs());
    expect(await ask()).toEqual([]);
  });

  const NO_RUNNER = { runner_id: null, runner_name: null };
  test.each([
    ['completed', {}],
    ['queued', NO_RUNNER],
    ['waiting', NO_RUNNER],
  ])('are none that are %s', async (status, runner) => {
    runsAre(runs(17));
    jobsRequest(17).reply(200, listed(wireJob({ status, ...runner })));
    expect(await ask()).toEqual([]);
  });

  test('may be on a runner whose name is too long to read', async () => {
    runsAre(runs(17));
    jobsRequest(17).reply(200, listed(wireJob({ runner_name: 'x'.repeat(1_001) })));
    expect(await ask()).toMatchObject([{ runnerId: 23, runnerName: undefined }]);
  });

  test('are those in progress, even if GitHub does not say on which runner', async () => {
    runsAre(runs(17));
    jobsRequest(17).reply(200, listed(wireJob({ status: 'in_progress', ...NO_RUNNER })));
    expect(await ask()).toMatchObject([{ runnerId: undefined, runnerName: undefined }]);
  });

  test('are those that have the ID of a runner only', async () => {
    runsAre(runs(17));
    jobsRequest(17).reply(200, listed(wireJob({ status: 'queued', runner_name: null })));
    expect(await ask()).toMatchObject([{ runnerId: 23, runnerName: undefined }]);
  });

  test.each(['queued', 'pending', 'running'])('are those that have a runner, even as %s', async (status) => {
    runsAre(runs(17));
    jobsRequest(17).reply(200, listed(wireJob({ status })));
    expect(await ask()).toEqual([{ ...JOB, status }]);
  });

  test.each(['queued', 'pending', 'waiting', 'requested'])('can be in a run that is %s', async (status) => {
    runsAre(runs(), { [status]: runs(17) });
    jobsRequest(17).reply(
      200,
      listed(wireJob(), wireJob({ status: 'queued', runner_id: null, runner_name: null })),
    );
    expect(await ask()).toEqual([JOB]);
  });

  test('can be in a run that begins while the lists are read', async () => {
    runsRequest().reply(200, runs());
    for (const status of OTHER_STATUSES) runsOf(status).reply(200, NO_RUNS);
    runsRequest().reply(200, runs(17));
    jobsRequest(17).reply(200, listed(wireJob()));
    expect(await ask()).toEqual([JOB]);
  });

  test('are read once if a run is on two lists', async () => {
    runsAre(runs(17), { queued: runs(17) });
    jobsRequest(17).reply(200, listed(wireJob()));
    expect(await ask()).toEqual([JOB]);
  });

  test('cost nothing while nothing changes', async () => {
    const tag = { etag: 'W/"1"' };
    const unchanged = (request: nock.Interceptor) => request.matchHeader('if-none-match', 'W/"1"').reply(304);
    runsRequest().reply(200, runs(17), tag);
    for (const status of OTHER_STATUSES) runsOf(status).reply(200, NO_RUNS, tag);
    unchanged(runsRequest());
    jobsRequest(17).reply(200, listed(wireJob()), tag);
    expect(await ask()).toEqual([JOB]);
    for (const status of ['in_progress', 'in_progress', ...OTHER_STATUSES]) unchanged(runsOf(status));
    unchanged(jobsRequest(17));
    expect(await ask()).toEqual([JOB]);
    expect(nock.isDone()).toBe(true);
  });

  test('are on every page, which are counted up: a link may name another host', async () => {
    const next = { link: `<https://internal.example/api/v3${RUNS}?page=2>; rel="next"` };
    const second = (path: string, query: object) =>
      nock(ORIGIN)
        .get(path)
        .query({ ...query, per_page: 100, page: 2 });
    runsRequest().reply(200, runs(18), next);
    second(RUNS, { status: 'in_progress', exclude_pull_requests: true }).reply(200, runs(17));
    for (const status of OTHER_STATUSES) runsOf(status).reply(200, NO_RUNS);
    runsRequest().reply(200, runs(18));
    jobsRequest(18).reply(200, listed(wireJob({ status: 'completed' })), next);
    second(`${RUNS}/18/jobs`, { filter: 'latest' }).reply(200, listed(wireJob()));
    jobsRequest(17).reply(200, listed(wireJob()));
    expect(await ask()).toEqual([JOB, { ...JOB, runId: 18 }]);
  });

  test('end, even if their pages do not', async () => {
    runsAre(runs(17));
    const link = { link: `<${ORIGIN}${RUNS}?page=2>; rel="next"` };
    nock(ORIGIN).get(`${RUNS}/17/jobs`).query(true).times(101).reply(200, listed(wireJob()), link);
    expect(await failure(ask())).toMatchObject({
      ...{ code: 'github_api_failed', isTransient: true },
      message: 'GitHub cannot be queried: its list of jobs of run 17 ends after 100.',
    });
    expect(faults).toEqual(['its list of jobs of run 17 ends after 100']);
  });

  test('are not known if GitHub ends the list of runs early', async () => {
    const some = { ...runs(...Array.from({ length: 100 }, (_, index) => index + 1)), total_count: 1_001 };
    runsOf('queued').reply(200, some, { link: '<x>; rel="prev"' });
    runsRequest().times(2).reply(200, NO_RUNS);
    for (const status of OTHER_STATUSES.slice(1)) runsOf(status).reply(200, NO_RUNS);
    const noted: Fault[] = [];
    const asking = source.runningJobs({ ...bounds, onFault: (fault) => noted.push(fault) });
    const hint = 'Cancel runs that are no longer needed, or set when_busy: ignore.';
    const reason = 'its list of workflow runs ends after 100 of 1001';
    expect(await failure(asking)).toMatchObject({
      ...{ isTransient: true, message: `GitHub cannot be queried: ${reason}.`, hint },
    });
    expect(noted).toEqual([{ kind: 'incomplete list', reason, hint, nature: 'passing' }]);
  });

  test('of many runs are read a few at a time', async () => {
    const ids = Array.from({ length: 40 }, (_, index) => index + 1);
    runsAre(runs(...ids));
    let [underWay, most] = [0, 0];
    for (const id of ids) {
      jobsRequest(id).reply(async () => {
        most = Math.max(most, ++underWay);
        await new Promise((resolve) => setImmediate(resolve));
        underWay--;
        return [200, listed(wireJob())];
      });
    }
    expect(await ask()).toHaveLength(40);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(16);
  });

  test('of a hundred runs are all read, and nothing is logged', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => index + 1);
    runsAre(runs(...ids));
    for (const id of ids) jobsRequest(id).reply(200, listed(wireJob()));
    expect(await ask()).toHaveLength(100);
    expect(said).toEqual([]);
  });
});

describe('many runs and slow answers', () => {
  const ids = Array.from({ length: 40 }, (_, index) => index + 1);
  const working = 40;
  let deadline: number;
  let read: number[];

  /** GitHub answers requests for the jobs of a run one after another, and takes two seconds for each. A late answer is useless. */
  beforeEach(() => {
    read = [];
    for (const id of ids) {
      jobsRequest(id)
        .times(4)
        .reply(async () => {
          await clock.sleep(2_000, bounds.signal);
          if (clock.now() >= deadline) return [503, ''];
          read.push(id);
          return [200, listed(wireJob({ status: id === working ? 'in_progress' : 'completed' }))];
        });
    }
  });

  function readBriefly(list: object): Promise<unknown> {
    runsAre(list);
    deadline = clock.now() + 40_000;
    return source.runningJobs({ ...bounds, deadline }).catch((error: unknown) => error);
  }

  test('the read resumes where it stopped', async () => {
    expect(await readBriefly(runs(...ids))).toMatchObject({ code: 'github_api_failed', isTransient: true });
    expect(said).toEqual([
      `GitHub has given the jobs of ${read.length} of 40 workflow runs so far; the next read continues from there`,
    ]);
    expect(await readBriefly(runs(...ids))).toMatchObject({ isTransient: true });
    expect(await readBriefly(runs(...ids))).toEqual([{ ...JOB, runId: working }]);
    expect(read.toSorted((one, other) => one - other)).toEqual(ids);
  });

  test('the read right after it, before the restart, repeats all but the newest', async () => {
    await readBriefly(runs(...ids));
    await readBriefly(runs(...ids));
    await readBriefly(runs(...ids));
    const [oldest = 0, ...others] = read.splice(0);
    const newest = others.slice(-3);
    await readBriefly(runs(oldest, ...newest));
    expect(read.splice(0)).toEqual([oldest]);
    await clock.sleep(10_001, bounds.signal);
    await readBriefly(runs(...newest));
    expect(read.toSorted()).toEqual(newest.toSorted());
  });

  test('the next read uses neither a finished nor an old one', async () => {
    expect(await readBriefly(runs(1))).toEqual([]);
    expect(await readBriefly(runs(1))).toEqual([]);
    expect(read).toEqual([1, 1]);
    await readBriefly(runs(...ids));
    const before = new Set(read).size;
    await clock.sleep(120_000, bounds.signal);
    await readBriefly(runs(...ids));
    expect(read.length).toBeGreaterThan(before + 2);
  });

  test('a run that has changed since is read again', async () => {
    const changed = (updatedAt: string) => ({
      workflow_runs: ids.map((id) => ({ id, status: 'queued', updated_at: updatedAt })),
    });
    await readBriefly(changed('2026-11-29T01:00:00Z'));
    const [first] = read;
    await readBriefly(changed('2026-11-29T01:00:05Z'));
    expect(read.filter((id) => id === first)).toHaveLength(2);
  });
});

describe('what GitHub refuses', () => {
  const denied = { message: 'Resource not accessible by integration' };
  const refusal = (said: string) => ({ refused: said, isFinal: false });

  test.each([403, 404])('is true of one reading, and the next one asks again: HTTP %i', async (status) => {
    runsRequest().times(2).reply(status, denied);
    const refused = refusal(`github_token: HTTP ${status} ("Resource not accessible by integration")`);
    expect([await ask(), await ask()]).toEqual([refused, refused]);
    runsAre(runs());
    expect(await ask()).toEqual([]);
    expect(said).toEqual([
      `GitHub does not show the workflow runs (${refused.refused}). The token needs "Actions: read" for that repository; in a workflow: permissions: actions: read.`,
    ]);
    expect(clock.sleeps).toEqual([]);
  });

  test('is not a token that GitHub does not know: the client tries that again for a while', async () => {
    runsRequest().times(50).reply(401);
    const error = await failure(ask());
    expect([error.isTransient, error.message]).toEqual([
      false,
      'GitHub does not accept github_token: HTTP 401.',
    ]);
  });

  test('may be one of several lists', async () => {
    runsRequest().times(2).reply(200, runs());
    for (const status of OTHER_STATUSES) runsOf(status).reply(status === 'waiting' ? 403 : 200, NO_RUNS);
    expect(await ask()).toEqual({ ...refusal('github_token: HTTP 403'), isPartial: true });
  });

  test('is different from a rate limit', async () => {
    const limited = { message: 'You have exceeded a secondary rate limit.' };
    runsRequest().reply(403, limited, { 'retry-after': '7' });
    runsAre(runs());
    expect(await ask()).toEqual([]);
    expect(clock.sleeps).toEqual([7_000]);
    expect(said).toEqual([]);
  });

  test('is not another answer that makes no sense', async () => {
    runsAre(runs(17));
    jobsRequest(17).times(20).reply(410);
    expect((await failure(ask())).message).toBe(
      'GitHub answered the request for the jobs of run 17 of repository octo-org/app with HTTP 410.',
    );
  });
});

describe('two tokens', () => {
  const by = (token: string, request: nock.Interceptor) =>
    request.matchHeader('authorization', `token the-${token}-token`);

  beforeEach(() => connect('jobs', 'github'));

  test('the first one is used', async () => {
    by('jobs', runsRequest()).times(2).reply(200, runs());
    for (const status of OTHER_STATUSES) by('jobs', runsOf(status)).reply(200, NO_RUNS);
    expect(await ask()).toEqual([]);
    expect(nock.isDone()).toBe(true);
  });

  test.each<[string, number, nock.ReplyHeaders]>([
    ['401', 401, {}],
    ['403', 403, {}],
    ['404', 404, {}],
    ['an exhausted quota', 403, { 'x-ratelimit-remaining': '0' }],
    ['too many requests', 429, {}],
  ])('the second one is used at once if the first gets %s', async (_, status, headers) => {
    by('jobs', runsRequest()).reply(status, {}, headers);
    by('github', runsRequest()).times(2).reply(200, runs());
    for (const each of OTHER_STATUSES) by('github', runsOf(each)).reply(200, NO_RUNS);
    expect(await ask()).toEqual([]);
    expect([clock.sleeps, nock.isDone()]).toEqual([[], true]);
  });

  test('the first one is used again by a later read', async () => {
    by('jobs', runsRequest()).reply(403);
    by('github', runsRequest()).times(2).reply(200, runs());
    for (const each of OTHER_STATUSES) by('github', runsOf(each)).reply(200, NO_RUNS);
    await ask();
    await clock.sleep(5_000, bounds.signal);
    by('jobs', runsRequest()).times(2).reply(200, runs());
    for (const each of OTHER_STATUSES) by('jobs', runsOf(each)).reply(200, NO_RUNS);
    expect(await ask()).toEqual([]);
    expect(nock.isDone()).toBe(true);
  });

  test('may both be refused', async () => {
    by('jobs', runsRequest()).reply(403, { message: 'Resource not accessible by integration' });
    by('github', runsRequest()).reply(404, { message: 'Not Found' });
    expect(await ask()).toEqual({
      refused:
        'jobs_token and github_token: HTTP 403 ("Resource not accessible by integration"), HTTP 404 ("Not Found")',
      isFinal: false,
    });
  });

  test('may both have no quota left: the first with a new quota is used', async () => {
    by('jobs', runsRequest()).reply(429, {}, { 'retry-after': '7' });
    by('github', runsRequest()).reply(429, {}, { 'retry-after': '9' });
    by('jobs', runsRequest()).times(2).reply(200, runs());
    for (const each of OTHER_STATUSES) by('jobs', runsOf(each)).reply(200, NO_RUNS);
    expect(await ask()).toEqual([]);
    expect(clock.sleeps).toEqual([9_000]);
  });
});

test('a run that has disappeared by then is read again later', async () => {
  runsAre(runs(17));
  jobsRequest(17).reply(404, { message: 'Not Found' });
  expect(await failure(ask())).toMatchObject({
    code: 'github_api_failed',
    isTransient: true,
    message: 'A workflow run that GitHub had just listed is gone (github_token: HTTP 404 ("Not Found")).',
  });
  expect(said).toEqual([]);
});

test('a limit in one answer holds for all requests, regardless of other answers in flight', async () => {
  const limited = { ...bounds, deadline: clock.now() + 10_000 };
  runsAre(runs(18, 17));
  jobsRequest(18).reply(429, '', { 'retry-after': '50' });
  jobsRequest(17).delay(20).reply(502);
  jobsRequest(17).reply(200, listed());
  const error = await failure(source.runningJobs(limited));
  expect([error.isTransient, clock.sleeps]).toEqual([true, [250]]);
  runsAre(runs());
  expect(await ask()).toEqual([]);
  expect(clock.sleeps.slice(1)).toEqual([49_750]);
});

test('no request is in progress once one fails', async () => {
  runsAre(runs(18, 17));
  jobsRequest(18).reply(410);
  let isAnswered = false;
  jobsRequest(17).reply(async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    isAnswered = true;
    return [200, listed()];
  });
  await failure(ask());
  expect(isAnswered).toBe(true);
});

describe('hiccups heal', () => {
  test.each<[string, number, unknown, string]>([
    ['502', 502, '<html>', 'it answered HTTP 502'],
    ['no list of runs', 200, { total_count: 1 }, 'it answered without a list of workflow runs'],
    ['null', 200, 'null', 'it answered without a list of workflow runs'],
    [
      'a run without an ID',
      200,
      { workflow_runs: [{}] },
      'it answered with a workflow run that lacks its id',
    ],
    [
      'more than were asked for',
      200,
      runs(...Array.from({ length: 101 }, (_, index) => index)),
      'it answered with more workflow runs than were asked for',
    ],
    ['a run that is none', 200, { workflow_runs: [7] }, 'it answered with a workflow run that lacks its id'],
  ])('of the runs: %s', async (_, status, body, reason) => {
    runsRequest().reply(status, body as string, { 'content-type': 'application/json' });
    runsAre(NO_RUNS);
    expect(await ask()).toEqual([]);
    expect(faults).toEqual([reason]);
  });

  test.each<[string, unknown, string]>([
    ['no list', { total_count: 1 }, 'it answered without a list of jobs'],
    ['null', 'null', 'it answered without a list of jobs'],
    ['a job that is none', { jobs: [7] }, 'it answered with a job that lacks its status'],
    [
      'a job without a status',
      listed(wireJob({ status: '' })),
      'it answered with a job that lacks its status',
    ],
  ])('of the jobs: %s', async (_, body, reason) => {
    runsAre(runs(17));
    jobsRequest(17).reply(200, body as string, { 'content-type': 'application/json' });
    jobsRequest(17).reply(200, listed(wireJob()));
    expect(await ask()).toEqual([JOB]);
    expect(faults).toEqual([reason]);
  });
});

test('a step without a repository knows no jobs, and says so once', async () => {
  const lines: string[] = [];
  const none = createNoJobsSource({ info: (line) => lines.push(line) });
  const refusal = { refused: 'GITHUB_REPOSITORY is not set', isFinal: true };
  expect([await none.runningJobs(bounds), await none.runningJobs(bounds)]).toEqual([refusal, refusal]);
  expect(lines).toEqual(['GITHUB_REPOSITORY is not set, so only the runner itself shows whether a job runs']);
});
