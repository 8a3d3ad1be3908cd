import { expect, test } from '@jest/globals';
import type { Answer } from '../../src/http/transport.ts';
import { rateLimitMs } from '../../src/runner/rate-limit.ts';

const DATE = 'Wed, 01 Jul 2026 12:00:00 GMT';
const NOON = Date.parse(DATE) / 1_000;

function answer(changes: Partial<Answer>): Answer {
  return {
    status: 403,
    text: '',
    headers: {},
    location: undefined,
    retryAfterMs: undefined,
    proxy: undefined,
    ...changes,
  };
}

const exhausted = (reset: string | undefined, date: string | undefined = DATE) => ({
  headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset, date },
});

test.each<[string, Partial<Answer>, number | undefined]>([
  ['Retry-After', { retryAfterMs: 7_000, ...exhausted(String(NOON + 60)) }, 7_000],
  ['the quota is used up, for half a minute more', exhausted(String(NOON + 30)), 31_000],
  ['the quota is there again', exhausted(String(NOON - 30)), 1_000],
  ['the quota is used up until the year 9999', exhausted('253402300799'), 3_600_000],
  ['Retry-After for years', { retryAfterMs: 1e12 }, 3_600_000],
  ['the quota is used up, nobody says until when', exhausted(undefined), 60_000],
  ['the quota is used up until nonsense', exhausted('soon'), 60_000],
  ['no date', { headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' } }, 60_000],
  ['too many at once', { text: '{"message":"You have exceeded a secondary rate limit."}' }, 60_000],
  ['too many at once, in capitals', { text: 'RATE LIMIT' }, 60_000],
  ['nonsense on another day', { status: 404, text: 'rate limit' }, undefined],
  ['429 without a word', { status: 429 }, 60_000],
  [
    'a permission',
    { text: '{"message":"Resource not accessible"}', headers: { 'x-ratelimit-remaining': '7' } },
    undefined,
  ],
  ['an answer', { status: 200, ...exhausted(String(NOON + 60)) }, undefined],
  ['a failure', { status: 503, retryAfterMs: 7_000 }, undefined],
])('%s', (_, changes, expected) => {
  expect(rateLimitMs(answer(changes))).toBe(expected);
});
