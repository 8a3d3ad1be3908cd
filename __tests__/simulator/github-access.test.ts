import { describe, expect, test } from '@jest/globals';
import { reactAsGitHub } from '../../simulator/github-api.ts';
import { type Employment, GitHubWorld } from '../../simulator/github-world.ts';
import { DEFAULT_WORLD, World } from '../../simulator/world.ts';

const NOON = Date.parse('2026-07-01T12:00:00Z');
const SECOND = 1_000;
const ORGANIZATION = '/orgs/octo-org/actions/runners';
const REPOSITORY = '/repos/octo-org/app/actions/runners';
const ENTERPRISE = '/enterprises/octo-corp/actions/runners';
const RUNS = '/repos/octo-org/app/actions/runs';

type Options = Omit<ConstructorParameters<typeof GitHubWorld>[0], 'world'>;

/** A GitHub with a runner, and a function that sends requests to it. */
function create(options: Options = {}, employment: Partial<Employment> = {}) {
  const world = new World({ ...DEFAULT_WORLD, vms: 1, nodes: 1, startsAt: NOON });
  const github = new GitHubWorld({ world, ...options });
  const [record] = world.records;
  if (record === undefined) throw new Error('the world is empty');
  const runner = github.employ({ record, name: 'mac-7', ...employment });
  function send(path: string, method = 'GET', { body = {}, headers = {} as Record<string, string> } = {}) {
    const all = { authorization: 'token t', host: 'github.example', ...headers };
    const request = { method, path: `/api/v3${path}`, body: JSON.stringify(body), headers: all };
    const reaction = reactAsGitHub({ github, now: world.now }, request);
    return { ...reaction, json: reaction.body === '' ? undefined : JSON.parse(reaction.body) };
  }
  const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  const to = (seconds: number) => world.advanceTo(NOON + seconds * SECOND);
  return { world, github, runner, send, as, to };
}

describe('a refusal', () => {
  test('passes after a number of requests', () => {
    const { send } = create({ refusals: [{ status: 404, endpoint: 'runs', requests: 2 }] });
    expect([send(RUNS), send(ORGANIZATION), send(RUNS), send(RUNS)].map(({ status }) => status)).toEqual([
      404, 200, 404, 200,
    ]);
  });

  test('passes after a time, for one token', () => {
    const { send, as, to } = create({
      refusals: [{ status: 401, token: 'new', from: NOON, until: NOON + 3 * SECOND }],
    });
    const status = () => [send(ORGANIZATION, 'GET', as('new')).status, send(ORGANIZATION).status];
    expect(status()).toEqual([401, 200]);
    to(3);
    expect(status()).toEqual([200, 200]);
  });

  test('can begin at any time, with its own headers', () => {
    const { github, send } = create();
    const headers = { 'x-github-sso': 'required; url=https://github.example/sso' };
    github.refusals.add({
      status: 403,
      message: 'Resource protected by organization SAML enforcement.',
      headers,
    });
    expect(send(ORGANIZATION)).toMatchObject({
      status: 403,
      headers,
      json: { message: expect.stringContaining('SAML') },
    });
    github.refusals.add({ status: 418 });
    expect(send(ORGANIZATION).status).toBe(403);
  });

  test('has a message of GitHub’s, if none is given', () => {
    const { send } = create({ refusals: [{ status: 403, requests: 1 }, { status: 503 }] });
    expect([send(ORGANIZATION).json.message, send(ORGANIZATION).json.message]).toEqual([
      'Resource not accessible by integration',
      'Refused',
    ]);
  });
});

describe('a token', () => {
  const tokens = {
    reader: { runners: { 'octo-org': 'read' }, actions: { 'octo-org/app': 'none' } },
    GITHUB_TOKEN: { runners: { 'octo-org/app': 'none' }, actions: { 'octo-org/app': 'read' }, quota: 2 },
    ghs_new: {
      runners: { 'enterprises/octo-corp': 'write' },
      validFrom: NOON + SECOND,
      validUntil: NOON + 60 * SECOND,
    },
    github_pat_1: { runners: { 'enterprises/octo-corp': 'write' } },
    classic: { runners: { 'enterprises/octo-corp': 'write' } },
  } as const;

  test.each([
    ['reader', ORGANIZATION, 200],
    ['reader', REPOSITORY, 404],
    ['reader', RUNS, 403],
    ['reader', '/orgs/no-such-org/actions/runners', 404],
    ['GITHUB_TOKEN', REPOSITORY, 403],
    ['GITHUB_TOKEN', ORGANIZATION, 404],
    ['GITHUB_TOKEN', RUNS, 200],
    ['ghs_new', ENTERPRISE, 401],
    ['github_pat_1', ENTERPRISE, 403],
    ['classic', ENTERPRISE, 200],
    ['unknown', ORGANIZATION, 401],
    ['owner', ORGANIZATION, 200],
    ['owner', '/orgs/octo-org/actions/runs', 404],
  ])('%s gets for %s status %i', (token, path, status) => {
    const { send, as } = create({ token: 'owner', tokens });
    expect(send(path, 'GET', as(token)).status).toBe(status);
  });

  test('of an App does not see an enterprise, and lives for an hour', () => {
    const { send, as, to } = create({ token: 'owner', tokens });
    const ask = () => send(ENTERPRISE, 'GET', as('ghs_new')).status;
    expect([0, 2, 61].map((seconds) => [to(seconds), ask()][1])).toEqual([401, 403, 401]);
  });

  test('that can only read cannot change anything; the answer names the required permission', () => {
    const { send, as } = create({ token: 'owner', tokens });
    const denied = send(`${ORGANIZATION}/23/labels`, 'POST', { ...as('reader'), body: { labels: ['a'] } });
    expect([denied.status, denied.headers['x-accepted-github-permissions']]).toEqual([
      403,
      'organization_self_hosted_runners=write',
    ]);
    const ofRepository = send(REPOSITORY, 'GET', as('GITHUB_TOKEN'));
    expect(ofRepository.headers['x-accepted-github-permissions']).toBe('administration=read');
    expect(send(RUNS, 'GET', as('reader')).headers['x-accepted-github-permissions']).toBe('actions=read');
  });

  test('has its own quota', () => {
    const { send, as, github } = create({ token: 'owner', tokens });
    const ask = () => send(RUNS, 'GET', as('GITHUB_TOKEN')).status;
    expect([ask(), ask(), ask(), send(RUNS, 'GET', as('owner')).status]).toEqual([200, 200, 403, 200]);
    expect([github.used, github.quota]).toEqual([2, 5_000]);
  });
});

test('a write costs five of the points of a minute', () => {
  const { send, to } = create({ pointsPerMinute: 11 });
  const write = () => send(`${ORGANIZATION}/23/labels`, 'POST', { body: { labels: ['a'] } });
  expect([write(), write(), send(ORGANIZATION), send(ORGANIZATION)].map(({ status }) => status)).toEqual([
    200, 200, 200, 403,
  ]);
  expect(write().headers['retry-after']).toBe('60');
  to(60);
  expect(write().status).toBe(200);
});

test('an API version that GitHub does not have is refused', () => {
  const { send } = create();
  const ask = (version: string) =>
    send(ORGANIZATION, 'GET', { headers: { 'x-github-api-version': version } });
  expect(['2022-11-28', '2019-01-01'].map((version) => ask(version).status)).toEqual([200, 400]);
});

test('names are filtered by exactly, in their case, and Link may name another host', () => {
  const { world, github, send } = create({ linkHost: 'internal:8443' });
  const [record] = world.records;
  if (record !== undefined) github.employ({ record, name: 'mac-8' });
  expect(['mac-7', 'MAC-7'].map((name) => send(`${ORGANIZATION}?name=${name}`).json.total_count)).toEqual([
    1, 0,
  ]);
  expect(send('/orgs/Octo-Org/actions/runners').json.total_count).toBe(2);
  expect(send(`${ORGANIZATION}?per_page=1`).headers['link']).toBe(
    '<http://internal:8443/api/v3/orgs/octo-org/actions/runners?per_page=1&page=2>; rel="next"',
  );
});

describe('labels', () => {
  const LABELS = `${ORGANIZATION}/23/labels`;
  const named = ({ json }: { json: { labels: { name: string }[] } }) => json.labels.map(({ name }) => name);
  const DEFAULTS = ['self-hosted', 'macOS', 'ARM64'];

  test('are listed, added, replaced and removed; those that every runner has stay', () => {
    const { send } = create({}, { labels: ['pool'] });
    const put = (method: string, labels: unknown) => send(LABELS, method, { body: { labels } });
    expect(send(LABELS).json).toMatchObject({
      total_count: 4,
      labels: [{ type: 'read-only' }, {}, {}, { name: 'pool', type: 'custom' }],
    });
    expect(named(put('POST', ['POOL', 'macos.drained-7-1', 'macOS']))).toEqual([
      ...DEFAULTS,
      'pool',
      'macos.drained-7-1',
    ]);
    expect(named(send(`${LABELS}/Pool`, 'DELETE'))).toEqual([...DEFAULTS, 'macos.drained-7-1']);
    expect(named(put('PUT', ['a', 'b']))).toEqual([...DEFAULTS, 'a', 'b']);
    expect(send(`${ORGANIZATION}/23`).json.labels).toHaveLength(5);
    expect(named(send(LABELS, 'DELETE'))).toEqual(DEFAULTS);
  });

  test.each([
    ['a label that the runner does not have', 'DELETE', `${LABELS}/none`, {}, 404],
    ['a label that every runner has', 'DELETE', `${LABELS}/self-hosted`, {}, 422],
    ['no list', 'POST', LABELS, { labels: 'a' }, 422],
    ['an empty label', 'PUT', LABELS, { labels: [''] }, 422],
    ['a label that is too long', 'POST', LABELS, { labels: ['x'.repeat(257)] }, 422],
    ['another method', 'PATCH', LABELS, { labels: ['a'] }, 404],
    ['another runner', 'POST', `${ORGANIZATION}/7/labels`, { labels: ['a'] }, 404],
    ['a path that is none', 'GET', `${ORGANIZATION}/23/pool`, {}, 404],
  ])('refuses %s', (_, method, path, body, status) => {
    const { send, runner, github } = create({}, { labels: ['pool'] });
    expect(send(path, method, { body }).status).toBe(status);
    expect(github.labelsOf(runner)).toEqual(['pool']);
  });

  test('are those of the configuration again if the runner replaces itself', () => {
    const { world, github, runner, to } = create(
      {},
      { labels: ['pool'], atBoot: 'replace', hasDefaultLabels: false },
    );
    github.setLabels(runner, ['drained']);
    world.restart(runner.instanceId);
    to(60);
    expect([github.labelsOf(runner), runner.begins.length]).toEqual([['pool'], 1]);
  });
});

describe('a just-in-time configuration', () => {
  const JIT = `${ORGANIZATION}/generate-jitconfig`;

  test('registers a runner ahead, unless its name is taken', () => {
    const { send } = create();
    const ask = (name: string) =>
      send(JIT, 'POST', { body: { name, runner_group_id: 1, labels: ['self-hosted', 'pool'] } });
    expect(ask('mac-9')).toMatchObject({
      status: 201,
      json: {
        encoded_jit_config: expect.any(String),
        runner: { name: 'mac-9', status: 'offline', ephemeral: true },
      },
    });
    expect([ask('mac-9').status, ask('MAC-7').status]).toEqual([409, 409]);
    expect(send(ORGANIZATION).json.total_count).toBe(2);
    expect(send(`${ORGANIZATION}/24`, 'DELETE').status).toBe(204);
    expect(send(ORGANIZATION).json.total_count).toBe(1);
  });

  test('takes a name and labels', () => {
    const { send } = create({ quota: 2 });
    const statuses = [{}, { name: 'a' }, { name: 'b', labels: [] }].map(
      (body) => send(JIT, 'POST', { body }).status,
    );
    expect(statuses).toEqual([422, 422, 403]);
  });
});

test('nothing else is there', () => {
  const { send } = create({ quota: 6 });
  const asked: [string, string][] = [
    [`${ORGANIZATION}/no-such-token`, 'POST'],
    [ORGANIZATION, 'PATCH'],
    [`${ORGANIZATION}/23`, 'PUT'],
    [`${RUNS}/1`, 'DELETE'],
    [`${RUNS}/1/cancel`, 'POST'],
    [`${RUNS}/1/logs`, 'GET'],
  ];
  expect(asked.map(([path, method]) => send(path, method).status)).toEqual([404, 404, 404, 404, 404, 404]);
  expect(send(`${ORGANIZATION}/remove-token`, 'POST').status).toBe(201);
});
