import { describe, expect, test } from '@jest/globals';
import { playSurvey, type SurveySetting } from '../support/virtual-survey.ts';

// With --restart the survey restarts one VM through the action's own code, and reports what it saw.

const GUEST: SurveySetting = { restarts: true, guestBootMs: 20_000 };

test('restarts the one VM, once, and proves it', async () => {
  const { facts, report, world, record, requests } = await playSurvey({ restarts: true });
  expect(requests.filter((request) => request.startsWith('POST'))).toEqual(['POST /api/v1/rpc/vm/restart']);
  expect(world.restarts).toEqual([record.instanceId]);
  expect(facts.restart).toMatchObject({ restarted: 'true', errorCode: undefined, errorMs: 0, vanished: 0 });
  expect(facts.restart?.answer).toEqual({ status: 200, envelope: 'OK' });
  expect(facts.restart?.passing.at(-1)).toMatchObject({
    state: 'Started',
    status: 'running',
    isNewBoot: true,
  });
  expect(JSON.parse(report.json).differences).toEqual([]);
});

test('does not if the user says no', async () => {
  const { facts, world, requests, lines } = await playSurvey({ restarts: true, isConfirmed: false });
  expect(requests.filter((request) => request.startsWith('POST'))).toEqual([]);
  expect(world.restarts).toEqual([]);
  expect(lines).toContain('Nothing was restarted');
  expect(facts.restart).toBeUndefined();
  expect(facts.nodes[0]?.heartbeat?.periodMs).toBeDefined();
});

test('does not ask if it need not', async () => {
  const { world } = await playSurvey({ restarts: true, isConfirmed: false, args: ['--yes'] });
  expect(world.restarts).toHaveLength(1);
});

test.each([
  [1_000, 1_000],
  [4_000, 3_000],
  [1_000, 15_000],
])('finds when it stopped (%i ms) and booted (%i ms later), within a second', async (stopMs, startMs) => {
  const { facts } = await playSurvey({ restarts: true, world: { stopMs, startMs, pickUpMs: 0 } });
  const { stoppedAfterMs = Number.NaN, bootedAfterMs = Number.NaN } = facts.restart ?? {};
  expect(Math.abs(stoppedAfterMs - stopMs)).toBeLessThan(1_000);
  expect(Math.abs(bootedAfterMs - stopMs - startMs)).toBeLessThan(1_000);
});

test('a boot that takes longer than the simulator takes for granted is marked', async () => {
  const { report } = await playSurvey({ restarts: true, world: { startMs: 8_000 } });
  expect(JSON.parse(report.json).differences).toContain('booted after');
});

describe('a version that flaps', () => {
  test('shows Error for a short time, and vanishes for a moment', async () => {
    const { facts, report } = await playSurvey({ restarts: true, world: { controllerVersion: '1.46.0' } });
    expect(facts.restart?.restarted).toBe('true');
    expect(facts.restart?.errorMs).toBeGreaterThan(0);
    expect(facts.restart?.vanished).toBeGreaterThan(0);
    expect(facts.restart?.passing.map(({ state }) => state)).toContain('Error');
    expect(facts.restart?.passing.map(({ status }) => status)).toContain('deleted');
    expect(JSON.parse(report.json).differences).toEqual([]);
  });

  test('though it should not is marked', async () => {
    const { report } = await playSurvey({
      restarts: true,
      world: { controllerVersion: '1.46.0' },
      change: (reaction) => ({ ...reaction, body: reaction.body.replaceAll('1.46.0', '1.50.1') }),
    });
    expect(JSON.parse(report.json).differences).toEqual(
      expect.arrayContaining([
        '`Error` for a short time',
        'answers without the instance',
        'status `deleted` for a short time',
      ]),
    );
  });
});

describe('reports out of turn', () => {
  test.each([1, 0])('after every task, or none: %i', async (earlyReports) => {
    const { facts, report } = await playSurvey({
      restarts: true,
      world: { earlyReports, heartbeatMs: 20_000 },
    });
    expect(facts.restart?.isReportedOutOfTurn).toBe(earlyReports === 1);
    expect(JSON.parse(report.json).differences.includes('an early report of the boot')).toBe(
      earlyReports === 1,
    );
  });
});

describe('ports and the guest', () => {
  test('ports that move', async () => {
    const { facts, report } = await playSurvey({ ...GUEST, world: { reassignsPorts: true } });
    expect(facts.restart?.ports).toEqual({
      forwarded: 2,
      changed: 1,
      isSshChanged: true,
      isVncChanged: false,
    });
    expect(facts.restart?.guest?.bannerAfterMs).toBeGreaterThan(20_000);
    expect(JSON.parse(report.json).differences).toContain('forwarded ports that changed');
  });

  test('ports that stay', async () => {
    const { facts } = await playSurvey(GUEST);
    expect(facts.restart?.ports).toEqual({
      forwarded: 2,
      changed: 0,
      isSshChanged: false,
      isVncChanged: false,
    });
  });

  test.each([
    ['refused', 0],
    ['silent', 15],
  ] as const)('a forwarder before the guest is up: %s', async (forwarder, fewest) => {
    const { facts, report } = await playSurvey({ ...GUEST, forwarder });
    const { before, acceptedAfterMs = 0, bannerAfterMs = 0, silent } = facts.restart?.guest ?? {};
    expect(before).toBe('banner');
    expect(bannerAfterMs).toBeGreaterThan(21_000);
    expect(bannerAfterMs).toBeLessThan(25_000);
    expect(silent).toBeGreaterThanOrEqual(fewest);
    expect(bannerAfterMs - acceptedAfterMs > 10_000).toBe(forwarder === 'silent');
    expect(report.markdown).toContain('guest_check: ssh');
    expect(report.markdown).toContain('guest_timeout: 1m');
  });

  test('the survey waits five minutes for an SSH server that never comes back', async () => {
    const { facts, tookMs } = await playSurvey({ ...GUEST, forwarder: 'silent', guestStaysAway: true });
    expect(facts.restart?.guest).toMatchObject({ before: 'banner', bannerAfterMs: undefined });
    expect(tookMs).toBeGreaterThan(300_000);
    expect(tookMs).toBeLessThan(450_000);
  });

  test('nodes that can be reached, and VMs whose SSH does not answer', async () => {
    const reached = await playSurvey({ guestBootMs: 1 });
    expect(reached.facts.nodes.map(({ reach }) => reach)).toEqual(['banner', 'banner']);
    const refused = await playSurvey();
    expect(refused.facts.nodes.map(({ reach }) => reach)).toEqual(['refused', 'refused']);
    const unreachable = await playSurvey({ forwarder: 'unreachable' });
    expect(unreachable.report.markdown).toContain('This machine cannot reach node A');
  });
});

describe('the GitHub runner', () => {
  const RUNNERS: SurveySetting = { restarts: true, runners: true };

  test('goes, still shows online for a while, and comes back', async () => {
    const { facts, report } = await playSurvey(RUNNERS);
    expect(facts.runner).toMatchObject({
      matches: 1,
      wasOnline: true,
      wasBusy: false,
      isNewRegistration: false,
    });
    expect(facts.runner?.offlineAfterMs).toBeGreaterThan(85_000);
    expect(facts.runner?.offlineAfterMs).toBeLessThan(105_000);
    expect(facts.runner?.onlineAfterMs).toBeGreaterThan(facts.runner?.offlineAfterMs ?? Number.NaN);
    expect(facts.runner?.status).toBe('online');
    expect(JSON.parse(report.json).differences).toEqual([]);
    expect(report.markdown).toContain('    runner_name: "{external_id}"');
    expect(report.markdown).not.toContain('# runner_name');
  });

  test('is missing from the step to paste if none was given, so a comment shows the inputs', async () => {
    const { report } = await playSurvey({});
    expect(report.markdown).toContain('    # runner_name: "{external_id}"');
    expect(report.markdown).toContain(`    # github_token: \${{ secrets.RUNNER_READ_TOKEN }}`);
  });
});

describe('a restart that does not go well', () => {
  test('agents that never carry it out', async () => {
    const { facts, report } = await playSurvey({
      restarts: true,
      world: { agentsAreStuck: true },
      environment: { INPUT_TIMEOUT: '1m' },
    });
    expect(facts.restart).toMatchObject({ restarted: 'unknown', errorCode: 'timed_out' });
    expect(report.markdown).toContain('The restart was not verified (timed_out)');
  });

  test('a controller that does not know the call', async () => {
    const { facts, world } = await playSurvey({ restarts: true, world: { controllerVersion: '1.43.0' } });
    expect(facts.restart).toBeUndefined();
    expect(world.restarts).toEqual([]);
  });

  test('Ctrl-C in the middle of it', async () => {
    const { facts, tookMs } = await playSurvey({ restarts: true, interruptAfterMs: 62_000 });
    expect(tookMs).toBeLessThan(63_000);
    expect(facts.restart).toMatchObject({ restarted: 'unknown', errorCode: 'cancelled' });
  });
});
