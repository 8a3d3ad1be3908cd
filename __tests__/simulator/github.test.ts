import { beforeEach, describe, expect, test } from '@jest/globals';
import { reactAsGitHub } from '../../simulator/github-api.ts';
import { DEFAULT_HABITS, GitHubWorld, type SimulatedRunner } from '../../simulator/github-world.ts';
import { DEFAULT_WORLD, World } from '../../simulator/world.ts';

const NOON = Date.parse('2026-07-01T12:00:00Z');
const SECOND = 1_000;
const PATH = '/api/v3/orgs/octo-org/actions/runners';

let world: World;
let github: GitHubWorld;
let runner: SimulatedRunner;

function create(
  options: Partial<ConstructorParameters<typeof GitHubWorld>[0]> = {},
  isEphemeral = false,
): void {
  // Only stopping and starting take time, so that the moments are known.
  const quick = { stopMs: 1_000, startMs: 1_000, pickUpMs: 0, vms: 1, nodes: 1 };
  world = new World({ ...DEFAULT_WORLD, ...quick, startsAt: NOON });
  github = new GitHubWorld({ world, ...options });
  const [record] = world.records;
  if (record === undefined) throw new Error('the world is empty');
  runner = github.employ({ record, name: 'mac-7', isEphemeral });
}

/** The VM is cut off a second after `at`, and has booted another second later. */
function restartAt(seconds: number): void {
  world.advanceTo(NOON + seconds * SECOND);
  world.restart(runner.instanceId);
}

/** The state after this many seconds: what GitHub shows, and what is true. */
function at(seconds: number): string {
  world.advanceTo(NOON + seconds * SECOND);
  const shown = [
    github.isShownOnline(runner) ? 'online' : 'offline',
    ...(github.isShownBusy(runner) ? ['busy'] : []),
  ];
  return `${shown.join(' ')}, ${runner.isListening ? 'listening' : 'dead'}`;
}

beforeEach(() => create());

describe('a runner whose VM is restarted', () => {
  test('stays online for a while though it is dead, meets its old session, and comes back', () => {
    restartAt(0);
    expect([0.5, 1.5, 27, 90, 92, 110, 118].map(at)).toEqual([
      'online, listening',
      'online, dead',
      'online, dead',
      'online, dead',
      'offline, dead',
      'offline, dead',
      'online, listening',
    ]);
  });

  test('gives up if the session lasts longer than its retries', () => {
    create({ habits: { sessionMs: 300_000, giveUpMs: 60_000 } });
    restartAt(0);
    expect(at(3_600)).toBe('offline, dead');
  });

  test('does not start if no user logs in', () => {
    runner.startsAfterBoot = false;
    restartAt(0);
    expect(at(3_600)).toBe('offline, dead');
  });

  test('that registers again at each boot meets no old session', () => {
    create({}, true);
    const { id } = runner;
    restartAt(0);
    expect(at(28)).toBe('online, listening');
    expect(runner.id).not.toBe(id);
  });

  test('a second restart counts, not what was planned after the first', () => {
    restartAt(0);
    restartAt(20);
    expect([at(28), at(48)]).toEqual(['online, dead', 'online, dead']);
    expect(at(3_600)).toBe('online, listening');
  });
});

describe('a new VM', () => {
  const begin = (names: { externalId?: string; name?: string }) =>
    world.start({ template: world.templates[0]?.id ?? '', count: 1, ...names });
  const names = () => github.runners.map(({ name }) => name);

  test('gets a runner once it is up, keeps it through a restart, and loses it when it is ended', () => {
    create({ staffsNewVms: true });
    const started = begin({ externalId: 'up-1', name: 'vm' });
    const id = started.ok ? (started.instanceIds[0] ?? '') : '';
    world.advanceTo(NOON + 20 * SECOND);
    expect(names()).toEqual(['mac-7']);
    world.advanceTo(NOON + 30 * SECOND);
    expect(names()).toEqual(['mac-7', 'up-1']);
    world.restart(id);
    world.advanceTo(NOON + 300 * SECOND);
    expect(github.runners.map((one) => github.isShownOnline(one))).toEqual([true, true]);
    expect(names()).toEqual(['mac-7', 'up-1']);
    world.terminate(id);
    world.advanceTo(NOON + 310 * SECOND);
    expect(names()).toEqual(['mac-7']);
  });

  test('gets none if it is gone by then, or without that option', () => {
    create({ staffsNewVms: true });
    const started = begin({ name: 'vm' });
    world.advanceTo(NOON + 5 * SECOND);
    world.terminate(started.ok ? (started.instanceIds[0] ?? '') : '');
    world.advanceTo(NOON + 60 * SECOND);
    expect(names()).toEqual(['mac-7']);
    create();
    begin({});
    world.advanceTo(NOON + 60 * SECOND);
    expect(names()).toEqual(['mac-7']);
  });
});

describe('a job', () => {
  test('shows late, at its beginning and at its end', () => {
    github.startJob(runner, 60 * SECOND);
    expect([29, 30, 61, 62].map(at)).toEqual([
      'online, listening',
      'online busy, listening',
      'online busy, listening',
      'online, listening',
    ]);
  });

  test('is killed with its VM, and shown for as long as its session is held', () => {
    const job = github.startJob(runner, 3_600 * SECOND);
    const done = github.startJob(runner, 1);
    restartAt(40);
    expect([42, 135, 142].map(at)).toEqual(['online busy, dead', 'offline busy, dead', 'offline, dead']);
    expect([job?.killedAt, done?.killedAt]).toEqual([NOON + 41 * SECOND, undefined]);
  });

  test('is not given to a dead runner', () => {
    runner.isListening = false;
    expect(github.startJob(runner, 1)).toBeUndefined();
  });
});

describe('the jobs source', () => {
  const RUNS = '/api/v3/repos/octo-org/app/actions/runs';

  function get(path: string, method = 'GET') {
    const request = { method, path, body: '', headers: { authorization: 'token t' } };
    const { status, body } = reactAsGitHub({ github, now: world.now }, request);
    return { status, json: JSON.parse(body) };
  }

  /** The runs in progress this many seconds after noon. */
  function runsAt(seconds: number): number[] {
    world.advanceTo(NOON + seconds * SECOND);
    return get(`${RUNS}?status=in_progress`).json.workflow_runs.map(({ id }: { id: number }) => id);
  }

  test('lists a job after a separate lag, and for as long after its end', () => {
    create({ habits: { jobsLagMs: 5_000 } });
    const job = github.startJob(runner, 60 * SECOND);
    expect([4, 5, 64, 65].map(runsAt)).toEqual([[], [job?.runId], [job?.runId], []]);
  });

  test('knows which runner each job is on, and the newest run first', () => {
    create({ otherRuns: 2 });
    const jobs = [github.startJob(runner, 60 * SECOND), github.startJob(runner, 60 * SECOND)];
    expect(runsAt(10)).toEqual([jobs[1]?.runId, jobs[0]?.runId, 1_002, 1_001]);
    const jobsOf = (run: number | undefined) => get(`${RUNS}/${run}/jobs?filter=latest`).json.jobs;
    expect(jobsOf(jobs[0]?.runId)).toMatchObject([
      { status: 'in_progress', runner_id: 23, runner_name: 'mac-7' },
    ]);
    expect(jobsOf(1_001)).toMatchObject([{ status: 'in_progress', runner_name: 'GitHub Actions 1' }]);
    expect(get(`${RUNS}/7/jobs`).status).toBe(404);
  });

  test('lists a job that was killed until its session is over', () => {
    github.startJob(runner, 3_600 * SECOND);
    restartAt(40);
    expect([42, 142, 144].map((seconds) => runsAt(seconds).length)).toEqual([1, 1, 0]);
  });

  test('is not for every token, and is read-only', () => {
    create({ showsJobs: false });
    expect([get(RUNS).status, get(`${RUNS}/7/jobs`).status]).toEqual([403, 403]);
    create();
    expect(get(RUNS, 'POST').status).toBe(404);
  });
});

describe('a runner that GitHub shows as idle in the middle of its job', () => {
  test('shows so for a while', () => {
    create({ habits: { busyLagMs: 10_000, lapseAfterMs: 20_000, lapseMs: 5_000 } });
    github.startJob(runner, 60 * SECOND);
    expect([29, 30, 34, 35].map((seconds) => at(seconds).includes('busy'))).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });

  test('shows no earlier job once it is back', () => {
    github.startJob(runner, 3_600 * SECOND);
    restartAt(40);
    expect(at(600)).toBe('online, listening');
  });
});

describe('the API', () => {
  function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
    const request = { method, path, body: '', headers: { authorization: 'token t', ...headers } };
    const reaction = reactAsGitHub({ github, now: world.now }, request);
    return { ...reaction, json: reaction.body === '' ? undefined : JSON.parse(reaction.body) };
  }

  test('links to the pages before and after', () => {
    const [record] = world.records;
    if (record === undefined) throw new Error('the world is empty');
    for (const name of ['mac-8', 'mac-9']) github.employ({ record, name });
    const path = '/api/v3/orgs/octo-org/actions/runners?per_page=2';
    const first = get(path, { host: 'github.example' });
    const next = 'http://github.example/api/v3/orgs/octo-org/actions/runners?per_page=2&page=2';
    expect([first.json.runners.length, first.headers['link']]).toEqual([2, `<${next}>; rel="next"`]);
    const second = get(next.replace('http://github.example', ''), { host: 'github.example' });
    const back = next.replace('&page=2', '&page=1');
    expect([second.json.runners.length, second.headers['link']]).toEqual([1, `<${back}>; rel="prev"`]);
    expect(get('/api/v3/orgs/octo-org/actions/runners').headers['link']).toBeUndefined();
  });

  test.each([
    [{}, 3, true],
    [{ totals: 'too small', hasLinks: false }, 1, false],
    [{ totals: 'too large' }, 6, true],
  ] as const)('with %j it says that there are %i of 3', (options, total, hasLink) => {
    const [record] = world.records;
    if (record === undefined) throw new Error('the world is empty');
    github = new GitHubWorld({ world, ...options });
    for (const name of ['mac-7', 'mac-8', 'mac-9']) github.employ({ record, name });
    const { json, headers } = get('/api/v3/orgs/octo-org/actions/runners?per_page=2');
    expect([json.total_count, json.runners.length, headers['link'] !== undefined]).toEqual([
      total,
      2,
      hasLink,
    ]);
  });

  test('can list the runs of others first', () => {
    github = new GitHubWorld({ world, otherRuns: 2, firstOtherRunId: 9_001 });
    github.runs.add({ jobs: [{ name: 'build', forMs: 1_000 }] });
    const { workflow_runs: runs } = get('/api/v3/repos/octo-org/app/actions/runs').json;
    expect(runs.map(({ id }: { id: number }) => id)).toEqual([9_002, 9_001, 7_001]);
  });

  test.each([
    ['/repos/octo-org/app', 'octo-org/app'],
    ['/orgs/octo-org', 'octo-org'],
    ['/enterprises/octo-corp', 'enterprises/octo-corp'],
  ])('serves the runners of %s, and no others', (path, scope) => {
    const [record] = world.records;
    if (record === undefined) throw new Error('the world is empty');
    github = new GitHubWorld({ world });
    github.employ({ record, name: 'mac-7', scope });
    github.employ({ record, name: 'elsewhere', scope: 'other-org' });
    const { status, json } = get(`/api/v3${path}/actions/runners`);
    expect([status, json]).toMatchObject([200, { total_count: 1, runners: [{ id: 23, name: 'mac-7' }] }]);
    expect(get('/api/v3/orgs/other-org/actions/runners').json).toMatchObject({
      runners: [{ id: 23, name: 'elsewhere' }],
    });
    expect(get(`/api/v3${path}/actions/runners/23`).json).toMatchObject({
      status: 'online',
      busy: false,
      os: 'macos',
    });
  });

  test('pages, thirty at a time or a hundred at most, and filters by name', () => {
    const [record] = world.records;
    if (record === undefined) throw new Error('the world is empty');
    for (let index = 0; index < 149; index++) github.employ({ record, name: `other-${index}` });
    const count = (query: string) => get(`${PATH}${query}`).json.runners.length;
    expect(
      ['', '?per_page=100', '?per_page=500&page=2', '?page=9', '?name=mac-7', '?name=mac'].map(count),
    ).toEqual([30, 100, 50, 0, 1, 0]);
    expect(get(PATH).json.total_count).toBe(150);
  });

  test('can shift its pages, and ignore the name filter', () => {
    create({ mostOnPage: 2, pagesShiftEveryMs: 1_000, filtersByName: false });
    const [record] = world.records;
    if (record === undefined) throw new Error('the world is empty');
    for (const name of ['b', 'c']) github.employ({ record, name });
    const names = (seconds: number, page: number) => {
      world.advanceTo(NOON + seconds * SECOND);
      const { runners } = get(`${PATH}?name=mac-7&per_page=100&page=${page}`, {
        host: 'github.example',
      }).json;
      return runners.map((one: { name: string }) => one.name);
    };
    const first = names(0, 1);
    expect(first).toHaveLength(2);
    expect([...first, ...names(0, 2)].sort()).toEqual(['b', 'c', 'mac-7']);
    expect(names(1, 1)).not.toEqual(first);
  });

  test('answers 304 free of charge to a client that has the answer already', () => {
    const { etag = '' } = get(`${PATH}/23`).headers;
    const again = get(`${PATH}/23`, { 'if-none-match': etag });
    expect([again.status, again.body, again.headers['x-ratelimit-used']]).toEqual([304, '', '1']);
    world.advanceTo(NOON + SECOND);
    github.startJob(runner, 60 * SECOND);
    world.advanceTo(NOON + 40 * SECOND);
    expect(get(`${PATH}/23`, { 'if-none-match': etag }).json).toMatchObject({ busy: true });
  });

  test('ends with its quota, until the hour is over', () => {
    create({ quota: 1 });
    expect([get(PATH).status, get(PATH).status]).toEqual([200, 403]);
    expect(get(PATH).headers).toMatchObject({
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(NOON / SECOND + 3_600),
      date: 'Wed, 01 Jul 2026 12:00:00 GMT',
    });
    world.advanceTo(NOON + 3_600 * SECOND);
    expect(get(PATH).status).toBe(200);
  });

  test('gives out tokens to register with, and takes runners away, unless they have a job', () => {
    expect(get(`${PATH}/registration-token`, {}, 'POST')).toMatchObject({
      status: 201,
      json: { token: expect.any(String), expires_at: '2026-07-01T13:00:00.000Z' },
    });
    github.startJob(runner, 60 * SECOND);
    world.advanceTo(NOON + 40 * SECOND);
    expect(get(`${PATH}/23`, {}, 'DELETE').status).toBe(422);
    world.advanceTo(NOON + 90 * SECOND);
    expect(get(`${PATH}/23`, {}, 'DELETE')).toMatchObject({ status: 204, body: '' });
    expect(get(PATH).json).toMatchObject({ total_count: 0 });
    create({ quota: 0 });
    expect(get(`${PATH}/23`, {}, 'DELETE').status).toBe(403);
    expect(get(`${PATH}/registration-token`, {}, 'POST').status).toBe(403);
  });

  test.each<[string, string, Record<string, string>, string, number]>([
    ['another runner', `${PATH}/7`, {}, 'GET', 404],
    ['another place', '/api/v3/user', {}, 'GET', 404],
    ['another method', `${PATH}/23`, {}, 'PUT', 404],
    ['to take away a runner that is not there', `${PATH}/7`, {}, 'DELETE', 404],
    ['no token', PATH, { authorization: '' }, 'GET', 401],
    ['a wrong token', PATH, { authorization: 'Bearer x' }, 'GET', 401],
    ['a token without the permission', PATH, { authorization: 'token poor' }, 'GET', 403],
  ])('refuses %s', (_, path, headers, method, status) => {
    create({ token: 't', deniedToken: 'poor' });
    expect(get(path, headers, method).status).toBe(status);
  });
});

test('habits have defaults', () => {
  expect(github.habits).toEqual(DEFAULT_HABITS);
});
