import { World } from '../../simulator/world.ts';
import { type FleetFigures, type FleetSize, simulateFleet } from './fleet-run.ts';
import { STEADY, worldOf } from './models.ts';
import { now, peakOf, QUICK } from './process.ts';
import { mean, median, quantile } from './statistics.ts';

/** The measurements of fleets of one size on virtual time; times in milliseconds, medians over the worlds. */
interface FleetSummary extends FleetSize {
  readonly worlds: number;
  readonly wallMs: number;
  /** The time of a step that knows everything at once. */
  readonly bestMs: number;
  /** In total, per world. */
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** Without the restart requests themselves: each VM needs one in any case. */
  readonly readsPerSecond: number;
  /** Delays of all VMs in all worlds. */
  readonly medianMs: number;
  readonly p95Ms: number;
}

export interface FleetResult extends FleetSummary {
  /** The most memory of the bundle as a process, in MiB. */
  readonly peakMib: number;
}

/** For one VM, the share makes no difference. */
const SIZES: readonly (FleetSize & { readonly worlds: number })[] = [
  { vms: 1, maxParallel: '100%', worlds: 200 },
  { vms: 10, maxParallel: '100%', worlds: 100 },
  { vms: 10, maxParallel: '10%', worlds: 100 },
  { vms: 100, maxParallel: '100%', worlds: 20 },
  { vms: 100, maxParallel: '10%', worlds: 20 },
  { vms: 1_000, maxParallel: '100%', worlds: 4 },
  { vms: 1_000, maxParallel: '10%', worlds: 4 },
];

/** @param repeats multiplies the number of worlds. */
export async function measureFleets(firstSeed: number, repeats: number): Promise<FleetResult[]> {
  const results: FleetResult[] = [];
  for (const { worlds, ...size } of SIZES) {
    const figures: FleetFigures[] = [];
    for (let world = 0; world < worlds * repeats; world++)
      figures.push(await simulateFleet(firstSeed + world, size));
    results.push({ ...summarizeFleets(size, figures), peakMib: await peakOfFleet(size) });
  }
  return results;
}

export function summarizeFleets(size: FleetSize, figures: readonly FleetFigures[]): FleetSummary {
  const total = (take: (one: FleetFigures) => number) => figures.reduce((sum, one) => sum + take(one), 0);
  const seconds = total(({ wallMs }) => wallMs) / 1_000;
  const delaysMs = figures.flatMap((one) => one.delaysMs).sort((a, b) => a - b);
  return {
    ...size,
    worlds: figures.length,
    wallMs: median(figures.map(({ wallMs }) => wallMs)),
    bestMs: median(figures.map(({ bestMs }) => bestMs)),
    requests: mean(figures.map(({ reads, restarts }) => reads + restarts)),
    requestsPerSecond: total(({ reads, restarts }) => reads + restarts) / seconds,
    readsPerSecond: total(({ reads }) => reads) / seconds,
    medianMs: quantile(delaysMs, 0.5),
    p95Ms: quantile(delaysMs, 0.95),
  };
}

/** In real time, with short heartbeats: otherwise each of these would take a minute. */
function peakOfFleet({ vms, maxParallel }: FleetSize): Promise<number> {
  const world = new World({ ...worldOf(STEADY, { seed: 1, startsAt: now(), vms }), ...QUICK });
  return peakOf(world, { external_id: 'runner-*', max_parallel: maxParallel });
}
