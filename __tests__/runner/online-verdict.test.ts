import { describe, expect, test } from '@jest/globals';
import {
  judgeOnline,
  likelyCause,
  type OnlineHistory,
  type OnlineVerdict,
  startOnlineHistory,
} from '../../src/runner/online-verdict.ts';
import type { RunnerSnapshot } from '../../src/runner/snapshot.ts';
import { busy, idle, offline, runner, snapshot } from '../support/runners.ts';

type Look = readonly [seconds: number, seen: RunnerSnapshot['runner']];

const VERIFIED_AT_S = 300;

/** Seconds are since the VM was verified. */
function follow(
  looks: readonly Look[],
  lastId?: number,
): { verdicts: OnlineVerdict[]; history: OnlineHistory } {
  let history = startOnlineHistory(VERIFIED_AT_S * 1_000, lastId);
  const verdicts = looks.map(([seconds, seen]) => {
    const judged = judgeOnline(history, snapshot(VERIFIED_AT_S + seconds, seen));
    history = judged.history;
    return judged.verdict;
  });
  return { verdicts, history };
}

const renewed = runner({ id: 24 });

/** Idle at a look every fifteen seconds. */
function idleFrom(from: number, until: number): Look[] {
  return Array.from({ length: (until - from) / 15 + 1 }, (_, index): Look => [from + index * 15, idle]);
}

describe('is back', () => {
  test.each<[string, Look[], string]>([
    [
      'offline, then online',
      [
        [0, idle],
        [90, offline],
        [120, idle],
      ],
      'it was offline before',
    ],
    [
      'offline at first',
      [
        [0, offline],
        [30, idle],
      ],
      'it was offline before',
    ],
    [
      'offline, then for a while nobody knows, then online',
      [
        [0, offline],
        [30, undefined],
        [60, idle],
      ],
      'it was offline before',
    ],
    [
      'offline, then online with a job',
      [
        [0, offline],
        [30, busy],
      ],
      'it was offline before',
    ],
    [
      'gone before, and at first, then there',
      [
        [0, 'gone'],
        [30, idle],
      ],
      'registered anew',
    ],
    [
      'registered anew',
      [
        [0, idle],
        [30, renewed],
      ],
      'registered anew',
    ],
    [
      'a job, after two minutes and a half without one',
      [...idleFrom(0, 150), [155, busy]],
      'a job began on it',
    ],
  ])('%s', (_, looks, proof) => {
    const { verdicts } = follow(looks);
    expect(verdicts.at(-1)).toEqual({ kind: 'online', proof });
    expect(verdicts.slice(0, -1).map(({ kind }) => kind)).not.toContain('online');
  });

  test('most likely, after six minutes online', () => {
    const looks = Array.from({ length: 73 }, (_, index): Look => [index * 5, idle]);
    const kinds = follow(looks).verdicts.map(({ kind }) => kind);
    expect(kinds).toEqual([...Array(72).fill('pending'), 'probably_online']);
  });

  test('most likely, even with a job that never showed its beginning', () => {
    expect(
      follow([
        [0, busy],
        [360, busy],
      ]).verdicts.at(-1),
    ).toEqual({ kind: 'probably_online' });
  });
});

test('a registration that comes back was never gone', () => {
  const looks: Look[] = [
    [0, 'gone'],
    [5, idle],
    [10, idle],
  ];
  expect(follow(looks, idle.id).verdicts.map(({ kind }) => kind)).toEqual(['pending', 'pending', 'pending']);
  const renewedLater: Look[] = [...looks, [15, 'gone'], [20, renewed]];
  expect(follow(renewedLater, idle.id).verdicts.at(-1)).toEqual({ kind: 'online', proof: 'registered anew' });
});

describe('is not back', () => {
  test.each<[string, Look[]]>([
    ['online at first: that may be from before', [[0, idle]]],
    [
      'online for less than six minutes',
      [
        [0, idle],
        [359, idle],
      ],
    ],
    ['a job that may have begun before the restart', [...idleFrom(0, 135), [149, idle], [150, busy]]],
    [
      'a job that was there before, and that GitHub took back for a while',
      [[0, busy], ...idleFrom(15, 150), [165, busy]],
    ],
    [
      'a job that may have shown while GitHub gave no answer',
      [...idleFrom(0, 105), [120, undefined], ...idleFrom(135, 270), [280, busy]],
    ],
    [
      'a job that was there all the time',
      [
        [0, busy],
        [100, busy],
      ],
    ],
    ['another registration from the start', [[3, renewed]]],
    [
      'offline again',
      [
        [0, idle],
        [60, offline],
        [400, offline],
      ],
    ],
    [
      'gone',
      [
        [0, idle],
        [60, 'gone'],
      ],
    ],
    [
      'registered anew, but offline',
      [
        [0, idle],
        [60, runner({ id: 24, isOnline: false })],
      ],
    ],
    [
      'no usable answer',
      [
        [0, undefined],
        [400, undefined],
      ],
    ],
    [
      'the first usable answer is online',
      [
        [0, undefined],
        [200, idle],
      ],
    ],
  ])('%s', (_, looks) => {
    expect(follow(looks).verdicts.map(({ kind }) => kind)).toEqual(looks.map(() => 'pending'));
  });
});

describe('what was seen', () => {
  test.each<[string, RunnerSnapshot['runner'], string]>([
    ['nothing', undefined, 'no usable answer of GitHub'],
    ['gone', 'gone', 'it is not registered'],
    ['offline', offline, 'it is offline'],
    ['online', idle, 'it is shown online, which may be what GitHub remembers from before'],
  ])('%s', (_, seen, words) => {
    expect(follow([[0, seen]]).verdicts).toMatchObject([{ kind: 'pending', seen: words }]);
  });
});

describe('the likely cause', () => {
  const STEPS = 'See "How the runner comes back by itself" in docs/between-jobs.md.';
  const SERVICE = `Log a user in automatically after the boot, and install the runner as a service (svc.sh install). ${STEPS}`;
  const LOOK = 'See the log for why GitHub gave none, and look at the runner before you rely on it.';
  const NOBODY =
    'it stayed offline from the boot on: most likely no user is logged in, so that its service never started';

  test.each<[string, readonly RunnerSnapshot['runner'][], boolean, string, string]>([
    ['nothing was seen', [undefined], true, 'GitHub gave no usable answer', LOOK],
    [
      'gone',
      [idle, 'gone'],
      true,
      'its registration is gone: it took one job only (ephemeral), or has registered under another name or elsewhere',
      `Register it under the same name after each boot. ${STEPS}`,
    ],
    [
      'online all the time',
      [idle, idle],
      true,
      'it is shown online, but that may be what GitHub remembers from before the restart',
      'Raise runner_timeout above 6m, and look at the runner before you rely on it.',
    ],
    [
      'online, then offline',
      [idle, offline],
      true,
      'it went offline and stayed so: most likely its new process met the session of the old one and gave up after 4 minutes, or no user is logged in',
      `Let its service be started again whenever it ends (KeepAlive). ${STEPS}`,
    ],
    ['gone, then there', ['gone', offline], true, NOBODY, SERVICE],
    ['offline from the boot on', [offline], true, NOBODY, SERVICE],
    [
      'offline all along',
      [offline],
      false,
      'it was offline before the restart already: most likely it has no service that starts it',
      SERVICE,
    ],
  ])('%s', (_, seen, wasOnline, reason, hint) => {
    const { history } = follow(seen.map((one, index): Look => [60 * index, one]));
    expect(likelyCause(history, wasOnline, history.lastAt)).toEqual({ reason, hint });
  });

  test('is told with how old it is, where GitHub fell silent since', () => {
    const { history } = follow([
      [0, idle],
      [60, offline],
      [120, undefined],
    ]);
    const told = likelyCause(history, true, history.lastAt + 60_000);
    expect(told).toEqual({
      reason: expect.stringMatching(
        /^GitHub gave no usable answer for the last 1 min; before that it went offline and stayed so/,
      ),
      hint: LOOK,
    });
    expect(likelyCause(history, true, history.lastAt + 59_999).reason).toMatch(/^it went offline/);
  });

  test('is unknown where nothing was ever seen', () => {
    const { history } = follow([]);
    expect(history.lastAt).toBe(VERIFIED_AT_S * 1_000);
    expect(likelyCause(history, true, history.lastAt + 60_000).reason).toBe('GitHub gave no usable answer');
  });
});
