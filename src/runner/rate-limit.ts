import type { Answer } from '../http/transport.ts';

/** What GitHub asks for where it limits and does not say for how long. */
const UNSAID_MS = 60_000;
/** The quota is one for an hour: who asks for more does not mean it. */
const LONGEST_MS = 3_600_000;
/** The limit is lifted within the second that is named: one more is on the safe side. */
const MARGIN_MS = 1_000;

/**
 * How long GitHub wants to be left alone, in milliseconds: because the hourly quota is used up (primary limit), or because
 * there were too many requests at once (secondary limit). Undefined where the answer is about something else. Pure: what
 * "now" is, the answer itself says.
 */
export function rateLimitMs({ status, headers, text, retryAfterMs }: Answer): number | undefined {
  if (status !== 403 && status !== 429) return undefined;
  if (retryAfterMs !== undefined) return Math.min(LONGEST_MS, retryAfterMs);
  if (headers['x-ratelimit-remaining'] === '0') return Math.min(LONGEST_MS, untilReset(headers));
  return status === 429 || /rate limit/i.test(text) ? UNSAID_MS : undefined;
}

function untilReset({ 'x-ratelimit-reset': reset = '', date = '' }: Answer['headers']): number {
  const ms = Number(reset) * 1_000 - Date.parse(date);
  return reset === '' || Number.isNaN(ms) ? UNSAID_MS : Math.max(0, ms) + MARGIN_MS;
}
