import { describe, expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import type { MemberOutcome } from '../../src/fleet/fleet-outcome.ts';
import { describeProgress, type VmProgress } from '../../src/fleet/progress.ts';
import type { Phase } from '../../src/fleet/turns.ts';
import { NOTHING_DONE } from '../../src/restart/outcome.ts';
import type { Occupancy } from '../../src/runner/occupancy.ts';

const NOW = 100_000;

function vm(phase: Phase, known: Partial<MemberOutcome> = {}, runner?: Occupancy['kind']): VmProgress {
  return { phase, known: { ...NOTHING_DONE, name: 'a', endedAt: undefined, ...known }, runner };
}

function ended(known: Partial<MemberOutcome> = {}): VmProgress {
  return vm('ended', { endedAt: 30_000, ...known });
}

const restarted = ended({ restarted: 'true', moments: { cleared: 0, sent: 1_000 } });
const failed = ended({ error: new ActionError('not_running', 'No.') });
const unknown = ended({ restarted: 'unknown', error: new ActionError('timed_out', 'No.') });
const skipped = ended({ leftAlone: 'skipped' });
const notStarted = ended({ leftAlone: 'not_started' });
const ready = vm('ready');

/** Under way for so long. */
function underWay(ms: number, known: Partial<MemberOutcome> = {}): VmProgress {
  return vm('under way', { restarted: 'unknown', moments: { sent: NOW - ms }, ...known });
}

function times(count: number, one: VmProgress): VmProgress[] {
  return Array<VmProgress>(count).fill(one);
}

function describeFleet(vms: readonly VmProgress[], places = 1): string {
  return describeProgress({ vms, places, now: NOW });
}

describe('how far a fleet is', () => {
  test.each<[string, VmProgress[], number]>([
    ['0 of 3 restarted, 0 under way, 3 to go', times(3, vm('preparing')), 1],
    ['0 of 3 restarted, 1 under way, 2 to go', [underWay(0), ready, ready], 1],
    ['1 of 3 restarted, 1 under way, 1 to go, about 50 s left', [restarted, underWay(10_000), ready], 1],
    [
      '1 of 5 restarted, 1 under way, 2 failed, 1 skipped, 0 to go, about 20 s left',
      [restarted, failed, unknown, skipped, underWay(12_000)],
      2,
    ],
    [
      '2 of 40 restarted, 3 under way, 35 to go, about 6 min left',
      [restarted, restarted, ...times(3, underWay(15_000)), ...times(35, ready)],
      3,
    ],
    ['1 of 3 restarted, 0 under way, 2 not started, 0 to go', [restarted, notStarted, notStarted], 1],
    // How long a job runs nobody knows.
    ['1 of 3 restarted, 0 under way, 2 to go', [restarted, ready, vm('waiting')], 1],
    ['0 of 2 restarted, 0 under way, 1 failed, 1 to go', [failed, ready], 1],
    // How soon it failed says nothing of the others.
    [
      '1 of 3 restarted, 0 under way, 1 failed, 1 to go, about 30 s left',
      [restarted, ended({ error: new ActionError('timed_out', 'No.'), moments: { sent: 29_000 } }), ready],
      1,
    ],
    ['1 of 4 restarted, 0 under way, 3 to go, about 2 min left', [restarted, ready, ready, ready], 1],
  ])('%s', (line, vms, places) => {
    expect(describeFleet(vms, places)).toBe(line);
  });

  test('who never asked the gate is reckoned from its sending', () => {
    const sent = ended({ restarted: 'true', moments: { sent: 10_000 } });
    expect(describeFleet([sent, ready])).toBe('1 of 2 restarted, 0 under way, 1 to go, about 20 s left');
  });

  test('of who has a place, but whose restart has not left, all its time is to come', () => {
    expect(describeFleet([restarted, vm('under way')])).toBe(
      '1 of 2 restarted, 1 under way, 0 to go, about 30 s left',
    );
  });

  test('the time that is left grows less, and is told no more once one takes far longer than the others', () => {
    expect(describeFleet([restarted, underWay(20_000)])).toMatch(/about 10 s left$/);
    expect(describeFleet([restarted, underWay(60_000)])).toMatch(/about 10 s left$/);
    expect(describeFleet([restarted, underWay(60_001)])).toBe('1 of 2 restarted, 1 under way, 0 to go');
  });

  test('no time is told by those whose beginning or end is not known', () => {
    const timeless = ended({ restarted: 'true' });
    const goingOn = underWay(1_000, { restarted: 'true' });
    expect(describeFleet([timeless, goingOn])).toMatch(/0 to go$/);
  });
});

describe('why a fleet stands still', () => {
  const busy = (name: string) => vm('waiting', { name }, 'busy');

  test('those that are restarted, and whose guest or runner is waited for, are told of', () => {
    const verified = underWay(9_000, { restarted: 'true' });
    expect(describeFleet([verified, verified, underWay(1_000)], 3)).toBe(
      '0 of 3 restarted, 3 under way (2 restarted, not yet back), 0 to go',
    );
  });

  test('runners are told of that have a job, or may have one', () => {
    const vms = [
      busy('b'),
      vm('waiting', {}, 'settling'),
      vm('waiting', {}, 'settling'),
      vm('waiting', {}, 'unknown'),
      vm('waiting', {}, 'idle'),
    ];
    expect(describeFleet(vms)).toBe(
      '0 of 5 restarted, 0 under way, 5 to go (2 seen idle, but not for idle_for yet; 1 with a job: b; 1 that GitHub tells nothing of)',
    );
  });

  test('of many with a job some are named', () => {
    expect(describeFleet(['b', 'c', 'd'].map(busy))).toMatch(/3 to go \(3 with a job: b, c, d\)$/);
    expect(describeFleet(['b', 'c', 'd', 'e'].map(busy))).toMatch(/\(4 with a job: b, c, d and 1 more\)$/);
  });

  test('what a runner did before its VM had a place is nothing to tell', () => {
    expect(describeFleet([vm('ready', {}, 'busy'), vm('under way', {}, 'settling')])).toBe(
      '0 of 2 restarted, 1 under way, 1 to go',
    );
  });
});
