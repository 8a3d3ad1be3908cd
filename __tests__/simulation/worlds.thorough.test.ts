import { expect, test } from '@jest/globals';
import { simulateFresh } from './replay.ts';

test('5,000 fresh worlds break no guarantee', async () => {
  expect(await simulateFresh(5_000)).toContain('5000 kept every guarantee, 0 did not');
}, 300_000);

test('500 fresh worlds of pools between jobs break no guarantee', async () => {
  expect(await simulateFresh(500, '--pools')).toContain('500 kept every guarantee, 0 did not');
}, 300_000);

test('500 fresh worlds of several VMs break no guarantee', async () => {
  expect(await simulateFresh(500, '--fleets')).toContain('500 kept every guarantee, 0 did not');
}, 300_000);
