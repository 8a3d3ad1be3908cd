import { expect, test } from '@jest/globals';
import { nextLookAt } from '../../src/restart/schedule.ts';

test.each([
  ['auto', 100_000, 6_000],
  [250, 100_000, 5_250],
  [10_000, 100_000, 15_000],
  [10_000, 7_000, 7_000],
  ['auto', 5_000, 5_000],
  ['auto', 6_500, 6_000],
  ['auto', 6_499, 6_499],
] as const)('%p until %i: at %i', (pollInterval, deadline, expected) => {
  expect(nextLookAt(pollInterval, { lastLookAt: 5_000, deadline })).toBe(expected);
});
