import { describe, expect, test } from '@jest/globals';
import { compareInstants, millisecondsBetween, parseInstant, shifted } from '../src/dates.ts';
import { at } from './support/instances.ts';

describe('parseInstant', () => {
  test.each([
    ['2024-10-13T10:51:34Z', 1_728_816_694_000_000_000n],
    ['2024-10-13t10:51:34z', 1_728_816_694_000_000_000n],
    ['2024-10-13T12:51:34+02:00', 1_728_816_694_000_000_000n],
    ['2024-10-13T05:21:34-05:30', 1_728_816_694_000_000_000n],
    ['2024-10-13T10:51:34.5Z', 1_728_816_694_500_000_000n],
    ['2024-10-13T10:51:34.690025+00:00', 1_728_816_694_690_025_000n],
    ['2024-10-13T10:51:34.123456789Z', 1_728_816_694_123_456_789n],
    ['2024-10-14T10:50:34+23:59', 1_728_816_694_000_000_000n],
    ['2024-02-29T00:00:00Z', 1_709_164_800_000_000_000n],
    ['2002-01-01T00:00:00Z', 1_009_843_200_000_000_000n],
    ['2016-12-31T23:59:60Z', 1_483_228_800_000_000_000n],
    ['9999-12-31T23:59:59Z', 253_402_300_799_000_000_000n],
  ])('reads %s', (text, epochNanoseconds) => {
    expect(parseInstant(text)).toEqual({ text, epochNanoseconds });
  });

  test.each([
    '',
    'yesterday',
    '2024-10-13',
    '2024-10-13T10:51:34',
    '2024-10-13T10:51Z',
    '2024-10-13T10:51:34.Z',
    '2024-10-13T10:51:34.1234567890Z',
    '2024-13-01T00:00:00Z',
    '2024-00-01T00:00:00Z',
    '2024-10-00T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '2024-04-31T00:00:00Z',
    '2024-10-13T24:00:00Z',
    '2024-10-13T10:60:00Z',
    '2024-10-13T10:51:61Z',
    '2024-10-13T10:51:34+24:00',
    '2024-10-13T10:51:34+02:60',
    ' 2024-10-13T10:51:34Z',
    '2024-10-13T10:51:34Z\n',
    '-2024-10-13T10:51:34Z',
  ])('does not accept %j as a date', (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  test.each([
    '0001-01-01T00:00:00Z',
    '0001-01-01T01:00:00+01:00',
    '0001-01-01T00:00:00.000000000Z',
    '0070-01-02T00:00:00Z',
    '1969-12-31T23:59:59Z',
    '1970-01-01T00:00:00Z',
    '1970-01-01T02:00:00+02:00',
    '1970-01-01T00:00:00-08:00',
    '2001-01-01T00:00:00Z',
    '2001-12-31T23:59:59Z',
  ])('treats %s as "none"', (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });
});

test.each([
  ['2024-10-13T10:51:34Z', '2024-10-13T12:51:34.000+02:00', 0],
  ['2024-10-13T10:51:34.000000001Z', '2024-10-13T10:51:34.000000002Z', -1],
  ['2024-10-13T09:00:00-02:00', '2024-10-13T10:00:00Z', 1],
])('compares %s with %s as instants', (a, b, sign) => {
  const [left, right] = [parseInstant(a), parseInstant(b)];
  if (!left || !right) throw new Error('both are dates');
  expect(Math.sign(compareInstants(left, right))).toBe(sign);
});

test('an instant can be shifted, and keeps its text', () => {
  const instant = parseInstant('2024-10-13T10:51:34.5Z');
  if (instant === undefined) throw new Error('not a date');
  expect(shifted(instant, -1_500.2)).toEqual({
    text: '2024-10-13T10:51:34.5Z',
    epochNanoseconds: 1_728_816_693_000_000_000n,
  });
});

test.each([
  ['2024-10-13T10:51:34Z', '2024-10-13T10:51:36.5Z', 2_500],
  ['2024-10-13T10:51:34Z', '2024-10-13T12:51:34+02:00', 0],
  ['2024-10-13T10:51:34.000250Z', '2024-10-13T10:51:34Z', -0.25],
])('from %s to %s it is %d ms', (from, to, ms) => {
  expect(millisecondsBetween(at(from), at(to))).toBe(ms);
});
