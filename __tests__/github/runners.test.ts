import { describe, expect, test } from '@jest/globals';
import nock from 'nock';
import { exactly } from '../../src/github/runner-names.ts';
import type { Scope } from '../../src/github/scope.ts';
import {
  bounds,
  clock,
  connect,
  failure,
  faults,
  github,
  JSON_TYPE,
  listed,
  listings,
  ONE,
  ORIGIN,
  onGitHub,
  REPOSITORY,
  RUNNERS,
  runners,
  useNock,
} from '../support/nock-github.ts';
import { idle, runner, wireRunner } from '../support/runners.ts';

useNock();

const LIMITS = { 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': '4999' };
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

  test('is read again if the answer is about another', async () => {
    onGitHub()
      .get(ONE)
      .reply(200, wireRunner({ id: 7 }));
    onGitHub().get(ONE).reply(200, wireRunner());
    expect(await runners.getRunner(23, bounds)).toEqual(idle);
    expect(faults).toEqual(['it answered with another runner']);
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

describe('what cannot be read', () => {
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
});
