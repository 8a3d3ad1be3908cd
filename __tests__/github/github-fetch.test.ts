import { describe, expect, test } from '@jest/globals';
import { createFetch } from '../../src/github/github-fetch.ts';
import { UnusableAnswer } from '../../src/http/json.ts';
import type { Answer, HttpResult } from '../../src/http/transport.ts';

const BASE = 'https://github.example/api/v3';

interface Asked {
  readonly method?: string | undefined;
  readonly signal?: AbortSignal;
}

/** What octokit gets from the address, and the requests that it sent for that. */
async function fetched(url: string, result: HttpResult = answer(), { method, signal }: Asked = {}) {
  const paths: string[] = [];
  const sent: [method: string, signal: AbortSignal][] = [];
  const answers: Answer[] = [];
  const fetch = createFetch({
    baseUrl: BASE,
    transport: {
      async send({ path, method }, { signal }) {
        paths.push(path);
        sent.push([method, signal]);
        return result;
      },
      async close() {},
      renewConnections() {},
    },
    bounds: { deadline: 0, signal: signal ?? new AbortController().signal },
    onAnswer: (each) => answers.push(each),
  });
  const got = await fetch(url, { headers: {}, ...(method !== undefined && { method }) }).catch(
    (error: Error) => error,
  );
  return { got, paths, answers, sent };
}

function answer(changes: Partial<Answer> = {}): { answer: Answer } {
  const silent = { location: undefined, retryAfterMs: undefined, proxy: undefined };
  return { answer: { status: 200, text: '', headers: {}, ...silent, ...changes } };
}

test.each([
  '/orgs/o/actions/runners?name=mac%207%26x%3D1',
  '//runners',
  '/@evil.example/x',
  '/x?name=/../',
  '/.../..a/%2e%2e%2e',
  '/a%2F..',
])('what is asked for is below the base: %s', async (path) => {
  expect((await fetched(`${BASE}${path}`)).paths).toEqual([path]);
});

test.each(['/labels/.', '/labels/..', '/labels/%2e', '/labels/.%2E?page=2', '/../x', '/x/./y', '/labels/'])(
  'a path that would lead elsewhere is not asked for: %s',
  async (path) => {
    const { got, paths } = await fetched(`${BASE}${path}`);
    expect([got, paths]).toEqual([expect.objectContaining({ code: 'github_api_failed' }), []]);
  },
);

describe('an answer', () => {
  test('gets to octokit as it is', async () => {
    const headers = { etag: 'W/"abc"', link: undefined, 'content-type': 'application/json' };
    const { got, answers } = await fetched(
      BASE.concat('/x'),
      answer({ status: 403, text: '{"a":"ä"}', headers }),
    );
    if (!(got instanceof Response)) throw new Error('no answer', { cause: got });
    expect([got.status, [...got.headers], await got.json()]).toEqual([
      403,
      [
        ['content-type', 'application/json'],
        ['etag', 'W/"abc"'],
      ],
      { a: 'ä' },
    ]);
    expect(answers).toHaveLength(1);
  });

  test.each([204, 205, 304])('HTTP %i has no body', async (status) => {
    expect(await fetched(`${BASE}/x`, answer({ status }))).toMatchObject({ got: { status, body: null } });
  });

  test.each([{ status: 600 }, { headers: { server: 'Ω' } }])('that is none: %j', async (changes) => {
    const { got, answers } = await fetched(`${BASE}/x`, answer(changes));
    expect(got).toBeInstanceOf(UnusableAnswer);
    expect(got).toMatchObject({
      message: 'it answered with a status or headers that HTTP does not allow',
      cause: expect.anything(),
    });
    expect(answers).toHaveLength(1);
  });
});

test('an answer that would take seconds to parse does not get to octokit', async () => {
  const { got } = await fetched(`${BASE}/runners`, answer({ text: '['.repeat(1_000) }));
  expect(got).toBeInstanceOf(UnusableAnswer);
});

describe('no answer', () => {
  const cause = new Error('read ECONNRESET');
  const noAnswer = { mayHaveBeenSent: true, reason: 'it hung up', hint: 'Check controller_url.', cause };

  const hint = 'Check GITHUB_API_URL and the proxy of the machine that runs the step.';

  test.each(['passing', 'long pause', 'mistake'] as const)(
    '%s: the next attempt may get it',
    async (nature) => {
      const { got } = await fetched(`${BASE}/x`, { noAnswer: { ...noAnswer, nature } });
      expect(got).toBeInstanceOf(UnusableAnswer);
      expect(got).toMatchObject({ message: 'it hung up', nature, hint, cause });
    },
  );

  test('but a refusal is over at once', async () => {
    const { got } = await fetched(`${BASE}/x`, { noAnswer: { ...noAnswer, nature: 'refusal' } });
    expect(got).toMatchObject({
      code: 'github_api_failed',
      isTransient: false,
      message: 'GitHub cannot be queried: it hung up.',
      hint,
      cause,
    });
  });
});

describe('an abort', () => {
  test.each([
    ['GET', 'GET', true],
    ['POST', 'POST', false],
    ['DELETE', 'DELETE', false],
    [undefined, 'GET', true],
    ['PATCH', 'GET', true],
  ])('after a request was sent cuts off a read alone: %s', async (method, as, isCutOff) => {
    const cancellation = new AbortController();
    const { sent } = await fetched(`${BASE}/x`, answer(), { method, signal: cancellation.signal });
    cancellation.abort();
    expect(sent.map(([method, { aborted }]) => [method, aborted])).toEqual([[as, isCutOff]]);
  });

  test.each(['GET', 'POST'])('before that keeps every request from being sent: %s', async (method) => {
    const reason = new Error('canceled');
    const { got, sent } = await fetched(`${BASE}/x`, answer(), { method, signal: AbortSignal.abort(reason) });
    expect([got, sent]).toEqual([reason, []]);
  });
});
