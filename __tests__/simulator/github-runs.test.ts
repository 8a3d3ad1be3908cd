import { beforeEach, describe, expect, test } from '@jest/globals';
import { reactAsGitHub } from '../../simulator/github-api.ts';
import { hostedMachine, type JobPlan, type Run } from '../../simulator/github-runs.ts';
import { type Employment, GitHubWorld, type SimulatedRunner } from '../../simulator/github-world.ts';
import { DEFAULT_WORLD, World } from '../../simulator/world.ts';

const NOON = Date.parse('2026-07-01T12:00:00Z');
const SECOND = 1_000;
const MATRIX = 'test ($' + '{{ matrix.os }})';
const RUNS = '/api/v3/repos/octo-org/app/actions/runs';
const RUNNERS = '/api/v3/orgs/octo-org/actions/runners';

let world: World;
let github: GitHubWorld;
/** One runner in each of two VMs. */
let runners: SimulatedRunner[];

function create(
  employment: Partial<Employment> = {},
  options: Partial<ConstructorParameters<typeof GitHubWorld>[0]> = {},
): void {
  const quick = { stopMs: 1_000, startMs: 1_000, pickUpMs: 0, vms: 2, nodes: 1 };
  world = new World({ ...DEFAULT_WORLD, ...quick, startsAt: NOON });
  github = new GitHubWorld({ world, ...options });
  runners = world.records.map((record, index) =>
    github.employ({ record, name: `mac-${index + 1}`, labels: ['pool'], ...employment }),
  );
}

beforeEach(() => create());

function send(path: string, method = 'GET', body: object = {}) {
  const request = { method, path, body: JSON.stringify(body), headers: { authorization: 'token t' } };
  const reaction = reactAsGitHub({ github, now: world.now }, request);
  return { status: reaction.status, json: reaction.body === '' ? undefined : JSON.parse(reaction.body) };
}

const to = (seconds: number) => world.advanceTo(NOON + seconds * SECOND);
const job = (name: string, plan: Partial<JobPlan> = {}): JobPlan => ({ name, forMs: 60 * SECOND, ...plan });
const begin = (...jobs: JobPlan[]): Run => github.runs.add({ jobs });
const runStatus = (run: Run) => send(`${RUNS}/${run.id}`).json.status;

/** The jobs of a run as GitHub shows them: name, status, and where it ran. */
function jobsOf(run: Run, query = 'filter=latest'): string[] {
  const { jobs } = send(`${RUNS}/${run.id}/jobs?${query}`).json;
  return jobs.map((one: Record<string, string>) =>
    [one['name'], one['conclusion'] ?? one['status'], one['runner_name']].filter(Boolean).join(' '),
  );
}

function names(): string[] {
  return send(RUNNERS).json.runners.map(({ name }: { name: string }) => name);
}

function restart(runner: SimulatedRunner | undefined): void {
  world.restart(runner?.instanceId ?? '');
}

describe('a run', () => {
  test('has the status of its least advanced job', () => {
    const labels = ['pool'];
    const run = begin(job('a', { labels }), job('b', { labels }), job('c', { labels }));
    to(5);
    expect([runStatus(run), jobsOf(run)]).toEqual([
      'queued',
      ['a in_progress mac-1', 'b in_progress mac-2', 'c queued'].map((line) =>
        expect.stringMatching(line.slice(0, 8)),
      ),
    ]);
    expect(jobsOf(run).filter((line) => line.includes('in_progress mac-'))).toHaveLength(2);
    expect(send(`${RUNS}?status=in_progress`).json.total_count).toBe(0);
    expect(send(`${RUNS}?status=queued`).json.total_count).toBe(1);
    to(70);
    expect(runStatus(run)).toBe('in_progress');
    to(130);
    expect([runStatus(run), send(`${RUNS}?status=success`).json.total_count]).toEqual(['completed', 1]);
  });

  test.each(['pending', 'waiting', 'requested'] as const)('can be %s while a job runs', (waitsAs) => {
    const run = begin(job('a'), job('b', { waitsAs }));
    to(5);
    expect([runStatus(run), jobsOf(run)[1]]).toEqual([waitsAs, `b ${waitsAs}`]);
    const [, second] = run.jobs;
    if (second !== undefined) github.runs.release(second);
    to(10);
    expect(jobsOf(run)[1]).toMatch(/^b in_progress mac-/);
  });

  test('lists a job once those that it needs have ended, and skips it if one failed', () => {
    const needs = ['test'];
    const run = begin(
      job('test', { conclusion: 'failure' }),
      job('report', { needs, on: hostedMachine(4) }),
      job('reset', { needs, on: hostedMachine(5), runsAlways: true }),
    );
    to(5);
    expect([runStatus(run), jobsOf(run)]).toEqual([
      'in_progress',
      [expect.stringMatching(/^test in_progress mac-/)],
    ]);
    to(65);
    expect(jobsOf(run)).toEqual([
      expect.stringMatching(/^test failure mac-/),
      'report skipped',
      'reset in_progress GitHub Actions 5',
    ]);
    const [, , reset] = send(`${RUNS}/${run.id}/jobs`).json.jobs;
    expect(reset).toMatchObject({ runner_group_name: 'GitHub Actions', run_attempt: 1, completed_at: null });
    expect(send(`/api/v3/repos/octo-org/app/actions/jobs/${reset.id}`).json).toEqual(reset);
  });

  test('keeps the unexpanded name of a matrix that is skipped', () => {
    const run = begin(job(MATRIX, { conclusion: 'skipped' }));
    expect([runStatus(run), jobsOf(run)]).toEqual(['completed', [`${MATRIX} skipped`]]);
    expect(send(`${RUNS}/${run.id}`).json.conclusion).toBe('skipped');
  });

  test('has attempts: another one runs what failed, and what needs it', () => {
    const run = begin(
      job('lint', { on: hostedMachine(1) }),
      job('test', { conclusion: 'failure' }),
      job('reset', { needs: ['test'], on: hostedMachine(2), runsAlways: true }),
    );
    to(200);
    send(`${RUNS}/${run.id}/rerun-failed-jobs`, 'POST');
    to(210);
    expect(jobsOf(run)).toEqual([expect.stringMatching(/^test in_progress mac-/)]);
    to(280);
    expect(jobsOf(run, 'filter=all').map((line) => line.split(' ')[0])).toEqual([
      'lint',
      'test',
      'reset',
      'test',
      'reset',
    ]);
    expect(send(`${RUNS}/${run.id}/attempts/1/jobs`).json.total_count).toBe(3);
    expect(send(`${RUNS}/${run.id}/attempts/3/jobs`).status).toBe(404);
    create({}, { latestListsEveryName: true });
    const other = begin(job('lint', { on: hostedMachine(1) }), job('test', { conclusion: 'failure' }));
    to(100);
    github.runs.rerunFailed(other);
    expect(jobsOf(other)).toEqual(['lint success GitHub Actions 1', 'test queued']);
  });

  test('that is cancelled leaves jobs without a runner', () => {
    const run = begin(job('a', { labels: ['pool'] }), job('b', { labels: ['other'] }));
    to(5);
    expect(send(`${RUNS}/${run.id}/cancel`, 'POST').status).toBe(202);
    to(10);
    expect(jobsOf(run)).toEqual([expect.stringMatching(/^a cancelled mac-/), 'b cancelled']);
    expect(send(`${RUNS}/${run.id}`).json).toMatchObject({ status: 'completed', conclusion: 'cancelled' });
    begin(job('c', { labels: ['pool'] }), job('d', { labels: ['pool'] }));
    to(12);
    expect(runners.map(({ jobs }) => jobs.length).sort()).toEqual([1, 2]);
  });

  test('is of one repository', () => {
    github.runs.add({ repository: 'octo-org/other', jobs: [job('a')] });
    expect(send(RUNS).json.total_count).toBe(0);
    expect(send('/api/v3/repos/octo-org/other/actions/runs').json.total_count).toBe(1);
  });

  test('is started by hand', () => {
    const dispatches = '/api/v3/repos/octo-org/app/actions/workflows/ci.yml/dispatches';
    const inputs = { jobs: '3', seconds: '30', labels: 'Pool, macos' };
    expect(send(dispatches, 'POST', { ref: 'main', inputs }).status).toBe(204);
    to(5);
    const [run] = github.runs.all;
    expect(run && jobsOf(run)).toEqual(
      ['test (1)', 'test (2)', 'test (3)'].map((name) => expect.stringContaining(name)),
    );
    expect(runners.map(({ jobs }) => jobs.length)).toEqual([1, 1]);
    expect(send(dispatches, 'POST', { inputs: { jobs: 'many' } }).status).toBe(422);
    expect(send(dispatches, 'POST', { inputs: { jobs: '0' } }).status).toBe(422);
  });
});

describe('a job that runs', () => {
  test('does not say where, for a while or ever', () => {
    const run = begin(job('a', { labels: ['pool'], hidesRunnerMs: 20 * SECOND }));
    to(10);
    expect(send(`${RUNS}/${run.id}/jobs`).json.jobs).toMatchObject([
      {
        status: 'in_progress',
        labels: ['pool'],
        runner_id: null,
        runner_name: null,
        runner_group_name: null,
      },
    ]);
    to(25);
    expect(send(`${RUNS}/${run.id}/jobs`).json.jobs).toMatchObject([
      { status: 'in_progress', runner_id: expect.any(Number), runner_group_name: 'Default' },
    ]);
  });

  test('can spell the name of its runner otherwise, and name the number of another', () => {
    const run = begin(
      job('a', { labels: ['pool'], spelledRunner: 'MAC-1' }),
      job('b', { on: { id: 23, name: 'linux-3', groupName: 'Default' } }),
    );
    to(5);
    expect(jobsOf(run)).toEqual(['a in_progress MAC-1', 'b in_progress linux-3']);
    expect(send(`${RUNNERS}/23`).json.name).toBe('mac-1');
  });

  test('that is killed with its VM ends as failed once its session is over', () => {
    const run = begin(job('a', { forMs: 3_600 * SECOND }), job('b', { needs: ['a'] }));
    to(5);
    restart(runners.find(({ jobs }) => jobs.length > 0));
    to(100);
    expect(jobsOf(run)).toEqual([expect.stringMatching(/^a in_progress mac-/)]);
    to(110);
    expect(jobsOf(run)).toEqual([expect.stringMatching(/^a failure mac-/), 'b skipped']);
  });
});

describe('the queue', () => {
  test('gives jobs to idle runners with all their labels', () => {
    const [first] = runners;
    if (first === undefined) throw new Error('there is no runner');
    github.setLabels(first, ['Pool', 'xcode']);
    const run = begin(
      ...['a', 'b'].map((name) => job(name, { labels: ['self-hosted', 'XCODE'] })),
      job('c', { labels: ['gpu'] }),
    );
    to(5);
    expect(jobsOf(run)).toEqual(['a in_progress mac-1', 'b queued', 'c queued']);
    to(65);
    expect(jobsOf(run)).toEqual(['a success mac-1', 'b in_progress mac-1', 'c queued']);
    github.setLabels(first, ['gpu']);
    to(130);
    expect(jobsOf(run)[2]).toBe('c in_progress mac-1');
  });

  test('uses outdated labels if configured so', () => {
    create({}, { habits: { labelsLagMs: 10 * SECOND } });
    to(20);
    for (const runner of runners) github.setLabels(runner, []);
    const run = begin(job('a', { labels: ['pool'] }));
    to(25);
    expect(jobsOf(run)).toEqual([expect.stringMatching(/^a in_progress mac-/)]);
  });

  test('does not reach runners of another owner', () => {
    create({ scope: 'other-org' });
    const run = begin(job('a', { labels: ['pool'] }));
    to(60);
    expect(jobsOf(run)).toEqual(['a queued']);
    create({ scope: 'enterprises/octo-corp' });
    const other = begin(job('a', { labels: ['pool'] }));
    to(60);
    expect(jobsOf(other)).toEqual([expect.stringMatching(/^a in_progress mac-/)]);
  });

  test('takes a job back that a dead runner does not pick up', () => {
    const [first, second] = runners;
    if (second !== undefined) github.setLabels(second, []);
    restart(first);
    to(3);
    const run = begin(job('a', { labels: ['pool'] }));
    to(62);
    expect(jobsOf(run)).toEqual(['a queued']);
    to(127);
    expect(jobsOf(run)).toEqual(['a in_progress mac-1']);
  });
});

describe('a runner that takes one job', () => {
  beforeEach(() => create({ takesOneJob: true }));

  test('leaves after it, and registers when its VM boots again', () => {
    const run = begin(job('a'), job('b'), job('c'));
    to(5);
    expect(send(RUNNERS).json.runners).toMatchObject([{ ephemeral: true }, { ephemeral: true }]);
    to(64);
    expect([names(), jobsOf(run)[2], runStatus(run)]).toEqual([[], 'c queued', 'queued']);
    expect(send(`${RUNNERS}/23`).status).toBe(404);
    restart(runners[0]);
    to(100);
    expect([names(), jobsOf(run)[2], runners[0]?.id]).toEqual([['mac-1'], 'c in_progress mac-1', 25]);
    expect(github.startJob(runners[0] as SimulatedRunner, 1)).toBeUndefined();
  });

  test('has a stale registration if it was cut off, until it replaces that', () => {
    restart(runners[0]);
    to(20);
    expect([names(), runners[0]?.id]).toEqual([['mac-1', 'mac-2'], 23]);
    to(40);
    expect([names(), runners[0]?.id]).toEqual([['mac-1', 'mac-2'], 25]);
  });

  test('may keep its number with --replace', () => {
    create({ takesOneJob: true }, { replaceKeepsId: true });
    restart(runners[0]);
    to(40);
    expect([runners[0]?.id, runners[0]?.begins.length]).toEqual([23, 1]);
  });

  test('does not register under a name that is taken, unless it replaces that', () => {
    create({ takesOneJob: true, atBoot: 'register' });
    restart(runners[0]);
    to(3_600);
    expect([names(), runners[0]?.isListening]).toEqual([['mac-1', 'mac-2'], false]);
    begin(job('a', { labels: ['pool'] }));
    to(3_700);
    expect(names()).toEqual(['mac-1']);
    restart(runners[1]);
    to(3_760);
    expect(names()).toEqual(['mac-1', 'mac-2']);
  });

  test('can have another name after each boot; what it leaves behind is removed after a day', () => {
    create({ takesOneJob: true, atBoot: 'random name' });
    const [first = ''] = names();
    expect(first).toMatch(/^mac-1-[0-9a-f]{8}$/);
    restart(runners[0]);
    to(200);
    expect(names()).toEqual([expect.stringMatching(/^mac-1-/), expect.stringMatching(/^mac-2-/), first]);
    expect(names()[0]).not.toBe(first);
    expect(send(RUNNERS).json.runners[2].status).toBe('offline');
    to(90_000);
    expect(names()).toHaveLength(2);
  });

  test('can lose its new registration to the late end of the former one, if the name is the same', () => {
    for (const [atBoot, expected] of [
      ['replace', false],
      ['random name', true],
    ] as const) {
      const habits = { deregisterMs: 60 * SECOND };
      create({ takesOneJob: true, atBoot }, { deregistersByName: true, habits });
      begin(job('a', { forMs: 10 * SECOND }));
      to(15);
      const used = runners.find(({ jobs }) => jobs.length > 0);
      restart(used);
      to(60);
      expect([used?.isRegistered, used?.isListening]).toEqual([true, true]);
      to(90);
      expect([used?.isRegistered, used?.isListening]).toEqual([expected, expected]);
    }
  });

  test('can be gone from the start', () => {
    create({ takesOneJob: true, isRegistered: false });
    expect(names()).toEqual([]);
    restart(runners[0]);
    to(40);
    expect(names()).toEqual(['mac-1']);
  });

  test('without anything that registers it does not come back', () => {
    create({ takesOneJob: true, atBoot: 'keep' });
    begin(job('a'));
    to(70);
    restart(runners.find(({ isRegistered }) => !isRegistered));
    to(3_600);
    expect(names()).toHaveLength(1);
  });
});

test('a runner whose version is too old is online for a moment', () => {
  create({ version: '2.328.9' }, { minimumRunnerVersion: '2.329.0', habits: { sessionMs: 0, staleMs: 0 } });
  const shown = () => send(RUNNERS).json.runners[0];
  restart(runners[0]);
  to(20);
  expect(shown()).toMatchObject({ status: 'offline', version: '2.328.9' });
  to(28);
  expect(shown().status).toBe('online');
  to(31);
  expect([shown().status, runners[0]?.isListening]).toEqual(['offline', false]);
});

test('what GitHub shows of a runner can be wrong for a while', () => {
  const [runner] = runners;
  if (runner === undefined) throw new Error('there is no runner');
  const shown = () => send(RUNNERS).json.runners[0];
  github.misreport(runner, { online: false, busy: true, forMs: 300 * SECOND });
  expect(shown()).toMatchObject({ status: 'offline', busy: true });
  to(300);
  expect(shown()).toMatchObject({ status: 'online', busy: false });
});
