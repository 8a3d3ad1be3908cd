import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import nock from 'nock';
import { ActionError } from '../../src/errors.ts';
import { createGitHub, createToken, type GitHub } from '../../src/github/github-client.ts';
import type { Runner } from '../../src/github/runner.ts';
import { createRunnerLabels, type RunnerLabels } from '../../src/github/runner-labels.ts';
import { exactly } from '../../src/github/runner-names.ts';
import { createRunners, type Listing, type Runners } from '../../src/github/runners.ts';
import type { Scope } from '../../src/github/scope.ts';
import type { RetryBounds } from '../../src/http/retry.ts';
import { createTransport, type Transport } from '../../src/http/transport.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { idle, runner, wireRunner } from '../support/runners.ts';

// Octokit's traffic in the shapes that GitHub's reference documents.

const ORIGIN = 'https://api.github.example';
const TOKEN = 'github_pat_hunter2';
const REPOSITORY: Scope = { kind: 'repository', owner: 'octo-org', repo: 'app' };
const RUNNERS = '/repos/octo-org/app/actions/runners';
const ONE = `${RUNNERS}/23`;
const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };
const LIMITS = { 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': '4999' };
const PLAIN = { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true };

let clock: FakeClock;
let transport: Transport;
let github: GitHub;
let runners: Runners;
let labels: RunnerLabels;
let bounds: RetryBounds;
let faults: string[];
let debugged: string[];
let listings: Listing[];

function connect(scope = REPOSITORY, baseUrl = ORIGIN): void {
  // Pauses end at once. Limits, which have their own signals, are never reached.
  clock = createFakeClock((_, signal) => signal !== bounds.signal);
  [faults, debugged, listings] = [[], [], []];
  const signal = new AbortController().signal;
  bounds = { deadline: clock.now() + 600_000, signal, onFault: ({ reason }) => faults.push(reason) };
  const options = { proxy: undefined, tls: PLAIN, requestTimeoutMs: 10_000, clock };
  transport = createTransport({ baseUrl: new URL(baseUrl), ...options });
  runners = runnersOver(transport, { scope, baseUrl });
}

function runnersOver(transport: Transport, { scope = REPOSITORY, baseUrl = ORIGIN } = {}): Runners {
  const debug = (line: string) => debugged.push(line);
  github = createGitHub({ baseUrl, transport, clock, random: () => 0, debug });
  const client = github.clientWith([createToken('github_token', TOKEN)]);
  labels = createRunnerLabels(client, scope);
  return createRunners(client, scope, { clock, onList: (listing) => listings.push(listing) });
}

const onGitHub = () => nock(ORIGIN, { reqheaders: { authorization: `token ${TOKEN}` } });
const listed = (...items: unknown[]) => ({ total_count: items.length, runners: items });

async function failure(asking: Promise<unknown>): Promise<ActionError> {
  const error: unknown = await asking.then(
    () => undefined,
    (thrown) => thrown,
  );
  if (!(error instanceof ActionError)) throw new Error('it did not fail', { cause: error });
  return error;
}

beforeEach(() => {
  nock.disableNetConnect();
  connect();
});

afterEach(async () => {
  await transport.close();
  nock.abortPendingRequests();
  nock.cleanAll();
});

afterAll(() => nock.restore());

const PLACES: [Scope, string][] = [
  [REPOSITORY, RUNNERS],
  [{ kind: 'organization', org: 'octo-org' }, '/orgs/octo-org/actions/runners'],
  [{ kind: 'enterprise', enterprise: 'octo-corp' }, '/enterprises/octo-corp/actions/runners'],
];

describe('one runner', () => {
  test.each(PLACES)('is read by its ID: %j', async (scope, path) => {
    connect(scope);
    onGitHub()
      .get(`${path}/23`)
      .reply(200, wireRunner({ status: 'offline', busy: true }), LIMITS);
    expect(await runners.getRunner(23, bounds)).toEqual(runner({ isOnline: false, isBusy: true }));
  });

  test('that has not changed costs nothing', async () => {
    onGitHub()
      .get(ONE)
      .reply(200, wireRunner(), { ...LIMITS, etag: 'W/"abc"' });
    const unchanged = { 'if-none-match': 'W/"abc"' };
    onGitHub()
      .get(ONE)
      .matchHeader('if-none-match', unchanged['if-none-match'])
      .times(2)
      .reply(304, '', LIMITS);
    for (let count = 0; count < 3; count++) expect(await runners.getRunner(23, bounds)).toEqual(idle);
    expect(github.describeUsage()).toBe(
      'GitHub answered 3 requests, 2 of them free of charge (not modified); quota left: 4999 of 5000',
    );
  });

  test('that has changed is another, with another tag', async () => {
    onGitHub().get(ONE).reply(200, wireRunner(), { etag: 'W/"abc"' });
    onGitHub()
      .get(ONE)
      .matchHeader('if-none-match', 'W/"abc"')
      .reply(200, wireRunner({ busy: true }), { etag: 'W/"def"' });
    onGitHub().get(ONE).matchHeader('if-none-match', 'W/"def"').reply(304);
    await runners.getRunner(23, bounds);
    expect([await runners.getRunner(23, bounds), await runners.getRunner(23, bounds)]).toEqual(
      Array(2).fill(runner({ isBusy: true })),
    );
  });

  test('without a tag is read again each time', async () => {
    nock(ORIGIN, { badheaders: ['if-none-match'] })
      .get(ONE)
      .times(2)
      .reply(200, wireRunner());
    await runners.getRunner(23, bounds);
    expect(await runners.getRunner(23, bounds)).toEqual(idle);
  });

  test.each<[Record<string, unknown>, Partial<Runner>]>([
    [
      { ephemeral: true, version: '2.329.0' },
      { ephemeral: true, version: '2.329.0' },
    ],
    [
      { ephemeral: undefined, version: undefined },
      { ephemeral: undefined, version: undefined },
    ],
    [
      { ephemeral: 'no', version: 2 },
      { ephemeral: undefined, version: undefined },
    ],
    [{ labels: undefined }, { labels: [] }],
    [
      { labels: [7, { name: '' }, { name: 'a.b' }, { name: 'x'.repeat(256), type: 'custom' }] },
      {
        labels: [
          { name: 'a.b', type: 'read-only' },
          { name: 'x'.repeat(256), type: 'custom' },
        ],
      },
    ],
  ])('may lack what older servers do not say: %j', async (changes, expected) => {
    onGitHub().get(ONE).reply(200, wireRunner(changes));
    expect(await runners.getRunner(23, bounds)).toEqual(runner(expected));
  });

  test.each<[unknown]>([
    [wireRunner({ labels: undefined })],
    [wireRunner({ labels: [{ name: 'macos' }] })],
    [wireRunner({ labels: [{ type: 'custom' }] })],
    [wireRunner({ labels: ['macos'] })],
    [['no runner']],
  ])('is read again for its labels if one of them is missing: %j', async (damaged) => {
    const whole = [{ id: 5, name: 'macos', type: 'custom' }];
    const date = { date: 'Wed, 01 Jul 2026 12:00:00 GMT' };
    onGitHub()
      .get(ONE)
      .reply(200, JSON.stringify(damaged), { ...date, ...JSON_TYPE });
    onGitHub()
      .get(ONE)
      .reply(200, wireRunner({ labels: whole }), date);
    expect(await labels.read(23, bounds)).toEqual({
      labels: [{ name: 'macos', type: 'custom' }],
      date: Date.parse('2026-07-01T12:00:00Z'),
    });
    expect(faults).toEqual(['it answered with a runner whose labels cannot be read']);
  });

  test('that is gone differs from one that cannot be read', async () => {
    onGitHub().get(ONE).reply(404, { message: 'Not Found' });
    expect(await runners.getRunner(23, bounds)).toBeUndefined();
  });

  test('that was there, and had a tag, may be gone', async () => {
    onGitHub().get(ONE).reply(200, wireRunner(), { etag: 'W/"abc"' });
    onGitHub().get(ONE).reply(404, { message: 'Not Found' });
    expect([await runners.getRunner(23, bounds), await runners.getRunner(23, bounds)]).toEqual([
      idle,
      undefined,
    ]);
  });

  test('304 to a question without a tag makes no sense', async () => {
    onGitHub().get(ONE).times(20).reply(304);
    expect((await failure(runners.getRunner(23, bounds))).message).toContain('with HTTP 304');
    nock.cleanAll();
    onGitHub().get(ONE).reply(200, wireRunner());
    onGitHub().get(ONE).times(20).reply(304);
    expect(await runners.getRunner(23, bounds)).toEqual(idle);
    expect((await failure(runners.getRunner(23, bounds))).message).toContain('with HTTP 304');
  });
});

describe('the list', () => {
  test.each(PLACES)('%j: whole, for a name', async (scope, path) => {
    connect(scope);
    const others = [wireRunner({ id: 1, name: 'mac-77' }), wireRunner({ id: 2, name: 'other' })];
    onGitHub()
      .get(path)
      .query({ per_page: 100 })
      .reply(200, listed(...others, wireRunner({ name: 'MAC-7' })));
    expect(await runners.listRunners(exactly('mac-7'), bounds)).toEqual([runner({ name: 'MAC-7' })]);
  });

  test('for a name with any text in it', async () => {
    onGitHub()
      .get(RUNNERS)
      .query({ per_page: 100 })
      .reply(
        200,
        listed(wireRunner(), wireRunner({ id: 2, name: 'x' }), wireRunner({ id: 3, name: 'mac-8' })),
      );
    const found = await runners.listRunners({ parts: ['MAC-', ''] }, bounds);
    expect(found.map(({ id }) => id)).toEqual([23, 3]);
  });

  const pageOf = (from: number, count = 100) =>
    listed(...Array.from({ length: count }, (_, index) => wireRunner({ id: from + index })));
  const NEXT = { link: '<https://internal.example/api/v3/runners?page=2>; rel="next", <x>; rel="last"' };
  const page = (number: number, query = {}, path = RUNNERS) =>
    onGitHub()
      .get(path)
      .query({ ...query, per_page: 100, ...(number === 1 ? {} : { page: number }) });

  test.each(PLACES)('has all pages, counted up: a link may name another host: %j', async (scope, path) => {
    connect(scope);
    page(1, {}, path).reply(200, pageOf(1), NEXT);
    page(2, {}, path).reply(200, pageOf(101), NEXT);
    page(3, {}, path).reply(200, pageOf(201, 7), { link: '<x>; rel="prev"' });
    const ids = (await runners.listAll(bounds)).runners.map(({ id }) => id);
    expect(ids).toEqual(Array.from({ length: 207 }, (_, index) => index + 1));
  });

  test('costs nothing while nothing changes', async () => {
    const tag = (etag: string) => ({ etag });
    page(1).reply(200, pageOf(1), { ...NEXT, ...tag('W/"1"') });
    page(2).reply(200, pageOf(101, 3), tag('W/"2"'));
    page(1).matchHeader('if-none-match', 'W/"1"').reply(304);
    page(2).matchHeader('if-none-match', 'W/"2"').reply(304);
    await runners.listAll(bounds);
    expect((await runners.listAll(bounds)).runners).toHaveLength(103);
    expect(github.describeUsage()).toContain('GitHub answered 4 requests, 2 of them free of charge');
  });

  describe('whose pages shift while they are read', () => {
    const others = (...ids: number[]) => listed(...ids.map((id) => wireRunner({ id, name: `other-${id}` })));
    const pages = (...answers: ReturnType<typeof listed>[]) => {
      for (const [index, answer] of answers.entries())
        page(index + 1).reply(200, answer, index === answers.length - 1 ? {} : NEXT);
    };
    const find = () => runners.listRunners(exactly('mac-7'), bounds);

    test('is read twice before a runner is not there', async () => {
      pages(others(1, 2), others(3));
      pages(others(1), listed(wireRunner()));
      expect(await find()).toEqual([idle]);
    });

    test('is read at most twice', async () => {
      pages(others(1, 2), others(3));
      pages(others(1, 2), others(3));
      expect(await find()).toEqual([]);
      expect(nock.isDone()).toBe(true);
    });

    test('is read once if the runner is on one of them', async () => {
      pages(listed(wireRunner(), wireRunner({ id: 1, name: 'other-1' })), others(3));
      expect(await find()).toEqual([idle]);
    });

    test('is read once if it has only one page', async () => {
      pages(others(1, 2));
      expect(await find()).toEqual([]);
    });

    describe('that lacks runners, by its total or by a page too many', () => {
      const short = (...ids: number[]) => ({ ...others(...ids), total_count: 5 });

      test('counts none as missing, and says what is wrong', async () => {
        page(1).times(2).reply(200, short(1, 2));
        await expect(find()).rejects.toThrow(
          'its list of the self-hosted runners of repository octo-org/app has only 2 of 5',
        );
        expect(faults).toEqual([
          'its list of the self-hosted runners of repository octo-org/app has only 2 of 5, and the runner may be among the rest',
        ]);
      });

      test('may have the runner all the same', async () => {
        page(1).reply(200, { ...listed(wireRunner()), total_count: 5 });
        expect(await find()).toEqual([idle]);
      });

      test('says too little about a pattern, because other matches may be missing', async () => {
        page(1)
          .times(2)
          .reply(200, { ...listed(wireRunner()), total_count: 5 });
        await expect(runners.listRunners({ parts: ['mac-', ''] }, bounds)).rejects.toThrow('only 1 of 5');
      });

      test('is read once more, because a runner may have gone between two pages', async () => {
        page(1).reply(200, { ...listed(wireRunner()), total_count: 2 });
        page(1).reply(200, listed(wireRunner()));
        expect(await runners.listRunners({ parts: ['mac-', ''] }, bounds)).toEqual([idle]);
      });

      test('is searched by name, if it is long', async () => {
        const full = { ...others(...Array.from({ length: 100 }, (_, index) => index)), total_count: 10_001 };
        onGitHub()
          .get(RUNNERS)
          .query(({ name }) => name === undefined)
          .times(100)
          .reply(200, full, NEXT);
        page(1, { name: 'mac-7' }).reply(200, listed(wireRunner()));
        expect(await find()).toEqual([idle]);
      });
    });

    const hundred = others(...Array.from({ length: 100 }, (_, index) => index));

    test.each([[101], [1], [undefined]])(
      'goes on after a full page where GitHub gives no links, and a total of %s',
      async (total_count) => {
        page(1).reply(200, { ...hundred, total_count });
        page(2).reply(200, { ...listed(wireRunner()), total_count });
        expect(await find()).toEqual([idle]);
      },
    );

    test('ends after a full page that has exactly the total', async () => {
      page(1).reply(200, { ...hundred, total_count: 100 });
      expect(await find()).toEqual([]);
    });

    test('has a runner once that is on two of them, as it was last', async () => {
      pages(listed(wireRunner()), listed(wireRunner({ status: 'offline' })));
      expect(await find()).toEqual([runner({ isOnline: false })]);
    });

    test.each([
      [false, true],
      [true, false],
    ])('has a busy runner if one of two entries is busy: %s, then %s', async (first, last) => {
      pages(listed(wireRunner({ busy: first })), listed(wireRunner({ busy: last })));
      expect(await find()).toEqual([runner({ isBusy: true })]);
    });

    test('is long: then the name is searched first, and the whole list is read before the runner counts as missing', async () => {
      pages(others(1), listed(wireRunner()));
      await find();
      const named = () => page(1, { name: 'mac-7' });
      named().reply(200, listed(wireRunner()));
      expect(await find()).toEqual([idle]);
      // GitHub's own filter may be case-sensitive.
      named().reply(200, listed());
      pages(others(1), listed(wireRunner({ name: 'Mac-7' })));
      expect(await find()).toEqual([runner({ name: 'Mac-7' })]);
      named().reply(200, listed());
      pages(others(1, 2));
      expect(await find()).toEqual([]);
      pages(others(1, 2));
      expect(await find()).toEqual([]);
      expect(nock.isDone()).toBe(true);
    });
  });

  test('is read again page by page', async () => {
    page(1).reply(200, pageOf(1), NEXT);
    const second = () => page(2);
    second().reply(502);
    second().reply(200, '{"total_count":101}', { 'content-type': 'application/json' });
    second().reply(200, pageOf(101, 1));
    expect((await runners.listAll(bounds)).runners).toHaveLength(101);
    expect(faults).toEqual(['it answered HTTP 502', 'it answered without a list of runners']);
  });

  test('counts a page that shows a job, even if the next one gets no answer', async () => {
    const full = Array.from({ length: 100 }, (_, index) => wireRunner({ id: index + 1, busy: index === 3 }));
    page(1).reply(200, { total_count: 101, runners: full }, NEXT);
    page(2).times(99).reply(502);
    await failure(runners.listAll({ ...bounds, deadline: clock.now() + 5_000 }));
    expect([3, 4].map((id) => runners.shownBusyAt(id) !== undefined)).toEqual([false, true]);
    nock.cleanAll();
  });

  test('is read within the time for all of it', async () => {
    const deadline = clock.now() + 60_000;
    page(1).reply(429, '', { 'retry-after': '50' });
    page(1).reply(200, pageOf(1), NEXT);
    page(2).times(2).reply(429, '', { 'retry-after': '50' });
    const error = await failure(runners.listAll({ ...bounds, deadline }));
    expect([error.isTransient, clock.sleeps]).toEqual([true, [50_000]]);
  });

  test('ends, even if GitHub does not', async () => {
    onGitHub().get(RUNNERS).query(true).times(101).reply(200, pageOf(1), NEXT);
    expect((await runners.listAll(bounds)).runners).toHaveLength(100);
    expect(github.describeUsage()).toContain('GitHub answered 100 requests');
  });

  test('is the field of that name, next to any other fields', async () => {
    const data = { others: [wireRunner({ id: 7 })], url: ORIGIN, ...listed(wireRunner()) };
    onGitHub().get(RUNNERS).query(true).reply(200, data);
    expect((await runners.listAll(bounds)).runners).toEqual([idle]);
  });

  test('HTTP 409 is not an empty page', async () => {
    onGitHub().get(RUNNERS).query(true).times(20).reply(409);
    expect((await failure(runners.listAll(bounds))).message).toContain('with HTTP 409');
  });

  test('on a GitHub Enterprise Server keeps the prefix', async () => {
    connect(REPOSITORY, `${ORIGIN}/api/v3`);
    onGitHub().get(`/api/v3${RUNNERS}`).query(true).reply(200, listed());
    expect((await runners.listAll(bounds)).runners).toEqual([]);
  });
});

describe('what a list shows is reported', () => {
  const DATE = 'Sun, 29 Nov 2026 12:00:00 GMT';
  const NOON = Date.UTC(2026, 10, 29, 12);
  const other = wireRunner({ id: 24, name: 'other' });

  test('with all runners of all pages, by the date of the last page', async () => {
    onGitHub()
      .get(`${RUNNERS}?per_page=100`)
      .reply(200, listed(wireRunner(), other), { date: DATE, link: '<x>; rel="next"' })
      .get(`${RUNNERS}?per_page=100&page=2`)
      .reply(200, listed(other), { date: 'Sun, 29 Nov 2026 12:00:01 GMT' });
    expect(await runners.listRunners(exactly('mac-7'), bounds)).toEqual([idle]);
    expect(listings).toEqual([{ runners: [idle, runner({ id: 24, name: 'other' })], date: NOON + 1_000 }]);
  });

  test('by the date of an answer that says that nothing has changed', async () => {
    onGitHub().get(RUNNERS).query(true).reply(200, listed(wireRunner()), { etag: '"a"' });
    onGitHub().get(RUNNERS).query(true).reply(304, '', { date: DATE });
    await runners.listAll(bounds);
    expect(listings).toEqual([]);
    await runners.listAll(bounds);
    expect(listings).toEqual([{ runners: [idle], date: NOON }]);
  });
});

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
    [
      'another runner',
      () => onGitHub().get(ONE),
      (asked) => asked.reply(200, wireRunner({ id: 7 })),
      'another runner',
    ],
    [
      'no name',
      () => onGitHub().get(ONE),
      (asked) => asked.reply(200, wireRunner({ name: '' })),
      'it answered with a runner that lacks name',
    ],
    [
      'no status',
      () => onGitHub().get(ONE),
      (asked) => asked.reply(200, wireRunner({ status: 7 })),
      `it answered with runner "${idle.name}" that lacks status`,
    ],
    [
      'an unknown status',
      () => onGitHub().get(ONE),
      (asked) => asked.reply(200, wireRunner({ status: 'Online' })),
      `it answered with runner "${idle.name}" whose status is "Online", neither "online" nor "offline"`,
    ],
    [
      'no number',
      () => onGitHub().get(ONE),
      (asked) => asked.reply(200, wireRunner({ id: '23' })),
      `it answered with runner "${idle.name}" that lacks id`,
    ],
    [
      'half busy',
      () => onGitHub().get(ONE),
      (asked) => asked.reply(200, wireRunner({ busy: 'half' })),
      `it answered with runner "${idle.name}" that lacks busy`,
    ],
  ])('%s', async (_, ask, suffer, reason) => {
    suffer(ask());
    onGitHub().get(ONE).reply(200, wireRunner());
    expect(await runners.getRunner(23, bounds)).toEqual(idle);
    expect(faults).toEqual([expect.stringContaining(reason)]);
    expect(clock.sleeps).toEqual([250]);
  });

  test.each([['nothing'], ['[]'], ['{"runners":{}}']])('not a list: %s', async (body) => {
    onGitHub().get(RUNNERS).query(true).reply(200, body, JSON_TYPE);
    onGitHub().get(RUNNERS).query(true).reply(200, listed());
    await runners.listRunners(exactly('x'), bounds);
    expect(faults).toEqual(['it answered without a list of runners']);
  });

  test('a page that is larger than requested', async () => {
    const page = Array.from({ length: 101 }, (_, index) => wireRunner({ id: index + 1 }));
    onGitHub().get(RUNNERS).query(true).reply(200, { runners: page });
    onGitHub().get(RUNNERS).query(true).reply(200, listed());
    await runners.listRunners(exactly('x'), bounds);
    expect(faults).toEqual(['it answered with more runners than were asked for']);
  });

  test('unreadable entries of other runners do not matter', async () => {
    const strange = wireRunner({ id: 7, name: 'other', status: 'weird' });
    const answers = () =>
      onGitHub()
        .get(RUNNERS)
        .query(true)
        .reply(200, { runners: [strange, wireRunner()] });
    answers();
    expect(await runners.listRunners(exactly(idle.name), bounds)).toEqual([idle]);
    answers();
    expect((await runners.listAll(bounds)).runners).toEqual([idle]);
    expect(faults).toEqual([]);
  });

  test.each([
    [
      'the requested one',
      { status: 'active' },
      `runner "${idle.name}" whose status is "active", neither "online" nor "offline"`,
    ],
    ['one without a name, which could match', { name: undefined }, 'a runner that lacks name'],
    ['one with a name too long to read', { name: 'x'.repeat(1_001) }, 'a runner that lacks name'],
    [
      'nothing like one',
      { name: idle.name.toUpperCase(), id: '23', busy: null },
      `runner "${idle.name.toUpperCase()}" that lacks id, busy`,
    ],
  ])('what cannot be read: %s', async (_, changes, what) => {
    onGitHub()
      .get(RUNNERS)
      .query(true)
      .reply(200, { runners: [wireRunner(changes)] });
    onGitHub().get(RUNNERS).query(true).reply(200, listed());
    await runners.listRunners(exactly(idle.name), bounds);
    expect(faults).toEqual([`it answered with ${what}`]);
  });

  test('an entry that is not a runner, and might be the right one', async () => {
    onGitHub()
      .get(RUNNERS)
      .query(true)
      .reply(200, { runners: ['mac-7'] });
    onGitHub().get(RUNNERS).query(true).reply(200, listed());
    await runners.listRunners(exactly(idle.name), bounds);
    expect(faults).toEqual(['it answered with a runner that lacks id, name, status, busy']);
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
    bounds = { ...bounds, signal: cancelled.signal };
    onGitHub()
      .get(ONE)
      .reply(() => {
        cancelled.abort(new ActionError('cancelled', 'The step was canceled.'));
        return [200, wireRunner()];
      });
    const error = await failure(runners.getRunner(23, bounds));
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
      `GitHub answered the question for ${WHAT} with HTTP 301 ("Moved Permanently").`,
      PLACE,
      10_000,
    ],
    [
      'nonsense',
      422,
      { message: 'Validation Failed' },
      {},
      `GitHub answered the question for ${WHAT} with HTTP 422 ("Validation Failed").`,
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

describe('octokit', () => {
  test('errors that hold the request go no further', async () => {
    onGitHub().get(ONE).reply(500, { message: 'x' });
    const error = await failure(runners.getRunner(23, { ...bounds, deadline: clock.now() + 400 }));
    const whole = [error, error.cause].map((each) =>
      JSON.stringify(each, Object.getOwnPropertyNames(each ?? {})),
    );
    expect(whole.join()).not.toContain(TOKEN);
    expect(error.cause).toBeUndefined();
  });

  test('wraps a defect of the transport, which is not an answer from GitHub', async () => {
    const defect = new TypeError('bug');
    const broken: Transport = {
      send: () => Promise.reject(defect),
      close: async () => {},
      renewConnections() {},
    };
    await expect(runnersOver(broken).getRunner(23, bounds)).rejects.toBe(defect);
  });

  test('a defect while an answer is read is not an answer of GitHub', async () => {
    onGitHub().get(RUNNERS).query(true).reply(200, listed());
    const defect = new TypeError('bug');
    const client = github.clientWith([createToken('github_token', TOKEN)]);
    const question = {
      route: `GET ${RUNNERS}`,
      parameters: {},
      access: { subject: '', permission: '', input: '' },
    };
    const read = () => {
      throw defect;
    };
    await expect(client.ask({ ...bounds, ...question, read })).rejects.toBe(defect);
  });

  test('stumbles over some answers, which may be better the next time', async () => {
    onGitHub().get(ONE).reply(500, '{"id":12345678901234567890}', JSON_TYPE);
    onGitHub().get(ONE).reply(200, wireRunner());
    expect(await runners.getRunner(23, bounds)).toEqual(idle);
    expect(faults).toEqual([expect.stringMatching(/^it answered what octokit cannot read: .*BigInt/)]);
  });

  test('says what the server made it say to the debug log alone', async () => {
    const headers = { deprecation: 'true', sunset: '::error::owned', link: '<x>; rel="deprecation"' };
    onGitHub().get(ONE).reply(200, wireRunner(), headers);
    const said = jest.spyOn(console, 'warn');
    await runners.getRunner(23, bounds);
    expect(debugged).toEqual([expect.stringMatching(/is deprecated.* removed on ::error::owned\. See x$/)]);
    expect(said).not.toHaveBeenCalled();
  });

  test('and there without the query, which may hold what the controller sent', async () => {
    const list = { total_count: 1, runners: [wireRunner()] };
    onGitHub().get(RUNNERS).query(true).reply(200, list, { deprecation: 'true' });
    await runners.listRunners(exactly('hunter2 &'), bounds);
    expect(debugged.filter((line) => line.includes('deprecated'))).toEqual([
      expect.stringMatching(/"GET https:[^?]*\/actions\/runners\?\.\.\." is deprecated/),
    ]);
    expect(debugged.join()).not.toContain('hunter2');
  });
});
