import { expect, test } from '@jest/globals';
import { measureOutOfService } from '../../../tools/bench/out-of-service.ts';

// The real step in simulated worlds, on virtual time: the same seeds give the same figures on every machine.

test('VMs with one-job runners are out of service hardly longer than their restart and boot take', async () => {
  const rows = await measureOutOfService(1, 20);
  const oneJob = rows.find(({ setup }) => setup === 'one-job');
  expect(oneJob?.usableAboveLimit.medianMs).toBeGreaterThan(0);
  expect(oneJob?.knownAboveLimit.medianMs).toBeLessThanOrEqual(6_000);
  expect(oneJob?.knownAboveLimit.p95Ms).toBeLessThanOrEqual(12_000);
  const several = rows.find(({ setup }) => setup === 'one-job, three VMs in one step');
  expect(several?.knownAboveLimit.medianMs).toBeLessThanOrEqual(7_000);
  expect(several?.knownAboveLimit.p95Ms).toBeLessThanOrEqual(12_000);
}, 60_000);
