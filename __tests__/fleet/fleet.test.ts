import { describe, expect, test } from '@jest/globals';
import type { SeenRequest } from '../../simulator/controller-api.ts';
import type { GitHubWorld } from '../../simulator/github-world.ts';
import type { World } from '../../simulator/world.ts';
import type { Controller } from '../../src/controller/controller.ts';
import type { Instance } from '../../src/controller/instance.ts';
import { readList } from '../../src/controller/instances.ts';
import { ActionError } from '../../src/errors.ts';
import { type FleetJob, restartFleet } from '../../src/fleet/fleet.ts';
import type { Job } from '../../src/github/job.ts';
import type { Runner } from '../../src/github/runner.ts';
import { exactly } from '../../src/github/runner-names.ts';
import { titleOf } from '../../src/report/report.ts';
import type { RunnerGate } from '../../src/runner/gate.ts';
import type { Guards } from '../../src/runner/guard.ts';
import { createRegistrations } from '../../src/runner/registrations.ts';
import type { VmRunners } from '../../src/runner/vm-runners.ts';
import type { NetworkAnswer } from '../simulation/network.ts';
import type { Outputs } from '../simulation/play-step.ts';
import { GITHUB_TOKEN, playOnStage, type StageSetting } from '../simulation/stage.ts';
import { createVirtualTime } from '../simulation/virtual-time.ts';
import { instance } from '../support/instances.ts';
import { keepLog } from '../support/log.ts';
import { idle, offline, runningJob } from '../support/runners.ts';

interface FleetSetting
  extends Pick<
    StageSetting,
    'replicas' | 'github' | 'latencyMs' | 'cancelAfterMs' | 'world' | 'preludeMs' | 'runnersIn'
  > {
  readonly inputs: Outputs;
  readonly prepare?: (world: World, github: GitHubWorld) => void;
  readonly intervene?: (request: SeenRequest, seconds: number) => NetworkAnswer | undefined;
  readonly alter?: (body: string, request: SeenRequest, seconds: number) => string;
}

/** 6 VMs; with a GitHub, a runner in each. */
async function playFleet({ inputs, prepare, intervene, alter, ...setting }: FleetSetting) {
  const runner = { runner_name: '{external_id}', runner_scope: 'octo-org', github_token: GITHUB_TOKEN };
  const played = await playOnStage(
    { ...(setting.github && runner), ...inputs },
    {
      ...{ latencyMs: 10, ...setting, world: { vms: 6, ...setting.world } },
      prepare: ({ world, github }) => prepare?.(world, github),
      intervene: (request, { seconds }) => intervene?.(request, seconds()),
      alter: (reaction, request, { seconds }) => {
        return { ...reaction, body: alter?.(reaction.body, request, seconds()) ?? reaction.body };
      },
    },
  );
  return { ...played, world: played.stage.world, github: played.stage.github };
}

type PlayedFleet = Awaited<ReturnType<typeof playFleet>>;

const ALL = { external_id: 'runner-*' };
/** GitHub notices jobs at once, and runners soon. */
const QUICK = {
  habits: { busyLagMs: 0, idleLagMs: 0, jobsLagMs: 0, staleMs: 10_000, sessionMs: 5_000, loginMs: 25_000 },
};

/** The most VMs in progress at the same time: from the arrival of a VM's request to its end according to the step. */
function mostUnderWay({ posts, outcome }: PlayedFleet): number {
  const startedAt = Math.min(...outcome.vms.map(({ moments }) => moments.started ?? Infinity));
  const spans = posts.map(({ vm, seconds }) => {
    const { endedAt = Infinity } = outcome.vms.find(({ name }) => name === vm) ?? {};
    return { from: seconds, until: (endedAt - startedAt) / 1_000 };
  });
  return Math.max(
    ...spans.map((one) => spans.filter((other) => other.from <= one.from && one.from < other.until).length),
  );
}

function working(jobs: Readonly<Record<string, number>>) {
  return (_: World, github: GitHubWorld | undefined) => {
    for (const runner of github?.runners ?? []) {
      const forMs = jobs[runner.name];
      if (forMs !== undefined) github?.startJob(runner, forMs);
    }
  };
}

function killedJobs({ github }: PlayedFleet): number {
  return (
    github?.runners.flatMap(({ jobs }) => jobs.filter(({ killedBy }) => killedBy !== undefined)).length ?? 0
  );
}

const listsIn = ({ requests }: PlayedFleet) => requests.filter(({ name }) => name.startsWith('GET'));

describe('slots', () => {
  test.each([
    ['1', 1],
    ['2', 2],
    ['50%', 3],
    ['1%', 1],
    ['100%', 6],
    ['7', 6],
  ])('max_parallel: %s', async (max_parallel, slots) => {
    const ended = await playFleet({ inputs: { ...ALL, max_parallel } });
    expect(ended.outputs).toMatchObject({ restarted: 'true', error_code: '', remaining: '', matrix: '[]' });
    expect(ended.restarts.toSorted()).toEqual(Object.keys(ended.ends).toSorted());
    expect(mostUnderWay(ended)).toBe(slots);
    expect(ended.posts).toHaveLength(6);
  });

  test('go to the VMs in the order of the targets', async () => {
    const external_id = ['runner-5', 'runner-2', 'runner-4'].join('\n');
    const { posts, ends, lines } = await playFleet({ inputs: { external_id } });
    expect(lines.filter((line) => line.startsWith('Not started'))).toEqual([]);
    expect(posts.map(({ vm }) => vm)).toEqual(['runner-5', 'runner-2', 'runner-4']);
    expect(Object.keys(ends)).toEqual(['runner-5', 'runner-2', 'runner-4']);
  });

  test('start the timeout of a VM when it gets its slot, even if the reads before took long', async () => {
    const { ends } = await playFleet({
      world: { vms: 4 },
      inputs: { ...ALL, max_parallel: '2', timeout: '30s' },
      latencyMs: 4_000,
    });
    expect(Object.values(ends)).toEqual(Array(4).fill('restarted'));
  });

  test('do not count the time before a VM gets its slot', async () => {
    const ended = await playFleet({ inputs: { ...ALL, timeout: '12s' } });
    expect(ended.seconds).toBeGreaterThan(20);
    expect(ended.outputs['restarted']).toBe('true');
  });
});

describe('targets', () => {
  test('are all VMs that fit the patterns, each once', async () => {
    const external_id = 'runner-1\nrunner-*\n*-2\n*';
    const ended = await playFleet({ inputs: { external_id, max_parallel: '100%' } });
    expect(ended.posts.map(({ vm }) => vm).toSorted()).toEqual(
      [1, 2, 3, 4, 5, 6].map((number) => `runner-${number}`),
    );
    expect(ended.results).toHaveLength(6);
  });

  test('are one VM if a pattern matches one: its outputs are set, and the log has no lines about all VMs', async () => {
    const { outputs, results, lines, world } = await playFleet({ inputs: { external_id: '*-3' } });
    const { instanceId } = world.records[2] ?? {};
    expect([outputs['restarted'], outputs['instance_id'], results.length]).toEqual(['true', instanceId, 1]);
    expect(lines.filter((line) => /VMs?\b.* at a time|^runner-3: | done, /.test(line))).toEqual([]);
  });

  test('may be given by their IDs', async () => {
    const { world } = await playFleet({ inputs: { external_id: '*-1' } });
    const ids = world.records.slice(1, 4).map(({ instanceId }) => instanceId);
    const instance_id = [...ids, ids[0]?.toUpperCase()].join('\r\n');
    const ended = await playFleet({ inputs: { instance_id } });
    expect(ended.results.map((result) => result['instance_id'])).toEqual(ids);
    expect(ended.restarts).toEqual(['runner-2', 'runner-3', 'runner-4']);
  });

  test('are none if the only pattern matches nothing', async () => {
    const { ends, outcome } = await playFleet({ inputs: { external_id: 'none-*' } });
    expect(ends).toEqual({ 'none-*': 'instance_not_found' });
    expect(titleOf(outcome)).toBe('VM not restarted: instance_not_found');
  });

  test('are none if there are more than max_vms', async () => {
    const { ends, posts, outputs, outcome } = await playFleet({
      inputs: { external_id: 'runner-*\nmissing', max_vms: '6' },
    });
    expect(ends).toEqual({ 'runner-*': 'invalid_input', missing: 'invalid_input' });
    expect([posts, outputs['error_code']]).toEqual([[], 'invalid_input']);
    expect(titleOf(outcome)).toBe('2 of 2 VMs failed: invalid_input');
    expect((await playFleet({ inputs: { ...ALL, max_vms: '6' } })).posts).toHaveLength(6);
  });

  test('that are one VM with two names are restarted once', async () => {
    const renames = (world: World) => {
      const [first, second] = world.records;
      let lists = 0;
      // After the patterns were resolved, the first VM gets the name that is also among the targets.
      return () => {
        if (++lists !== 3) return undefined;
        if (second !== undefined) second.externalId = 'other';
        if (first !== undefined) first.externalId = 'runner-2';
        return undefined;
      };
    };
    let rename: ReturnType<typeof renames> = () => undefined;
    const ended = await playFleet({
      inputs: { external_id: 'runner-1*\nrunner-2', max_failures: '1' },
      prepare: (world) => {
        rename = renames(world);
      },
      intervene: ({ path }) => (path === '/api/v1/vm' ? rename() : undefined),
    });
    expect(ended.posts).toHaveLength(1);
    expect(Object.values(ended.ends).toSorted()).toEqual(['ambiguous_target', 'restarted']);
  });
});

describe('a VM that is not running', () => {
  const stopped = (world: World) => {
    const [, , third] = world.records;
    if (third !== undefined) Object.assign(third, { state: 'Stopped', node: undefined });
  };

  test('is left alone if only a pattern matched it', async () => {
    const { ends, outputs, results, lines } = await playFleet({
      world: { vms: 4 },
      inputs: { ...ALL, max_parallel: '100%' },
      prepare: stopped,
    });
    expect(ends).toEqual({
      'runner-1': 'restarted',
      'runner-2': 'restarted',
      'runner-3': 'skipped',
      'runner-4': 'restarted',
    });
    expect(outputs).toMatchObject({ restarted: 'true', error_code: '' });
    const why = expect.stringMatching(/is not running: instance_state "Stopped", status "deleted", /);
    expect(results[2]).toMatchObject({ outcome: 'skipped', message: why });
    expect(lines).toContainEqual(expect.stringMatching(/^runner-3: skipped: Instance .* is not running/));
    expect(outputs).toMatchObject({ remaining: '', matrix: '[]' });
  });

  test('is left alone if it is the only one that a pattern matched', async () => {
    const { ends, outcome, outputs } = await playFleet({ inputs: { external_id: '*-3' }, prepare: stopped });
    expect([ends, outputs['restarted']]).toEqual([{ 'runner-3': 'skipped' }, 'false']);
    expect(titleOf(outcome)).toBe('VM left alone: it is not running');
  });

  test('fails if it is named', async () => {
    const { ends } = await playFleet({ inputs: { external_id: 'runner-*\nrunner-3' }, prepare: stopped });
    expect(ends).toMatchObject({ 'runner-3': 'not_running', 'runner-1': 'not_started' });
  });
});

describe('a failure before anything is sent', () => {
  const broken: FleetSetting = {
    inputs: { external_id: 'runner-1\nmissing\nrunner-3\nrunner-4\nnone-*', max_parallel: '100%' },
    prepare(world) {
      const [, , third] = world.records;
      if (third !== undefined) third.state = 'Stopped';
      if (third !== undefined) third.node = undefined;
    },
  };

  test('affects only its own VM, and counts', async () => {
    const ended = await playFleet({ ...broken, inputs: { ...broken.inputs, max_failures: '3' } });
    expect(ended.ends).toEqual({
      'runner-1': 'restarted',
      missing: 'instance_not_found',
      'runner-3': 'not_running',
      'runner-4': 'restarted',
      'none-*': 'instance_not_found',
    });
    expect(ended.outputs).toMatchObject({ restarted: 'false', error_code: 'instance_not_found' });
    expect(ended.lines).toContainEqual(expect.stringMatching(/^runner-3: failed: not_running: /));
    expect(ended.lines).toContainEqual(
      expect.stringContaining('; after more than 3 failures no new restart'),
    );
    const failedAt = ended.outcome.vms.flatMap(({ error, endedAt }) =>
      error === undefined ? [] : [endedAt ?? 0],
    );
    const sentAt = ended.outcome.vms.flatMap(({ moments: { sent } }) => sent ?? []);
    expect(Math.max(...failedAt)).toBeLessThanOrEqual(Math.min(...sentAt));
  });

  test('keeps all other VMs from starting if it is one too many', async () => {
    const { ends, posts, outputs, results } = await playFleet(broken);
    expect(posts).toEqual([]);
    expect([ends['runner-1'], ends['runner-4']]).toEqual(['not_started', 'not_started']);
    const fit = results.filter(({ outcome }) => outcome === 'not_started').map((one) => one['instance_id']);
    expect(
      JSON.parse(outputs['matrix'] ?? '').map((one: { instance_id: string }) => one.instance_id),
    ).toEqual(fit);
    expect(outputs['remaining']?.split('\n')).toHaveLength(3);
  });

  test('is reported by a dry run, which changes nothing', async () => {
    const { ends, posts, outputs, lines } = await playFleet({
      ...broken,
      inputs: { ...broken.inputs, dry_run: 'true' },
    });
    expect([posts, ends['runner-1'], ends['runner-3']]).toEqual([[], 'not_started', 'not_running']);
    expect(JSON.parse(outputs['matrix'] ?? '').map(({ name }: { name: string }) => name)).toEqual([
      'runner-1',
      'runner-4',
    ]);
    expect(lines).toContainEqual(expect.stringMatching(/^runner-1: Dry run: nothing was changed/));
    expect(lines).toContain('Dry run: 5 VMs to check; nothing is changed');
    expect(lines.filter((line) => line.startsWith('Not started'))).toEqual([]);
    expect(lines.join()).not.toContain('no new restart');
  });

  test('is reported by a dry run for each VM, however many there are', async () => {
    const { ends, outputs } = await playFleet({
      inputs: { ...ALL, dry_run: 'true', runner_name: 'no-{external_id}' },
      github: QUICK,
    });
    expect(Object.values(ends)).toEqual(Array(6).fill('runner_not_found'));
    expect(outputs['matrix']).toBe('[]');
  });

  test('affects all VMs if the controller cannot list them', async () => {
    const { ends, posts, outcome, seconds } = await playFleet({
      inputs: { external_id: 'runner-1\nrunner-*' },
      intervene: () => ({ status: 401, headers: {}, body: '' }),
    });
    expect(ends).toEqual({ 'runner-1': 'authentication_failed', 'runner-*': 'authentication_failed' });
    expect([posts, outcome.error?.code, seconds]).toEqual([[], 'authentication_failed', 0.02]);
  });

  test('affects all VMs if the controller denies access', async () => {
    const { ends, posts, requests } = await playFleet({
      inputs: { external_id: 'runner-1\nrunner-2' },
      intervene: () => ({ status: 401, headers: {}, body: '' }),
    });
    expect(Object.values(ends)).toEqual(['authentication_failed', 'authentication_failed']);
    expect([posts, requests.length]).toEqual([[], 1]);
  });
});

test('a VM that is restarted alone is read immediately; several share lists, a second apart', async () => {
  const shortestGap = async (max_parallel: string) => {
    const { requests, posts } = await playFleet({ inputs: { ...ALL, max_parallel, poll_interval: '0.3s' } });
    const from = posts[0]?.seconds ?? 0;
    const polls = requests.filter(({ name, seconds }) => name.startsWith('GET') && seconds > from);
    const gaps = polls.slice(1).map(({ seconds }, index) => seconds - (polls[index]?.seconds ?? 0));
    return Math.min(...gaps.slice(0, 5));
  };
  expect(await shortestGap('1')).toBeLessThan(0.5);
  expect(await shortestGap('3')).toBeGreaterThan(0.9);
});

describe('failures', () => {
  const stuck = { world: { stuckVms: ['runner-1', 'runner-3'] }, inputs: { ...ALL, timeout: '30s' } };

  test('keep other VMs from starting; those in progress are watched to the end', async () => {
    const inputs = { ...stuck.inputs, max_parallel: '3' };
    const ended = await playFleet({ ...stuck, inputs });
    expect(ended.ends).toEqual({
      'runner-1': 'timed_out',
      'runner-2': 'restarted',
      'runner-3': 'timed_out',
      'runner-4': 'restarted',
      'runner-5': 'restarted',
      'runner-6': 'restarted',
    });
    const one = await playFleet({ ...stuck, inputs: { ...stuck.inputs, max_parallel: '1' } });
    expect(Object.values(one.ends)).toEqual(['timed_out', ...Array(5).fill('not_started')]);
    expect([one.posts.length, one.outputs['restarted'], one.outputs['error_code']]).toEqual([
      1,
      'unknown',
      'timed_out',
    ]);
    expect(one.outputs['remaining']?.split('\n')).toHaveLength(6);
    expect(one.lines.slice(-3)).toEqual([
      expect.stringMatching(/^runner-1: not verified: timed_out/),
      '1 failure, more than max_failures (0) allows: no new restart starts',
      'Not started: 5 VMs: runner-2, runner-3, runner-4, runner-5, runner-6',
    ]);
    expect(ended.lines.filter((line) => line.includes('max_failures'))).toHaveLength(1);
  });

  test('list many VMs that were not started in one line', async () => {
    const { lines } = await playFleet({
      ...stuck,
      world: { ...stuck.world, vms: 13 },
      inputs: { ...ALL, timeout: '20s' },
    });
    expect(lines.at(-1)).toMatch(/^Not started: 12 VMs: runner-2, .*, runner-11 and 2 more$/);
  });

  test('up to max_failures stop nothing', async () => {
    const { ends } = await playFleet({ ...stuck, inputs: { ...stuck.inputs, max_failures: '20%' } });
    expect(Object.values(ends)).toEqual([
      'timed_out',
      'restarted',
      'timed_out',
      ...Array(3).fill('not_started'),
    ]);
  });

  test('of one VM do not affect the reads of others', async () => {
    const { ends, restarts } = await playFleet({
      world: { stuckVms: ['runner-2'], brokenVms: ['runner-5'], nodes: 3 },
      inputs: { ...ALL, max_parallel: '100%', timeout: '90s' },
      replicas: { count: 2, lagMs: 3_000 },
    });
    expect(ends).toMatchObject({ 'runner-2': 'timed_out', 'runner-5': 'vm_failed' });
    expect(Object.values(ends).filter((end) => end === 'restarted')).toHaveLength(4);
    expect(restarts.toSorted()).toEqual(['runner-1', 'runner-3', 'runner-4', 'runner-6']);
  });

  test('of requests can be temporary, and are logged once for all VMs', async () => {
    const faulty = { status: 502, headers: {}, body: '<html>' };
    const { outputs, posts, lines } = await playFleet({
      inputs: { ...ALL, max_parallel: '50%' },
      intervene: ({ method }, seconds) =>
        method === 'GET' && seconds > 2 && seconds < 5 ? faulty : undefined,
    });
    expect([outputs['restarted'], posts.length]).toEqual(['true', 6]);
    const seen = lines.filter((line) => line.includes('it answered HTTP 502'));
    expect(seen).toEqual(['The controller gave no usable answer: it answered HTTP 502']);
  });

  test('to reach the controller affect all VMs, and each ends at its own time', async () => {
    const { ends, seconds, lines } = await playFleet({
      inputs: { ...ALL, max_parallel: '50%', timeout: '1m' },
      intervene: (_, now) => (now > 2 ? { status: 502, headers: {}, body: '' } : undefined),
    });
    expect(ends).toMatchObject({ 'runner-1': 'timed_out', 'runner-4': 'not_started' });
    expect(seconds).toBeLessThan(63);
    expect(lines.filter((line) => line.includes('Still retrying'))).toHaveLength(1);
  });

  test('to read one record affect only one VM', async () => {
    const { ends, lines } = await playFleet({
      inputs: { ...ALL, max_parallel: '100%', timeout: '20s' },
      alter(body, { path }, seconds) {
        if (!path.startsWith('/api/v1/vm') || seconds < 2) return body;
        // In the list or alone: it has no state.
        return JSON.stringify(JSON.parse(body), (_, value) =>
          value?.external_id === 'runner-2' && 'instance_state' in value
            ? { ...value, instance_state: undefined }
            : value,
        );
      },
    });
    expect(ends['runner-2']).toBe('timed_out');
    expect(Object.values(ends).filter((end) => end === 'restarted')).toHaveLength(5);
    const seen = lines.filter((line) => line.includes('has no instance_state') && !line.includes('failed'));
    expect(seen.some((line) => line.startsWith('runner-2: '))).toBe(true);
  });
});

test('a VM whose restart was sent is watched until its runner is back, even if the others fail', async () => {
  let first: string | undefined;
  const { ends, outcome } = await playFleet({
    world: { vms: 2 },
    github: QUICK,
    inputs: { ...ALL, max_parallel: '2', idle_for: '0s' },
    prepare(world) {
      first = world.records[0]?.instanceId;
    },
    intervene: ({ path, body }) =>
      path.endsWith('/restart') && first !== undefined && body.includes(first)
        ? { status: 200, headers: {}, body: '{"status":"FAIL","message":"no"}' }
        : undefined,
  });
  expect(ends).toEqual({ 'runner-1': 'restart_refused', 'runner-2': 'restarted' });
  expect(outcome.vms[1]?.runner?.status).toBe('online');
});

describe('an attempt that was certainly not carried out', () => {
  /** The controller asks to repeat the first restart of runner-1, and refuses that of runner-2. */
  function refusing(onceMoreAfter: string) {
    let tries = 0;
    return ({ path, body }: { path: string; body: string }, world: World) => {
      if (!path.endsWith('/restart')) return undefined;
      const [first, second] = world.records;
      if (first && body.includes(first.instanceId) && ++tries === 1)
        return { status: 429, headers: { 'retry-after': onceMoreAfter }, body: '' };
      const refusal = { status: 200, headers: {}, body: '{"status":"FAIL","message":"no"}' };
      return second && body.includes(second.instanceId) ? refusal : undefined;
    };
  }

  async function play(given: Partial<FleetSetting>) {
    let seen: World | undefined;
    let seenGitHub: GitHubWorld | undefined;
    const refuse = refusing('4');
    const ended = await playFleet({
      world: { vms: 2 },
      inputs: { ...ALL, max_parallel: '2', timeout: '30s', busy_timeout: '20s', idle_for: '0s' },
      prepare(world, github) {
        [seen, seenGitHub] = [world, github];
      },
      intervene(request) {
        const answer = seen && refuse(request, seen);
        // A job begins just then.
        if (answer?.status === 429) working({ 'runner-1': 60_000 })(seen as World, seenGitHub);
        return answer;
      },
      ...given,
    });
    return ended;
  }

  test('is an error if it leaves the VM stopped, even if only a pattern matched the VM', async () => {
    let stop = () => {};
    const { ends, posts } = await play({
      inputs: { ...ALL, max_parallel: '1' },
      prepare(world) {
        stop = () => Object.assign(world.records[0] ?? {}, { state: 'Stopped', node: undefined });
      },
      intervene({ path }) {
        if (!path.endsWith('/restart')) return undefined;
        stop();
        return { status: 429, headers: { 'retry-after': '4' }, body: '' };
      },
    });
    expect([ends, posts.length]).toEqual([{ 'runner-1': 'not_running', 'runner-2': 'not_started' }, 1]);
  });

  test.each<[string, Partial<FleetSetting>]>([
    ['without a runner', {}],
    ['whose runner has a job meanwhile', { github: QUICK }],
  ])('is followed by no other after too many failures: %s', async (_, given) => {
    const ended = await play(given);
    expect(ended.ends).toEqual({ 'runner-1': 'not_started', 'runner-2': 'restart_refused' });
    expect(ended.posts.map(({ vm }) => vm)).toEqual(['runner-1', 'runner-2']);
    expect([ended.seconds < 30, ended.outputs['restarted']]).toEqual([true, 'false']);
  });
});

describe('a canceled step', () => {
  test('reports the external ID from the list for a VM that it has not read', async () => {
    const { results } = await playFleet({ inputs: ALL, cancelAfterMs: 1_050 });
    expect(results.map((result) => [result['outcome'], result['external_id']])).toEqual(
      [1, 2, 3, 4, 5, 6].map((number) => ['not_started', `runner-${number}`]),
    );
  });

  test('ends at once, and reports each VM as it is', async () => {
    const ended = await playFleet({ inputs: { ...ALL, max_parallel: '2' }, cancelAfterMs: 7_000 });
    expect(ended.seconds).toBeLessThan(8);
    expect(ended.lines.at(-1)).toMatch(/^Not started: \d VMs: runner-/);
    expect(ended.lines.filter((line) => line.includes('No restart had been sent'))).toEqual([]);
    const kinds = ended.results.map(({ outcome }) => outcome);
    expect(kinds.filter((kind) => kind === 'restarted')).toHaveLength(ended.posts.length - 2);
    expect(kinds.filter((kind) => kind === 'unknown')).toHaveLength(2);
    expect(kinds.filter((kind) => kind === 'not_started')).toHaveLength(6 - ended.posts.length);
    expect(ended.outputs).toMatchObject({ restarted: 'unknown', error_code: 'cancelled' });
    expect(titleOf(ended.outcome)).toMatch(/^Canceled: \d of 6 VMs restarted$/);
    expect(ended.lines.join()).not.toContain('more than max_failures');
  });

  test('reports a verified VM as restarted while it waits for its runner', async () => {
    const { ends, results, outcome, outputs, lines } = await playFleet({
      world: { vms: 3 },
      inputs: { ...ALL, idle_for: '0s' },
      github: QUICK,
      cancelAfterMs: 25_000,
    });
    expect(results.map((result) => result['outcome'])).toEqual(['restarted', 'not_started', 'not_started']);
    expect([ends['runner-1'], titleOf(outcome)]).toEqual(['cancelled', 'Canceled: 1 of 3 VMs restarted']);
    expect(outputs['error_code']).toBe('cancelled');
    expect(lines).toContainEqual(expect.stringMatching(/^runner-1: restarted: cancelled: The step was/));
  });

  test('has sent nothing while it finds the VMs', async () => {
    const { ends, outcome } = await playFleet({ inputs: ALL, cancelAfterMs: 5 });
    expect(ends).toEqual({ 'runner-*': 'cancelled' });
    expect(outcome.error?.message).toBe('The step was canceled (SIGINT). No restart had been sent.');
  });
});

describe('what is reported', () => {
  test('before each restart leaves, the outputs say that its outcome is unknown', async () => {
    const { announced, posts } = await playFleet({ inputs: { ...ALL, max_parallel: '2' } });
    expect(announced).toHaveLength(posts.length);
    for (const [index, seen] of announced.entries()) {
      expect(seen['restarted']).toBe('unknown');
      const kinds: { outcome: string }[] = JSON.parse(seen['results'] ?? '');
      expect(kinds[index]?.outcome).toBe('unknown');
    }
  });

  test('a progress line is written every ten seconds if it has changed, and not more often', async () => {
    const { lines, seconds } = await playFleet({ inputs: ALL });
    const seen = lines.filter((line) => / of 6 done, /.test(line));
    expect(seen).toHaveLength(Math.floor(seconds / 10));
    expect(seen[0]).toMatch(/^\d of 6 done, 1 in progress, \d to go, about \d\d s left$/);
  });

  test('no VM is logged in full before it has passed its gate', async () => {
    const { lines } = await playFleet({ inputs: { ...ALL, max_parallel: '2' } });
    expect(lines.filter((line) => line.includes('Before: '))).toEqual([]);
    expect(lines.filter((line) => line.includes('Restarting instance'))).toHaveLength(6);
  });

  test('there are few log lines before the first restart', async () => {
    const { lines } = await playFleet({
      world: { vms: 200 },
      inputs: { ...ALL, max_parallel: '1' },
      cancelAfterMs: 3_000,
    });
    const before = lines.slice(
      0,
      lines.findIndex((line) => line.includes('Restarting instance')),
    );
    expect(before).toEqual([
      'Controller: http://controller.example:8090/',
      '200 VMs, at most 1 at a time; after the first failure no new restart starts',
    ]);
  });
});

describe('one request for all VMs', () => {
  test.each([
    ['all at once', '100%'],
    ['a few at a time', '10%'],
  ])('is sent about once a second: %s', async (_, max_parallel) => {
    const ended = await playFleet({ world: { vms: 100, nodes: 25 }, inputs: { ...ALL, max_parallel } });
    expect(ended.outputs['restarted']).toBe('true');
    expect(listsIn(ended).length / ended.seconds).toBeLessThanOrEqual(1.2);
  });

  test('is followed by an equally long pause if it took long', async () => {
    const ended = await playFleet({ inputs: { ...ALL, max_parallel: '100%' }, latencyMs: 1_500 });
    expect(ended.outputs['restarted']).toBe('true');
    const lists = listsIn(ended).map(({ seconds }) => seconds);
    expect(lists.slice(0, 4)).toEqual([1.5, 5.5, 8.5, 14.5]);
  });

  test('shows most restarts within a second of their report', async () => {
    const { outcome, world } = await playFleet({
      world: { vms: 60, nodes: 20 },
      inputs: { ...ALL, max_parallel: '100%' },
    });
    const delays = outcome.vms.map(({ moments, last }) => {
      const record = world.records.find(({ instanceId }) => instanceId === last?.instanceId);
      return (moments.verified ?? 0) - (record?.report?.since ?? 0);
    });
    const [median = Infinity] = delays.toSorted((a, b) => a - b).slice(delays.length / 2);
    expect(median).toBeLessThanOrEqual(1_000);
  });
});

describe('with runners', () => {
  test('a runner that does not come back counts as a failure', async () => {
    const { ends } = await playFleet({
      world: { vms: 2 },
      inputs: { ...ALL, idle_for: '0s', runner_timeout: '1m' },
      github: QUICK,
      prepare(_, { runners: [first] }) {
        if (first !== undefined) Object.assign(first, { startsAfterBoot: false });
      },
    });
    expect(ends).toEqual({ 'runner-1': 'runner_not_back', 'runner-2': 'not_started' });
  });

  test('VMs with idle runners go first, and one that waits for its job takes no slot', async () => {
    const ended = await playFleet({
      inputs: { ...ALL, idle_for: '30s' },
      github: QUICK,
      prepare: working({ 'runner-1': 100_000 }),
    });
    expect(Object.values(ended.ends)).toEqual(Array(6).fill('restarted'));
    expect(ended.results.map((result) => result['runner_status'])).toEqual(Array(6).fill('online'));
    expect([ended.posts[0]?.vm, killedJobs(ended), mostUnderWay(ended)]).toEqual(['runner-2', 0, 1]);
    // All runners are watched side by side.
    expect(ended.posts[0]?.seconds).toBeLessThan(36);
  });

  test('a VM whose runner gets a job while it is queued leaves the queue, and the job is not killed', async () => {
    const ended = await playFleet({
      inputs: { ...ALL, idle_for: '10s' },
      github: QUICK,
      prepare(world, github) {
        const [, second] = github?.runners ?? [];
        world.schedule(20_000, () => second && github?.startJob(second, 60_000));
      },
    });
    expect(Object.values(ended.ends)).toEqual(Array(6).fill('restarted'));
    expect([killedJobs(ended), mostUnderWay(ended)]).toEqual([0, 1]);
    expect(ended.posts.findIndex(({ vm }) => vm === 'runner-2')).toBeGreaterThan(1);
    expect(ended.posts).toHaveLength(6);
  });

  test('a VM whose runner turns out to be busy when it gets its slot gives the slot back', async () => {
    let github: GitHubWorld | undefined;
    const ended = await playFleet({
      inputs: { ...ALL, idle_for: '10s' },
      github: QUICK,
      prepare(_, given) {
        github = given;
      },
      intervene({ path }, seconds) {
        // It takes a job between the read that gave it the slot and the last one.
        const second = github?.runners[1];
        const isTurn = seconds > 15 && path.includes(`id=${second?.instanceId}`);
        if (isTurn && second?.jobs.length === 0) github?.startJob(second, 60_000);
        return undefined;
      },
    });
    expect(Object.values(ended.ends)).toEqual(Array(6).fill('restarted'));
    expect([killedJobs(ended), mostUnderWay(ended)]).toEqual([0, 1]);
    expect(ended.posts[1]?.vm).toBe('runner-3');
  });

  test('when_busy: skip leaves VMs with busy runners alone, and does not fail', async () => {
    const ended = await playFleet({
      inputs: { ...ALL, idle_for: '10s', when_busy: 'skip', max_parallel: '100%' },
      github: QUICK,
      prepare: working({ 'runner-2': 600_000, 'runner-5': 600_000 }),
    });
    expect(ended.ends).toMatchObject({
      'runner-1': 'restarted',
      'runner-2': 'skipped',
      'runner-5': 'skipped',
    });
    expect(ended.outputs).toMatchObject({ restarted: 'true', error_code: '' });
    expect(ended.outputs['remaining']?.split('\n')).toHaveLength(2);
    expect([ended.restarts.length, killedJobs(ended)]).toEqual([4, 0]);
    expect(ended.lines).toContainEqual(
      expect.stringMatching(/^runner-2: skipped: Runner "runner-2" .* is online, busy$/),
    );
    expect(ended.results[1]).toMatchObject({
      outcome: 'skipped',
      message: expect.stringMatching(/^Runner "runner-2" .* is online, busy$/),
    });
  });

  test('when_busy: skip logs once why the only VM is left alone', async () => {
    const { ends, lines } = await playFleet({
      inputs: { external_id: 'runner-2', idle_for: '10s', when_busy: 'skip' },
      github: QUICK,
      prepare: working({ 'runner-2': 600_000 }),
    });
    expect(ends).toEqual({ 'runner-2': 'skipped' });
    expect(lines.filter((line) => /busy|left alone/.test(line))).toHaveLength(1);
  });

  test.each([
    ['1', '{external_id}'],
    ['2', '{external_id}'],
    ['6', '{external_id}*'],
  ])('busy_timeout is exceeded only by the time of the last reads: %s VMs', async (vms, runner_name) => {
    for (const seconds of [20, 42, 43, 44, 45]) {
      const ended = await playFleet({
        world: { vms: Number(vms) },
        inputs: { ...ALL, runner_name, idle_for: '0s', busy_timeout: `${seconds}s` },
        github: QUICK,
        prepare: working(
          Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`runner-${index + 1}`, 3_600_000])),
        ),
      });
      expect(new Set(Object.values(ended.ends))).toEqual(new Set(['runner_busy']));
      for (const { endedAt = 0, moments } of ended.outcome.vms)
        expect((endedAt - (moments.started ?? 0)) / 1_000).toBeLessThan(seconds + 1);
    }
  });

  test('a VM that waits for a job is also dismissed', async () => {
    const ended = await playFleet({
      world: { stuckVms: ['runner-1'] },
      inputs: { ...ALL, idle_for: '0s', timeout: '20s' },
      github: QUICK,
      prepare: working({ 'runner-4': 3_600_000 }),
    });
    expect(Object.values(ended.ends)).toEqual(['timed_out', ...Array(5).fill('not_started')]);
    expect([ended.posts.length, killedJobs(ended)]).toEqual([1, 0]);
    expect(ended.seconds).toBeLessThan(60);
  });

  test('the log names VMs with a job, not those without one', async () => {
    const { lines } = await playFleet({
      inputs: { ...ALL, idle_for: '30s' },
      github: QUICK,
      prepare: working({ 'runner-3': 100_000 }),
      cancelAfterMs: 25_000,
    });
    const seen = lines.filter((line) => line.startsWith('runner-') && !line.includes('not restarted'));
    expect(seen).toEqual(['runner-3: Runner "runner-3" (ID 25) is online, busy; waiting for its job to end']);
    expect(lines).toContain(
      '0 of 6 done, 0 in progress, 6 to go (5 idle, but not yet for idle_for; 1 with a job: runner-3)',
    );
  });

  test('a progress line that does not change is repeated every thirty seconds', async () => {
    const { lines } = await playFleet({
      inputs: { ...ALL, idle_for: '10m' },
      github: QUICK,
      cancelAfterMs: 75_000,
    });
    const line = '0 of 6 done, 0 in progress, 6 to go (6 idle, but not yet for idle_for)';
    expect(lines.filter((seen) => seen === line)).toHaveLength(3);
  });

  test('the log shows how many VMs are restarted and wait for their runners', async () => {
    const { lines } = await playFleet({
      inputs: { ...ALL, idle_for: '0s', max_parallel: '2' },
      github: QUICK,
      cancelAfterMs: 25_000,
    });
    expect(lines).toContain('0 of 6 done, 2 in progress (2 rebooted, runner not back yet), 4 to go');
  });

  test('two VMs that would have the same runner are not restarted; the others are', async () => {
    const ended = await playFleet({
      inputs: { ...ALL, runner_name: '{name}', idle_for: '0s', wait_for_runner: 'false', max_failures: '2' },
      github: QUICK,
      prepare(world, github) {
        for (const [index, record] of world.records.entries())
          record.name = index < 2 ? 'runner-1' : (record.externalId ?? '');
        if (github === undefined) throw new Error('there is no GitHub');
      },
    });
    expect(ended.ends).toMatchObject({
      'runner-1': 'ambiguous_target',
      'runner-2': 'ambiguous_target',
      'runner-3': 'restarted',
    });
    expect(ended.posts).toHaveLength(4);
  });

  test('only the runners of VMs with a slot are read individually', async () => {
    const { requests, posts, seconds } = await playFleet({
      world: { vms: 60, nodes: 10 },
      inputs: { ...ALL, idle_for: '10s', max_parallel: '3', wait_for_runner: 'false' },
      github: QUICK,
    });
    const first = posts[0]?.seconds ?? 0;
    const alone = requests.filter(({ name, seconds: at }) => name === 'GET runner' && at < first);
    expect([posts.length, alone.length <= 6, seconds > first]).toEqual([60, true, true]);
  });

  test('one list serves all runners that are watched', async () => {
    const ended = await playFleet({
      world: { vms: 40, nodes: 10 },
      inputs: { ...ALL, max_parallel: '100%', idle_for: '1m' },
      github: QUICK,
    });
    expect(ended.outputs['restarted']).toBe('true');
    const lists = ended.requests.filter(({ name }) => name === 'GET runners');
    expect(lists.length / ended.seconds).toBeLessThanOrEqual(0.25);
  });
});

describe('a sweep', () => {
  const SWEEP = { ...ALL, restart_if: 'runner_offline', runner_ephemeral: 'true', runner_timeout: '5m' };
  const dead = (github: GitHubWorld, ...names: string[]) => {
    for (const runner of github.runners.filter(({ name }) => names.includes(name)))
      Object.assign(runner, { isListening: false, onlineUntil: 0, startsAfterBoot: false });
  };
  /** runner-1 is online, runner-4 has had its one job, runner-5 has just booted; each test decides about the others. */
  const setting = {
    world: { vms: 5 },
    github: QUICK,
    preludeMs: 60_000,
    runnersIn: ({ externalId = '' }: { externalId?: string | undefined }) => [
      {
        name: externalId,
        takesOneJob: externalId >= 'runner-4',
        isRegistered: externalId < 'runner-4',
      },
    ],
    prepare(world: World, github: GitHubWorld) {
      world.schedule(1_000, () => world.restart(world.records[4]?.instanceId ?? ''));
      dead(github, 'runner-2', 'runner-3');
    },
  };

  test('restarts VMs that have had their job, then those whose runner is dead, and leaves the others alone', async () => {
    const { ends, posts, results, outputs, lines } = await playFleet({ ...setting, inputs: SWEEP });
    expect(ends).toEqual({
      'runner-1': 'skipped',
      'runner-2': 'runner_not_back',
      'runner-3': 'runner_not_back',
      'runner-4': 'restarted',
      'runner-5': 'skipped',
    });
    expect(posts.map(({ vm }) => vm)).toEqual(['runner-4', 'runner-2', 'runner-3']);
    expect(outputs).toMatchObject({ restarted: 'true', error_code: 'runner_not_back', remaining: '' });
    expect(results.map(({ message }) => message)).toMatchObject({
      0: expect.stringContaining('restart_if leaves it alone'),
      4: expect.stringMatching(/^The VM has been up for only /),
    });
    expect(lines).toContainEqual(expect.stringMatching(/^runner-5: skipped: The VM has been up for/));
  });

  test('restarts none if GitHub shows all runners offline', async () => {
    const { ends, posts } = await playFleet({
      ...setting,
      inputs: { ...SWEEP, max_failures: '5' },
      runnersIn: ({ externalId = '' }) => [{ name: externalId }],
      prepare(_, github) {
        dead(github, ...github.runners.map(({ name }) => name));
      },
    });
    expect(Object.values(ends)).toEqual(Array(5).fill('github_api_failed'));
    expect(posts).toEqual([]);
  });
});

describe('used_by_job', () => {
  const USED = {
    used_by_job: 'test*',
    run_id: '7001',
    idle_for: '0s',
    max_parallel: '100%',
    wait_for_runner: 'false',
  };
  /** A run whose jobs ran on two of the runners, and ended a minute before the step begins. */
  const finished = {
    world: { vms: 4 },
    github: QUICK,
    preludeMs: 120_000,
    prepare(_: World, github: GitHubWorld) {
      github.runs.add({ jobs: ['test (14)', 'test (15)'].map((name) => ({ name, forMs: 55_000 })) });
    },
  };

  test('restarts the VMs on which the jobs ran, and no others', async () => {
    let used: string[] = [];
    const prepare = (world: World, github: GitHubWorld) => {
      finished.prepare(world, github);
      world.schedule(30_000, () => {
        used = github.runners.flatMap(({ name, jobs }) => (jobs.length > 0 ? [name] : []));
      });
    };
    const ended = await playFleet({ ...finished, inputs: USED, prepare });
    expect(used).toHaveLength(2);
    expect(ended.restarts.toSorted()).toEqual(used);
    expect(ended.outputs).toMatchObject({ restarted: 'true', error_code: '' });
  });

  test('reports a VM as restarted if it boots although the controller refused the restart', async () => {
    let world: World | undefined;
    const { ends, posts } = await playFleet({
      ...finished,
      inputs: { ...USED, used_by_job: 'test (14)' },
      prepare(given, github) {
        finished.prepare(given, github);
        world = given;
      },
      intervene({ path, body }) {
        if (!path.endsWith('/restart')) return undefined;
        const { instanceId = '' } = world?.records.find((one) => body.includes(one.instanceId)) ?? {};
        world?.restart(instanceId);
        return { status: 429, headers: { 'retry-after': '20' }, body: '' };
      },
    });
    expect([Object.values(ends), posts.length]).toEqual([['restarted'], 1]);
  });

  test.each([
    ['one VM', 'test (14)', 1],
    ['several VMs', 'test*', 2],
  ])('does not wait for one-job runners that have had their job: %s', async (_, used_by_job, vms) => {
    const ended = await playFleet({
      ...finished,
      inputs: { ...USED, used_by_job, runner_ephemeral: 'true', runner_timeout: '10m' },
      runnersIn: ({ externalId = '' }) => [{ name: externalId, takesOneJob: true }],
      prepare(world, github) {
        world.schedule(1_000, () => {
          for (const { instanceId } of world.records) world.restart(instanceId);
        });
        world.schedule(40_000, () => finished.prepare(world, github));
      },
    });
    expect([ended.outputs['restarted'], ended.posts.length]).toEqual(['true', vms]);
    expect(ended.posts[0]?.seconds).toBeLessThan(10);
  });

  test('skips VMs that were restarted since', async () => {
    const { ends, outputs, lines, posts } = await playFleet({
      ...finished,
      inputs: { ...USED, used_by_job: 'test (14)' },
      prepare(world, github) {
        finished.prepare(world, github);
        world.schedule(80_000, () => {
          for (const { instanceId } of world.records) world.restart(instanceId);
        });
      },
    });
    expect([Object.values(ends), posts]).toEqual([['skipped'], []]);
    expect(outputs).toMatchObject({ restarted: 'false', error_code: '', remaining: '', matrix: '[]' });
    expect(lines.at(-1)).toMatch(
      /^The VM is left alone: The VM booted .* ago, and its job "test \(14\)" had/,
    );
  });

  test('waits for a job that is in progress on a VM', async () => {
    const { seconds, posts, github } = await playFleet({
      ...finished,
      inputs: { ...USED, used_by_job: 'test (14)' },
      prepare(_, given) {
        given.runs.add({ jobs: [{ name: 'test (14)', forMs: 180_000 }] });
      },
    });
    expect([posts.length, github.runners.flatMap(({ jobs }) => jobs.filter((job) => job.killedAt))]).toEqual([
      1,
      [],
    ]);
    expect(seconds).toBeGreaterThan(50);
  });

  test('reports each VM whose runner may also be in another VM', async () => {
    const ended = await playFleet({
      ...finished,
      inputs: { ...USED, runner_name: '{name}*' },
      prepare(world, github) {
        finished.prepare(world, github);
        for (const record of world.records) record.name = 'runner';
      },
    });
    const names = ended.results.map((result) => [result['error_code'], result['external_id']]);
    const both = ended.world.records.map(({ externalId }) => ['ambiguous_target', externalId]);
    expect([names, ended.posts]).toEqual([both, []]);
  });

  test('restarts nothing if no VM was used', async () => {
    const { outcome, outputs, lines } = await playFleet({
      ...finished,
      inputs: USED,
      prepare(_, github) {
        github.runs.add({ jobs: [{ name: 'test', forMs: 0, conclusion: 'skipped' }] });
      },
    });
    expect(outputs).toMatchObject({ restarted: 'false', error_code: '', results: '[]' });
    expect(lines.at(-1)).toBe('Job "test" names no VM: it was skipped');
    expect(titleOf(outcome)).toBe('No VM to restart');
  });

  test('fails if no job matches, and if there are more VMs than max_vms', async () => {
    const none = await playFleet({ ...finished, inputs: { ...USED, used_by_job: 'build' } });
    expect(none.outputs).toMatchObject({ restarted: 'false', error_code: 'job_not_found', results: '[]' });
    expect(none.outcome.error?.message).toContain('It has: test (14), test (15).');
    const many = await playFleet({ ...finished, inputs: { ...USED, max_vms: '1' } });
    expect([many.outputs['error_code'], many.posts]).toEqual(['invalid_input', []]);
  });
});

describe('restartFleet on its own', () => {
  const NEVER = new AbortController().signal;

  /** Two VMs, a and b: the restart of a is refused after 0.1 s, that of b leaves after a second. */
  function stage(dryRun: boolean, refuse: (instance: Instance) => void = () => {}) {
    const time = createVirtualTime(0);
    const left: string[] = [];
    const controller: Controller = {
      getInstance: async (id) => instance({ instanceId: id }),
      findInstances: async ({ id }) => [instance({ instanceId: id })],
      listInstances: async () => ({
        ...readList([]),
        matching: ({ id }) => [instance({ instanceId: id })],
      }),
      async tryRestart({ instanceId }, { onDeparture }) {
        const certain = { kind: 'not carried out', mayRepeat: false } as const;
        if (instanceId === 'a') {
          await time.clock.sleep(100, NEVER);
          return { ...certain, because: 'refused', error: new ActionError('restart_refused', 'No.') };
        }
        await time.clock.sleep(1_000, NEVER);
        const veto = onDeparture();
        if (veto?.kind === 'final') return { ...certain, because: 'held back', error: veto.error };
        left.push(instanceId);
        return { kind: 'accepted' };
      },
      externalIds: () => [],
      restartRetries: () => ({ after: () => ({ kind: 'give up', isFinal: true }) }),
      renewConnections() {},
      namesOf: () => [],
      getVersion: async () => undefined,
    };
    const job = { vncPassword: undefined, usbDevice: undefined, timeoutMs: 60_000, pollInterval: 1_000 };
    const targets = ['a', 'b'].map((id) => ({ by: 'instance_id', id }) as const);
    const limits = { maxVms: 2, maxParallel: { count: 2 }, maxFailures: { count: 0 } };
    const { log, lines } = keepLog();
    const context = { clock: time.clock, controller, log, signal: NEVER, guards: undefined, refuse };
    const play = () => restartFleet({ ...job, targets, ...limits, dryRun }, context);
    return { time, lines, left, play };
  }

  test('logs nothing more once it has ended', async () => {
    const { time, lines, play } = stage(true);
    const seen = await time.run(
      play().then(async () => {
        const before = lines.length;
        await time.clock.sleep(60_000, NEVER);
        return lines.slice(before);
      }),
    );
    expect(seen).toEqual([]);
  });

  test('does not restart a VM that the caller refuses', async () => {
    const { time, left, play } = stage(false, ({ instanceId }) => {
      if (instanceId === 'b') throw new ActionError('self_restart', 'The step runs in it.');
    });
    const { vms } = await time.run(play());
    expect(vms.map(({ error, leftAlone }) => error?.code ?? leftAlone?.why)).toEqual([
      'not started',
      'self_restart',
    ]);
    expect(left).toEqual([]);
  });

  test('sends no restart after too many failures, even with a slot', async () => {
    const { time, left, play } = stage(false);
    const { vms } = await time.run(play());
    expect(vms.map(({ error, leftAlone }) => error?.code ?? leftAlone?.why)).toEqual([
      'restart_refused',
      'not started',
    ]);
    expect(left).toEqual([]);
  });
});

describe('with guards', () => {
  const ORGANIZATION = { kind: 'organization', org: 'octo-org' } as const;

  interface Given {
    readonly vms: number;
    /** What is known of the first VM's runner; all others are idle. */
    readonly first?: 'busy' | 'unknown' | 'idle';
    /** What GitHub shows in each VM; it was not read where undefined. */
    readonly shown?: readonly (readonly Runner[] | undefined)[];
    readonly maxFailures?: FleetJob['maxFailures'];
    readonly runner?: FleetJob['runner'];
    readonly maxParallel?: number;
    /** Restarts the VMs that these used, instead of all. */
    readonly jobs?: readonly Job[];
  }

  /** The runners of a VM, of which only the registrations matter. */
  function withRunners(current: readonly Runner[]): VmRunners {
    const unused = () => {
      throw new Error('this test does not read them');
    };
    const registrations = createRegistrations(() => {});
    registrations.remember(current);
    return {
      ...{ registrations, sought: { name: exactly('mac-7'), scope: ORGANIZATION } },
      ...{ find: unused, read: unused, readShared: unused, readJobs: unused, missing: unused },
      lastFault: () => undefined,
    };
  }

  /** Several VMs; every restart is refused. Each runner is at the gate at once. */
  async function play({ vms, runner, maxParallel = 1, jobs, ...given }: Given) {
    const { first = 'busy', shown = [], maxFailures = { share: 1 } } = given;
    const time = createVirtualTime(0);
    const [lines, tried]: [string[], string[]] = [[], []];
    const [waits, lastJobs]: [boolean[], unknown[]] = [[], []];
    const find = async (id: string) => instance({ instanceId: id });
    const controller: Controller = {
      getInstance: find,
      findInstances: async ({ id }) => [await find(id)],
      listInstances: async () => ({
        ...readList([]),
        readable: () => targets.map(({ id }) => instance({ instanceId: id })),
        matching: ({ id }) => [instance({ instanceId: id })],
      }),
      async tryRestart({ instanceId }) {
        tried.push(instanceId);
        const error = new ActionError('restart_refused', 'No.');
        return { kind: 'not carried out', mayRepeat: false, because: 'refused', error };
      },
      restartRetries: () => ({ after: () => ({ kind: 'give up', isFinal: true }) }),
      renewConnections() {},
      namesOf: () => [],
      externalIds: () => [],
      getVersion: async () => undefined,
    };
    const guards: Guards = {
      guardFor({ onWait, lastJob }) {
        lastJobs.push(lastJob);
        const index = waits.push(onWait !== undefined) - 1;
        const current = shown[index];
        const gate: RunnerGate = {
          untilIdle: async () => {},
          stillIdle: async () => true,
          passOrWait: async () => true,
          rehearse: async () => true,
          runners: () => current && withRunners(current),
          occupancy: () => (index === 0 ? first : 'idle'),
        };
        const status = { status: undefined, backAt: undefined };
        return { gate, afterRestart: async (outcome) => ({ ...outcome, runner: status }) };
      },
      runnerNameOf: ({ instanceId }) => instanceId,
      isRunnerIn: ({ instanceId }, name) => instanceId === name,
      readRun: async () => ({ jobs: jobs ?? [], readAt: 0 }),
      close: async () => {},
    };
    const log = { info: (line: string) => void lines.push(line), debug() {}, warning() {} };
    const { signal } = new AbortController();
    const targets = Array.from(
      { length: vms },
      (_, index) => ({ by: 'instance_id', id: `vm-${index}` }) as const,
    );
    const limits = { maxVms: 99, maxParallel: { count: maxParallel }, maxFailures };
    const job = { vncPassword: undefined, usbDevice: undefined, timeoutMs: 60_000, pollInterval: 1_000 };
    const context = { clock: time.clock, controller, log, signal, guards, refuse() {} };
    const usedByJob = jobs && { patterns: ['*'], runId: 17, own: { runId: 17, runnerName: 'hosted-1' } };
    await time.run(restartFleet({ ...job, targets, usedByJob, ...limits, dryRun: false, runner }, context));
    return { tried, waits, lastJobs, first: lines[0] };
  }

  test('a guard is passed whether the last job of its VM has ended', async () => {
    const running = runningJob({ name: 'test (1)', runnerName: 'vm-1' });
    const ended = runningJob({ runnerName: 'vm-0', status: 'completed', completedAt: -1_000 });
    expect((await play({ vms: 2, jobs: [ended] })).lastJobs).toEqual([{ hasEnded: true }]);
    expect((await play({ vms: 2, jobs: [running] })).lastJobs).toEqual([{ hasEnded: false }]);
    expect((await play({ vms: 2, jobs: [ended, running] })).lastJobs).toEqual([
      { hasEnded: true },
      { hasEnded: false },
    ]);
    expect((await play({ vms: 2 })).lastJobs).toEqual([undefined, undefined]);
  });

  test.each<[string, FleetJob['runner'], string[]]>([
    ['come last in a sweep', { isSweep: true }, ['vm-0', 'vm-2', 'vm-3', 'vm-1']],
    ['keep their place otherwise', { isSweep: false }, ['vm-0', 'vm-1', 'vm-2', 'vm-3']],
    ['keep their place without options', undefined, ['vm-0', 'vm-1', 'vm-2', 'vm-3']],
  ])('VMs with a dead runner %s', async (_, runner, expected) => {
    const shown = [undefined, [offline, idle], undefined, [idle]];
    expect((await play({ vms: 4, first: 'idle', shown, ...(runner && { runner }) })).tried).toEqual(expected);
  });

  test('a refused restart stops the others in a sweep, too', async () => {
    const swept = await play({ vms: 3, first: 'idle', maxFailures: { count: 0 }, runner: { isSweep: true } });
    expect(swept.tried).toEqual(['vm-0']);
  });

  test.each(['busy', 'unknown'] as const)(
    'with a drain, a VM whose runner is %s gets its slot once no idle one waits for one, and keeps it',
    async (first) => {
      const drained = await play({ vms: 3, first, runner: { isSweep: false, drains: { runId: '1' } } });
      expect(drained.tried).toEqual(['vm-1', 'vm-2', 'vm-0']);
      expect(drained.waits).toEqual([false, false, false]);
      const plain = await play({ vms: 3, runner: { isSweep: false } });
      expect([plain.tried, plain.waits]).toEqual([
        // It queues a moment later than the first idle one.
        ['vm-1', 'vm-0', 'vm-2'],
        [true, true, true],
      ]);
    },
  );

  test('with a drain, at most 20 VMs hold a slot', async () => {
    const many = { vms: 25, maxParallel: 25 };
    const drained = await play({ ...many, runner: { isSweep: false, drains: { runId: '1' } } });
    expect(drained.first).toContain('at most 20 at a time');
    expect((await play({ ...many, runner: { isSweep: false } })).first).toContain('at most 25 at a time');
  });
});
