import { expect, test } from '@jest/globals';
import { simulateFresh } from './replay.ts';

test('3,000 fresh worlds break no guarantee', async () => {
  expect(await simulateFresh(3_000)).toContain('3000 kept every guarantee, 0 did not');
}, 300_000);

test('200 fresh worlds of pools between jobs break no guarantee', async () => {
  expect(await simulateFresh(200, '--pools')).toContain('200 kept every guarantee, 0 did not');
}, 300_000);

test('200 fresh worlds of several VMs break no guarantee', async () => {
  expect(await simulateFresh(200, '--fleets')).toContain('200 kept every guarantee, 0 did not');
}, 300_000);
