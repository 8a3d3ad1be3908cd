import { expect, test } from '@jest/globals';
import { simulateFresh } from '../support/fresh-worlds.ts';

test('5,000 worlds that nobody has seen break no promise', async () => {
  expect(await simulateFresh(5_000)).toContain('5000 kept every promise, 0 did not');
}, 300_000);
