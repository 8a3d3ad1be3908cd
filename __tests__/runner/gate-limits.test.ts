import { describe, expect, test } from '@jest/globals';
import {
  gatePauseMs,
  isNotKnown,
  limitsFrom,
  type Waiting,
  waitsUntil,
} from '../../src/runner/gate-limits.ts';
import type { IdleStretch, Occupancy } from '../../src/runner/occupancy.ts';
import type { GateRules } from '../../src/runner/runner-options.ts';

const OPTIONS: GateRules = {
  ...{ whenBusy: 'wait', idleForMs: 60, busyTimeoutMs: 1_000, patienceMs: 300 },
  ...{ isEphemeral: false, isSweep: false, seesAllJobs: false, registersWithinMs: 300_000 },
};
const STRETCH: IdleStretch = {
  ...{ since: 0, until: 0, leftMs: 50, registrations: [23], reads: 1 },
  ...{ jobs: 'none', isDoubtful: false },
};
const UNKNOWN: Occupancy = { kind: 'unknown', about: 'runners', stretch: undefined };
const BUSY: Occupancy = { kind: 'busy', job: 'unread' };
const SETTLING: Occupancy = { kind: 'settling', stretch: STRETCH };
const FOREVER = Number.POSITIVE_INFINITY;

test.each<[string, Partial<GateRules>, { busy: number; unknown: number }]>([
  ['its busy_timeout', {}, { busy: 5_000 + 1_000, unknown: 6_000 + 360 }],
  ['no job unless it waits', { whenBusy: 'fail' }, { busy: 5_000, unknown: 5_360 }],
  ['a job only while its labels can be restored', { busyUntil: 5_400 }, { busy: 5_400, unknown: 5_760 }],
  ['no job once that is past', { busyUntil: 4_000 }, { busy: 5_000, unknown: 5_360 }],
])('the step waits for %s', (_, changes, expected) => {
  expect(limitsFrom(5_000, { ...OPTIONS, ...changes })).toEqual(expected);
});

describe('the wait ends', () => {
  // The limits are 1,000 for a job and 1,360 for GitHub; a stretch takes 60, and a silence after it may take 300.
  test.each<[string, Occupancy, number | undefined, number]>([
    ['for a busy VM at its limit', BUSY, 900, 1_000],
    ['for a silent GitHub at its limit', UNKNOWN, undefined, 1_360],
    ['then, if a stretch began long before', UNKNOWN, 900, 1_360],
    ['later, if a stretch began shortly before', UNKNOWN, 1_300, 1_660],
    ['later, if it began just in time', UNKNOWN, 1_360, 1_720],
    ['at the limit, if it began after that', UNKNOWN, 1_361, 1_360],
    ['once refusals are believed', { ...UNKNOWN, about: 'jobs', finalFrom: 102_000 }, undefined, 7_000],
    ['of many boots in a row', { kind: 'registering' }, 5_000, 900_000],
    ['never before an absence is confirmed', { kind: 'absent', stretch: STRETCH }, 5_000, FOREVER],
    ['never by itself while no runner shows a job', SETTLING, undefined, FOREVER],
    ['never for the first stretches', SETTLING, 2_080, FOREVER],
    ['for one that began again and again', SETTLING, 2_081, 2_080],
  ])('%s', (_, state, idleSince, expected) => {
    const startedAt = 100_000;
    const since = idleSince && startedAt + idleSince;
    const limits = limitsFrom(startedAt, OPTIONS);
    const registersBy = startedAt + 900_000;
    const waiting: Waiting = { state, idleSince: since, hasBeenUnknown: false, limits, registersBy };
    expect(waitsUntil(OPTIONS, waiting) - startedAt).toBe(expected);
  });
});

test.each<[string, Occupancy, boolean, boolean]>([
  ['silence now', UNKNOWN, true, true],
  ['silence that ended a stretch', SETTLING, true, true],
  ['no silence', SETTLING, false, false],
  ['a job', BUSY, true, false],
])(
  'whether GitHub is why the runner was not seen idle for long enough: %s',
  (_, state, hasBeenUnknown, is) => {
    const limits = limitsFrom(0, OPTIONS);
    expect(isNotKnown({ state, idleSince: 0, hasBeenUnknown, limits, registersBy: 0 })).toBe(is);
  },
);

test.each<[string, Occupancy, boolean, number]>([
  ['an absence is confirmed soon', { kind: 'absent', stretch: STRETCH }, true, 1_000],
  ['jobs are read rarely, as that costs many requests', { kind: 'busy', job: 'none' }, true, 15_000],
  ['a busy runner is read often', BUSY, false, 5_000],
  ['one that is about to leave, more often', BUSY, true, 2_000],
])('%s', (_, state, leavesSoon, expected) => {
  expect(gatePauseMs(state, leavesSoon)).toBe(expected);
});
