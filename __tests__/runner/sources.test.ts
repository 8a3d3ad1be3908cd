import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import nock from 'nock';
import type { Scope } from '../../src/runner/scope.ts';
import { type OpenedSources, openSources } from '../../src/runner/sources.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { wireRunner } from '../support/runners.ts';

// Which token asks for what.

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

beforeEach(() => nock.disableNetConnect());

afterEach(async () => {
  await sources.close();
  nock.abortPendingRequests();
  nock.cleanAll();
});

afterAll(() => nock.restore());

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
    .reply(200, { runners: [wireRunner()] });
  expect(await sources.runners.listRunners(undefined, bounds)).toHaveLength(1);
  await sources.close();
  expect(debugged.at(-1)).toContain('GitHub answered 1 requests');
});

test('no jobs where there is no repository', async () => {
  open(ORGANIZATION, 'the-jobs-token', '');
  expect(await sources.jobs.runningJobs(bounds)).toEqual({
    refused: 'GITHUB_REPOSITORY is not set',
    isFinal: true,
  });
});
