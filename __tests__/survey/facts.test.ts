import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { Instance } from '../../src/controller/instance.ts';
import { parseInstant } from '../../src/dates.ts';
import { dateFormsOf, fieldsOf, READ_FIELDS } from '../../survey/answers.ts';
import { createLabels } from '../../survey/facts.ts';
import type { Exchange, Observation } from '../../survey/recorder.ts';
import { shapeOf } from '../../survey/shape.ts';
import { SIMULATED_SHAPES } from '../../survey/simulated.ts';
import { learnPace, pauseAfter, START_PACE } from '../../survey/survey-steps.ts';
import { controllerOffset, heartbeatsOf, nodeOffsets, replicasOf } from '../../survey/timing.ts';
import { instance } from '../support/instances.ts';

// The pure parts: from polls to facts.

const T0 = Date.parse('2026-07-01T12:00:00Z');

function at(ms: number) {
  return parseInstant(new Date(T0 + ms).toISOString());
}

/** A poll at the clock's `askedAt`, which shows the report of `reportedMs`. */
function poll(
  askedAt: number,
  reportedMs: number,
  changes: Partial<Observation & { readonly of: Partial<Instance> }> = {},
): Observation {
  const { of, ...observation } = changes;
  const dates = { reportedAt: at(reportedMs), updatedAt: at(reportedMs + 20) };
  return {
    instance: instance({ nodeId: 'node', ...dates, ...of }),
    series: 'main',
    askedAt,
    answeredAt: askedAt + 5,
    ...observation,
  };
}

describe('heartbeats', () => {
  const heartbeat = (...reports: number[]) =>
    heartbeatsOf(reports.map((report, index) => poll(index * 500, report))).get('node');

  test.each<[string, number[], object]>([
    ['one report', [0], { reports: 1, periodMs: undefined, jitter: undefined, missed: 0 }],
    ['two', [0, 5_000], { reports: 2, periodMs: 5_000, jitter: undefined, missed: 0 }],
    [
      'even ones, seen several times, and out of order',
      [0, 5_000, 5_000, 0, 10_000, 15_000, 20_000],
      { reports: 5, periodMs: 5_000, jitter: 0, missed: 0, extra: 0 },
    ],
    [
      'one that is missing',
      [0, 5_000, 15_000, 20_000, 25_000],
      { periodMs: 5_000, missed: 1, longestMs: 10_000 },
    ],
    ['two that are missing in a row', [0, 5_000, 20_000, 25_000, 30_000], { periodMs: 5_000, missed: 2 }],
    ['one out of turn', [0, 5_000, 5_400, 10_000, 15_000, 20_000], { extra: 1, shortestMs: 400, missed: 0 }],
    ['uneven ones', [0, 4_000, 10_000, 15_000, 20_000], { jitter: expect.closeTo(1 / 3, 5), missed: 0 }],
  ])('%s', (_, reports, expected) => {
    expect(heartbeat(...reports)).toMatchObject(expected);
  });

  test('one unusual report of many does not decide the result', () => {
    const reports = [0, 2_500, ...Array.from({ length: 12 }, (_, index) => 7_500 + index * 5_000)];
    expect(heartbeat(...reports)).toMatchObject({ jitter: 0, shortestMs: 2_500 });
  });

  test('if agents write no date, the controller does', () => {
    const polls = [0, 2_000, 4_000].map((ms) =>
      poll(ms, ms, { of: { reportedAt: undefined, updatedAt: at(ms) } }),
    );
    expect(heartbeatsOf(polls).get('node')).toMatchObject({ by: 'ts', periodMs: 2_000 });
  });

  test('each node separately; instances on no node are ignored', () => {
    const polls = [
      poll(0, 0),
      poll(1, 1_000, { of: { nodeId: 'other' } }),
      poll(2, 1_000, { of: { nodeId: undefined } }),
    ];
    expect([...heartbeatsOf(polls).keys()]).toEqual(['node', 'other']);
  });
});

describe('replicas', () => {
  const burst = (reports: readonly number[], number = 0): Observation[] =>
    reports.map((report, index) => poll(number * 10_000 + index * 10, report, { series: `kept ${number}` }));

  test.each<[string, readonly number[], object]>([
    ['one', [0, 0, 0, 0, 0, 0], { atLeast: 1, inTurn: undefined, stepsBack: 0, lagMs: undefined }],
    [
      'one that gets a report during the burst',
      [0, 0, 0, 5, 5, 5],
      { atLeast: 1, inTurn: undefined, stepsBack: 0 },
    ],
    ['two that take turns', [5, 0, 5, 0, 5, 0], { atLeast: 2, inTurn: 2, stepsBack: 3 }],
    ['three, two of which know the same', [5, 0, 0, 5, 0, 0], { atLeast: 3, inTurn: 3, stepsBack: 4 }],
    ['three that all differ', [9, 5, 0, 9, 5, 0], { atLeast: 3, inTurn: 3 }],
    ['some, by chance', [5, 0, 0, 5, 5, 0, 5], { atLeast: 2, inTurn: undefined }],
  ])('%s', (_, reports, expected) => {
    expect(replicasOf(burst(reports))).toMatchObject(expected);
  });

  test('for how long a replica lacked what another had shown', () => {
    const polls = [poll(0, 0), poll(1_000, 5), poll(2_000, 0), poll(3_400, 0), poll(5_000, 5)];
    expect(replicasOf(polls)).toMatchObject({ stepsBack: 2, lagMs: 3_400 - 1_005 });
  });

  test('of two questions at the same time neither was first', () => {
    const polls = [poll(0, 5, { answeredAt: 100 }), poll(50, 0, { answeredAt: 120 })];
    expect(replicasOf(polls)).toMatchObject({ stepsBack: 0 });
  });

  test('over new connections', () => {
    const polls = [poll(0, 5), poll(10, 0, { series: 'new 1' })];
    expect(replicasOf(polls)).toMatchObject({ stepsBack: 1, stepsBackOnNewConnections: 1 });
  });
});

describe('clocks', () => {
  const answered = (dateMs: number | undefined, askedAt: number, answeredAt = askedAt + 10): Exchange => ({
    ...{ call: 'list', series: 'main', askedAt, answeredAt, fault: undefined },
    answer: {
      ...{ status: 200, bytes: 1, dateMs, envelope: 'OK', isList: true },
      ...{ instances: [], unreadable: 0, nodes: [], version: undefined },
    },
  });

  test('a header of whole seconds leaves a second of uncertainty, and later polls remove it', () => {
    // The controller's clock is 300 ms ahead of this machine's.
    const exchanges = [0, 370, 690, 1_210, 2_695].map((now) =>
      answered(Math.floor((now + 305) / 1_000) * 1_000, now),
    );
    expect(controllerOffset(exchanges.slice(0, 1), 0)).toEqual({ aheadMs: 495, giveOrTakeMs: 505 });
    const { aheadMs = 0, giveOrTakeMs = 0 } = controllerOffset(exchanges, 0) ?? {};
    expect(Math.abs(aheadMs - 300)).toBeLessThanOrEqual(giveOrTakeMs);
    expect(giveOrTakeMs).toBeLessThan(20);
  });

  test('without a header there is no offset, nor if the headers come from several clocks', () => {
    expect(controllerOffset([answered(undefined, 0)], 0)).toBeUndefined();
    expect(controllerOffset([answered(0, 0), answered(60_000, 100)], 0)).toBeUndefined();
  });

  test("a node's, by the report that came in quickest", () => {
    const polls = [
      poll(0, 1_000, { of: { updatedAt: at(700) } }),
      poll(500, 6_000, { of: { updatedAt: at(5_900) } }),
    ];
    expect(nodeOffsets(polls).get('node')).toEqual({ aheadMs: 300, giveOrTakeMs: 200 });
    expect(nodeOffsets([poll(0, 0, { of: { reportedAt: undefined } })]).size).toBe(0);
  });
});

test('how dates are written', () => {
  const written = instance({
    updatedAt: parseInstant('2026-07-01T12:00:00.123456789+02:00'),
    reportedAt: parseInstant('2026-07-01T12:00:00Z'),
    startDate: undefined,
    startDateText: '0001-01-01T00:00:00Z',
    stopDate: undefined,
  });
  expect(dateFormsOf([written, written])).toEqual({
    ts: ['fractions, offset'],
    timestamp: ['whole seconds, UTC'],
    start_date: ['none'],
    stop_date: [],
  });
});

describe('fields', () => {
  const all = () => true;

  test('those that the action reads are those that its source names', () => {
    const source = readFileSync('src/controller/instance.ts', 'utf8');
    const read = [...source.matchAll(/(?:text|instant|address|port)\((?:fields|item), '(\w+)'/g)].map(
      ([, name]) => name,
    );
    const fields = Object.values(READ_FIELDS).flat();
    expect([...new Set(read)].filter((name) => name !== 'Name').sort()).toEqual([...new Set(fields)].sort());
  });

  test('the simulator writes all of them', () => {
    const one = SIMULATED_SHAPES.one ?? new Map();
    expect(fieldsOf('one', one, all)).toEqual({
      call: 'one',
      missing: [],
      unknown: [],
      unnamed: {},
      otherKinds: [],
    });
  });

  test('what is missing, unknown, and of another kind', () => {
    const seen = shapeOf(
      { instance_id: 1, instance_state: 'Started', vminfo: { status: 'running', boot_id: 'x' } },
      all,
    );
    expect(fieldsOf('one', seen, (name) => name !== 'boot_id')).toEqual({
      call: 'one',
      missing: expect.arrayContaining(['ts', 'vminfo.start_date', 'vminfo.port_forwarding']),
      unknown: [],
      unnamed: { 'vminfo.? (text)': 1 },
      otherKinds: [{ place: 'instance_id', seen: ['number'], simulated: ['text'] }],
    });
    expect(fieldsOf('one', seen, all).unknown).toEqual(['vminfo.boot_id']);
  });

  test('user-defined values are not inspected', () => {
    const shape = shapeOf({ metadata: { secret_name: 1 } }, (place) => place !== 'metadata');
    expect([...shape.keys()]).toEqual(['', 'metadata']);
  });
});

test('letters stand for names', () => {
  const labelOf = createLabels();
  expect(['x', 'y', 'x'].map(labelOf)).toEqual(['A', 'B', 'A']);
  const others = Array.from({ length: 30 }, (_, index) => labelOf(`name ${index}`));
  expect(others.slice(22, 27)).toEqual(['Y', 'Z', 'AA', 'AB', 'AC']);
});

describe('how often to poll', () => {
  const paceAfter = (...reports: number[]) =>
    reports.reduce((pace, report) => learnPace(pace, poll(0, report).instance), START_PACE);

  test.each<[string, number, number, number]>([
    ['at first', 0, 10, 500],
    ['where answers take long', 0, 1_000, 3_000],
    ['where they take very long', 0, 30_000, 10_000],
  ])('%s', (_, report, tookMs, expected) => {
    expect(pauseAfter(paceAfter(report), tookMs)).toBe(expected);
  });

  test('more often if reports are frequent, and if answers step back', () => {
    expect(pauseAfter(paceAfter(0, 1_000), 10)).toBe(250);
    expect(pauseAfter(paceAfter(0, 300), 10)).toBe(200);
    expect(pauseAfter(paceAfter(5_000, 0), 10)).toBe(200);
    // A record that was only touched is not a report.
    expect(pauseAfter(paceAfter(0, 20), 10)).toBe(500);
  });

  test('news is a report that is newer than all earlier ones', () => {
    expect([paceAfter(0), paceAfter(0, 0), paceAfter(5, 0)].map(({ hasNews }) => hasNews)).toEqual([
      false,
      false,
      false,
    ]);
    expect(paceAfter(0, 5).hasNews).toBe(true);
    expect(learnPace(paceAfter(0, 5), undefined).hasNews).toBe(false);
  });
});
