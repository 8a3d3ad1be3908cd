import { expect, test } from '@jest/globals';
import { closestTo } from '../../src/restart/preflight.ts';

const KNOWN = ['runner-1', 'runner-17', 'runner-2', 'Runner-17', 'builder', 'x'.repeat(101), 'x'.repeat(102)];

test.each<[string, string[]]>([
  ['RUNNER-17', ['runner-17', 'Runner-17']],
  ['runner-3', ['runner-1', 'runner-2', 'runner-17']],
  ['runer-17', ['runner-17', 'Runner-17', 'runner-1']],
  ['bilder', ['builder']],
  ['builders', ['builder']],
  ['bxxlder', []],
  ['bu', []],
  ['', []],
  ['X'.repeat(101), ['x'.repeat(101)]],
])('%s may be meant for %j', (wanted, expected) => {
  expect(closestTo(wanted, KNOWN)).toEqual(expected);
});

test('the same ID is suggested once', () => {
  expect(closestTo('vm1', ['vm-1', 'vm-1'])).toEqual(['vm-1']);
});
