import { prepareAccess } from '../../simulator/access.ts';
import { World } from '../../simulator/world.ts';
import { STEADY, worldOf } from './models.ts';
import { cpuMsIn, peakMibIn, TELLING_PEAK } from './peak-memory.ts';
import { AGE_MS, now, runStep } from './process.ts';

/*
 * Many VMs at once and a short timeout, by the bundle as a process in real time: does each VM get enough CPU time? Each restart has a
 * connection of its own, so with TLS each takes a handshake. The simulator runs beside it and needs CPU time, too.
 */

/** What a crowd needed; times in milliseconds. */
interface CrowdResult {
  readonly vms: number;
  /** `https`: with `ca_cert`. */
  readonly scheme: 'http' | 'https';
  readonly restarted: number;
  readonly wallMs: number;
  /** Of the step, without the simulator. */
  readonly cpuMs: number;
  readonly peakMib: number;
}

const TIMEOUT = '60s';

/** @param vms all restarted at the same time. */
export async function measureCrowds(vms: number): Promise<CrowdResult[]> {
  return [await measureCrowd(vms, 'http'), await measureCrowd(vms, 'https')];
}

async function measureCrowd(vms: number, scheme: CrowdResult['scheme']): Promise<CrowdResult> {
  const { secure, inputs, cleanUp } = await prepareAccess({
    ...{ rootToken: undefined, apiKeyId: undefined, sessionTtlMs: 0, tls: scheme === 'https', mtls: false },
  });
  const world = new World(worldOf(STEADY, { seed: 1, startsAt: now() - AGE_MS, vms }));
  const { startedAt, endedAt, log, outputs } = await runStep(world, {
    inputs: { ...inputs, external_id: 'runner-*', max_parallel: '100%', timeout: TIMEOUT },
    environment: TELLING_PEAK,
    secure,
  });
  cleanUp();
  const results: { outcome: string }[] = JSON.parse(outputs['results'] ?? '[]');
  return {
    ...{ vms, scheme, restarted: results.filter(({ outcome }) => outcome === 'restarted').length },
    ...{ wallMs: endedAt - startedAt, cpuMs: cpuMsIn(log), peakMib: peakMibIn(log) },
  };
}
