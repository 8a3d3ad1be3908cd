import { describe, expect, test } from '@jest/globals';
import { createRetryBudget, type FaultNature } from '../../src/http/retry-budget.ts';

/** What is noted of faults at these moments, in seconds. */
function noted(faults: readonly (readonly [number, FaultNature | 'good'])[]): string[] {
  let now = 0;
  const budget = createRetryBudget({ now: () => now });
  return faults.map(([at, nature]) => {
    now = at * 1_000;
    if (nature !== 'good') return budget.note(nature) > 0 ? 'left' : 'spent';
    budget.renew();
    return 'good';
  });
}

describe('before the first good answer', () => {
  test.each<[FaultNature, number, number]>([
    ['mistake', 14.999, 15],
    ['long pause', 29.999, 30],
  ])('a %s is retried for %d s', (nature, before, at) => {
    expect(
      noted([
        [3, nature],
        [3 + before, nature],
        [3 + at, nature],
      ]),
    ).toEqual(['left', 'left', 'spent']);
  });

  test('a server that cannot be reached is asked for 37 s, so that it is over within a minute', () => {
    const faults = [3, 20, 39.999, 40].map((at) => [at, 'unreachable'] as const);
    expect(noted(faults)).toEqual(['left', 'left', 'left', 'spent']);
  });

  test.each<[FaultNature, FaultNature, number]>([
    ['unreachable', 'mistake', 15],
    ['mistake', 'unreachable', 37],
  ])('%s and %s have times of their own', (first, second, forS) => {
    expect(
      noted([
        [0, first],
        [10, first],
        [14, second],
        [14 + forS / 2, second],
        [14 + forS - 0.001, second],
        [14 + forS, second],
      ]),
    ).toEqual(['left', 'left', 'left', 'left', 'left', 'spent']);
  });

  test('a refusal is final at once', () => {
    expect(noted([[0, 'refusal']])).toEqual(['spent']);
  });

  test('what may pass is never final', () => {
    expect(
      noted([
        [0, 'passing'],
        [1e6, 'passing'],
      ]),
    ).toEqual(['left', 'left']);
  });

  test.each<[string, FaultNature]>([
    ['what may pass', 'passing'],
    ['a quota', 'quota'],
  ])('%s restarts the time for all others', (_, nature) => {
    expect(
      noted([
        [0, 'mistake'],
        [10, nature],
        [20, 'mistake'],
        [34, 'mistake'],
        [35, 'mistake'],
      ]),
    ).toEqual(['left', 'left', 'left', 'left', 'spent']);
  });
});

describe('an attempt that ended without a connection', () => {
  const noteAt = (nature: FaultNature, tookMs: number) => {
    let now = 0;
    const budget = createRetryBudget({ now: () => now });
    now = tookMs;
    return budget.note(nature, tookMs);
  };

  test.each([
    [0, 37_000],
    [10_000, 27_000],
    [20_000, 17_000],
    // The process was suspended.
    [600_000, 17_000],
  ])('counts from its begin: %i ms', (tookMs, leftMs) => {
    expect(noteAt('unreachable', tookMs)).toBe(leftMs);
  });

  test('is the only one that does: a slow refusal may be the first of many', () => {
    expect(noteAt('mistake', 10_000)).toBe(15_000);
  });
});

describe('after a good answer', () => {
  test.each<[FaultNature]>([['refusal'], ['long pause']])('a %s is retried for 30 s', (nature) => {
    const faults = [
      [0, 'good'],
      [1, nature],
      [30.999, nature],
      [31, nature],
    ] as const;
    expect(noted(faults)).toEqual(['good', 'left', 'left', 'spent']);
  });

  test.each<[FaultNature]>([['mistake'], ['unreachable']])('%s is never final', (nature) => {
    expect(
      noted([
        [0, 'good'],
        [1, nature],
        [30, nature],
        [1e6, nature],
      ]),
    ).toEqual(['good', 'left', 'left', 'left']);
  });

  test.each([
    [31, 'spent'],
    [31.001, 'left'],
  ])('a long gap without requests restarts the time: from 1 s to %d s', (at, expected) => {
    const faults = [
      [0, 'good'],
      [1, 'refusal'],
      [at, 'long pause'],
    ] as const;
    expect(noted(faults)).toEqual(['good', 'left', expected]);
  });

  test('another good answer restarts the time', () => {
    const faults = [
      [0, 'good'],
      [1, 'refusal'],
      [20, 'good'],
      [40, 'refusal'],
      [69, 'refusal'],
      [70, 'refusal'],
    ] as const;
    expect(noted(faults)).toEqual(['good', 'left', 'good', 'left', 'left', 'spent']);
  });
});

test('a budget apart goes by the faults of its own kind of request', () => {
  let now = 0;
  const budget = createRetryBudget({ now: () => now });
  expect(budget.apart().note('refusal')).toBe(0);
  budget.renew();
  const apart = budget.apart();
  expect(apart.note('refusal')).toBe(30_000);
  now = 30_000;
  budget.renew();
  expect([apart.note('refusal'), budget.note('refusal')]).toEqual([0, 30_000]);
});

test('a quota is never final', () => {
  expect(
    noted([
      [0, 'quota'],
      [1e6, 'quota'],
    ]),
  ).toEqual(['left', 'left']);
});
