import { describe, expect, test } from '@jest/globals';
import type { Runner } from '../../src/github/runner.ts';
import {
  type BackHistory,
  type BackVerdict,
  judgeBack,
  likelyCause,
  startBackHistory,
} from '../../src/runner/back-verdict.ts';
import type { RunnersReading } from '../../src/runner/occupancy.ts';
import { busy, idle, offline, reading, runner } from '../support/runners.ts';

/** What one read shows: one runner, all of them, or none. */
type Seen = Runner | RunnersReading['runners'] | 'gone';
/** What each read shows, by the seconds since the VM was verified. */
type Reads = Readonly<Record<number, Seen>>;

function runnersOf(seen: Seen): RunnersReading['runners'] {
  if (seen === 'gone') return [];
  return seen === undefined || 'length' in seen ? seen : [seen];
}

const VERIFIED_AT_S = 300;

function follow(
  reads: Reads,
  before: readonly Runner[] = [],
  isEphemeral = false,
): { verdicts: BackVerdict[]; history: BackHistory } {
  let history = startBackHistory(VERIFIED_AT_S * 1_000, { current: before, everSeen: before }, isEphemeral);
  const verdicts = Object.entries(reads).map(([seconds, seen]) => {
    const judged = judgeBack(history, reading(VERIFIED_AT_S + Number(seconds), runnersOf(seen)));
    history = judged.history;
    return judged.verdict;
  });
  return { verdicts, history };
}

const renewed = runner({ id: 24 });

/** Idle at a read every fifteen seconds. */
function idleFrom(from: number, until: number): Reads {
  const seconds = Array.from({ length: (until - from) / 15 + 1 }, (_, index) => from + index * 15);
  return Object.fromEntries(seconds.map((second) => [second, idle]));
}

describe('is back', () => {
  test.each<[string, Reads, string]>([
    [
      'offline, then online for five seconds',
      { 0: idle, 90: offline, 120: idle, 125: idle },
      'it went offline, then came online',
    ],
    ['offline at first', { 0: offline, 30: idle, 35: idle }, 'it went offline, then came online'],
    [
      'offline, then no answer for a while, then online',
      { 0: offline, 30: undefined, 60: idle, 65: undefined, 70: idle },
      'it went offline, then came online',
    ],
    [
      'offline, then online with a job',
      { 0: offline, 30: busy, 35: busy },
      'it went offline, then came online',
    ],
    ['gone before, and at first, then there', { 0: 'gone', 30: idle }, 'it registered again'],
    ['it registered again', { 0: idle, 30: renewed }, 'it registered again'],
    [
      'a job, after two minutes and a half without one',
      { ...idleFrom(0, 150), 155: busy },
      'a job began on it',
    ],
  ])('%s', (_, reads, proof) => {
    const { verdicts } = follow(reads);
    expect(verdicts.at(-1)).toEqual({ kind: 'online', proof });
    expect(verdicts.slice(0, -1).map(({ kind }) => kind)).not.toContain('online');
  });

  test('most likely, after six minutes online', () => {
    const reads = Object.fromEntries(Array.from({ length: 73 }, (_, index) => [index * 5, idle]));
    const kinds = follow(reads).verdicts.map(({ kind }) => kind);
    expect(kinds).toEqual([...Array(72).fill('pending'), 'probably_online']);
  });

  test('most likely, even with a job whose beginning no read showed', () => {
    expect(follow({ 0: busy, 360: busy }).verdicts.at(-1)).toEqual({ kind: 'probably_online' });
  });
});

test('a registration that disappears and reappears is not a new one', () => {
  const reads: Reads = { 0: 'gone', 5: idle, 10: idle };
  expect(follow(reads, [idle]).verdicts.map(({ kind }) => kind)).toEqual(['pending', 'pending', 'pending']);
  const renewedLater: Reads = { ...reads, 15: 'gone', 20: renewed };
  expect(follow(renewedLater, [idle]).verdicts.at(-1)).toEqual({
    kind: 'online',
    proof: 'it registered again',
  });
});

describe('is not back', () => {
  test.each<[string, Reads]>([
    ['online at first: that may be from before', { 0: idle }],
    ['online for less than six minutes', { 0: idle, 359: idle }],
    ['a job that may have begun before the restart', { ...idleFrom(0, 135), 149: idle, 150: busy }],
    [
      'a job that was there before, and that GitHub took back for a while',
      { 0: busy, ...idleFrom(15, 150), 165: busy },
    ],
    [
      'a job that may have shown while GitHub gave no answer',
      { ...idleFrom(0, 105), 120: undefined, ...idleFrom(135, 270), 280: busy },
    ],
    ['a job that was there all the time', { 0: busy, 100: busy }],
    ['another registration from the start', { 3: renewed }],
    ['offline again', { 0: idle, 60: offline, 400: offline }],
    ['gone', { 0: idle, 60: 'gone' }],
    ['registered again, but offline', { 0: idle, 60: runner({ id: 24, isOnline: false }) }],
    ['no usable answer', { 0: undefined, 400: undefined }],
    ['the first usable answer is online', { 0: undefined, 200: idle }],
  ])('%s', (_, reads) => {
    expect(follow(reads).verdicts.map(({ kind }) => kind)).toEqual(Object.keys(reads).map(() => 'pending'));
  });
});

describe('several runners', () => {
  const b = runner({ id: 24, name: 'mac-7-b' });
  const bOffline = runner({ id: 24, name: 'mac-7-b', isOnline: false });

  test('are back when each one that was online before is back', () => {
    const { verdicts } = follow(
      {
        0: [offline, bOffline],
        30: [idle, bOffline],
        35: [idle, bOffline],
        60: [offline, b],
        65: [offline, b],
      },
      [idle, b],
    );
    expect(verdicts).toMatchObject([
      { kind: 'pending', seen: 'runner "mac-7": it is offline' },
      { kind: 'pending', seen: 'runner "mac-7": it is online again' },
      { kind: 'pending', seen: 'runner "mac-7-b": it is offline' },
      { kind: 'pending', seen: 'runner "mac-7-b": it is online again' },
      { kind: 'online', proof: 'it went offline, then came online' },
    ]);
  });

  test('are most likely back if one of them is only most likely back', () => {
    const reads: Reads = { 0: [offline, b], 355: [idle, b], 360: [idle, b] };
    expect(follow(reads, [idle, b]).verdicts.at(-1)).toEqual({ kind: 'probably_online' });
  });

  test('do not include one that was offline before', () => {
    const reads: Reads = { 0: [offline, bOffline], 30: [idle, bOffline], 35: [idle, bOffline] };
    expect(follow(reads, [idle, bOffline]).verdicts.at(-1)).toMatchObject({ kind: 'online' });
  });

  test('are back with a single one if none was online before', () => {
    const reads: Reads = { 0: [offline, bOffline], 30: [offline, b], 35: [offline, b] };
    expect(follow(reads, [offline, bOffline]).verdicts).toMatchObject([
      { kind: 'pending', seen: 'runner "mac-7-b": it is offline' },
      { kind: 'pending' },
      { kind: 'online' },
    ]);
  });

  test('are missing for the reason of the one that is not back', () => {
    const { history } = follow({ 0: [idle], 400: [idle] }, [idle, b]);
    expect(likelyCause(history, history.lastAt ?? 0).reason).toMatch(/^its registration is gone/);
  });

  test('are missing if none was ever there', () => {
    const { history, verdicts } = follow({ 0: [] });
    expect(verdicts).toMatchObject([{ seen: 'it is not registered' }]);
    expect(likelyCause(history, history.lastAt ?? 0).reason).toMatch(/^its registration is gone/);
  });
});

describe('a runner that takes one job per registration', () => {
  const old = runner({ id: 50, name: 'vm-1-a', ephemeral: true });
  const next = runner({ id: 51, name: 'vm-1-b', ephemeral: true });
  const nextOffline = { ...next, isOnline: false };
  const nextBusy = { ...next, isBusy: true };
  const unsaid = { ...next, ephemeral: undefined };
  const kindsOf = (reads: Reads, before: readonly Runner[], isEphemeral = true) =>
    follow(reads, before, isEphemeral).verdicts.map(({ kind }) => kind);

  test.each<[string, Reads, Runner[]]>([
    ['registers under a new name', { 0: [], 20: [next] }, []],
    ['registers beside the old one', { 0: [old], 20: [old, next] }, [old]],
    ['has a job at once', { 0: [], 20: [nextBusy] }, []],
    ['has had its job already', { 0: [], 15: [nextOffline], 20: [] }, []],
    [
      'has had its job already, if GitHub does not say its kind',
      { 0: [], 15: [{ ...unsaid, isOnline: false }], 20: [] },
      [],
    ],
    ['registers under the same name', { 0: [], 20: [{ ...next, name: old.name }] }, [old]],
  ])('is back once it %s', (_, reads, before) => {
    const kinds = kindsOf(reads, before);
    expect([kinds.slice(0, -1).includes('online'), kinds.at(-1)]).toEqual([false, 'online']);
  });

  test.each<[string, Reads, Runner[], boolean]>([
    ['was there at the first read', { 0: [next], 20: [next] }, [], true],
    ['was there before the restart', { 0: [], 20: [old] }, [old], true],
    ['is offline', { 0: [], 20: [nextOffline] }, [], true],
    ['was there at the first read, and is gone', { 0: [next], 20: [] }, [], true],
    [
      'takes more than one job, and is gone',
      { 0: [], 15: [{ ...unsaid, isOnline: false }], 20: [] },
      [],
      false,
    ],
    [
      'is one of two',
      { 0: [], 20: [next] },
      [old, runner({ id: 49, name: 'vm-1-c', ephemeral: true })],
      true,
    ],
  ])('is not back if it %s', (_, reads, before, isEphemeral) => {
    expect(kindsOf(reads, before, isEphemeral)).not.toContain('online');
  });
});

describe('what was seen', () => {
  test.each<[string, Seen, string]>([
    ['nothing', undefined, 'no usable answer from GitHub'],
    ['gone', 'gone', 'it is not registered'],
    ['offline', offline, 'it is offline'],
    ['online', idle, 'it is still listed online, which may be stale'],
  ])('%s', (_, seen, words) => {
    expect(follow({ 0: seen }).verdicts).toMatchObject([{ kind: 'pending', seen: words }]);
  });
});

describe('the likely cause', () => {
  const STEPS = 'See "How the runner comes back by itself" in docs/between-jobs.md.';
  const LOGIN =
    'Log a user in automatically after the boot, which needs FileVault off (with it, SSH answers before the disk is unlocked)';
  const SERVICE = `${LOGIN}, and install the runner as a service (svc.sh install). ${STEPS}`;
  const CHECK = 'See the log for why GitHub gave none, and check the runner before you rely on it.';
  const NO_RUNNER =
    'it has been offline since the boot: most likely no user is logged in, so that its service never started';

  test.each<[string, readonly Seen[], boolean, string, string]>([
    ['nothing was seen', [undefined], true, 'GitHub gave no usable answer', CHECK],
    [
      'gone',
      [idle, 'gone'],
      true,
      'its registration is gone: it took one job only (ephemeral), or has registered under another name or elsewhere',
      `Have the VM register its runner at each boot, in runner_scope and under a name that runner_name matches. ${STEPS}`,
    ],
    [
      'online all the time',
      [idle, idle],
      true,
      'it is still listed online, but that may be stale',
      'Raise runner_timeout above 6m, and check the runner before you rely on it.',
    ],
    [
      'online, then offline',
      [idle, offline],
      true,
      'it went offline and stayed offline: most likely its new process found the old session still open, and gave up after 4 minutes, or no user is logged in',
      `${LOGIN}, and have launchd restart its service whenever it exits (KeepAlive). ${STEPS}`,
    ],
    [
      'offline, then online in the last read',
      [offline, idle],
      true,
      'it came online too late for a second read to confirm it',
      'Raise runner_timeout.',
    ],
    ['gone, then there', ['gone', offline], true, NO_RUNNER, SERVICE],
    ['offline from the boot on', [offline], true, NO_RUNNER, SERVICE],
    [
      'offline all along',
      [offline],
      false,
      'it was already offline before the restart: most likely no service starts it',
      SERVICE,
    ],
  ])('%s', (_, seen, wasOnline, reason, hint) => {
    const { history } = follow(Object.fromEntries(seen.map((one, index) => [60 * index, one])), [
      wasOnline ? idle : offline,
    ]);
    expect(likelyCause(history, history.lastAt ?? 0)).toEqual({ reason, hint });
  });

  test('says how long GitHub has been silent since', () => {
    const { history } = follow({ 0: idle, 60: offline, 120: undefined });
    const lastAt = history.lastAt ?? 0;
    const cause = likelyCause(history, lastAt + 60_000);
    expect(cause).toEqual({
      reason: expect.stringMatching(
        /^GitHub gave no usable answer for the last 1 min; before that it went offline and stayed offline/,
      ),
      hint: CHECK,
    });
    expect(likelyCause(history, lastAt + 59_999).reason).toMatch(/^it went offline/);
  });

  test('is unknown if nothing was ever seen', () => {
    const { history } = follow({ 0: undefined });
    expect(history.lastAt).toBeUndefined();
    expect(likelyCause(history, 60_000).reason).toBe('GitHub gave no usable answer');
  });
});
