import { describe, expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import { describeEnd, describeFleet, describeProgress, type VmProgress } from '../../src/fleet/fleet-log.ts';
import type { SlotState } from '../../src/fleet/slots.ts';
import { nothingKnown, type VmOutcome } from '../../src/fleet/step-outcome.ts';
import { LeftAlone } from '../../src/restart/outcome.ts';
import type { Occupancy } from '../../src/runner/occupancy.ts';

const NOW = 100_000;

function vm(state: SlotState, known: Partial<VmOutcome> = {}, runner?: Occupancy['kind']): VmProgress {
  return { state, known: { ...nothingKnown({ name: 'a', target: undefined }), ...known }, runner };
}

function ended(known: Partial<VmOutcome> = {}): VmProgress {
  return vm('ended', { endedAt: 30_000, ...known });
}

const restarted = ended({ restarted: 'true', moments: { gateAnswered: 0, sent: 1_000 } });
const failed = vm('failed', { endedAt: 30_000, error: new ActionError('not_running', 'No.') });
const unknown = ended({ restarted: 'unknown', error: new ActionError('timed_out', 'No.') });
const skipped = ended({ leftAlone: new LeftAlone('busy') });
const notStarted = ended({ leftAlone: new LeftAlone('not started') });
const ready = vm('queued');

/** In progress for this long. */
function inProgress(ms: number, known: Partial<VmOutcome> = {}): VmProgress {
  return vm('restarting', { restarted: 'unknown', moments: { sent: NOW - ms }, ...known });
}

function times(count: number, one: VmProgress): VmProgress[] {
  return Array<VmProgress>(count).fill(one);
}

function progressLine(vms: readonly VmProgress[], slots = 1): string {
  return describeProgress({ vms, slots, now: NOW });
}

test.each([
  [0, 'the first failure'],
  [1, 'more than 1 failure'],
  [2, 'more than 2 failures'],
])('with max_failures %i, restarts stop after %s', (mostFailures, limit) => {
  expect(describeFleet(12, { slots: 3, mostFailures })).toBe(
    `12 VMs, at most 3 at a time; after ${limit} no new restart starts`,
  );
});

describe('how far a fleet is', () => {
  test.each<[string, VmProgress[], number]>([
    ['0 of 3 done, 0 in progress, 3 to go', times(3, vm('preparing')), 1],
    ['0 of 3 done, 1 in progress, 2 to go', [inProgress(0), ready, ready], 1],
    ['1 of 3 done, 1 in progress, 1 to go, about 50 s left', [restarted, inProgress(10_000), ready], 1],
    [
      '1 of 5 done, 1 in progress, 1 failed, 1 not verified, 1 skipped, 0 to go, about 20 s left',
      [restarted, failed, unknown, skipped, inProgress(12_000)],
      2,
    ],
    [
      '2 of 40 done, 3 in progress, 35 to go, about 6 min left',
      [restarted, restarted, ...times(3, inProgress(15_000)), ...times(35, ready)],
      3,
    ],
    ['1 of 3 done, 0 in progress, 2 not started, 0 to go', [restarted, notStarted, notStarted], 1],
    // The duration of a job is unknown.
    ['1 of 3 done, 0 in progress, 2 to go', [restarted, ready, vm('waiting')], 1],
    ['0 of 2 done, 0 in progress, 1 failed, 1 to go', [failed, ready], 1],
    // Its time to failure says nothing about the others.
    [
      '1 of 3 done, 0 in progress, 1 failed, 1 to go, about 30 s left',
      [restarted, ended({ error: new ActionError('timed_out', 'No.'), moments: { sent: 29_000 } }), ready],
      1,
    ],
    ['1 of 4 done, 0 in progress, 3 to go, about 2 min left', [restarted, ready, ready, ready], 1],
  ])('%s', (line, vms, slots) => {
    expect(progressLine(vms, slots)).toBe(line);
  });

  test('a VM that never asked a gate counts from its request', () => {
    const sent = ended({ restarted: 'true', moments: { sent: 10_000 } });
    expect(progressLine([sent, ready])).toBe('1 of 2 done, 0 in progress, 1 to go, about 20 s left');
  });

  test('a VM with a slot, but without a request, counts with the full time', () => {
    expect(progressLine([restarted, vm('restarting')])).toBe(
      '1 of 2 done, 1 in progress, 0 to go, about 30 s left',
    );
  });

  test('the time left shrinks, and is no longer estimated once one VM takes far longer than the others', () => {
    expect(progressLine([restarted, inProgress(20_000)])).toMatch(/about 10 s left$/);
    expect(progressLine([restarted, inProgress(60_000)])).toMatch(/about 10 s left$/);
    expect(progressLine([restarted, inProgress(60_001)])).toBe('1 of 2 done, 1 in progress, 0 to go');
  });

  test('VMs without a known beginning or end allow no estimate', () => {
    const timeless = ended({ restarted: 'true' });
    const goingOn = inProgress(1_000, { restarted: 'true' });
    expect(progressLine([timeless, goingOn])).toMatch(/0 to go$/);
  });
});

describe('why a fleet makes no progress', () => {
  const busy = (name: string) => vm('waiting', { name }, 'busy');

  test('the line says how many VMs have rebooted, and what is missing', () => {
    const verified = inProgress(9_000, { restarted: 'true' });
    expect(progressLine([{ ...verified, runner: 'idle' }])).toBe(
      '0 of 1 done, 1 in progress (1 rebooted, runner not back yet), 0 to go',
    );
    expect(progressLine([{ ...verified, runner: 'idle' }, verified])).toBe(
      '0 of 2 done, 2 in progress (2 rebooted, runner not back yet), 0 to go',
    );
    expect(progressLine([verified, verified, inProgress(1_000)], 3)).toBe(
      '0 of 3 done, 3 in progress (2 rebooted, guest not up yet), 0 to go',
    );
  });

  test('the line says which runners have a job, or may have one', () => {
    const vms = [
      busy('b'),
      vm('waiting', {}, 'settling'),
      vm('waiting', {}, 'settling'),
      vm('waiting', {}, 'unknown'),
      vm('waiting', {}, 'idle'),
    ];
    expect(progressLine(vms)).toBe(
      '0 of 5 done, 0 in progress, 5 to go (2 idle, but not yet for idle_for; 1 with a job: b; 1 about which GitHub gives no usable answer)',
    );
  });

  test('the line names a few of many VMs with a job', () => {
    expect(progressLine(['b', 'c', 'd'].map(busy))).toMatch(/3 to go \(3 with a job: b, c, d\)$/);
    expect(progressLine(['b', 'c', 'd', 'e'].map(busy))).toMatch(/\(4 with a job: b, c, d and 1 more\)$/);
  });

  test('the line ignores what a runner did before its VM was queued', () => {
    expect(progressLine([vm('queued', {}, 'busy'), vm('restarting', {}, 'settling')])).toBe(
      '0 of 2 done, 1 in progress, 1 to go',
    );
  });
});

test.each<[Partial<VmOutcome>, string | undefined]>([
  [{ restarted: 'true' }, undefined],
  [{}, undefined],
  [{ leftAlone: new LeftAlone('busy', 'It is busy') }, 'skipped: It is busy'],
  [{ leftAlone: new LeftAlone('busy') }, 'skipped: '],
  [
    { restarted: 'true', error: new ActionError('cancelled', 'Stop.'), moments: { sent: 1 } },
    'restarted: cancelled: Stop.',
  ],
  [{ leftAlone: new LeftAlone('not started') }, undefined],
  [{ error: new ActionError('cancelled', 'Stop.') }, undefined],
  [{ error: new ActionError('not_running', 'No.') }, 'failed: not_running: No.'],
  [{ restarted: 'unknown', error: new ActionError('timed_out', 'No.') }, 'not verified: timed_out: No.'],
])('%j ends with %p', (known, line) => {
  expect(describeEnd(vm('ended', known).known)).toBe(line);
});
