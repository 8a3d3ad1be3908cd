import { expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import {
  countKinds,
  createOutcomesSoFar,
  failedStep,
  nothingKnown,
  numberOfVms,
  restartedOf,
  resultKindOf,
  type StepOutcome,
  theOnlyVm,
  type VmOutcome,
  wasCancelled,
} from '../../src/fleet/step-outcome.ts';
import { LeftAlone } from '../../src/restart/outcome.ts';

const NOTHING_DONE = nothingKnown({ name: 'mac', target: undefined });

const restarted: VmOutcome = { ...NOTHING_DONE, restarted: 'true', endedAt: 2_000 };
const departing: VmOutcome = { ...NOTHING_DONE, restarted: 'unknown' };
const failed: VmOutcome = { ...NOTHING_DONE, endedAt: 1_000, error: new ActionError('not_running', 'No.') };

function stage(vms: number) {
  const announced: string[] = [];
  const members = Array.from({ length: vms }, (_, index) => {
    return { name: `vm-${index}`, target: { by: 'external_id', id: `vm-${index}` } as const };
  });
  let isBroken = false;
  const announce = (outcome: StepOutcome) => {
    if (isBroken) throw new Error('the disk is full');
    announced.push(outcome.vms.map((vm) => resultKindOf(vm).charAt(0)).join(''));
  };
  const outcomes = createOutcomesSoFar({
    members,
    announce,
    isDryRun: false,
    mostFailures: 0,
  });
  return {
    outcomes,
    announced,
    breakDisk: (isSo: boolean) => {
      isBroken = isSo;
    },
  };
}

test('everything known is announced before each restart is sent', () => {
  const { outcomes, announced } = stage(3);
  outcomes.end(2, failed);
  outcomes.depart(0, departing);
  outcomes.end(0, restarted);
  outcomes.depart(1, departing);
  // Another attempt of the same restart changes nothing.
  outcomes.depart(1, departing);
  expect(announced).toEqual(['unf', 'ruf']);
  const { vms, error } = outcomes.ofStep();
  expect(vms.map(({ endedAt }) => endedAt)).toEqual([2_000, undefined, 1_000]);
  expect(error?.code).toBe('not_running');
});

test('with many VMs, an announcement includes the next ones, so that few announcements are needed', () => {
  const { outcomes, announced } = stage(101);
  for (let index = 0; index < 101; index++) outcomes.depart(index, departing);
  expect(announced).toHaveLength(34);
  expect(announced[0]?.slice(0, 5)).toBe('uuunn');
  expect(announced[1]?.slice(0, 8)).toBe('uuuuuunn');
});

test('with very many VMs, announcements are even fewer: each takes time for each VM', () => {
  const { outcomes, announced } = stage(2_000);
  for (let index = 0; index < 2_000; index++) outcomes.depart(index, departing);
  expect(announced).toHaveLength(20);
});

test('a VM that has ended is neither announced as unknown, nor one of the next ones', () => {
  const { outcomes, announced } = stage(2);
  outcomes.depart(0, { ...departing, moments: { sent: 5 } });
  expect(outcomes.ofStep().vms[0]?.moments).toEqual({ sent: 5 });
  outcomes.end(0, failed);
  outcomes.depart(1, departing);
  expect(announced).toEqual(['un', 'fu']);
  const large = stage(101);
  large.outcomes.end(1, failed);
  large.outcomes.depart(0, departing);
  expect(large.announced[0]?.slice(0, 5)).toBe('ufuun');
});

test('a verified VM stays verified while the step waits for its guest or runner', () => {
  const { outcomes, announced } = stage(2);
  outcomes.depart(0, departing);
  outcomes.note(0, { ...departing, restarted: 'true' });
  outcomes.depart(1, departing);
  expect(announced).toEqual(['un', 'ru']);
});

test('an announcement that failed is repeated at the next attempt', () => {
  const { outcomes, announced, breakDisk } = stage(2);
  breakDisk(true);
  expect(() => outcomes.depart(0, departing)).toThrow('the disk is full');
  breakDisk(false);
  outcomes.depart(0, departing);
  expect(announced).toEqual(['un']);
});

test('the outcomes also work without an announcer', () => {
  const outcomes = createOutcomesSoFar({ members: [], isDryRun: false, mostFailures: 0 });
  outcomes.depart(7, departing);
  expect(outcomes.ofStep()).toEqual({ vms: [], error: undefined, isDryRun: false, mostFailures: 0 });
});

test.each<[Partial<VmOutcome>, string]>([
  [{ restarted: 'true' }, 'restarted'],
  [{ restarted: 'true', error: new ActionError('runner_not_back', 'No.') }, 'failed'],
  [{ restarted: 'unknown' }, 'unknown'],
  [{ restarted: 'unknown', error: new ActionError('cancelled', 'No.') }, 'unknown'],
  [{ error: new ActionError('not_running', 'No.') }, 'failed'],
  [{ error: new ActionError('cancelled', 'No.') }, 'not_started'],
  [{ error: new ActionError('cancelled', 'No.'), moments: { sent: 1 } }, 'failed'],
  [{ restarted: 'true', error: new ActionError('cancelled', 'No.'), moments: { sent: 1 } }, 'restarted'],
  [{ leftAlone: new LeftAlone('busy') }, 'skipped'],
  [{ leftAlone: new LeftAlone('needless') }, 'skipped'],
  [{ leftAlone: new LeftAlone('not running') }, 'skipped'],
  [{ leftAlone: new LeftAlone('not started') }, 'not_started'],
  [{}, 'not_started'],
])('%j is %s', (changes, kind) => {
  expect(resultKindOf({ ...NOTHING_DONE, ...changes })).toBe(kind);
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

const WHOLE: StepOutcome = { vms: [], isDryRun: false, mostFailures: 0, error: undefined };
const skipped: VmOutcome = { ...NOTHING_DONE, leftAlone: new LeftAlone('busy') };

test.each<[string, VmOutcome[]]>([
  ['true', [restarted, skipped, restarted]],
  ['false', [restarted, failed]],
  ['false', [skipped]],
  ['false', []],
  ['unknown', [restarted, departing, failed]],
])('all together restarted: %s', (expected, vms) => {
  expect(restartedOf(vms)).toBe(expected);
});

test('a step was canceled if one of its VMs was', () => {
  const cancelled: VmOutcome = { ...restarted, error: new ActionError('cancelled', 'No.') };
  expect(
    [[restarted, cancelled], [cancelled], [restarted, failed], []].map((vms) =>
      wasCancelled({ ...WHOLE, vms }),
    ),
  ).toEqual([true, true, false, false]);
});

test.each([
  [0, '0 VMs'],
  [1, '1 VM'],
  [2, '2 VMs'],
])('%i is written as %s', (count, expected) => {
  expect(numberOfVms(count)).toBe(expected);
});

test('a step that failed as a whole has failed for each target', () => {
  const error = new ActionError('internal_error', 'No.');
  const target = { by: 'external_id', id: 'mac-1' } as const;
  const outcome = failedStep(error, [target]);
  expect(outcome).toMatchObject({
    ...{ error, isDryRun: false },
    vms: [{ name: 'mac-1', target, error, restarted: 'false' }],
  });
  expect(theOnlyVm(outcome)?.name).toBe('mac-1');
  expect([failedStep(error).vms, theOnlyVm(failedStep(error, [target, target]))]).toEqual([[], undefined]);
});
