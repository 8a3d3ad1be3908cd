import { describe, expect, test } from '@jest/globals';
import {
  advance,
  createSlots,
  holdsSlot,
  limitsFor,
  type SlotEvent,
  type SlotState,
} from '../../src/fleet/slots.ts';

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
    ['wffe', 2, 'effe'],
    ['wwffe', 1, 'edffe'],
    ['wweee', 0, 'eweee'],
    ['wwf', 0, 'edf'],
  ])('%s, ended the first, %d allowed: %s', (letters, mostFailures, expected) => {
    expect(next(letters, 'end', { mostFailures })).toBe(expected);
  });
});

test.each([
  ['wqhrdef', 'hqhrdef'],
  ['wqp', 'qqp'],
])('%s: the first is queued once all have arrived: %s', (letters, expected) => {
  expect(next(letters, 'queue', { slots: 3 })).toBe(expected);
});

test('a slot is held from its grant to the end', () => {
  expect(lettersOf(statesOf('pwqhrdef').filter(holdsSlot))).toBe('hr');
});

/** Whether it has happened by now. */
async function hasHappened(event: Promise<void>): Promise<boolean> {
  return Promise.race([event.then(() => true), Promise.resolve().then(() => false)]);
}

function createWith(vms: number, limits: { slots?: number; mostFailures?: number } = {}) {
  const over: number[] = [];
  const slots = createSlots({
    vms,
    limits: { slots: 1, mostFailures: 0, ...limits },
    onTooManyFailures: (failed) => void over.push(failed),
  });
  const arrive = (...indexes: number[]) => {
    for (const index of indexes) slots.apply(index, 'arrive');
  };
  return { slots, over, arrive };
}

describe('slots', () => {
  test('wake all VMs once the last one has arrived, or has ended before that', async () => {
    const { slots, arrive } = createWith(3, { slots: 3, mostFailures: 1 });
    arrive(0, 1);
    slots.apply(0, 'queue');
    const events = [slots.allArrived, slots.granted(0)];
    expect(await Promise.all(events.map(hasHappened))).toEqual([false, false]);
    slots.apply(2, 'fail');
    expect(await Promise.all(events.map(hasHappened))).toEqual([true, true]);
    expect(slots.states).toEqual(['holding', 'waiting', 'failed']);
  });

  test.each(['queue', 'defer'] as const)('go from one VM to the next, and back after %s', async (event) => {
    const { slots, arrive } = createWith(2);
    arrive(0, 1);
    for (const index of [0, 1]) slots.apply(index, 'queue');
    expect([await hasHappened(slots.granted(0)), await hasHappened(slots.granted(1))]).toEqual([true, false]);
    slots.apply(0, 'wait');
    expect(await hasHappened(slots.granted(1))).toBe(true);
    // In the queue again: the earlier grant does not count.
    slots.apply(0, event);
    const again = slots.granted(0);
    expect(await hasHappened(again)).toBe(false);
    slots.apply(1, 'end');
    expect(await hasHappened(again)).toBe(true);
  });

  test('dismiss VMs after too many failures, and report that once', () => {
    const { slots, over, arrive } = createWith(4, { slots: 2 });
    arrive(0, 1, 2, 3);
    for (const index of [0, 1]) slots.apply(index, 'queue');
    slots.apply(0, 'depart');
    slots.apply(3, 'fail');
    slots.apply(2, 'fail');
    expect([0, 1, 2, 3].map((index) => slots.dismissalOf(index).aborted)).toEqual([false, true, true, false]);
    expect(slots.dismissalOf(1).reason).toMatchObject({ name: 'LeftAlone', why: 'not started' });
    expect(over).toEqual([1]);
  });

  test('exist only for the VMs of the step', () => {
    const { slots } = createWith(1);
    expect(() => slots.dismissalOf(1)).toThrow('there is no such VM');
    expect(() => slots.granted(1)).toThrow('there is no such VM');
    expect(() => slots.stateOf(1)).toThrow('there is no such VM');
  });
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
    expect(limitsFor(vms, { maxParallel, maxFailures, dryRun: false })).toEqual({ slots, mostFailures });
  });

  test('allow any number of failures in a dry run', () => {
    const given = { maxParallel: { count: 3 }, maxFailures: { count: 0 }, dryRun: true };
    expect(limitsFor(9, given)).toEqual({ slots: 3, mostFailures: Number.POSITIVE_INFINITY });
  });

  test.each([
    [2, 2],
    [4, 3],
  ])('can be at most %i slots: %i', (most, slots) => {
    const given = { maxParallel: { count: 3 }, maxFailures: { count: 0 }, dryRun: false };
    expect(limitsFor(9, given, most).slots).toBe(slots);
  });
});
