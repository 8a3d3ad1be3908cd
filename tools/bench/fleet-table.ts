import type { FleetResult } from './fleets.ts';

type Column = readonly [heading: string, cell: (fleet: FleetResult) => string];

const COLUMNS: readonly Column[] = [
  ['VMs', ({ vms }) => String(vms)],
  ['at once', ({ maxParallel }) => maxParallel],
  ['wall s', ({ wallMs }) => (wallMs / 1_000).toFixed(1)],
  ['best s', ({ bestMs }) => (bestMs / 1_000).toFixed(1)],
  ['requests', ({ requests }) => requests.toFixed(1)],
  ['a second', ({ requestsPerSecond }) => requestsPerSecond.toFixed(2)],
  ['reads a s', ({ readsPerSecond }) => readsPerSecond.toFixed(2)],
  ['median ms', ({ medianMs }) => medianMs.toFixed(0)],
  ['p95 ms', ({ p95Ms }) => p95Ms.toFixed(0)],
  ['peak MiB', ({ peakMib }) => peakMib.toFixed(0)],
];
const WIDTH = 11;

/** A line for each kind of fleet, below the headings. */
export function tableOfFleets(fleets: readonly FleetResult[]): string {
  const headings = COLUMNS.map(([heading]) => heading);
  const rows = fleets.map((fleet) => COLUMNS.map(([, cell]) => cell(fleet)));
  return [headings, ...rows].map((cells) => cells.map((cell) => cell.padEnd(WIDTH)).join('')).join('\n');
}
