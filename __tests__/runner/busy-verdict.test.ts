import { describe, expect, test } from '@jest/globals';
import {
  type BusyHistory,
  type BusyVerdict,
  type JobFinding,
  judgeBusy,
  judgeWithJobs,
} from '../../src/runner/busy-verdict.ts';
import type { RunnerSnapshot } from '../../src/runner/snapshot.ts';
import { busy, idle, offline, runningJob, snapshot, wedged } from '../support/runners.ts';

function judgeAll(snapshots: readonly RunnerSnapshot[], idleForMs = 60_000): BusyVerdict[] {
  let idleStretch: BusyHistory['idleStretch'];
  return snapshots.map((each) => {
    const judged = judgeBusy({ idleStretch, idleForMs }, each);
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
  test('only after a minute without a job, where a minute is asked for', () => {
    expect(every10s(...minute(idle))).toEqual([...Array(6).fill('settling'), 'idle']);
  });

  test.each<[number, BusyVerdict[]]>([
    [0, ['idle', 'idle', 'idle']],
    [10_000, ['settling', 'idle', 'idle']],
    [10_001, ['settling', 'settling', 'idle']],
  ])('as long as is asked for: %i ms', (idleForMs, verdicts) => {
    expect(
      judgeAll(
        [0, 10, 20].map((at) => snapshot(at, idle)),
        idleForMs,
      ),
    ).toEqual(verdicts);
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

  test('tells what is left', () => {
    const history = { idleStretch: { since: 5_000, until: 20_000 }, idleForMs: 60_000 };
    expect(judgeBusy(history, snapshot(25, idle)).leftMs).toBe(40_000);
    expect(judgeBusy(history, snapshot(25, busy)).leftMs).toBe(60_000);
  });
});

describe('not idle', () => {
  test.each([0, 60_000])('with a job, however long is asked for: %i ms', (idleForMs) => {
    expect(judgeAll([snapshot(0, busy)], idleForMs)).toEqual(['busy']);
  });

  test.each([0, 60_000])('where nothing is known: %i ms', (idleForMs) => {
    expect(judgeAll([snapshot(0, undefined)], idleForMs)).toEqual(['unknown']);
  });

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

test.each<[BusyVerdict, JobFinding, BusyVerdict]>([
  ['idle', 'none', 'idle'],
  ['idle', 'unreadable', 'idle'],
  ['idle', runningJob(), 'busy'],
  ['idle', undefined, 'unknown'],
  ['settling', 'none', 'settling'],
  ['settling', 'unreadable', 'settling'],
  ['settling', runningJob(), 'busy'],
  ['settling', undefined, 'unknown'],
])('the runner says %s, the jobs %j: %s', (verdict, finding, both) => {
  expect(judgeWithJobs(verdict, finding)).toBe(both);
});
