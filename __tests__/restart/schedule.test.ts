import { describe, expect, test } from '@jest/globals';
import type { Instance } from '../../src/controller/instance.ts';
import { learn, NO_RHYTHM, type Observation, type Rhythm } from '../../src/restart/rhythm.ts';
import { nextLookAt, type PollInterval, type Progress } from '../../src/restart/schedule.ts';
import { at, instance } from '../support/instances.ts';

const FAR = 1e9;

describe('a fixed interval', () => {
  test.each<[PollInterval, number, number]>([
    [250, 100_000, 5_250],
    [10_000, 100_000, 15_000],
    [10_000, 7_000, 7_000],
    [1_000, 6_500, 6_000],
    [1_000, 6_499, 6_499],
    [() => 300, 100_000, 5_300],
  ])('%p until %i: at %i', (pollInterval, deadline, expected) => {
    const progress = { sentAt: 5_000, lastLookAt: 5_000, looks: 0, deadline, rhythm: NO_RHYTHM };
    expect(nextLookAt(pollInterval, progress)).toBe(expected);
  });
});

/** A controller whose reports come at these moments, seconds after the restart was sent; its clock is an hour ahead. */
interface World {
  readonly reports: readonly number[];
  /** One way, in milliseconds. */
  readonly tripMs?: number;
  readonly withoutHttpDate?: boolean;
  readonly changes?: (reportAt: number) => Partial<Instance>;
  /** Looks, counting from 0 for the baseline, that meet a replica that is so many seconds behind. */
  readonly lag?: (look: number) => number;
}

const EPOCH = Date.parse('2024-10-13T12:00:00.250Z');

function answer(seconds: number, look: number, world: World): Instance {
  const seen = world.reports.filter((report) => report <= seconds - (world.lag?.(look) ?? 0)).at(-1) ?? -60;
  const date = at(new Date(EPOCH + Math.round(seen * 1_000)).toISOString());
  const httpDate = Math.floor((EPOCH + seconds * 1_000) / 1_000) * 1_000;
  return instance({
    updatedAt: date,
    reportedAt: date,
    ...world.changes?.(seen),
    answeredAtMs: world.withoutHttpDate ? undefined : httpDate,
  });
}

interface Course {
  /** Seconds after sending. */
  readonly looks: number[];
  /** Of each look: the report that it showed. */
  readonly rhythm: Rhythm;
}

/** Looks as `auto` wants them until this moment, in seconds after sending. */
function follow(world: World, until: number): Course {
  const { tripMs = 1 } = world;
  let rhythm = NO_RHYTHM;
  const look = (atMs: number, index: number) => {
    const observation: Observation = {
      lookedAt: atMs,
      answeredAt: atMs + 2 * tripMs,
      instance: answer((atMs + tripMs) / 1_000, index, world),
    };
    rhythm = learn(rhythm, observation);
  };
  look(-2 * tripMs - 1, 0);
  const looks: number[] = [];
  let lastLookAt = 0;
  for (;;) {
    const progress: Progress = { sentAt: 0, lastLookAt, looks: looks.length, deadline: FAR, rhythm };
    lastLookAt = nextLookAt('auto', progress);
    if (lastLookAt > until * 1_000) return { looks, rhythm };
    looks.push(lastLookAt / 1_000);
    look(lastLookAt, looks.length);
  }
}

/** How long after this moment the first look is, in milliseconds. */
function delayAfter(moment: number, { looks }: Course): number {
  return Math.round(((looks.find((look) => look + 0.001 >= moment) ?? Number.NaN) - moment) * 1_000);
}

const every = (period: number, first: number) =>
  Array.from({ length: 40 }, (_, index) => first + index * period);

describe('auto', () => {
  test.each<[string, World, number, number]>([
    ['a beat of 5 s, by the second report', { reports: every(5, -3.7) }, 6.3, 50],
    ['a beat of 5 s, by HTTP Date alone', { reports: every(5, -0.3) }, 4.7, 130],
    ['the same, sooner', { reports: every(5, -2.3) }, 2.7, 260],
    ['a beat of 1 s', { reports: every(1, -0.45) }, 2.55, 260],
    ['a beat of 30 s', { reports: every(30, -12.3) }, 17.7, 80],
    ['a beat of 5.03 s', { reports: every(5.03, -8) }, 7.09, 80],
    ['two reports of 7.3 s', { reports: every(7.3, -6.5) }, 15.4, 80],
    ['a beat of 5 s, of which one is missing', { reports: [-8.7, 1.3, 6.3, 16.3] }, 16.3, 50],
    ['a beat of 5 s, without HTTP Date', { reports: every(5, -3.7), withoutHttpDate: true }, 11.3, 400],
    ['50 ms away', { reports: every(5, -3.7), tripMs: 50 }, 6.3, 150],
  ])('locks on to %s', (_, world, moment, mostMs) => {
    const delayMs = delayAfter(moment, follow(world, moment + 3));
    expect(delayMs).toBeGreaterThanOrEqual(-world.reports.length);
    expect(delayMs).toBeLessThanOrEqual(mostMs);
  });

  const worlds: [string, World][] = [
    ['steady', { reports: every(5, -1) }],
    ['quick', { reports: every(1, -1) }],
    ['uneven', { reports: [-4, 0.2, 6.1, 10.2, 15.9, 20.1, 25.8] }],
    ['silent', { reports: [-20] }],
    ['far away', { reports: every(5, -1), tripMs: 300 }],
    ['of replicas', { reports: every(5, -1), lag: (look) => (look % 2) * 7 }],
    ['without dates', { reports: [], changes: () => ({ updatedAt: undefined, reportedAt: undefined }) }],
  ];

  test.each(worlds)(
    'never makes more looks than there were seconds, nor more than five a second: %s',
    (_, world) => {
      const { looks } = follow(world, 60);
      for (const [index, look] of looks.entries()) {
        expect(look).toBeGreaterThan(index);
        expect(look - (looks[index - 1] ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(0.1999);
      }
    },
  );

  test.each(worlds)('never stops looking for longer than a few seconds: %s', (_, world) => {
    const { looks } = follow(world, 60);
    const pauses = looks.map((look, index) => look - (looks[index - 1] ?? 0));
    expect(Math.max(...pauses)).toBeLessThan(4);
  });

  test('falls back to calmer looks where no report comes for minutes', () => {
    const { looks } = follow({ reports: [-1] }, 900);
    expect(looks.filter((look) => look > 600).length).toBeLessThanOrEqual(61);
    const without = follow(
      { reports: [], changes: () => ({ updatedAt: undefined, reportedAt: undefined }) },
      900,
    );
    expect(without.looks.filter((look) => look > 600).length).toBeLessThanOrEqual(61);
  });

  test('spreads its looks where reports are early or late', () => {
    const { looks } = follow({ reports: [-4.4, 0.2, 5.9] }, 6.2);
    const around = looks.filter((look) => look > 4 && look < 6.2);
    expect(around.length).toBeGreaterThanOrEqual(3);
  });

  test('looks again at once where a replica that lags behind answered at the moment that counts', () => {
    const { looks, rhythm } = follow({ reports: every(5, -3.7), lag: (look) => (look % 2) * 7 }, 7.5);
    expect(rhythm.hasLaggards).toBe(true);
    expect(looks.filter((look) => look > 6.2 && look < 6.8).length).toBeGreaterThanOrEqual(2);
  });
});

describe('what is learned', () => {
  const seen = (seconds: number, changes: Partial<Instance> = {}): Observation => ({
    lookedAt: seconds * 1_000,
    answeredAt: seconds * 1_000 + 2,
    instance: instance(changes),
  });
  const report = (seconds: number) => at(new Date(EPOCH + seconds * 1_000).toISOString());

  test('an instance that is not listed tells nothing of reports', () => {
    expect(learn(NO_RHYTHM, { lookedAt: 5, answeredAt: 8, instance: undefined })).toEqual({
      ...NO_RHYTHM,
      tripMs: 3,
    });
  });

  test('a record that was touched without a new report is no report', () => {
    const before = learn(NO_RHYTHM, seen(0, { updatedAt: report(-1), reportedAt: report(-1) }));
    const after = learn(before, seen(1, { updatedAt: report(0.5), reportedAt: report(-1) }));
    expect(after).toMatchObject({ gapsMs: [], newest: before.newest });
  });

  test('a report without a date of the node goes by that of the controller', () => {
    const before = learn(NO_RHYTHM, seen(0, { updatedAt: report(-1), reportedAt: undefined }));
    const after = learn(before, seen(1, { updatedAt: report(0.5), reportedAt: undefined }));
    expect(after.gapsMs).toEqual([1_500]);
  });

  test('a clock that was set back tells no time between two reports', () => {
    const before = learn(NO_RHYTHM, seen(0, { updatedAt: report(-1), reportedAt: report(-1) }));
    const after = learn(before, seen(1, { updatedAt: report(-100), reportedAt: report(0.5) }));
    expect(after.gapsMs).toEqual([]);
  });

  test('a date that comes and goes is measured from nothing', () => {
    const undated = instance({ updatedAt: undefined, reportedAt: undefined });
    const before = { ...NO_RHYTHM, newest: undated };
    expect(learn(before, seen(1, { updatedAt: report(0.5), reportedAt: report(0.5) })).gapsMs).toEqual([]);
  });

  test('an HTTP Date of another clock is not believed twice', () => {
    const dates = { updatedAt: report(-1), reportedAt: report(-1) };
    const before = learn(NO_RHYTHM, seen(0, { ...dates, answeredAtMs: EPOCH }));
    const after = learn(before, seen(1, { ...dates, answeredAtMs: EPOCH + 60_000 }));
    expect(after).toMatchObject({ trustsDates: false, aheadMs: before.aheadMs });
    expect(learn(after, seen(2, { ...dates, answeredAtMs: EPOCH })).aheadMs).toEqual(before.aheadMs);
  });

  test('a report that comes when the dates had not foreseen it widens what is held possible', () => {
    const before = learn(
      NO_RHYTHM,
      seen(0, { updatedAt: report(-1), reportedAt: report(-1), answeredAtMs: EPOCH }),
    );
    const after = learn(before, seen(9, { updatedAt: report(30), reportedAt: report(30) }));
    expect(after.trustsDates).toBe(false);
    expect(after.aheadMs.from).toBeLessThanOrEqual(before.aheadMs.from);
    expect(after.aheadMs.to).toBeGreaterThanOrEqual(before.aheadMs.to);
  });
});
