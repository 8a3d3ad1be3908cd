import { beforeAll, describe, expect, test } from '@jest/globals';
import { type FleetFigures, simulateFleet } from '../../../tools/bench/fleet-run.ts';
import { summarizeFleets } from '../../../tools/bench/fleets.ts';

// The real step with a fleet in simulated worlds, on virtual time: the same seeds give the same figures on every machine.

const WORLDS = 5;

describe.each(['100%', '10%'])('100 VMs, %s at a time', (maxParallel) => {
  const size = { vms: 100, maxParallel };
  const figures: FleetFigures[] = [];

  beforeAll(async () => {
    for (let seed = 1; seed <= WORLDS; seed++) figures.push(await simulateFleet(seed, size));
  }, 60_000);

  test('are read at most 1.2 times per second, and each gets one restart', () => {
    const { readsPerSecond } = summarizeFleets(size, figures);
    expect(readsPerSecond).toBeLessThanOrEqual(1.2);
    expect(figures.map(({ restarts }) => restarts)).toEqual(figures.map(() => 100));
  });

  test('are known to be back within a second in the median', () => {
    expect(summarizeFleets(size, figures).medianMs).toBeLessThanOrEqual(1_000);
  });

  test('never take less than the best possible', () => {
    for (const { wallMs, bestMs } of figures) expect(wallMs).toBeGreaterThan(bestMs);
  });
});
