import { describe, expect, test } from '@jest/globals';
import type { Instance } from '../../src/controller/instance.ts';
import { isOlder } from '../../src/restart/age.ts';
import { at, instance } from '../support/instances.ts';

describe('isOlder', () => {
  const [earlier, same, later] = [
    at('2024-10-13T10:00:00Z'),
    at('2024-10-13T11:00:00Z'),
    at('2024-10-13T12:00:00Z'),
  ];
  const reference = instance({ reportedAt: same, updatedAt: same });
  test.each<[string, Partial<Instance>, boolean]>([
    ['both clocks say earlier', { reportedAt: earlier, updatedAt: earlier }, true],
    ['one says earlier, the other the same', { reportedAt: earlier, updatedAt: same }, true],
    ['the same one the other way round', { reportedAt: same, updatedAt: earlier }, true],
    ['only the node carries a date, earlier', { reportedAt: earlier, updatedAt: undefined }, true],
    ['only the controller carries a date, earlier', { reportedAt: undefined, updatedAt: earlier }, true],
    ['the clock of the node stepped back', { reportedAt: earlier, updatedAt: later }, false],
    ['the clocks of two controllers differ', { reportedAt: later, updatedAt: earlier }, false],
    ['both are the same', { reportedAt: same, updatedAt: same }, false],
    ['neither carries a date', { reportedAt: undefined, updatedAt: undefined }, false],
  ])('%s', (_, changes, expected) => {
    expect(isOlder(instance(changes), reference)).toBe(expected);
  });
});
