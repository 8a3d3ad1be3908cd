import { describe, expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import {
  allOfflineError,
  describeOccupancy,
  describeSeen,
  notFoundError,
  notKnownError,
  renamedError,
  stillBusyError,
} from '../../src/runner/gate-lines.ts';
import type { IdleStretch, Occupancy } from '../../src/runner/occupancy.ts';
import type { WhenBusy } from '../../src/runner/runner-options.ts';
import { busy, idle, runner, runningJob } from '../support/runners.ts';

const b = runner({ id: 24, name: 'mac-7-b', isOnline: false });
const stretch: IdleStretch = {
  ...{ since: 0, until: 0, leftMs: 0, registrations: [23], reads: 1 },
  ...{ jobs: 'none', isDoubtful: false },
};
const job = runningJob();
const BUSY: Occupancy = { kind: 'busy', job: 'unread' };
const ONE = 'Runner "mac-7" (ID 23) is online, idle';

test.each<[Occupancy, WhenBusy, string]>([
  [{ kind: 'unread' }, 'wait', ONE],
  [{ kind: 'online' }, 'wait', ONE],
  [{ kind: 'unconfirmed', stretch }, 'wait', ONE],
  [{ kind: 'settling', stretch }, 'wait', `${ONE}; making sure, because GitHub shows a new job late`],
  [{ kind: 'idle', stretch }, 'wait', `${ONE}, and has been for 1 min: no job is running on it`],
  [BUSY, 'wait', `${ONE}; waiting for its job to end`],
  [BUSY, 'fail', ONE],
  [BUSY, 'skip', `${ONE}; the VM is left alone, as when_busy says`],
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
  [
    { kind: 'unknown', about: 'jobs', job, stretch },
    'wait',
    'Job "build" of run 17 is in progress and may be on this runner: GitHub does not say on which one it runs; asking again',
  ],
])('%j, when_busy: %s', (state, whenBusy, expected) => {
  expect(describeOccupancy({ state, current: [idle] }, { whenBusy, idleForMs: 60_000 })).toBe(expected);
});

test.each<[Occupancy, string]>([
  [
    { kind: 'registering' },
    'No runner is registered, but one may still register, because the VM has just booted; waiting',
  ],
  [{ kind: 'absent', stretch }, 'The runner is no longer registered; making sure'],
  [
    { kind: 'idle', stretch: { ...stretch, registrations: 'gone' } },
    'The runner is no longer registered: no job is running on it',
  ],
])('without a runner: %j', (state, expected) => {
  expect(describeOccupancy({ state, current: [] }, { whenBusy: 'wait', idleForMs: 60_000 })).toBe(expected);
});

describe('several runners', () => {
  test.each<[Occupancy, string]>([
    [BUSY, 'Runner "mac-7" (ID 23) is online, busy, runner "mac-7-b" (ID 24) is offline, idle'],
    [
      { kind: 'busy', job },
      'Runner "mac-7" (ID 23) is shown online, busy, runner "mac-7-b" (ID 24) is shown offline, idle, and job "build" of run 17 is in progress on one of them',
    ],
  ])('are all listed: %j', (state, expected) => {
    expect(describeSeen({ state, current: [busy, b] })).toBe(expected);
  });
});

describe('a runner that is still busy', () => {
  const RAISE = 'Wait until the job has ended (with needs or concurrency), or raise busy_timeout.';
  const WAIT = 'Wait until the job has ended (with needs or concurrency), or set when_busy: wait.';
  const REMOVE =
    'If it runs no job of another repository either, what GitHub shows is out of date: remove the registration and register the runner again, or set when_busy: ignore.';
  const WAITED = 'Runner "mac-7" (ID 23) is online, busy, and still was when busy_timeout expired';
  const UNLISTED = '; GitHub lists no job for it in the repository whose jobs are read';

  test.each<[Occupancy, WhenBusy, string, string]>([
    [BUSY, 'wait', `${WAITED}. No restart was sent. Reads: 2 busy.`, RAISE],
    [{ kind: 'busy', job: 'unreadable' }, 'wait', `${WAITED}. No restart was sent. Reads: 2 busy.`, RAISE],
    [
      { kind: 'busy', job: 'none' },
      'wait',
      `${WAITED}${UNLISTED}. No restart was sent. Reads: 2 busy.`,
      REMOVE,
    ],
    [BUSY, 'fail', 'Runner "mac-7" (ID 23) is online, busy. No restart was sent.', WAIT],
    [
      { kind: 'busy', job: 'none' },
      'fail',
      `Runner "mac-7" (ID 23) is online, busy${UNLISTED}. No restart was sent.`,
      REMOVE,
    ],
  ])('%j, when_busy: %s', (state, whenBusy, message, hint) => {
    expect(stillBusyError({ state, current: [busy] }, whenBusy, '2 busy')).toMatchObject({
      ...{ code: 'runner_busy', message, hint },
    });
  });
});

test.each<[string, Occupancy, string, string]>([
  ['silent', { kind: 'unknown', about: 'runners', stretch }, '', 'Check githubstatus.com'],
  [
    'vague',
    { kind: 'unknown', about: 'jobs', job, stretch },
    ' Job "build" of run 17 is in progress and may be on this runner: GitHub does not say on which one it runs.',
    'Check that job',
  ],
  [
    'refusing the jobs',
    { kind: 'unknown', about: 'jobs', refused: 'github_token: HTTP 403', stretch },
    ' GitHub refuses to list the jobs in progress: github_token: HTTP 403.',
    '"Actions: read"',
  ],
])('when GitHub stays %s', (_, state, why, hint) => {
  const error = notKnownError(state, '3 unknown', undefined);
  expect(error).toMatchObject({
    message: `GitHub does not say whether a job runs on the runner, so no restart was sent.${why} Reads: 3 unknown.`,
    hint: expect.stringContaining(hint),
  });
});

test.each([
  [false, 'Check it. If it takes one job per registration, set runner_ephemeral: true.'],
  [
    true,
    'Check it. No runner in this scope matches runner_name for any live VM, so runner_scope may be wrong, and the step cannot conclude that this runner is gone. If the scope is right, every runner has had its job: check on GitHub that no job runs in these VMs, and restart them once without runner_name. If the runner is persistent, remove runner_ephemeral.',
  ],
])('a runner that is not found, with runner_ephemeral: %p', (isEphemeral, hint) => {
  const missing = new ActionError('runner_not_found', 'There is none.', { hint: 'Check it.' });
  expect(notFoundError(missing, { isEphemeral })).toMatchObject({ message: 'There is none.', hint });
  expect(notFoundError(new ActionError('runner_not_found', 'None.'), { isEphemeral }).hint).toBe(
    hint.replace('Check it. ', ''),
  );
});

test.each([
  [
    renamedError('mac-7', 'mac-8'),
    'runner_not_found',
    /meant "mac-7" and now means "mac-8"/,
    /^Run the step again\.$/,
  ],
  [
    allOfflineError(),
    'github_api_failed',
    /all live VMs offline/,
    /^Check githubstatus\.com .* restart_if: always\.$/,
  ],
  [
    stillBusyError({ state: { kind: 'registering' }, current: [] }, 'wait', ''),
    'runner_not_found',
    /^No runner registered, because the VM booted again and again while the step waited\. No restart was sent\.$/,
    /^Check the VM and its node in the controller\.$/,
  ],
  [
    stillBusyError({ state: { kind: 'settling', stretch }, current: [idle] }, 'wait', ''),
    'runner_busy',
    /but registered again and again/,
    /^If it takes one job per registration, set runner_ephemeral: true; otherwise, lower idle_for\.$/,
  ],
])('%s', ({ code, message, hint }, expectedCode, expectedMessage, expectedHint) => {
  expect(code).toBe(expectedCode);
  expect(message).toMatch(expectedMessage);
  expect(hint).toMatch(expectedHint);
});
