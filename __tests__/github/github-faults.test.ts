import { expect, test } from '@jest/globals';
import { faultOfDenial, isAboutToken, type Reply, rateLimitMs } from '../../src/github/github-faults.ts';

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

const ACCESS = {
  subject: 'the runners of octo-org',
  permission: 'It needs a permission.',
  input: 'runner_scope',
};

function faultOf(changes: Partial<Reply>) {
  const reply: Reply = { status: 403, headers: {}, data: '', ...changes };
  return faultOfDenial({ tokens: 'github_token', said: `HTTP ${reply.status}`, reply }, ACCESS);
}

test.each<[string, Partial<Reply>, object]>([
  [
    'a rate limit is waited for, and the token has too many users',
    { status: 429, headers: { 'retry-after': '7' } },
    {
      nature: 'quota',
      waitMs: 7_000,
      hint: expect.stringMatching(/^GitHub limits the requests of a token\./),
    },
  ],
  [
    'a failure that asks to wait is no matter of the token',
    { status: 503, headers: { 'retry-after': '7' } },
    { nature: 'quota', waitMs: 7_000, hint: expect.stringMatching(/^Check githubstatus\.com/) },
  ],
  [
    'a failure may pass at any time',
    { status: 502 },
    { nature: 'passing', hint: expect.stringMatching(/^Check githubstatus\.com/) },
  ],
  [
    'a refusal names what the token lacks',
    { status: 403, headers: { 'x-accepted-github-permissions': 'organization_self_hosted_runners=read' } },
    {
      nature: 'denial',
      message:
        'GitHub does not let github_token access the runners of octo-org: HTTP 403; GitHub wants "organization_self_hosted_runners=read".',
      hint: 'Check runner_scope and github_token. It needs a permission.',
    },
  ],
])('%s', (_, changes, expected) => {
  const fault = faultOf(changes);
  expect(fault).toMatchObject({ kind: 'no answer of GitHub', ...expected });
  expect('waitMs' in fault).toBe('waitMs' in expected);
});

test.each([
  ['required; url=https://github.example/sso?a=1', 'https://github.example/sso?a=1'],
  ['required;url=https://github.example/sso', 'https://github.example/sso'],
  ['partial-results; organizations=21955855', undefined],
  ['not required; url=https://github.example/sso', undefined],
  ['required; url=https://github.example/sso and more', undefined],
])('a token that single sign-on keeps out: %s', (header, url) => {
  const { hint } = faultOf({ headers: { 'x-github-sso': header } });
  expect(hint).toBe(
    url === undefined
      ? 'Check runner_scope and github_token. It needs a permission.'
      : `The organization requires single sign-on (SSO): authorize the token at ${url}.`,
  );
});

test.each([
  [401, true],
  [403, true],
  [404, true],
  [429, true],
  [410, false],
  [502, false],
])('another token may get another answer than HTTP %i: %s', (status, expected) => {
  expect(isAboutToken({ status, headers: {}, data: '' })).toBe(expected);
});
