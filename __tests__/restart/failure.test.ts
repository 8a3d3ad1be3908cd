import { describe, expect, test } from '@jest/globals';
import type { Instance } from '../../src/controller/instance.ts';
import { afterAnswer, afterOlderAnswer, type FailureRun, isFinalFailure } from '../../src/restart/failure.ts';
import { instance, reported, restarted } from '../support/instances.ts';

// Follows the table at the top of failure.ts. The run below began at 1 s.

const RUN: FailureRun = { since: 1_000, confirmations: 1, terminal: 0 };
const NEWEST = restarted(10, { state: 'Error' });
const well = instance(reported(15));
const failed = (seconds: number, state = 'Error') => restarted(seconds, { state });

function answerAt(answeredAt: number, seen: Instance | undefined, askedAt = answeredAt) {
  return { askedAt, answeredAt, instance: seen };
}

describe('an answer that is not older than one before', () => {
  test.each<[string, FailureRun | undefined, Instance | undefined, FailureRun | undefined]>([
    ['looks well: ends the run', RUN, well, undefined],
    ['looks well: begins none', undefined, well, undefined],
    ['looks failed: begins a run', undefined, failed(15), { since: 9_000, confirmations: 0, terminal: 0 }],
    ['is absent: begins a run', undefined, undefined, { since: 9_000, confirmations: 0, terminal: 0 }],
    ['the same report again: goes on with it', RUN, NEWEST, RUN],
    ['a newer report: confirms it', RUN, failed(15), { ...RUN, confirmations: 2 }],
    ['is absent: confirms it', RUN, undefined, { ...RUN, confirmations: 2 }],
    ['is deleted: confirms it', RUN, restarted(15, { status: 'deleted' }), { ...RUN, confirmations: 2 }],
    ['is Terminated', RUN, failed(15, 'Terminated'), { ...RUN, confirmations: 2, terminal: 1 }],
  ])('%s', (_, run, seen, expected) => {
    expect(afterAnswer(run, answerAt(9_000, seen), NEWEST)).toEqual(expected);
  });

  test.each([
    [9_999, { ...RUN, confirmations: 2, terminal: 3 }],
    [10_000, { since: 20_000, confirmations: 0, terminal: 3 }],
  ])('after a gap of %i ms', (gapMs, expected) => {
    const observation = answerAt(20_000, failed(15), 20_000 - gapMs);
    expect(afterAnswer({ ...RUN, terminal: 3 }, observation, NEWEST)).toEqual(expected);
  });
});

describe('an answer that is older than one before', () => {
  test.each<[string, FailureRun | undefined, Instance, FailureRun | undefined]>([
    ['looks well: begins the run again', RUN, well, { ...RUN, since: 9_000, confirmations: 0 }],
    ['looks well: begins none', undefined, well, undefined],
    ['looks failed: nothing', RUN, failed(5), RUN],
    ['looks failed: begins none', undefined, failed(5), undefined],
  ])('%s', (_, run, seen, expected) => {
    expect(afterOlderAnswer(run, answerAt(9_000, seen), seen)).toEqual(expected);
  });
});

test.each<[string, Partial<FailureRun>, number, boolean]>([
  ['30 s and two confirmations', { confirmations: 2 }, 31_000, true],
  ['less than 30 s', { confirmations: 2 }, 30_999, false],
  ['one confirmation', { confirmations: 1 }, 90_000, false],
  ['Terminated twice', { terminal: 2 }, 1_000, true],
  ['Terminated once', { terminal: 1 }, 1_000, false],
])('a run is final after %s', (_, changes, askedAt, expected) => {
  expect(isFinalFailure({ ...RUN, confirmations: 0, ...changes }, answerAt(askedAt, NEWEST))).toBe(expected);
});
