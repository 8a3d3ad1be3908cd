import { describe, expect, test } from '@jest/globals';
import { judgeOccupation, type Occupation } from '../../src/runner/occupation.ts';
import type { Reading } from '../../src/runner/reading.ts';
import { busy, idle, offline, reading, wedged } from '../support/runners.ts';

function judgeAll(readings: readonly Reading[]): Occupation[] {
  let calm: ReturnType<typeof judgeOccupation>['calm'];
  return readings.map((each) => {
    const judged = judgeOccupation(calm, each);
    calm = judged.calm;
    return judged.occupation;
  });
}

/** Looks every ten seconds. */
function every10s(...seen: readonly Reading['runner'][]): Occupation[] {
  return judgeAll(seen.map((one, index) => reading(index * 10, one)));
}

const minute = (seen: Reading['runner']) => Array<Reading['runner']>(7).fill(seen);

describe('idle', () => {
  test('only after a minute without a job', () => {
    expect(every10s(...minute(idle))).toEqual([...Array(6).fill('settling'), 'idle']);
  });

  test.each([
    ['offline', offline],
    ['offline with a job, which it has lost', wedged],
    ['registered no more', 'gone' as const],
  ])('so is one that is %s', (_, seen) => {
    expect(every10s(...minute(seen)).at(-1)).toBe('idle');
  });

  test('the minute is from the first answer to the last question', () => {
    const calm = [reading(0, idle, 2), reading(20, idle), reading(40, idle)];
    expect(judgeAll([...calm, reading(60, idle, 9)]).at(-1)).toBe('settling');
    expect(judgeAll([...calm, reading(60, idle), reading(62, idle)]).at(-1)).toBe('idle');
  });
});

describe('not idle', () => {
  test('a job that shows late', () => {
    expect(every10s(idle, idle, idle, idle, idle, busy)).toEqual([...Array(5).fill('settling'), 'busy']);
  });

  test('right after a job', () => {
    expect(every10s(...minute(idle), busy, idle).slice(-2)).toEqual(['busy', 'settling']);
  });

  test('after no usable answer: it begins anew', () => {
    expect(every10s(...minute(idle), undefined, ...minute(idle)).slice(7)).toEqual([
      'unknown',
      ...Array(6).fill('settling'),
      'idle',
    ]);
  });

  test('after a gap in which a job could have come and gone', () => {
    expect(judgeAll([...[0, 20, 40].map((at) => reading(at, idle)), reading(61, idle)]).at(-1)).toBe(
      'settling',
    );
  });
});
