import { describe, expect, test } from '@jest/globals';
import type { Instance } from '../../src/controller/instance.ts';
import {
  allSetBackMs,
  isDated,
  isNewer,
  isOlder,
  nodeSetBackMs,
  setBackBy,
} from '../../src/restart/ordering.ts';
import { at, instance, reported } from '../support/instances.ts';

const [earlier, same, later] = [
  at('2024-10-13T10:00:00Z'),
  at('2024-10-13T11:00:00Z'),
  at('2024-10-13T12:00:00Z'),
];
const reference = instance({ reportedAt: same, updatedAt: same });

test.each<[string, Partial<Instance>, 'older' | 'newer' | 'neither']>([
  ['both clocks say earlier', { reportedAt: earlier, updatedAt: earlier }, 'older'],
  ['one says earlier, the other the same', { reportedAt: earlier, updatedAt: same }, 'older'],
  ['the same one the other way round', { reportedAt: same, updatedAt: earlier }, 'older'],
  ['only the node carries a date, earlier', { reportedAt: earlier, updatedAt: undefined }, 'older'],
  ['only the controller carries a date, earlier', { reportedAt: undefined, updatedAt: earlier }, 'older'],
  ['the clock of the node stepped back', { reportedAt: earlier, updatedAt: later }, 'newer'],
  ['the clocks of two controllers differ', { reportedAt: later, updatedAt: earlier }, 'newer'],
  ['one says later, the other the same', { reportedAt: later, updatedAt: same }, 'newer'],
  ['only the controller carries a date, later', { reportedAt: undefined, updatedAt: later }, 'newer'],
  ['both are the same', { reportedAt: same, updatedAt: same }, 'neither'],
  ['neither carries a date', { reportedAt: undefined, updatedAt: undefined }, 'neither'],
])("an answer's dates: %s", (_, changes, expected) => {
  const answer = instance(changes);
  expect(isOlder(answer, reference)).toBe(expected === 'older');
  expect(isNewer(answer, reference)).toBe(expected === 'newer');
});

test.each<[string, Partial<Instance>, boolean]>([
  ['of the node', { updatedAt: undefined }, false],
  ['of the controller', { reportedAt: undefined }, false],
  ['of neither', { reportedAt: undefined, updatedAt: undefined }, true],
])('an answer without a date is comparable to one with a date %s', (_, changes, expected) => {
  const undated = instance({ reportedAt: undefined, updatedAt: undefined });
  expect(isDated(undated, instance(changes))).toBe(expected);
});

const { reportedAt, updatedAt } = reported(60);

describe('how far the clock of the node was set back, a minute after the baseline', () => {
  test.each<[string, Partial<Instance>, number | undefined]>([
    ['not at all', { reportedAt, updatedAt }, 0],
    ['by 30 s', { reportedAt: reported(30).reportedAt, updatedAt }, 30_000],
    ['forward by 30 s', { reportedAt: reported(90).reportedAt, updatedAt }, -30_000],
    ['unknown, without its date', { reportedAt: undefined, updatedAt }, undefined],
    ['unknown, without the date of the controller', { reportedAt, updatedAt: undefined }, undefined],
  ])('%s', (_, changes, expected) => {
    const setBackMs = nodeSetBackMs(instance(changes), instance(reported(0)), 60_000);
    expect(setBackMs === undefined ? undefined : Math.round(setBackMs)).toBe(expected);
  });

  test('counts by the local clock if the controller writes no dates', () => {
    const undated = { ...reported(0), updatedAt: undefined };
    expect(nodeSetBackMs(instance({ reportedAt, updatedAt: undefined }), instance(undated), 75_000)).toBe(
      15_000,
    );
  });
});

describe('whether all clocks were set back together, within 20 s', () => {
  const before = { answeredAt: 0, instance: instance({ ...reported(0), answeredAtMs: 1_000_000 }) };

  /** Each clock shows so many seconds since. */
  function later(date: number, node: number, controller = node) {
    const dates = { reportedAt: reported(node).reportedAt, updatedAt: reported(controller).updatedAt };
    return { answeredAt: 20_000, instance: instance({ ...dates, answeredAtMs: 1_000_000 + date * 1_000 }) };
  }

  test.each<[string, ReturnType<typeof later>, number | undefined]>([
    ['by a minute', later(-40, -40), 60_000],
    ['by a minute, with dates that blur by ten seconds', later(-40, -50, -30), 60_000],
    ['not if they blur by more', later(-40, -50.1), undefined],
    ['not if the controller goes on', later(-40, -40, 20), undefined],
    ['not by ten seconds', later(10, 10), undefined],
    ['not forward', later(80, 80), undefined],
    ['not if they go on', later(20, 20), undefined],
  ])('%s', (_, observed, expected) => {
    expect(allSetBackMs(before, observed)).toBe(expected);
  });
});

test('a report is dated as if the clocks had been set back before', () => {
  const { reportedAt: node, updatedAt: controller } = setBackBy(60_000, instance({ reportedAt, updatedAt }));
  const epochs = (dates: Partial<Instance>) => [
    dates.reportedAt?.epochNanoseconds,
    dates.updatedAt?.epochNanoseconds,
  ];
  expect(epochs({ reportedAt: node, updatedAt: controller })).toEqual(epochs(reported(0)));
  const undated = instance({ reportedAt: undefined, updatedAt: undefined });
  expect(setBackBy(60_000, undated)).toEqual(undated);
});
