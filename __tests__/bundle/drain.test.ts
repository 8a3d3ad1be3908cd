import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { GITHUB_API_PATH } from '../../simulator/github-api.ts';
import type { GitHubWorld, GitHubWorldOptions } from '../../simulator/github-world.ts';
import { begin, type Ended, end, play, type Scenario, type Setting, TOKEN } from '../support/scenario.ts';
import { reported } from '../support/signals.ts';

// The committed bundle drains a runner on the simulated GitHub, and leaves none of its labels behind.

const folder = mkdtempSync(join(tmpdir(), 'drain-'));
const state = join(folder, 'state');
beforeEach(() => writeFileSync(state, ''));
afterAll(() => rmSync(folder, { recursive: true }));

const LABELS = ['pool-a', 'pool.b'];

function draining(
  inputs: Readonly<Record<string, string>> = {},
  prepare?: (github: GitHubWorld) => void,
): Setting {
  return {
    runners: { employment: { labels: LABELS }, habits: { busyLagMs: 0 }, ...(prepare && { prepare }) },
    inputs: { drain: 'true', ...inputs },
    way: { environment: { GITHUB_STATE: state, GITHUB_RUN_ID: '9001' } },
  };
}

function labelsIn(github: GitHubWorld | undefined): readonly string[] {
  const [runner] = github?.runners ?? [];
  return runner === undefined ? [] : (github?.labelsOf(runner).toSorted() ?? []);
}

/** A job on the first runner that began just now. */
function working(forMs: number) {
  return (github: GitHubWorld): void => {
    for (const runner of github.runners.slice(0, 1)) github.startJob(runner, forMs);
  };
}

/** What the runner hands to the post step. */
function savedState(): string {
  return /^drains<<(.*)\n([\s\S]*?)\n\1$/m.exec(readFileSync(state, 'utf8'))?.[2] ?? '';
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    if (tries === 500) throw new Error('it never came to that');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function waitingForItsJob(): Promise<Scenario> {
  const scenario = await begin(draining({}, working(86_400_000)));
  await until(() => labelsIn(scenario.github).every((label) => label.includes('.drained-9001-')));
  return scenario;
}

test('the labels are away while the job is waited for, and back once the runner is', async () => {
  const scenario = await begin(draining({}, working(60_000)));
  await until(() =>
    labelsIn(scenario.github).every((label) => /^pool[-.][ab]\.drained-9001-\d{10}$/.test(label)),
  );
  const { exitCode, outputs, log, github } = await end(scenario);
  expect([exitCode, outputs['restarted'], outputs['runner_status']]).toEqual([0, 'true', 'online']);
  expect(labelsIn(github)).toEqual(LABELS);
  expect(log).toMatch(
    /is drained \(labels removed: pool-a, pool\.b\)\. Jobs that ask for none of these labels still reach it/,
  );
  expect(log.indexOf('The runner is back')).toBeLessThan(
    log.indexOf('The labels of runner "runner-1" are restored'),
  );
  expect(readFileSync(state, 'utf8')).not.toContain(TOKEN);
});

test.each<[string, Readonly<Record<string, string>>, string]>([
  ['where the runner stays busy', { busy_timeout: '20s' }, 'runner_busy'],
  ['where nothing waits for the runner', { wait_for_runner: 'false', when_busy: 'ignore' }, ''],
])('the labels are back %s', async (_, inputs, code) => {
  const { outputs, github } = await play(draining(inputs, working(86_400_000)));
  expect([outputs['error_code'], labelsIn(github)]).toEqual([code, LABELS]);
});

test('the labels are back after a cancellation', async () => {
  const scenario = await waitingForItsJob();
  scenario.step.process.kill('SIGINT');
  const { outputs, github } = await end(scenario);
  expect([outputs['error_code'], labelsIn(github)]).toEqual(['cancelled', LABELS]);
});

test('the post step restores what a killed step has left', async () => {
  const scenario = await waitingForItsJob();
  scenario.step.process.kill('SIGKILL');
  await scenario.step.finished;
  expect(labelsIn(scenario.github)).not.toEqual(LABELS);
  const { simulator } = scenario;
  const environment = {
    ...{
      PATH: process.env['PATH'],
      STATE_drains: savedState(),
      GITHUB_API_URL: `${simulator.url}${GITHUB_API_PATH}`,
    },
    ...{ INPUT_CONTROLLER_URL: simulator.url, INPUT_INSTANCE_ID: scenario.record.instanceId },
    ...{ INPUT_RUNNER_NAME: 'runner-1', INPUT_RUNNER_SCOPE: 'octo-org', INPUT_GITHUB_TOKEN: TOKEN },
  };
  const { spawn } = await import('node:child_process');
  const post = spawn(process.execPath, ['dist/post.js'], { env: environment });
  let log = '';
  post.stdout.on('data', (text) => {
    log += text;
  });
  await new Promise((resolve) => post.on('close', resolve));
  expect(labelsIn(scenario.github)).toEqual(LABELS);
  expect(log).toContain('The labels of runner "runner-1" are restored');
  expect(post.exitCode).toBe(0);
  await simulator.close();
});

test('the post step has nothing to do after a step that restored them, and loads nothing', async () => {
  await play(draining());
  expect(readFileSync(state, 'utf8')).toMatch(/drains<<(.*)\n\n\1\n$/);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/post.js'], {
    env: {},
    encoding: 'utf8',
  });
  expect([status, stdout, stderr]).toEqual([0, '', '']);
});

function changesOf({ simulator }: Ended): readonly string[] {
  return simulator.requests
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path }) => `${method} ${path}`);
}

test('a runner without a custom label cannot be drained: nothing is changed, and nothing restarted', async () => {
  const ended = await play({ ...draining(), runners: { employment: { labels: [] } } });
  expect(reported(ended)).toMatchObject({ exitCode: 1, restarted: 'false', error_code: 'invalid_input' });
  expect(ended.log).toMatch(/^::error .*Runner "runner-1" has no custom label .*so it cannot be drained/m);
  expect(changesOf(ended)).toEqual([]);
});

test('a token that cannot change runners: the error names the permission, and nothing is restarted', async () => {
  const setting = draining();
  const tokens: GitHubWorldOptions['tokens'] = {
    [TOKEN]: { runners: { 'octo-org': 'read' }, actions: { 'octo-org/app': 'read' } },
  };
  const ended = await play({ ...setting, runners: { ...setting.runners, tokens } });
  expect(reported(ended)).toMatchObject({ exitCode: 1, restarted: 'false', error_code: 'github_api_failed' });
  expect([ended.posts, labelsIn(ended.github)]).toEqual([0, LABELS]);
  expect(ended.log).toMatch(
    /^::error .*HTTP 403 .*requires the organization permission "Self-hosted runners: write"/m,
  );
});

/** GitHub lists another runner, in another VM, with a label of a drain by run 8000. */
function besideDrained(expiresInMs: number, inputs: Readonly<Record<string, string>> = {}): Setting {
  const left = `pool-a.drained-8000-${Math.floor((Date.now() + expiresInMs) / 1_000)}`;
  return draining(inputs, (github) => {
    for (const other of github.runners.slice(1, 2)) github.setLabels(other, [left, 'old.drained']);
  });
}

function labelsOfOther(github: GitHubWorld | undefined): readonly string[] {
  const other = github?.runners[1];
  return other === undefined ? [] : (github?.labelsOf(other).toSorted() ?? []);
}

test('labels of a drain that has expired are back on any runner that is listed', async () => {
  const { exitCode, github, log } = await play(besideDrained(-1_000));
  expect([exitCode, labelsOfOther(github), labelsIn(github)]).toEqual([0, ['old.drained', 'pool-a'], LABELS]);
  expect(log).toContain(
    'The labels of runner "runner-2" are restored: a drain of an earlier step has expired',
  );
});

test.each<[string, number, Readonly<Record<string, string>>, boolean]>([
  ['of a drain that is still running', 86_400_000, {}, false],
  ['without drain, which warns', -1_000, { drain: 'false' }, true],
  ['in a dry run, which warns', -1_000, { dry_run: 'true' }, true],
])('labels on other runners stay %s', async (_, expiresInMs, inputs, isWarned) => {
  const { exitCode, github, log } = await play(besideDrained(expiresInMs, inputs));
  expect([exitCode, labelsOfOther(github)]).toEqual([
    0,
    ['old.drained', expect.stringMatching(/^pool-a\.drained-8000-\d{10}$/)],
  ]);
  expect(
    /::warning.*Runner "runner-2" \(ID \d+\) still has labels from an expired drain: pool-a\.drained-8000-/.test(
      log,
    ),
  ).toBe(isWarned);
});

test('without drain, labels are not touched', async () => {
  const { simulator } = await play(draining({ drain: 'false' }));
  expect(simulator.requests.filter(({ path }) => path.includes('/labels'))).toEqual([]);
});
