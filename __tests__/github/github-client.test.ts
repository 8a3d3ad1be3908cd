import { describe, expect, test } from '@jest/globals';
import nock from 'nock';
import { ActionError } from '../../src/errors.ts';
import { exactly } from '../../src/github/runner-names.ts';
import type { Transport } from '../../src/http/transport.ts';
import {
  bounds,
  clock,
  failure,
  faults,
  github,
  JSON_TYPE,
  listed,
  ONE,
  onGitHub,
  RUNNERS,
  runners,
  runnersOver,
  TOKEN,
  transport,
  useNock,
} from '../support/nock-github.ts';
import { idle, wireRunner } from '../support/runners.ts';

useNock();

describe('hiccups heal', () => {
  test.each<[string, () => nock.Interceptor, (asked: nock.Interceptor) => void, string]>([
    [
      '502 with HTML',
      () => onGitHub().get(ONE),
      (asked) => asked.reply(502, '<html>'),
      'it answered HTTP 502',
    ],
    [
      'a reset',
      () => onGitHub().get(ONE),
      (asked) => asked.replyWithError('read ECONNRESET'),
      'read ECONNRESET',
    ],
    [
      'JSON that is cut off',
      () => onGitHub().get(ONE),
      (asked) => asked.reply(200, '{"id":2', JSON_TYPE),
      'lacks id',
    ],
    ['no JSON', () => onGitHub().get(ONE), (asked) => asked.reply(200, 'null', JSON_TYPE), 'lacks id'],
  ])('%s', async (_, ask, suffer, reason) => {
    suffer(ask());
    onGitHub().get(ONE).reply(200, wireRunner());
    expect(await runners.getRunner(23, bounds)).toEqual(idle);
    expect(faults).toEqual([expect.stringContaining(reason)]);
    expect(clock.sleeps).toEqual([250]);
  });

  test('a text that would take long to read', async () => {
    onGitHub()
      .get(ONE)
      .reply(200, `[${'1,'.repeat(700_000)}1]`, JSON_TYPE);
    onGitHub().get(ONE).reply(200, wireRunner());
    expect(await runners.getRunner(23, bounds)).toEqual(idle);
    expect(faults).toEqual([expect.stringContaining('lacks id')]);
  });

  test('until the deadline', async () => {
    onGitHub()
      .get(ONE)
      .times(100)
      .reply(503, { message: `No server for ${TOKEN}` });
    const error = await failure(runners.getRunner(23, { ...bounds, deadline: clock.now() + 5_000 }));
    expect(error).toMatchObject({
      code: 'github_api_failed',
      isTransient: true,
      message: `GitHub gave no usable answer; last attempt: it answered HTTP 503 ("No server for ${TOKEN}").`,
      hint: 'Check githubstatus.com and the network of the machine that runs the step.',
    });
  });

  test('ever more often towards the deadline', async () => {
    onGitHub().get(ONE).times(100).reply(503);
    await failure(runners.getRunner(23, { ...bounds, deadline: clock.now() + 2_000 }));
    expect(clock.sleeps).toEqual([250, 500, 625, 312.5, 156.25]);
  });

  test.each([
    ['with a quarter of a second left, the request is repeated', 250, [125]],
    ['with less it is not', 249, []],
  ])('%s', async (_, leftMs, sleeps) => {
    onGitHub().get(ONE).times(2).reply(503);
    const error = await failure(runners.getRunner(23, { ...bounds, deadline: clock.now() + leftMs }));
    expect([error.isTransient, clock.sleeps]).toEqual([true, sleeps]);
  });

  test('and the fault is the cause if nothing else is known', async () => {
    const soon = () => ({ ...bounds, deadline: clock.now() + 400 });
    onGitHub().get(ONE).times(9).reply(200, '[]', JSON_TYPE);
    expect((await failure(runners.getRunner(23, soon()))).cause).toMatchObject({
      name: 'UnusableAnswer',
      message: 'it answered with a runner that lacks id, name, status, busy',
    });
    nock.cleanAll();
    onGitHub().get(ONE).times(9).replyWithError('read ECONNRESET');
    expect((await failure(runners.getRunner(23, soon()))).cause).toBeInstanceOf(Error);
  });

  test('but not once the step is cancelled', async () => {
    const cancelled = new AbortController();
    onGitHub()
      .get(ONE)
      .reply(() => {
        cancelled.abort(new ActionError('cancelled', 'The step was canceled.'));
        return [200, wireRunner()];
      });
    const error = await failure(runners.getRunner(23, { ...bounds, signal: cancelled.signal }));
    expect(error.code).toBe('cancelled');
  });
});

describe('a mistake', () => {
  const noAnswer = {
    mayHaveBeenSent: false,
    nature: 'mistake' as const,
    reason: 'the name of the host cannot be resolved: ENOTFOUND',
    hint: 'Check the host in controller_url.',
    cause: new Error('ENOTFOUND'),
  };
  const lost: Transport = { send: async () => ({ noAnswer }), close: async () => {}, renewConnections() {} };

  test('is over after 15 s if GitHub never gave a good answer', async () => {
    const beganAt = clock.now();
    const error = await failure(runnersOver(lost).listAll(bounds));
    expect(error).toMatchObject({
      code: 'github_api_failed',
      isTransient: false,
      message:
        'GitHub gave no usable answer; last attempt: the name of the host cannot be resolved: ENOTFOUND.',
      hint: 'Check GITHUB_API_URL and the proxy of the machine that runs the step.',
      cause: { name: 'UnusableAnswer', cause: noAnswer.cause },
    });
    expect(clock.now() - beganAt).toBeGreaterThanOrEqual(15_000);
    expect(clock.now() - beganAt).toBeLessThan(18_000);
  });

  test('is known across questions', async () => {
    const lookedFor = runnersOver(lost);
    const read = () => failure(lookedFor.getRunner(23, { ...bounds, deadline: clock.now() + 10_000 }));
    expect([(await read()).isTransient, (await read()).isTransient]).toEqual([true, false]);
  });

  test('is none once GitHub gave a good answer', async () => {
    let isLost = false;
    const mixed: Transport = {
      send: (request, given) => (isLost ? lost : transport).send(request, given),
      close: async () => {},
      renewConnections() {},
    };
    const followed = runnersOver(mixed);
    onGitHub().get(ONE).reply(200, wireRunner());
    await followed.getRunner(23, bounds);
    isLost = true;
    const deadline = clock.now() + 120_000;
    expect((await failure(followed.getRunner(23, { ...bounds, deadline }))).isTransient).toBe(true);
    expect(deadline - clock.now()).toBeLessThan(250);
  });

  test('does not count if other faults occur in between', async () => {
    let count = 0;
    const varied: Transport = {
      send: async () => ({
        noAnswer: { ...noAnswer, nature: ++count % 3 === 0 ? ('passing' as const) : ('mistake' as const) },
      }),
      close: async () => {},
      renewConnections() {},
    };
    const deadline = clock.now() + 60_000;
    const error = await failure(runnersOver(varied).getRunner(23, { ...bounds, deadline }));
    expect(error.isTransient).toBe(true);
  });
});

describe('rate limits', () => {
  const DATE = 'Wed, 01 Jul 2026 12:00:00 GMT';
  const exhausted = {
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': String(Date.parse(DATE) / 1_000 + 90),
    date: DATE,
  };

  test('the quota is used up: no request before it is there again', async () => {
    onGitHub().get(ONE).reply(403, { message: 'API rate limit exceeded' }, exhausted);
    onGitHub().get(ONE).reply(200, wireRunner());
    expect(await runners.getRunner(23, bounds)).toEqual(idle);
    expect(clock.sleeps).toEqual([91_000]);
    expect(github.describeUsage()).toContain('quota left: 0 of unknown');
  });

  test('too many at once: Retry-After counts', async () => {
    onGitHub()
      .get(ONE)
      .reply(429, { message: 'You have exceeded a secondary rate limit' }, { 'retry-after': '40' });
    onGitHub().get(ONE).reply(200, wireRunner());
    await runners.getRunner(23, bounds);
    expect(clock.sleeps).toEqual([40_000]);
  });

  test.each([
    [
      'more time than a quota lasts',
      { ...exhausted, 'x-ratelimit-reset': String(Date.parse(DATE) / 1_000 + 7_800) },
      ', asking to wait for 130 min 1 s',
    ],
    ['no time', {}, ''],
  ])('the message quotes what GitHub asks for: %s', async (_, headers, asked) => {
    onGitHub().get(ONE).reply(429, '', headers);
    const error = await runners.getRunner(23, { ...bounds, deadline: clock.now() + 30_000 }).catch(String);
    expect(error).toContain(`it answered HTTP 429${asked}.`);
  });

  test('what is left of the quota says nothing about a server that is down', async () => {
    onGitHub().get(ONE).reply(503, '', exhausted);
    onGitHub().get(ONE).reply(200, wireRunner());
    await runners.getRunner(23, bounds);
    expect(faults).toEqual(['it answered HTTP 503']);
  });

  test('a server that is down may ask for patience, too', async () => {
    onGitHub().get(ONE).reply(503, '', { 'retry-after': '20' });
    onGitHub().get(ONE).reply(200, wireRunner());
    await runners.getRunner(23, bounds);
    expect(clock.sleeps).toEqual([20_000]);
    expect(faults).toEqual(['it answered HTTP 503, asking to wait for 20 s']);
  });

  test.each([
    ['as long as there is time', 40_000, []],
    ['shorter than there is time', 40_001, [40_000]],
  ])('%s', async (_, leftMs, sleeps) => {
    onGitHub().get(ONE).times(2).reply(429, '', { 'retry-after': '40' });
    await failure(runners.getRunner(23, { ...bounds, deadline: clock.now() + leftMs }));
    expect(clock.sleeps).toEqual(sleeps);
  });

  test('longer than there is time: GitHub is left alone, by the next question, too', async () => {
    onGitHub().get(ONE).reply(403, { message: 'API rate limit exceeded' }, exhausted);
    const soon = () => ({ ...bounds, deadline: clock.now() + 60_000 });
    expect(await failure(runners.getRunner(23, soon()))).toMatchObject({
      isTransient: true,
      message: expect.stringContaining('API rate limit exceeded'),
    });
    for (const given of [soon(), { ...bounds, deadline: clock.now() + 91_000 }])
      expect(await failure(runners.getRunner(23, given))).toMatchObject({
        message:
          'GitHub gave no usable answer; last attempt: its rate limit allows no request for another 1 min 31 s.',
        hint: 'GitHub limits the requests of a token. Use a token with fewer other users (each GitHub App has its own quota), or run the step later.',
      });
    expect([nock.isDone(), clock.sleeps]).toEqual([true, []]);
  });

  test('a question with more time than the one before waits until it is allowed', async () => {
    onGitHub().get(ONE).reply(403, { message: 'API rate limit exceeded' }, exhausted);
    await failure(runners.getRunner(23, { ...bounds, deadline: clock.now() + 60_000 }));
    onGitHub().get(ONE).reply(200, wireRunner());
    expect(await runners.getRunner(23, bounds)).toEqual(idle);
    expect(clock.sleeps).toEqual([91_000]);
  });
});

describe('GitHub refuses', () => {
  const denied = { message: 'Resource not accessible by integration', documentation_url: 'https://x' };

  const FITTING =
    'It takes a fine-grained token or an app\'s with the repository permission "Administration: read", or a classic one with the scope repo; GITHUB_TOKEN cannot read runners.';
  const CHECK = `Check runner_scope and github_token. ${FITTING}`;
  const SPELLING = `Check the spelling of runner_scope, and github_token. ${FITTING}`;
  const PLACE = 'Check runner_scope (was it renamed?) and GITHUB_API_URL.';
  const WHAT = 'the self-hosted runners of repository octo-org/app';
  const MAY_NOT = `GitHub does not let github_token access ${WHAT}`;
  const NOTHING = `GitHub does not find ${WHAT} with github_token`;
  const SSO = 'https://github.com/orgs/octo-org/sso?authorization_request=AZSCKtL4U8yX1H3sCQIVnVgm';

  test.each<[string, number, object, Record<string, string>, string, string, number]>([
    [
      'a missing permission',
      403,
      denied,
      { 'x-accepted-github-permissions': `administration=${TOKEN}` },
      `${MAY_NOT}: HTTP 403 ("Resource not accessible by integration"); GitHub wants "administration=${TOKEN}".`,
      CHECK,
      10_000,
    ],
    [
      'a token that is not authorized for single sign-on',
      403,
      { message: 'Resource protected by organization SAML enforcement.' },
      { 'x-github-sso': `required; url=${SSO}`, 'x-accepted-oauth-scopes': '' },
      `${MAY_NOT}: HTTP 403 ("Resource protected by organization SAML enforcement.").`,
      `The organization requires single sign-on (SSO): authorize the token at ${SSO}.`,
      10_000,
    ],
    [
      'single sign-on of other organizations',
      403,
      denied,
      { 'x-github-sso': 'partial-results; organizations=21955855' },
      `${MAY_NOT}: HTTP 403 ("Resource not accessible by integration").`,
      CHECK,
      10_000,
    ],
    [
      'a missing scope',
      404,
      {},
      { 'x-accepted-oauth-scopes': 'repo' },
      `${NOTHING}: HTTP 404; GitHub wants "repo". It does not exist, or the token cannot see it.`,
      SPELLING,
      10_000,
    ],
    [
      'no word about what is missing',
      404,
      { message: 'Not Found' },
      {},
      `${NOTHING}: HTTP 404 ("Not Found"). It does not exist, or the token cannot see it.`,
      SPELLING,
      10_000,
    ],
    [
      'a wrong token',
      401,
      { message: 'Bad credentials' },
      {},
      'GitHub does not accept github_token: HTTP 401 ("Bad credentials").',
      `It may be mistyped, or have expired. ${FITTING}`,
      10_000,
    ],
    [
      'another place',
      301,
      { message: 'Moved Permanently' },
      { location: 'https://evil.example' },
      `GitHub answered the request for ${WHAT} with HTTP 301 ("Moved Permanently").`,
      PLACE,
      10_000,
    ],
    [
      'nonsense',
      422,
      { message: 'Validation Failed' },
      {},
      `GitHub answered the request for ${WHAT} with HTTP 422 ("Validation Failed").`,
      PLACE,
      10_000,
    ],
  ])('%s', async (_, status, body, headers, message, hint, afterMs) => {
    const beganAt = clock.now();
    onGitHub().get(RUNNERS).query(true).times(50).reply(status, body, headers);
    const error = await failure(runners.listRunners(exactly('mac-7'), bounds));
    expect(error).toMatchObject({ code: 'github_api_failed', isTransient: false, message, hint });
    expect(clock.now() - beganAt).toBeGreaterThanOrEqual(afterMs);
    expect(clock.now() - beganAt).toBeLessThanOrEqual(afterMs + 3_000);
  });

  test.each([401, 403, 404])('a token that was just made, for a while: HTTP %i', async (status) => {
    onGitHub().get(RUNNERS).query(true).times(4).reply(status, denied);
    onGitHub().get(RUNNERS).query(true).reply(200, listed(wireRunner()));
    expect((await runners.listAll(bounds)).runners).toEqual([idle]);
    expect(faults).toEqual(
      Array(4).fill(`it answered HTTP ${status} ("Resource not accessible by integration")`),
    );
  });

  test('for a shorter while than 30 s once it gave a good answer', async () => {
    onGitHub().get(RUNNERS).query(true).reply(200, listed(wireRunner()));
    await runners.listAll(bounds);
    const beganAt = clock.now();
    onGitHub().get(RUNNERS).query(true).times(50).reply(403, denied);
    const list = (ms: number) => runners.listAll({ ...bounds, deadline: clock.now() + ms });
    expect(await failure(list(15_000))).toMatchObject({
      isTransient: true,
      message: expect.stringContaining(MAY_NOT),
    });
    expect(await failure(list(60_000))).toMatchObject({ isTransient: false });
    expect(clock.now() - beganAt).toBeGreaterThanOrEqual(30_000);
  });

  test('a proxy that will not', async () => {
    const cause = new Error('407');
    const noAnswer = {
      mayHaveBeenSent: false,
      nature: 'refusal' as const,
      reason: 'the proxy refuses',
      hint: '',
      cause,
    };
    const deaf: Transport = {
      send: async () => ({ noAnswer }),
      close: async () => {},
      renewConnections() {},
    };
    const proxied = runnersOver(deaf);
    expect(await failure(proxied.getRunner(23, bounds))).toMatchObject({
      code: 'github_api_failed',
      message: 'GitHub cannot be queried: the proxy refuses.',
      hint: 'Check GITHUB_API_URL and the proxy of the machine that runs the step.',
      cause,
    });
  });
});

test('a question travels as a bounded read, with the token and nothing else of note', async () => {
  const requests: unknown[] = [];
  const recording: Transport = {
    send: (request, given) => {
      requests.push(request);
      return transport.send(request, given);
    },
    close: async () => {},
    renewConnections() {},
  };
  onGitHub().get(ONE).reply(200, wireRunner());
  await runnersOver(recording).getRunner(23, bounds);
  expect(requests).toEqual([
    {
      ...{ method: 'GET', path: ONE, maxBytes: 16 * 1024 * 1024, isWrite: false },
      headers: {
        accept: 'application/vnd.github.v3+json',
        'x-github-api-version': '2022-11-28',
        authorization: `token ${TOKEN}`,
        'user-agent': expect.stringContaining('restart-anka-vm'),
      },
    },
  ]);
});
