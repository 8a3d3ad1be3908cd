import type { Runner } from './runners.ts';

/** One look at the runner; times in milliseconds on the clock's scale. What it shows was true at some time in between. */
export interface RunnerSnapshot {
  readonly askedAt: number;
  readonly answeredAt: number;
  /** `gone`: nothing is registered under its name. Undefined: GitHub gave no usable answer, so nothing is known. */
  readonly runner: Runner | 'gone' | undefined;
}
