import { expect, test } from '@jest/globals';
import { simulateFresh } from './replay.ts';

// Only a few: a change should not fail because of a rare world that it did not cause. Every night, many more are played.

test('500 fresh worlds break no guarantee', async () => {
  expect(await simulateFresh(500)).toContain('500 kept every guarantee, 0 did not');
}, 300_000);

test('50 fresh worlds of pools between jobs break no guarantee', async () => {
  expect(await simulateFresh(50, '--pools')).toContain('50 kept every guarantee, 0 did not');
}, 300_000);

test('50 fresh worlds of several VMs break no guarantee', async () => {
  expect(await simulateFresh(50, '--fleets')).toContain('50 kept every guarantee, 0 did not');
}, 300_000);
