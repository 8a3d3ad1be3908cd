import { describe, expect, test } from '@jest/globals';
import type { Instance } from '../../src/controller/instance.ts';
import type { Observation } from '../../src/restart/ordering.ts';
import {
  arrivalOf,
  learn,
  NO_TIMING,
  nextPollAt,
  type PollInterval,
  type Progress,
  type ReportTiming,
} from '../../src/restart/schedule.ts';
import { at, instance } from '../support/instances.ts';

const UNDATED: Partial<Instance> = { updatedAt: undefined, reportedAt: undefined };

describe('a fixed interval', () => {
  test.each<[PollInterval, number]>([
    [250, 5_250],
    [10_000, 15_000],
    [() => 300, 5_300],
  ])('%p: at %i', (pollInterval, expected) => {
    const progress = { sentAt: 5_000, lastPollAt: 5_000, timing: NO_TIMING };
    expect(nextPollAt(pollInterval, progress)).toBe(expected);
  });
});

/** The controller's time when the restart is sent. */
const EPOCH = Date.parse('2024-10-13T12:00:00Z');

/** A date of the controller's, so many seconds after the restart was sent. */
const dateAt = (seconds: number) => at(new Date(EPOCH + Math.round(seconds * 1_000)).toISOString());

/** HTTP Date at that time. */
const headerAt = (seconds: number) => EPOCH + Math.floor(seconds) * 1_000;

describe('auto, if the time of the last report is roughly known', () => {
  const MADE_AT_MS = 250;

  /** The last report came in that time, a quarter of a second after the controller's second turned. */
  const knowing = (from: number, to: number, changes: Partial<ReportTiming> = {}): ReportTiming => ({
    ...{ tripMs: 0, newest: instance({ updatedAt: dateAt(MADE_AT_MS / 1_000) }), gapMs: 5_000, ...changes },
    aheadMs: { from: from - MADE_AT_MS - EPOCH, to: to - MADE_AT_MS - EPOCH },
  });
  const next = (timing: ReportTiming, changes: Partial<Progress>) =>
    nextPollAt('auto', { sentAt: 0, lastPollAt: 0, timing, ...changes });

  test.each<[string, ReportTiming, number, number]>([
    ['just after the part of a second in which reports arrive', knowing(570, 600), 0, 610],
    ['a second later', knowing(570, 600), 610, 1_610],
    ['so, too, where reports are rare', knowing(570, 600, { gapMs: 30_000 }), 610, 1_610],
    ['no sooner than 300 ms after the last poll', knowing(270, 289), 0, 1_299],
    ['then at the soonest', knowing(270, 291), 0, 301],
    ['sooner by the time that a poll takes', knowing(570, 600, { tripMs: 40 }), 0, 570],
    ['but not within 300 ms either', knowing(300, 320, { tripMs: 40 }), 0, 1_290],
    ['so where 50 ms are left open', knowing(550, 600), 3_000, 3_610],
  ])('polls %s', (_, timing, lastPollAt, expected) => {
    expect(next(timing, { lastPollAt })).toBeCloseTo(expected, 1);
  });

  test.each<[string, ReportTiming, number, number]>([
    ['where the second turns in the middle of what is open', knowing(400, 600), 1_000, 2_250],
    ['sooner by the time that a poll takes', knowing(400, 600, { tripMs: 40 }), 1_000, 2_210],
    ['no sooner than 300 ms after the last poll', knowing(400, 600), 949, 1_250],
    ['at the end of what is open, where the report is due before that', knowing(400, 600), 4_960, 5_610],
    ['the same where it is due sooner than 300 ms after that', knowing(522, 600), 4_900, 5_610],
    ['in the middle where it is due 300 ms after that', knowing(520, 600), 4_900, 5_310],
    [
      'at the end each second where reports come this often',
      knowing(100, 700, { gapMs: 1_000 }),
      1_000,
      1_710,
    ],
    ['in the middle where more than 50 ms are left open', knowing(549.9, 600), 3_000, 3_324.95],
  ])('polls, while that is too vague, %s', (_, timing, lastPollAt, expected) => {
    expect(next(timing, { lastPollAt })).toBeCloseTo(expected, 1);
  });

  test('is less frequent, in the same part of a second, if no report arrives for minutes', () => {
    const pauses = [119, 121, 179, 181, 241, 301, 901].map((seconds) => {
      const lastPollAt = seconds * 1_000 + 610;
      return Math.round(next(knowing(570, 600), { lastPollAt }) - lastPollAt);
    });
    expect(pauses).toEqual([1_000, 2_000, 2_000, 3_000, 4_000, 5_000, 5_000]);
  });

  test('does not slow down because of a silence before the restart', () => {
    expect(next(knowing(570, 600), { sentAt: 600_000, lastPollAt: 600_610 })).toBeCloseTo(601_610, 1);
  });
});

/** A controller whose reports come at these moments, in seconds after the restart was sent. */
interface World {
  readonly reports: readonly number[];
  /** One way, in milliseconds. */
  readonly tripMs?: number;
  /** How many seconds the replica lags that answers a poll, counted from 0 for the baseline. */
  readonly lag?: (poll: number) => number;
  /** How an answer at that moment differs. */
  readonly changes?: (seconds: number) => Partial<Instance>;
}

function answer(seconds: number, poll: number, { reports, lag, changes }: World): Instance {
  const asOf = seconds - (lag?.(poll) ?? 0);
  const date = dateAt(reports.filter((report) => report <= asOf).at(-1) ?? -60);
  const dates = { updatedAt: date, reportedAt: date, answeredAtMs: headerAt(seconds) };
  return instance({ ...dates, ...changes?.(seconds) });
}

interface Course {
  /** When, in seconds after the restart was sent. */
  readonly polls: number[];
  readonly timing: ReportTiming;
}

/** The polls of `auto` until this moment, in seconds after the restart was sent. */
function follow(world: World, until: number): Course {
  const { tripMs = 1 } = world;
  let timing = NO_TIMING;
  const poll = (askedAt: number, index: number) => {
    const seen = answer((askedAt + tripMs) / 1_000, index, world);
    timing = learn(timing, { askedAt, answeredAt: askedAt + 2 * tripMs, instance: seen });
  };
  poll(-2 * tripMs - 1, 0);
  const polls: number[] = [];
  let lastPollAt = 0;
  for (;;) {
    lastPollAt = nextPollAt('auto', { sentAt: 0, lastPollAt, timing });
    if (lastPollAt > until * 1_000) return { polls, timing };
    polls.push(lastPollAt / 1_000);
    poll(lastPollAt, polls.length);
  }
}

/** How long after this moment a poll first reaches the controller, in milliseconds. */
function delayAfter(moment: number, { tripMs = 1, ...world }: World): number {
  const arrivals = follow({ tripMs, ...world }, moment + 3).polls.map((poll) => poll + tripMs / 1_000);
  return ((arrivals.find((arrival) => arrival >= moment) ?? Number.NaN) - moment) * 1_000;
}

function pausesOf({ polls }: Course): number[] {
  return polls.map((poll, index) => poll - (polls[index - 1] ?? 0));
}

const every = (period: number, first: number) =>
  Array.from({ length: 40 }, (_, index) => first + index * period);

/** Between 0 and 1, without any order. */
const scatter = (index: number) => (index * 0.618) % 1;

const STEADY: World = { reports: every(5, -1.37) };
const WITHOUT_HEADER: World = { ...STEADY, changes: () => ({ answeredAtMs: undefined }) };
const WITHOUT_DATES: World = { reports: [], changes: () => UNDATED };

describe('auto, from the first poll on', () => {
  test.each<[string, World, number, number]>([
    ['a beat of 5 s', STEADY, 3.63, 80],
    ['a beat of 5 s, while little is known', { reports: every(5, -2.63) }, 2.37, 300],
    ['a beat of 5 s, the next time', STEADY, 8.63, 40],
    ['a beat of 1 s, roughly', { reports: every(1, -0.4) }, 4.6, 300],
    ['a beat of 7 s', { reports: every(7, -0.8) }, 6.2, 60],
    ['a beat of 30 s', { reports: every(30, -12.3) }, 17.7, 60],
    ['a heartbeat of 5 s, one of them missing', { reports: [-8.7, 6.3] }, 6.3, 60],
    [
      'a beat of 5 s, without a date of the node',
      { ...STEADY, changes: () => ({ reportedAt: undefined }) },
      8.63,
      60,
    ],
    ['50 ms away', { ...STEADY, tripMs: 50 }, 8.63, 60],
    [
      'beside a replica that is 2 s behind',
      { ...STEADY, lag: (poll) => (poll % 3 === 2 ? 2 : 0) },
      8.63,
      1_060,
    ],
    ['after polls that missed the controller', { ...STEADY, lag: (poll) => (poll < 3 ? 7 : 0) }, 8.63, 60],
  ])('meets %s', (_, world, moment, mostMs) => {
    const delayMs = delayAfter(moment, world);
    expect(delayMs).toBeGreaterThanOrEqual(0);
    expect(delayMs).toBeLessThanOrEqual(mostMs);
  });

  test.each<[string, World]>([
    ['steady', STEADY],
    ['quick', { reports: every(1, -1) }],
    ['uneven', { reports: every(5, -4).map((report, index) => report + scatter(index)) }],
    ['silent', { reports: [-20] }],
    ['far away', { ...STEADY, tripMs: 300 }],
    ['of replicas', { ...STEADY, lag: (poll) => (poll % 2) * 7 }],
    [
      'behind a proxy with a clock that runs wild',
      {
        ...STEADY,
        changes: (seconds) => ({ answeredAtMs: headerAt(seconds) + 60_000 * scatter(Math.floor(seconds)) }),
      },
    ],
    [
      'behind a proxy whose clock is a minute slow',
      { ...STEADY, changes: (seconds) => ({ answeredAtMs: headerAt(seconds - 60) }) },
    ],
    ['without HTTP Date', WITHOUT_HEADER],
    ['without dates', WITHOUT_DATES],
  ])('is about one poll per second, whatever comes: %s', (_, world) => {
    const course = follow(world, 60);
    expect(Math.min(...pausesOf(course))).toBeGreaterThan(0.2999);
    expect(Math.max(...pausesOf(course))).toBeLessThan(1.6001);
    expect(course.polls.length).toBeGreaterThanOrEqual(57);
    expect(course.polls.length).toBeLessThanOrEqual(75);
  });

  test.each<[string, World]>([
    ['HTTP Date', WITHOUT_HEADER],
    ['any date', WITHOUT_DATES],
    ['a date of the controller', { ...STEADY, changes: () => ({ updatedAt: undefined }) }],
  ])('polls every second if there is nothing to learn from: without %s', (_, world) => {
    expect(follow(world, 5.5).polls).toEqual([1, 2, 3, 4, 5]);
  });

  test('is less frequent after minutes if there is nothing to learn from', () => {
    const pauses = pausesOf(follow(WITHOUT_DATES, 900)).map(Math.round);
    expect([...new Set(pauses)]).toEqual([1, 2, 3, 4, 5]);
    expect(pauses.indexOf(2)).toBe(120);
  });

  test('stays as frequent while reports arrive', () => {
    expect(Math.max(...pausesOf(follow({ reports: every(30, -12.3) }, 900)))).toBeLessThan(1.31);
  });
});

describe('what is learned', () => {
  const seen = (seconds: number, changes: Partial<Instance> = {}): Observation => ({
    askedAt: seconds * 1_000 - 2,
    answeredAt: seconds * 1_000,
    instance: instance(changes),
  });
  const reported = (seconds: number): Partial<Instance> => ({
    updatedAt: dateAt(seconds),
    reportedAt: dateAt(seconds),
  });
  /** On the clock of these tests, which shows 0 when the controller's shows `EPOCH`. */
  const aheadOf = ({ aheadMs: { from, to } }: ReportTiming) => [
    Math.round(from + EPOCH),
    Math.round(to + EPOCH),
  ];
  const learnAll = (...observations: Observation[]) => observations.reduce(learn, NO_TIMING);

  test('nothing before the first poll', () => {
    expect(arrivalOf(NO_TIMING)).toBeUndefined();
  });

  test('an instance that is not listed shows only how long a poll takes', () => {
    const observation = { askedAt: 5, answeredAt: 8, instance: undefined };
    expect(learn(NO_TIMING, observation)).toEqual({ ...NO_TIMING, tripMs: 3 });
  });

  test('the quickest poll counts', () => {
    const slow = { askedAt: 0, answeredAt: 90, instance: undefined };
    expect(learnAll(slow, seen(1), slow).tripMs).toBe(2);
  });

  test('HTTP Date leaves a second open, and the turn of its second shows which half', () => {
    const first = seen(0.4, { ...reported(-3), answeredAtMs: headerAt(0.4) });
    expect(aheadOf(learnAll(first))).toEqual([-600, 400]);
    expect(arrivalOf(learnAll(first))).toEqual({ from: -3_600, to: -2_600 });
    expect(aheadOf(learnAll(first, seen(0.9, { ...reported(-3), answeredAtMs: headerAt(0.9) })))).toEqual([
      -100, 400,
    ]);
    expect(aheadOf(learnAll(first, seen(1.1, { ...reported(-3), answeredAtMs: headerAt(1.1) })))).toEqual([
      -600, 100,
    ]);
  });

  test('an answer came after the report that it shows', () => {
    const timing = learnAll(seen(0.4, { ...reported(0.3), answeredAtMs: headerAt(0.4) }));
    expect(aheadOf(timing)).toEqual([-600, 100]);
    expect(arrivalOf(timing)?.from).toBeCloseTo(-300, 1);
    expect(arrivalOf(timing)?.to).toBeCloseTo(400, 1);
  });

  test('if two answers contradict each other, the range between them stays open', () => {
    const [early, late] = [3, 5.5].map((seconds) =>
      seen(0.4, { ...reported(-9), answeredAtMs: headerAt(seconds) }),
    );
    if (early === undefined || late === undefined) throw new Error('unreachable');
    for (const observations of [
      [early, late],
      [late, early],
    ])
      expect(aheadOf(learnAll(...observations))).toEqual([-4_600, -3_600]);
  });

  test('a lagging replica shows nothing', () => {
    const before = learnAll(seen(1, { ...reported(0.5), answeredAtMs: headerAt(1) }));
    expect(learn(before, seen(1.7, { ...reported(-4), answeredAtMs: headerAt(0) }))).toEqual(before);
  });

  test.each<[string, number[], number]>([
    ['the default, before there is a second report', [-1], 5_000],
    ['a shorter one, in whole seconds', [-1, 0.9996], 2_000],
    ['the shortest', [-1, 2, 3, 6], 1_000],
    ['no longer one than the default', [-1, 29], 5_000],
    ['none where a record was only touched', [-1, -0.6], 5_000],
  ])('the time between two reports: %s', (_, reports, gapMs) => {
    const observations = reports.map((report, index) => seen(30 + index, reported(report)));
    expect(learnAll(...observations).gapMs).toBe(gapMs);
  });

  test('a clock that was set back, and a missing date, show no time between reports', () => {
    const before = learnAll(seen(0, reported(-1)));
    expect(learn(before, seen(1, { updatedAt: dateAt(-100), reportedAt: dateAt(0.5) })).gapMs).toBe(5_000);
    expect(learn(before, seen(1, UNDATED)).gapMs).toBe(5_000);
    expect(learn(learnAll(seen(0, UNDATED)), seen(1, reported(-1))).gapMs).toBe(5_000);
  });
});
