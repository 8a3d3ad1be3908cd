import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, test } from '@jest/globals';
import nock from 'nock';
import { createAuthority, privatePem } from '../../simulator/certificates.ts';
import { ActionError } from '../../src/errors.ts';
import type { Log } from '../../src/log.ts';
import { NOTHING_DONE, type Outcome } from '../../src/restart/outcome.ts';
import {
  createGuards,
  type Guard,
  type GuardedVm,
  type Guards,
  type GuardsOptions,
} from '../../src/runner/guard.ts';
import type { RunnerOptions } from '../../src/runner/runner-options.ts';
import { GITHUB_ORIGIN, GITHUB_TOKEN, playOnStage } from '../simulation/stage.ts';
import { closeNetwork } from '../support/closed-network.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { instance } from '../support/instances.ts';
import { wireRunner } from '../support/runners.ts';

// The gate and the wait for the runner: octokit sends their requests to the GitHub that nock simulates.

const ORIGIN = 'https://api.github.example';
const LIST = '/orgs/octo-org/actions/runners';
const ONE = `${LIST}/23`;
const RUNNER: RunnerOptions = {
  nameTemplate: 'mac-{external_id}',
  scope: { kind: 'organization', org: 'octo-org' },
  token: 'hunter2',
  ...{ isEphemeral: false, isSweep: false, whenBusy: 'ignore' },
  idleForMs: 60_000,
  busyTimeoutMs: 60_000,
  waitsForRunner: true,
  runnerTimeoutMs: 30_000,
  apiUrl: new URL(`${ORIGIN}/`),
  proxy: undefined,
};

let clock: FakeClock;
let cancellation: AbortController;
let said: string[];
let log: Log;
let guards: Guards;
let guard: Guard;

function guardsFor(runner: Partial<RunnerOptions> = {}, changes: Partial<GuardsOptions> = {}): Guards {
  return createGuards({
    runner: { ...RUNNER, ...runner },
    ownRunner: { runnerName: 'mac-me', repository: 'octo-org/app' },
    clock,
    random: () => 0,
    log,
    signal: cancellation.signal,
    requestTimeoutMs: 10_000,
    patienceMs: 60_000,
    addresses: ['192.0.2.1'],
    dispatchers: undefined,
    ...changes,
  });
}

function guardedVm(own = log): GuardedVm {
  return { log: own, signal: cancellation.signal };
}

function guardFor(...given: Parameters<typeof guardsFor>): Guard {
  return guardsFor(...given).guardFor(guardedVm());
}

function listed(...runners: unknown[]): void {
  nock(ORIGIN).get(LIST).query(true).reply(200, { total_count: runners.length, runners });
}

const mine = (changes: Readonly<Record<string, unknown>> = {}) =>
  wireRunner({ name: 'mac-runner-1', ...changes });
const verified = (): Outcome => ({ ...NOTHING_DONE, restarted: 'true', moments: { verified: clock.now() } });

beforeEach(() => {
  said = [];
  cancellation = new AbortController();
  // Pauses end at once. Limits, which have their own signals, are never reached.
  clock = createFakeClock((_, signal) => signal !== cancellation.signal);
  const write = (line: string) => {
    said.push(line);
  };
  log = { info: write, debug: write, warning: (line) => write(`warning: ${line}`) };
  guards = guardsFor();
  guard = guards.guardFor(guardedVm());
});

closeNetwork(() => guards.close());

describe('before the restart', () => {
  test('the runner is looked up by the name that the instance gives it', async () => {
    listed(mine());
    expect(await guard.gate.passOrWait(instance())).toBe(true);
    expect(said).toEqual(['Looking for the self-hosted runner "mac-runner-1" of organization octo-org']);
  });

  test.each([
    ['lacks the name at a later read, the first one counts', {}, true],
    ['has another name at a later read, there is no restart', { externalId: 'runner-2' }, undefined],
  ])('if the VM %s', async (_, names, passes) => {
    listed(mine());
    listed(mine());
    const later = { ...instance(), externalId: undefined, ...names };
    expect(await guard.gate.passOrWait(instance())).toBe(true);
    const answer = await guard.gate.passOrWait(later).catch(({ code }: ActionError) => code);
    expect(answer).toBe(passes ?? 'runner_not_found');
  });

  test.each([
    ['', {}, 1],
    [', which is a detail if the log must be brief', { isBrief: true }, 0],
  ])('the lookup is logged%s', async (_, brevity, count) => {
    listed(mine());
    const lines: string[] = [];
    const own = { info: (line: string) => lines.push(line), debug() {}, warning() {} };
    await guards.guardFor({ ...guardedVm(own), ...brevity }).gate.passOrWait(instance());
    expect(lines).toHaveLength(count);
  });

  test("the step's own runner is refused before any request", () => {
    expect(() => guardFor({ nameTemplate: 'mac-me' })).toThrow(
      expect.objectContaining({ code: 'self_restart' }),
    );
  });

  test('a VM that had another name in an earlier answer is refused: its runner may still have that name', async () => {
    const renamed = { ...instance(), name: 'new' };
    const old = { externalId: 'runner-1', name: 'old', uuid: undefined };
    const one = guardFor(
      { nameTemplate: '{name}-{uuid}' },
      { namesOf: () => [{ ...old, uuid: renamed.uuid }, old, renamed] },
    );
    await expect(one.gate.passOrWait(renamed)).rejects.toMatchObject({
      code: 'runner_not_found',
      message: expect.stringContaining(`meant "old-${renamed.uuid}" and now means "new-${renamed.uuid}".`),
    });
  });

  test("the runner's name has the instance's values", () => {
    expect(guards.runnerNameOf(instance())).toBe('mac-runner-1');
  });

  test('a pattern that fits the runner that the step runs on is refused', () => {
    expect(() => guardFor({ nameTemplate: 'mac-*' })).toThrow(
      expect.objectContaining({ code: 'self_restart' }),
    );
  });

  test.each<[string, boolean, Record<string, unknown>, string[]]>([
    ['a version that GitHub accepts', false, { version: '2.329.0' }, []],
    ['a newer version', false, { version: '3.0.0' }, []],
    ['a version that is not a number', false, { version: '2.x.1' }, []],
    ['no version', false, { version: undefined }, []],
    [
      'a version that is too old',
      false,
      { version: '2.328.9' },
      [
        'warning: Runner "mac-runner-1" (ID 23) has version 2.328.9, but GitHub requires 2.329.0: it may connect, then exit without taking a job. Update it.',
      ],
    ],
    [
      'a short version that is too old',
      false,
      { version: '2' },
      [
        'warning: Runner "mac-runner-1" (ID 23) has version 2, but GitHub requires 2.329.0: it may connect, then exit without taking a job. Update it.',
      ],
    ],
    ['one job as expected', true, { ephemeral: true }, []],
    ['a kind that GitHub does not report', true, { ephemeral: undefined }, []],
    [
      'one job, which was not expected',
      false,
      { ephemeral: true },
      [
        'warning: runner_ephemeral is false, but GitHub says that runner "mac-runner-1" (ID 23) takes one job per registration. The step believes GitHub.',
      ],
    ],
    [
      'more than one job, which was not expected',
      true,
      { ephemeral: false },
      [
        'warning: runner_ephemeral is true, but GitHub says that runner "mac-runner-1" (ID 23) takes one job after another. The step believes GitHub.',
      ],
    ],
  ])('a runner with %s', async (_, isEphemeral, changes, warnings) => {
    const own = guardsFor({ isEphemeral });
    for (let vm = 1; vm <= 2; vm++) {
      listed(mine(changes));
      await own.guardFor(guardedVm()).gate.passOrWait(instance());
      // One warning about the kind of runner is enough for all of them; a warning about a version is about one runner.
      if (vm === 1 || changes['version'] === undefined)
        expect(said.filter((line) => line.startsWith('warning'))).toEqual(warnings);
    }
    await own.close();
  });

  test('the name of an absent runner is confirmed by the runner of another live VM', async () => {
    const other = instance({ externalId: 'runner-2' });
    const options = { isEphemeral: true, scope: { kind: 'organization', org: 'octo-org' } } as const;
    const own = guardsFor(options, { liveInstances: async () => [instance(), other] });
    nock(ORIGIN)
      .get(LIST)
      .query(true)
      .times(2)
      .reply(200, { total_count: 1, runners: [wireRunner({ name: 'mac-runner-2' })] });
    expect(await own.guardFor(guardedVm()).gate.passOrWait(instance())).toBe(true);
    await own.close();
    const alone = guardsFor(options);
    nock(ORIGIN)
      .get(LIST)
      .query(true)
      .times(9)
      .reply(200, { total_count: 1, runners: [wireRunner({ name: 'mac-runner-2' })] });
    await expect(alone.guardFor(guardedVm()).gate.passOrWait(instance())).rejects.toMatchObject({
      code: 'runner_not_found',
    });
    await alone.close();
  });

  test('a shared address causes a warning', async () => {
    listed(mine());
    await guardFor({}, { addresses: ['192.168.64.25'] }).gate.passOrWait(instance());
    expect(said).toContain(
      'warning: The VM to restart and the machine that runs this step have the same address, 192.168.64.25. If they are the same machine, the restart kills this step.',
    );
  });
});

describe('after the restart', () => {
  beforeEach(async () => {
    listed(mine());
    await guard.gate.passOrWait(instance());
  });

  test('the runner is waited for', async () => {
    nock(ORIGIN)
      .get(ONE)
      .reply(200, mine({ status: 'offline' }));
    nock(ORIGIN).get(ONE).times(2).reply(200, mine());
    const outcome = verified();
    expect(await guard.afterRestart(outcome)).toEqual({
      ...outcome,
      runner: { status: 'online', backAt: clock.now() },
    });
    await guards.close();
    expect(said.at(-1)).toBe(
      'GitHub answered 4 requests, 0 of them free of charge (not modified); quota left: unknown',
    );
  });

  test('a runner that does not come back fails the step, although the VM was restarted', async () => {
    nock(ORIGIN)
      .get(ONE)
      .times(9)
      .reply(200, mine({ status: 'offline' }));
    expect(await guard.afterRestart(verified())).toMatchObject({
      restarted: 'true',
      runner: { status: 'not_back', backAt: undefined },
      error: { code: 'runner_not_back' },
    });
  });

  test('nothing is known about the runner if GitHub refuses', async () => {
    nock(ORIGIN).get(ONE).reply(401);
    expect(await guard.afterRestart(verified())).toMatchObject({
      restarted: 'true',
      runner: { status: undefined },
      error: { code: 'github_api_failed' },
    });
  });

  test('a step that is cancelled says what it leaves behind', async () => {
    nock(ORIGIN).get(ONE).delay(3_600_000).reply(200, mine());
    const cause = new ActionError('cancelled', 'The step was canceled (SIGINT).');
    setImmediate(() => cancellation.abort(cause));
    expect(await guard.afterRestart(verified())).toMatchObject({
      restarted: 'true',
      error: {
        code: 'cancelled',
        cause,
        message:
          'The step was canceled (SIGINT). The VM was restarted and verified; whether its runner is back is not known.',
      },
    });
  });
});

test('a GitHub that cannot prove its identity gets no token', async () => {
  const authority = await createAuthority('An unknown CA');
  const { certificate, key } = await authority.issue({ name: 'github', hosts: ['127.0.0.1'] });
  let asked = 0;
  const impostor = createServer({ cert: certificate, key: privatePem(key) }, (_, response) => {
    asked++;
    response.end('{"total_count":0,"runners":[]}');
  });
  await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve));
  nock.enableNetConnect('127.0.0.1');
  const deceived = guardsFor({
    apiUrl: new URL(`https://127.0.0.1:${(impostor.address() as AddressInfo).port}`),
  });
  const refused = await deceived
    .guardFor(guardedVm())
    .gate.passOrWait(instance())
    .catch((error: unknown) => error);
  await deceived.close();
  impostor.close();
  expect([refused, asked]).toEqual([expect.objectContaining({ code: 'github_api_failed' }), 0]);
});

test("GitHub's API may have a prefix, with any number of trailing slashes", async () => {
  nock(ORIGIN)
    .get(`/api/v3${LIST}`)
    .query(true)
    .reply(200, { total_count: 1, runners: [mine()] });
  const enterprise = guardsFor({ apiUrl: new URL(`${ORIGIN}/api/v3//`) });
  expect(await enterprise.guardFor(guardedVm()).gate.passOrWait(instance())).toBe(true);
  await enterprise.close();
});

test('no wait for a runner that was never searched for, or after a restart at an unknown time', async () => {
  const nothing = { status: undefined, backAt: undefined };
  expect((await guard.afterRestart(verified())).runner).toEqual(nothing);
  listed(mine());
  await guard.gate.passOrWait(instance());
  expect((await guard.afterRestart({ ...verified(), moments: {} })).runner).toEqual(nothing);
  const unknown: Outcome = { ...verified(), restarted: 'unknown' };
  expect(await guard.afterRestart(unknown)).toEqual({ ...unknown, runner: nothing });
});

test('no wait for the runner of a VM that is not restarted', async () => {
  listed(mine());
  await guard.gate.passOrWait(instance());
  const outcome: Outcome = { ...NOTHING_DONE, restarted: 'unknown' };
  expect(await guard.afterRestart(outcome)).toEqual({
    ...outcome,
    runner: { status: undefined, backAt: undefined },
  });
});

test('no wait for the runner if the inputs turn it off', async () => {
  const impatient = guardFor({ waitsForRunner: false });
  listed(mine());
  await impatient.gate.passOrWait(instance());
  expect(await impatient.afterRestart(verified())).toEqual({
    ...verified(),
    runner: { status: undefined, backAt: undefined },
  });
  expect(said.at(-1)).toBe('The step does not wait for the runner, because wait_for_runner is false');
});

describe('the jobs source', () => {
  const RUNS = '/repos/octo-org/app/actions/runs';
  const inProgress = (...ids: number[]) => ({
    total_count: ids.length,
    workflow_runs: ids.map((id) => ({ id })),
  });
  const jobs = (...items: unknown[]) => ({ total_count: items.length, jobs: items });

  test("is the jobs of the workflow's repository", async () => {
    listed(mine());
    nock(ORIGIN).get(RUNS).query(true).times(6).reply(200, inProgress(17));
    const job = { status: 'in_progress', name: 'build', runner_id: 23, runner_name: 'mac-runner-1' };
    nock(ORIGIN).get(`${RUNS}/17/jobs`).query(true).reply(200, jobs(job));
    await expect(guardFor({ whenBusy: 'fail' }).gate.passOrWait(instance())).rejects.toMatchObject({
      code: 'runner_busy',
      message: expect.stringContaining('job "build" of run 17'),
    });
  });

  test('is absent if the step runs for no repository, which is logged once', async () => {
    const ownRunner = { runnerName: undefined, repository: '' };
    const several = guardsFor({ whenBusy: 'wait', idleForMs: 0 }, { ownRunner });
    for (let vm = 1; vm <= 3; vm++) {
      listed(mine());
      nock(ORIGIN).get(ONE).reply(200, mine());
      expect(await several.guardFor(guardedVm()).gate.passOrWait(instance())).toBe(true);
    }
    expect(said.filter((line) => line.startsWith('GITHUB_REPOSITORY is not set'))).toHaveLength(1);
  });
});

test('VMs side by side have their own logs, and share one connection', async () => {
  const lines: string[][] = [[], []];
  const gates = lines.map((own) => {
    const write = (line: string) => void own.push(line);
    return guards.guardFor(guardedVm({ info: write, debug: write, warning: write })).gate;
  });
  listed(mine());
  nock(ORIGIN)
    .get(LIST)
    .query(true)
    .reply(200, { total_count: 1, runners: [wireRunner({ id: 24, name: 'mac-runner-2' })] });
  const instances = [instance(), instance({ externalId: 'runner-2' })];
  for (const [index, gate] of gates.entries())
    expect(await gate.passOrWait(instances[index] ?? instance())).toBe(true);
  expect(lines.map((own) => own.length)).toEqual([1, 1]);
  expect(gates.map((gate) => gate.runners()?.registrations.current)).toMatchObject([
    [{ id: 23 }],
    [{ id: 24 }],
  ]);
  await guards.close();
  expect(said.at(-1)).toContain('GitHub answered 2 requests');
});

describe('a drain', () => {
  const DATE = { date: 'Sun, 29 Nov 2026 12:00:00 GMT' };
  const POOL = { labels: [{ id: 20, name: 'pool-a', type: 'custom' }] };
  const marked = (label: string) => ({ labels: [{ id: 21, name: label, type: 'custom' }] });
  const LABELS = `${ONE}/labels`;
  const asked = { drains: { runId: '9001' }, whenBusy: 'wait', idleForMs: 0, waitsForRunner: false } as const;

  /** The step's changes of labels, and the reads between them. */
  function drainIsAsked(mark: string): void {
    nock(ORIGIN).get(ONE).reply(200, mine(POOL), DATE);
    nock(ORIGIN)
      .post(LABELS, { labels: [mark] })
      .reply(200, {});
    nock(ORIGIN)
      .get(ONE)
      .reply(200, mine({ labels: [...POOL.labels, ...marked(mark).labels] }), DATE);
    nock(ORIGIN).delete(`${LABELS}/pool-a`).reply(200, {});
    nock(ORIGIN)
      .get(ONE)
      .times(3)
      .reply(200, mine(marked(mark)), DATE);
    nock(ORIGIN).get(/runs/).times(6).reply(200, { workflow_runs: [] });
  }
  function restoreIsAsked(mark: string): void {
    nock(ORIGIN)
      .get(ONE)
      .reply(200, mine(marked(mark)), DATE);
    nock(ORIGIN)
      .post(LABELS, { labels: ['pool-a'] })
      .reply(200, {});
    nock(ORIGIN).delete(`${LABELS}/${mark}`).reply(200, {});
    nock(ORIGIN).get(ONE).reply(200, mine(POOL), DATE);
  }
  /** busy_timeout, timeout, runner_timeout and an hour later. */
  const MARK = `pool-a.drained-9001-${Date.parse(DATE.date) / 1_000 + 60 + 60 + 30 + 3_600}`;

  test('ends once the restart is verified, and the state is saved at each end', async () => {
    const states: unknown[] = [];
    const draining = guardsFor(asked, { saveDrains: (state) => states.push(state.length) }).guardFor(
      guardedVm(),
    );
    listed(mine(POOL));
    drainIsAsked(MARK);
    expect(await draining.gate.passOrWait(instance())).toBe(true);
    restoreIsAsked(MARK);
    await draining.afterRestart(verified());
    expect([states, nock.isDone()]).toEqual([[1, 0], true]);
    expect(said.at(-1)).toBe('The labels of runner "mac-runner-1" are restored');
  });

  test.each<[string, Outcome['restarted'], boolean]>([
    ['in doubt, which is a warning', 'unknown', true],
    ['nothing was restarted', 'false', false],
  ])('ends where %s', async (_, restarted, isWarned) => {
    const several = guardsFor(asked);
    const draining = several.guardFor(guardedVm());
    listed(mine(POOL));
    drainIsAsked(MARK);
    await draining.gate.passOrWait(instance());
    restoreIsAsked(MARK);
    // The end of the step waits for the labels, too.
    void draining.afterRestart({ ...NOTHING_DONE, restarted });
    await new Promise((resolve) => setImmediate(resolve));
    await several.close();
    expect(nock.isDone()).toBe(true);
    expect(said.some((line) => line.startsWith('warning: The labels are being restored, but'))).toBe(
      isWarned,
    );
  });

  describe('that has expired, of any runner that is listed,', () => {
    const expired = 'pool-a.drained-8000-1764000000';
    const other = wireRunner({ id: 24, name: 'other', ...marked(expired) });
    const listIt = () =>
      nock(ORIGIN)
        .get(LIST)
        .query(true)
        .reply(200, { total_count: 2, runners: [mine(POOL), other] }, DATE);

    test('is undone while the step has a drain of its own', async () => {
      const several = guardsFor(asked);
      listIt();
      drainIsAsked(MARK);
      nock(ORIGIN).get(`${LIST}/24`).reply(200, other, DATE);
      nock(ORIGIN)
        .post(`${LIST}/24/labels`, { labels: ['pool-a'] })
        .reply(200, {});
      nock(ORIGIN).delete(`${LIST}/24/labels/${expired}`).reply(200, {});
      nock(ORIGIN)
        .get(`${LIST}/24`)
        .reply(200, { ...other, ...POOL }, DATE);
      expect(await several.guardFor(guardedVm()).gate.passOrWait(instance())).toBe(true);
      await several.close();
      expect(nock.isDone()).toBe(true);
      expect(said).toContainEqual(expect.stringContaining('The labels of runner "other" are restored'));
    });

    test.each<[string, Partial<RunnerOptions>, Partial<GuardsOptions>]>([
      ['a step without a drain', {}, {}],
      ['a dry run', asked, { isDryRun: true }],
    ])('causes a warning in %s', async (_, runner, changes) => {
      const several = guardsFor({ ...runner, whenBusy: 'ignore' }, changes);
      listIt();
      await several.guardFor(guardedVm()).gate.rehearse(instance());
      await several.close();
      expect(said).toContainEqual(
        expect.stringMatching(/^warning: Runner "other" \(ID 24\) still has labels from an expired drain/),
      );
    });
  });

  test("needs GitHub's time", async () => {
    const draining = guardFor(asked);
    listed(mine(POOL));
    nock(ORIGIN).get(ONE).reply(200, mine(POOL));
    await expect(draining.gate.passOrWait(instance())).rejects.toThrow('GitHub answered without a Date');
  });

  test('keeps trying to end for 5 s after a cancellation', async () => {
    // The limits of requests, which are longer, are never reached.
    clock = createFakeClock((ms, signal) => signal !== cancellation.signal && ms > 3_000);
    const draining = guardFor(asked);
    listed(mine(POOL));
    drainIsAsked(MARK);
    await draining.gate.passOrWait(instance());
    cancellation.abort(new ActionError('cancelled', 'The step was canceled.'));
    nock(ORIGIN).get(ONE).times(50).reply(422);
    await draining.afterRestart({ ...NOTHING_DONE, restarted: 'false' });
    expect(said.at(-1)).toContain(
      'were not restored: the step gave up after 5 s. Its post step tries again. ',
    );
  });

  test('is refused before any request if a token that is valid for an hour leaves no time', () => {
    const changes = { ...asked, token: 'ghs_hunter2', idleForMs: 60_000, runnerTimeoutMs: 49 * 60_000 };
    const message =
      "so a drain must end within 50 min of the step's start. But idle_for, timeout and runner_timeout together are 51 min.";
    expect(() => guardsFor(changes)).toThrow(message);
    expect(() => guardsFor(changes)).toThrow(expect.objectContaining({ code: 'invalid_input' }));
    expect(guardsFor({ ...changes, token: 'ghp_hunter2' })).toBeDefined();
  });

  test.each<[Partial<RunnerOptions>, number]>([
    [{ whenBusy: 'ignore' }, 1],
    [{ whenBusy: 'ignore', isSweep: true }, 0],
    [{ whenBusy: 'skip' }, 0],
  ])('that has no effect, because the step waits for no job, causes a warning: %j', (changes, count) => {
    guardsFor({ ...asked, ...changes });
    expect(said.filter((line) => line.startsWith('warning: drain has no effect'))).toHaveLength(count);
  });

  test.each([
    [{ token: 'ghs_hunter2', busyTimeoutMs: 3_600_000 }, 1],
    [{ token: 'ghs_hunter2', busyTimeoutMs: 60_000 }, 0],
    [{ busyTimeoutMs: 3_600_000 }, 0],
  ])('with a token that is valid for an hour ends before that: %j', (changes, count) => {
    guardsFor({ ...asked, ...changes });
    expect(said.filter((line) => line.includes('busy_timeout ends 48 min 30 s after'))).toHaveLength(count);
  });
});

test.each([
  ['the defaults', {}, 9],
  ['nothing to wait for', { idle_for: '0s', wait_for_runner: 'false' }, 7],
])(
  'a restart with %s uses as much of the quota as docs/authentication.md says',
  async (_, inputs, documented) => {
    let charged = 0;
    const { outputs } = await playOnStage(
      { runner_name: '{external_id}', runner_scope: 'octo-org', github_token: GITHUB_TOKEN, ...inputs },
      {
        github: {},
        delivered({ origin }, { status }) {
          // GitHub does not charge for "not modified".
          if (origin === GITHUB_ORIGIN && status !== 304) charged++;
        },
      },
    );
    expect([outputs['restarted'], charged]).toEqual(['true', documented]);
  },
);
