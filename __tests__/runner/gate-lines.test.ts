import { describe, expect, test } from '@jest/globals';
import { describe as describeSeen, describeState, type WhenBusy } from '../../src/runner/gate-lines.ts';
import type { Occupancy } from '../../src/runner/occupancy.ts';
import { busy, idle, runner, runningJob } from '../support/runners.ts';

const b = runner({ id: 24, name: 'mac-7-b', isOnline: false });
const stretch = { since: 0, until: 0, leftMs: 0, areJobsRead: true };
const ONE = 'Runner "mac-7" (ID 23) is online, idle';

test.each<[Occupancy, WhenBusy, string]>([
  [{ kind: 'unread' }, 'wait', ONE],
  [{ kind: 'unconfirmed', stretch }, 'wait', ONE],
  [{ kind: 'settling', stretch }, 'wait', `${ONE}; making sure, as GitHub learns late of a new job`],
  [{ kind: 'idle', stretch }, 'wait', `${ONE}, and was for 1 min: no job runs on it`],
  [{ kind: 'busy', job: undefined }, 'wait', `${ONE}; waiting for its job to end`],
  [{ kind: 'busy', job: undefined }, 'fail', ONE],
  [{ kind: 'busy', job: undefined }, 'skip', `${ONE}; the VM is left alone, as when_busy says`],
  [
    { kind: 'unknown', about: 'runners', stretch },
    'wait',
    'GitHub gave no usable answer about the runner; asking again',
  ],
  [
    { kind: 'unknown', about: 'jobs', stretch },
    'wait',
    'GitHub gave no usable answer about the jobs in progress; asking again',
  ],
])('%j, when_busy: %s', (state, whenBusy, expected) => {
  expect(describeState({ state, shown: [idle] }, { whenBusy, idleForMs: 60_000 })).toBe(expected);
});

describe('several runners', () => {
  test.each<[Occupancy, string]>([
    [
      { kind: 'busy', job: undefined },
      'Runner "mac-7" (ID 23) is online, busy, runner "mac-7-b" (ID 24) is offline, idle',
    ],
    [
      { kind: 'busy', job: runningJob() },
      'Runner "mac-7" (ID 23) is shown online, busy, runner "mac-7-b" (ID 24) is shown offline, idle, but job "build" of run 17 is in progress on one of them',
    ],
  ])('are all told of: %j', (state, expected) => {
    expect(describeSeen({ state, shown: [busy, b] })).toBe(expected);
  });
});
