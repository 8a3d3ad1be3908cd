import { expect, test } from '@jest/globals';
import { type Reply, rateLimitMs } from '../../src/github/github-faults.ts';

const DATE = 'Wed, 01 Jul 2026 12:00:00 GMT';
const NOON = Date.parse(DATE) / 1_000;

const exhausted = (reset: string | undefined, date: string | undefined = DATE) => ({
  headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset, date },
});

test.each<[string, Partial<Reply>, number | undefined]>([
  ['Retry-After', { headers: { 'retry-after': '7', ...exhausted(String(NOON + 60)).headers } }, 7_000],
  ['the quota is used up, for half a minute more', exhausted(String(NOON + 30)), 31_000],
  ['the quota is there again', exhausted(String(NOON - 30)), 1_000],
  ['the quota is used up until the year 9999', exhausted('253402300799'), 3_600_000],
  [
    'Retry-After as a date',
    { headers: { 'retry-after': 'Wed, 01 Jul 2026 12:00:09 GMT', date: DATE } },
    9_000,
  ],
  ['Retry-After for years', { headers: { 'retry-after': '999999999' } }, 3_600_000],
  ['the quota is used up, without a reset time', exhausted(undefined), 60_000],
  ['the quota is used up until nonsense', exhausted('soon'), 60_000],
  ['no date', { headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' } }, 60_000],
  ['too many at once', { data: { message: 'You have exceeded a secondary rate limit.' } }, 60_000],
  ['too many at once, in capitals and no JSON', { data: 'RATE LIMIT' }, 60_000],
  ['nothing readable', { data: { message: ['rate limit'] } }, undefined],
  ['nonsense on another day', { status: 404, data: 'rate limit' }, undefined],
  ['429 without a word', { status: 429 }, 60_000],
  [
    'a permission',
    { data: { message: 'Resource not accessible' }, headers: { 'x-ratelimit-remaining': '7' } },
    undefined,
  ],
  ['an answer', { status: 200, ...exhausted(String(NOON + 60)) }, undefined],
  ['a failure', { status: 503, headers: { 'retry-after': '7' } }, undefined],
])('%s', (_, changes, expected) => {
  expect(rateLimitMs({ status: 403, headers: {}, data: '', ...changes })).toBe(expected);
});
