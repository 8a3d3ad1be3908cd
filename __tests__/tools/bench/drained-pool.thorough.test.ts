import { expect, test } from '@jest/globals';
import { measureDrainedPools } from '../../../tools/bench/drained-pool.ts';

// The real step in simulated worlds, on virtual time: the same seeds give the same figures on every machine.

test('resetting a busy pool with a drain kills no job, and costs a few minutes of runner time per VM', async () => {
  const rows = await measureDrainedPools(1, 1);
  expect(rows.map(({ resets, jobsKilled }) => [resets, jobsKilled])).toEqual([
    [10, 0],
    [10, 0],
  ]);
  for (const { medianLostMs, p95LostMs, limitMs } of rows) {
    expect(medianLostMs).toBeGreaterThan(limitMs);
    expect(p95LostMs).toBeLessThanOrEqual(6 * 60_000);
  }
}, 300_000);
