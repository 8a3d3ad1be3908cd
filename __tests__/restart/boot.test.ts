import { describe, expect, test } from '@jest/globals';
import type { Instance } from '../../src/controller/instance.ts';
import { type Boot, bootOf } from '../../src/restart/boot.ts';
import { at, baseline, bootedAt, instance, NEW_BOOT, OLD_BOOT, reported } from '../support/instances.ts';

const same = at('2024-10-13T11:00:00Z');

test.each<[string, string | undefined, string]>([
  ['without a date', undefined, 'none'],
  ['without a usable date', 'soon', 'none'],
  ['with the date of the baseline', OLD_BOOT, 'known'],
  ['with the same date at another offset', '2024-10-13T12:51:34.000+02:00', 'known'],
  ['with another date', NEW_BOOT, 'new'],
])('a report %s', (_, startDate, expected) => {
  expect(bootOf(instance({ ...reported(10), ...bootedAt(startDate) }), baseline(), 1_000)).toBe(expected);
});

test('a boot long before the restart is not one after it, even if the baseline does not say how old it is', () => {
  const known = baseline({ ...bootedAt(OLD_BOOT), reportedAt: undefined });
  const report = instance({ ...reported(10), ...bootedAt('2024-10-13T11:09:32Z') });
  expect([bootOf(report, known, 1_000), bootOf(report, known, 60_000)]).toEqual(['before', 'new']);
});

describe('a boot right before the restart, whose date wanders', () => {
  // It booted at 11:09:57 by the clock of the node, 5 s before the baseline's report.
  const BASELINE = baseline(bootedAt('2024-10-13T11:09:57Z'));

  test.each<[string, string, Boot]>([
    ['a second earlier is known', '2024-10-13T11:09:56Z', 'known'],
    ['a second later is known', '2024-10-13T11:09:58Z', 'known'],
    ['two seconds earlier is no later boot', '2024-10-13T11:09:55Z', 'before'],
    ['two seconds later may be one', '2024-10-13T11:09:59Z', 'new'],
  ])('%s', (_, startDate, expected) => {
    const report = instance({ ...reported(3), ...bootedAt(startDate) });
    expect(bootOf(report, BASELINE, 1_000)).toBe(expected);
  });

  test.each<[number, Boot]>([
    [-2.6, 'before'],
    [-30, 'new'],
  ])('an earlier date counts only if the clock of the node was set back: by %f s', (seconds, expected) => {
    const { updatedAt } = reported(10);
    const { reportedAt } = reported(10 + seconds);
    const startDate = new Date(Date.parse('2024-10-13T11:10:01Z') + seconds * 1_000).toISOString();
    const known = baseline(bootedAt('2024-10-13T11:10:01Z'));
    const report = instance({ updatedAt, reportedAt, ...bootedAt(startDate) });
    expect(bootOf(report, known, 20_000)).toBe(expected);
  });

  test('an earlier date in a report without its own time does not count', () => {
    const undated = { reportedAt: undefined, ...bootedAt('2024-10-13T11:09:50Z') };
    expect(bootOf(instance(undated), baseline({ ...undated, ...bootedAt(OLD_BOOT) }), 1_000)).toBe('new');
    expect(bootOf(instance({ ...undated, ...bootedAt('2024-10-13T10:00:00Z') }), baseline(), 1_000)).toBe(
      'before',
    );
  });
});

test("a boot is not too early if the node's clock was set back after the previous boot", () => {
  const known = baseline(bootedAt('2024-10-13T12:30:00Z'));
  const report = (startDate: string) => instance({ ...reported(10), ...bootedAt(startDate) });
  expect(bootOf(report(NEW_BOOT), known, 10_000)).toBe('new');
  expect(bootOf(report('2024-10-13T11:10:01Z'), known, 10_000)).toBe('before');
});

describe('a date later than the report that shows it', () => {
  test.each<[string, string, Boot]>([
    ['a year later is contradictory', '2025-10-13T11:10:12Z', 'contradictory'],
    ['2 s later may be rounded', '2024-10-13T11:10:14.690Z', 'new'],
    ['more than that is contradictory', '2024-10-13T11:10:14.691Z', 'contradictory'],
  ])('%s', (_, startDate, expected) => {
    const report = instance({ ...reported(10), ...bootedAt(startDate) });
    expect(bootOf(report, baseline(), 10_000)).toBe(expected);
  });

  test('is not, as far as the clock of the node was set back since the boot', () => {
    const report = (startDate: string) =>
      instance({
        ...reported(10),
        reportedAt: at('2024-10-13T10:10:12.690Z'),
        ...bootedAt(startDate),
      });
    expect(bootOf(report('2024-10-13T11:10:10Z'), baseline(), 10_000)).toBe('new');
    expect(bootOf(report('2024-10-13T11:10:20Z'), baseline(), 10_000)).toBe('contradictory');
  });
});

describe('a boot before the restart was sent', () => {
  const BASELINE = baseline({ reportedAt: same, updatedAt: same });
  /** The report was made 100 s after the baseline, and the restart was in flight for 60 s. */
  function isBefore(boot: string | undefined, reportedAt = '2024-10-13T11:01:40Z'): boolean {
    const clocks = { reportedAt: at(reportedAt), updatedAt: at('2024-10-13T11:01:40Z') };
    return bootOf(instance({ ...bootedAt(boot), ...clocks }), BASELINE, 60_000) === 'before';
  }

  test.each<[string, string | undefined, boolean]>([
    ['right after the baseline is one', '2024-10-13T11:00:01Z', true],
    ['at the moment of the baseline is one', '2024-10-13T11:00:00Z', true],
    ['so late that it may be ours is none', '2024-10-13T11:00:20Z', false],
    ['at no time is none', undefined, false],
  ])('%s', (_, boot, expected) => {
    expect(isBefore(boot)).toBe(expected);
  });

  test.each<[string, string, string, boolean]>([
    ['moved by as much as the clock of the node', '2024-10-13T18:51:34Z', '2024-10-13T19:01:40Z', true],
    ['moved by more than that', '2024-10-13T19:00:40Z', '2024-10-13T19:01:40Z', false],
  ])('is one if its date %s', (_, boot, reportedAt, expected) => {
    // The baseline's boot was at 10:51:34.
    expect(isBefore(boot, reportedAt)).toBe(expected);
  });

  test('is unknown once the clock of the node was set by more than ten seconds', () => {
    expect(isBefore('2024-10-13T11:00:01Z', '2024-10-13T11:01:50Z')).toBe(true);
    expect(isBefore('2024-10-13T11:00:01Z', '2024-10-13T11:01:50.001Z')).toBe(false);
  });

  test.each<[string, Partial<Instance>, Partial<Instance>, boolean]>([
    ['the answer alone lacks the date of the controller', {}, { updatedAt: undefined }, true],
    ['the baseline alone lacks it', { updatedAt: undefined }, {}, true],
    // Then an old baseline cannot be distinguished from a clock that was set.
    ['the controller writes none', { updatedAt: undefined }, { updatedAt: undefined }, false],
  ])('is one, though the baseline was a minute old when it was taken, where %s', (_, of, after, expected) => {
    const taken = baseline({ reportedAt: same, updatedAt: same, ...of });
    const clocks = { reportedAt: at('2024-10-13T11:01:00Z'), updatedAt: at('2024-10-13T11:01:00Z') };
    const report = instance({ ...bootedAt('2024-10-13T11:00:20Z'), ...clocks, ...after });
    expect(bootOf(report, taken, 1_000) === 'before').toBe(expected);
  });

  test('is distinguished from one after it even then, if its date is that of the baseline or earlier', () => {
    expect(isBefore('2024-10-13T11:00:00Z', '2024-10-13T11:01:50.001Z')).toBe(true);
    expect(isBefore('2024-10-13T09:00:00Z', '2024-10-13T12:00:00Z')).toBe(true);
    // Set back by an hour, before it booted.
    expect(isBefore('2024-10-13T10:00:30Z', '2024-10-13T10:01:40Z')).toBe(false);
  });
});
