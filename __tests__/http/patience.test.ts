import { describe, expect, test } from '@jest/globals';
import { createPatience, type FaultNature } from '../../src/http/patience.ts';

/** Faults at these moments, in seconds, and whether each has to be believed. */
function believed(faults: readonly (readonly [number, FaultNature | 'good'])[]): (boolean | undefined)[] {
  let now = 0;
  const patience = createPatience({ now: () => now, sleep: async () => {} });
  return faults.map(([at, nature]) => {
    now = at * 1_000;
    if (nature !== 'good') return patience.isOver(nature);
    patience.renew();
    return undefined;
  });
}

describe('before there was a good answer', () => {
  test.each<[FaultNature, number, number]>([
    ['mistake', 14.999, 15],
    ['long pause', 29.999, 30],
  ])('a %s is put up with for %d s', (nature, before, at) => {
    expect(
      believed([
        [3, nature],
        [3 + before, nature],
        [3 + at, nature],
      ]),
    ).toEqual([false, false, true]);
  });

  test('a refusal is believed at once', () => {
    expect(believed([[0, 'refusal']])).toEqual([true]);
  });

  test('what may pass is never believed', () => {
    expect(
      believed([
        [0, 'passing'],
        [1e6, 'passing'],
      ]),
    ).toEqual([false, false]);
  });

  test.each<[string, FaultNature]>([
    ['what may pass', 'passing'],
    ['a quota', 'quota'],
  ])('%s begins the time for all others anew', (_, nature) => {
    expect(
      believed([
        [0, 'mistake'],
        [10, nature],
        [20, 'mistake'],
        [34, 'mistake'],
        [35, 'mistake'],
      ]),
    ).toEqual([false, false, false, false, true]);
  });
});

describe('after a good answer', () => {
  test.each<[FaultNature]>([['refusal'], ['long pause']])('a %s is put up with for 30 s', (nature) => {
    const faults = [
      [0, 'good'],
      [1, nature],
      [30.999, nature],
      [31, nature],
    ] as const;
    expect(believed(faults)).toEqual([undefined, false, false, true]);
  });

  test('what looked like a mistake is none', () => {
    expect(
      believed([
        [0, 'good'],
        [1, 'mistake'],
        [1e6, 'mistake'],
      ]),
    ).toEqual([undefined, false, false]);
  });

  test.each([
    [31, true],
    [31.001, false],
  ])('where nobody asked for long, the time begins anew: from 1 s to %d s', (at, isBelieved) => {
    const faults = [
      [0, 'good'],
      [1, 'refusal'],
      [at, 'long pause'],
    ] as const;
    expect(believed(faults)).toEqual([undefined, false, isBelieved]);
  });

  test('another one begins the time anew', () => {
    const faults = [
      [0, 'good'],
      [1, 'refusal'],
      [20, 'good'],
      [40, 'refusal'],
      [69, 'refusal'],
      [70, 'refusal'],
    ] as const;
    expect(believed(faults)).toEqual([undefined, false, undefined, false, false, true]);
  });
});

test('apart, faults of another kind of request last or pass by themselves', () => {
  let now = 0;
  const patience = createPatience({ now: () => now, sleep: async () => {} });
  expect(patience.apart().isOver('refusal')).toBe(true);
  patience.renew();
  const apart = patience.apart();
  expect(apart.isOver('refusal')).toBe(false);
  now = 30_000;
  patience.renew();
  expect([apart.isOver('refusal'), patience.isOver('refusal')]).toEqual([true, false]);
});

test('a quota is never believed to last', () => {
  expect(
    believed([
      [0, 'quota'],
      [1e6, 'quota'],
    ]),
  ).toEqual([false, false]);
});
