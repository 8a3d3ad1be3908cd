import { isRecord, text } from '../http/json.ts';
import { parseRetryAfter } from '../http/retry.ts';

/** An answer as octokit hands it out. */
export interface Reply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  /** The JSON, or the text where it is none. */
  readonly data: unknown;
}

/** What GitHub asks for where it limits and does not say for how long. */
const UNSAID_MS = 60_000;
/** The quota is renewed each hour, so no longer pause makes sense. */
const LONGEST_MS = 3_600_000;
/** The limit is lifted within the second that is named: one more is on the safe side. */
const MARGIN_MS = 1_000;

/**
 * How long GitHub wants to be left alone, in milliseconds: because the hourly quota is used up (primary limit), or because
 * there were too many requests at once (secondary limit). Undefined where the answer is about something else. Pure: what
 * "now" is, the answer itself says.
 */
export function rateLimitMs(reply: Reply): number | undefined {
  const { status, headers } = reply;
  if (status !== 403 && status !== 429) return undefined;
  const waitMs = retryAfterMs(reply);
  if (waitMs !== undefined) return Math.min(LONGEST_MS, waitMs);
  if (headers['x-ratelimit-remaining'] === '0') return Math.min(LONGEST_MS, untilReset(headers));
  return status === 429 || speaksOfLimit(reply) ? UNSAID_MS : undefined;
}

/** What Retry-After asks for, in milliseconds. */
export function retryAfterMs({ headers }: Reply): number | undefined {
  return parseRetryAfter(text(headers, 'retry-after'), text(headers, 'date'));
}

function untilReset(headers: Reply['headers']): number {
  const reset = text(headers, 'x-ratelimit-reset');
  const ms = Number(reset) * 1_000 - Date.parse(text(headers, 'date') ?? '');
  return Number.isNaN(ms) ? UNSAID_MS : Math.max(0, ms) + MARGIN_MS;
}

function speaksOfLimit({ data }: Reply): boolean {
  const message = isRecord(data) ? data['message'] : data;
  return typeof message === 'string' && /rate limit/i.test(message);
}
