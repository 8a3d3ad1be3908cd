import { describe, expect, test } from '@jest/globals';
import type { Instance } from '../../src/controller/instance.ts';
import { isBootBefore, isComparable, isNewer, isOlder } from '../../src/restart/ordering.ts';
import { at, bootedAt, instance } from '../support/instances.ts';

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
])('an answer of which %s', (_, changes, expected) => {
  const answer = instance(changes);
  expect(isOlder(answer, reference)).toBe(expected === 'older');
  expect(isNewer(answer, reference)).toBe(expected === 'newer');
});

test.each<[string, Partial<Instance>, boolean]>([
  ['of the node', { updatedAt: undefined }, false],
  ['of the controller', { reportedAt: undefined }, false],
  ['of nobody', { reportedAt: undefined, updatedAt: undefined }, true],
])('an answer without a date is comparable to one with a date %s', (_, changes, expected) => {
  const undated = instance({ reportedAt: undefined, updatedAt: undefined });
  expect(isComparable(undated, instance(changes))).toBe(expected);
});

describe('a boot before the restart was sent', () => {
  const baseline = instance({ reportedAt: same, updatedAt: same });
  /** The report was made 100 s after the baseline, and the restart was on its way for 60 s. */
  function isBefore(boot: string | undefined, reportedAt = '2024-10-13T11:01:40Z'): boolean {
    const clocks = { reportedAt: at(reportedAt), updatedAt: at('2024-10-13T11:01:40Z') };
    return isBootBefore(instance({ ...bootedAt(boot), ...clocks }), { sinceSentMs: 60_000, baseline });
  }

  test.each<[string, string | undefined, boolean]>([
    ['right after the baseline is one', '2024-10-13T11:00:01Z', true],
    ['at the moment of the baseline is one', '2024-10-13T11:00:00Z', true],
    ['so late that it may be ours is none', '2024-10-13T11:00:20Z', false],
    ['at no time is none', undefined, false],
  ])('%s', (_, boot, expected) => {
    expect(isBefore(boot)).toBe(expected);
  });

  test('cannot be told once the clock of the node was set by more than ten seconds', () => {
    expect(isBefore('2024-10-13T11:00:01Z', '2024-10-13T11:01:50Z')).toBe(true);
    expect(isBefore('2024-10-13T11:00:01Z', '2024-10-13T11:01:50.001Z')).toBe(false);
  });

  test.each<[string, Partial<Instance>, Partial<Instance>, boolean]>([
    ['the answer alone lacks the date of the controller', {}, { updatedAt: undefined }, true],
    ['the baseline alone lacks it', { updatedAt: undefined }, {}, true],
    // Then nobody can tell an old baseline from a clock that was set.
    ['the controller writes none', { updatedAt: undefined }, { updatedAt: undefined }, false],
  ])('is one, though the baseline was a minute old when it was taken, where %s', (_, of, after, expected) => {
    const taken = instance({ reportedAt: same, updatedAt: same, ...of });
    const clocks = { reportedAt: at('2024-10-13T11:01:00Z'), updatedAt: at('2024-10-13T11:01:00Z') };
    const report = instance({ ...bootedAt('2024-10-13T11:00:20Z'), ...clocks, ...after });
    expect(isBootBefore(report, { sinceSentMs: 1_000, baseline: taken })).toBe(expected);
  });

  test('is told from one after it even then, if its date is that of the baseline or earlier', () => {
    expect(isBefore('2024-10-13T11:00:00Z', '2024-10-13T11:01:50.001Z')).toBe(true);
    expect(isBefore('2024-10-13T09:00:00Z', '2024-10-13T12:00:00Z')).toBe(true);
    // Set back by an hour, before it booted.
    expect(isBefore('2024-10-13T10:00:30Z', '2024-10-13T10:01:40Z')).toBe(false);
  });
});
