import { expect, test } from '@jest/globals';
import { closestTo, nearestFirst } from '../src/likeness.ts';

const KNOWN = ['runner-1', 'runner-17', 'runner-2', 'Runner-17', 'builder', 'x'.repeat(101), 'x'.repeat(102)];

test.each<[string, string[]]>([
  ['RUNNER-17', ['runner-17', 'Runner-17']],
  ['runner-3', ['runner-1', 'runner-2', 'runner-17']],
  ['runer-17', ['runner-17', 'Runner-17', 'runner-1']],
  ['bilder', ['builder']],
  ['builders', ['builder']],
  ['bxxldxr', []],
  ['bu', []],
  ['', []],
  ['X'.repeat(101), ['x'.repeat(101)]],
])('%j may be meant for %j', (written, expected) => {
  expect(closestTo(written, KNOWN)).toEqual(expected);
});

test('short names may differ in one character', () => {
  expect(closestTo('mac3', ['mac1', 'mac22', 'linux3'])).toEqual(['mac1']);
});

test('a long name is only meant if it is the same but for case', () => {
  const long = 'Mac-'.repeat(30);
  expect(closestTo(long.toLowerCase(), [long, `${long}x`])).toEqual([long]);
  expect(closestTo(long, [`${long}x`])).toEqual([]);
});

test('a name of up to 100 characters may have a typo', () => {
  const longest = 'mac-'.repeat(25);
  expect(closestTo(longest.slice(1), [longest])).toEqual([longest]);
});

test('the same name is suggested once', () => {
  expect(closestTo('vm1', ['vm-1', 'vm-1'])).toEqual(['vm-1']);
});

test.each([
  ['mca-7', ['mac-7', 'mac-17', 'linux-3']],
  ['LINUX3', ['linux-3', 'mac-7', 'mac-17']],
  ['', ['mac-7', 'mac-17', 'linux-3']],
])('the names most like %j come first', (written, expected) => {
  const named = ['mac-7', 'mac-17', 'linux-3'].map((name) => ({ name }));
  expect(nearestFirst(named, written).map(({ name }) => name)).toEqual(expected);
});
