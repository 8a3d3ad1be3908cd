import { expect, test } from '@jest/globals';
import { simulateFresh } from './replay.ts';

// A few of each kind, so that a run ends in minutes: `npm run simulate` plays as many as are asked for.
test('2,000 fresh worlds break no guarantee', async () => {
  expect(await simulateFresh(2_000)).toContain('2000 kept every guarantee, 0 did not');
}, 300_000);

test('500 fresh worlds of pools between jobs break no guarantee', async () => {
  expect(await simulateFresh(500, '--pools')).toContain('500 kept every guarantee, 0 did not');
}, 300_000);

test('500 fresh worlds of several VMs break no guarantee', async () => {
  expect(await simulateFresh(500, '--fleets')).toContain('500 kept every guarantee, 0 did not');
}, 300_000);
