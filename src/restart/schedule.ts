/** `auto`, or a fixed time between two looks in milliseconds. */
export type PollInterval = 'auto' | number;

export interface Progress {
  /** When the last look began; at first, when the restart had been sent. Milliseconds on the clock's scale. */
  readonly lastLookAt: number;
  /** Milliseconds on the clock's scale. */
  readonly deadline: number;
}

const AUTO_INTERVAL_MS = 1_000;
/** A look this short before the deadline might be cut off by it: the one at the deadline is worth more. */
const SHORTEST_LOOK_MS = 500;

/** When to look next, on the clock's scale; never after the deadline, where the last look is due. Pure. */
export function nextLookAt(pollInterval: PollInterval, { lastLookAt, deadline }: Progress): number {
  const intervalMs = pollInterval === 'auto' ? AUTO_INTERVAL_MS : pollInterval;
  const lookAt = lastLookAt + intervalMs;
  return lookAt + SHORTEST_LOOK_MS > deadline ? deadline : lookAt;
}
