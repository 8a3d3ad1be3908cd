import type { Random } from '../../simulator/random.ts';
import type { PollInterval } from '../../src/restart/schedule.ts';

/** A way to choose when to poll. */
export interface Policy {
  readonly name: string;
  interval(random: Random): PollInterval;
}

const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 20_000;

/** "Full jitter": each pause is random, from zero up to twice the previous one, as in AWS's SDKs. */
function backOff(random: Random): () => number {
  let attempt = 0;
  return () => random.next() * Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** attempt++);
}

export const POLICIES: readonly Policy[] = [
  { name: 'auto', interval: () => 'auto' },
  { name: 'every second', interval: () => 1_000 },
  { name: 'backoff with jitter', interval: backOff },
  { name: 'every 5 s', interval: () => 5_000 },
];
