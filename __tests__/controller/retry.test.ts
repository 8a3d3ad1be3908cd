import { describe, expect, test } from '@jest/globals';
import { isPassing, parseRetryAfter, pauseMs } from '../../src/controller/retry.ts';

test.each([
  [407, false],
  [408, true],
  [409, false],
  [428, false],
  [429, true],
  [430, false],
  [499, false],
  [500, true],
  [503, true],
])('HTTP %i may be another status the next time: %p', (status, expected) => {
  expect(isPassing(status)).toBe(expected);
});

describe('a pause', () => {
  const paused = (attempt: number, chance: number, retryAfterMs?: number) =>
    pauseMs({ attempt, retryAfterMs, random: () => chance });

  test('doubles with each attempt, up to three seconds', () => {
    expect([0, 1, 2, 3, 4, 20].map((attempt) => paused(attempt, 0))).toEqual([
      250, 500, 1_000, 2_000, 3_000, 3_000,
    ]);
  });

  test('is made shorter by chance, by half at the most', () => {
    expect([0, 0.5, 1].map((chance) => paused(2, chance))).toEqual([1_000, 750, 500]);
    expect(paused(4, 0.5)).toBe(2_250);
  });

  test('is as long as the server asks for, if that is longer', () => {
    expect(paused(0, 0, 7_000)).toBe(7_000);
    expect(paused(0, 0, 100)).toBe(250);
  });
});

describe('Retry-After', () => {
  const DATE = 'Sun, 13 Oct 2024 10:51:34 GMT';

  test.each<[string | undefined, string | undefined, number | undefined]>([
    ['7', undefined, 7_000],
    [' 7 ', undefined, 7_000],
    ['0', undefined, 0],
    ['999999999', undefined, 999_999_999_000],
    ['1234567890', undefined, undefined],
    ['in 7', undefined, undefined],
    ['7 s', undefined, undefined],
    ['-7', undefined, undefined],
    ['', DATE, undefined],
    [undefined, DATE, undefined],
    [undefined, undefined, undefined],
    ['Sun, 13 Oct 2024 10:51:44 GMT', DATE, 10_000],
    ['Sun, 13 Oct 2024 10:51:24 GMT', DATE, 0],
    ['Sun, 13 Oct 2024 10:51:44 GMT', undefined, undefined],
    ['Sun, 13 Oct 2024 10:51:44 GMT', 'yesterday', undefined],
  ])('%j, answered at %j, asks for %p milliseconds', (retryAfter, date, expected) => {
    expect(parseRetryAfter(retryAfter, date)).toBe(expected);
  });
});
