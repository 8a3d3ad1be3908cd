/** HTTP statuses that may be others the next time. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 3_000;

export interface Pause {
  /** 0 for the first. */
  readonly attempt: number;
  /** What the server asked for. */
  readonly retryAfterMs: number | undefined;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Milliseconds before the next try: they double from 250 up to 3,000, of which jitter takes up to half away. */
export function pauseMs({ attempt, retryAfterMs = 0, random }: Pause): number {
  const backoffMs = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** attempt) * (1 - random() / 2);
  return Math.max(retryAfterMs, backoffMs);
}

/**
 * What a Retry-After header asks for, in milliseconds: it is a number of seconds, or a date; then the Date header of
 * the same answer says what "now" means to the server.
 */
export function parseRetryAfter(retryAfter = '', date = ''): number | undefined {
  const value = retryAfter.trim();
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const untilMs = Date.parse(value) - Date.parse(date);
  return Number.isNaN(untilMs) ? undefined : Math.max(0, untilMs);
}
