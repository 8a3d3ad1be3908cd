import { describe, expect, test } from '@jest/globals';
import type { Instance } from '../../src/controller/instance.ts';
import type { Observation } from '../../src/restart/ordering.ts';
import {
  afterAnswer,
  afterOlderAnswer,
  describeTrouble,
  describeUnmet,
  type FailureRun,
  type History,
  isFinalFailure,
  judge,
  startHistory,
  type Verdict,
} from '../../src/restart/verdict.ts';
import {
  at,
  baseline,
  bootedAt,
  instance,
  NEW_BOOT,
  OLD_BOOT,
  reported,
  restarted,
} from '../support/instances.ts';

const SENT_AT = 1_000;

/** An answer that arrived at once. */
function sampleAt(at: number, seen: Instance | undefined): Observation {
  return { askedAt: at, answeredAt: at, instance: seen };
}

/** What polls showed, by the seconds since the restart was sent. */
type Polls = Readonly<Record<number, Instance | undefined>>;

/** The verdict on the last of these polls. */
function verdictAfter(polls: Polls): Verdict {
  let history: History = startHistory(baseline(), SENT_AT);
  let verdict: Verdict = { kind: 'pending', unmet: [] };
  for (const [seconds, seen] of Object.entries(polls))
    ({ verdict, history } = judge(history, sampleAt(SENT_AT + Number(seconds) * 1_000, seen)));
  return verdict;
}

function unmetOf(seen: Instance | undefined): string[] {
  const verdict = verdictAfter({ 1: seen });
  return verdict.kind === 'pending'
    ? verdict.unmet.map(({ condition, seen }) => `${condition}: ${seen}`)
    : [verdict.kind];
}

const error = (seconds: number) => restarted(seconds, { state: 'Error' });
const GONE = undefined;

describe('restarted', () => {
  test('only when all three conditions hold in one answer', () => {
    expect(verdictAfter({ 1: restarted() })).toEqual({ kind: 'restarted', instance: restarted() });
  });

  test('even with a start_date before the old one: the clock of the node may have stepped back', () => {
    const hoursAgo = { ...bootedAt('2024-10-13T08:00:00Z'), reportedAt: at('2024-10-13T08:00:03Z') };
    expect(verdictAfter({ 1: restarted(10, hoursAgo) }).kind).toBe('restarted');
  });

  test('even with a start_date long ago, if the clock of the node stepped forward since', () => {
    const stepped = { ...bootedAt('2024-10-13T11:10:05Z'), reportedAt: at('2024-10-13T14:00:00Z') };
    expect(verdictAfter({ 5: restarted(10, stepped) }).kind).toBe('restarted');
  });

  test('even if the report lacks the date of the controller', () => {
    const undated = restarted(10, { ...bootedAt('2024-10-13T11:10:05Z'), updatedAt: undefined });
    expect(verdictAfter({ 10: undated }).kind).toBe('restarted');
  });

  test('even with a message that was left over', () => {
    expect(verdictAfter({ 1: restarted(10, { message: 'Unexpected VM state: "stopped"' }) }).kind).toBe(
      'restarted',
    );
  });

  test('even in a report that says nothing about its age, if no report ever did', () => {
    const undated = { updatedAt: undefined, reportedAt: undefined };
    const history = startHistory(baseline(undated), SENT_AT);
    expect(judge(history, sampleAt(SENT_AT, restarted(10, undated))).verdict.kind).toBe('restarted');
  });
});

test('a report that lacks its own time, which the one before had, does not prove anything', () => {
  const damaged = restarted(10, { reportedAt: undefined });
  expect(unmetOf(damaged)).toEqual(['dated answer: none']);
});

describe('pending', () => {
  test.each<[string, Instance | undefined, string[]]>([
    ['the state', restarted(10, { state: 'Stopping' }), ['instance_state: Stopping']],
    ['the status', restarted(10, { status: 'stopped' }), ['status: stopped']],
    ['no status', restarted(10, { status: undefined }), ['status: none']],
    ['the old date', instance(reported(10)), [`start_date: ${OLD_BOOT}`]],
    [
      'the old date at another offset',
      restarted(10, bootedAt('2024-10-13T12:51:34.000+02:00')),
      ['start_date: 2024-10-13T12:51:34.000+02:00'],
    ],
    ['the zero date', restarted(10, bootedAt('0001-01-01T00:00:00Z')), ['start_date: 0001-01-01T00:00:00Z']],
    ['no date', restarted(10, bootedAt(undefined)), ['start_date: none']],
    ['nonsense for a date', restarted(10, bootedAt('soon')), ['start_date: soon']],
    [
      'all three',
      instance({ ...reported(9), state: 'Pulling', status: 'suspended' }),
      ['instance_state: Pulling', 'status: suspended', `start_date: ${OLD_BOOT}`],
    ],
    ['absence', GONE, ['presence: not listed']],
    [
      'an older answer',
      restarted(-1),
      ['newer answer: 2024-10-13T11:10:01.690Z and 2024-10-13T11:10:06.604Z'],
    ],
    [
      'an older answer without vminfo',
      restarted(-1, { reportedAt: undefined }),
      ['newer answer: 2024-10-13T11:10:06.604Z'],
    ],
  ])('says what is missing: %s', (_, seen, expected) => {
    expect(unmetOf(seen)).toEqual(expected);
  });

  test.each<[string, Partial<Instance>]>([
    ['no date at all', { updatedAt: undefined, reportedAt: undefined }],
    ['none that the baseline has', { updatedAt: undefined }],
  ])('a new boot in a report with %s proves nothing', (_, changes) => {
    const history = startHistory(baseline({ reportedAt: undefined }), SENT_AT);
    const { verdict } = judge(history, sampleAt(SENT_AT + 1_000, restarted(10, changes)));
    expect(verdict).toMatchObject({ kind: 'pending', unmet: [{ condition: 'dated answer' }] });
  });

  describe('a boot before the restart was sent that the baseline did not know', () => {
    // The baseline was read at 11:10:02.690 by the clock of the node.
    const boot = '2024-10-13T11:10:10Z';

    test.each([60, 300])(
      'is not ours, whether the restart is on its way for 10 s or 250 s (%i s)',
      (seconds) => {
        const verdict = verdictAfter({ [seconds - 50]: restarted(seconds, bootedAt(boot)) });
        expect(verdict).toMatchObject({ kind: 'pending', unmet: [{ condition: 'new boot', seen: boot }] });
      },
    );

    test('is not ours, even if the baseline was an hour old', () => {
      const verdict = verdictAfter({ 1: restarted(3_600, bootedAt('2024-10-13T11:40:00Z')) });
      expect(verdict).toMatchObject({ unmet: [{ condition: 'new boot' }] });
    });

    test('is distinguished from ours by twenty seconds', () => {
      const seen = restarted(58, {
        ...bootedAt('2024-10-13T11:10:30Z'),
        reportedAt: at('2024-10-13T11:11:00Z'),
      });
      expect(verdictAfter({ 10: seen }).kind).toBe('restarted');
      expect(verdictAfter({ 9.9: seen }).kind).toBe('pending');
    });

    test('may be ours if the clock of the node was set by more than ten seconds', () => {
      const seen = restarted(58, {
        ...bootedAt('2024-10-13T11:10:10Z'),
        reportedAt: at('2024-10-13T11:11:11Z'),
      });
      expect(verdictAfter({ 10: seen }).kind).toBe('restarted');
    });

    test('does not become ours because its report is seen again and again', () => {
      const seen = restarted(60, bootedAt(boot));
      expect(verdictAfter({ 10: seen, 60: seen, 300: seen }).kind).toBe('pending');
    });

    test('may be one from before the baseline was read, as a replica shows it that lags behind more', () => {
      expect(verdictAfter({ 10: restarted(10, bootedAt('2024-10-13T11:00:00Z')) }).kind).toBe('pending');
    });

    test('is not ours because the clock of the node was set back since, which makes an older answer look younger', () => {
      const setBack = restarted(5, { ...bootedAt(OLD_BOOT), reportedAt: at('2024-10-13T10:55:00Z') });
      const stale = restarted(-30, bootedAt('2024-10-12T20:00:00Z'));
      expect(verdictAfter({ 5: setBack, 6: stale }).kind).toBe('pending');
      const stranger = { ...stale, reportedAt: at('2024-10-13T11:10:08Z') };
      expect(verdictAfter({ 5: setBack, 6: stranger }).kind).toBe('pending');
    });
  });

  test('an answer older than the newest seen proves nothing, even if newer than the baseline', () => {
    expect(verdictAfter({ 1: restarted(10, { status: 'stopped' }), 2: restarted(5) }).kind).toBe('pending');
  });
});

describe('failed', () => {
  test.each<[string, Polls, Verdict['kind']]>([
    ['Terminated once', { 1: restarted(1, { state: 'Terminated' }) }, 'pending'],
    [
      'Terminated, on the second poll',
      { 1: restarted(1, { state: 'Terminated' }), 2: restarted(1, { state: 'Terminated' }) },
      'failed',
    ],
    [
      'Terminating, then Terminated',
      { 1: restarted(1, { state: 'Terminating' }), 2: restarted(3, { state: 'Terminated' }) },
      'failed',
    ],
    [
      'Terminated, then back',
      {
        1: restarted(1, { state: 'Terminated' }),
        2: instance(reported(3)),
        3: restarted(4, { state: 'Terminated' }),
      },
      'pending',
    ],
    [
      'Terminated, with an older answer between',
      { 1: restarted(3, { state: 'Terminated' }), 2: restarted(1), 3: restarted(3, { state: 'Terminated' }) },
      'failed',
    ],
    ['Error, two newer polls, 30 s', { 1: error(1), 6: error(6), 31: error(31) }, 'failed'],
    ['Error, two newer polls, just under 30 s', { 1: error(1), 6: error(6), 30.9: error(30) }, 'pending'],
    ['Error, only one newer poll, 30 s', { 1: error(1), 31: error(31) }, 'pending'],
    ['Error, the same report again and again, 30 s', { 1: error(1), 15: error(1), 31: error(1) }, 'pending'],
    [
      'Error, the same report again and again, for how long ever',
      { 1: error(1), 31: error(1), 61: error(1), 3600: error(1) },
      'pending',
    ],
    [
      'a brief Error',
      { 1: error(1), 20: instance(reported(20)), 25: error(25), 31: error(31), 36: error(36) },
      'pending',
    ],
    ['Error, then restarted', { 1: error(1), 40: restarted(40) }, 'restarted'],
    [
      'deleted, two newer polls, 30 s',
      {
        1: restarted(1, { status: 'deleted' }),
        9: restarted(9, { status: 'deleted' }),
        31: restarted(31, { status: 'deleted' }),
      },
      'failed',
    ],
    ['gone, two more polls, 30 s', { 1: GONE, 2: GONE, 31: GONE }, 'failed'],
    ['gone, one more poll, 30 s', { 1: GONE, 31: GONE }, 'pending'],
    ['gone briefly', { 1: GONE, 2: GONE, 31: restarted(30) }, 'restarted'],
    ['gone and in Error by turns', { 1: GONE, 15: error(15), 31: GONE }, 'failed'],
    [
      'Error, with an older, healthy answer between',
      { 1: error(1), 6: error(10), 20: restarted(5), 31: error(31), 36: error(36) },
      'pending',
    ],
    [
      'Error, with an older one between',
      { 1: error(1), 6: error(10), 20: error(5), 31: error(31) },
      'failed',
    ],
    [
      'Error, since an older answer that looked well',
      { 5: restarted(-1), 20: error(10), 30: error(20), 36: error(36) },
      'pending',
    ],
    ['older answers do not count', { 1: error(9), 15: error(5), 31: error(6) }, 'pending'],
  ])('%s', (_, polls, kind) => {
    expect(verdictAfter(polls).kind).toBe(kind);
  });

  test('says what was seen', () => {
    const terminated = restarted(1, { state: 'Terminated', message: 'by controller' });
    expect(verdictAfter({ 1: terminated, 2: terminated })).toEqual({
      kind: 'failed',
      reason: describeTrouble(terminated),
    });
  });
});

describe('an answer that was long in coming', () => {
  /** The last of three polls that show Error, after 31 s; the answer to the second took that long. */
  function lastOf(waitedMs: number, seen: Instance | undefined): Verdict {
    const at = SENT_AT + 20_000;
    const first = judge(startHistory(baseline(), SENT_AT), sampleAt(SENT_AT + 1_000, error(1)));
    const second = judge(first.history, { askedAt: at - waitedMs, answeredAt: at, instance: seen });
    const third = judge(second.history, sampleAt(SENT_AT + 25_000, error(25)));
    return judge(third.history, sampleAt(SENT_AT + 31_000, error(31))).verdict;
  }

  test.each<[string, Instance | undefined]>([
    ['Error', error(20)],
    ['absence', GONE],
  ])('leaves a gap, in which the VM may have been well: %s', (_, seen) => {
    expect(lastOf(9_999, seen).kind).toBe('failed');
    expect(lastOf(10_000, seen).kind).toBe('pending');
  });

  test('is where the time starts again', () => {
    const slow = { askedAt: SENT_AT + 5_000, answeredAt: SENT_AT + 20_000, instance: error(20) };
    let { history } = judge(startHistory(baseline(), SENT_AT), sampleAt(SENT_AT + 1_000, error(1)));
    ({ history } = judge(history, slow));
    const kinds = [30, 45, 49, 50].map((seconds) => {
      const judged = judge(history, sampleAt(SENT_AT + seconds * 1_000, error(seconds)));
      ({ history } = judged);
      return judged.verdict.kind;
    });
    expect(kinds).toEqual(['pending', 'pending', 'pending', 'failed']);
  });

  test('does not bring back a terminated VM', () => {
    const terminated = restarted(1, { state: 'Terminated' });
    const { history } = judge(startHistory(baseline(), SENT_AT), sampleAt(SENT_AT + 1_000, terminated));
    const slow = { askedAt: SENT_AT + 2_000, answeredAt: SENT_AT + 20_000, instance: terminated };
    expect(judge(history, slow).verdict.kind).toBe('failed');
  });
});

describe('if controller and node are one machine', () => {
  const answeredMs = Date.parse('2024-10-13T11:10:08Z');
  const HOUR = 3_600;

  /** The answer so many seconds after the baseline's, with all clocks set back by an hour unless it says otherwise. */
  function answer(seconds: number, changes: Partial<Instance> = {}, setBack = HOUR): Observation {
    const at = SENT_AT + seconds * 1_000;
    const dates = { ...reported(seconds - setBack), answeredAtMs: answeredMs + (seconds - setBack) * 1_000 };
    return { askedAt: at, answeredAt: at, instance: instance({ ...dates, ...changes }) };
  }

  const known = { ...baseline({ answeredAtMs: answeredMs }), answeredAt: SENT_AT };
  const booted = bootedAt('2024-10-13T10:10:07Z');

  function verdictsAfter(...observations: Observation[]): string[] {
    let history = startHistory(known, SENT_AT);
    return observations.map((observation) => {
      const judged = judge(history, observation);
      ({ history } = judged);
      const { verdict } = judged;
      return verdict.kind === 'pending'
        ? verdict.unmet.map(({ condition }) => condition).join()
        : verdict.kind;
    });
  }

  test('a clock that was set back does not make every later answer an older one', () => {
    expect(verdictsAfter(answer(5), answer(10, booted))).toEqual(['start_date', 'restarted']);
    expect(verdictsAfter(answer(10, booted))).toEqual(['restarted']);
  });

  test('the time since the baseline counts from when it was read, which may be long before the restart', () => {
    const readAt = SENT_AT - 60_000;
    const early = { ...known, answeredAt: readAt };
    const dates = { ...reported(65 - HOUR), answeredAtMs: answeredMs + (65 - HOUR) * 1_000 };
    const at = SENT_AT + 5_000;
    const setBack = { askedAt: at, answeredAt: at, instance: instance({ ...dates, status: 'stopped' }) };
    const { history } = judge(startHistory(early, SENT_AT), setBack);
    const expected = Number(early.startDate.epochNanoseconds / 1_000_000n) - HOUR * 1_000;
    expect(Number(history.baseline.startDate.epochNanoseconds / 1_000_000n)).toBe(expected);
    expect(history.newest).toEqual(setBack.instance);
  });

  test('what is older after that still proves nothing', () => {
    const observations = [answer(10, { status: 'stopped' }), answer(5, booted)];
    expect(verdictsAfter(...observations)).toEqual(['status,start_date', 'newer answer']);
  });

  test('an earlier boot is not a new one', () => {
    expect(verdictsAfter(answer(60, bootedAt('2024-10-13T09:00:00Z')))).toEqual(['new boot']);
  });

  test.each<[string, Observation]>([
    [
      'only HTTP Date tells it: a replica whose clock is behind',
      answer(-5, { ...booted, answeredAtMs: answeredMs }, 0),
    ],
    ['HTTP Date does not tell it', answer(10, { ...booted, answeredAtMs: answeredMs + 10_000 })],
    ['the answer has no HTTP Date', answer(10, { ...booted, answeredAtMs: undefined })],
    ['the record was set back further', answer(10, { ...booted, ...reported(10 - 2 * HOUR) })],
    ['only by seconds', answer(5, booted, 8)],
    ['the record has one date alone', answer(10, { ...booted, reportedAt: undefined })],
    ['the record has the other date alone', answer(10, { ...booted, updatedAt: undefined })],
  ])('but not if %s', (_, observation) => {
    expect(verdictsAfter(observation)).toEqual(['newer answer']);
  });
});

test('the history keeps when the newest report was first seen', () => {
  const first = judge(startHistory(baseline(), 0), sampleAt(5_000, instance(reported(5)))).history;
  const second = judge(first, sampleAt(6_000, instance(reported(5)))).history;
  expect(second).toMatchObject({ newestAt: 5_000, newest: instance(reported(5)) });
});

test('of an Error says that it may pass', () => {
  expect(describeUnmet({ condition: 'instance_state', seen: 'Error' })).toBe(
    'instance_state is "Error", which is a failure if it lasts for 30 s',
  );
});

test('an answer without a date says so', () => {
  expect(describeUnmet({ condition: 'dated answer', seen: 'none' })).toBe(
    'the answer does not say how old it is',
  );
});

describe('words', () => {
  test.each<[Instance | undefined, string]>([
    [restarted(), `instance_state "Started", status "running", start_date ${NEW_BOOT}`],
    [
      instance({ status: undefined, message: 'm', ...bootedAt(undefined) }),
      'instance_state "Started", status "none", start_date none, message (may be left over) \'m\'',
    ],
    [undefined, 'the controller does not list the instance'],
  ])('for a state', (seen, text) => {
    expect(describeTrouble(seen)).toBe(text);
  });

  test.each([
    ['presence', 'the controller does not list the instance'],
    ['newer answer', 'the answer is older than one seen before (of X)'],
    ['sound dates', 'start_date X is later than the report that shows it'],
    ['new boot', 'start_date X belongs to a boot before the restart was sent'],
    ['instance_state', 'instance_state is "X", not "Started"'],
    ['status', 'status is "X", not "running"'],
    ['start_date', 'start_date is X, not a new one'],
  ] as const)('for a condition: %s', (condition, text) => {
    expect(describeUnmet({ condition, seen: 'X' })).toBe(text);
  });
});

// Follows the table of failures in verdict.ts. The run below began at 1 s.

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
