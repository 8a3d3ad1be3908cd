import { expect, test } from '@jest/globals';
import { createNumberReader } from '../../simulator/command-line.ts';
import { reactAsGitHub } from '../../simulator/github-api.ts';
import { JOBS_TOKEN, READ_TOKEN, readGitHub, TOKEN } from '../../simulator/github-by-hand.ts';
import { DEFAULT_WORLD, World } from '../../simulator/world.ts';

const NOON = Date.parse('2026-07-01T12:00:00Z');
const RUNNERS = '/orgs/octo-org/actions/runners';
const RUNS = '/repos/octo-org/app/actions/runs';

/** The GitHub that the options describe, and a function that sends requests to it. */
function start(values: Parameters<typeof readGitHub>[2] & Readonly<Record<string, unknown>> = {}) {
  const world = new World({ ...DEFAULT_WORLD, startsAt: NOON, vms: 2 });
  const github = readGitHub(world, createNumberReader(values), { runners: true, ...values });
  if (github === undefined) throw new Error('there is no GitHub');
  const ask = (path: string, seconds = 0, token = TOKEN) => {
    const headers = { authorization: `token ${token}` };
    const request = { method: 'GET', path: `/api/v3${path}`, body: '', headers };
    const { status, body } = reactAsGitHub({ github, now: NOON + seconds * 1_000 }, request);
    return { status, json: JSON.parse(body) };
  };
  const names = () => ask(RUNNERS).json.runners.map(({ name }: { name: string }) => name);
  return { world, github, ask, names };
}

test('without --runners there is no GitHub', () => {
  const world = new World({ ...DEFAULT_WORLD, startsAt: NOON });
  expect(readGitHub(world, createNumberReader({}), {})).toBeUndefined();
});

test('each VM has a runner, or several, with labels', () => {
  expect(start().names()).toEqual(['runner-1', 'runner-2']);
  const { names, ask } = start({ 'runners-per-vm': '2', labels: 'pool, xcode' });
  expect(names()).toEqual(['runner-1-a', 'runner-1-b', 'runner-2-a', 'runner-2-b']);
  const { labels } = ask(`${RUNNERS}/23`).json;
  expect(labels.map(({ name }: { name: string }) => name)).toEqual([
    ...['self-hosted', 'macOS', 'ARM64'],
    ...['pool', 'xcode'],
  ]);
});

test('a queue goes to one-job runners, which disappear after it and come back with their VM', () => {
  const { world, github, ask, names } = start({
    ...{ queue: '3:20', labels: 'pool', 'one-job': true, 'random-names': true },
  });
  expect(names()).toEqual([
    expect.stringMatching(/^runner-1-\w{8}$/),
    expect.stringMatching(/^runner-2-\w{8}$/),
  ]);
  expect(ask(`${RUNS}?status=queued`, 10).json.total_count).toBe(1);
  expect(ask(RUNNERS, 25).json.total_count).toBe(0);
  world.restart(github.runners[0]?.instanceId ?? '');
  expect(ask(RUNNERS, 60).json).toMatchObject({ total_count: 1, runners: [{ ephemeral: true }] });
  expect(ask(`${RUNS}?status=completed`, 90).json.total_count).toBe(1);
});

test('a queue without a time has jobs of a minute', () => {
  const { ask } = start({ queue: '1' });
  expect([50, 70].map((seconds) => ask(`${RUNS}?status=in_progress`, seconds).json.total_count)).toEqual([
    1, 0,
  ]);
});

test('the first runner has a job, which shows as late as it is to', () => {
  const { ask } = start({ job: '100', 'busy-lag': '5', 'jobs-lag': '50' });
  const busy = (seconds: number) => ask(`${RUNNERS}/23`, seconds).json.busy;
  expect([4, 5].map(busy)).toEqual([false, true]);
  expect([49, 50].map((seconds) => ask(RUNS, seconds).json.total_count)).toEqual([0, 1]);
});

test('GitHub can be wrong about its runners, and refuse, for a while', () => {
  const { ask } = start({
    shown: ['offline:20'],
    'github-refuses': ['404:runs:20', '503:labels', '502:all:0'],
  });
  const seen = (seconds: number) => [ask(`${RUNNERS}/23`, seconds).json.status, ask(RUNS, seconds).status];
  expect([0, 20].map(seen)).toEqual([
    ['offline', 404],
    ['online', 200],
  ]);
  expect(ask(`${RUNNERS}/23/labels`, 3_600).status).toBe(503);
  expect(start({ shown: ['busy:5'] }).ask(`${RUNNERS}/23`).json.busy).toBe(true);
});

test('has the requested versions and Link host', () => {
  const { world, github, ask } = start({
    ...{ 'runner-version': '2.300.0', 'minimum-runner-version': '2.329.0', 'link-host': 'internal' },
  });
  expect([ask(`${RUNNERS}/23`).json.version, github.options.linkHost]).toEqual(['2.300.0', 'internal']);
  world.restart(github.runners[0]?.instanceId ?? '');
  ask(RUNNERS, 3_600);
  expect(github.runners.map(({ isListening }) => isListening)).toEqual([false, true]);
});

test('some tokens can only read', () => {
  const { ask } = start();
  const paths = [RUNNERS, RUNS];
  expect(paths.map((path) => ask(path, 0, READ_TOKEN).status)).toEqual([200, 404]);
  expect(paths.map((path) => ask(path, 0, JOBS_TOKEN).status)).toEqual([404, 200]);
});
