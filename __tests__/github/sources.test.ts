import { expect, test } from '@jest/globals';
import nock from 'nock';
import type { Scope } from '../../src/github/scope.ts';
import { type OpenedSources, openSources } from '../../src/github/sources.ts';
import { closeNetwork } from '../support/closed-network.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { wireRunner } from '../support/runners.ts';

// Which token each request uses.

const ORIGIN = 'https://api.github.example';
const OWN: Scope = { kind: 'repository', owner: 'octo-org', repo: 'app' };
const OTHER: Scope = { kind: 'repository', owner: 'octo-org', repo: 'lib' };
const ORGANIZATION: Scope = { kind: 'organization', org: 'octo-org' };

const debugged: string[] = [];
let sources: OpenedSources;

function open(scope: Scope, jobsToken: string | undefined, repository = 'Octo-Org/App'): void {
  const log = { info() {}, warning() {}, debug: (line: string) => void debugged.push(line) };
  const clock = createFakeClock((_, given) => given !== bounds.signal);
  sources = openSources({
    ...{ scope, token: 'the-runners-token', jobsToken, repository, clock, random: () => 0, log },
    ...{ apiUrl: new URL(`${ORIGIN}/`), proxy: undefined, requestTimeoutMs: 10_000, dispatchers: undefined },
  });
}

const bounds = { deadline: Number.MAX_SAFE_INTEGER, signal: new AbortController().signal };

closeNetwork(() => sources.close());

test.each<[string, Scope, string | undefined, string, string]>([
  ["of the workflow's repository", OWN, 'the-jobs-token', 'Octo-Org/App', 'the-jobs-token'],
  [
    "of the workflow's repository, where the runner is an organization's",
    ORGANIZATION,
    'the-jobs-token',
    'Octo-Org/App',
    'the-jobs-token',
  ],
  ['of another repository', OTHER, 'the-jobs-token', 'octo-org/lib', 'the-runners-token'],
  ['without jobs_token', OWN, undefined, 'octo-org/app', 'the-runners-token'],
  ['with a blank jobs_token', OWN, '', 'octo-org/app', 'the-runners-token'],
  ['with the same token twice', OWN, 'the-runners-token', 'octo-org/app', 'the-runners-token'],
])('the jobs %s', async (_, scope, jobsToken, repository, token) => {
  open(scope, jobsToken);
  const path = new RegExp(`^/repos/${repository}/actions/runs\\?`, 'i');
  const reqheaders = { authorization: `token ${token}` };
  nock(ORIGIN, { reqheaders }).get(path).times(6).reply(200, { workflow_runs: [] });
  expect(await sources.jobs.runningJobs(bounds)).toEqual([]);
  expect(nock.isDone()).toBe(true);
});

test('the runners, always with github_token', async () => {
  open(ORGANIZATION, 'the-jobs-token');
  nock(ORIGIN, { reqheaders: { authorization: 'token the-runners-token' } })
    .get('/orgs/octo-org/actions/runners?per_page=100')
    .reply(200, { runners: [wireRunner()] }, { date: 'Sat, 28 Nov 2026 10:06:00 GMT' });
  expect((await sources.runners.listAll(bounds)).runners).toHaveLength(1);
  await sources.close();
  expect(debugged.at(-1)).toContain('GitHub answered 1 requests');
});

test('no jobs if there is no repository', async () => {
  open(ORGANIZATION, 'the-jobs-token', '');
  expect(await sources.jobs.runningJobs(bounds)).toEqual({
    refused: 'GITHUB_REPOSITORY is not set',
    isFinal: true,
  });
});

test("a run of the workflow's own repository, for any scope, and the jobs of all attempts", async () => {
  open(OTHER, 'the-jobs-token');
  const job = (name: string, attempt: number, changes = {}) => {
    return {
      name,
      run_attempt: attempt,
      status: 'completed',
      conclusion: 'success',
      runner_name: 'mac-7',
      ...changes,
    };
  };
  const first = [
    job('test', 1),
    job('reset', 1, { conclusion: 'failure' }),
    job('again', 3),
    job('again', 2),
  ];
  nock(ORIGIN, { reqheaders: { authorization: 'token the-jobs-token' } })
    .get('/repos/Octo-Org/App/actions/runs/901/jobs?filter=all&per_page=100')
    .reply(200, { total_count: 5, jobs: first }, { link: '<x>; rel="next"' })
    .get('/repos/Octo-Org/App/actions/runs/901/jobs?filter=all&per_page=100&page=2')
    .reply(
      200,
      { jobs: [job('reset', 2, { status: 'in_progress' })] },
      { date: 'Sat, 28 Nov 2026 10:06:00 GMT' },
    );
  const { jobs, total, readAt } = await sources.readRun(901, bounds);
  expect(jobs.map(({ name, attempt, runId }) => [name, attempt, runId])).toEqual([
    ['test', 1, 901],
    ['reset', 1, 901],
    ['again', 3, 901],
    ['again', 2, 901],
    ['reset', 2, 901],
  ]);
  expect(total).toBe(5);
  expect(readAt).toBe(Date.UTC(2026, 10, 28, 10, 6));
});

test('a run that no token can see is an error that names both tokens', async () => {
  open(OWN, 'the-jobs-token');
  nock(ORIGIN).get(/jobs/).times(50).reply(404, { message: 'Not Found' });
  await expect(sources.readRun(901, bounds)).rejects.toMatchObject({
    code: 'github_api_failed',
    message:
      'GitHub does not find the jobs of run 901 of repository Octo-Org/App with jobs_token and github_token: HTTP 404 ("Not Found"), HTTP 404 ("Not Found"). It does not exist, or the token cannot see it.',
    hint: 'Check the spelling of run_id, and jobs_token and github_token. The token needs "Actions: read" for that repository; in a workflow: permissions: actions: read.',
  });
});

test('no run if there is no repository', async () => {
  open(ORGANIZATION, 'the-jobs-token', '');
  await expect(sources.readRun(901, bounds)).rejects.toMatchObject({ code: 'invalid_input' });
});

test('the labels of a runner; of one that is gone, none', async () => {
  open(ORGANIZATION, 'the-jobs-token');
  nock(ORIGIN)
    .get('/orgs/octo-org/actions/runners/23')
    .reply(200, wireRunner(), { date: 'Sat, 28 Nov 2026 10:06:00 GMT' })
    .get('/orgs/octo-org/actions/runners/24')
    .reply(404);
  expect(await sources.labels.read(23, bounds)).toMatchObject({ labels: expect.any(Array) });
  expect(await sources.labels.read(24, bounds)).toBeUndefined();
  await sources.close();
});

test('no run to read if there is no repository', async () => {
  open(ORGANIZATION, 'the-jobs-token', '');
  await expect(sources.readRun(17, bounds)).rejects.toMatchObject({
    code: 'invalid_input',
    message: 'used_by_job reads a workflow run, but GITHUB_REPOSITORY is not set.',
    hint: 'Run the step in a workflow, where GitHub sets it.',
  });
});
