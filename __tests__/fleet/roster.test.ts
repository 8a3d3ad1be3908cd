import { expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import { countKinds, type FleetOutcome, kindOf, restartedOf } from '../../src/fleet/fleet-outcome.ts';
import type { VmOutcome } from '../../src/fleet/one-vm.ts';
import { createRoster } from '../../src/fleet/roster.ts';
import { NOTHING_DONE } from '../../src/restart/outcome.ts';
import { createFakeClock } from '../support/fake-clock.ts';

const restarted: VmOutcome = { ...NOTHING_DONE, restarted: 'true' };
const departing: VmOutcome = { ...NOTHING_DONE, restarted: 'unknown' };
const failed: VmOutcome = { ...NOTHING_DONE, error: new ActionError('not_running', 'No.') };

function stage(vms: number) {
  const told: string[] = [];
  const members = Array.from({ length: vms }, (_, index) => {
    return { name: `vm-${index}`, target: { by: 'external_id', id: `vm-${index}` } as const };
  });
  let isBroken = false;
  const announce = (outcome: FleetOutcome) => {
    if (isBroken) throw new Error('the disk is full');
    told.push(outcome.vms.map((vm) => kindOf(vm).charAt(0)).join(''));
  };
  const roster = createRoster({
    members,
    clock: createFakeClock(),
    announce,
    isDryRun: false,
    mostFailures: 0,
  });
  return {
    roster,
    told,
    breakDisk: (isSo: boolean) => {
      isBroken = isSo;
    },
  };
}

test('before each restart leaves, all is told that is known', () => {
  const { roster, told } = stage(3);
  roster.end(2, failed);
  roster.depart(0, departing);
  roster.end(0, restarted);
  roster.depart(1, departing);
  // A further try of the same restart is no news.
  roster.depart(1, departing);
  expect(told).toEqual(['unf', 'ruf']);
  const { vms, error } = roster.outcome();
  expect(vms.map(({ endedAt }) => endedAt)).toEqual([1_000, undefined, 1_000]);
  expect(error?.code).toBe('not_running');
});

test('of a large fleet the next ones are told of, too, so that all is told anew only now and then', () => {
  const { roster, told } = stage(101);
  for (let index = 0; index < 101; index++) roster.depart(index, departing);
  expect(told).toHaveLength(34);
  expect(told[0]?.slice(0, 5)).toBe('uuunn');
  expect(told[1]?.slice(0, 8)).toBe('uuuuuunn');
});

test('who has ended is neither unsure any more, nor one of the next ones', () => {
  const { roster, told } = stage(2);
  roster.depart(0, { ...departing, moments: { sent: 5 } });
  expect(roster.outcome().vms[0]?.moments).toEqual({ sent: 5 });
  roster.end(0, failed);
  roster.depart(1, departing);
  expect(told).toEqual(['un', 'fu']);
  const large = stage(101);
  large.roster.end(1, failed);
  large.roster.depart(0, departing);
  expect(large.told[0]?.slice(0, 5)).toBe('ufuun');
});

test('a VM that is verified stays so, though its guest or runner is still waited for', () => {
  const { roster, told } = stage(2);
  roster.depart(0, departing);
  roster.restarted(0, restarted);
  roster.depart(1, departing);
  expect(told).toEqual(['un', 'ru']);
});

test('what cannot be told is tried again with the next try', () => {
  const { roster, told, breakDisk } = stage(2);
  breakDisk(true);
  expect(() => roster.depart(0, departing)).toThrow('the disk is full');
  breakDisk(false);
  roster.depart(0, departing);
  expect(told).toEqual(['un']);
});

test('nobody has to be told', () => {
  const roster = createRoster({ members: [], clock: createFakeClock(), isDryRun: false, mostFailures: 0 });
  roster.depart(7, departing);
  expect(roster.outcome()).toEqual({ vms: [], error: undefined, isDryRun: false, mostFailures: 0 });
});

test.each<[Partial<VmOutcome>, string]>([
  [{ restarted: 'true' }, 'restarted'],
  [{ restarted: 'true', error: new ActionError('runner_not_back', 'No.') }, 'failed'],
  [{ restarted: 'unknown' }, 'unknown'],
  [{ restarted: 'unknown', error: new ActionError('cancelled', 'No.') }, 'unknown'],
  [{ error: new ActionError('not_running', 'No.') }, 'failed'],
  [{ error: new ActionError('cancelled', 'No.') }, 'not_started'],
  [{ error: new ActionError('cancelled', 'No.'), moments: { sent: 1 } }, 'failed'],
  [{ leftAlone: 'skipped' }, 'skipped'],
  [{ leftAlone: 'not_started' }, 'not_started'],
  [{}, 'not_started'],
])('%j is %s', (changes, kind) => {
  expect(kindOf({ ...NOTHING_DONE, ...changes })).toBe(kind);
});

test('kinds are counted', () => {
  expect(countKinds([restarted, failed, departing, departing])).toEqual({
    restarted: 1,
    failed: 1,
    skipped: 0,
    not_started: 0,
    unknown: 2,
  });
});

const skipped: VmOutcome = { ...NOTHING_DONE, leftAlone: 'skipped' };

test.each<[string, VmOutcome[]]>([
  ['true', [restarted, skipped, restarted]],
  ['false', [restarted, failed]],
  ['false', [skipped]],
  ['false', []],
  ['unknown', [restarted, departing, failed]],
])('all together restarted: %s', (expected, vms) => {
  expect(restartedOf(vms)).toBe(expected);
});
