import { describe, expect, test } from '@jest/globals';
import {
  haveAllArrived,
  isOver,
  limitsFor,
  limitsForDryRun,
  type Phase,
  type Standing,
  whomToBegin,
} from '../../src/fleet/turns.ts';

const PHASES: Readonly<Record<string, Phase>> = {
  p: 'preparing',
  w: 'waiting',
  r: 'ready',
  u: 'under way',
  e: 'ended',
  f: 'ended',
};

/** A letter a VM; `f` for one that failed. */
function standings(letters: string): Standing[] {
  return [...letters].map((letter) => ({ phase: PHASES[letter] ?? 'ended', hasFailed: letter === 'f' }));
}

test('a dry run looks at each, however many are not fit', () => {
  const limits = limitsForDryRun({ places: 3, mostFailures: 0 });
  expect([limits.places, isOver(standings('ffff'), limits)]).toEqual([3, false]);
});

describe('whom to begin', () => {
  test.each<[string, number, number, number[]]>([
    ['rrrr', 2, 0, [0, 1]],
    ['rrrr', 9, 0, [0, 1, 2, 3]],
    ['wrwr', 1, 0, [1]],
    ['urrr', 2, 0, [1]],
    ['uurr', 2, 0, []],
    ['uuur', 2, 0, []],
    ['eurr', 2, 0, [2]],
    ['wwww', 2, 0, []],
    // Nobody begins before all have come to their gates.
    ['rprr', 2, 0, []],
    ['rfrr', 2, 0, []],
    ['rfrr', 2, 1, [0, 2]],
    ['rffr', 2, 1, []],
    ['', 2, 0, []],
  ])('%s with %d places, after %d failures at most', (letters, places, mostFailures, indexes) => {
    expect(whomToBegin(standings(letters), { places, mostFailures })).toEqual(indexes);
  });
});

test.each([
  ['wrue', true],
  ['wrup', false],
])('%s: all have arrived: %s', (letters, expected) => {
  expect(haveAllArrived(standings(letters))).toBe(expected);
});

test.each([
  ['ffe', 2, false],
  ['fff', 2, true],
  ['eee', 0, false],
])('%s, %d failures at most: it is over: %s', (letters, mostFailures, expected) => {
  expect(isOver(standings(letters), { places: 1, mostFailures })).toBe(expected);
});

describe('limits', () => {
  test.each([
    [10, { count: 3 }, { count: 2 }, 3, 2],
    [10, { share: 0.25 }, { share: 0.25 }, 2, 2],
    [3, { share: 0.25 }, { share: 0.25 }, 1, 0],
    [100, { share: 0.29 }, { share: 0.57 }, 29, 57],
    [7, { share: 1 }, { share: 0 }, 7, 0],
    [7, { count: 0 }, { share: 1 }, 1, 7],
  ])('for %d VMs: %j, %j', (vms, maxParallel, maxFailures, places, mostFailures) => {
    expect(limitsFor(vms, { maxParallel, maxFailures })).toEqual({ places, mostFailures });
  });
});
