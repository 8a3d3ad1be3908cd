import { describe, expect, test } from '@jest/globals';
import type { Instance } from '../../src/controller/instance.ts';
import { allSetBackMs, nodeSetBackMs, setBackBy } from '../../src/restart/clocks.ts';
import { instance, reported } from '../support/instances.ts';

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

  test('counts by the local clock where the controller writes no dates', () => {
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
