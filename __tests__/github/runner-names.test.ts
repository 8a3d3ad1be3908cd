import { describe, expect, test } from '@jest/globals';
import type { Instance } from '../../src/controller/instance.ts';
import { ActionError } from '../../src/errors.ts';
import {
  describePattern,
  exactly,
  fillName,
  fillPattern,
  fitsPattern,
  fixedPattern,
  hasPlaceholder,
  isExact,
  isSameName,
  mayBeIn,
  type NamePattern,
  unknownPlaceholder,
} from '../../src/github/runner-names.ts';
import { ID, instance } from '../support/instances.ts';

test.each([
  ['mac-7', 'mac-7'],
  ['{external_id}', 'runner-1'],
  ['ci-{name}-{external_id}', 'ci-vm-1-runner-1'],
  ['{instance_id}', ID],
])('%s becomes %s', (template, name) => {
  expect(unknownPlaceholder(template)).toBeUndefined();
  expect(hasPlaceholder(template)).toBe(template !== name);
  expect(fillName(template, instance())).toBe(name);
});

test.each([
  ['{vm}', '{vm}'],
  ['{name}-{}', '{}'],
  ['{NAME}', '{NAME}'],
  ['mac-{external_id', '{external_id'],
  ['external_id}', '}'],
  ['{{name}}', '{'],
  ['{name}}', '}'],
])('%s holds no placeholder that there is', (template, unknown) => {
  expect(unknownPlaceholder(template)).toBe(unknown);
});

test('half a character does not count', () => {
  expect(fillName('{name}', instance({ name: 'mac\ud800' }))).toBe('mac\ufffd');
  expect(fillName('mac\udfff-{name}', instance({ name: '7' }))).toBe('mac\ufffd-7');
});

test('a placeholder that the instance has no value for is an error', () => {
  expect(() => fillName('{name}', instance({ name: undefined }))).toThrow(
    expect.objectContaining({
      code: 'runner_not_found',
      message: `runner_name contains {name}, but instance ${ID} has none.`,
      hint: 'Use a placeholder that the instance has a value for, or write the name of the runner.',
    }),
  );
});

test('a name that could not be read is not missing: the error says why', () => {
  const unreadNames = new ActionError('controller_unreachable', 'away', { isTransient: true });
  expect(() => fillName('{name}', instance({ name: undefined, unreadNames }))).toThrow(unreadNames);
  expect(fillName('{external_id}', instance({ name: undefined, unreadNames }))).toBe('runner-1');
});

test('an unknown placeholder has no value, either', () => {
  expect(() => fillName('{vm}', instance())).toThrow(
    expect.objectContaining({
      message: `runner_name contains {vm}, but instance ${ID} has none.`,
    }),
  );
});

test('names are the same in upper and lower case', () => {
  expect(isSameName('Mac-7', 'mac-7')).toBe(true);
  expect(isSameName('mac-7', 'mac-77')).toBe(false);
});

test('an accented letter is the same as one character and as two', () => {
  expect(isSameName('M\u00dcller', 'mu\u0308ller')).toBe(true);
  expect(isSameName('M\u00dcller', 'muller')).toBe(false);
  const pattern = fillPattern('{name}-*', instance({ name: 'm\u00fcller' }));
  expect(fitsPattern(pattern, 'MU\u0308LLER-1')).toBe(true);
  // No single character stands for J with a caron, but one stands for j with it.
  expect(isSameName('J\u030c', '\u01f0')).toBe(true);
});

describe('a pattern', () => {
  test.each([
    ['mac-7', 'MAC-7', true],
    ['mac-7', 'mac-77', false],
    ['mac-*', 'mac-', true],
    ['mac-*', 'Mac-7', true],
    ['mac-*', 'a-mac-7', false],
    ['{external_id}-*', 'runner-1-abc', true],
    ['{external_id}-*', 'runner-1', false],
    ['*-{name}', 'x-vm-1', true],
    ['*-{name}', 'x-vm-1-y', false],
    ['{uuid}-*', '8E1F2A34-5b6c-47d8-9e0f-a1b2c3d4e5f6-x', true],
    ['m*c*7', 'mac-77', true],
    ['a.c*', 'abc', false],
    ['*', 'line\nbreak', true],
  ])('%s, and the name %j: %j', (template, name, fits) => {
    expect(fitsPattern(fillPattern(template, instance()), name)).toBe(fits);
  });

  test('takes a * in a value literally', () => {
    const pattern = fillPattern('{name}*', instance({ name: 'a*b' }));
    expect([fitsPattern(pattern, 'a*b-1'), fitsPattern(pattern, 'axb-1')]).toEqual([true, false]);
    expect([isExact(pattern), describePattern(pattern)]).toEqual([false, 'a*b*']);
  });

  test('without a * is a name', () => {
    expect(fillPattern('{name}', instance({ name: 'a*b' }))).toEqual(exactly('a*b'));
    expect(isExact(exactly('a*b'))).toBe(true);
  });
});

test.each<[string, NamePattern | undefined]>([
  ['mac-7', { parts: ['mac-7'] }],
  ['mac-*-x', { parts: ['mac-', '-x'] }],
  ['mac-{name}', undefined],
])('%s depends on the instance, or is a pattern as it is', (template, pattern) => {
  expect(fixedPattern(template)).toEqual(pattern);
});

test.each<[string, Partial<Instance>, string, boolean]>([
  ['{external_id}', {}, 'RUNNER-1', true],
  ['{external_id}', {}, 'runner-2', false],
  ['{external_id}-*', {}, 'runner-1-abc', true],
  ['{external_id}-*', { externalId: undefined }, 'undefined-abc', false],
  ['{name}{uuid}*', { uuid: undefined }, 'vm-1', false],
  ['mac-*', { externalId: undefined }, 'mac-7', true],
])('%s of a VM with %j may be %s: %j', (template, changes, name, expected) => {
  expect(mayBeIn(instance(changes), template, name)).toBe(expected);
});
