import { expect, test } from '@jest/globals';
import { describeIdleTable, IDLE_FOR_MS, type IdleRow, measureIdleRow } from './idle-table.ts';

// How many jobs are lost by `idle_for`: for docs/internals/verification.md.

const WORLDS = { first: 1, runs: 40 };

test('one read of one source loses more jobs than 90 s of both sources', async () => {
  const hasty = await measureIdleRow({ idleForMs: 0, readsJobs: false }, WORLDS);
  const careful = await measureIdleRow({ idleForMs: 90_000, readsJobs: true }, WORLDS);
  expect([hasty.restarts, careful.restarts]).toEqual([40, 40]);
  expect(hasty.lost).toBeGreaterThan(careful.lost + 4);
  expect(hasty.meanWaitMs).toBeLessThan(careful.meanWaitMs);
}, 60_000);

test('the same seeds give the same row', async () => {
  const measure = () => measureIdleRow({ idleForMs: 30_000, readsJobs: true }, { first: 7, runs: 3 });
  expect(await measure()).toEqual(await measure());
}, 60_000);

test('the table has a row for each time, and columns with and without the jobs source', () => {
  const rows = [true, false].flatMap((readsJobs) =>
    IDLE_FOR_MS.map(
      (idleForMs, index): IdleRow => ({
        ...{ idleForMs, readsJobs, restarts: 2_000 },
        lost: index + (readsJobs ? 0 : 100),
        meanWaitMs: 60_000,
      }),
    ),
  );
  const lines = describeIdleTable(rows);
  expect(lines).toHaveLength(2 + IDLE_FOR_MS.length);
  expect(lines[3]).toBe('| `30s` | 0.5 | 60 s | 50.5 | 60 s |');
});
