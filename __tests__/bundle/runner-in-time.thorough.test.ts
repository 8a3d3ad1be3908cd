import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { GitHubWorld, Job } from '../../simulator/github-world.ts';
import type { Interventions } from '../../simulator/server.ts';
import {
  begin,
  commandsIn,
  end,
  nameOf,
  play,
  type Scenario,
  type Setting,
  TOKEN,
} from '../support/scenario.ts';

// The committed bundle as a process, against the simulated controller and GitHub, where time passes fast.

/** Right before the restart: the runner, the jobs in progress, and the runner again. */
const LAST_LOOKS = ['GET runner', 'GET runs', 'GET runner'];
/** The runner until its job has ended, then the jobs in progress, and the runner for a while; the VM; and the last reads. */
const WAIT = ['GET one', 'GET runners', ...LAST_LOOKS, 'GET one', ...LAST_LOOKS];
const AT_ONCE = { busyLagMs: 0 };

/** The step looks up the job of a busy runner before it gives up. */
const JOBS = ['GET runs', 'GET jobs'];

/** A job on the first runner that began just now; `jobs` shows what became of it. */
function working(forMs: number) {
  const jobs: Job[] = [];
  const prepare = (github: GitHubWorld) => {
    for (const runner of github.runners.slice(0, 1))
      jobs.push(...[github.startJob(runner, forMs) ?? []].flat());
  };
  return { jobs, prepare };
}

test('a job ends, the VM is restarted, its runner is back', async () => {
  const { jobs, prepare } = working(60_000);
  const { exitCode, story, outputs, github, log, summary } = await play({
    runners: { prepare, habits: AT_ONCE },
  });
  expect(log).not.toContain('::error');
  expect([exitCode, outputs['restarted'], outputs['runner_status'], outputs['error_code']]).toEqual([
    0,
    'true',
    'online',
    '',
  ]);
  expect(story).toEqual([...WAIT, 'POST restart', 'GET one', 'GET runner']);
  expect(jobs.map(({ killedAt }) => killedAt)).toEqual([undefined]);
  expect(github?.runners[0]?.isListening).toBe(true);
  expect(log).toContain('Runner "runner-1" (ID 23) is online, busy; waiting for its job to end');
  expect(log).toMatch(/^The runner is back, .* \(proof: it went offline, then came online\)$/m);
  expect(summary).toContain('    VM verified → runner back :');
  const [, requests, free] = /::debug::GitHub answered (\d+) requests, (\d+) of them free/.exec(log) ?? [];
  expect(Number(free)).toBeGreaterThan(Number(requests) / 2);
});

test('without runner_name, the step sends no request to GitHub', async () => {
  const { exitCode, story } = await play();
  expect([exitCode, story]).toEqual([0, ['GET one', 'POST restart', 'GET one']]);
});

test('a dry run says whether the runner is busy, and changes nothing', async () => {
  const { exitCode, story, log, outputs } = await play({ runners: {}, inputs: { dry_run: 'true' } });
  expect([exitCode, story]).toEqual([0, ['GET one', 'GET runners', 'GET runs']]);
  expect(log).toContain('Dry run: Runner "runner-1" (ID 23) is online, idle');
  expect(outputs).toMatchObject({ restarted: 'false', runner_status: '' });
});

describe('nothing is restarted', () => {
  test.each<[string, Setting, string, string[]]>([
    [
      'where the runner is busy and the step does not wait',
      { inputs: { when_busy: 'fail' } },
      'runner_busy',
      JOBS,
    ],
    ['where it stays busy', { inputs: { busy_timeout: '20s' } }, 'runner_busy', ['GET runner', ...JOBS]],
    ['where no runner has the name', { inputs: { runner_name: 'mac-7' } }, 'runner_not_found', []],
    [
      'where the token cannot read runners',
      { inputs: { github_token: 'the-jobs-own-token' } },
      'github_api_failed',
      [],
    ],
  ])('%s', async (_, setting, code, more) => {
    const { jobs, prepare } = working(86_400_000);
    const runners = { prepare, habits: AT_ONCE, deniedToken: 'the-jobs-own-token' };
    const { exitCode, story, outputs, world } = await play({ runners, ...setting });
    expect([exitCode, outputs['restarted'], outputs['error_code']]).toEqual([1, 'false', code]);
    expect([story, world.restarts]).toEqual([['GET one', 'GET runners', ...more], []]);
    expect(jobs).toEqual([expect.objectContaining({ killedAt: undefined })]);
  });

  test('if the step runs on that very runner', async () => {
    const environment = { RUNNER_NAME: 'runner-1', GITHUB_REPOSITORY: 'octo-org/app' };
    const { outputs, simulator } = await play({
      runners: {},
      inputs: { runner_name: 'runner-1' },
      way: { environment },
    });
    expect(outputs).toMatchObject({ restarted: 'false', error_code: 'self_restart' });
    expect(simulator.requests).toEqual([]);
  });
});

describe('if GitHub is slow to say that the runner is busy', () => {
  const never = { busyLagMs: 86_400_000 };

  test('a job in progress blocks the restart', async () => {
    const { jobs, prepare } = working(86_400_000);
    const runners = { prepare, habits: { ...never, jobsLagMs: 0 } };
    const { outputs, story, log } = await play({ runners, inputs: { when_busy: 'fail' } });
    expect([outputs['restarted'], outputs['error_code']]).toEqual(['false', 'runner_busy']);
    expect(story).toEqual(['GET one', 'GET runners', 'GET runs', 'GET jobs']);
    expect(log).toMatch(
      /online, idle, but job "build" of run \d+ is in progress on it\. No restart was sent/,
    );
    expect(jobs).toEqual([expect.objectContaining({ killedAt: undefined })]);
  });

  test('a token that cannot read jobs is logged once, but tried each time, and does not block the restart', async () => {
    const runners = { showsJobs: false, habits: never };
    const inputs = { wait_for_runner: 'false' };
    const { exitCode, outputs, story, log } = await play({ runners, inputs });
    expect([exitCode, outputs['restarted']]).toEqual([0, 'true']);
    const last = story.slice(0, story.indexOf('POST restart'));
    expect(last.slice(-LAST_LOOKS.length)).toEqual(LAST_LOOKS);
    expect(log).toMatch(/^::warning::GitHub has refused to list the jobs in progress for 30\.0 s: /m);
    expect(log.match(/GitHub does not show the workflow runs/g)).toHaveLength(1);
  });
});

test('a VM whose runner has a job can be left alone, which is no failure', async () => {
  const { jobs, prepare } = working(86_400_000);
  const runners = { prepare, habits: AT_ONCE };
  const { exitCode, outputs, posts, log, summary } = await play({ runners, inputs: { when_busy: 'skip' } });
  expect([exitCode, posts]).toEqual([0, 0]);
  expect(outputs).toMatchObject({ restarted: 'false', error_code: '', runner_status: '' });
  expect(log).toContain('is online, busy; the VM is left alone, as when_busy says');
  expect(summary).toContain('VM left alone: its runner has a job');
  expect(jobs).toEqual([expect.objectContaining({ killedAt: undefined })]);
});

test('a single read, and no wait for the runner, if the inputs say so', async () => {
  const inputs = { idle_for: '0s', wait_for_runner: 'false' };
  const { exitCode, outputs, story } = await play({ runners: {}, inputs });
  expect([exitCode, outputs['restarted'], outputs['runner_status']]).toEqual([0, 'true', '']);
  expect(story).toEqual(['GET one', 'GET runners', ...['GET runs', 'GET runner', 'POST restart', 'GET one']]);
});

describe('the runner after the restart', () => {
  test('is back under a new registration', async () => {
    const { outputs, log } = await play({ runners: { employment: { isEphemeral: true } } });
    expect(outputs['runner_status']).toBe('online');
    expect(log).toMatch(/^The runner is back, .* \(proof: it registered again\)$/m);
  });
});

test('hiccups and limits of GitHub heal', async () => {
  let reads = 0;
  const faults = [
    { kind: 'answer', status: 502, body: '<html>' },
    {
      kind: 'answer',
      status: 403,
      headers: { 'retry-after': '7' },
      body: '{"message":"secondary rate limit"}',
    },
    { kind: 'reset' },
  ] as const;
  const interventions = (): Interventions => ({
    before: (request) => (nameOf(request).startsWith('GET runner') ? faults[reads++] : undefined),
  });
  const { exitCode, outputs } = await play({ runners: {}, interventions, inputs: { when_busy: 'ignore' } });
  expect([exitCode, outputs['runner_status']]).toEqual([0, 'online']);
});

describe('cancelling', () => {
  async function cancelOnce(setting: Setting, line: string): Promise<Scenario> {
    const scenario = await begin(setting);
    await new Promise<void>((resolve) => {
      let log = '';
      scenario.step.process.stdout?.on('data', (text) => {
        log += text;
        if (log.includes(line)) resolve();
      });
    });
    scenario.step.process.kill('SIGINT');
    return scenario;
  }

  test('while a job is waited for', async () => {
    const { prepare } = working(86_400_000);
    const runners = { prepare, habits: { busyLagMs: 0 } };
    const { outputs, log, posts } = await end(await cancelOnce({ runners }, 'waiting for its job to end'));
    expect([outputs['restarted'], outputs['error_code'], posts]).toEqual(['false', 'cancelled', 0]);
    expect(log).toContain('The step was canceled (SIGINT). No restart had been sent.');
  });

  test('while the runner is waited for', async () => {
    const runners = { employment: { startsAfterBoot: false } };
    const inputs = { when_busy: 'ignore' };
    const { outputs, log, exitCode } = await end(
      await cancelOnce({ runners, inputs }, 'waiting for the runner'),
    );
    expect([exitCode, outputs['restarted'], outputs['error_code'], outputs['runner_status']]).toEqual([
      1,
      'true',
      'cancelled',
      '',
    ]);
    expect(log).toContain('The VM was restarted and verified; whether its runner is back is not known.');
  });
});

describe("the workflow's event does not matter", () => {
  const folder = mkdtempSync(join(tmpdir(), 'event-'));
  const damaged = join(folder, 'event.json');
  writeFileSync(damaged, '{"action":');
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    ['damaged', damaged],
    ['missing', join(folder, '\n::error::x')],
  ])('where its file is %s', async (_, path) => {
    const setting = { runners: {}, inputs: { dry_run: 'true' } };
    const { exitCode, log } = await play({ ...setting, way: { environment: { GITHUB_EVENT_PATH: path } } });
    expect([exitCode, log]).toEqual([0, expect.not.stringMatching(/GITHUB_EVENT_PATH|error/)]);
  });
});

test('nothing leaks, and what GitHub says is harmless', async () => {
  const evil = `\n::error::owned ##[error]owned <img src=x> \`owned\` ${TOKEN} ${Buffer.from(TOKEN).toString('base64')}`;
  const runner = { id: 1, name: evil, os: 'macos', status: 'online', busy: false, labels: [] };
  const interventions = (): Interventions => ({
    before: (request) =>
      nameOf(request) === 'GET runners'
        ? { kind: 'answer', body: JSON.stringify({ total_count: 1, runners: [runner] }) }
        : undefined,
  });
  const { log, summary, outputs, simulator } = await play({ runners: {}, interventions });
  const lines = log.split('\n').filter((line) => !line.startsWith('::add-mask::'));
  expect(outputs['error_code']).toBe('runner_not_found');
  expect(lines.join()).toContain('owned');
  expect(
    commandsIn(lines.join('\n')).filter((line) => !/^::(debug|error title=VM [\w ]+%3A \w+)::/.test(line)),
  ).toEqual([]);
  expect(summary).not.toMatch(/<img|`/);
  const written = [...lines, summary, ...Object.values(outputs)].join('\n');
  for (const secret of [TOKEN, Buffer.from(TOKEN).toString('base64')]) expect(written).not.toContain(secret);
  const asked = simulator.requests
    .filter(({ headers }) => JSON.stringify(headers).includes(TOKEN))
    .map(nameOf);
  expect(new Set(asked)).toEqual(new Set(['GET runners']));
});
