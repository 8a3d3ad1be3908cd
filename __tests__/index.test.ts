import { expect, jest, test } from '@jest/globals';
import { endProcessWithin } from '../src/clock.ts';

test('the entry of the bundle runs the action', async () => {
  const main = jest.fn();
  jest.unstable_mockModule('../src/main.ts', () => ({ main }));
  await import('../src/index.ts');
  expect(main.mock.calls).toEqual([[endProcessWithin]]);
});
