import { describe, expect, test } from '@jest/globals';
import { type BusyVerdict, judgeBusy } from '../../src/runner/busy-verdict.ts';
import type { RunnerSnapshot } from '../../src/runner/snapshot.ts';
import { busy, idle, offline, snapshot, wedged } from '../support/runners.ts';

function judgeAll(snapshots: readonly RunnerSnapshot[]): BusyVerdict[] {
  let idleStretch: ReturnType<typeof judgeBusy>['idleStretch'];
  return snapshots.map((each) => {
    const judged = judgeBusy(idleStretch, each);
    idleStretch = judged.idleStretch;
    return judged.verdict;
  });
}

/** Looks every ten seconds. */
function every10s(...seen: readonly RunnerSnapshot['runner'][]): BusyVerdict[] {
  return judgeAll(seen.map((one, index) => snapshot(index * 10, one)));
}

const minute = (seen: RunnerSnapshot['runner']) => Array<RunnerSnapshot['runner']>(7).fill(seen);

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
    const idleStretch = [snapshot(0, idle, 2), snapshot(20, idle), snapshot(40, idle)];
    expect(judgeAll([...idleStretch, snapshot(60, idle, 9)]).at(-1)).toBe('settling');
    expect(judgeAll([...idleStretch, snapshot(60, idle), snapshot(62, idle)]).at(-1)).toBe('idle');
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
    expect(judgeAll([...[0, 20, 40].map((at) => snapshot(at, idle)), snapshot(61, idle)]).at(-1)).toBe(
      'settling',
    );
  });
});
