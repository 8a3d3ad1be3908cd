import type { Figures } from './restart.ts';

/** Figures of many restarts: milliseconds, and the total number of requests. */
export interface Summary {
  readonly runs: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly meanMs: number;
  readonly requests: number;
}

export function summarize(figures: readonly Figures[]): Summary {
  const delays = figures.map(({ delayMs }) => delayMs).sort((a, b) => a - b);
  return {
    runs: figures.length,
    medianMs: quantile(delays, 0.5),
    p95Ms: quantile(delays, 0.95),
    meanMs: mean(delays),
    requests: mean(figures.map(({ requests }) => requests)),
  };
}

/** @param sorted in ascending order, not empty. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
