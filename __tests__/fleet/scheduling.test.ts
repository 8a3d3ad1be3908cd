import { describe, expect, test } from '@jest/globals';
import {
  advance,
  hasTooManyFailures,
  haveAllArrived,
  holdsSlot,
  limitsFor,
  limitsForDryRun,
  type SlotEvent,
  type SlotState,
} from '../../src/fleet/scheduling.ts';

const STATES: Readonly<Record<string, SlotState>> = {
  p: 'preparing',
  w: 'waiting',
  q: 'queued',
  l: 'deferred',
  h: 'holding',
  r: 'restarting',
  d: 'dismissed',
  e: 'ended',
  f: 'failed',
};

/** A letter for each VM. */
function statesOf(letters: string): SlotState[] {
  return [...letters].map((letter) => STATES[letter] ?? 'preparing');
}

function lettersOf(states: readonly SlotState[]): string {
  return states
    .map((state) => Object.entries(STATES).find(([, name]) => name === state)?.[0] ?? '?')
    .join('');
}

function next(letters: string, event: SlotEvent, { slots = 9, mostFailures = 9, index = 0 } = {}): string {
  return lettersOf(advance(statesOf(letters), { index, event }, { slots, mostFailures }));
}

/** The table in the module's header: each state's letter, then what each event makes of it. */
describe('one VM', () => {
  const events: readonly SlotEvent[] = ['arrive', 'queue', 'defer', 'wait', 'depart', 'end', 'fail'];
  test.each([
    ['p', 'wppppef'],
    // Queued: there is a slot, so it is granted at once.
    ['w', 'whhwwef'],
    ['h', 'hhhwref'],
    ['r', 'hrrrref'],
    ['d', 'dddddef'],
    ['e', 'eeeeeee'],
    ['f', 'fffffff'],
  ])('in state %s: %s', (state, expected) => {
    expect(events.map((event) => next(state, event)).join('')).toBe(expected);
  });

  test('that is queued leaves the queue when its runner gets a job', () => {
    const states = (before: string) =>
      events.map((event) => next(before, event, { slots: 1 }).charAt(0)).join('');
    expect([states('wr'), states('qr'), states('lr')]).toEqual(['wqlwwef', 'qqqwqef', 'lllwlef']);
  });
});

describe('free slots', () => {
  test.each<[before: string, event: SlotEvent, slots: number, after: string]>([
    // In the order of the targets, as many as there are.
    ['pqqq', 'end', 2, 'ehhq'],
    ['pqqq', 'arrive', 9, 'whhh'],
    ['wqwq', 'queue', 1, 'hqwq'],
    ['rqqq', 'end', 1, 'ehqq'],
    ['rqqq', 'fail', 1, 'fhqq'],
    ['hqqq', 'wait', 1, 'whqq'],
    ['hrqq', 'end', 2, 'erhq'],
    ['hrqq', 'depart', 2, 'rrqq'],
    // Those deferred come last.
    ['rlqlq', 'end', 3, 'ehhlh'],
    ['rlql', 'end', 3, 'ehhh'],
    ['rllq', 'end', 1, 'ellh'],
    // Already more than allowed.
    ['hrrq', 'depart', 1, 'rrrq'],
    // None is granted before all have arrived.
    ['wpqq', 'queue', 9, 'qpqq'],
    // Those that wait for a job take none.
    ['pwwq', 'end', 1, 'ewwh'],
  ])('%s, %s the first of %d slots: %s', (before, event, slots, expected) => {
    expect(next(before, event, { slots })).toBe(expected);
  });
});

describe('too many failures', () => {
  test.each<[before: string, event: SlotEvent, mostFailures: number, after: string]>([
    ['rpwqlhref', 'fail', 1, 'fdddddref'],
    ['rpwqlhref', 'fail', 2, 'fpwqlhref'],
    // A restart that was certainly not carried out is not sent again.
    ['rf', 'arrive', 0, 'df'],
    ['rf', 'end', 0, 'ef'],
    ['pf', 'arrive', 0, 'df'],
  ])('%s, %s the first, %d allowed: %s', (before, event, mostFailures, expected) => {
    expect(next(before, event, { mostFailures })).toBe(expected);
  });

  test.each([
    ['ffe', 2, false],
    ['fff', 2, true],
    ['eee', 0, false],
    ['f', 0, true],
  ])('%s, %d allowed: over: %s', (letters, mostFailures, expected) => {
    expect(hasTooManyFailures(statesOf(letters), { slots: 1, mostFailures })).toBe(expected);
  });

  test('do not stop a dry run', () => {
    const limits = limitsForDryRun({ slots: 3, mostFailures: 0 });
    expect([limits.slots, hasTooManyFailures(statesOf('ffff'), limits)]).toEqual([3, false]);
  });
});

test.each([
  ['wqhrdef', true],
  ['wqp', false],
])('%s: all have arrived: %s', (letters, expected) => {
  expect(haveAllArrived(statesOf(letters))).toBe(expected);
});

test('a slot is held from its grant to the end', () => {
  expect(lettersOf(statesOf('pwqhrdef').filter(holdsSlot))).toBe('hr');
});

describe('limits', () => {
  test.each([
    [10, { count: 3 }, { count: 2 }, 3, 2],
    [10, { share: 0.25 }, { share: 0.25 }, 2, 2],
    [3, { share: 0.25 }, { share: 0.25 }, 1, 0],
    [100, { share: 0.29 }, { share: 0.57 }, 29, 57],
    [7, { share: 1 }, { share: 0 }, 7, 0],
    [7, { count: 0 }, { share: 1 }, 1, 7],
  ])('for %d VMs: %j, %j', (vms, maxParallel, maxFailures, slots, mostFailures) => {
    expect(limitsFor(vms, { maxParallel, maxFailures })).toEqual({ slots, mostFailures });
  });
});
