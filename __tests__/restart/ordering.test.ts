import { expect, test } from '@jest/globals';
import type { Instance } from '../../src/controller/instance.ts';
import { isDated, isNewer, isOlder } from '../../src/restart/ordering.ts';
import { at, instance } from '../support/instances.ts';

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
  ['of neither', { reportedAt: undefined, updatedAt: undefined }, true],
])('an answer without a date is comparable to one with a date %s', (_, changes, expected) => {
  const undated = instance({ reportedAt: undefined, updatedAt: undefined });
  expect(isDated(undated, instance(changes))).toBe(expected);
});
