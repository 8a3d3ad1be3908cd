import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import nock from 'nock';
import { ActionError } from '../../src/errors.ts';
import type { RetryBounds } from '../../src/http/retry.ts';
import { createTransport, type Transport } from '../../src/http/transport.ts';
import { createGitHubClient } from '../../src/runner/github-client.ts';
import { createJobsSource, type JobsSource } from '../../src/runner/jobs.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { runningJob } from '../support/runners.ts';

// The jobs source in the shapes that GitHub's reference documents.

const ORIGIN = 'https://api.github.example';
const REPOSITORY = { kind: 'repository', owner: 'octo-org', repo: 'app' } as const;
const RUNS = '/repos/octo-org/app/actions/runs';
const PLAIN = { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true };

let clock: FakeClock;
let transport: Transport;
let source: JobsSource;
let bounds: RetryBounds;
let said: string[];
let faults: string[];

beforeEach(() => {
  nock.disableNetConnect();
  [said, faults] = [[], []];
  const { signal } = new AbortController();
  clock = createFakeClock((_, given) => given !== signal);
  bounds = { deadline: clock.now() + 60_000, signal, onFault: ({ reason }) => faults.push(reason) };
  const options = { proxy: undefined, tls: PLAIN, requestTimeoutMs: 10_000, clock };
  transport = createTransport({ baseUrl: new URL(ORIGIN), ...options });
  const client = createGitHubClient({
    ...{ baseUrl: ORIGIN, token: 'hunter2', scope: REPOSITORY, transport, clock },
    random: () => 0,
    debug: () => {},
  });
  source = createJobsSource({ client, repository: REPOSITORY }, { info: (line) => said.push(line) });
});

afterEach(async () => {
  await transport.close();
  nock.abortPendingRequests();
  nock.cleanAll();
});

afterAll(() => nock.restore());

const ask = () => source.runningJobs(bounds);
const runsRequest = () =>
  nock(ORIGIN).get(RUNS).query({ status: 'in_progress', per_page: 100, exclude_pull_requests: true });
const jobsRequest = (run: number) =>
  nock(ORIGIN).get(`${RUNS}/${run}/jobs`).query({ filter: 'latest', per_page: 100 });
const inProgress = (...ids: number[]) => ({
  total_count: ids.length,
  workflow_runs: ids.map((id) => ({ id, name: 'CI', status: 'in_progress' })),
});
const listed = (...jobs: unknown[]) => ({ total_count: jobs.length, jobs });

/** As GitHub's reference shows one. */
function wireJob(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: 399444496,
    run_id: 17,
    status: 'in_progress',
    conclusion: null,
    name: 'build',
    steps: [{ name: 'Set up job', status: 'completed', conclusion: 'success', number: 1 }],
    labels: ['self-hosted', 'macos-vm-7'],
    runner_id: 23,
    runner_name: 'mac-7',
    run_attempt: 1,
    runner_group_id: 1,
    runner_group_name: 'Default',
    completed_at: null,
    ...changes,
  };
}

const JOB = runningJob();

async function failure(asking: Promise<unknown>): Promise<ActionError> {
  const error: unknown = await asking.catch((thrown: unknown) => thrown);
  if (!(error instanceof ActionError)) throw new Error('it did not fail', { cause: error });
  return error;
}

describe('the jobs in progress', () => {
  test('are those of every run in progress', async () => {
    runsRequest().reply(200, inProgress(18, 17));
    jobsRequest(18).reply(200, listed(wireJob({ runner_id: 7, runner_name: 'other' })));
    jobsRequest(17).reply(200, listed(wireJob()));
    expect(await ask()).toEqual([{ ...JOB, runId: 18, runnerId: 7, runnerName: 'other' }, JOB]);
    expect(said).toEqual([]);
  });

  test('are none where no run is in progress', async () => {
    runsRequest().reply(200, inProgress());
    expect(await ask()).toEqual([]);
  });

  test.each(['queued', 'completed', 'waiting'])('are none that are %s', async (status) => {
    runsRequest().reply(200, inProgress(17));
    jobsRequest(17).reply(200, listed(wireJob({ status })));
    expect(await ask()).toEqual([]);
  });

  test.each<[Record<string, unknown>, Record<string, unknown>]>([
    [{ runner_id: null }, { runnerId: undefined }],
    [{ runner_id: 0 }, { runnerId: undefined }],
    [{ runner_id: '23' }, { runnerId: undefined }],
    [{ runner_name: null }, { runnerName: undefined }],
    [{ name: null }, { name: '' }],
    [{ run_attempt: undefined }, { attempt: 1 }],
    [{ run_attempt: 3 }, { attempt: 3 }],
    [{ runner_group_name: null }, { runnerGroup: undefined }],
    [{ labels: null }, { labels: [] }],
    [{ labels: [7, 'macos'] }, { labels: ['macos'] }],
    [{ completed_at: '2026-11-28T10:05:00Z' }, { completedAt: Date.UTC(2026, 10, 28, 10, 5) }],
  ])('may lack something: %j', async (changes, expected) => {
    runsRequest().reply(200, inProgress(17));
    jobsRequest(17).reply(200, listed(wireJob(changes)));
    expect(await ask()).toEqual([{ ...JOB, ...expected }]);
  });

  test('are on every page', async () => {
    runsRequest().reply(200, inProgress(17));
    const next = `/repositories/1/actions/runs/17/jobs?page=2`;
    jobsRequest(17).reply(200, listed(wireJob({ status: 'completed' })), {
      link: `<${ORIGIN}${next}>; rel="next"`,
    });
    nock(ORIGIN).get(next).reply(200, listed(wireJob()));
    expect(await ask()).toEqual([JOB]);
  });

  test('end, even if their pages do not', async () => {
    runsRequest().reply(200, inProgress(17));
    const again = `${RUNS}/17/jobs?page=2`;
    const link = { link: `<${ORIGIN}${again}>; rel="next"` };
    jobsRequest(17).reply(200, listed(wireJob()), link);
    nock(ORIGIN).get(again).times(100).reply(200, listed(wireJob()), link);
    expect(await ask()).toHaveLength(100);
  });

  test('of many runs are read a few at a time', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => index + 1);
    runsRequest().reply(200, inProgress(...ids));
    let [underWay, most] = [0, 0];
    for (const id of ids) {
      jobsRequest(id).reply(async () => {
        most = Math.max(most, ++underWay);
        await new Promise((resolve) => setImmediate(resolve));
        underWay--;
        return [200, listed(wireJob())];
      });
    }
    expect((await ask()).length).toBe(20);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(8);
  });

  test('of a hundred runs are all read, and nothing is told', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => index + 1);
    runsRequest().reply(200, inProgress(...ids));
    for (const id of ids) jobsRequest(id).reply(200, listed(wireJob()));
    expect(await ask()).toHaveLength(100);
    expect(said).toEqual([]);
  });

  test('of no more runs than are listed are all read where their number is none', async () => {
    runsRequest().reply(200, { ...inProgress(), total_count: '101' });
    expect(await ask()).toEqual([]);
    expect(said).toEqual([]);
  });

  test('of more than a hundred runs are not all read, which is told once', async () => {
    for (let look = 1; look <= 2; look++) {
      runsRequest().reply(200, { ...inProgress(17), total_count: 101 });
      jobsRequest(17).reply(200, listed());
      await ask();
    }
    expect(said).toEqual([
      '101 runs are in progress in repository octo-org/app: only the jobs of the newest 100 are read',
    ]);
  });
});

describe('what may not be read', () => {
  test.each([403, 404])('is told once, and not asked for again: HTTP %i', async (status) => {
    runsRequest().reply(status, { message: 'Resource not accessible by integration' });
    expect([await ask(), await ask()]).toEqual(['unreadable', 'unreadable']);
    expect(said).toEqual([
      `github_token may not read the workflow runs of repository octo-org/app (HTTP ${status}; it takes "Actions: read"): whether a job runs, only the runner itself can tell`,
    ]);
  });

  test('is no matter of permissions where it could be read before', async () => {
    runsRequest().reply(200, inProgress());
    runsRequest().reply(403, { message: 'Forbidden' });
    await ask();
    expect(await failure(ask())).toMatchObject({
      code: 'github_api_failed',
      isTransient: false,
      message:
        'github_token may not read the workflow runs of repository octo-org/app: HTTP 403 ("Forbidden").',
    });
  });

  test('is something else than a limit to how often it may be asked for', async () => {
    runsRequest().reply(
      403,
      { message: 'You have exceeded a secondary rate limit.' },
      { 'retry-after': '7' },
    );
    runsRequest().reply(200, inProgress());
    expect(await ask()).toEqual([]);
    expect(clock.sleeps).toEqual([7_000]);
    expect(said).toEqual([]);
  });

  test('is not a token that GitHub does not take', async () => {
    runsRequest().reply(401);
    expect((await failure(ask())).message).toContain('GitHub does not take github_token');
  });

  test('is not another answer that makes no sense', async () => {
    runsRequest().reply(200, inProgress(17));
    jobsRequest(17).reply(410);
    expect((await failure(ask())).message).toBe(
      'GitHub answered the question for the jobs of a run of repository octo-org/app with HTTP 410.',
    );
  });
});

test('a run that is gone by then is asked after later', async () => {
  runsRequest().reply(200, inProgress(17));
  jobsRequest(17).reply(404, { message: 'Not Found' });
  expect(await failure(ask())).toMatchObject({
    code: 'github_api_failed',
    isTransient: true,
    message: 'A workflow run is gone that GitHub has just listed.',
  });
});

test('what one question is told of a limit holds for all, whatever others under way are told', async () => {
  const limited = { ...bounds, deadline: clock.now() + 10_000 };
  runsRequest().reply(200, inProgress(18, 17));
  jobsRequest(18).reply(429, '', { 'retry-after': '50' });
  jobsRequest(17).delay(20).reply(502);
  jobsRequest(17).reply(200, listed());
  const error = await failure(source.runningJobs(limited));
  expect([error.isTransient, clock.sleeps]).toEqual([true, [250]]);
  runsRequest().reply(200, inProgress());
  expect(await ask()).toEqual([]);
  expect(clock.sleeps.slice(1)).toEqual([49_750]);
});

test('nothing is under way any more where one question fails', async () => {
  runsRequest().reply(200, inProgress(18, 17));
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
      inProgress(...Array.from({ length: 101 }, (_, index) => index)),
      'it answered with more runs than were asked for',
    ],
    ['a run that is none', 200, { workflow_runs: [7] }, 'it answered with a workflow run that lacks its id'],
  ])('of the runs: %s', async (_, status, body, reason) => {
    runsRequest().reply(status, body as string, { 'content-type': 'application/json' });
    runsRequest().reply(200, { workflow_runs: [] });
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
    runsRequest().reply(200, inProgress(17));
    jobsRequest(17).reply(200, body as string, { 'content-type': 'application/json' });
    jobsRequest(17).reply(200, listed(wireJob()));
    expect(await ask()).toEqual([JOB]);
    expect(faults).toEqual([reason]);
  });
});
